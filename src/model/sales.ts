/**
 * The life of a flash sale: it is scheduled, and closes at its time or before. Twin: lua/schedule-sale.lua.
 * What a sale means to an order stands in sale.ts.
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
import { openTo } from './plan.ts';

export function scheduleSale(
  books: InventoryState,
  command: ScheduleSale,
  nowMs: number,
): Decision<SaleView> {
  const { saleId, sku, opensAtMs, closesAtMs, quantity, limitPerCustomer, actor } = command;
  const scheduled = books.scheduledAs(saleId);
  if (scheduled) {
    const isSame =
      scheduled.sku === sku &&
      scheduled.opensAtMs === opensAtMs &&
      scheduled.closesAtMs === closesAtMs &&
      scheduled.quantity === quantity &&
      scheduled.limitPerCustomer === limitPerCustomer;
    return isSame ? done(books, saleId, nowMs, true) : refused({ code: 'sale-conflict' });
  }
  if (closesAtMs <= nowMs) return refused({ code: 'sale-closed', closesAtMs });
  if (books.itemsOf(sku).length === 0) return refused({ code: 'unknown-item', items: [{ sku }] });
  const standing = [...books.sales.values()].filter(
    (sale) => sale.sku === sku && sale.closesAtMs + SALE_AFTERLIFE_SECONDS * 1_000 > nowMs,
  );
  if (standing.length >= SALES_PER_SKU_MAX) return refused({ code: 'too-many-sales' });
  const available = openTo(books, sku, undefined, nowMs);
  if (available < quantity) {
    return refused({ code: 'insufficient-stock', shortages: [{ sku, requested: quantity, available }] });
  }
  books.record({
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
  return done(books, saleId, nowMs, false);
}

export function closeSale(books: InventoryState, command: CloseSale, nowMs: number): Decision<SaleView> {
  const { saleId, actor } = command;
  const sale = books.sales.get(saleId);
  if (!sale) return refused({ code: 'unknown-sale' });
  if (sale.closesAtMs <= nowMs) return done(books, saleId, nowMs, true);
  books.record({ type: 'SaleClosed', saleId, sku: sale.sku, lines: [], atMs: nowMs, actor });
  return done(books, saleId, nowMs, false);
}

function done(books: InventoryState, saleId: string, nowMs: number, replayed: boolean): Decision<SaleView> {
  const sale = books.sales.get(saleId);
  if (!sale) throw new Error(`sale ${saleId} was decided but is not there`);
  return { outcome: 'done', replayed, value: saleView(sale, nowMs) };
}
