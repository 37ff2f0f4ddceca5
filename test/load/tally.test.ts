/** The buyers' reports become seconds, percentiles and the list of orders that got a yes. */
import { expect, test } from 'vitest';
import { Tally } from '../../loadtest/load/tally.ts';

const line = (second: number, waits: number[], statuses: Record<string, number>, yeses: string[] = []) =>
  JSON.stringify({ second, waits, statuses, yeses });

test('reports of one second are added up, and seconds are in order', () => {
  const tally = new Tally();
  expect(tally.add(line(101, [20], { 409: 1 }))).toBe(true);
  expect(tally.add(line(100, [10, 30], { 201: 2 }, ['1-1', '1-2']))).toBe(true);
  expect(tally.add(line(100, [20], { 409: 1 }))).toBe(true);
  expect(tally.seconds()).toMatchObject([
    { second: 100, answers: 3, statuses: { 201: 2, 409: 1 }, p50Ms: 2, p99Ms: 3 },
    { second: 101, answers: 1, statuses: { 409: 1 }, p50Ms: 2 },
  ]);
  expect(tally.waits.total).toBe(4);
  expect(tally.statuses).toEqual({ 201: 2, 409: 2 });
  expect(tally.yeses).toEqual(['1-1', '1-2']);
});

test('lines of k6 itself are no reports', () => {
  const tally = new Tally();
  expect(tally.add('Insufficient VUs, reached 400 active VUs')).toBe(false);
  expect(tally.add('')).toBe(false);
  expect(tally.seconds()).toEqual([]);
});

test('a percentile is never below the wait it stands for, and at most a few per cent above', () => {
  const tally = new Tally();
  // 1 to 10,000 tenths of a millisecond, each once.
  const waits = Array.from({ length: 10_000 }, (_, i) => i + 1);
  tally.add(line(1, waits, { 201: waits.length }));
  for (const share of [0.0013, 0.0337, 0.3333, 0.5, 0.9501, 0.9999, 1]) {
    const exactMs = Math.ceil(10_000 * share) / 10;
    const foundMs = tally.waits.percentileMs(share);
    expect(foundMs).toBeGreaterThanOrEqual(exactMs);
    expect(foundMs).toBeLessThanOrEqual(exactMs * 1.06);
  }
});

test('without an answer there is no percentile', () => {
  expect(new Tally().waits.percentileMs(0.5)).toBeNaN();
});
