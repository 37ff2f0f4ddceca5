/**
 * The life of a reservation: reserve, confirm, release, extend, and the payment that came too late.
 * Twin: lua/{reserve,settling,confirm,reacquire,release,extend}.lua.
 */

import {
  type Confirm,
  canonicalLines,
  confirmOperation,
  type Decision,
  type Extend,
  fingerprintLines,
  LIFETIME_SECONDS_MAX,
  type LockedItem,
  type OrderLine,
  PARTIAL_RELEASES_MAX,
  type PartLine,
  type Refusal,
  type Release,
  type ReservationView,
  type Reserve,
  releaseOperation,
  requestFingerprint,
  SHORT_OPERATION,
  type StockLine,
} from '../domain/language.ts';
import { type Reservation, splitLines, viewOf } from '../domain/reservation.ts';
import { leftIn, refuseBySale } from '../domain/sale.ts';
import { type InventoryState, unitsOf } from './inventory-state.ts';
import { planLines } from './plan.ts';

export const refused = (refusal: Refusal): { outcome: 'refused'; refusal: Refusal } => ({
  outcome: 'refused',
  refusal,
});

/** BR-006: the same order never deducts twice. Checked in this order: repeat, sale, quota, stocktake, stock. */
export function reserve(books: InventoryState, command: Reserve, nowMs: number): Decision<ReservationView> {
  const { orderId, customerId, saleId, allocation } = command;
  const lines = canonicalLines(command.lines);
  const fingerprint = requestFingerprint(command.holdMs, lines, { customerId, saleId, allocation });
  const before = books.reservations.get(orderId);
  if (before) {
    if (before.fingerprint !== fingerprint) return refused({ code: 'order-conflict' });
    books.expireWhenDue(before, nowMs);
    return done(books, orderId, true);
  }
  const sale = saleId === undefined ? undefined : books.sales.get(saleId);
  if (saleId !== undefined) {
    const units = sale ? unitsOf(sale.sku, lines) : 0;
    const quota = customerId === undefined ? undefined : books.quota(saleId, customerId);
    // A sale none of whose units is asked for is not known to this order.
    const refusal = refuseBySale(units > 0 ? sale : undefined, units, quota, nowMs);
    if (refusal) return refused(refusal);
  }
  const isSplit = allocation === 'split';
  const plan = planLines(books, { lines, candidates: command.candidates, isSplit, sale }, nowMs);
  if ('code' in plan) return refused(plan);
  books.record({
    type: 'InventoryReserved',
    orderId,
    lines: plan.lines,
    expiresAtMs: nowMs + command.holdMs,
    fingerprint,
    customerId,
    saleId,
    atMs: nowMs,
    actor: command.actor,
  });
  return done(books, orderId, false, plan.skipped);
}

export function confirm(books: InventoryState, command: Confirm, nowMs: number): Decision<ReservationView> {
  const operation = confirmOperation(command);
  const open = openReservation(books, command.orderId, operation, nowMs);
  if ('outcome' in open) {
    const isLate = open.outcome === 'refused' && open.refusal.code === 'reservation-expired';
    return isLate && command.reacquire ? reacquire(books, command, operation, nowMs) : open;
  }
  const split = partsOf(open.lines, command.lines);
  if ('excess' in split) return refused({ code: 'exceeds-reservation', excess: split.excess });
  const locked = lockedOf(books, open.lines);
  if (locked.length > 0) return refused({ code: 'stocktake-in-progress', items: locked });
  const base = { orderId: command.orderId, atMs: nowMs, actor: command.actor };
  const { proposeTransferTo } = command;
  books.record({ type: 'InventoryDeducted', lines: split.named, operation, proposeTransferTo, ...base });
  if (split.rest.length > 0) {
    books.record({
      type: 'InventoryReleased',
      lines: split.rest,
      cause: 'remainder',
      operation: '-',
      ...base,
    });
  }
  return done(books, command.orderId, false);
}

/** A payment that came too late takes the stock again in the same step, or is filed for people, once. */
function reacquire(
  books: InventoryState,
  command: Confirm,
  operation: string,
  nowMs: number,
): Decision<ReservationView> {
  const { orderId, actor } = command;
  const reservation = books.reservations.get(orderId) as Reservation;
  const split = partsOf(reservation.lines, command.lines);
  if ('excess' in split) return refused({ code: 'exceeds-reservation', excess: split.excess });
  const lines = split.named;
  const sale = reservation.saleId === undefined ? undefined : books.sales.get(reservation.saleId);
  const units = sale ? unitsOf(sale.sku, lines) : 0;
  // A sale that is closed or sold out since has nothing set aside for this order any more.
  const openSale = sale && units > 0 && leftIn(sale, nowMs) >= units ? sale : undefined;
  const wanted = { candidates: [], isSplit: false, sale: openSale };
  let plan = planLines(books, { ...wanted, lines }, nowMs);
  const anywhere = 'code' in plan ? linesAnywhere(reservation, lines) : undefined;
  if (anywhere) {
    const isSplit = reservation.fingerprint.endsWith(';split');
    plan = planLines(books, { ...wanted, lines: anywhere, isSplit }, nowMs);
  }
  const base = { orderId, atMs: nowMs, actor };
  if (!('code' in plan)) {
    books.record({ type: 'InventoryReacquired', lines: plan.lines, operation, ...base });
    return done(books, orderId, false);
  }
  if (plan.code !== 'insufficient-stock') return refused(plan);
  if (!reservation.operations.includes(SHORT_OPERATION)) {
    books.record({ type: 'PaymentCameShort', lines, ...base });
  }
  return refused({ code: 'paid-but-short', shortages: plan.shortages });
}

