/**
 * Many rows, page by page, for a rebuild: a server-side cursor reads once, as of one instant.
 * Promises: memory is bounded by the page, however many rows there are.
 */
import type pg from 'pg';

/** Rows of one round trip: some hundred kilobytes. */
export const STREAM_ROWS = 5_000;

export async function* streamRows<R extends pg.QueryResultRow>(
  pool: pg.Pool,
  query: string,
  values: readonly unknown[],
  pageRowsMax = STREAM_ROWS,
): AsyncGenerator<R[]> {
  const client = await pool.connect();
  let isDone = false;
  try {
    await client.query('BEGIN READ ONLY');
    await client.query(`DECLARE row_stream NO SCROLL CURSOR FOR ${query}`, [...values]);
    for (;;) {
      const { rows } = await client.query<R>(`FETCH ${pageRowsMax} FROM row_stream`);
      if (rows.length === 0) break;
      yield rows;
    }
    await client.query('COMMIT');
    isDone = true;
  } finally {
    // A reader that stops early, or an error, leaves a transaction: the connection goes with it.
    client.release(!isDone);
  }
}
