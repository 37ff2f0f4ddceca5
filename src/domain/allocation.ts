/**
 * Which warehouse serves a line that names none. Twin of lua/allocate.lua.
 * Promises: one warehouse for the whole order where one can serve it, else the first that can serve each line;
 * a warehouse the caller did not rank comes last, by name, not away. Refuses to know: why the caller ranks them so.
 */
import type { OrderLine, Shortage, StockLine } from './language.ts';

/** How much of an item this order could still get, by item name `sku@warehouse`. */
export type LeftOf = (sku: string, warehouse: string) => number;

/** Candidates first, then all other warehouses that carry one of the lines, by name. */
export function warehousesInOrder(candidates: readonly string[], carrying: Iterable<string>): string[] {
  const ranked = [...new Set(candidates)];
  const others = [...new Set(carrying)].filter((warehouse) => !ranked.includes(warehouse));
  return [...ranked, ...others.sort()];
}

/**
 * Gives each line a warehouse.
 * @param lines one per SKU, no warehouse named
 * @returns pinned lines, and the lines no warehouse can serve, with the most any one has
 */
export function allocate(
  lines: readonly OrderLine[],
  order: readonly string[],
  leftOf: LeftOf,
): { served: StockLine[]; short: Shortage[] } {
  for (const warehouse of order) {
    if (lines.every((line) => leftOf(line.sku, warehouse) >= line.quantity)) {
      return { served: lines.map(({ sku, quantity }) => ({ sku, warehouse, quantity })), short: [] };
    }
  }
  const served: StockLine[] = [];
  const short: Shortage[] = [];
  for (const { sku, quantity } of lines) {
    const warehouse = order.find((candidate) => leftOf(sku, candidate) >= quantity);
    if (warehouse !== undefined) served.push({ sku, warehouse, quantity });
    else {
      const most = Math.max(0, ...order.map((candidate) => leftOf(sku, candidate)));
      short.push({ sku, requested: quantity, available: most });
    }
  }
  return { served, short };
}
