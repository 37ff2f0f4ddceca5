/**
 * A query of any length in pages, through a cursor on the server: read once, as of one instant.
 * Promises: memory is bounded by the page, however many rows there are, and nothing is locked.
 */
import type pg from 'pg';

/** Rows of one round trip where nobody says: some hundred kilobytes. */
export const CURSOR_ROWS = 5_000;

/** One page of a query. */
export interface CursorPage<R> {
  readonly fields: readonly pg.FieldDef[];
  readonly rows: R[];
  /** The instant that all pages are as of, in milliseconds since 1970. */
  readonly asOfMs: number;
}

/**
 * Pages of a query, at least one, of which the last may be empty. A page is fetched when the caller wants it.
 * @param rowMode `array` gives a row as an array of its columns
 * @throws an outage, also in the middle; what came until then is true, but not all
 */
export async function* cursorPages<R extends pg.QueryResultRow | unknown[]>(
  pool: pg.Pool,
  query: string,
  values: readonly unknown[] = [],
  { pageRowsMax = CURSOR_ROWS, rowMode }: { pageRowsMax?: number; rowMode?: 'array' } = {},
): AsyncGenerator<CursorPage<R>> {
  const client = await pool.connect();
  let isDone = false;
  try {
    await client.query('BEGIN READ ONLY');
    await client.query(`DECLARE pages NO SCROLL CURSOR FOR ${query}`, [...values]);
    const { rows: clock } = await client.query<{ now: number }>('SELECT now() AS now');
    const asOfMs = clock[0]?.now ?? 0;
    for (let page = 0; ; page++) {
      const text = `FETCH ${pageRowsMax} FROM pages`;
      const { fields, rows } = await client.query({ text, ...(rowMode && { rowMode }) });
      if (rows.length === 0 && page > 0) break;
      yield { fields, rows: rows as R[], asOfMs };
      if (rows.length < pageRowsMax) break;
    }
    await client.query('COMMIT');
    isDone = true;
  } finally {
    // A caller that stops early, or an error, leaves a transaction: the connection goes with it.
    client.release(!isDone);
  }
}

/** Rows of a query in pages, each row read by `read`; no page where there are no rows. */
export async function* readPages<R extends pg.QueryResultRow, V>(
  pool: pg.Pool,
  query: string,
  values: readonly unknown[],
  read: (row: R) => V,
  pageRowsMax?: number,
): AsyncGenerator<V[]> {
  const options = pageRowsMax === undefined ? {} : { pageRowsMax };
  for await (const { rows } of cursorPages<R>(pool, query, values, options)) {
    if (rows.length > 0) yield rows.map(read);
  }
}
