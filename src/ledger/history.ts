/**
 * What is known to be lost or to have gone its own way, as numbers, and the word of a person who has looked at it.
 * Promises: a review is added and takes nothing away; it covers what its reader was shown, and nothing that came later.
 */
import type { Queryable } from './cursor.ts';
import type { PageQuery } from './read/pages.ts';

/** What a person said after looking at it; undefined where nobody has yet. */
export interface Reviewed {
  readonly reviewedAtMs: number | undefined;
  readonly reviewedBy: string | undefined;
  readonly reviewReason: string | undefined;
}

/** Which part of a partition's history to show. */
export interface HistoryQuery extends PageQuery {
  /** Also what a person has acknowledged. */
  readonly withReviewed?: boolean | undefined;
}

/** So many lost acknowledgements are counted. */
export const LOST_COUNTED_MAX = 100_000;

/** Of one partition. What a person has reviewed is open no longer. */
export interface HistoryState {
  /** All that were ever written down. */
  readonly forksTotal: number;
  readonly forksOpen: number;
  /** At most {@link LOST_COUNTED_MAX}: more take too long to look for in the ledger. */
  readonly lostAcknowledgementsOpen: number;
  /** Epochs before which sequences were seen that are gone. */
  readonly lostRangesOpen: number;
}

/**
 * What the ledger has got after all, as when its own history was carried again, is lost no longer. For orders and movements
 * the ledger has an index; the other kinds are rare and stay listed.
 */
export const STILL_LOST = `(l.kind <> 'order' OR NOT EXISTS (SELECT FROM ledger AS e
    WHERE e.order_id = l.subject_id AND e.partition = l.partition AND e.epoch = l.epoch AND e.sequence = l.sequence))
  AND (l.kind <> 'movement' OR NOT EXISTS (SELECT FROM ledger AS e
    WHERE e.movement_id = l.subject_id AND e.partition = l.partition AND e.epoch = l.epoch AND e.sequence = l.sequence))`;

// The tables are tiny: each row of them is an accident.
const STATE = `SELECT
  (SELECT count(*) FROM forks WHERE partition = $1) AS "forksTotal",
  (SELECT count(*) FROM forks WHERE partition = $1 AND review_id IS NULL) AS "forksOpen",
  (SELECT count(*) FROM (SELECT FROM lost_acknowledgements AS l
    WHERE l.partition = $1 AND l.review_id IS NULL AND ${STILL_LOST} LIMIT ${LOST_COUNTED_MAX}) AS counted)
    AS "lostAcknowledgementsOpen",
  (SELECT count(*) FROM epochs WHERE partition = $1 AND lost_from IS NOT NULL AND review_id IS NULL) AS "lostRangesOpen"`;

/** The numbers of a partition. */
export async function historyState(client: Queryable, partition: number): Promise<HistoryState> {
  const { rows } = await client.query<HistoryState>(STATE, [partition]);
  return rows[0] as HistoryState;
}

/** The word of a person. */
export interface HistoryReview {
  readonly actor: string;
  readonly reason: string;
  /** The newest rows that the person was shown, by id. */
  readonly shown: { readonly forkId: number; readonly lostId: number; readonly epochId: number };
}

/** How many rows a review covers. */
export interface Reviewing {
  readonly forks: number;
  readonly lostAcknowledgements: number;
  readonly lostRanges: number;
}

const REVIEW = `WITH review AS (
  INSERT INTO history_reviews (partition, actor, reason) VALUES ($1, $2, $3) RETURNING id),
f AS (UPDATE forks SET review_id = review.id FROM review WHERE partition = $1 AND review_id IS NULL AND forks.id <= $4
  RETURNING 1),
l AS (UPDATE lost_acknowledgements AS a SET review_id = review.id FROM review
  WHERE a.partition = $1 AND review_id IS NULL AND a.id <= $5 RETURNING 1),
e AS (UPDATE epochs SET review_id = review.id FROM review
  WHERE partition = $1 AND review_id IS NULL AND lost_from IS NOT NULL AND epochs.id <= $6 RETURNING 1)
SELECT (SELECT count(*) FROM f) AS forks, (SELECT count(*) FROM l) AS "lostAcknowledgements",
  (SELECT count(*) FROM e) AS "lostRanges"`;

/** Marks what a person was shown as seen: it stays listed as history, and no longer counts as drift. */
export async function reviewHistory(
  client: Queryable,
  partition: number,
  { actor, reason, shown }: HistoryReview,
): Promise<Reviewing> {
  const { forkId, lostId, epochId } = shown;
  const { rows } = await client.query<Reviewing>(REVIEW, [partition, actor, reason, forkId, lostId, epochId]);
  return rows[0] as Reviewing;
}
