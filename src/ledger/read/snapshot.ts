/**
 * Several queries on the state of one instant. Promises: what is being written meanwhile shows in none of them, nothing is
 * written, and no query takes longer than it may. Refuses to know: the queries.
 */
import pg from 'pg';

/** Queries in it see the same state. */
export type Snapshot = Pick<pg.ClientBase, 'query'>;

/**
 * Runs queries in one read-only transaction.
 * @param statementMsMax the longest one query may take; undefined: as long as the connection allows
 * @throws the error of Postgres; {@link isTimeOut} recognizes a query that took too long
 */
export async function inSnapshot<T>(
  pool: pg.Pool,
  statementMsMax: number | undefined,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let isDone = false;
  try {
    await client.query(
      'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' +
        (statementMsMax === undefined ? '' : `; SET LOCAL statement_timeout = ${statementMsMax}`),
    );
    const result = await work(client);
    await client.query('COMMIT');
    isDone = true;
    return result;
  } finally {
    // An error leaves a transaction open: the connection is closed with it.
    client.release(!isDone);
  }
}

const QUERY_CANCELED = '57014';

/** Whether Postgres cancelled a query because its time was over. */
export function isTimeOut(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === QUERY_CANCELED;
}
