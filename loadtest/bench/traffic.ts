/**
 * Orders by the clock, answered or not: a slow answer does not keep the next customer away, as in a shop. A call counts
 * from when it was due, so a late generator hides no wait.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** More calls than any run makes; it bounds the memory of the samples. */
const CALLS_MAX = 2_000_000;

export interface Traffic {
  /** Calls that have their answer. */
  answered(): number;
  /** Waits of the calls in flight at any time between two instants, in milliseconds, sorted. */
  between(fromMs: number, toMs: number): Float64Array;
  /** Makes no more calls and waits for those in flight. @throws what a call threw */
  stop(): Promise<void>;
}

/** @param call gets the number of the call, from 0 on */
export function openTraffic(perSecond: number, call: (n: number) => Promise<unknown>): Traffic {
  const beganMs = performance.now();
  const dueMs = (n: number) => beganMs + (n / perSecond) * 1_000;
  const answeredMs = new Float64Array(CALLS_MAX);
  const inFlight = new Set<Promise<void>>();
  let next = 0;
  let answered = 0;
  let isOver = false;
  const one = async (n: number) => {
    await call(n);
    answeredMs[n] = performance.now();
    answered++;
  };
  const run = async () => {
    while (!isOver && next < CALLS_MAX) {
      const wanted = Math.min(CALLS_MAX, ((performance.now() - beganMs) / 1_000) * perSecond);
      while (next < wanted) {
        const promise = one(next++).finally(() => inFlight.delete(promise));
        // The first failure is thrown by `run`, later ones with it.
        promise.catch(() => {});
        inFlight.add(promise);
      }
      await sleep(1);
    }
    await Promise.all(inFlight);
  };
  const done = run();
  done.catch(() => {});
  return {
    answered: () => answered,
    between: (fromMs, toMs) => {
      const found: number[] = [];
      for (let n = 0; n < next; n++) {
        const endedMs = answeredMs[n] || Number.POSITIVE_INFINITY;
        if (dueMs(n) < toMs && endedMs > fromMs) found.push(endedMs - dueMs(n));
      }
      return Float64Array.from(found).sort();
    },
    stop: async () => {
      isOver = true;
      await done;
    },
  };
}
