/**
 * Sale: an aggregate of its own; units of one SKU, in no particular warehouse, that are set aside for the orders of a flash
 * sale until it closes, and how many of them one customer may hold and buy. It changes no counter of an item.
 * Twin: lua/sale.lua. Refuses to know: items, stores and the time.
 */
import type { Refusal } from './refusals.ts';
import type { SaleView } from './views.ts';

/** The whole state of a sale; {@link SaleView} adds what is left at a given time. */
export interface Sale extends Omit<SaleView, 'left'> {}

/** Units that one customer holds and has bought in one sale, over all orders. */
export interface Quota {
  readonly held: number;
  readonly bought: number;
}
export const NO_QUOTA: Quota = { held: 0, bought: 0 };

/** Units that orders of the sale can still get; 0 once it is closed, when the rest is for everybody again. */
export function leftIn(sale: Sale, nowMs: number): number {
  return sale.closesAtMs <= nowMs ? 0 : Math.max(0, sale.quantity - sale.reserved - sale.sold);
}

/** The sale as answers show it at this time. */
export function saleView(sale: Sale, nowMs: number): SaleView {
  return { ...sale, left: leftIn(sale, nowMs) };
}

/**
 * Why a sale does not accept an order; undefined if it does. Checks the times of the sale, then the customer's limit.
 * @param units of the sale's SKU in the order
 * @param quota of the customer; undefined if the order names none
 */
export function refuseBySale(
  sale: Sale | undefined,
  units: number,
  quota: Quota | undefined,
  nowMs: number,
): Refusal | undefined {
  if (!sale) return { code: 'unknown-sale' };
  if (nowMs < sale.opensAtMs) return { code: 'sale-not-open', opensAtMs: sale.opensAtMs };
  if (nowMs >= sale.closesAtMs) return { code: 'sale-closed', closesAtMs: sale.closesAtMs };
  if (sale.limitPerCustomer === 0) return undefined;
  if (!quota) return { code: 'customer-required' };
  if (quota.held + quota.bought + units <= sale.limitPerCustomer) return undefined;
  return { code: 'purchase-limit-exceeded', limit: sale.limitPerCustomer, ...quota };
}

/** The counts of a sale between which units of its orders move. */
export type SaleCount = 'reserved' | 'sold' | 'released' | 'expired';

/** Moves units of an order from one count of the sale to another; `from` is undefined for a new order. */
export function countIn(sale: Sale, units: number, from: SaleCount | undefined, to: SaleCount): Sale {
  const next = { ...sale };
  if (from) next[from] = Math.max(0, next[from] - units);
  next[to] += units;
  return next;
}

/** As {@link countIn}, for the quota of the customer. */
export function countQuota(quota: Quota, units: number, from: SaleCount | undefined, to: SaleCount): Quota {
  const held = quota.held - (from === 'reserved' ? units : 0) + (to === 'reserved' ? units : 0);
  return { held: Math.max(0, held), bought: quota.bought + (to === 'sold' ? units : 0) };
}
