/**
 * What the validator checks about one event, one item, one reservation or one transfer. All functions are pure.
 */
import type { InventoryItem } from '../../domain/inventory-item.ts';
import {
  decodeItemName,
  EVENT_TYPES,
  EVENTS,
  type EventOf,
  type EventRow,
  type FieldKind,
  ID_LENGTH_MAX,
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
import type { ItemName } from '../../ledger/read/worker-queries.ts';
import type { TransferDocument } from '../../ledger/write/documents.ts';

/** What an event must not bring into the ledger, field by field, as its row of the events table says. */
interface FieldCheck {
  readonly field: string;
  readonly isOptional: boolean;
  readonly isSound: (value: unknown) => boolean;
  readonly expected: string;
}

const CONTROL = /\p{Cc}/u;

/**
 * Less than the rule of ids: the door has checked that one, perhaps with a newer table of Unicode than this process has.
 * This protects the ledger, which keeps no control characters and bounds the length.
 */
function isStorableId(id: unknown): boolean {
  return (
    isId(id) || (typeof id === 'string' && id !== '' && id.length <= 2 * ID_LENGTH_MAX && !CONTROL.test(id))
  );
}

function isInstant(ms: unknown): boolean {
  return typeof ms === 'number' && Number.isSafeInteger(ms) && ms > 0 && ms <= INSTANT_MS_MAX;
}

function isUnits(units: unknown): boolean {
  return typeof units === 'number' && Number.isInteger(units) && units >= 0 && units <= QUANTITY_MAX;
}

const BY_KIND: Partial<Record<FieldKind, Pick<FieldCheck, 'isSound' | 'expected'>>> = {
  id: { isSound: isStorableId, expected: 'an id' },
  'optional id': { isSound: isStorableId, expected: 'an id' },
  'instant ms': { isSound: isInstant, expected: 'a time' },
  units: { isSound: isUnits, expected: 'a quantity' },
};

function checksOf({ subject, fields }: EventRow): FieldCheck[] {
  const kinds: Readonly<Record<string, FieldKind>> = { actor: 'id', ...subject, ...fields };
  return Object.entries(kinds).flatMap(([field, kind]) => {
    const check = BY_KIND[kind];
    return check ? { field, isOptional: kind === 'optional id', ...check } : [];
  });
}

const CHECKS: Readonly<Record<string, readonly FieldCheck[]>> = Object.fromEntries(
  EVENT_TYPES.map((type) => [type, checksOf(EVENTS[type])]),
);

/** What makes an event unfit to be validated at all, in words; undefined where its fields are sound. */
export function fieldProblemOf(event: StockEvent): string | undefined {
  const content: Readonly<Record<string, unknown>> = event;
  for (const { field, isOptional, isSound, expected } of CHECKS[event.type] ?? []) {
    const value = content[field];
    if (value === undefined ? isOptional : isSound(value)) continue;
    return `${field} ${JSON.stringify(value)} is not ${expected}`;
  }
  return undefined;
}

/** The transfer as the ledger keeps it, after an event. @throws as {@link evolveTransfer} asserts */
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

/** Whether two states of an item are equal, field by field. */
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

/** In which figures two states of an item differ: "available 5 instead of 4". */
export function differenceOf(found: InventoryItem, expected: InventoryItem): string {
  const figures: string[] = FIGURES.filter((figure) => found[figure] !== expected[figure]).map(
    (figure) => `${figure} ${found[figure]} instead of ${expected[figure]}`,
  );
  const [lock, lockExpected] = [lockText(found), lockText(expected)];
  if (lock !== lockExpected) figures.push(`stocktake ${lock} instead of ${lockExpected}`);
  return figures.join(', ');
}

/**
 * The reservation as an event states it, although the rules would not have allowed the event: its items are in quarantine
 * already, and later events of the order must not put its other items there too.
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
/** An item's name in the texts of Redis, before its quantity or its figures. */
const NAME = /[A-Za-z0-9%][A-Za-z0-9%._:-]*@[A-Za-z0-9%][A-Za-z0-9%._:-]*(?=[= ])/g;

/** The items that a broken entry names, as far as its text (at most some thousand characters) still shows. */
export function namesIn(raw: string): ItemName[] {
  const names = new Map<string, ItemName>();
  for (const [text] of raw.matchAll(NAME)) {
    const name = decodeItemName(text);
    if (name) names.set(text, name);
    if (names.size >= NAMES_RECOVERED_MAX) break;
  }
  return [...names.values()];
}
