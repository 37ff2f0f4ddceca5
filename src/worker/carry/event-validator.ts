/**
 * The judge (D8): every event passes the aggregate before it is written, and the script's own account of each item must
 * be what the aggregate comes to. Promises: what the rules would not have allowed never reaches the ledger; the item it
 * concerns is put in quarantine with the evidence, all others go on. Refuses to know: Redis, transactions, retries.
 */
import { setImmediate } from 'node:timers/promises';
import { evolveItem } from '../../domain/inventory-item.ts';
import type { EventLine, StockEvent } from '../../domain/language.ts';
import { evolveReservation, isReservationEvent, type ReservationEvent } from '../../domain/reservation.ts';
import type { StreamEntry } from '../../hotpath/codec/stream-codec.ts';
import type { ItemName } from '../../ledger/read/worker-queries.ts';
import type { LedgerChunk } from '../../ledger/write/chunk.ts';
import { ChunkDraft } from './chunk-draft.ts';
import { hasDocument } from './document-draft.ts';
import { DocumentValidator } from './document-validator.ts';
import {
  asTold,
  differenceOf,
  evidenceOf,
  isSame,
  isTransferEvent,
  namesIn,
  problemOf,
} from './event-checks.ts';
import { type Failure, messageOf, Quarantine } from './quarantine.ts';
import {
  type CacheLimits,
  type ItemState,
  itemName,
  StateCache,
  type ValidatorLedger,
} from './state-cache.ts';
import { isReadable, type ReadEntry, type StreamPosition } from './stream-reader.ts';

export interface ValidatorLimits extends CacheLimits {
  /** Event lines of one item in quarantine that are kept; the rest is counted. */
  readonly parkedEventsPerItemMax: number;
}

/**
 * How much the judge takes for granted. `none`: an order reserved for the first time here is new, a movement has not
 * been booked; asking the ledger for each would cost more than all the rest, and its unique indexes catch the one that
 * is not. `strict`: it asks. `condemned`: SQL refused these entries even so, and their items go into quarantine.
 */
export type ValidationMode =
  | { readonly kind: 'none' }
  | { readonly kind: 'strict' }
  | { readonly kind: 'condemned'; readonly refusal: string };

/** Event lines between two breaths, about a millisecond: the chunk before is being committed meanwhile. */
const STEP_LINES = 256;

export class EventValidator {
  readonly #ledger: ValidatorLedger;
  readonly #partition: number;
  readonly #cache: StateCache;
  readonly #quarantine: Quarantine;
  readonly #documents: DocumentValidator;
  #chunks = 0;
  #committed = 0;
  /** Movements the ledger has, and those of this chunk; undefined where nobody asks. */
  #movements: Set<string> | undefined;

  constructor(ledger: ValidatorLedger, partition: number, limits: ValidatorLimits) {
    this.#ledger = ledger;
    this.#partition = partition;
    this.#cache = new StateCache(ledger, limits);
    this.#quarantine = new Quarantine(this.#cache, limits.parkedEventsPerItemMax);
    this.#documents = new DocumentValidator(this.#cache, this.#quarantine);
  }

  /**
   * What these entries come to, beginning behind `from`. Chunks are judged in order; one more may be judged while the
   * one before is being committed. @throws an outage of the ledger; then {@link reset}
   */
  async validate(
    entries: readonly ReadEntry[],
    from: StreamPosition,
    mode: ValidationMode,
  ): Promise<LedgerChunk> {
    await this.#load(entries, mode.kind !== 'none');
    const draft = new ChunkDraft(++this.#chunks, this.#partition, from);
    let to = from;
    let lines = 0;
    for (const entry of entries) {
      if (lines > STEP_LINES) {
        lines = 0;
        await setImmediate();
      }
      lines += isReadable(entry) ? entry.events.length : 1;
      to = entry;
      draft.sequence = entry.sequence;
      if (!isReadable(entry)) this.#quarantine.passBy(draft, entry);
      else if (mode.kind === 'condemned') this.#quarantine.condemn(draft, entry, mode.refusal);
      else this.#judgeEntry(draft, entry);
    }
    return draft.finish(to);
  }

  /** The oldest chunk that was not committed yet now is. */
  committed(): void {
    this.#cache.forget(++this.#committed);
  }

  /** Forgets all it believed about the ledger. */
  reset(): void {
    this.#cache.clear();
    this.#committed = this.#chunks;
  }

  async #load(entries: readonly ReadEntry[], isStrict: boolean): Promise<void> {
    const names = new Map<string, ItemName>();
    const orderIds = new Set<string>();
    const transferIds = new Set<string>();
    const movementIds = new Set<string>();
    for (const entry of entries) {
      for (const item of isReadable(entry) ? entry.items : namesIn(entry.raw))
        names.set(itemName(item), item);
      if (!isReadable(entry)) continue;
      for (const event of entry.events) {
        const isAsked = isReservationEvent(event) && (isStrict || event.type !== 'InventoryReserved');
        if (isAsked) orderIds.add(event.orderId);
        if (isTransferEvent(event)) transferIds.add(event.transferId);
        if (isStrict && 'movementId' in event && event.movementId) movementIds.add(event.movementId);
      }
    }
    await this.#cache.load(names, orderIds, transferIds);
    this.#movements = isStrict ? new Set(await this.#ledger.knownMovements([...movementIds])) : undefined;
  }

