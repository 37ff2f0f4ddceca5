/**
 * Cuts the stream below what the ledger has committed, and so frees the backlog (D7, D13). One trim at a time, the newest
 * wins. Promises: never beyond the committed cursor; a trim that fails delays nobody and is tried again.
 */
import { Backoff } from './retry.ts';
import type { StreamPosition } from './stream-reader.ts';

/** The part of the hot path's engine this needs. */
export interface Trims {
  trim(sequence: number, eventsTotal: number): Promise<void>;
}

const RETRY_WAIT_MS_MIN = 50;
const RETRY_WAIT_MS_MAX = 5_000;

export class Trimmer {
  readonly #hot: Trims;
  readonly #onTrimmed: () => Promise<void> | void;
  readonly #onFault: (error: unknown) => void;
  readonly #backoff = new Backoff(RETRY_WAIT_MS_MIN, RETRY_WAIT_MS_MAX);
  #wanted: StreamPosition | undefined;
  #running: Promise<void> | undefined;
  /** On the clock of `performance`. */
  #notBeforeMs = 0;

  constructor(hot: Trims, onTrimmed: () => Promise<void> | void, onFault: (error: unknown) => void) {
    this.#hot = hot;
    this.#onTrimmed = onTrimmed;
    this.#onFault = onFault;
  }

  /** The ledger has committed everything up to here. Does not wait. */
  soon(committed: StreamPosition): void {
    this.#wanted = committed;
    this.#start();
  }

  /** Waits for the trim under way; one that failed is tried again when its time has come. */
  async settle(): Promise<void> {
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
  }

  #start(): void {
    if (!this.#wanted || this.#running || performance.now() < this.#notBeforeMs) return;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    try {
      while (this.#wanted) {
        const wanted: StreamPosition = this.#wanted;
        await this.#hot.trim(wanted.sequence, wanted.eventsTotal);
        if (this.#wanted === wanted) this.#wanted = undefined;
        this.#backoff.reset();
        await this.#onTrimmed();
      }
    } catch (error) {
      this.#notBeforeMs = performance.now() + this.#backoff.next();
      this.#onFault(error);
    } finally {
      this.#running = undefined;
    }
  }
}
