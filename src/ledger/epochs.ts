/**
 * The epochs of a partition: each time Redis was opened for selling, under which name, and what was compared before.
 * Promises: the ledger is written first, so that Redis never sells under an epoch that the ledger does not know; of two
 * processes that begin the same number one gets it.
 */
import { type Queryable, storedLink } from './cursor.ts';
import type { Reviewed } from './history.ts';
import { members, type RowOf } from './read/members.ts';

/** The name of an epoch, compared as a whole: after a restore two databases can give the same number. */
export interface Epoch {
  readonly number: number;
  /** `[a-z0-9]{8}`, random. */
  readonly nonce: string;
}

/**
 * Why a partition was opened. `verified`: both stores were compared. `rebuilt`: Redis was filled from the ledger. `person`:
 * by a person's word, not compared. `imported`: a person brought what only Redis knew into the ledger.
 */
export type EpochCause = 'verified' | 'rebuilt' | 'person' | 'imported';

/** A place in the history of a partition, behind this entry. */
export interface HistoryPlace {
  readonly sequence: number;
  /** Of the entry; undefined or `-` where the release before wrote it, or where there is none yet. */
  readonly link: string | undefined;
}

/** An epoch that is about to be opened. */
export interface NewEpoch {
  readonly epoch: Epoch;
  /** `master_replid` of the Redis that was verified. */
  readonly incarnation: string;
  readonly how: EpochCause;
  /** Where both stores were found to be one history. */
  readonly compared: HistoryPlace & { readonly eventsTotal: number };
  /**
   * The ledger's cursor when it was compared. Where it has moved since, another worker carried, and what was compared is not
   * what is there. Left out: wherever it is.
   */
  readonly cursor?: HistoryPlace | undefined;
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
  /** Sequences that were seen and are gone, both included; more may be. */
  readonly lost?: { readonly from: number; readonly to: number } | undefined;
}

/** An epoch as the ledger has it. */
export interface EpochRecord extends Omit<NewEpoch, 'cursor'>, Reviewed {
  readonly id: number;
  readonly madeAtMs: number;
  /** Where Redis stood when it was opened: the first entry of the epoch comes right after. Undefined until it was opened. */
  readonly first: (HistoryPlace & { readonly openedAtMs: number }) | undefined;
}

// One statement, so that a partition never names an epoch that has no row. A cursor of the release before gets the link that
// Redis was given at its place.
const BEGIN = `WITH moved AS (
  INSERT INTO partitions (partition, epoch, nonce, sequence, link, events_total) VALUES ($1, $2, $3, 0, $7, 0)
  ON CONFLICT (partition) DO UPDATE SET epoch = excluded.epoch, nonce = excluded.nonce, updated_at = now(),
    link = CASE WHEN partitions.sequence = $6 THEN coalesce(partitions.link, excluded.link) ELSE partitions.link END
  WHERE partitions.epoch < excluded.epoch
    AND ($13::bigint IS NULL OR (partitions.sequence = $13 AND partitions.link IS NOT DISTINCT FROM $14))
  RETURNING partition)
INSERT INTO epochs (partition, number, nonce, incarnation, how, compared_sequence, compared_link, compared_events_total,
  actor, reason, lost_from, lost_to)
SELECT partition, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM moved RETURNING id`;

/**
 * Writes an epoch that is to be opened next, and makes it the partition's newest. The cursor stays where it is; a new
 * partition begins at sequence 0.
 * @returns the id of its row; undefined where the ledger knows this number or a greater one, or its cursor is not the one that
 *   was compared: another process was faster
 */
export async function beginEpoch(
  client: Queryable,
  partition: number,
  { epoch, incarnation, how, compared, cursor, actor, reason, lost }: NewEpoch,
): Promise<number | undefined> {
  const { sequence, link, eventsTotal } = compared;
  const { rows } = await client.query<{ id: number }>(BEGIN, [
    partition,
    epoch.number,
    epoch.nonce,
    incarnation,
    how,
    sequence,
    storedLink(link),
    eventsTotal,
    actor ?? null,
    reason ?? null,
    lost?.from ?? null,
    lost?.to ?? null,
    cursor?.sequence ?? null,
    storedLink(cursor?.link),
  ]);
  return rows[0]?.id;
}

/**
 * Completes the row of an epoch that Redis was opened under. Repeating it changes nothing.
 * @param place where Redis stood when it was opened
 * @throws where there is no such row
 */
export async function openEpoch(client: Queryable, id: number, place: HistoryPlace): Promise<void> {
  const { rowCount } = await client.query(
    `UPDATE epochs SET first_sequence = coalesce(first_sequence, $2), first_link = coalesce(first_link, $3),
       opened_at = coalesce(opened_at, now()) WHERE id = $1`,
    [id, place.sequence, storedLink(place.link)],
  );
  if (rowCount !== 1) throw new Error(`the ledger has no epoch in row ${id}`);
}

type EpochRow = RowOf<Omit<EpochRecord, 'epoch' | 'compared' | 'first' | 'lost'>> & {
  readonly number: number;
  readonly nonce: string;
  readonly compared_sequence: number;
  readonly compared_link: string | null;
  readonly compared_events_total: number;
  readonly first_sequence: number | null;
  readonly first_link: string | null;
  readonly opened_at: number | null;
  readonly lost_from: number | null;
  readonly lost_to: number | null;
};

/** Epochs of a partition, newest first. */
export async function readEpochs(
  client: Queryable,
  partition: number,
  limit: number,
): Promise<EpochRecord[]> {
  const { rows } = await client.query<EpochRow>(
    `SELECT e.id, number, nonce, incarnation, how, made_at, compared_sequence, compared_link, compared_events_total,
       first_sequence, first_link, opened_at, e.actor, e.reason, lost_from, lost_to,
       r.at AS reviewed_at, r.actor AS reviewed_by, r.reason AS review_reason
     FROM epochs AS e LEFT JOIN history_reviews AS r ON r.id = e.review_id
     WHERE e.partition = $1 ORDER BY e.id DESC LIMIT $2`,
    [partition, limit],
  );
  return rows.map(readEpoch);
}

function readEpoch(row: EpochRow): EpochRecord {
  const {
    number,
    nonce,
    comparedSequence,
    comparedLink,
    comparedEventsTotal,
    firstSequence,
    firstLink,
    openedAtMs,
    lostFrom,
    lostTo,
    ...rest
  } = members(row);
  return {
    ...rest,
    epoch: { number, nonce },
    compared: { sequence: comparedSequence, link: comparedLink, eventsTotal: comparedEventsTotal },
    first:
      firstSequence === undefined
        ? undefined
        : { sequence: firstSequence, link: firstLink, openedAtMs: openedAtMs ?? 0 },
    lost: lostFrom === undefined ? undefined : { from: lostFrom, to: lostTo ?? lostFrom },
  };
}