  // One entry ----------------------------------------------------------------------------------------------

  #judgeEntry(draft: ChunkDraft, entry: StreamEntry): void {
    const firstRow = draft.rows.length;
    const failures = new Map<string, Failure>();
    let isAnyQuarantined = false;
    let hasDocuments = false;
    for (const event of entry.events) {
      const failure = this.#failureOf(event);
      if (failure) {
        for (const line of event.lines) failures.set(itemName(line), failure);
        if (event.lines.length === 0) this.#quarantine.tell(draft, failure);
        continue;
      }
      if (isReservationEvent(event)) this.#judgeReservation(draft, event, failures);
      else if (isTransferEvent(event)) this.#documents.judgeTransfer(draft, event, failures);
      hasDocuments ||= hasDocument(event);
      for (const line of event.lines) {
        const state = this.#cache.itemOf(line);
        if (state.isQuarantined) isAnyQuarantined = true;
        else if (failures.size === 0 || !failures.has(state.name))
          this.#judgeLine(draft, event, line, state, failures);
      }
    }
    for (const hot of entry.items) {
      const state = this.#cache.itemOf(hot);
      if (state.isQuarantined || failures.has(state.name) || isSame(state.item, hot)) continue;
      const detail = `the script left ${state.name} with ${differenceOf(hot, state.item)}`;
      failures.set(state.name, { kind: 'checkpoint-mismatch', detail, evidence: { found: hot } });
    }
    for (const [name, failure] of failures) this.#quarantine.stop(draft, name, failure, firstRow);
    if (hasDocuments && failures.size > 0) this.#documents.judgeAgain(draft, entry, firstRow);
    if (isAnyQuarantined || failures.size > 0) this.#quarantine.park(draft, entry);
    if (hasDocuments) this.#documents.keep(draft, entry);
  }

  #failureOf(event: StockEvent): Failure | undefined {
    const problem = problemOf(event);
    if (problem !== undefined) return { kind: 'not-allowed', detail: problem, event };
    const movementId = this.#movements && 'movementId' in event ? event.movementId : undefined;
    if (!this.#movements || movementId === undefined) return undefined;
    if (this.#movements.has(movementId)) {
      const detail = `BR-006: movement ${movementId} is in the ledger already`;
      return { kind: 'movement-repeated', detail, event };
    }
    this.#movements.add(movementId);
    return undefined;
  }

  #judgeLine(
    draft: ChunkDraft,
    event: StockEvent,
    line: EventLine,
    state: ItemState,
    failures: Map<string, Failure>,
  ): void {
    const before = state.item;
    draft.touchItem(state);
    if (state.entry !== draft.sequence) {
      state.entry = draft.sequence;
      state.itemBeforeEntry = before;
    }
    try {
      state.item = evolveItem(before, event, line);
    } catch (error) {
      // Whatever it was, the aggregate did not come to an answer: the item stops here.
      const kind = line.version === before.version + 1 ? 'not-allowed' : 'version-gap';
      failures.set(state.name, { kind, detail: messageOf(error), event });
      return;
    }
    state.atMs = event.atMs;
    draft.addRow(event, line, before, state.item);
  }

  #judgeReservation(draft: ChunkDraft, event: ReservationEvent, failures: Map<string, Failure>): void {
    const { orderId } = event;
    const state = this.#cache.reservation(orderId);
    draft.touchReservation(state);
    const before = state.reservation;
    const isReused = event.type === 'InventoryReserved' && before !== undefined && before.status !== 'ACTIVE';
    try {
      state.reservation = evolveReservation(isReused ? undefined : before, event);
    } catch (error) {
      state.reservation = asTold(before, event);
      const evidence = { reservation: before ?? null };
      const failure: Failure = {
        kind: 'reservation-not-allowed',
        detail: messageOf(error),
        event,
        orderId,
        evidence,
      };
      const isExplained = event.lines.some(
        (line) => this.#cache.itemOf(line).isQuarantined || failures.has(itemName(line)),
      );
      if (!isExplained) {
        for (const line of event.lines) failures.set(itemName(line), failure);
      } else {
        const { kind, detail } = failure;
        draft.findMinor(kind, { orderId, detail, evidence: { event: evidenceOf(event), ...evidence } });
      }
      return;
    }
    if (isReused) {
      const detail = `order ${orderId}, ${before.status} before, is reserved again`;
      draft.findMinor('order-id-reused', { orderId, detail, evidence: { reservation: before } });
    }
  }
}
