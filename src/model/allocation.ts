/**
 * Which warehouse serves a line that names none. Twin of lua/allocate.lua.
 * Promises: `single`: one warehouse for the whole order where one can serve it, else the nearest that can serve each
 * line; `split`: each line from several, nearest outward, never more than asked. A warehouse the caller did not rank comes
 * last, by name, not away; one under a stocktake is passed by (BR-007). Refuses to know: why the caller ranks them so.
 */
import {
  type OrderLine,
  type Shortage,
  SKIPPED_MAX,
  type SkippedWarehouse,
  type StockLine,
} from '../domain/language.ts';

/** What an order could get of an item: undefined where the warehouse does not carry it. */
export type Stock = (
  sku: string,
  warehouse: string,
) => { readonly left: number; readonly isLocked: boolean } | undefined;

export interface AllocationPlan {
  readonly served: StockLine[];
  readonly short: Shortage[];
  /** Items under a stocktake without which a line cannot be served, and with which it could. */
  readonly locked: { readonly sku: string; readonly warehouse: string }[];
  readonly skipped: SkippedWarehouse[];
}

/** Candidates first, then all other warehouses that carry one of the lines, by name. */
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

/** One warehouse for all lines, or undefined; those before it are passed by for their first line they cannot serve. */
function serveWhole(
  lines: readonly OrderLine[],
  order: readonly string[],
  stock: Stock,
): AllocationPlan | undefined {
  const passed = new SkippedList();
  for (const warehouse of order) {
    const failing = lines.find((line) => openLeft(stock, line.sku, warehouse) < line.quantity);
    if (!failing) {
      const served = lines.map(({ sku, quantity }) => ({ sku, warehouse, quantity }));
      return { served, short: [], locked: [], skipped: passed.list };
    }
    const there = stock(failing.sku, warehouse);
    if (there) passed.add(failing.sku, warehouse, there.isLocked);
  }
  return undefined;
}

function openLeft(stock: Stock, sku: string, warehouse: string): number {
  const there = stock(sku, warehouse);
  return there && !there.isLocked ? there.left : 0;
}

/** Gives each line (one per SKU, no warehouse named) a warehouse, or several where the order may be split. */
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
  const passed = new SkippedList();
  const together = (amounts: number[]) =>
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
        const there = stock(sku, warehouse);
        if (there) passed.add(sku, warehouse, there.isLocked);
      }
      if (remaining === 0) break;
    }
    if (remaining === 0) served.push(...parts);
    else if (together(order.map((warehouse) => stock(sku, warehouse)?.left ?? 0)) >= quantity) {
      for (const warehouse of order) {
        const there = stock(sku, warehouse);
        if (there?.isLocked && there.left > 0) locked.push({ sku, warehouse });
      }
    } else {
      const available = together(order.map((warehouse) => openLeft(stock, sku, warehouse)));
      short.push({ sku, requested: quantity, available });
    }
  }
  return { served, short, locked, skipped: passed.list };
}
