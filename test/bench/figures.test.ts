/** Figures: medians with their spread, ratios turn by turn, and how far a target is missed. */
import { expect, test } from 'vitest';
import { closedLoop, UNCOUNTED } from '../../loadtest/bench/callers.ts';
import { figure, ratios, shortBy, spreadOf } from '../../loadtest/bench/figures.ts';

test('the median of an even number lies between the middle two', () => {
  expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, low: 1, high: 4 });
  expect(spreadOf([9, 1, 5])).toEqual({ median: 5, low: 1, high: 9 });
  expect(() => spreadOf([])).toThrow();
});

test('ratios are taken within a turn, so that a slow minute weighs on both', () => {
  expect(ratios([100, 10], [50, 5])).toEqual([2, 2]);
});

test('a target is short by the missing part of it', () => {
  expect(shortBy(figure('rate', 'x', [3], { target: { atLeast: 4 } }))).toBeCloseTo(0.25);
  expect(shortBy(figure('time', 'us', [5], { target: { atMost: 4 } }))).toBeCloseTo(0.25);
  expect(shortBy(figure('time', 'us', [4], { target: { atMost: 4 } }))).toBe(0);
});

test('calls that came to nothing are no throughput and have no wait', async () => {
  const span = { warmUpMs: 0, measureMs: 60_000, callsMax: 100 };
  const calls = await closedLoop(
    4,
    span,
    async () => ({}),
    async (n) => (n % 2 === 0 ? UNCOUNTED : undefined),
  );
  expect(calls.count).toBe(50);
  expect(calls.latenciesMs).toHaveLength(50);
});
