/**
 * Small questions about one event, one item, one reservation, asked by the judge. All pure.
 */
import { strict as assert } from 'node:assert';
import type { InventoryItem } from '../domain/inventory-item.ts';
import { type EventLine, ID_PATTERN, type StockEvent, type StockLine } from '../domain/language.ts';
import type { Reservation, ReservationEvent } from '../domain/reservation.ts';

const INSTANT_MS_MAX = 253_402_300_799_999;

function isInstant(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms > 0 && ms <= INSTANT_MS_MAX;
}

/** What makes an event unfit to be judged at all: content of the stream is checked like any input. */
export function problemOf(event: StockEvent): string | undefined {
  if (!ID_PATTERN.test(event.actor)) return `actor ${JSON.stringify(event.actor)} is not an id`;
  if ('orderId' in event && !ID_PATTERN.test(event.orderId)) {
    return `order ${JSON.stringify(event.orderId)} is not an id`;
  }
  if ('movementId' in event && !ID_PATTERN.test(event.movementId)) {
    return `movement ${JSON.stringify(event.movementId)} is not an id`;
  }
  if ('expiresAtMs' in event && !isInstant(event.expiresAtMs))
    return `deadline ${event.expiresAtMs} is no time`;
  return undefined;
}

const FIGURES = ['total', 'available', 'reserved', 'sold', 'safetyStock', 'isLow', 'version'] as const;

/** Whether two accounts of an item are the same, field by field. */
export function isSame(a: InventoryItem, b: InventoryItem): boolean {
  for (const figure of FIGURES) if (a[figure] !== b[figure]) return false;
  return true;
}

/** The figures in which two accounts of an item differ: "available 5 instead of 4". */
export function differenceOf(found: InventoryItem, expected: InventoryItem): string {
  return FIGURES.filter((figure) => found[figure] !== expected[figure])
    .map((figure) => `${figure} ${found[figure]} instead of ${expected[figure]}`)
    .join(', ');
}

/**
 * The reservation as an event tells it, although the rules would not have allowed that event: its items are in
 * quarantine already, and later events of the order must not put the others of its items there too.
 */
export function asTold(before: Reservation | undefined, event: ReservationEvent): Reservation | undefined {
  if (before?.status !== 'ACTIVE' || event.type === 'InventoryReserved') return before;
  if (event.type === 'ReservationExtended') return { ...before, expiresAtMs: event.expiresAtMs };
  const resolvedAtMs = event.atMs;
  if (event.type === 'InventoryDeducted') {
    const operations = [...before.operations, event.operation];
    return { ...before, status: 'CONFIRMED', lines: plain(event.lines), resolvedAtMs, operations };
  }
  if (event.cause === 'expired') return { ...before, status: 'EXPIRED', resolvedAtMs };
  const rest = before.lines.filter(
    (line) => !event.lines.some((told) => told.sku === line.sku && told.warehouse === line.warehouse),
  );
  const operations = [...before.operations, event.operation];
  return rest.length > 0
    ? { ...before, lines: rest, operations }
    : { ...before, status: 'RELEASED', resolvedAtMs, operations };
}

function plain(lines: readonly StockLine[]): StockLine[] {
  return lines.map(({ sku, warehouse, quantity }) => ({ sku, warehouse, quantity }));
}

/** How much of an event is kept as evidence. */
const EVIDENCE_TEXT_MAX = 4_000;

/** An event as evidence: itself, or the beginning of its text where it is long. */
export function evidenceOf(event: StockEvent): unknown {
  const text = JSON.stringify(event);
  return text.length <= EVIDENCE_TEXT_MAX ? event : `${text.slice(0, EVIDENCE_TEXT_MAX)} ...`;
}

/** One line of an event with all that concerns it, as JSON. */
export function parkedText(event: StockEvent, line: EventLine): string {
  return JSON.stringify({ ...event, lines: [line] });
}

const NAMES_RECOVERED_MAX = 200;

/** The items a broken entry names, as far as it can still be told. */
export function namesIn(raw: string): { sku: string; warehouse: string }[] {
  const id = '[A-Za-z0-9][A-Za-z0-9._:-]{0,63}';
  const names = new Map<string, { sku: string; warehouse: string }>();
  for (const match of raw.matchAll(new RegExp(`(${id})@(${id})(?=[= ])`, 'g'))) {
    const [text, sku, warehouse] = match;
    assert(sku && warehouse);
    names.set(text, { sku, warehouse });
    if (names.size >= NAMES_RECOVERED_MAX) break;
  }
  return [...names.values()];
}
