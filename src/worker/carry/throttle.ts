/**
 * How long the worker pauses between two chunks, so that it costs the sales little where it shares processors with Redis
 * and the API. There are two reasons: to gather, because a chunk of a few lines is not worth a transaction; and to give way,
 * because while orders come in the ledger may be a little late.
 * Promises: it gives way for at most {@link GIVE_WAY_MS_MAX} at a time, and not at all where the ledger is far behind or no
 * new orders come in. Refuses to know: stores.
 */

export interface ThrottleLimits {
  /** From the start of a chunk that was not full to the start of the next: the ledger gets an event so much later. */
  readonly gatherMs: number;
  /** Up to this lag of the ledger the worker takes its smallest share of the time. */
  readonly giveWayLagMs: number;
  /** From this lag on it takes all of the time; between the two its share grows with the lag. */
  readonly fullSpeedLagMs: number;
}

/** The longest pause after a chunk, in units of the time the chunk took: then a third of the time is work. */
const PAUSES_PER_WORK_MAX = 2;
/** A stall of Postgres must not be followed by one of the worker. */
export const GIVE_WAY_MS_MAX = 250;

/** The end of the stream, as far as it matters here. */
export interface StreamHead {
  readonly eventsTotal: number;
  /** By Redis's clock. */
  readonly clockMs: number;
}

/** Decides the pauses of one worker. */
export class Throttle {
  readonly #limits: ThrottleLimits;
  #head: StreamHead | undefined;
  #isSelling = false;

  constructor(limits: ThrottleLimits) {
    this.#limits = limits;
  }

  /** Takes the end of the stream as last read; the same object as before means that nothing was read since. */
  observe(head: StreamHead | undefined): void {
    if (head === this.#head) return;
    this.#isSelling =
      head !== undefined && this.#head !== undefined && head.eventsTotal > this.#head.eventsTotal;
    this.#head = head;
  }

  /**
   * How long to give way after a chunk, in units of the time the chunk took; 0: not at all.
   * @param reachedMs when the newest event of the chunk was decided, by Redis's clock
   */
  pausesPerWork(reachedMs: number | undefined): number {
    if (!this.#isSelling || !this.#head) return 0;
    const { giveWayLagMs, fullSpeedLagMs } = this.#limits;
    const lagMs = this.#head.clockMs - (reachedMs ?? this.#head.clockMs);
    const share = (fullSpeedLagMs - lagMs) / Math.max(1, fullSpeedLagMs - giveWayLagMs);
    return PAUSES_PER_WORK_MAX * Math.min(1, Math.max(0, share));
  }

  /** Milliseconds to pause after a chunk that took `workMs`. @param isFull more entries wait in the stream */
  pauseMs(workMs: number, pausesPerWork: number, isFull: boolean): number {
    const gatherMs = isFull ? 0 : this.#limits.gatherMs - workMs;
    return Math.max(0, gatherMs, Math.min(GIVE_WAY_MS_MAX, workMs * pausesPerWork));
  }
}
