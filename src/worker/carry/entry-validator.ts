/**
 * Checks one stream entry against the domain (D8): the fields of each event, the reservation, every item, the transfers,
 * and that the script left each item as the domain does. Promises: it only answers a {@link Verdict}; nothing of the entry
 * counts for an item before chunk-draft.ts applies it. Refuses to know: chunks, quarantine, stores.
 */
import { evolveItem } from '../../domain/inventory-item.ts';
import {
  type EventLine,
  isReservationEvent,
  isTransferEvent,
  itemName,
  type ReservationEvent,
  type StockEvent,
} from '../../domain/language.ts';
import { evolveReservation } from '../../domain/reservation.ts';
import type { StreamEntry } from '../../hotpath/codec/stream-codec.ts';
import type { LedgerRow } from '../../ledger/write/chunk.ts';
import { leavesDocument } from './document-draft.ts';
import {
  differenceOf,
  fieldProblemOf,
  isSame,
  namesIn,
  reservationAsStated,
  transferAfter,
} from './event-checks.ts';
import { evidenceOf, type Failure, messageOf } from './failure.ts';
import { type Reuse, reuseOfMovement, reuseOfTransfer } from './reused-ids.ts';
import type { BookedMovement, ItemState, StateCache, TransferState } from './state-cache.ts';
import type { UnreadableEntry } from './stream-reader.ts';

/** What an entry comes to. */
export interface Verdict {
  readonly epoch: number;
  readonly sequence: number;
  readonly atMs: number;
  readonly events: readonly StockEvent[];
  /** The items of the entry: `next` is how it leaves them, or `failure` says why they must stop. */
  readonly items: readonly ItemState[];
  /** The ledger's rows, those of items that must stop included. */
  readonly rows: LedgerRow[];
  /** The transfers of the entry: `next` is how it leaves them. */
  readonly transfers: TransferState[];
  /** Sound events that leave a document. */
  readonly documents: StockEvent[];
  /** What stops no item. */
  readonly notes: Failure[];
}

/** Checks entries one after the other; what an entry leaves is in the cache only once it is applied. */
export class EntryValidator {
  readonly #cache: StateCache;
  /** Movements the ledger has and those checked since, by id; undefined: movements are taken to be new. */
  #movements: Map<string, BookedMovement> | undefined;

  constructor(cache: StateCache) {
    this.#cache = cache;
  }

  /** From here on a movement of this set is a repeat; undefined where that is not checked. */
  expectMovements(known: readonly BookedMovement[] | undefined): void {
    this.#movements = known && new Map(known.map((movement) => [movement.movementId, movement]));
  }

