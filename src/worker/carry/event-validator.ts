/**
 * The event validator (D8): every event passes the domain before it is written, and the script's own state of each item
 * must be what the domain comes to. Promises: what the rules would not have allowed never reaches the ledger; the item it
 * concerns is put in quarantine with the evidence, all others go on. Refuses to know: Redis, transactions, retries.
 */
import { setImmediate } from 'node:timers/promises';
import { isReservationEvent, isTransferEvent } from '../../domain/language.ts';
import type { Epoch } from '../../hotpath/partition.ts';
import type { ItemName } from '../../ledger/read/worker-queries.ts';
import type { LedgerChunk } from '../../ledger/write/chunk.ts';
import { ChunkDraft } from './chunk-draft.ts';
import { EntryValidator, type Verdict } from './entry-validator.ts';
import { namesIn } from './event-checks.ts';
import { type CacheLimits, keyOf, StateCache, type ValidatorLedger } from './state-cache.ts';
import { isReadable, type ReadEntry, type StreamPosition } from './stream-reader.ts';

export interface ValidatorLimits extends CacheLimits {
  /** Event lines of one item in quarantine that are kept; the rest is counted. */
  readonly parkedEventsPerItemMax: number;
}

/**
 * How much is taken for granted. `none`: that an order reserved for the first time here is new, and that a movement has
 * not been booked; asking the ledger for each would cost more than all the rest, and its unique indexes catch the one that
 * is not. `strict`: nothing. `condemned`: SQL refused these entries even so, and their items go into quarantine.
 */
export type ValidationMode =
  | { readonly kind: 'none' }
  | { readonly kind: 'strict' }
  | { readonly kind: 'condemned'; readonly refusal: string };

/** Event lines between two turns of the event loop, about a millisecond: the chunk before is being committed meanwhile. */
const STEP_LINES = 256;

/** Turns stream entries into chunks of the ledger. */
export class EventValidator {
  readonly #ledger: ValidatorLedger;
  readonly #partition: number;
  readonly #limits: ValidatorLimits;
  readonly #cache: StateCache;
  readonly #entries: EntryValidator;
  /** Numbers of the newest chunk, and of the newest that was committed. */
  #chunk = 0;
  #committed = 0;

  constructor(ledger: ValidatorLedger, partition: number, limits: ValidatorLimits) {
    this.#ledger = ledger;
    this.#partition = partition;
    this.#limits = limits;
    this.#cache = new StateCache(ledger, limits);
    this.#entries = new EntryValidator(this.#cache);
  }

  /**
   * The chunk that these entries come to. Chunks are validated in order; one may be validated while the one before is
   * being committed.
   * @param from the position before the first entry
   * @param verifiedEpoch under which this worker carries
   * @throws an outage of the ledger; then {@link EventValidator.reset}
   */
  async validate(
    entries: readonly ReadEntry[],
    from: StreamPosition,
    verifiedEpoch: Epoch,
    mode: ValidationMode,
  ): Promise<LedgerChunk> {
    await this.#load(entries, mode.kind !== 'none');
    this.#cache.beginChunk(++this.#chunk);
    const draft = new ChunkDraft(
      this.#cache,
      this.#partition,
      from,
      verifiedEpoch,
      this.#limits.parkedEventsPerItemMax,
    );
    let lines = 0;
    for (const entry of entries) {
      if (lines > STEP_LINES) {
        lines = 0;
        await setImmediate();
      }
      lines += isReadable(entry) ? entry.events.length : 1;
      draft.apply(this.#verdictOn(entry, mode));
    }
    return draft.finish(
      entries.at(-1) ?? from,
      entries.map(({ link }) => link),
    );
  }

  #verdictOn(entry: ReadEntry, mode: ValidationMode): Verdict {
    if (!isReadable(entry)) return this.#entries.reject(entry);
    if (mode.kind === 'condemned') return this.#entries.condemn(entry, mode.refusal);
    return this.#entries.check(entry);
  }

  /** The oldest chunk that was not committed yet now is. */
  committed(): void {
    this.#cache.forget(++this.#committed);
  }

  /** Forgets all it knows of the ledger. */
  reset(): void {
    this.#cache.clear();
    this.#committed = this.#chunk;
  }

  async #load(entries: readonly ReadEntry[], isStrict: boolean): Promise<void> {
    const names = new Map<string, ItemName>();
    const orderIds = new Set<string>();
    const transferIds = new Set<string>();
    const movementIds = new Set<string>();
    for (const entry of entries) {
      for (const item of isReadable(entry) ? entry.items : namesIn(entry.raw)) names.set(keyOf(item), item);
      if (!isReadable(entry)) continue;
      for (const event of entry.events) {
        const isLoaded = isReservationEvent(event) && (isStrict || event.type !== 'InventoryReserved');
        if (isLoaded) orderIds.add(event.orderId);
        if (isTransferEvent(event)) transferIds.add(event.transferId);
        if (isStrict && 'movementId' in event && event.movementId) movementIds.add(event.movementId);
      }
    }
    await this.#cache.load(names, orderIds, transferIds);
    this.#entries.expectMovements(
      isStrict ? await this.#ledger.movementRecords([...movementIds]) : undefined,
    );
  }
}
