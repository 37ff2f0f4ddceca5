/**
 * How far the ledger has followed each partition's stream. The cursor moves in the transaction that writes the events
 * (D7, see write/commit.ts), so whatever it has passed is committed.
 */
import type pg from 'pg';
import { poll } from '../timing/retry.ts';

/** A connection, or the pool where one statement is all. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

/** How the stream spells that an entry has no link. */
export const NO_LINK = '-';

/** A link as a column keeps it: NULL where there is none, which the stream spells `-`. */
export function storedLink(link: string | undefined): string | null {
  return link === undefined || link === '' || link === NO_LINK ? null : link;
}

/** A place in a partition's history. Sequence, events and link run on over every epoch. */
export interface LedgerCursor {
  /** Number of the newest epoch that was written for the partition; its entries may be of older ones. */
  readonly epoch: number;
  /** Of that epoch; undefined where the release before began it. */
  readonly nonce: string | undefined;
  /** The last entry of the stream that the ledger has. */
  readonly sequence: number;
  /** Of that entry; undefined where the release before wrote it. */
  readonly link: string | undefined;
  /** Events of the partition in the ledger. */
  readonly eventsTotal: number;
}

interface CursorRow extends Omit<LedgerCursor, 'nonce' | 'link'> {
  readonly nonce: string | null;
  readonly link: string | null;
}

/** The cursor of a partition; undefined where the ledger knows no epoch of it. */
export async function readCursor(client: Queryable, partition: number): Promise<LedgerCursor | undefined> {
  const { rows } = await client.query<CursorRow>(
    'SELECT epoch, nonce, sequence, link, events_total AS "eventsTotal" FROM partitions WHERE partition = $1',
    [partition],
  );
  const [row] = rows;
  return row && { ...row, nonce: row.nonce ?? undefined, link: row.link ?? undefined };
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
 * Puts the cursor where the ledger was brought by other means than entries of the stream. It never goes back.
 * @throws where the ledger does not know the partition or is further already
 */
export async function placeCursor(
  client: Queryable,
  partition: number,
  { sequence, link, eventsTotal }: Pick<LedgerCursor, 'sequence' | 'link' | 'eventsTotal'>,
): Promise<void> {
  const { rowCount } = await client.query(
    `UPDATE partitions SET sequence = $2, link = $3, events_total = $4, updated_at = now()
     WHERE partition = $1 AND sequence <= $2`,
    [partition, sequence, storedLink(link), eventsTotal],
  );
  if (rowCount === 1) return;
  const found = await readCursor(client, partition);
  const at = found ? `at sequence ${found.sequence}` : 'without this partition';
  throw new Error(`the cursor cannot be placed at sequence ${sequence}: the ledger is ${at}`);
}

/** A place that an API process was answered. */
export interface AnsweredPlace {
  readonly epoch: number;
  /** Undefined: of any epoch with this number. */
  readonly nonce: string | undefined;
  readonly sequence: number;
  /** Of the history right after it: by it the ledger knows for sure, as long as it keeps the links. */
  readonly link?: string | undefined;
}

/** What was just decided is in the ledger some ten milliseconds later. */
const WAIT_MS = 10;

// A later epoch that began below the place has other entries there: what was answered is gone. While its row is not
// completed it counts from where it was compared.
const REACHED = `WITH mine AS (
  SELECT min(id) AS id FROM epochs WHERE partition = $1 AND number = $2 AND ($3::text IS NULL OR nonce = $3))
SELECT p.sequence >= $4 AS "isPassed", mine.id IS NOT NULL OR ($3::text IS NULL AND p.epoch >= $2) AS "isKnown",
  later.is_opened AS "isLost",
  CASE WHEN p.sequence = $4 THEN p.link WHEN p.sequence > $4 THEN (
    SELECT CASE WHEN chunk.from_sequence < $4 THEN split_part(chunk.links, ' ', ($4 - chunk.from_sequence)::integer) END
    FROM (SELECT * FROM links WHERE partition = $1 AND to_sequence >= $4 ORDER BY to_sequence LIMIT 1) AS chunk)
  END AS "linkThere"
FROM partitions AS p CROSS JOIN mine LEFT JOIN LATERAL (
  SELECT bool_or(opened_at IS NOT NULL) AS is_opened FROM epochs AS e
  WHERE e.partition = $1 AND (CASE WHEN mine.id IS NULL THEN e.number > $2 ELSE e.id > mine.id END)
    AND coalesce(e.first_sequence, e.compared_sequence) < $4) AS later ON true
WHERE p.partition = $1`;

interface Reached {
  readonly isPassed: boolean;
  readonly isKnown: boolean;
  /** Null where no later epoch began below the place; false where one is not opened yet. */
  readonly isLost: boolean | null;
  readonly linkThere: string | null;
}

/**
 * Polls until the ledger has the entry at this place.
 * @returns false where it has not within `timeoutMs`, and at once where it has another entry there, or a later epoch began below
 */
export async function waitForSequence(
  client: Queryable,
  partition: number,
  { epoch, nonce, sequence, link }: AnsweredPlace,
  timeoutMs: number,
): Promise<boolean> {
  const answered = storedLink(link);
  const reached = await poll(
    async () => {
      const values = [partition, epoch, nonce ?? null, sequence];
      const { rows } = await client.query<Reached>(REACHED, values);
      const [found] = rows;
      if (!found) return undefined;
      const there = storedLink(found.linkThere ?? undefined);
      if (answered !== null && there !== null) return there === answered;
      if (found.isLost !== null) return found.isLost ? false : undefined;
      return (found.isPassed && found.isKnown) || undefined;
    },
    { everyMs: WAIT_MS, timeoutMs },
  );
  return reached ?? false;
}
