/**
 * Brings into the ledger what only Redis knows, in one transaction, and places the cursor behind it. Promises: all of it or
 * nothing, and only if the cursor is where it was when Redis was read. Refuses to know: how it was read.
 */
import type pg from 'pg';
import type { InventoryItem } from '../../domain/inventory-item.ts';
import type { Reservation } from '../../domain/reservation.ts';
import { type LedgerCursor, placeCursor, readCursor } from '../cursor.ts';
import type { LedgerRow } from './chunk.ts';
import { writeDocuments } from './document-rows.ts';
import type { Documents } from './documents.ts';
import { ledgerRowsText, writeLedgerRows } from './entry-rows.ts';
import { writeItems } from './item-rows.ts';
import { replaceReservations } from './reservation-rows.ts';

/** What Redis has and the ledger has not, as of one instant. */
export interface ImportWrite {
  readonly rows: readonly LedgerRow[];
  /** As Redis has them, with the version that the ledger has; undefined: it does not know the item. */
  readonly items: readonly { readonly item: InventoryItem; readonly expectedVersion: number | undefined }[];
  readonly reservations: readonly Reservation[];
  readonly documents: Documents;
  readonly atMs: number;
  /** Where Redis stood. */
  readonly place: Pick<LedgerCursor, 'sequence' | 'link' | 'eventsTotal'>;
}

const SLICE = 1_000;

/** @param before the cursor when Redis was read @throws where it moved since, or an outage: nothing was written */
export async function writeImport(
  client: pg.ClientBase,
  partition: number,
  before: LedgerCursor,
  { rows, items, reservations, documents, atMs, place }: ImportWrite,
): Promise<void> {
  await client.query('BEGIN');
  await client.query('SELECT FROM partitions WHERE partition = $1 FOR UPDATE', [partition]);
  const cursor = await readCursor(client, partition);
  if (cursor?.sequence !== before.sequence || cursor.link !== before.link) {
    throw new Error(
      'the ledger moved while Redis was read: its worker could follow after all. Nothing was written',
    );
  }
  await writeLedgerRows(client, await ledgerRowsText({ rows, partition }));
  for (let i = 0; i < items.length; i += SLICE) {
    const slice = items.slice(i, i + SLICE);
    await writeItems(
      client,
      slice.map((item) => ({ ...item, atMs, quarantineReason: undefined, parkedEvents: 0 })),
    );
  }
  for (let i = 0; i < reservations.length; i += SLICE) {
    await replaceReservations(client, reservations.slice(i, i + SLICE));
  }
  await writeDocuments(client, documents);
  await placeCursor(client, partition, place);
  await client.query('COMMIT');
}
