/** Chunks written by hand: what the worker would commit, one event at a time. */
import { changeOf, type InventoryItem, newItem } from '../../src/domain/inventory-item.ts';
import type { EventLine, StockEvent } from '../../src/domain/language.ts';
import type { NewEpoch } from '../../src/ledger/epochs.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { LedgerChunk, LedgerRow } from '../../src/ledger/write/chunk.ts';
import { prepareChunk } from '../../src/ledger/write/commit.ts';

export const AT_MS = Date.UTC(2025, 10, 11, 0, 0, 0, 123);

/** Of epoch 1 as {@link newEpoch} makes it, and as `openPartition` names it in Redis. */
export const NONCE = '00000001';

/** An epoch to begin, after nothing was compared. */
export function newEpoch(number: number, rest: Partial<NewEpoch> = {}): NewEpoch {
  return {
    epoch: { number, nonce: String(number).padStart(8, '0') },
    incarnation: 'a'.repeat(40),
    how: 'verified',
    compared: { sequence: 0, link: undefined, eventsTotal: 0 },
    ...rest,
  };
}

/** A chunk with nothing in it, from one sequence to the next. */
export function chunk(fromSequence: number, rest: Partial<LedgerChunk> = {}): LedgerChunk {
  return {
    partition: 0,
    verifiedEpoch: { number: 1, nonce: NONCE },
    epoch: 1,
    fromSequence,
    fromLink: undefined,
    toSequence: fromSequence + 1,
    toLink: undefined,
    links: [],
    eventsTotal: fromSequence + 1,
    rows: [],
    items: [],
    newReservations: [],
    settledReservations: [],
    changedReservations: [],
    paidLateReservations: [],
    reusedReservations: [],
    documents: undefined,
    findings: [],
    parked: [],
    ...rest,
  };
}

export async function commit(
  ledger: Ledger,
  fromSequence: number,
  rest: Partial<LedgerChunk> = {},
): Promise<void> {
  await ledger.commit(await prepareChunk(chunk(fromSequence, rest)));
}

/** An item with these figures; `total` follows unless it is given. */
export function itemWith(figures: Partial<InventoryItem> = {}): InventoryItem {
  const { available = 0, reserved = 0, sold = 0 } = figures;
  return { ...newItem('S', 'W'), total: available + reserved + sold, ...figures };
}

export function received(quantity: number, version: number, movementId = `m${version}`): StockEvent {
  const lines = [{ sku: 'S', warehouse: 'W', quantity, version }];
  return { type: 'InventoryReceived', movementId, reason: '', lines, atMs: AT_MS, actor: 'tester' };
}

export function reserved(orderId: string, quantity: number, version: number): StockEvent {
  const lines = [{ sku: 'S', warehouse: 'W', quantity, version }];
  const expiresAtMs = AT_MS + 1_800_000;
  const fingerprint = `1800000;S@W=${quantity}`;
  return {
    type: 'InventoryReserved',
    orderId,
    lines,
    expiresAtMs,
    fingerprint,
    atMs: AT_MS,
    actor: 'tester',
  };
}

/** The row of an event of one line, from the item before it; the rules of the aggregate are not applied. */
export function row(event: StockEvent, before: InventoryItem, after?: Partial<InventoryItem>): LedgerRow {
  const line = event.lines[0] as EventLine;
  const change = changeOf(event, line.quantity, before);
  const evolved = {
    ...before,
    total: before.total + change.total,
    available: before.available + change.available,
    reserved: before.reserved + change.reserved,
    sold: before.sold + change.sold,
    version: line.version,
  };
  return { epoch: 1, sequence: 1, event, line, before, after: { ...evolved, ...after } };
}