/** The same lines without the warehouses that the order did not name itself; undefined where it named them all. */
function linesAnywhere(
  { fingerprint }: Reservation,
  lines: readonly StockLine[],
): readonly OrderLine[] | undefined {
  const open = new Set(
    fingerprintLines(fingerprint)
      .filter((line) => line.warehouse === undefined)
      .map((line) => line.sku),
  );
  if (!lines.some((line) => open.has(line.sku))) return undefined;
  const order: OrderLine[] = [];
  for (const { sku, warehouse, quantity } of lines) {
    if (!open.has(sku)) order.push({ sku, warehouse, quantity });
    else {
      const i = order.findIndex((line) => line.sku === sku && line.warehouse === undefined);
      const before = order[i];
      if (before) order[i] = { sku, quantity: before.quantity + quantity };
      else order.push({ sku, quantity });
    }
  }
  return order;
}

export function release(books: InventoryState, command: Release, nowMs: number): Decision<ReservationView> {
  const operation = releaseOperation(command);
  const open = openReservation(books, command.orderId, operation, nowMs);
  if ('outcome' in open) {
    const isBack = open.outcome === 'refused' && open.refusal.code === 'already-released' && !command.lines;
    return isBack ? done(books, command.orderId, true) : open;
  }
  const split = partsOf(open.lines, command.lines);
  if ('excess' in split) return refused({ code: 'exceeds-reservation', excess: split.excess });
  if (split.rest.length > 0 && open.operations.length >= PARTIAL_RELEASES_MAX) {
    return refused({ code: 'too-many-partial-releases' });
  }
  books.record({
    type: 'InventoryReleased',
    orderId: command.orderId,
    lines: split.named,
    cause: 'cancelled',
    operation,
    atMs: nowMs,
    actor: command.actor,
  });
  return done(books, command.orderId, false);
}

export function extend(books: InventoryState, command: Extend, nowMs: number): Decision<ReservationView> {
  const open = openReservation(books, command.orderId, undefined, nowMs);
  if ('outcome' in open) return open;
  const expiresAtMs = nowMs + command.holdMs;
  if (expiresAtMs <= open.expiresAtMs) return done(books, command.orderId, true);
  const latestExpiresAtMs = open.reservedAtMs + LIFETIME_SECONDS_MAX * 1_000;
  if (expiresAtMs > latestExpiresAtMs) return refused({ code: 'lifetime-exceeded', latestExpiresAtMs });
  books.record({
    type: 'ReservationExtended',
    orderId: command.orderId,
    lines: open.lines,
    expiresAtMs,
    atMs: nowMs,
    actor: command.actor,
  });
  return done(books, command.orderId, false);
}

/** The open reservation a command is about; or the decision that ends it: unknown, a repeat, or how it was resolved. */
function openReservation(
  books: InventoryState,
  orderId: string,
  operation: string | undefined,
  nowMs: number,
): Reservation | Decision<ReservationView> {
  const before = books.reservations.get(orderId);
  if (!before) return refused({ code: 'unknown-reservation' });
  if (operation !== undefined && before.operations.includes(operation)) return done(books, orderId, true);
  const reservation = books.expireWhenDue(before, nowMs);
  const view = viewOf(reservation);
  switch (reservation.status) {
    case 'ACTIVE':
      return reservation;
    case 'CONFIRMED':
      return refused({ code: 'already-confirmed', reservation: view });
    case 'RELEASED':
      return refused({ code: 'already-released', reservation: view });
    case 'EXPIRED':
      return refused({ code: 'reservation-expired', reservation: view });
  }
}

function partsOf(lines: readonly StockLine[], parts: readonly PartLine[] | undefined) {
  return parts ? splitLines(lines, parts) : { named: [...lines], rest: [] };
}

/** BR-007: those of these lines' items that are being counted. */
function lockedOf(books: InventoryState, lines: readonly StockLine[]): LockedItem[] {
  return lines.flatMap(({ sku, warehouse }) => {
    const lock = books.item({ sku, warehouse })?.stocktake;
    return lock ? [{ sku, warehouse, ...lock }] : [];
  });
}

function done(
  books: InventoryState,
  orderId: string,
  replayed: boolean,
  skipped: ReservationView['skipped'] = [],
): Decision<ReservationView> {
  const reservation = books.reservations.get(orderId);
  if (!reservation) throw new Error(`order ${orderId} was decided but is not there`);
  const view = viewOf(reservation);
  return { outcome: 'done', replayed, value: skipped.length > 0 ? { ...view, skipped } : view };
}
