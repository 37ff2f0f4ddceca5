/**
 * How far the ledger has followed each partition's stream. The cursor moves in the transaction that writes the events
 * (D7, see write/commit.ts), so whatever it has passed is committed.
 */
import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';

/** A connection, or the pool where one statement is all. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

/** A place in a partition's stream. */
export interface LedgerCursor {
  readonly epoch: number;
  /** The last entry of the stream that the ledger has. */
  readonly sequence: number;
  /** Events of this epoch in the ledger. */
  readonly eventsTotal: number;
}

/** The cursor of a partition; undefined where the ledger knows no epoch of it. */
export async function readCursor(client: Queryable, partition: number): Promise<LedgerCursor | undefined> {
  const { rows } = await client.query<LedgerCursor>(
    'SELECT epoch, sequence, events_total AS "eventsTotal" FROM partitions WHERE partition = $1',
    [partition],
  );
  return rows[0];
}

/** When the cursor of a partition last moved, in milliseconds since 1970; undefined before the first epoch. */
export async function cursorMovedAtMs(client: Queryable, partition: number): Promise<number | undefined> {
  const { rows } = await client.query<{ updated_at: number }>(
    'SELECT updated_at FROM partitions WHERE partition = $1',
    [partition],
  );
  return rows[0]?.updated_at;
}

/**
 * A partition starts over under a newer epoch, at sequence 0 (D10).
 * @returns false where the ledger knows this epoch or a newer one: another process was faster
 */
export async function beginEpoch(client: Queryable, partition: number, epoch: number): Promise<boolean> {
  const { rowCount } = await client.query(
    `INSERT INTO partitions (partition, epoch, sequence, events_total) VALUES ($1, $2, 0, 0)
     ON CONFLICT (partition) DO UPDATE SET epoch = excluded.epoch, sequence = 0, events_total = 0, updated_at = now()
     WHERE partitions.epoch < excluded.epoch`,
    [partition, epoch],
  );
  return rowCount === 1;
}

/** Between two looks at the cursor: what was just decided is in the ledger some ten milliseconds later. */
const WAIT_MS_MIN = 5;
const WAIT_MS_MAX = 50;

/** Polls until the cursor has reached this place; false where it has not within `timeoutMs`. */
export async function waitForSequence(
  client: Queryable,
  partition: number,
  { epoch, sequence }: Pick<LedgerCursor, 'epoch' | 'sequence'>,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (let waitMs = WAIT_MS_MIN; ; waitMs = Math.min(WAIT_MS_MAX, waitMs * 2)) {
    const cursor = await readCursor(client, partition);
    // A newer epoch began with everything of the older one that will ever come.
    if (cursor && (cursor.epoch > epoch || (cursor.epoch === epoch && cursor.sequence >= sequence)))
      return true;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return false;
    await setTimeout(Math.min(waitMs, leftMs));
  }
}
