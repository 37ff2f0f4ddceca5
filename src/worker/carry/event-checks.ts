/**
 * Small questions about one event, one item, one reservation, asked by the judge. All pure.
 */
import type { InventoryItem } from '../../domain/inventory-item.ts';
import {
  decodeItemName,
  type EventOf,
  INSTANT_MS_MAX,
  isId,
  QUANTITY_MAX,
  type ReservationEvent,
  SHORT_OPERATION,
  type StockEvent,
  type StockLine,
  type TransferEvent,
} from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import { evolveTransfer } from '../../domain/transfer.ts';
import type { TransferDocument } from '../../ledger/write/documents.ts';

function isInstant(ms: unknown): boolean {
  return typeof ms === 'number' && Number.isSafeInteger(ms) && ms > 0 && ms <= INSTANT_MS_MAX;
}

function isUnits(units: unknown): boolean {
  return typeof units === 'number' && Number.isInteger(units) && units >= 0 && units <= QUANTITY_MAX;
}

const ID_FIELDS = [
  'actor',
  'orderId',
  'movementId',
  'transferId',
  'stocktakeId',
  'saleId',
  'customerId',
  'sku',
  'to',
  'proposeTransferTo',
] as const;
const INSTANT_FIELDS = ['expiresAtMs', 'untilMs', 'opensAtMs', 'closesAtMs'] as const;
const UNIT_FIELDS = ['rejected', 'quantity', 'limitPerCustomer', 'safetyStock'] as const;

/** What makes an event unfit to be judged at all: content of the stream is checked like any input. */
export function fieldProblemOf(event: StockEvent): string | undefined {
  switch (event.type) {
    // The three that come in masses, by the fields that the loops below would find in them.
    case 'InventoryReserved':
      if (event.customerId !== undefined || event.saleId !== undefined) break;
      if (isId(event.actor) && isId(event.orderId) && isInstant(event.expiresAtMs)) return undefined;
      break;
    case 'InventoryDeducted':
      if (event.proposeTransferTo === undefined && isId(event.actor) && isId(event.orderId)) return undefined;
      break;
    case 'InventoryReleased':
      if (isId(event.actor) && isId(event.orderId)) return undefined;
      break;
  }
  const content: Readonly<Record<string, unknown>> = { ...event };
  for (const field of ID_FIELDS) {
    const id = content[field];
    if (id !== undefined && !isId(id)) {
      return `${field} ${JSON.stringify(id)} is not an id`;
    }
  }
  for (const field of INSTANT_FIELDS) {
    const ms = content[field];
    if (ms !== undefined && !isInstant(ms)) return `${field} ${ms} is no time`;
  }
  for (const field of UNIT_FIELDS) {
    const units = content[field];
    if (units !== undefined && !isUnits(units)) return `${field} ${units} is no quantity`;
  }
  return undefined;
}

/** The steps of a transfer: between them its goods stand in no item. */
export function isTransferEvent(event: StockEvent): event is TransferEvent {
  switch (event.type) {
    case 'TransferDispatched':
    case 'TransferReceived':
    case 'TransferCancelled':
      return true;
    default:
      return false;
  }
}

/** The document of a transfer after an event. Asserts as the domain does. */
export function transferAfter(before: TransferDocument | undefined, event: TransferEvent): TransferDocument {
  const transfer = evolveTransfer(before, event);
  const closedAtMs = transfer.status === 'IN_TRANSIT' ? undefined : event.atMs;
  if (before) {
    const { reason, actor, dispatchedAtMs } = before;
    return { ...transfer, reason, actor, dispatchedAtMs, closedAtMs };
  }
  const reason = event.type === 'TransferDispatched' ? event.reason : '';
  return { ...transfer, reason, actor: event.actor, dispatchedAtMs: event.atMs, closedAtMs };
}

const FIGURES = ['total', 'available', 'reserved', 'sold', 'safetyStock', 'isLow', 'version'] as const;

