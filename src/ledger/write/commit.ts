/**
 * One chunk, one transaction (D7). First the cursor is moved, on condition that it is where the chunk begins: so a replay, a
 * gap or a worker that lost its lease stops before anything is written. Then everything is written in bulk.
 * Promises: all of the chunk or nothing, and which of the two.
 */
import assert from 'node:assert/strict';
import type pg from 'pg';
import { type LedgerCursor, readCursor, storedLink } from '../cursor.ts';
import { CursorMoved, type CursorTrouble } from '../errors.ts';
import { linksText } from '../links.ts';
import type { LedgerChunk } from './chunk.ts';
import { writeDocuments } from './document-rows.ts';
import { ledgerRowsText, writeLedgerRows } from './entry-rows.ts';
import { writeFindings } from './finding-rows.ts';
import { writeItems } from './item-rows.ts';
import { type ReservationTexts, reservationTexts, writeReservations } from './reservation-rows.ts';

/** Places between two statements, in order: a test stops the worker at each of them. */
export const COMMIT_CHECKPOINTS = [
  'transaction-begun',
  'cursor-moved',
  'rows-written',
  'items-written',
  'reservations-written',
  'documents-written',
  'findings-written',
  'committed',
] as const;
export type CommitCheckpoint = (typeof COMMIT_CHECKPOINTS)[number];
/** Awaited at every checkpoint. Does nothing outside of tests. */
export type CommitHook = (name: CommitCheckpoint) => Promise<void> | void;

type InBulk =
  | 'rows'
  | 'newReservations'
  | 'settledReservations'
  | 'changedReservations'
  | 'paidLateReservations'
  | 'reusedReservations';

/**
 * A chunk whose many rows are already the texts of their statements: Postgres does not wait for them, and the garbage
 * collector can take the rows before the commit.
 */
export interface PreparedChunk extends Omit<LedgerChunk, InBulk | 'links'> {
  readonly linksText: string | undefined;
  readonly rowsText: Buffer;
  readonly reservationTexts: ReservationTexts;
}

/** Makes the texts of a chunk, while the chunk before is being committed. */
export async function prepareChunk(chunk: LedgerChunk): Promise<PreparedChunk> {
  const { partition, verifiedEpoch, epoch, fromSequence, fromLink, toSequence, toLink, links } = chunk;
  const { eventsTotal, items, documents, findings, parked } = chunk;
  assert(
    links.length === 0 || links.length === toSequence - fromSequence,
    `${links.length} links of the entries from ${fromSequence + 1} to ${toSequence}`,
  );
  return {
    partition,
    verifiedEpoch,
    epoch,
    fromSequence,
    fromLink,
    toSequence,
    toLink,
    linksText: linksText(links),
    eventsTotal,
    items,
    documents,
    findings,
    parked,
    rowsText: await ledgerRowsText(chunk),
    reservationTexts: await reservationTexts(chunk),
  };
}

// Every row is found by its key. A plan made while the tables were small would scan them, and stay in use as they grow.
// A worker that was stopped in the middle keeps the cursor's row locked: no longer than it keeps its lease.
const BEGIN = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = 10000; SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off`;

/**
 * Runs the transaction on a connection that nothing else uses meanwhile.
 * @throws {CursorMoved} | {ConcurrentModification} or the error of Postgres; the caller rolls back
 */
export async function commitChunk(
  client: pg.ClientBase,
  chunk: PreparedChunk,
  hook: CommitHook,
): Promise<void> {
  await client.query(BEGIN);
  await hook('transaction-begun');
  await moveCursor(client, chunk);
  await hook('cursor-moved');
  await writeLedgerRows(client, chunk.rowsText);
  await hook('rows-written');
  await writeItems(client, chunk.items);
  await hook('items-written');
  await writeReservations(client, chunk.reservationTexts);
  await hook('reservations-written');
  if (chunk.documents) await writeDocuments(client, chunk.documents);
  await hook('documents-written');
  await writeFindings(client, chunk);
  await hook('findings-written');
  await client.query('COMMIT');
  await hook('committed');
}

// One round trip. A row of links that has this end already is of a history that the cursor has left.
const MOVE_CURSOR = `WITH moved AS (
  UPDATE partitions SET sequence = $6, link = $7, events_total = $8, updated_at = now()
  WHERE partition = $1 AND epoch = $2 AND nonce IS NOT DISTINCT FROM $3 AND sequence = $4 AND link IS NOT DISTINCT FROM $5
  RETURNING partition),
kept AS (
  INSERT INTO links (partition, from_sequence, to_sequence, epoch, events_total, links)
  SELECT partition, $4, $6, $9, $8, $10 FROM moved WHERE $10::text IS NOT NULL
  ON CONFLICT (partition, to_sequence) DO UPDATE SET from_sequence = excluded.from_sequence, epoch = excluded.epoch,
    events_total = excluded.events_total, links = excluded.links)
SELECT FROM moved`;

/** Moves the cursor, and keeps the links of the chunk's entries. @throws {CursorMoved} */
async function moveCursor(client: pg.ClientBase, chunk: PreparedChunk): Promise<void> {
  const { partition, verifiedEpoch, epoch, fromSequence, fromLink, toSequence, toLink, eventsTotal } = chunk;
  const { number, nonce } = verifiedEpoch;
  const { rowCount } = await client.query({
    name: 'move-cursor',
    text: MOVE_CURSOR,
    values: [
      partition,
      number,
      nonce ?? null,
      fromSequence,
      storedLink(fromLink),
      toSequence,
      storedLink(toLink),
      eventsTotal,
      epoch,
      chunk.linksText ?? null,
    ],
  });
  if (rowCount === 1) return;
  const found = await readCursor(client, partition);
  throw new CursorMoved(troubleOf(chunk, found), { epoch: number, sequence: fromSequence }, found);
}

function troubleOf(
  { verifiedEpoch, fromSequence }: PreparedChunk,
  found: LedgerCursor | undefined,
): CursorTrouble {
  const { number, nonce } = verifiedEpoch;
  if (!found) return 'unknown-partition';
  if (found.epoch !== number) return found.epoch > number ? 'stale-epoch' : 'future-epoch';
  if (found.nonce !== nonce) return 'stale-epoch';
  if (found.sequence === fromSequence) return 'other-history';
  return found.sequence > fromSequence ? 'duplicate' : 'gap';
}
