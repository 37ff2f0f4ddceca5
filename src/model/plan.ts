/**
 * Part of the executable specification: finds stock for the lines of an order, or the refusal that names every unknown,
 * locked or short line.
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

/** Lines that need stock. */
export interface Wanted {
  /** Canonical: see canonicalLines. */
  readonly lines: readonly OrderLine[];
  readonly candidates: readonly string[];
  readonly isSplit: boolean;
  /** The open sale that the lines draw from. */
  readonly sale?: Sale | undefined;
}

/** Where the lines are served from. */
export interface Plan {
  readonly lines: readonly StockLine[];
  readonly skipped: readonly SkippedWarehouse[];
}

/** Finds stock for all lines or refuses all of them; changes nothing. */
export function planLines(state: InventoryState, wanted: Wanted, nowMs: number): Plan | Refusal {
  const unknown: { sku: string; warehouse?: string }[] = [];
  const locked: LockedItem[] = [];
  const short: Shortage[] = [];
  const pinned: StockLine[] = [];
  const unpinned: OrderLine[] = [];
  const taken = new Map<string, number>();
  for (const { sku, warehouse, quantity } of wanted.lines) {
    if (warehouse === undefined) {
      if (state.itemsOf(sku).length > 0) unpinned.push({ sku, quantity });
      else unknown.push({ sku });
      continue;
    }
    const line = { sku, warehouse, quantity };
    const item = state.item(line);
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
    const carrying = unpinned.flatMap(({ sku }) => state.itemsOf(sku).map((item) => item.warehouse));
    const stock = (sku: string, warehouse: string) => {
      const item = state.item({ sku, warehouse });
      const left = (item?.available ?? 0) - (taken.get(itemName({ sku, warehouse })) ?? 0);
      return item && { left, isLocked: item.stocktake !== undefined };
    };
    const order = warehousesInOrder(wanted.candidates, carrying);
    const allocation = allocate(unpinned, order, stock, wanted.isSplit);
    pinned.push(...allocation.served);
    short.push(...allocation.short);
    for (const name of allocation.locked) {
      const lock = state.item(name)?.stocktake;
      if (lock) locked.push({ ...name, ...lock });
    }
    skipped = allocation.skipped;
  }
  if (locked.length > 0) return { code: 'stocktake-in-progress', items: locked };
  const shortages = withSales(state, wanted, short, nowMs);
  if (shortages.length > 0) return { code: 'insufficient-stock', shortages };
  const lines = unpinned.length > 0 ? (canonicalLines(pinned) as readonly StockLine[]) : pinned;
  return { lines, skipped };
}

/** The shortages once sales have set their units aside: less may be available, and further SKUs may be short. */
function withSales(
  state: InventoryState,
  { lines, sale }: Wanted,
  short: readonly Shortage[],
  nowMs: number,
): readonly Shortage[] {
  const inSales = new Set([...state.sales.values()].map(({ sku }) => sku));
  const open = (sku: string) => unitsOpenTo(state, sku, sale?.sku === sku ? sale : undefined, nowMs);
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

/** Units of a SKU that an order may take: within a sale what the sale has left, else what no sale has set aside. */
export function unitsOpenTo(
  state: InventoryState,
  sku: string,
  sale: Sale | undefined,
  nowMs: number,
): number {
  let units = state.itemsOf(sku).reduce((sum, item) => sum + item.available, 0);
  for (const other of state.sales.values()) {
    if (other.sku === sku && other.saleId !== sale?.saleId) units -= leftIn(other, nowMs);
  }
  return Math.max(0, sale ? Math.min(units, leftIn(sale, nowMs)) : units);
}
