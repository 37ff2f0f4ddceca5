/**
 * The texts Redis keeps and answers, read into the words of the domain and written back.
 * Twin of read_reservation, write_reservation and read_item in lua/prelude.lua.
 * Promises: what cannot be read is a defect and throws; nothing is guessed.
 */
import {
  askedText,
  type ItemView,
  linesText,
  parseLines,
  RESERVATION_STATUSES,
  type Refusal,
  type ReservationStatus,
  type ReservationView,
  type StockLine,
} from '../domain/language.ts';
import type { Reservation } from '../domain/reservation.ts';

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

/** "status reserved_at_ms held_for_ms lines [asked resolved_at_ms operations]". */
export function readReservation(orderId: string, text: string): Reservation {
  const words = text.split(' ');
  const [status, reservedAt, heldFor, lines, asked, resolvedAt, operations] = words;
  if (!status || !reservedAt || !heldFor || !lines || (words.length !== 4 && words.length !== 7)) {
    throw new Unreadable('a reservation', text);
  }
  const reservedAtMs = readDigits('a reservation', reservedAt);
  return {
    orderId,
    status: statusOf(status),
    lines: linesOf(lines),
    reservedAtMs,
    expiresAtMs: reservedAtMs + readDigits('a reservation', heldFor),
    asked: asked === undefined || asked === '-' ? `${heldFor};${lines}` : asked,
    resolvedAtMs:
      resolvedAt === undefined || resolvedAt === '-' ? undefined : readDigits('a reservation', resolvedAt),
    operations: operations === undefined || operations === '-' ? [] : operations.split(';'),
  };
}

export function writeReservation(reservation: Reservation): string {
  const heldForMs = reservation.expiresAtMs - reservation.reservedAtMs;
  const text = `${reservation.status} ${reservation.reservedAtMs} ${heldForMs} ${linesText(reservation.lines)}`;
  const asked = reservation.asked === askedText(heldForMs, reservation.lines) ? '-' : reservation.asked;
  if (asked === '-' && reservation.resolvedAtMs === undefined && reservation.operations.length === 0)
    return text;
  return `${text} ${asked} ${reservation.resolvedAtMs ?? '-'} ${reservation.operations.join(';') || '-'}`;
}

// Orders of a flash sale get the same text in one batch: it is read once. The lines are shared, and readonly by type.
let lastText = '';
let lastRead: Reservation | undefined;

/** What an answer about an order shows. */
export function readReservationView(orderId: string, text: string): ReservationView {
  if (lastRead === undefined || text !== lastText) {
    lastRead = readReservation(orderId, text);
    lastText = text;
  }
  const { status, lines, reservedAtMs, expiresAtMs, resolvedAtMs } = lastRead;
  return { orderId, status, lines, reservedAtMs, expiresAtMs, resolvedAtMs };
}

const ITEM_TEXT = /^(\d+) (\d+) (\d+) (\d+) (\d+) (\d+) ([01])$/;

/** An item as Redis keeps it: its figures and whether its low-stock alert is out (BR-005). */
export interface HotItem extends ItemView {
  readonly isLow: boolean;
}

/** "total available reserved sold version safety_stock is_low". */
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
  };
}

/** As the script leaves an item it was told to leave alone: readable for people, for the program no item (D8). */
export function writeQuarantinedItem(item: HotItem): string {
  return `quarantined ${writeItem(item)}`;
}

export function writeItem(item: HotItem): string {
  const { total, available, reserved, sold, version, safetyStock, isLow } = item;
  return `${total} ${available} ${reserved} ${sold} ${version} ${safetyStock} ${isLow ? 1 : 0}`;
}

interface Named {
  readonly sku: string;
  readonly warehouse?: string;
}

function readName(text: string): Named {
  const [sku, warehouse, ...rest] = text.split('@');
  if (!sku || rest.length > 0 || /[=:]/.test(text)) throw new Unreadable('a refusal', text);
  return warehouse === undefined || warehouse === '*' ? { sku } : { sku, warehouse };
}

/** "sku@warehouse,..." where "*" stands for any warehouse. */
function readNames(text: string): Named[] {
  return text.split(',').map(readName);
}

/** "sku@warehouse=requested:limit,...". */
function readFigures(text: string): (Named & { readonly requested: number; readonly limit: number })[] {
  return text.split(',').map((part) => {
    const match = /^([^=]+)=(\d{1,15}):(\d{1,15})$/.exec(part);
    if (!match?.[1]) throw new Unreadable('a refusal', text);
    return { ...readName(match[1]), requested: Number(match[2]), limit: Number(match[3]) };
  });
}

/** The words behind "REFUSED". `orderId` is the order asked about, where it is one. */
export function readRefusal(text: string, orderId: string): Refusal {
  const space = text.indexOf(' ');
  const code = space < 0 ? text : text.slice(0, space);
  const rest = space < 0 ? '' : text.slice(space + 1);
  switch (code) {
    case 'insufficient-stock':
      return {
        code,
        shortages: readFigures(rest).map(({ limit, ...line }) => ({ ...line, available: limit })),
      };
    case 'exceeds-reservation':
      return {
        code,
        excess: readFigures(rest).map(({ sku, requested, limit }) => ({ sku, requested, held: limit })),
      };
    case 'unknown-item':
      return { code, items: readNames(rest) };
    case 'quarantined':
      return { code, items: rest === '-' ? [] : readNames(rest) };
    case 'reservation-expired':
    case 'already-released':
    case 'already-confirmed':
      return { code, reservation: readReservationView(orderId, rest) };
    case 'lifetime-exceeded':
      return { code, latestExpiresAtMs: readDigits('a refusal', rest) };
    case 'quantity-limit-exceeded':
      return { code, total: readDigits('a refusal', rest) };
    case 'order-conflict':
    case 'movement-conflict':
    case 'unknown-reservation':
    case 'too-many-partial-releases':
    case 'ledger-backlog':
      return { code };
    default:
      throw new Unreadable('a refusal', text);
  }
}
