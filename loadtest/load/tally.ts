/**
 * What the buyers of a k6 run report, second by second: waits, answers by status, and the orders that got a yes.
 * Promises: nothing is lost or counted twice; memory grows with seconds and orders, not with answers.
 */

/** One line of loadtest/k6/shop.js. */
interface Line {
  readonly second: number;
  /** Each in tenths of a millisecond. */
  readonly waits: readonly number[];
  readonly statuses: Readonly<Record<string, number>>;
  /** Orders that got a yes, without the name of the run. */
  readonly yeses: readonly string[];
}

export interface Second {
  /** Since 1970. */
  readonly second: number;
  readonly answers: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** Waits by their length; within a few per cent, from 0.1 ms to minutes. */
class Waits {
  readonly #counts = new Map<number, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(tenths: number): void {
    const step = tenths < 100 ? 1 : tenths < 1_000 ? 5 : tenths < 10_000 ? 50 : 500;
    const bucket = Math.ceil(tenths / step) * step;
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#total++;
  }

  /** The wait, in ms, that this share of all does not exceed; NaN without any. */
  percentileMs(share: number): number {
    let left = Math.ceil(this.#total * share);
    for (const [tenths, count] of [...this.#counts].sort((a, b) => a[0] - b[0])) {
      left -= count;
      if (left <= 0) return tenths / 10;
    }
    return Number.NaN;
  }
}

export class Tally {
  /** Orders that got a yes, without the name of the run. */
  readonly yeses: string[] = [];
  readonly statuses: Record<string, number> = {};
  /** Of all answers. */
  readonly waits = new Waits();
  readonly #seconds = new Map<number, { waits: Waits; statuses: Record<string, number> }>();

  /** Takes one line of k6's log; false where it is not a buyer's report. */
  add(text: string): boolean {
    if (!text.startsWith('{"second":')) return false;
    const line = JSON.parse(text) as Line;
    const at = this.#seconds.get(line.second) ?? { waits: new Waits(), statuses: {} };
    this.#seconds.set(line.second, at);
    for (const tenths of line.waits) {
      at.waits.add(tenths);
      this.waits.add(tenths);
    }
    for (const yes of line.yeses) this.yeses.push(yes);
    for (const [status, count] of Object.entries(line.statuses)) {
      at.statuses[status] = (at.statuses[status] ?? 0) + count;
      this.statuses[status] = (this.statuses[status] ?? 0) + count;
    }
    return true;
  }

  /** In order of time; a second without an answer is missing. */
  seconds(): Second[] {
    return [...this.#seconds]
      .sort((a, b) => a[0] - b[0])
      .map(([second, { waits, statuses }]) => ({
        second,
        answers: waits.total,
        statuses,
        p50Ms: waits.percentileMs(0.5),
        p95Ms: waits.percentileMs(0.95),
        p99Ms: waits.percentileMs(0.99),
      }));
  }
}
