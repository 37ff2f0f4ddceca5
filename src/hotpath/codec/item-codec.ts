/**
 * The record of an item: a field of its SKU's hash, named by the warehouse.
 * Format: `total available reserved sold version safety_stock is_low[ stocktake|- until_ms]`; `until_ms` is when the lock
 * ends, or after a lock (`-`) until when no hold expires (BR-007). Format 1, without a mark. An item whose record begins with
 * `quarantined ` gets no more commands (D8). Twin: read_item and write_item in lua/item.lua.
 */
import { type InventoryItem, itemViewOf } from '../../domain/inventory-item.ts';
import { encodeId, type ItemView, itemName } from '../../domain/language.ts';
import { decodeIdWord, NOTHING, Unreadable } from './words.ts';

const ITEM = /^(\d+) (\d+) (\d+) (\d+) (\d+) (\d+) ([01])(?: (\S+) (\d{1,15}))?$/;

/** Reads {@link encodeItem} back. @throws {Unreadable} also for a quarantined item */
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

/** The record of an item, as the program writes it. */
export function encodeItem(item: InventoryItem): string {
  const { total, available, reserved, sold, version, safetyStock, isLow, stocktake, holdsUntilMs } = item;
  const text = `${total} ${available} ${reserved} ${sold} ${version} ${safetyStock} ${isLow ? 1 : 0}`;
  if (stocktake) return `${text} ${encodeId(stocktake.stocktakeId)} ${stocktake.untilMs}`;
  return holdsUntilMs === undefined ? text : `${text} ${NOTHING} ${holdsUntilMs}`;
}

/** The record of a quarantined item (D8): people can read its figures, the program refuses commands about it. */
export function encodeQuarantinedItem(item: InventoryItem): string {
  return `quarantined ${encodeItem(item)}`;
}

/** The answer about an item. Format: its record. @throws {Unreadable} */
export function decodeItemView(sku: string, warehouse: string, text: string): ItemView {
  return itemViewOf(decodeItem(sku, warehouse, text));
}

/** The stock of one SKU in all its warehouses, in units. */
export interface SkuView {
  readonly sku: string;
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  readonly warehouses: readonly Omit<ItemView, 'sku'>[];
}

/** The answer about a SKU. Format: `warehouse item,...`. @throws {Unreadable} */
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
