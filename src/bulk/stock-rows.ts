/**
 * Rows of opening stock: each is a receipt with a movement id of its own. Promises: a row that is read is a command that the
 * engine takes; of a wrong one every field is named, with what would be right.
 */
import { declare, type Issue, strict, type TypeOf } from '../domain/inputs/declare.ts';
import { id, inUtf8, reason, sku, warehouse, whole } from '../domain/inputs/fields.ts';
import { ID_LENGTH_MAX, QUANTITY_MAX } from '../domain/language.ts';
import type { Columns, Fields } from './records.ts';

export interface StockRow {
  readonly movementId: string;
  /** Whether the row named it; otherwise it comes from the name of the import and the row. */
  readonly hasOwnId: boolean;
  readonly sku: string;
  readonly warehouse: string;
  /** Units; 0 receives nothing: the item is sold out where it comes from. */
  readonly quantity: number;
  readonly reason: string;
  /** Undefined leaves the safety stock as it is. */
  readonly safetyStock: number | undefined;
}

/** `ignored` is what `npm run export -- stock` writes for people. */
export const STOCK_COLUMNS: Columns = {
  required: ['sku', 'warehouse', 'quantity'],
  optional: ['movementId', 'reason', 'safetyStock'],
  ignored: ['total', 'reserved', 'sold', 'version', 'updatedAt'],
  numbers: ['quantity', 'safetyStock'],
};

const ROW_DIGITS = 8;
/** The most characters (code points) of an import's name: with a dot and the row it must be an id. */
export const IMPORT_NAME_LENGTH_MAX = ID_LENGTH_MAX - 1 - ROW_DIGITS;
/** The most rows of one file. */
export const ROWS_MAX = 10 ** ROW_DIGITS - 1;

/** The movement id of a row that names none. Of a fixed width, so that the rows of a page are a range of the ledger's index. */
export function movementIdOf(importName: string, row: number): string {
  return `${importName}.${String(row).padStart(ROW_DIGITS, '0')}`;
}

const stockRow = declare(
  strict({
    movementId: inUtf8(id('The movement.', 'M-1')).optional(),
    sku: inUtf8(sku),
    warehouse: inUtf8(warehouse),
    quantity: whole(0, QUANTITY_MAX),
    reason: inUtf8(reason).optional(),
    safetyStock: whole(0, QUANTITY_MAX).optional(),
  }),
);

/** The row of a record, or what is wrong with it. @param movementId of a row that names none */
export function readStockRow(fields: Fields, movementId: string): StockRow | readonly Issue[] {
  const issues = stockRow.issues(fields);
  if (issues.length > 0) return issues;
  const row = fields as unknown as TypeOf<typeof stockRow>;
  return {
    movementId: row.movementId ?? movementId,
    hasOwnId: row.movementId !== undefined,
    sku: row.sku,
    warehouse: row.warehouse,
    quantity: row.quantity,
    reason: row.reason ?? '',
    safetyStock: row.safetyStock,
  };
}
