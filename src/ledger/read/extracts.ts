/**
 * Whole tables of the ledger, row by row, for whoever takes them elsewhere: as of one instant, through a server-side
 * cursor. Promises: memory is bounded by the page, whatever the number of rows, and nothing is locked.
 * Refuses to know: in which form they leave.
 */
import type pg from 'pg';

/** What can be taken, in the words of `npm run export`. */
export const EXTRACTS = ['stock', 'warehouses', 'holds', 'ledger'] as const;
export type Extract = (typeof EXTRACTS)[number];

/** A cell as it leaves: times are ISO 8601 texts, what is absent is null. */
export type ExtractCell = string | number | boolean | null;

/** At least one page comes, so that the columns are known also where there are no rows. */
export interface ExtractPage {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly ExtractCell[])[];
  /** The instant all pages are as of, in milliseconds since 1970. */
  readonly asOfMs: number;
}

// `quantity` of stock is what may be sold: held and sold units belong to orders, which do not travel with it.
const SELECTS: Readonly<Record<Extract, string>> = {
  stock: `SELECT sku, warehouse, available AS quantity, safety_stock, total, reserved, sold, version, updated_at
    FROM items ORDER BY sku, warehouse`,
  warehouses: 'SELECT id AS warehouse, name, latitude, longitude FROM warehouses ORDER BY id',
  holds: 'SELECT * FROM open_holds ORDER BY expires_at, order_id',
  ledger: 'SELECT * FROM ledger_entries ORDER BY id',
};

const TIMESTAMPTZ = 1184;

/** @throws an outage, also in the middle; what came until then is true, but not all */
export async function* streamExtract(
  pool: pg.Pool,
  extract: Extract,
  pageRowsMax: number,
): AsyncGenerator<ExtractPage> {
  const client = await pool.connect();
  let isDone = false;
  try {
    await client.query('BEGIN READ ONLY');
    await client.query(`DECLARE extract NO SCROLL CURSOR FOR ${SELECTS[extract]}`);
    const { rows: clock } = await client.query<{ now: number }>('SELECT now() AS now');
    const asOfMs = clock[0]?.now ?? 0;
    for (let page = 0; ; page++) {
      const { fields, rows } = await client.query<ExtractCell[]>({
        text: `FETCH ${pageRowsMax} FROM extract`,
        rowMode: 'array',
      });
      if (rows.length === 0 && page > 0) break;
      fields.forEach(({ dataTypeID }, i) => {
        if (dataTypeID === TIMESTAMPTZ) writeInstants(rows, i);
      });
      yield { columns: fields.map(({ name }) => camelCase(name)), rows, asOfMs };
    }
    await client.query('COMMIT');
    isDone = true;
  } finally {
    // A reader that stops early, or an error, leaves a transaction: the connection goes with it.
    client.release(!isDone);
  }
}

/** This room reads times as milliseconds; whoever takes them elsewhere wants to read them. */
function writeInstants(rows: ExtractCell[][], column: number): void {
  for (const row of rows) {
    const ms = row[column];
    if (typeof ms === 'number') row[column] = new Date(ms).toISOString();
  }
}

/** `total_before` as HTTP and the files of `npm run import` spell it. */
function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