/** Whether two accounts of an item are the same, field by field. */
export function isSame(a: InventoryItem, b: InventoryItem): boolean {
  for (const figure of FIGURES) if (a[figure] !== b[figure]) return false;
  return (
    a.holdsUntilMs === b.holdsUntilMs &&
    a.stocktake?.stocktakeId === b.stocktake?.stocktakeId &&
    a.stocktake?.untilMs === b.stocktake?.untilMs
  );
}

function lockText({ stocktake, holdsUntilMs }: InventoryItem): string {
  if (stocktake) return `${stocktake.stocktakeId} until ${stocktake.untilMs}`;
  return holdsUntilMs === undefined ? 'none' : `over, holds until ${holdsUntilMs}`;
}

/** The figures in which two accounts of an item differ: "available 5 instead of 4". */
export function differenceOf(found: InventoryItem, expected: InventoryItem): string {
  const figures: string[] = FIGURES.filter((figure) => found[figure] !== expected[figure]).map(
    (figure) => `${figure} ${found[figure]} instead of ${expected[figure]}`,
  );
  const [lock, lockExpected] = [lockText(found), lockText(expected)];
  if (lock !== lockExpected) figures.push(`stocktake ${lock} instead of ${lockExpected}`);
  return figures.join(', ');
}

/**
 * The reservation as an event tells it, although the rules would not have allowed that event: its items are in
 * quarantine already, and later events of the order must not put the others of its items there too.
 */
export function reservationAsStated(
  before: Reservation | undefined,
  event: ReservationEvent,
): Reservation | undefined {
  if (event.type === 'InventoryReserved') return before;
  if (event.type === 'PaymentCameShort' || event.type === 'InventoryReacquired')
    return paidLate(before, event);
  if (before?.status !== 'ACTIVE') return before;
  if (event.type === 'ReservationExtended') return { ...before, expiresAtMs: event.expiresAtMs };
  const resolvedAtMs = event.atMs;
  if (event.type === 'InventoryDeducted') {
    const operations = [...before.operations, event.operation];
    return { ...before, status: 'CONFIRMED', lines: plain(event.lines), resolvedAtMs, operations };
  }
  if (event.cause === 'expired') return { ...before, status: 'EXPIRED', resolvedAtMs };
  if (event.cause === 'shortfall') return { ...before, status: 'RELEASED', resolvedAtMs };
  const rest = before.lines.filter(
    (line) => !event.lines.some((stated) => stated.sku === line.sku && stated.warehouse === line.warehouse),
  );
  const operations = [...before.operations, event.operation];
  return rest.length > 0
    ? { ...before, lines: rest, operations }
    : { ...before, status: 'RELEASED', resolvedAtMs, operations };
}

function paidLate(
  before: Reservation | undefined,
  event: EventOf<'InventoryReacquired' | 'PaymentCameShort'>,
): Reservation | undefined {
  if (before?.status !== 'EXPIRED') return before;
  if (event.type === 'PaymentCameShort') {
    return { ...before, operations: [...before.operations, SHORT_OPERATION] };
  }
  const operations = [...before.operations, event.operation];
  return { ...before, status: 'CONFIRMED', lines: plain(event.lines), resolvedAtMs: event.atMs, operations };
}

function plain(lines: readonly StockLine[]): StockLine[] {
  return lines.map(({ sku, warehouse, quantity }) => ({ sku, warehouse, quantity }));
}

const NAMES_RECOVERED_MAX = 200;

/** The items a broken entry names, as far as it can still be stated. */
export function namesIn(raw: string): { sku: string; warehouse: string }[] {
  const id = '[A-Za-z0-9%][A-Za-z0-9%._:-]{0,1535}';
  const names = new Map<string, { sku: string; warehouse: string }>();
  for (const match of raw.matchAll(new RegExp(`(${id})@(${id})(?=[= ])`, 'g'))) {
    const name = decodeItemName(match[0]);
    if (name) names.set(match[0], name);
    if (names.size >= NAMES_RECOVERED_MAX) break;
  }
  return [...names.values()];
}
