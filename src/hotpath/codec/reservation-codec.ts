/**
 * The record of a reservation, and the answers about an order.
 * Format: `status reserved_at_ms held_for_ms lines [fingerprint|- resolved_at_ms|- operations|- [customer|- sale|-]]`; the
 * fingerprint is `-` or absent if it follows from the other words. Format 1, without a mark.
 * Twin: read and write_reservation in lua/reservation.lua.
 */
import {
  decodeLines,
  encodeLines,
  RESERVATION_STATUSES,
  type ReservationView,
  requestFingerprint,
  SKIP_REASONS,
  type SkippedWarehouse,
  type StockLine,
} from '../../domain/language.ts';
import { decodeItemName } from '../../domain/lines.ts';
import type { Reservation } from '../../domain/reservation.ts';
import {
  decodeDigits,
  decodeOperations,
  decodeOptionalId,
  encodeOperations,
  encodeOptionalId,
  given,
  NOTHING,
  Unreadable,
} from './words.ts';

const WORDS: ReadonlySet<number> = new Set([4, 7, 9]);

function linesOf(text: string): StockLine[] {
  let lines: StockLine[] = [];
  try {
    lines = decodeLines(text);
  } catch {
    // Thrown below as Unreadable.
  }
  if (lines.length === 0 || lines.some((line) => line.quantity < 1)) throw new Unreadable('lines', text);
  return lines;
}

/** Reads {@link encodeReservation} back. @throws {Unreadable} */
export function decodeReservation(orderId: string, text: string): Reservation {
  const words = text.split(' ');
  const [status, reservedAt, heldFor, linesText = '', fingerprint, resolvedAt, operations, customer, sale] =
    words;
  const known = RESERVATION_STATUSES.find((one) => one === status);
  if (!known || !WORDS.has(words.length)) throw new Unreadable('a reservation', text);
  const reservedAtMs = decodeDigits('a reservation', reservedAt);
  const heldForMs = decodeDigits('a reservation', heldFor);
  const lines = linesOf(linesText);
  const customerId = decodeOptionalId('a reservation', customer);
  const saleId = decodeOptionalId('a reservation', sale);
  const resolved = given(resolvedAt);
  return {
    orderId,
    status: known,
    lines,
    reservedAtMs,
    expiresAtMs: reservedAtMs + heldForMs,
    fingerprint: given(fingerprint) ?? requestFingerprint(heldForMs, lines, { customerId, saleId }),
    resolvedAtMs: resolved === undefined ? undefined : decodeDigits('a reservation', resolved),
    operations: decodeOperations(operations),
    ...(customerId === undefined ? undefined : { customerId }),
    ...(saleId === undefined ? undefined : { saleId }),
  };
}

/** The record of a reservation, as the program writes it. */
export function encodeReservation(reservation: Reservation): string {
  const { status, reservedAtMs, lines, customerId, saleId, operations, resolvedAtMs } = reservation;
  const heldForMs = reservation.expiresAtMs - reservedAtMs;
  const text = `${status} ${reservedAtMs} ${heldForMs} ${encodeLines(lines)}`;
  const derived = requestFingerprint(heldForMs, lines, { customerId, saleId });
  const fingerprint = reservation.fingerprint === derived ? NOTHING : reservation.fingerprint;
  const hasParty = customerId !== undefined || saleId !== undefined;
  if (fingerprint === NOTHING && resolvedAtMs === undefined && operations.length === 0 && !hasParty)
    return text;
  const settled = `${text} ${fingerprint} ${resolvedAtMs ?? NOTHING} ${encodeOperations(operations)}`;
  return hasParty ? `${settled} ${encodeOptionalId(customerId)} ${encodeOptionalId(saleId)}` : settled;
}

// Fast path: orders of a flash sale get the same text in one batch, which is decoded once. Their lines are shared.
let lastText = '';
let lastRead: Reservation | undefined;

/**
 * The answer about an order. Format: its record; if warehouses were skipped, a line break and
 * `sku@warehouse=reason,...`. @throws {Unreadable}
 */
export function decodeReservationView(orderId: string, answer: string): ReservationView {
  const end = answer.indexOf('\n');
  const text = end < 0 ? answer : answer.slice(0, end);
  if (lastRead === undefined || text !== lastText) {
    lastRead = decodeReservation(orderId, text);
    lastText = text;
  }
  const { status, lines, reservedAtMs, expiresAtMs, resolvedAtMs, customerId, saleId } = lastRead;
  const view = { orderId, status, lines, reservedAtMs, expiresAtMs, resolvedAtMs, customerId, saleId };
  return end < 0 ? view : { ...view, skipped: skippedIn(answer.slice(end + 1)) };
}

let lastSkippedText = '';
let lastSkipped: readonly SkippedWarehouse[] = [];

// As with the records: equal orders skip the same warehouses.
function skippedIn(text: string): readonly SkippedWarehouse[] {
  if (text !== lastSkippedText) {
    lastSkipped = decodeSkipped(text);
    lastSkippedText = text;
  }
  return lastSkipped;
}

function decodeSkipped(text: string): SkippedWarehouse[] {
  return text.split(',').map((part) => {
    const equals = part.lastIndexOf('=');
    const name = decodeItemName(part.slice(0, equals));
    const reason = SKIP_REASONS.find((known) => known === part.slice(equals + 1));
    if (!name || !reason) throw new Unreadable('the skipped warehouses', text);
    return { ...name, reason };
  });
}
