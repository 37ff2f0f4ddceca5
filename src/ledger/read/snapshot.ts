/**
 * One look at the ledger: several questions about the same instant. Promises: nothing that is being written meanwhile
 * shows as a difference, nothing is written, and no question takes longer than it may.
 * Refuses to know: the questions.
 */
import pg from 'pg';

/** What a look asks with. */
export type Snapshot = Pick<pg.ClientBase, 'query'>;

/**
 * @param statementMsMax the longest one question may take
 * @throws the error of Postgres; {@link isTimeOut} tells a question that took too long from the rest
 */
export async function inSnapshot<T>(
  pool: pg.Pool,
  statementMsMax: number,
  look: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let isDone = false;
  try {
    await client.query(
      `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = ${statementMsMax}`,
    );
    const seen = await look(client);
    await client.query('COMMIT');
    isDone = true;
    return seen;
  } finally {
    // An error leaves a transaction behind: the connection goes with it.
    client.release(!isDone);
  }
}

const QUERY_CANCELED = '57014';

/** Whether Postgres gave up a question because its time was over. */
export function isTimeOut(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === QUERY_CANCELED;
}
