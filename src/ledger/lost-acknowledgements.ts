/**
 * What an API process has acknowledged to a caller and the ledger does not have: reported by the process that knows it.
 * Promises: a report is written once, however often it is repeated; what the ledger has after all counts as lost no longer.
 */
import type pg from 'pg';
import { type HistoryQuery, type Reviewed, STILL_LOST } from './history.ts';
import { members, type RowOf } from './read/members.ts';
import { byId, pageOf, pageRows } from './read/pages.ts';
import { type Columns, insertInto, number, text } from './write/bulk-statement.ts';

/** What was acknowledged. */
export const LOST_KINDS = ['order', 'movement', 'transfer', 'stocktake', 'sale'] as const;
export type LostKind = (typeof LOST_KINDS)[number];

/** An acknowledgement that the ledger does not have. */
export interface LostAcknowledgement {
  readonly partition: number;
  readonly epoch: number;
  readonly nonce: string;
  /** Of the batch that was acknowledged. */
  readonly sequence: number;
  readonly kind: LostKind;
  /** Of the order, movement, transfer, count sheet or sale. */
  readonly subjectId: string;
  /** The process that acknowledged it. */
  readonly source: string;
}

/** A lost acknowledgement as the ledger has it. */
export interface LostRecord extends LostAcknowledgement, Reviewed {
  readonly id: number;
  readonly reportedAtMs: number;
}

const LOST: Columns<LostAcknowledgement> = {
  partition: number((lost) => lost.partition),
  epoch: number((lost) => lost.epoch),
  nonce: text((lost) => lost.nonce),
  sequence: number((lost) => lost.sequence),
  kind: text((lost) => lost.kind),
  subject_id: text((lost) => lost.subjectId),
  source: text((lost) => lost.source),
};
const INSERT_LOST = insertInto('lost_acknowledgements', LOST, 'ON CONFLICT DO NOTHING');
const ROWS_A_STATEMENT = 5_000;

/** Writes reports; those that are there already stay as they are. @throws an outage: repeating is safe */
export async function reportLost(pool: pg.Pool, rows: readonly LostAcknowledgement[]): Promise<void> {
  const client = await pool.connect();
  try {
    for (let i = 0; i < rows.length; i += ROWS_A_STATEMENT) {
      await INSERT_LOST.run(client, INSERT_LOST.valuesOf(rows.slice(i, i + ROWS_A_STATEMENT)));
    }
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** Lost acknowledgements of a partition, newest report first. */
export async function listLost(
  pool: pg.Pool,
  partition: number,
  { after, limit, withReviewed }: HistoryQuery,
): Promise<{ readonly lost: readonly LostRecord[]; readonly next: number | null }> {
  const { rows } = await pool.query<RowOf<LostRecord>>(
    `SELECT l.id, l.partition, l.epoch, l.nonce, l.sequence, l.kind, l.subject_id, l.source, l.reported_at,
       r.at AS reviewed_at, r.actor AS reviewed_by, r.reason AS review_reason
     FROM lost_acknowledgements AS l LEFT JOIN history_reviews AS r ON r.id = l.review_id
     WHERE l.partition = $1 AND ($2::bigint IS NULL OR l.id < $2) AND ($3 OR l.review_id IS NULL) AND ${STILL_LOST}
     ORDER BY l.id DESC LIMIT $4`,
    [partition, after ?? null, withReviewed ?? false, pageRows(limit) + 1],
  );
  const { shown: lost, next } = pageOf(rows, limit, byId, members<RowOf<LostRecord>>);
  return { lost, next };
}
