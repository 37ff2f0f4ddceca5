/**
 * Part of the executable specification: chooses a warehouse for each line that names none. Twin of lua/allocate.lua.
 * Promises: `single` takes one warehouse for the whole order if one can serve it, else the nearest one that can serve each
 * line; `split` takes each line from several, nearest first, never more than requested. Warehouses that the caller did not
 * rank come last, by name; a warehouse under a stocktake is skipped (BR-007). Refuses to know: why the caller ranks them so.
 */
import {
  type OrderLine,
  type Shortage,
  SKIPPED_MAX,
  type SkippedWarehouse,
  type StockLine,
} from '../domain/language.ts';

/** Units of an item that an order could get; undefined if the warehouse does not carry the SKU. */
export type Stock = (
  sku: string,
  warehouse: string,
) => { readonly left: number; readonly isLocked: boolean } | undefined;

export interface AllocationPlan {
  readonly served: StockLine[];
  readonly short: Shortage[];
  /** Locked items that alone keep a line from being served. */
  readonly locked: { readonly sku: string; readonly warehouse: string }[];
  readonly skipped: SkippedWarehouse[];
}

/**
 * The order in which warehouses are tried: the candidates as given, then the others by name.
 * @param carrying warehouses that carry a SKU of the order; repeats are allowed
 */
export function warehousesInOrder(candidates: readonly string[], carrying: Iterable<string>): string[] {
  const ranked = [...new Set(candidates)];
  const others = [...new Set(carrying)].filter((warehouse) => !ranked.includes(warehouse));
  return [...ranked, ...others.sort()];
}

class SkippedList {
  readonly list: SkippedWarehouse[] = [];
  add(sku: string, warehouse: string, isLocked: boolean): void {
    if (this.list.length < SKIPPED_MAX)
      this.list.push({ sku, warehouse, reason: isLocked ? 'locked' : 'short' });
  }
}

/** One warehouse for all lines, or undefined. A warehouse tried before it is skipped for the first line it cannot serve. */
function serveWhole(
  lines: readonly OrderLine[],
  order: readonly string[],
  stock: Stock,
): AllocationPlan | undefined {
  const skipped = new SkippedList();
  for (const warehouse of order) {
    const failing = lines.find((line) => openLeft(stock, line.sku, warehouse) < line.quantity);
    if (!failing) {
      const served = lines.map(({ sku, quantity }) => ({ sku, warehouse, quantity }));
      return { served, short: [], locked: [], skipped: skipped.list };
    }
    const item = stock(failing.sku, warehouse);
    if (item) skipped.add(failing.sku, warehouse, item.isLocked);
  }
  return undefined;
}

function openLeft(stock: Stock, sku: string, warehouse: string): number {
  const item = stock(sku, warehouse);
  return item && !item.isLocked ? item.left : 0;
}

/**
 * Gives each line a warehouse, or several if the order may be split.
 * @param lines one per SKU, without a warehouse
 * @param order from {@link warehousesInOrder}
 */
export function allocate(
  lines: readonly OrderLine[],
  order: readonly string[],
  stock: Stock,
  isSplit: boolean,
): AllocationPlan {
  const whole = isSplit ? undefined : serveWhole(lines, order, stock);
  if (whole) return whole;
  const served: StockLine[] = [];
  const short: Shortage[] = [];
  const locked: { sku: string; warehouse: string }[] = [];
  const skipped = new SkippedList();
  const combined = (amounts: number[]) =>
    isSplit ? amounts.reduce((sum, amount) => sum + Math.max(0, amount), 0) : Math.max(0, ...amounts);
  for (const { sku, quantity } of lines) {
    const parts: StockLine[] = [];
    let remaining = quantity;
    for (const warehouse of order) {
      const left = openLeft(stock, sku, warehouse);
      let take = left >= remaining ? remaining : 0;
      if (isSplit) take = Math.min(remaining, Math.max(0, left));
      if (take > 0) {
        parts.push({ sku, warehouse, quantity: take });
        remaining -= take;
      } else {
        const item = stock(sku, warehouse);
        if (item) skipped.add(sku, warehouse, item.isLocked);
      }
      if (remaining === 0) break;
    }
    if (remaining === 0) served.push(...parts);
    else if (combined(order.map((warehouse) => stock(sku, warehouse)?.left ?? 0)) >= quantity) {
      for (const warehouse of order) {
        const item = stock(sku, warehouse);
        if (item?.isLocked && item.left > 0) locked.push({ sku, warehouse });
      }
    } else {
      const available = combined(order.map((warehouse) => openLeft(stock, sku, warehouse)));
      short.push({ sku, requested: quantity, available });
    }
  }
  return { served, short, locked, skipped: skipped.list };
}
