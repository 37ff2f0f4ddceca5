/**
 * The texts Redis keeps and answers, read into the words of the domain and written back.
 * Twin of read_reservation, write_reservation and read_item in lua/reservation.lua and lua/item.lua.
 * Promises: what cannot be read is a defect and throws; nothing is guessed.
 */
import { type InventoryItem, itemViewOf } from '../../domain/inventory-item.ts';
import {
  type ItemView,
  linesText,
  PASSED_BY_REASONS,
  type PassedBy,
  parseLines,
  RESERVATION_STATUSES,
  type ReservationStatus,
  type ReservationView,
  requestFingerprint,
  type StockLine,
} from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';

/** What the script answered is not of its form: a defect, or another program's key. */
export class Unreadable extends Error {
  constructor(what: string, text: string) {
    super(`${what} cannot be read: ${JSON.stringify(text.slice(0, 200))}`);
    this.name = 'Unreadable';
  }
}

const DIGITS = /^\d{1,15}$/;

/** A number as the script writes it: plain digits, never `1e3`. */
export function readDigits(what: string, text: string | undefined): number {
  if (text === undefined || !DIGITS.test(text)) throw new Unreadable(what, String(text));
  return Number(text);
}

function linesOf(text: string): StockLine[] {
  let lines: StockLine[] = [];
  try {
    lines = parseLines(text);
  } catch {
    // Told below, as a text that this program did not write.
  }
  if (lines.length === 0 || lines.some((line) => line.quantity < 1))
    throw new Unreadable('stock lines', text);
  return lines;
}

function statusOf(text: string): ReservationStatus {
  const status = RESERVATION_STATUSES.find((known) => known === text);
  if (!status) throw new Unreadable('a reservation', text);
  return status;
}

const given = (word: string | undefined): string | undefined => (word === '-' ? undefined : word);

/** "status reserved_at_ms held_for_ms lines [asked resolved_at_ms operations [customer sale]]". */
export function readReservation(orderId: string, text: string): Reservation {
  const words = text.split(' ');
  const [status, reservedAt, heldFor, linesWord, askedWord, resolvedWord, operationsWord, customer, sale] =
    words;
  if (!status || !reservedAt || !heldFor || !linesWord || !RESERVATION_WORDS.has(words.length)) {
    throw new Unreadable('a reservation', text);
  }
  const reservedAtMs = readDigits('a reservation', reservedAt);
  const heldForMs = readDigits('a reservation', heldFor);
  const lines = linesOf(linesWord);
  const fingerprint = given(askedWord);
  const resolvedAt = given(resolvedWord);
  const customerId = given(customer);
  const saleId = given(sale);
  return {
    orderId,
    status: statusOf(status),
    lines,
    reservedAtMs,
    expiresAtMs: reservedAtMs + heldForMs,
    fingerprint: fingerprint ?? requestFingerprint(heldForMs, lines, { customerId, saleId }),
    resolvedAtMs: resolvedAt === undefined ? undefined : readDigits('a reservation', resolvedAt),
    operations: given(operationsWord)?.split(';') ?? [],
    ...(customerId === undefined ? undefined : { customerId }),
    ...(saleId === undefined ? undefined : { saleId }),
  };
}
const RESERVATION_WORDS: ReadonlySet<number> = new Set([4, 7, 9]);

export function writeReservation(reservation: Reservation): string {
  const { customerId, saleId, operations, resolvedAtMs } = reservation;
  const heldForMs = reservation.expiresAtMs - reservation.reservedAtMs;
  const text = `${reservation.status} ${reservation.reservedAtMs} ${heldForMs} ${linesText(reservation.lines)}`;
  const derived = requestFingerprint(heldForMs, reservation.lines, { customerId, saleId });
  const fingerprint = reservation.fingerprint === derived ? '-' : reservation.fingerprint;
  const hasBeside = customerId !== undefined || saleId !== undefined;
  if (fingerprint === '-' && resolvedAtMs === undefined && operations.length === 0 && !hasBeside) return text;
  const settled = `${text} ${fingerprint} ${resolvedAtMs ?? '-'} ${operations.join(';') || '-'}`;
  return hasBeside ? `${settled} ${customerId ?? '-'} ${saleId ?? '-'}` : settled;
}

