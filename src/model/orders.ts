/**
 * Part of the executable specification: reserve, confirm, release, extend, and payments that arrive after the deadline.
 * Twin: lua/reserve.lua, resolve.lua, confirm.lua, reacquire.lua, release.lua, extend.lua.
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
  mayBeSplit,
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

/**
 * Holds stock for an order, once (BR-006). Checked in this order: repeat, sale, purchase limit, unknown items, stocktake,
 * stock.
 */
export function reserve(state: InventoryState, command: Reserve, nowMs: number): Decision<ReservationView> {
  const { orderId, customerId, saleId, allocation } = command;
  const lines = canonicalLines(command.lines);
  const fingerprint = requestFingerprint(command.holdMs, lines, { customerId, saleId, allocation });
  const before = state.reservations.get(orderId);
  if (before) {
    if (before.fingerprint !== fingerprint) return refused({ code: 'order-conflict' });
    state.expireWhenDue(before, nowMs);
    return done(state, orderId, true);
  }
  const sale = saleId === undefined ? undefined : state.sales.get(saleId);
  if (saleId !== undefined) {
    const units = sale ? unitsOf(sale.sku, lines) : 0;
    const quota = customerId === undefined ? undefined : state.quota(saleId, customerId);
    // An order without a line of the sale's SKU takes no part in the sale.
    const refusal = refuseBySale(units > 0 ? sale : undefined, units, quota, nowMs);
    if (refusal) return refused(refusal);
  }
  const isSplit = allocation === 'split';
  const plan = planLines(state, { lines, candidates: command.candidates, isSplit, sale }, nowMs);
  if ('code' in plan) return refused(plan);
  state.record({
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
  return done(state, orderId, false, plan.skipped);
}

/** Sells what an order holds, or the named part of it; the rest returns at once. A late payment may take the stock again. */
export function confirm(state: InventoryState, command: Confirm, nowMs: number): Decision<ReservationView> {
  const operation = confirmOperation(command);
  const open = openReservation(state, command.orderId, operation, nowMs);
  if ('outcome' in open) {
    const isLate = open.outcome === 'refused' && open.refusal.code === 'reservation-expired';
    return isLate && command.reacquire ? reacquire(state, command, operation, nowMs) : open;
  }
  const split = partsOf(open.lines, command.lines);
  if ('excess' in split) return refused({ code: 'exceeds-reservation', excess: split.excess });
  const locked = lockedOf(state, open.lines);
  if (locked.length > 0) return refused({ code: 'stocktake-in-progress', items: locked });
  const base = { orderId: command.orderId, atMs: nowMs, actor: command.actor };
  const { proposeTransferTo } = command;
  state.record({ type: 'InventoryDeducted', lines: split.named, operation, proposeTransferTo, ...base });
  if (split.rest.length > 0) {
    state.record({
      type: 'InventoryReleased',
      lines: split.rest,
      cause: 'remainder',
      operation: '-',
      ...base,
    });
  }
  return done(state, command.orderId, false);
}

/** A late payment takes the stock again in the same step; if it cannot, that is recorded once, for people to resolve. */
function reacquire(
  state: InventoryState,
  command: Confirm,
  operation: string,
  nowMs: number,
): Decision<ReservationView> {
  const { orderId, actor } = command;
  const reservation = state.reservations.get(orderId) as Reservation;
  const split = partsOf(reservation.lines, command.lines);
  if ('excess' in split) return refused({ code: 'exceeds-reservation', excess: split.excess });
  const lines = split.named;
  const sale = reservation.saleId === undefined ? undefined : state.sales.get(reservation.saleId);
  const units = sale ? unitsOf(sale.sku, lines) : 0;
  // A sale that has closed or sold out since then has nothing set aside for this order.
  const openSale = sale && units > 0 && leftIn(sale, nowMs) >= units ? sale : undefined;
  const wanted = { candidates: [], isSplit: false, sale: openSale };
  let plan = planLines(state, { ...wanted, lines }, nowMs);
  const anywhere = 'code' in plan ? linesAnywhere(reservation, lines) : undefined;
  if (anywhere) {
    const isSplit = mayBeSplit(reservation.fingerprint);
    plan = planLines(state, { ...wanted, lines: anywhere, isSplit }, nowMs);
  }
  const base = { orderId, atMs: nowMs, actor };
  if (!('code' in plan)) {
    state.record({ type: 'InventoryReacquired', lines: plan.lines, operation, ...base });
    return done(state, orderId, false);
  }
  if (plan.code !== 'insufficient-stock') return refused(plan);
  if (!reservation.operations.includes(SHORT_OPERATION)) {
    state.record({ type: 'PaymentCameShort', lines, ...base });
  }
  return refused({ code: 'paid-but-short', shortages: plan.shortages });
}

/** The lines without the warehouses that the order did not name itself; undefined if it named them all. */
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

/** Returns what an order holds, or the named part of it while the rest stays held. */
export function release(state: InventoryState, command: Release, nowMs: number): Decision<ReservationView> {
  const operation = releaseOperation(command);
  const open = openReservation(state, command.orderId, operation, nowMs);
  if ('outcome' in open) {
    const isReleased =
      open.outcome === 'refused' && open.refusal.code === 'already-released' && !command.lines;
    return isReleased ? done(state, command.orderId, true) : open;
  }
  const split = partsOf(open.lines, command.lines);
  if ('excess' in split) return refused({ code: 'exceeds-reservation', excess: split.excess });
  if (split.rest.length > 0 && open.operations.length >= PARTIAL_RELEASES_MAX) {
    return refused({ code: 'too-many-partial-releases' });
  }
  state.record({
    type: 'InventoryReleased',
    orderId: command.orderId,
    lines: split.named,
    cause: 'cancelled',
    operation,
    atMs: nowMs,
    actor: command.actor,
  });
  return done(state, command.orderId, false);
}

/** Moves the deadline of an open hold, never to an earlier time and never past the longest life (BR-003). */
export function extend(state: InventoryState, command: Extend, nowMs: number): Decision<ReservationView> {
  const open = openReservation(state, command.orderId, undefined, nowMs);
  if ('outcome' in open) return open;
  const expiresAtMs = nowMs + command.holdMs;
  if (expiresAtMs <= open.expiresAtMs) return done(state, command.orderId, true);
  const latestExpiresAtMs = open.reservedAtMs + LIFETIME_SECONDS_MAX * 1_000;
  if (expiresAtMs > latestExpiresAtMs) return refused({ code: 'lifetime-exceeded', latestExpiresAtMs });
  state.record({
    type: 'ReservationExtended',
    orderId: command.orderId,
    lines: open.lines,
    expiresAtMs,
    atMs: nowMs,
    actor: command.actor,
  });
  return done(state, command.orderId, false);
}

/** The open reservation of a command; or, if it is not open, the decision about the command. */
function openReservation(
  state: InventoryState,
  orderId: string,
  operation: string | undefined,
  nowMs: number,
): Reservation | Decision<ReservationView> {
  const before = state.reservations.get(orderId);
  if (!before) return refused({ code: 'unknown-reservation' });
  if (operation !== undefined && before.operations.includes(operation)) return done(state, orderId, true);
  const reservation = state.expireWhenDue(before, nowMs);
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

/** BR-007: the items of these lines that are being counted. */
function lockedOf(state: InventoryState, lines: readonly StockLine[]): LockedItem[] {
  return lines.flatMap(({ sku, warehouse }) => {
    const lock = state.item({ sku, warehouse })?.stocktake;
    return lock ? [{ sku, warehouse, ...lock }] : [];
  });
}

function done(
  state: InventoryState,
  orderId: string,
  replayed: boolean,
  skipped: ReservationView['skipped'] = [],
): Decision<ReservationView> {
  const reservation = state.reservations.get(orderId);
  if (!reservation) throw new Error(`order ${orderId} does not exist after its own command`);
  const view = viewOf(reservation);
  return { outcome: 'done', replayed, value: skipped.length > 0 ? { ...view, skipped } : view };
}
