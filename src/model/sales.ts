/**
 * Part of the executable specification: a flash sale is scheduled, and closes at its time or before. Twin:
 * lua/schedule-sale.lua. What a sale means to an order is in domain/sale.ts.
 */

import {
  type CloseSale,
  type Decision,
  SALE_AFTERLIFE_SECONDS,
  SALES_PER_SKU_MAX,
  type SaleView,
  type ScheduleSale,
} from '../domain/language.ts';
import { saleView } from '../domain/sale.ts';
import type { InventoryState } from './inventory-state.ts';
import { refused } from './orders.ts';
import { unitsOpenTo } from './plan.ts';

/** Sets units of a SKU aside until the sale closes. */
export function scheduleSale(
  state: InventoryState,
  command: ScheduleSale,
  nowMs: number,
): Decision<SaleView> {
  const { saleId, sku, opensAtMs, closesAtMs, quantity, limitPerCustomer, actor } = command;
  const scheduled = state.saleScheduled(saleId);
  if (scheduled) {
    const isSame =
      scheduled.sku === sku &&
      scheduled.opensAtMs === opensAtMs &&
      scheduled.closesAtMs === closesAtMs &&
      scheduled.quantity === quantity &&
      scheduled.limitPerCustomer === limitPerCustomer;
    return isSame ? done(state, saleId, nowMs, true) : refused({ code: 'sale-conflict' });
  }
  if (closesAtMs <= nowMs) return refused({ code: 'sale-closed', closesAtMs });
  if (state.itemsOf(sku).length === 0) return refused({ code: 'unknown-item', items: [{ sku }] });
  const counting = [...state.sales.values()].filter(
    (sale) => sale.sku === sku && sale.closesAtMs + SALE_AFTERLIFE_SECONDS * 1_000 > nowMs,
  );
  if (counting.length >= SALES_PER_SKU_MAX) return refused({ code: 'too-many-sales' });
  const available = unitsOpenTo(state, sku, undefined, nowMs);
  if (available < quantity) {
    return refused({ code: 'insufficient-stock', shortages: [{ sku, requested: quantity, available }] });
  }
  state.record({
    type: 'SaleScheduled',
    saleId,
    sku,
    opensAtMs,
    closesAtMs,
    quantity,
    limitPerCustomer,
    lines: [],
    atMs: nowMs,
    actor,
  });
  return done(state, saleId, nowMs, false);
}

/** Closes a sale now; a sale that is closed already counts as a repeat. */
export function closeSale(state: InventoryState, command: CloseSale, nowMs: number): Decision<SaleView> {
  const { saleId, actor } = command;
  const sale = state.sales.get(saleId);
  if (!sale) return refused({ code: 'unknown-sale' });
  if (sale.closesAtMs <= nowMs) return done(state, saleId, nowMs, true);
  state.record({ type: 'SaleClosed', saleId, sku: sale.sku, lines: [], atMs: nowMs, actor });
  return done(state, saleId, nowMs, false);
}

function done(state: InventoryState, saleId: string, nowMs: number, replayed: boolean): Decision<SaleView> {
  const sale = state.sales.get(saleId);
  if (!sale) throw new Error(`sale ${saleId} does not exist after its own command`);
  return { outcome: 'done', replayed, value: saleView(sale, nowMs) };
}
