/**
 * The record of an item: one field of its SKU's hash, under the warehouse.
 * Format: `total available reserved sold version safety_stock is_low[ stocktake|- until_ms]`: `until_ms` is when the lock
 * ends, or after a lock (`-`) until when no hold expires (BR-007). Format 1, without a mark. Behind the word `quarantined`
 * the program leaves the item alone (D8). Twin: read_item and write_item in lua/item.lua.
 */
import { type InventoryItem, itemViewOf } from '../../domain/inventory-item.ts';
import { encodeId, type ItemView, itemName } from '../../domain/language.ts';
import { decodeIdWord, NOTHING, Unreadable } from './words.ts';

const ITEM = /^(\d+) (\d+) (\d+) (\d+) (\d+) (\d+) ([01])(?: (\S+) (\d{1,15}))?$/;

/** @throws {Unreadable} */
export function decodeItem(sku: string, warehouse: string, text: string): InventoryItem {
  const match = ITEM.exec(text);
  if (!match) throw new Unreadable(`item ${itemName({ sku, warehouse })}`, text);
  const [, total, available, reserved, sold, version, safetyStock, isLow, stocktake, until] = match;
  return {
    sku,
    warehouse,
    total: Number(total),
    available: Number(available),
    reserved: Number(reserved),
    sold: Number(sold),
    version: Number(version),
    safetyStock: Number(safetyStock),
    isLow: isLow === '1',
    ...(stocktake === NOTHING && { holdsUntilMs: Number(until) }),
    ...(stocktake !== undefined &&
      stocktake !== NOTHING && {
        stocktake: { stocktakeId: decodeIdWord('an item', stocktake), untilMs: Number(until) },
      }),
  };
}

export function encodeItem(item: InventoryItem): string {
  const { total, available, reserved, sold, version, safetyStock, isLow, stocktake, holdsUntilMs } = item;
  const text = `${total} ${available} ${reserved} ${sold} ${version} ${safetyStock} ${isLow ? 1 : 0}`;
  if (stocktake) return `${text} ${encodeId(stocktake.stocktakeId)} ${stocktake.untilMs}`;
  return holdsUntilMs === undefined ? text : `${text} ${NOTHING} ${holdsUntilMs}`;
}

/** As the program leaves an item it was told to leave alone: readable for people, no item for the program (D8). */
export function encodeQuarantinedItem(item: InventoryItem): string {
  return `quarantined ${encodeItem(item)}`;
}

/** What an answer about an item shows. @throws {Unreadable} */
export function decodeItemView(sku: string, warehouse: string, text: string): ItemView {
  return itemViewOf(decodeItem(sku, warehouse, text));
}

/** The stock of one SKU over all its warehouses, in units. */
export interface SkuView {
  readonly sku: string;
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  readonly warehouses: readonly Omit<ItemView, 'sku'>[];
}

/** A SKU over all its warehouses. Format: `warehouse item,...`. @throws {Unreadable} */
export function decodeSkuView(sku: string, text: string): SkuView {
  const sum = { total: 0, available: 0, reserved: 0, sold: 0 };
  const warehouses = text.split(',').map((part) => {
    const space = part.indexOf(' ');
    const warehouse = decodeIdWord('an item', part.slice(0, space));
    const { sku: _, ...item } = decodeItemView(sku, warehouse, part.slice(space + 1));
    sum.total += item.total;
    sum.available += item.available;
    sum.reserved += item.reserved;
    sum.sold += item.sold;
    return item;
  });
  return { sku, ...sum, warehouses };
}
