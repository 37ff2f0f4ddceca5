/**
 * The repair of one item in one transaction: entries that are booked late or that realign it, the item, orders, documents,
 * and what became of the parked events. Promises: all of it or nothing; the worker waits meanwhile, and what it had in
 * memory of the item fails the optimistic lock afterwards, because every repair raises the version.
 * Refuses to know: what is right; the caller decides on what the transaction sees.
 */
import type { Selectable } from 'kysely';
import type pg from 'pg';
import type { InventoryItem } from '../../domain/inventory-item.ts';
import { type EventType, lineStart } from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import { type LedgerCursor, readCursor } from '../cursor.ts';
import { knownMovements } from '../read/movements.ts';
import { heldByEntries, holdsOf, type Parked, parkedOf } from '../read/parked.ts';
import {
  type ItemName,
  type LedgerItem,
  loadItems,
  loadReservations,
  loadTransfers,
  readItem,
} from '../read/worker-queries.ts';
import type { ItemsTable } from '../schema.ts';
import type { LedgerRow } from './chunk.ts';
import { writeDocuments } from './document-rows.ts';
import type { Documents, TransferDocument } from './documents.ts';
import { ledgerRowsText, writeLedgerRows } from './entry-rows.ts';
import { replaceReservations } from './reservation-rows.ts';

/** What the ledger knows of an item that is to be repaired; nobody changes it before the transaction ends. */
export interface RepairFound {
  readonly cursor: LedgerCursor;
  readonly item: LedgerItem;
  /** Of its newest entry; undefined where it has none. */
  readonly lastType: EventType | undefined;
  readonly parked: readonly Parked[];
  /** Orders that hold some of it. */
  readonly holds: readonly Reservation[];
  /** Movements of parked events that are booked already. */
  readonly booked: ReadonlySet<string>;
  /** Transfers of parked events. */
  readonly transfers: ReadonlyMap<string, TransferDocument>;
  loadItems(names: readonly ItemName[]): Promise<LedgerItem[]>;
  loadReservations(orderIds: readonly string[]): Promise<Reservation[]>;
  /** What its entries say that each order holds; as slow as its history is long. */
  heldByEntries(): Promise<Map<string, number>>;
}

/** What a repair writes. */
export interface RepairWrite {
  /** In the order of their versions; at least one, so that the version grows. */
  readonly rows: readonly LedgerRow[];
  readonly item: InventoryItem;
  readonly atMs: number;
  /** Take the place of what the ledger has under their ids. */
  readonly reservations: readonly Reservation[];
  readonly documents: Documents | undefined;
  /** Ids of parked events that are among the rows. */
  readonly booked: readonly number[];
  /** Ids of parked events that are not. */
  readonly leftOut: readonly number[];
}

/** Runs the transaction; undefined where the ledger does not know the item or the partition. @throws an outage, or what `decide` throws: then nothing was written */
export async function repairItem<A>(
  client: pg.ClientBase,
  partition: number,
  name: ItemName,
  decide: (found: RepairFound) => Promise<{ readonly answer: A; readonly write?: RepairWrite | undefined }>,
): Promise<A | undefined> {
  await client.query('BEGIN');
  const found = await find(client, partition, name);
  if (!found) {
    await client.query('ROLLBACK');
    return undefined;
  }
  const { answer, write } = await decide(found);
  if (write) await writeRepair(client, partition, name, found.cursor, write);
  await client.query(write ? 'COMMIT' : 'ROLLBACK');
  return answer;
}