  /** Checks an entry whose items, orders and transfers are in the cache. */
  check(entry: StreamEntry): Verdict {
    const items = entry.items.map((item) => this.#cache.item(item));
    const verdict = begin(entry, items, entry.events);
    const reused: Reuse[] = [];
    for (const told of entry.events) {
      const failure = failureOf(told);
      const reuse = failure ? undefined : this.#reuseOf(told);
      if (reuse) reused.push(reuse);
      const event = reuse?.booked ?? told;
      if (failure) {
        for (const line of event.lines) this.#cache.item(line).failure ??= failure;
        if (event.lines.length === 0) verdict.notes.push(failure);
        continue;
      }
      if (isReservationEvent(event)) this.#checkReservation(verdict, event);
      if (leavesDocument(event)) verdict.documents.push(event);
      for (const line of event.lines) this.#checkLine(verdict, event, line);
    }
    let i = 0;
    for (const found of entry.items) {
      const state = items[i++];
      if (!state || isStopped(state) || isSame(state.next, found)) continue;
      const detail = `the script left ${itemName(found)} with ${differenceOf(found, state.next)}`;
      state.failure = { kind: 'checkpoint-mismatch', detail, evidence: { found } };
    }
    if (verdict.documents.length > 0) this.#checkTransfers(verdict);
    for (const { note, item } of reused) if (!isStopped(this.#cache.item(item))) verdict.notes.push(note);
    return verdict;
  }

  /** SQL refused this entry even alone: its items stop, and what it says of orders is not believed. */
  condemn(entry: StreamEntry, refusal: string): Verdict {
    const items = entry.items.map((item) => this.#cache.item(item));
    const verdict = begin(entry, items, entry.events);
    const failure: Failure = { kind: 'refused-by-sql', detail: refusal };
    for (const state of items) state.failure = failure;
    if (items.length === 0) {
      verdict.notes.push({ ...failure, evidence: { events: entry.events.map(evidenceOf) } });
    }
    return verdict;
  }

  /** An entry that cannot be read: the items it still names stop; others show a version gap with their next event. */
  reject(entry: UnreadableEntry): Verdict {
    const { raw, problem, epoch, sequence } = entry;
    const items = namesIn(raw)
      .map((name) => this.#cache.item(name))
      .filter(({ isInLedger }) => isInLedger);
    const verdict = begin({ epoch, sequence, atMs: 0 }, items, []);
    const detail = `entry ${sequence} cannot be read: ${problem}`;
    const failure: Failure = { kind: 'unreadable-entry', detail, evidence: { raw } };
    for (const state of items) state.failure = failure;
    if (items.length === 0) verdict.notes.push(failure);
    return verdict;
  }

  /** A movement under an id that is booked already: undefined for any other event. */
  #reuseOf(event: StockEvent): Reuse | undefined {
    const [line] = event.lines;
    const movementId = this.#movements && 'movementId' in event ? event.movementId : undefined;
    if (!this.#movements || !line || movementId === undefined) return undefined;
    const { type, reason = '', orderId } = event as typeof event & Partial<BookedMovement>;
    const { sku, warehouse, quantity } = line;
    const movement = { movementId, type, sku, warehouse, quantity, reason, orderId };
    const first = this.#movements.get(movementId);
    if (first) return reuseOfMovement(event, movement, first);
    this.#movements.set(movementId, movement);
    return undefined;
  }

  #checkLine(verdict: Verdict, event: StockEvent, line: EventLine): void {
    const state = this.#cache.item(line);
    if (isStopped(state)) return;
    if (state.entry !== verdict.sequence)
      throw new Error(`${itemName(line)} is not among the items of its entry`);
    const before = state.next;
    try {
      state.next = evolveItem(before, event, line);
    } catch (error) {
      // Whatever was thrown, the domain came to no result: the item stops here.
      const kind = line.version === before.version + 1 ? 'not-allowed' : 'version-gap';
      state.failure = { kind, detail: messageOf(error), event };
      return;
    }
    const { epoch, sequence } = verdict;
    verdict.rows.push({ epoch, sequence, event, line, before, after: state.next });
  }

  /** A step that the reservation does not allow stops the items it names, unless one that has stopped explains it. */
  #checkReservation({ notes }: Verdict, event: ReservationEvent): void {
    const state = this.#cache.reservationToChange(event.orderId);
    const before = state.reservation;
    const isReused = event.type === 'InventoryReserved' && before !== undefined && before.status !== 'ACTIVE';
    try {
      state.reservation = evolveReservation(isReused ? undefined : before, event);
    } catch (error) {
      state.reservation = reservationAsStated(before, event);
      const evidence = { reservation: before ?? null };
      const failure: Failure = { kind: 'reservation-not-allowed', detail: messageOf(error), event, evidence };
      const items = event.lines.map((line) => this.#cache.item(line));
      if (items.some(isStopped)) notes.push({ ...failure, isMinor: true });
      else for (const item of items) item.failure = failure;
      return;
    }
    if (!isReused) return;
    const detail = `order ${event.orderId}, ${before.status} before, is reserved again`;
    notes.push({ kind: 'order-id-reused', detail, event, evidence: { reservation: before }, isMinor: true });
  }

  /**
   * A step that its transfer does not allow stops the item it names. Steps of stopped items do not count; so where one
   * stops, the transfers of the entry are checked again without it.
   */
  #checkTransfers({ documents, transfers, notes }: Verdict): void {
    const steps = documents.filter(isTransferEvent);
    transfers.push(...new Set(steps.map(({ transferId }) => this.#cache.transfer(transferId))));
    let hasStopped = true;
    let reused: Failure[] = [];
    // Each turn stops an item or is the last.
    while (hasStopped) {
      hasStopped = false;
      reused = [];
      for (const state of transfers) state.next = state.transfer;
      for (const event of steps) {
        const [line] = event.lines;
        const item = line && this.#cache.item(line);
        if (!item || isStopped(item)) continue;
        const state = this.#cache.transfer(event.transferId);
        try {
          const before = state.next;
          const reuse = before && reuseOfTransfer(event, before);
          state.next = transferAfter(reuse ? undefined : before, event);
          if (reuse) reused.push(reuse);
        } catch (error) {
          const evidence = { transfer: state.next ?? null };
          item.failure = { kind: 'transfer-not-allowed', detail: messageOf(error), event, evidence };
          hasStopped = true;
        }
      }
    }
    notes.push(...reused);
  }
}

function failureOf(event: StockEvent): Failure | undefined {
  const problem = fieldProblemOf(event);
  return problem === undefined ? undefined : { kind: 'not-allowed', detail: problem, event };
}

function begin(
  { epoch, sequence, atMs }: Pick<Verdict, 'epoch' | 'sequence' | 'atMs'>,
  items: readonly ItemState[],
  events: readonly StockEvent[],
): Verdict {
  for (const state of items) {
    state.entry = sequence;
    state.next = state.item;
  }
  return { epoch, sequence, atMs, events, items, rows: [], transfers: [], documents: [], notes: [] };
}

/** Whether an item stopped before this entry or in it. */
function isStopped({ isQuarantined, failure }: ItemState): boolean {
  return isQuarantined || failure !== undefined;
}
