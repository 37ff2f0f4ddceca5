/**
 * Rows of opening stock: each is a receipt with a movement id of its own. Promises: a row that comes out of here is a
 * command the engine takes; of a wrong one every field is named, with what would be right.
 */
import { type Issue, Reader } from '../domain/input-reader.ts';
import { QUANTITY_MAX } from '../domain/language.ts';
import type { Columns, Fields } from './records.ts';

export interface StockRow {
  readonly movementId: string;
  /** Whether the row named it; else it follows from the import and the row. */
  readonly hasOwnId: boolean;
  readonly sku: string;
  readonly warehouse: string;
  /** 0 receives nothing: an item that is sold out in the system it comes from. */
  readonly quantity: number;
  readonly reason: string;
  /** Undefined leaves the item's line as it is. */
  readonly safetyStock: number | undefined;
}

/** `ignored` is what `npm run export -- stock` writes for people. */
export const STOCK_COLUMNS: Columns = {
  required: ['sku', 'warehouse', 'quantity'],
  optional: ['movementId', 'reason', 'safetyStock'],
  ignored: ['total', 'reserved', 'sold', 'version', 'updatedAt'],
  numbers: ['quantity', 'safetyStock'],
};

/** Movement ids of an import are its name, a dot and the row: 64 letters in all. */
export const IMPORT_NAME_LENGTH_MAX = 48;
const ROW_DIGITS = 8;
/** Of one file. */
export const ROWS_MAX = 10 ** ROW_DIGITS - 1;

/** Of a fixed width, so that rows that follow each other stand side by side in the ledger's index. */
export function movementIdOf(importName: string, row: number): string {
  return `${importName}.${String(row).padStart(ROW_DIGITS, '0')}`;
}

/** @param movementId of a row that names none */
export function readStockRow(fields: Fields, movementId: string): StockRow | readonly Issue[] {
  const { safetyStock } = fields;
  const hasOwnId = fields.movementId !== undefined;
  const read = new Reader();
  const row: StockRow = {
    movementId: hasOwnId ? read.id('movementId', fields.movementId) : movementId,
    hasOwnId,
    sku: read.id('sku', fields.sku),
    warehouse: read.id('warehouse', fields.warehouse),
    quantity: read.whole('quantity', fields.quantity, 0, QUANTITY_MAX),
    reason: read.reason(fields.reason, false),
    safetyStock:
      safetyStock === undefined ? undefined : read.whole('safetyStock', safetyStock, 0, QUANTITY_MAX),
  };
  // Bytes that are no UTF-8 come out of a reader as this one character.
  if (row.reason.includes('\ufffd')) {
    read.issues.push({
      path: 'reason',
      message: 'save the file as UTF-8: in another encoding it cannot be read',
    });
  }
  return read.issues.length > 0 ? read.issues : row;
}