/** Takes the cursor's row first, as a commit of the worker does, so that the two never wait for each other in a circle. */
async function find(
  client: pg.ClientBase,
  partition: number,
  name: ItemName,
): Promise<RepairFound | undefined> {
  await client.query('SELECT FROM partitions WHERE partition = $1 FOR UPDATE', [partition]);
  const cursor = await readCursor(client, partition);
  const { rows } = await client.query<Selectable<ItemsTable>>(
    'SELECT * FROM items WHERE sku = $1 AND warehouse = $2 FOR UPDATE',
    [name.sku, name.warehouse],
  );
  if (!cursor || !rows[0]) return undefined;
  const item = readItem(rows[0]);
  const parked = await parkedOf(client, name);
  const newest = await client.query<{ type: EventType }>(
    'SELECT type FROM ledger WHERE sku = $1 AND warehouse = $2 ORDER BY version DESC LIMIT 1',
    [name.sku, name.warehouse],
  );
  const ids = (field: 'movementId' | 'transferId') =>
    parked.flatMap(({ event }) => {
      const value = (event as unknown as Readonly<Record<string, unknown>>)[field];
      return typeof value === 'string' ? [value] : [];
    });
  const transfers = await loadTransfers(client, ids('transferId'));
  return {
    cursor,
    item,
    lastType: newest.rows[0]?.type,
    parked,
    holds: await holdsOf(client, lineStart(name)),
    booked: new Set(await knownMovements(client, ids('movementId'))),
    transfers: new Map(transfers.map((transfer) => [transfer.transferId, transfer])),
    loadItems: (names) => loadItems(client, names),
    loadReservations: (orderIds) => loadReservations(client, orderIds),
    heldByEntries: () => heldByEntries(client, name),
  };
}

async function writeRepair(
  client: pg.ClientBase,
  partition: number,
  { sku, warehouse }: ItemName,
  cursor: LedgerCursor,
  { rows, item, atMs, reservations, documents, booked, leftOut }: RepairWrite,
): Promise<void> {
  await writeLedgerRows(client, await ledgerRowsText({ rows, partition }));
  await client.query(
    `UPDATE items SET total = $3, available = $4, reserved = $5, sold = $6, safety_stock = $7, is_low = $8, version = $9,
       updated_at = to_timestamp($10::float8), stocktake_id = $11, stocktake_until = to_timestamp($12::float8),
       quarantined_at = NULL, quarantine_reason = NULL, parked_events = 0
     WHERE sku = $1 AND warehouse = $2`,
    [
      sku,
      warehouse,
      item.total,
      item.available,
      item.reserved,
      item.sold,
      item.safetyStock,
      item.isLow,
      item.version,
      atMs / 1_000,
      item.stocktake?.stocktakeId ?? null,
      secondsOf(item.stocktake?.untilMs ?? item.holdsUntilMs),
    ],
  );
  await replaceReservations(client, reservations);
  if (documents) await writeDocuments(client, documents);
  await settle(client, booked, 'booked');
  await settle(client, leftOut, 'left-out');
  await client.query(
    'UPDATE drift SET resolved_at = now() WHERE sku = $1 AND warehouse = $2 AND resolved_at IS NULL',
    [sku, warehouse],
  );
  // Of an order alone there is a finding where an item explained it that had stopped before.
  await client.query(
    `UPDATE drift SET resolved_at = now() WHERE sku IS NULL AND order_id = ANY($1::text[]) AND partition = $2
       AND sequence <= $3 AND resolved_at IS NULL`,
    [reservations.map(({ orderId }) => orderId), partition, cursor.sequence],
  );
}

function secondsOf(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1_000;
}

async function settle(
  client: pg.ClientBase,
  ids: readonly number[],
  as: 'booked' | 'left-out',
): Promise<void> {
  await client.query('UPDATE parked_events SET settled_at = now(), settled_as = $2 WHERE id = ANY($1)', [
    ids,
    as,
  ]);
}

/** Puts an item in quarantine by a person's word; false where the ledger does not know it. It changes no figure. */
export async function quarantineItem(
  client: Pick<pg.ClientBase, 'query'>,
  { sku, warehouse }: ItemName,
  reason: string,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE items SET quarantined_at = coalesce(quarantined_at, now()), quarantine_reason = coalesce(quarantine_reason, $3)
     WHERE sku = $1 AND warehouse = $2`,
    [sku, warehouse, reason],
  );
  return rowCount === 1;
}
