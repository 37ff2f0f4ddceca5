/**
 * What this process has acknowledged and the ledger does not have yet (H11): after a failover or a restore it says which orders
 * are gone. Promises: complete as long as this process lives and the limit is not reached; costs a list of keys a batch.
 * Refuses to know: whether anything is lost; whoever reads the ledger finds that out.
 */
import type { Epoch } from './codec/control-codec.ts';

/** One acknowledged batch: a place in the history, and the records that it changed. */
export interface Acknowledged {
  readonly epoch: Epoch;
  readonly sequence: number;
  /** Of the history right after the batch: where the ledger has another link at this sequence, the batch is gone. */
  readonly link: string;
  readonly eventsTotal: number;
  /** Redis keys of the records, see `subjectOf` in keys.ts. */
  readonly keys: readonly string[];
}

/** The place that the head of an answer names. */
export interface AcknowledgedPlace {
  readonly epoch: number;
  readonly nonce: string;
  readonly sequence: number;
  readonly link: string;
  readonly eventsTotal: number;
  readonly carriedTotal: number;
}

/** The most keys kept, some 100 MB. Beyond it the oldest go, and the log is no longer complete. */
const KEYS_MAX = 1_000_000;

/** The acknowledgements of one process and partition. */
export class AcknowledgementLog {
  /** Batches dropped because there were too many; they are missing from every report. */
  dropped = 0;
  /** Of the epoch that the process is in, oldest first, from {@link #from} on. */
  #current: Acknowledged[] = [];
  #from = 0;
  /** Of earlier epochs: nobody has looked yet whether they are part of the history. */
  #unsettled: Acknowledged[] = [];
  #keys = 0;

  /** Acknowledged batches of earlier epochs, to be compared with the ledger. */
  get unsettled(): readonly Acknowledged[] {
    return this.#unsettled;
  }

  /** Batches kept. */
  get size(): number {
    return this.#current.length - this.#from + this.#unsettled.length;
  }

  /** Notes what one batch acknowledged. */
  add({ epoch, nonce, sequence, link, eventsTotal }: AcknowledgedPlace, keys: readonly string[]): void {
    this.#current.push({ epoch: { number: epoch, nonce }, sequence, link, eventsTotal, keys });
    this.#keys += keys.length;
    while (this.#keys > KEYS_MAX && this.#from < this.#current.length) {
      this.#dropFirst();
      this.dropped++;
    }
  }

  /** The ledger has so many events of the history that this epoch continues. */
  carried({ nonce, carriedTotal }: AcknowledgedPlace): void {
    for (;;) {
      const first = this.#current[this.#from];
      if (!first || first.epoch.nonce !== nonce || first.eventsTotal > carriedTotal) return;
      this.#dropFirst();
    }
  }

  /** The process adopts another epoch: whether it continues from what was acknowledged is not known yet. */
  epochChanged(): void {
    // Not by push(...): a call takes some 120,000 arguments, and a ledger that was away leaves more batches than that.
    this.#unsettled = this.#unsettled.concat(this.#current.slice(this.#from));
    this.#current = [];
    this.#from = 0;
  }

  /**
   * The unsettled batches were compared with the ledger.
   * @param pending those that are not in the ledger yet and may come: they are compared again
   */
  settle(compared: readonly Acknowledged[], pending: readonly Acknowledged[]): void {
    const done = new Set(compared);
    for (const batch of pending) done.delete(batch);
    this.#unsettled = this.#unsettled.filter((batch) => !done.has(batch));
    for (const { keys } of done) this.#keys -= keys.length;
  }

  #dropFirst(): void {
    this.#keys -= this.#current[this.#from]?.keys.length ?? 0;
    this.#from++;
    // The part already dropped goes once it is long enough to be worth a copy.
    if (this.#from > 1_024 && this.#from * 2 > this.#current.length) {
      this.#current = this.#current.slice(this.#from);
      this.#from = 0;
    }
  }
}
