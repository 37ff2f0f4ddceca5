/**
 * Brings what only Redis knows into a ledger that went back, or that misses entries of the stream (D14).
 *
 * 1. The partition is fenced: nothing is sold, and what is read is of one instant.
 * 2. Redis is read against the ledger; then the fence is taken away, and selling goes on.
 * 3. One transaction writes the differences and places the cursor at that instant; the worker carries on from there.
 *
 * Promises: repeating it after a death anywhere is safe; a death in step 1 or 2 leaves the fence, which a repeat takes away.
 */
import { isSameEpoch } from '../../hotpath/codec/control-codec.ts';
import {
  type ControlRecord,
  fencePartition,
  readClockMs,
  readControl,
  unfencePartition,
} from '../../hotpath/partition.ts';
import type { LedgerCursor } from '../../ledger/cursor.ts';
import { compareHistories } from '../recovery/compare.ts';
import { type ImportParts, ImportReading } from './import-reading.ts';

/** What was brought, or why nothing was. */
export type ImportAnswer =
  | {
      readonly outcome: 'imported';
      readonly items: number;
      readonly orders: number;
      readonly transfers: number;
      readonly stocktakeLines: number;
      readonly sales: number;
      /** How long nothing was sold. */
      readonly fencedMs: number;
      readonly fromSequence: number;
      readonly toSequence: number;
      readonly notes: readonly string[];
    }
  | { readonly outcome: 'refused'; readonly why: string };

/** Imports the partition. @throws an outage of a store; then it is repeated */
export async function importFromRedis(
  parts: ImportParts,
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<ImportAnswer> {
  const { redis, keys, ledger } = parts;
  const looked = await readControl(redis, keys);
  if (!looked) return refused('Redis has no partition under this prefix: there is nothing to bring');
  if (!looked.isLinked)
    return refused('the partition is of the release before: start the worker of this release first');
  const known = await ledger.cursor(keys.partition);
  const why = known && (await notNeeded(parts, known, looked));
  if (why !== undefined) return refused(why);
  const cursor = known ?? (await knowPartition(parts, actor, reason));
  const fencedAt = performance.now();
  const fenced = await fencePartition(redis, keys);
  const { sequence, link, eventsTotal } = fenced;
  const word = { actor, reason, atMs: await readClockMs(redis), epoch: fenced.epoch.number, sequence };
  const reading = new ImportReading(parts, word);
  const written = await reading.read().finally(() => unfencePartition(redis, keys));
  const fencedMs = performance.now() - fencedAt;
  await ledger.import(keys.partition, cursor, { ...written, place: { sequence, link, eventsTotal } });
  await nameEpoch(parts, actor, reason);
  const { newTransfers, changedTransfers, reusedTransfers, stocktakes, sales } = written.documents;
  return {
    outcome: 'imported',
    items: written.items.length,
    orders: written.reservations.length,
    transfers: newTransfers.length + changedTransfers.length + reusedTransfers.length,
    stocktakeLines: stocktakes.length,
    sales: sales.length,
    fencedMs,
    fromSequence: cursor.sequence,
    toSequence: sequence,
    notes: reading.notes,
  };
}

/**
 * Why a worker goes on by itself; undefined where it waits for this. A fence where it does not wait would make it empty Redis.
 */
async function notNeeded(
  parts: ImportParts,
  cursor: LedgerCursor,
  control: ControlRecord,
): Promise<string | undefined> {
  const comparison = await compareHistories(parts, cursor, control);
  if (comparison.kind === 'entries-missing') return undefined;
  if (comparison.kind === 'follows') {
    return 'the ledger can follow Redis: a worker carries what is missing (npm run work). There is nothing to bring';
  }
  const epochs = await parts.ledger.epochs(parts.keys.partition, EPOCHS_MAX);
  const isKnown = epochs.some(({ epoch }) => isSameEpoch(epoch, control.epoch));
  if (!isKnown && control.sequence >= cursor.sequence) return undefined;
  return (
    'Redis has another history than the ledger, or less: a worker writes down what only Redis has, and fills Redis from the ' +
    'ledger (npm run work)'
  );
}
const EPOCHS_MAX = 10_000;

function refused(why: string): ImportAnswer {
  return { outcome: 'refused', why };
}

/** A ledger that never saw the partition learns of it, at its beginning. */
async function knowPartition(parts: ImportParts, actor: string, reason: string): Promise<LedgerCursor> {
  await nameEpoch(parts, actor, reason);
  const cursor = await parts.ledger.cursor(parts.keys.partition);
  if (!cursor) throw new Error('the ledger does not know the partition: repeat the command');
  return cursor;
}

/** The ledger knows the epoch under which Redis sells, so that its worker does not take Redis for another shop's. */
async function nameEpoch({ redis, keys, ledger }: ImportParts, actor: string, reason: string): Promise<void> {
  const control = await readControl(redis, keys);
  if (!control) return;
  const { epoch, incarnation = '-', sequence, link, eventsTotal } = control;
  const id = await ledger.beginEpoch(keys.partition, {
    epoch,
    incarnation,
    how: 'imported',
    compared: { sequence, link, eventsTotal },
    actor,
    reason,
  });
  if (id !== undefined) await ledger.openEpoch(id, { sequence, link });
}
