/**
 * When the worker rests between two chunks: it gathers, it gives way to those who sell while the ledger is nearly up to
 * date, and it does neither where the ledger is late or nobody sells.
 */
import { describe, expect, test } from 'vitest';
import { GIVE_WAY_MS_MAX, Throttle } from '../../src/worker/carry/throttle.ts';

const LIMITS = { gatherMs: 25, giveWayLagMs: 1_000, fullSpeedLagMs: 3_000 };
const NOW_MS = 1_000_000;

/** After two looks between which this many events were decided. */
function throttleAfter(eventsBetween: number): Throttle {
  const throttle = new Throttle(LIMITS);
  throttle.observe({ eventsTotal: 10, clockMs: NOW_MS - 100 });
  throttle.observe({ eventsTotal: 10 + eventsBetween, clockMs: NOW_MS });
  return throttle;
}

describe('gathering', () => {
  const throttle = new Throttle(LIMITS);
  test('a chunk that was not full is followed by a rest, counted from its beginning', () => {
    expect(throttle.pauseMs(10, 0, false)).toBe(15);
    expect(throttle.pauseMs(30, 0, false)).toBe(0);
  });
  test('a full one is not', () => {
    expect(throttle.pauseMs(10, 0, true)).toBe(0);
  });
});

describe('giving way', () => {
  test('takes a third of the time while the ledger is less than a second behind', () => {
    const throttle = throttleAfter(1);
    for (const lagMs of [0, 500, 1_000]) expect(throttle.pausesPerWork(NOW_MS - lagMs)).toBe(2);
    expect(throttle.pauseMs(40, 2, true)).toBe(80);
    expect(throttle.pauseMs(40, 2, false)).toBe(80);
  });
  test('takes more of it the later the ledger is, and all of it from three seconds on', () => {
    const throttle = throttleAfter(1);
    const rests = [1_000, 1_500, 2_000, 2_500, 3_000, 60_000].map((lagMs) =>
      throttle.pausesPerWork(NOW_MS - lagMs),
    );
    expect(rests).toEqual([2, 1.5, 1, 0.5, 0, 0]);
  });
  test('ends where nothing was decided between two looks: nobody sells', () => {
    expect(throttleAfter(0).pausesPerWork(NOW_MS)).toBe(0);
  });
  test('does not take a look that was not made for one that showed nothing', () => {
    const throttle = new Throttle(LIMITS);
    const head = { eventsTotal: 20, clockMs: NOW_MS };
    throttle.observe({ eventsTotal: 10, clockMs: NOW_MS });
    throttle.observe(head);
    throttle.observe(head);
    expect(throttle.pausesPerWork(NOW_MS)).toBe(2);
  });
  test('does not begin before it was seen that somebody sells', () => {
    const throttle = new Throttle(LIMITS);
    expect(throttle.pausesPerWork(NOW_MS)).toBe(0);
    throttle.observe({ eventsTotal: 1_000, clockMs: NOW_MS });
    expect(throttle.pausesPerWork(NOW_MS)).toBe(0);
  });
  test('is bounded where a chunk took very long', () => {
    expect(throttleAfter(1).pauseMs(30_000, 2, true)).toBe(GIVE_WAY_MS_MAX);
  });
});