// Orders of a flash sale get the same text in one batch: it is read once. The lines are shared, and readonly by type.
let lastText = '';
let lastRead: Reservation | undefined;

/** What an answer about an order shows; behind a line break, the warehouses that were passed by. */
export function readReservationView(orderId: string, answer: string): ReservationView {
  const end = answer.indexOf('\n');
  const text = end < 0 ? answer : answer.slice(0, end);
  if (lastRead === undefined || text !== lastText) {
    lastRead = readReservation(orderId, text);
    lastText = text;
  }
  const { status, lines, reservedAtMs, expiresAtMs, resolvedAtMs, customerId, saleId } = lastRead;
  const passedBy = end < 0 ? undefined : readPassedBy(answer.slice(end + 1));
  return {
    orderId,
    status,
    lines,
    reservedAtMs,
    expiresAtMs,
    resolvedAtMs,
    customerId,
    saleId,
    ...(passedBy && { passedBy }),
  };
}

/** "sku@warehouse=reason,...". */
function readPassedBy(text: string): PassedBy[] {
  return text.split(',').map((part) => {
    const [, sku, warehouse, word] = /^([^@=]+)@([^@=]+)=(\w+)$/.exec(part) ?? [];
    const reason = PASSED_BY_REASONS.find((known) => known === word);
    if (!sku || !warehouse || !reason) throw new Unreadable('what was passed by', text);
    return { sku, warehouse, reason };
  });
}

const ITEM_TEXT = /^(\d+) (\d+) (\d+) (\d+) (\d+) (\d+) ([01])(?: (\S+) (\d{1,15}))?$/;

/** An item as Redis keeps it: its figures and whether its low-stock alert is out (BR-005). */
export type HotItem = InventoryItem;

/** "total available reserved sold version safety_stock is_low[ stocktake|- until_ms]". */
export function readItem(sku: string, warehouse: string, text: string): HotItem {
  const match = ITEM_TEXT.exec(text);
  if (!match) throw new Unreadable(`item ${sku}@${warehouse}`, text);
  return {
    sku,
    warehouse,
    total: Number(match[1]),
    available: Number(match[2]),
    reserved: Number(match[3]),
    sold: Number(match[4]),
    version: Number(match[5]),
    safetyStock: Number(match[6]),
    isLow: match[7] === '1',
    ...(match[8] === '-' && { holdsUntilMs: Number(match[9]) }),
    ...(match[8] && match[8] !== '-' && { stocktake: { stocktakeId: match[8], untilMs: Number(match[9]) } }),
  };
}

/** As the script leaves an item it was told to leave alone: readable for people, for the program no item (D8). */
export function writeQuarantinedItem(item: HotItem): string {
  return `quarantined ${writeItem(item)}`;
}

export function writeItem(item: HotItem): string {
  const { total, available, reserved, sold, version, safetyStock, isLow, stocktake, holdsUntilMs } = item;
  const text = `${total} ${available} ${reserved} ${sold} ${version} ${safetyStock} ${isLow ? 1 : 0}`;
  if (stocktake) return `${text} ${stocktake.stocktakeId} ${stocktake.untilMs}`;
  return holdsUntilMs === undefined ? text : `${text} - ${holdsUntilMs}`;
}

/** The stock of one SKU over all its warehouses. */
export interface SkuView {
  readonly sku: string;
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  readonly warehouses: readonly Omit<ItemView, 'sku'>[];
}

/** What an answer about an item shows. */
export function itemView(sku: string, warehouse: string, text: string): ItemView {
  return itemViewOf(readItem(sku, warehouse, text));
}

/** "warehouse item,...": a SKU over all its warehouses. */
export function skuView(sku: string, text: string): SkuView {
  const warehouses = text
    .split(',')
    .map((part) => {
      const space = part.indexOf(' ');
      return itemView(sku, part.slice(0, space), part.slice(space + 1));
    })
    .map(({ sku: _, ...rest }) => rest);
  const sum = { total: 0, available: 0, reserved: 0, sold: 0 };
  for (const item of warehouses) {
    sum.total += item.total;
    sum.available += item.available;
    sum.reserved += item.reserved;
    sum.sold += item.sold;
  }
  return { sku, ...sum, warehouses };
}
