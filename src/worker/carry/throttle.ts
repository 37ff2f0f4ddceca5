/**
 * How long the worker rests between two chunks, so that it costs those who sell little where it shares processors with
 * Redis and the API. Two reasons to rest: to gather, for a chunk of a few lines is not worth a transaction; and to give
 * way, for while orders come in the ledger may be a little late. Promises: nobody is given way to for longer than
 * {@link GIVE_WAY_MS_MAX} at once; a ledger that is far behind, or that nobody adds to any more, is caught up with at full
 * speed. Refuses to know: stores.
 */

export interface ThrottleLimits {
  /** From the beginning of a chunk that was not full to that of the next: so much later the ledger may have an event. */
  readonly gatherMs: number;
  /** While the ledger is behind by less than this, the worker takes its smallest share of the time. */
  readonly giveWayLagMs: number;
  /** From this lag on it takes all of the time; between the two, the more the later. */
  readonly hurryLagMs: number;
}

/** A chunk that took some time is followed by a rest of this many times as much at most: a third of the time is work. */
const RESTS_PER_WORK = 2;
/** A stall of Postgres must not be followed by one of the worker. */
export const GIVE_WAY_MS_MAX = 250;

/** Where the hot path stands, as far as this matters here. */
export interface Decided {
  readonly eventsTotal: number;
  readonly clockMs: number;
}

export class Throttle {
  readonly #limits: ThrottleLimits;
  #head: Decided | undefined;
  #isSelling = false;

  constructor(limits: ThrottleLimits) {
    this.#limits = limits;
  }

  /** What the last look at the stream showed; the same object as before says that nobody looked. */
  saw(head: Decided | undefined): void {
    if (head === this.#head) return;
    this.#isSelling =
      head !== undefined && this.#head !== undefined && head.eventsTotal > this.#head.eventsTotal;
    this.#head = head;
  }

  /**
   * The rest that giving way asks for, in units of the time the chunk took; 0 where there is nobody to give way to, or
   * no time. @param reachedMs when the newest of the chunk was decided, by Redis's clock
   */
  restsPerWork(reachedMs: number | undefined): number {
    if (!this.#isSelling || !this.#head) return 0;
    const { giveWayLagMs, hurryLagMs } = this.#limits;
    const lagMs = this.#head.clockMs - (reachedMs ?? this.#head.clockMs);
    const share = (hurryLagMs - lagMs) / Math.max(1, hurryLagMs - giveWayLagMs);
    return RESTS_PER_WORK * Math.min(1, Math.max(0, share));
  }

  /** Milliseconds to rest behind a chunk that took `workMs`. */
  restMs(workMs: number, restsPerWork: number, isFull: boolean): number {
    const gatherMs = isFull ? 0 : this.#limits.gatherMs - workMs;
    return Math.max(0, gatherMs, Math.min(GIVE_WAY_MS_MAX, workMs * restsPerWork));
  }
}
