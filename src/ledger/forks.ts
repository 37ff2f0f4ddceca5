/**
 * Histories that Redis had beside the one of the ledger: where each left it, and what it decided from there on.
 * Promises: a fork is written down as a whole, before anything of it is emptied; one that is found again is not written twice.
 * Refuses to know: what the texts of the events mean.
 */
import type pg from 'pg';
import { storedLink } from './cursor.ts';
import type { HistoryQuery, Reviewed } from './history.ts';
import { members, type RowOf } from './read/members.ts';
import { byId, type PageQuery, pageOf, pageRows } from './read/pages.ts';
import { type Columns, insertInto, instant, number, storable, text } from './write/bulk-statement.ts';

/**
 * `redis-went-back`: Redis lacks what the ledger has. `redis-forked`: it has other entries in the place of the ledger's.
 * `ledger-went-back`: the ledger lacks what Redis had trimmed.
 */
export type ForkKind = 'redis-went-back' | 'redis-forked' | 'ledger-went-back';

/** An entry of the stream behind the fork. */
export interface ForkEntry {
  /** `<epoch>-<sequence>`. */
  readonly entryId: string;
  /** Undefined where it cannot be read. */
  readonly atMs: number | undefined;
  readonly link: string | undefined;
  /** The events as the stream has them, one a line. */
  readonly events: string;
}

/** Where two histories parted. */
export interface ForkPlace {
  readonly partition: number;
  readonly kind: ForkKind;
  /** The last entry that both histories have; undefined where none was found. */
  readonly atSequence: number | undefined;
  readonly atLink: string | undefined;
  /** Where each store stood when the fork was found. */
  readonly redisSequence: number;
  readonly ledgerSequence: number;
  /** One sentence for a person. */
  readonly detail: string;
}

/** A fork to write down, with everything that Redis had behind it. */
export interface NewFork extends ForkPlace {
  readonly entries: readonly ForkEntry[];
}

/** A fork as the ledger has it. */
export interface Fork extends ForkPlace, Reviewed {
  readonly id: number;
  readonly foundAtMs: number;
  /** Entries that were written down. */
  readonly entriesTotal: number;
}

type EntryRow = ForkEntry & { readonly forkId: number; readonly ordinal: number };
const ENTRY: Columns<EntryRow> = {
  fork_id: number((entry) => entry.forkId),
  ordinal: number((entry) => entry.ordinal),
  entry_id: text((entry) => entry.entryId),
  at: instant((entry) => entry.atMs),
  link: text((entry) => entry.link),
  events: text((entry) => storable(entry.events)),
};
const INSERT_ENTRIES = insertInto('fork_entries', ENTRY);
/** Some hundred kilobytes of events. */
const ENTRIES_A_STATEMENT = 500;

// The link of its last entry tells one history from another. Without one, the same fork was found again if nothing moved.
const KNOWN_FORK = `SELECT id FROM forks
WHERE partition = $1 AND redis_sequence = $5 AND redis_link IS NOT DISTINCT FROM $7
  AND ($7::text IS NOT NULL OR (kind = $2 AND at_sequence IS NOT DISTINCT FROM $3 AND at_link IS NOT DISTINCT FROM $4
    AND ledger_sequence = $6))
ORDER BY id DESC LIMIT 1`;

/**
 * Writes a fork and its entries in one transaction, on a connection that nothing else uses meanwhile; the caller rolls back.
 * The caller holds the lease of the partition, so nobody else writes forks.
 * @returns its id; that of the row which is there already where the same history was written down before
 */
export async function recordFork(client: pg.ClientBase, fork: NewFork): Promise<number> {
  const { partition, kind, atSequence, atLink, redisSequence, ledgerSequence, detail, entries } = fork;
  const redisLink = storedLink(entries.at(-1)?.link);
  const place = [partition, kind, atSequence ?? null, storedLink(atLink), redisSequence, ledgerSequence];
  await client.query('BEGIN');
  const known = await client.query<{ id: number }>(KNOWN_FORK, [...place, redisLink]);
  if (known.rows[0]) {
    await client.query('COMMIT');
    return known.rows[0].id;
  }
  const { rows } = await client.query<{ id: number }>(
    `INSERT INTO forks (partition, kind, at_sequence, at_link, redis_sequence, ledger_sequence, redis_link, detail)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
    [...place, redisLink, storable(detail)],
  );
  const forkId = rows[0]?.id as number;
  for (let i = 0; i < entries.length; i += ENTRIES_A_STATEMENT) {
    const part = entries.slice(i, i + ENTRIES_A_STATEMENT);
    const entryRows = part.map((entry, j) => ({ ...entry, forkId, ordinal: i + j }));
    await INSERT_ENTRIES.runForAll(client, INSERT_ENTRIES.valuesOf(entryRows));
  }
  await client.query('COMMIT');
  return forkId;
}

/** Forks of a partition, newest first. */
export async function listForks(
  pool: pg.Pool,
  partition: number,
  { after, limit, withReviewed }: HistoryQuery,
): Promise<{ readonly forks: readonly Fork[]; readonly next: number | null }> {
  const { rows } = await pool.query<RowOf<Fork>>(
    `SELECT f.id, f.partition, f.kind, f.at_sequence, f.at_link, f.redis_sequence, f.ledger_sequence, f.detail, f.found_at,
       (SELECT count(*) FROM fork_entries WHERE fork_id = f.id) AS entries_total,
       r.at AS reviewed_at, r.actor AS reviewed_by, r.reason AS review_reason
     FROM forks AS f LEFT JOIN history_reviews AS r ON r.id = f.review_id
     WHERE f.partition = $1 AND ($2::bigint IS NULL OR f.id < $2) AND ($3 OR f.review_id IS NULL)
     ORDER BY f.id DESC LIMIT $4`,
    [partition, after ?? null, withReviewed ?? false, pageRows(limit) + 1],
  );
  const { shown: forks, next } = pageOf(rows, limit, byId, members<RowOf<Fork>>);
  return { forks, next };
}

/** Entries of a fork, oldest first. */
export async function forkEntries(
  pool: pg.Pool,
  forkId: number,
  { after, limit }: PageQuery,
): Promise<{ readonly entries: readonly ForkEntry[]; readonly next: number | null }> {
  const { rows } = await pool.query<RowOf<ForkEntry> & { readonly ordinal: number }>(
    `SELECT ordinal, entry_id, at, link, events FROM fork_entries
     WHERE fork_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3`,
    [forkId, after ?? -1, pageRows(limit) + 1],
  );
  const ordinalOf = (row: { readonly ordinal: number }) => row.ordinal;
  const { shown: entries, next } = pageOf(rows, limit, ordinalOf, (row) => {
    const { ordinal: _, ...entry } = members(row);
    return entry;
  });
  return { entries, next };
}
