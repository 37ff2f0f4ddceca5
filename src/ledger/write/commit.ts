/**
 * One chunk, one transaction (D7). First the cursor is moved, on condition that it is where the chunk begins: so a replay, a
 * gap or a worker that lost its lease stops before anything is written. Then everything is written in bulk.
 * Promises: all of the chunk or nothing, and which of the two.
 */
import type pg from 'pg';
import { readCursor } from '../cursor.ts';
import { CursorMoved, type CursorTrouble } from '../errors.ts';
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
export interface PreparedChunk extends Omit<LedgerChunk, InBulk> {
  readonly rowsText: Buffer;
  readonly reservationTexts: ReservationTexts;
}

/** Makes the texts of a chunk, while the chunk before is being committed. */
export async function prepareChunk(chunk: LedgerChunk): Promise<PreparedChunk> {
  const { partition, epoch, fromSequence, toSequence, eventsTotal, items, documents, findings, parked } =
    chunk;
  return {
    partition,
    epoch,
    fromSequence,
    toSequence,
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

async function moveCursor(client: pg.ClientBase, chunk: PreparedChunk): Promise<void> {
  const { partition, epoch, fromSequence, toSequence, eventsTotal } = chunk;
  const { rowCount } = await client.query({
    name: 'move-cursor',
    text: `UPDATE partitions SET sequence = $4, events_total = $5, updated_at = now()
      WHERE partition = $1 AND epoch = $2 AND sequence = $3`,
    values: [partition, epoch, fromSequence, toSequence, eventsTotal],
  });
  if (rowCount === 1) return;
  const found = await readCursor(client, partition);
  let trouble: CursorTrouble = 'unknown-partition';
  if (found && found.epoch !== epoch) trouble = found.epoch > epoch ? 'stale-epoch' : 'future-epoch';
  else if (found) trouble = found.sequence > fromSequence ? 'duplicate' : 'gap';
  throw new CursorMoved(trouble, { epoch, sequence: fromSequence }, found);
}
