/**
 * Cuts the stream below what the ledger has committed, and so frees the backlog (D7, D13). A trim is a batch of its own
 * in Redis, with its sync: so there is one now and then, at once where nothing else is to be done. One at a time, the
 * newest wins. Promises: never beyond the committed cursor; a trim that fails delays nobody and is tried again.
 */
import { Retry } from '../../timing/retry.ts';
import type { StreamPosition } from './stream-reader.ts';

/** The part of the hot path's engine this needs. */
export interface Trims {
  trim(sequence: number, eventsTotal: number): Promise<void>;
}

export interface TrimLimits {
  /** From one trim to the next, at least, */
  readonly trimEveryMs: number;
  /** unless so many events can be cut: by no more is the backlog counted too high while the worker is busy. */
  readonly trimEventsMax: number;
}

const RETRY_WAIT_MS_MIN = 50;
const RETRY_WAIT_MS_MAX = 5_000;

export class Trimmer {
  readonly #hot: Trims;
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
    hot: Trims,
    limits: TrimLimits,
    onTrimmed: () => Promise<void> | void,
    onFault: (error: unknown) => void,
  ) {
    this.#hot = hot;
    this.#limits = limits;
    this.#onTrimmed = onTrimmed;
    this.#onFault = onFault;
  }

  /** The ledger has committed everything up to here. Does not wait, and trims when it is worth it. */
  soon(committed: StreamPosition): void {
    this.#wanted = committed;
    const { trimEveryMs, trimEventsMax } = this.#limits;
    const isWorthIt =
      performance.now() - this.#trimmedMs >= trimEveryMs ||
      committed.eventsTotal - this.#trimmedTotal >= trimEventsMax;
    if (isWorthIt) this.#start();
  }

  /** Trims up to the newest, and waits for it; one that failed is tried again when its time has come. */
  async settle(): Promise<void> {
    await this.#running;
    this.#start();
    await this.#running;
  }

  /**
   * Waits for the trim under way and forgets any other: sequences begin anew with an epoch, so what was to be cut in one
   * must not be cut in the next.
   */
  async abandon(): Promise<void> {
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
      await this.#hot.trim(wanted.sequence, wanted.eventsTotal);
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
