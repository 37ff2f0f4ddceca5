/**
 * Traffic that goes on until it is stopped, and remembers for every call when it began and how long it waited, so that a
 * stretch of time can be looked at afterwards.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** No run of this benchmark makes more calls; it bounds the memory of the samples. */
const CALLS_MAX = 2_000_000;

export interface Traffic {
  /** Calls that have their answer. */
  answered(): number;
  /** Waits of the calls that were under way at any time between two instants, in milliseconds, sorted. */
  between(fromMs: number, toMs: number): Float64Array;
  /** Makes no more calls and waits for those under way. */
  stop(): Promise<void>;
}

class Samples {
  readonly #startedMs = new Float64Array(CALLS_MAX);
  readonly #waitedMs = new Float64Array(CALLS_MAX);
  count = 0;

  add(startedMs: number, endedMs: number): void {
    this.#startedMs[this.count] = startedMs;
    this.#waitedMs[this.count] = endedMs - startedMs;
    this.count++;
  }

  between(fromMs: number, toMs: number): Float64Array {
    const found: number[] = [];
    for (let i = 0; i < this.count; i++) {
      const startedMs = this.#startedMs[i] as number;
      const waitedMs = this.#waitedMs[i] as number;
      if (startedMs < toMs && startedMs + waitedMs > fromMs) found.push(waitedMs);
    }
    return Float64Array.from(found).sort();
  }
}

/** Callers that ask again as soon as they were answered. */
export function closedTraffic(callers: number, call: (n: number) => Promise<void>): Traffic {
  const samples = new Samples();
  let next = 0;
  let isOver = false;
  const run = async () => {
    while (!isOver && next < CALLS_MAX) {
      const startedMs = performance.now();
      await call(next++);
      samples.add(startedMs, performance.now());
    }
  };
  const done = Promise.all(Array.from({ length: callers }, run));
  return trafficOf(samples, done, () => {
    isOver = true;
  });
}

/**
 * Calls by the clock, answered or not: a slow answer does not keep the next caller away, as it would not in a shop. A
 * call counts from when it should have begun, so that a late generator hides no wait.
 */
export function openTraffic(perSecond: number, call: (n: number) => Promise<void>): Traffic {
  const samples = new Samples();
  const beganMs = performance.now();
  let next = 0;
  let isOver = false;
  const under = new Set<Promise<void>>();
  const one = async (n: number) => {
    await call(n);
    samples.add(beganMs + (n / perSecond) * 1_000, performance.now());
  };
  const run = async () => {
    while (!isOver && next < CALLS_MAX) {
      const wanted = Math.min(CALLS_MAX, ((performance.now() - beganMs) / 1_000) * perSecond);
      while (next < wanted) {
        const promise = one(next++).finally(() => under.delete(promise));
        under.add(promise);
      }
      await nextTurn();
    }
    await Promise.all(under);
  };
  return trafficOf(samples, run(), () => {
    isOver = true;
  });
}

function trafficOf(samples: Samples, done: Promise<unknown>, end: () => void): Traffic {
  // A call that throws is told by `stop`; until then nobody waits for it.
  done.catch(() => undefined);
  return {
    answered: () => samples.count,
    between: (fromMs, toMs) => samples.between(fromMs, toMs),
    stop: async () => {
      end();
      await done;
    },
  };
}
