/**
 * Reservation: what one order holds. An aggregate of its own that shares one atomic step with the items it holds. It is
 * ACTIVE, and then resolved once: CONFIRMED, RELEASED or EXPIRED. Twin of read and resolve in
 * lua/reservation.lua. Refuses to know: stores and the time.
 */
import { strict as assert } from 'node:assert';
import type { EventOf, ReservationEvent } from './events.ts';
import { SHORT_OPERATION } from './fingerprint.ts';
import {
  ACTOR_CLOCK,
  LIFETIME_SECONDS_MAX,
  STOCKTAKE_EXTENSION_SECONDS,
  STOCKTAKE_GRACE_SECONDS,
} from './limits.ts';
import { canonicalParts, type PartLine, type StockLine } from './lines.ts';
import type { ReservationStatus, ReservationView } from './views.ts';

/** The whole state of a reservation; {@link ReservationView} is what answers show of it. */
export interface Reservation {
  readonly orderId: string;
  readonly status: ReservationStatus;
  /** Held units; once CONFIRMED, what was sold; once RELEASED or EXPIRED, what was returned last. */
  readonly lines: readonly StockLine[];
  readonly reservedAtMs: number;
  readonly expiresAtMs: number;
  /** Of the request that made it, as requestFingerprint spells it (BR-006). */
  readonly fingerprint: string;
  readonly resolvedAtMs?: number | undefined;
  /** Names of the confirms and releases already done, so that a repeat is recognized. */
  readonly operations: readonly string[];
  readonly customerId?: string | undefined;
  readonly saleId?: string | undefined;
}

/** BR-003: whether a hold is past its deadline. It is over then, even if nothing has processed its expiry yet. */
export function isDue(reservation: Reservation, nowMs: number): boolean {
  return reservation.status === 'ACTIVE' && reservation.expiresAtMs <= nowMs;
}

/** The fields of a reservation that answers show. */
export function viewOf(reservation: Reservation): ReservationView {
  const { orderId, status, lines, reservedAtMs, expiresAtMs, resolvedAtMs, customerId, saleId } = reservation;
  return { orderId, status, lines, reservedAtMs, expiresAtMs, resolvedAtMs, customerId, saleId };
}

/** The named part and the rest of what is held; or each SKU of which more is named than is held. */
export type Split =
  | { readonly named: StockLine[]; readonly rest: StockLine[] }
  | { readonly excess: { sku: string; requested: number; held: number }[] };

/** Splits what is held into the named part and the rest, in the order of the lines. */
export function splitLines(lines: readonly StockLine[], parts: readonly PartLine[]): Split {
  const held = new Map<string, number>();
  for (const line of lines) held.set(line.sku, (held.get(line.sku) ?? 0) + line.quantity);
  const wanted = new Map<string, number>();
  const excess: { sku: string; requested: number; held: number }[] = [];
  for (const { sku, quantity } of canonicalParts(parts)) {
    wanted.set(sku, quantity);
    if (quantity > (held.get(sku) ?? 0)) excess.push({ sku, requested: quantity, held: held.get(sku) ?? 0 });
  }
  if (excess.length > 0) return { excess };
  const named: StockLine[] = [];
  const rest: StockLine[] = [];
  for (const line of lines) {
    const take = Math.min(line.quantity, wanted.get(line.sku) ?? 0);
    if (take > 0) {
      wanted.set(line.sku, (wanted.get(line.sku) ?? 0) - take);
      named.push({ sku: line.sku, warehouse: line.warehouse, quantity: take });
    }
    if (take < line.quantity) {
      rest.push({ sku: line.sku, warehouse: line.warehouse, quantity: line.quantity - take });
    }
  }
  return { named, rest };
}

/** `held` minus `taken`, line by line. Asserts that nothing is taken that is not held. */
function subtract(held: readonly StockLine[], taken: readonly StockLine[]): StockLine[] {
  const rest = held.map((line) => {
    const part = taken.find((t) => t.sku === line.sku && t.warehouse === line.warehouse);
    return part ? { ...line, quantity: line.quantity - part.quantity } : line;
  });
  assert(
    rest.every((line) => line.quantity >= 0) &&
      taken.every((t) => held.some((line) => line.sku === t.sku && line.warehouse === t.warehouse)),
    'more leaves a reservation than it holds',
  );
  return rest.filter((line) => line.quantity > 0);
}

function withoutVersions(lines: readonly StockLine[]): StockLine[] {
  return lines.map(({ sku, warehouse, quantity }) => ({ sku, warehouse, quantity }));
}

/**
 * The reservation after an event.
 * @param before undefined before its first event
 * @throws {AssertionError} if the event cannot follow: above all, a reservation is resolved once (BR-006)
 */
