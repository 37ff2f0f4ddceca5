/**
 * Lines of orders and holds, and their text form in Redis, in the stream and in the text columns of the ledger.
 * Twin: read_lines and write_lines in lua/line-codec.lua; SQL reads the text with the function order_lines.
 * Promises: decoding returns what was encoded; any other text throws. Refuses to know: what the lines are for.
 */
import { compareIds, decodeId, encodeId } from './id.ts';
import { QUANTITY_MAX } from './limits.ts';

/** A quantity of one SKU in one warehouse. */
export interface StockLine {
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
}

/** A line of an order; without a warehouse the engine chooses one. */
export interface OrderLine {
  readonly sku: string;
  readonly warehouse?: string | undefined;
  readonly quantity: number;
}

/** A quantity of one SKU of a reservation, whichever warehouse holds it. */
export interface PartLine {
  readonly sku: string;
  readonly quantity: number;
}

/** Written in place of a warehouse that the order does not name. No escaped id is "*". */
const ANY_WAREHOUSE = '*';

/** The name of an item in texts and as a key of maps. Format: `sku@warehouse`, ids escaped. */
export function itemName({ sku, warehouse }: { readonly sku: string; readonly warehouse: string }): string {
  return `${encodeId(sku)}@${encodeId(warehouse)}`;
}

/** How the lines of an item begin in {@link encodeLines}, for a search in such texts before they are split. */
export function lineStart(item: { readonly sku: string; readonly warehouse: string }): string {
  return `${itemName(item)}=`;
}

/** Reads {@link itemName} back; undefined for any other text. */
export function decodeItemName(text: string): { sku: string; warehouse: string } | undefined {
  const at = text.indexOf('@');
  const sku = at < 0 ? undefined : decodeId(text.slice(0, at));
  const warehouse = at < 0 ? undefined : decodeId(text.slice(at + 1));
  return sku === undefined || warehouse === undefined ? undefined : { sku, warehouse };
}

/**
 * Format: `sku@warehouse=quantity,...` in the order given; ids escaped, `*` for any warehouse.
 * @example encodeLines([{ sku: 'A', quantity: 1 }]) // 'A@*=1'
 */
export function encodeLines(lines: readonly OrderLine[]): string {
  let text = '';
  for (const { sku, warehouse, quantity } of lines) {
    if (text !== '') text += ',';
    text += `${encodeId(sku)}@${warehouse === undefined ? ANY_WAREHOUSE : encodeId(warehouse)}=${quantity}`;
  }
  return text;
}

const LINE = /^([^@,=]+)@([^@,=]+)=(\d{1,10})$/;

/** Reads {@link encodeLines} back. @throws {Error} for any other text, also where a line names no warehouse */
export function decodeLines(text: string): StockLine[] {
  return decodeOrderLines(text).map(({ sku, warehouse, quantity }) => {
    if (warehouse === undefined) throw new Error(`a line without a warehouse: ${JSON.stringify(text)}`);
    return { sku, warehouse, quantity };
  });
}

/** As {@link decodeLines}, for lines that may name no warehouse. @throws {Error} */
export function decodeOrderLines(text: string): OrderLine[] {
  return text.split(',').map((part) => {
    const [, skuText = '', warehouseText = '', digits] = LINE.exec(part) ?? [];
    const sku = decodeId(skuText);
    const quantity = Number(digits);
    const isAnywhere = warehouseText === ANY_WAREHOUSE;
    const warehouse = isAnywhere ? undefined : decodeId(warehouseText);
    if (sku === undefined || !(quantity <= QUANTITY_MAX) || (warehouse === undefined && !isAnywhere)) {
      throw new Error(`not a line: ${JSON.stringify(part)}`);
    }
    return warehouse === undefined ? { sku, quantity } : { sku, warehouse, quantity };
  });
}

/** Format: `sku=quantity,...`, one part for each SKU, sorted by SKU. */
export function encodeParts(lines: readonly PartLine[]): string {
  return canonicalParts(lines)
    .map(({ sku, quantity }) => `${encodeId(sku)}=${quantity}`)
    .join(',');
}

/** One line for each item, sorted, so that the same order always has the same lines, however it was sent. */
export function canonicalLines<L extends OrderLine>(lines: readonly L[]): readonly L[] {
  if (lines.length === 1) return lines;
  const sum = new Map<string, L>();
  for (const line of lines) {
    const key = `${encodeId(line.sku)}@${line.warehouse === undefined ? ANY_WAREHOUSE : encodeId(line.warehouse)}`;
    const before = sum.get(key);
    sum.set(key, before ? { ...line, quantity: before.quantity + line.quantity } : line);
  }
  return [...sum.values()].sort(bySkuThenWarehouse);
}

/** One part for each SKU, sorted by SKU. */
export function canonicalParts(lines: readonly PartLine[]): readonly PartLine[] {
  return canonicalLines(lines.map(({ sku, quantity }) => ({ sku, quantity })));
}

function bySkuThenWarehouse(a: OrderLine, b: OrderLine): number {
  if (a.sku !== b.sku) return compareIds(a.sku, b.sku);
  if (a.warehouse === b.warehouse) return 0;
  // "*" comes before every escaped id but those that begin with "%".
  return warehouseText(a) < warehouseText(b) ? -1 : 1;
}

function warehouseText({ warehouse }: OrderLine): string {
  return warehouse === undefined ? ANY_WAREHOUSE : encodeId(warehouse);
}
