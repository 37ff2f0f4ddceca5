/**
 * Whole tables of the ledger for export: as of one instant, in pages. Promises: memory is bounded by the page, whatever
 * the number of rows, and nothing is locked. Refuses to know: the format of the file.
 */
import type pg from 'pg';
import { cursorPages } from './cursor-pages.ts';
import { camelCase } from './members.ts';

/** What can be exported, as `npm run export` names it. */
export const EXTRACTS = ['stock', 'warehouses', 'holds', 'ledger'] as const;
export type Extract = (typeof EXTRACTS)[number];

/** A cell: times are ISO 8601 texts, absent values are null. */
export type ExtractCell = string | number | boolean | null;

/** There is at least one page, so that the columns are known also where there are no rows. */
export interface ExtractPage {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly ExtractCell[])[];
  /** The instant all pages are as of, in milliseconds since 1970. */
  readonly asOfMs: number;
}

// `quantity` of stock is what may be sold: held and sold units belong to orders, which are not part of the extract.
const SELECTS: Readonly<Record<Extract, string>> = {
  stock: `SELECT sku, warehouse, available AS quantity, safety_stock, total, reserved, sold, version, updated_at
    FROM items ORDER BY sku, warehouse`,
  warehouses: 'SELECT id AS warehouse, name, latitude, longitude FROM warehouses ORDER BY id',
  holds: 'SELECT * FROM open_holds ORDER BY expires_at, order_id',
  ledger: 'SELECT * FROM ledger_entries ORDER BY id',
};

const TIMESTAMPTZ = 1184;

/** A whole table in pages. @throws an outage, also in the middle; what came until then is true, but not all */
export async function* streamExtract(
  pool: pg.Pool,
  extract: Extract,
  pageRowsMax: number,
): AsyncGenerator<ExtractPage> {
  const options = { pageRowsMax, rowMode: 'array' } as const;
  for await (const { fields, rows, asOfMs } of cursorPages<ExtractCell[]>(
    pool,
    SELECTS[extract],
    [],
    options,
  )) {
    fields.forEach(({ dataTypeID }, i) => {
      if (dataTypeID === TIMESTAMPTZ) writeInstants(rows, i);
    });
    yield { columns: fields.map(({ name }) => camelCase(name)), rows, asOfMs };
  }
}

/** Times are read as milliseconds; a file has them as ISO 8601. */
function writeInstants(rows: ExtractCell[][], column: number): void {
  for (const row of rows) {
    const ms = row[column];
    if (typeof ms === 'number') row[column] = new Date(ms).toISOString();
  }
}
