/**
 * Trims the stream up to the committed cursor, which frees the backlog (D7, D13). Rate-limited, because each trim costs an
 * fsync; immediate when idle. One trim at a time; a newer position replaces one that waits.
 * Promises: never beyond the committed cursor; a trim that fails delays nobody and is tried again.
 */
import { Retry } from '../../timing/retry.ts';
import type { StreamPosition } from './stream-reader.ts';

/** The part of the engine that the trimmer needs. */
export interface TrimTarget {
  /** Removes the entries up to `sequence`; `eventsTotal` events of the epoch are in the ledger. */
  trim(sequence: number, eventsTotal: number): Promise<void>;
}

export interface TrimLimits {
  /** The shortest time from one trim to the next, */
  readonly trimEveryMs: number;
  /** unless so many events can be trimmed: the backlog of a busy worker is overstated by no more. */
  readonly trimEventsMax: number;
}

const RETRY_WAIT_MS_MIN = 50;
const RETRY_WAIT_MS_MAX = 5_000;

/** Trims one partition. */
export class Trimmer {
  readonly #target: TrimTarget;
  readonly #limits: TrimLimits;
  readonly #onTrimmed: () => Promise<void> | void;
  readonly #onFault: (error: unknown) => void;
  readonly #retry = new Retry({ waitMsMin: RETRY_WAIT_MS_MIN, waitMsMax: RETRY_WAIT_MS_MAX });
  #wanted: StreamPosition | undefined;
  #running: Promise<void> | undefined;
  #trimmedTotal = 0;
  /** Both on the clock of `performance`. */
  #trimmedMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = 0;

  constructor(
    target: TrimTarget,
    limits: TrimLimits,
    onTrimmed: () => Promise<void> | void,
    onFault: (error: unknown) => void,
  ) {
    this.#target = target;
    this.#limits = limits;
    this.#onTrimmed = onTrimmed;
    this.#onFault = onFault;
  }

  /** The ledger has everything up to this position: trims, without waiting, if it is time. */
  request(committed: StreamPosition): void {
    this.#wanted = committed;
    const { trimEveryMs, trimEventsMax } = this.#limits;
    const isWorthIt =
      performance.now() - this.#trimmedMs >= trimEveryMs ||
      committed.eventsTotal - this.#trimmedTotal >= trimEventsMax;
    if (isWorthIt) this.#start();
  }

  /** Trims up to the newest position and waits for it; after a failure only when its wait is over. */
  async flush(): Promise<void> {
    await this.#running;
    this.#start();
    await this.#running;
  }

  /**
   * Waits for the trim under way and forgets the rest: sequences start anew with an epoch, so a position of one must not
   * be trimmed in the next.
   */
  async reset(): Promise<void> {
    this.#wanted = undefined;
    await this.#running;
    this.#wanted = undefined;
    this.#trimmedTotal = 0;
  }

  #start(): void {
    if (!this.#wanted || this.#running || performance.now() < this.#notBeforeMs) return;
    this.#running = this.#run(this.#wanted);
  }

  async #run(wanted: StreamPosition): Promise<void> {
    try {
      this.#trimmedMs = performance.now();
      await this.#target.trim(wanted.sequence, wanted.eventsTotal);
      this.#trimmedTotal = wanted.eventsTotal;
      if (this.#wanted === wanted) this.#wanted = undefined;
      this.#retry.progressed();
      await this.#onTrimmed();
    } catch (error) {
      this.#notBeforeMs = performance.now() + this.#retry.nextWaitMs('the trim failed');
      this.#onFault(error);
    } finally {
      this.#running = undefined;
    }
  }
}
