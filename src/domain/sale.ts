/**
 * A flash sale: a quantity of one SKU set aside, in no particular warehouse, from now until it closes, for orders that
 * take part in it; and how much of it one customer may hold and buy. It moves no counter of an item.
 * Twin: lua/sale.lua. Refuses to know: items, stores, what time it is.
 */
import type { Refusal, SaleView } from './views.ts';

export interface Sale extends Omit<SaleView, 'left'> {}

/** What one customer has in one sale over all orders. */
export interface Quota {
  readonly held: number;
  readonly bought: number;
}
export const NO_QUOTA: Quota = { held: 0, bought: 0 };

/** Units still to be had in a sale; what it set aside and did not sell is there for everybody once it is closed. */
export function leftIn(sale: Sale, nowMs: number): number {
  return sale.closesAtMs <= nowMs ? 0 : Math.max(0, sale.quantity - sale.reserved - sale.sold);
}

export function saleView(sale: Sale, nowMs: number): SaleView {
  return { ...sale, left: leftIn(sale, nowMs) };
}

/** Whether a sale takes this order: its window, then the customer's limit. */
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

export type SaleCount = 'reserved' | 'sold' | 'released' | 'expired';

/** Units of an order move from where they counted to where they count now; undefined: they are new. */
export function countIn(sale: Sale, units: number, from: SaleCount | undefined, to: SaleCount): Sale {
  const next = { ...sale };
  if (from) next[from] = Math.max(0, next[from] - units);
  next[to] += units;
  return next;
}

/** The same for what the customer has. */
export function countQuota(quota: Quota, units: number, from: SaleCount | undefined, to: SaleCount): Quota {
  const held = quota.held - (from === 'reserved' ? units : 0) + (to === 'reserved' ? units : 0);
  return { held: Math.max(0, held), bought: quota.bought + (to === 'sold' ? units : 0) };
}
