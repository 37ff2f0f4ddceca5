/**
 * Tells Redis what the ledger has, which frees the backlog, and trims the stream up to a tail below the cursor (D7, D13). The
 * tail is what a ledger that went back is carried again from (H12). Rate-limited, because each trim costs an fsync; immediate when
 * idle. One trim at a time; a newer position replaces one that waits.
 * Promises: never beyond the committed cursor; a trim that fails delays nobody and is tried again.
 */
import { Retry } from '../../timing/retry.ts';
import type { StreamPosition } from './stream-reader.ts';

/** The part of the engine that the trimmer needs. */
export interface TrimTarget {
  /** The ledger has so many events; entries before `keepFrom` go. The nonce says whose ledger. */
  trim(nonce: string, carriedTotal: number, keepFrom: string | undefined): Promise<void>;
}

export interface TrimLimits {
  /** The shortest time from one trim to the next, */
  readonly trimEveryMs: number;
  /** unless so many events were carried: the backlog of a busy worker is overstated by no more. */
  readonly trimEventsMax: number;
  /** Events below the cursor that stay in the stream. */
  readonly keepEvents: number;
}

/** A hundred seconds of 10,000 events a second; 41 MB of stream for orders of one SKU, 161 MB for orders over 1,000 (measured). */
export const STREAM_KEEP_EVENTS_DEFAULT = 1_000_000;

const RETRY_WAIT_MS_MIN = 50;
const RETRY_WAIT_MS_MAX = 5_000;
/** Places of the tail that are remembered; more would cut it finer than anybody needs. */
const PLACES_MAX = 4_096;

/** Trims one partition. */
export class Trimmer {
  readonly #target: TrimTarget;
  readonly #limits: TrimLimits;
  readonly #onTrimmed: (tail: StreamPosition | undefined) => Promise<void> | void;
  readonly #onFault: (error: unknown) => void;
  readonly #retry = new Retry({ waitMsMin: RETRY_WAIT_MS_MIN, waitMsMax: RETRY_WAIT_MS_MAX });
  #nonce = '';
  #wanted: StreamPosition | undefined;
  #running: Promise<void> | undefined;
  #trimmedTotal = 0;
  /** Ends of chunks since this worker began, oldest first: the stream can be cut after each. */
  #places: StreamPosition[] = [];
  /** Both on the clock of `performance`. */
  #trimmedMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = 0;

  constructor(
    target: TrimTarget,
    limits: TrimLimits,
    onTrimmed: (tail: StreamPosition | undefined) => Promise<void> | void,
    onFault: (error: unknown) => void,
  ) {
    this.#target = target;
    this.#limits = limits;
    this.#onTrimmed = onTrimmed;
    this.#onFault = onFault;
  }

  /** Begins under the epoch in which this worker verified the partition. */
  begin(nonce: string): void {
    this.#nonce = nonce;
  }

  /** The ledger has everything up to this position: trims, without waiting, if it is time. */
  request(committed: StreamPosition): void {
    this.#wanted = committed;
    this.#places.push(committed);
    if (this.#places.length > PLACES_MAX) this.#places = this.#places.filter((_, i) => i % 2 === 0);
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

  /** Waits for the trim under way and forgets the rest: the next run may continue another history. */
  async reset(): Promise<void> {
    this.#wanted = undefined;
    await this.#running;
    this.#wanted = undefined;
    this.#places = [];
    this.#trimmedTotal = 0;
  }

  #start(): void {
    if (!this.#wanted || this.#running || performance.now() < this.#notBeforeMs) return;
    this.#running = this.#run(this.#wanted);
  }

  async #run(wanted: StreamPosition): Promise<void> {
    try {
      this.#trimmedMs = performance.now();
      const tail = this.#tailOf(wanted);
      const keepFrom = tail ? `${tail.epoch ?? 0}-${tail.sequence + 1}` : undefined;
      await this.#target.trim(this.#nonce, wanted.eventsTotal, keepFrom);
      this.#trimmedTotal = wanted.eventsTotal;
      if (this.#wanted === wanted) this.#wanted = undefined;
      this.#retry.progressed();
      await this.#onTrimmed(tail);
    } catch (error) {
      this.#notBeforeMs = performance.now() + this.#retry.nextWaitMs('the trim failed');
      this.#onFault(error);
    } finally {
      this.#running = undefined;
    }
  }

  /** The newest place with at least as many events after it as are to be kept; the places before it are forgotten. */
  #tailOf({ eventsTotal }: StreamPosition): StreamPosition | undefined {
    const i = this.#places.findLastIndex(
      (place) => eventsTotal - place.eventsTotal >= this.#limits.keepEvents,
    );
    if (i < 0) return undefined;
    this.#places.splice(0, i);
    return this.#places[0];
  }
}
