/**
 * The lines an order would hold, each with a warehouse; or the refusal that names every unknown, locked or short line.
 * Twin: plan_lines in lua/plan.lua. Checked in this order: unknown, stocktake (BR-007), stock (BR-001, BR-002).
 */

import { canReserve } from '../domain/inventory-item.ts';
import {
  canonicalLines,
  type LockedItem,
  type OrderLine,
  type Refusal,
  type Shortage,
  type SkippedWarehouse,
  type StockLine,
} from '../domain/language.ts';
import { itemName } from '../domain/lines.ts';
import { leftIn, type Sale } from '../domain/sale.ts';
import { allocate, warehousesInOrder } from './allocation.ts';
import { type InventoryState, unitsOf } from './inventory-state.ts';

/** Lines to be found stock for. */
export interface Wanted {
  /** Canonical. */
  readonly lines: readonly OrderLine[];
  readonly candidates: readonly string[];
  readonly isSplit: boolean;
  /** The sale they draw from, where it is open to them. */
  readonly sale?: Sale | undefined;
}
export interface Plan {
  readonly lines: readonly StockLine[];
  readonly skipped: readonly SkippedWarehouse[];
}

export function planLines(books: InventoryState, wanted: Wanted, nowMs: number): Plan | Refusal {
  const unknown: { sku: string; warehouse?: string }[] = [];
  const locked: LockedItem[] = [];
  const short: Shortage[] = [];
  const pinned: StockLine[] = [];
  const unpinned: OrderLine[] = [];
  const taken = new Map<string, number>();
  for (const { sku, warehouse, quantity } of wanted.lines) {
    if (warehouse === undefined) {
      if (books.itemsOf(sku).length > 0) unpinned.push({ sku, quantity });
      else unknown.push({ sku });
      continue;
    }
    const line = { sku, warehouse, quantity };
    const item = books.item(line);
    if (!item) unknown.push({ sku, warehouse });
    else if (item.stocktake) locked.push({ sku, warehouse, ...item.stocktake });
    else {
      pinned.push(line);
      taken.set(itemName(line), quantity);
      if (!canReserve(item, quantity))
        short.push({ sku, warehouse, requested: quantity, available: item.available });
    }
  }
  if (unknown.length > 0) return { code: 'unknown-item', items: unknown };
  let skipped: readonly SkippedWarehouse[] = [];
  if (unpinned.length > 0) {
    const carrying = unpinned.flatMap(({ sku }) => books.itemsOf(sku).map((item) => item.warehouse));
    const stock = (sku: string, warehouse: string) => {
      const item = books.item({ sku, warehouse });
      const left = (item?.available ?? 0) - (taken.get(itemName({ sku, warehouse })) ?? 0);
      return item && { left, isLocked: item.stocktake !== undefined };
    };
    const order = warehousesInOrder(wanted.candidates, carrying);
    const allocation = allocate(unpinned, order, stock, wanted.isSplit);
    pinned.push(...allocation.served);
    short.push(...allocation.short);
    for (const name of allocation.locked) {
      const lock = books.item(name)?.stocktake;
      if (lock) locked.push({ ...name, ...lock });
    }
    skipped = allocation.skipped;
  }
  if (locked.length > 0) return { code: 'stocktake-in-progress', items: locked };
  const shortages = leftBySales(books, wanted, short, nowMs);
  if (shortages.length > 0) return { code: 'insufficient-stock', shortages };
  const lines = unpinned.length > 0 ? (canonicalLines(pinned) as readonly StockLine[]) : pinned;
  return { lines, skipped };
}

/** What is short once sales have set theirs aside: no line may get more, and a SKU may be short that was not before. */
function leftBySales(
  books: InventoryState,
  { lines, sale }: Wanted,
  short: readonly Shortage[],
  nowMs: number,
): readonly Shortage[] {
  const inSales = new Set([...books.sales.values()].map(({ sku }) => sku));
  const open = (sku: string) => openTo(books, sku, sale?.sku === sku ? sale : undefined, nowMs);
  const capped = short.map((line) =>
    inSales.has(line.sku) ? { ...line, available: Math.min(line.available, open(line.sku)) } : line,
  );
  const named = new Set(short.map(({ sku }) => sku));
  for (const sku of new Set(lines.map((line) => line.sku))) {
    if (named.has(sku) || !inSales.has(sku)) continue;
    const requested = unitsOf(sku, lines);
    if (open(sku) < requested) capped.push({ sku, requested, available: open(sku) });
  }
  return capped;
}

/** Units of a SKU that an order may take: of a sale what is left in it, else what no sale has set aside. */
export function openTo(books: InventoryState, sku: string, sale: Sale | undefined, nowMs: number): number {
  let units = books.itemsOf(sku).reduce((sum, item) => sum + item.available, 0);
  for (const other of books.sales.values()) {
    if (other.sku === sku && other.saleId !== sale?.saleId) units -= leftIn(other, nowMs);
  }
  return Math.max(0, sale ? Math.min(units, leftIn(sale, nowMs)) : units);
}
