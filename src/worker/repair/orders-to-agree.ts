/**
 * The orders that hold some of an item, as both stores have them, and what they become where the two differ. Pure.
 */
import type { Reservation } from '../../domain/reservation.ts';
import type { ItemName } from '../../ledger/read/worker-queries.ts';
import { isSameHold } from '../audit/audit-holds.ts';
import type { HotOrder } from './hot-records.ts';

/** Which store is right about an order. */
export type Side = 'hot-path' | 'ledger';

/** An order that the two stores have differently. */
export interface OrderDifference {
  readonly orderId: string;
  readonly hot: HotOrder | undefined;
  readonly ledger: Reservation | undefined;
  /** What both will have; undefined where the side that is right cannot be read. */
  readonly agreed: Reservation | undefined;
}

/** Orders of an item, compared. */
export interface OrdersToAgree {
  readonly differences: readonly OrderDifference[];
  /** What each order that is open, once all agree, holds of the item. */
  readonly held: ReadonlyMap<string, number>;
}

/** @param right undefined where nobody has said which side is right: then an order that differs holds what the ledger says */
export function compareOrders(
  name: ItemName,
  hot: ReadonlyMap<string, HotOrder>,
  ledger: ReadonlyMap<string, Reservation>,
  right: Side | undefined,
  nowMs: number,
): OrdersToAgree {
  const differences: OrderDifference[] = [];
  const held = new Map<string, number>();
  for (const orderId of [...new Set([...hot.keys(), ...ledger.keys()])].sort()) {
    const [there, here] = [hot.get(orderId), ledger.get(orderId)];
    const order = { orderId, hot: there, ledger: here };
    const difference = areEqual(there, here)
      ? undefined
      : { ...order, agreed: agreedOn(order, right, nowMs) };
    if (difference) differences.push(difference);
    const units = unitsOf(difference ? difference.agreed : here, name);
    if (units > 0) held.set(orderId, units);
  }
  return { differences, held };
}

/** Only open orders must be in both: one that has ended leaves Redis when its tombstone ends. */
function areEqual(hot: HotOrder | undefined, ledger: Reservation | undefined): boolean {
  if (hot === 'unreadable') return false;
  const isOpen = (order: Reservation | undefined) => order?.status === 'ACTIVE';
  if (!isOpen(hot) && !isOpen(ledger)) return true;
  return hot !== undefined && ledger !== undefined && isSameHold(ledger, hot);
}

function agreedOn(
  { hot, ledger }: Pick<OrderDifference, 'hot' | 'ledger'>,
  right: Side | undefined,
  nowMs: number,
): Reservation | undefined {
  if (right !== 'hot-path') return ledger ?? (hot === 'unreadable' ? undefined : ended(hot, nowMs));
  return hot === 'unreadable' ? undefined : (hot ?? ended(ledger, nowMs));
}

/** An order that the side which is right does not know: nothing is held any more. */
function ended(order: Reservation | undefined, nowMs: number): Reservation | undefined {
  if (order?.status !== 'ACTIVE') return order;
  const status = order.expiresAtMs <= nowMs ? 'EXPIRED' : 'RELEASED';
  return { ...order, status, resolvedAtMs: nowMs };
}

/** Units of an item that an order holds. */
export function unitsOf(order: Reservation | HotOrder | undefined, { sku, warehouse }: ItemName): number {
  if (order === undefined || order === 'unreadable' || order.status !== 'ACTIVE') return 0;
  return order.lines
    .filter((line) => line.sku === sku && line.warehouse === warehouse)
    .reduce((sum, line) => sum + line.quantity, 0);
}

/** Other items whose figures an agreement would put out of step: what is held of them changes in one of the stores. */
export function othersTouched(differences: readonly OrderDifference[], name: ItemName): ItemName[] {
  return differences.flatMap(({ hot, ledger }) => {
    const lines = [...(ledger?.lines ?? []), ...(hot === undefined || hot === 'unreadable' ? [] : hot.lines)];
    return lines.filter(
      (line) =>
        (line.sku !== name.sku || line.warehouse !== name.warehouse) &&
        unitsOf(hot, line) !== unitsOf(ledger, line),
    );
  });
}