export function evolveReservation(before: Reservation | undefined, event: ReservationEvent): Reservation {
  if (event.type === 'InventoryReserved') {
    assert(before === undefined, `BR-006: order ${event.orderId} is reserved a second time`);
    return {
      orderId: event.orderId,
      status: 'ACTIVE',
      lines: withoutVersions(event.lines),
      reservedAtMs: event.atMs,
      expiresAtMs: event.expiresAtMs,
      fingerprint: event.fingerprint,
      operations: [],
      ...(event.customerId === undefined ? undefined : { customerId: event.customerId }),
      ...(event.saleId === undefined ? undefined : { saleId: event.saleId }),
    };
  }
  assert(before, `${event.type} for order ${event.orderId}, which is not reserved`);
  // The remainder of a partial confirm returns in the same step, after the confirm has closed the hold.
  if (event.type === 'InventoryReleased' && event.cause === 'remainder') {
    assert(
      before.status === 'CONFIRMED' && before.resolvedAtMs === event.atMs,
      'a remainder returns with its confirm',
    );
    return before;
  }
  if (event.type === 'InventoryReacquired' || event.type === 'PaymentCameShort') {
    return afterLatePayment(before, event);
  }
  assert(
    before.status === 'ACTIVE',
    `BR-006: ${event.type} for order ${event.orderId}, which is ${before.status}`,
  );
  const isExpiry = event.type === 'InventoryReleased' && event.cause === 'expired';
  // BR-007: a hold that falls due under a lock is extended, and a count may release one that is due but not expired yet.
  const outlivesLock = event.type === 'ReservationExtended' && event.actor === ACTOR_CLOCK;
  const isShortfall = event.type === 'InventoryReleased' && event.cause === 'shortfall';
  assert(
    isExpiry || outlivesLock || isShortfall || !isDue(before, event.atMs),
    `BR-003: ${event.type} for order ${event.orderId} after its deadline`,
  );
  switch (event.type) {
    case 'InventoryDeducted':
      subtract(before.lines, event.lines);
      return {
        ...before,
        status: 'CONFIRMED',
        lines: withoutVersions(event.lines),
        resolvedAtMs: event.atMs,
        operations: [...before.operations, event.operation],
      };
    case 'InventoryReleased': {
      const rest = subtract(before.lines, event.lines);
      if (event.cause === 'expired') {
        assert(isDue(before, event.atMs), `BR-003: order ${event.orderId} expired before its deadline`);
        assert(rest.length === 0, 'an expired hold returns as a whole');
        return { ...before, status: 'EXPIRED', resolvedAtMs: event.atMs };
      }
      if (event.cause === 'shortfall') {
        assert(rest.length === 0, 'BR-007: a hold that a count releases returns as a whole');
        return { ...before, status: 'RELEASED', resolvedAtMs: event.atMs };
      }
      const operations = [...before.operations, event.operation];
      return rest.length > 0
        ? { ...before, lines: rest, operations }
        : { ...before, status: 'RELEASED', resolvedAtMs: event.atMs, operations };
    }
    case 'ReservationExtended':
      assert(event.expiresAtMs > before.expiresAtMs, 'an extension makes a hold longer');
      assert(
        event.expiresAtMs <= latestExpiryMs(before, event),
        `BR-003: order ${event.orderId} is held beyond the longest life`,
      );
      return { ...before, expiresAtMs: event.expiresAtMs };
    default: {
      const never: never = event;
      throw new Error(`no such event: ${JSON.stringify(never)}`);
    }
  }
}

/**
 * BR-003: the longest life; BR-007: a hold that is due under a lock is extended step by step instead. Decided by the
 * deadline and not by the actor, because a caller may choose any actor, also `clock`.
 */
function latestExpiryMs(before: Reservation, { atMs }: EventOf<'ReservationExtended'>): number {
  const seconds = STOCKTAKE_EXTENSION_SECONDS + STOCKTAKE_GRACE_SECONDS;
  return isDue(before, atMs) ? atMs + seconds * 1_000 : before.reservedAtMs + LIFETIME_SECONDS_MAX * 1_000;
}

/** A payment after the deadline: the stock was taken again, or the shortage was recorded once. */
function afterLatePayment(
  before: Reservation,
  event: EventOf<'InventoryReacquired' | 'PaymentCameShort'>,
): Reservation {
  assert(
    before.status === 'EXPIRED',
    `BR-006: ${event.type} for order ${event.orderId}, which is ${before.status}`,
  );
  if (event.type === 'PaymentCameShort') {
    assert(!before.operations.includes(SHORT_OPERATION), `order ${event.orderId} came short a second time`);
    return { ...before, operations: [...before.operations, SHORT_OPERATION] };
  }
  return {
    ...before,
    status: 'CONFIRMED',
    lines: withoutVersions(event.lines),
    resolvedAtMs: event.atMs,
    operations: [...before.operations, event.operation],
  };
}
