/** What buyers tell line by line becomes seconds, percentiles and the list of orders that got a yes. */
import { expect, test } from 'vitest';
import { Told } from '../../loadtest/load/told.ts';

const line = (second: number, waits: number[], statuses: Record<string, number>, yeses: string[] = []) =>
  JSON.stringify({ second, waits, statuses, yeses });

test('buyers of one second are put together, and seconds stand in order', () => {
  const told = new Told();
  expect(told.hear(line(101, [20], { 409: 1 }))).toBe(true);
  expect(told.hear(line(100, [10, 30], { 201: 2 }, ['1-1', '1-2']))).toBe(true);
  expect(told.hear(line(100, [20], { 409: 1 }))).toBe(true);
  expect(told.seconds()).toMatchObject([
    { second: 100, answers: 3, statuses: { 201: 2, 409: 1 }, p50Ms: 2, p99Ms: 3 },
    { second: 101, answers: 1, statuses: { 409: 1 }, p50Ms: 2 },
  ]);
  expect(told.waits.total).toBe(4);
  expect(told.statuses).toEqual({ 201: 2, 409: 2 });
  expect(told.yeses).toEqual(['1-1', '1-2']);
});

test('what k6 itself says is not taken for it', () => {
  const told = new Told();
  expect(told.hear('Insufficient VUs, reached 400 active VUs')).toBe(false);
  expect(told.hear('')).toBe(false);
  expect(told.seconds()).toEqual([]);
});

test('a percentile is never below the wait it stands for, and at most a few per cent above', () => {
  const told = new Told();
  // 1 to 10,000 tenths of a millisecond, each once.
  const waits = Array.from({ length: 10_000 }, (_, i) => i + 1);
  told.hear(line(1, waits, { 201: waits.length }));
  for (const share of [0.0013, 0.0337, 0.3333, 0.5, 0.9501, 0.9999, 1]) {
    const exactMs = Math.ceil(10_000 * share) / 10;
    const foundMs = told.waits.percentileMs(share);
    expect(foundMs).toBeGreaterThanOrEqual(exactMs);
    expect(foundMs).toBeLessThanOrEqual(exactMs * 1.06);
  }
});

test('without an answer there is no percentile', () => {
  expect(new Told().waits.percentileMs(0.5)).toBeNaN();
});
