/**
 * What the worker needs from the ledger to judge the next events: cursor, items, reservations, movements done.
 * Promises: what is committed, nothing else.
 */
import { setTimeout } from 'node:timers/promises';
import type { Selectable } from 'kysely';
import type pg from 'pg';
import type { InventoryItem } from '../../domain/inventory-item.ts';
import type { Reservation } from '../../domain/reservation.ts';
import type { ItemsTable } from '../schema.ts';
import { textArray } from './bulk-text.ts';
import { type ReservationRow, readReservation } from './reservation-rows.ts';

/** Either a connection or the pool. */
type Queryable = Pick<pg.ClientBase, 'query'>;

/** Where a partition's stream has been written to the ledger. */
export interface LedgerCursor {
  readonly epoch: number;
  readonly sequence: number;
  /** Events of this epoch in the ledger. */
  readonly eventsTotal: number;
}

/** Undefined where the ledger knows no epoch of this partition. */
export async function readCursor(client: Queryable, partition: number): Promise<LedgerCursor | undefined> {
  const { rows } = await client.query<LedgerCursor>(
    'SELECT epoch, sequence, events_total AS "eventsTotal" FROM partitions WHERE partition = $1',
    [partition],
  );
  return rows[0];
}

/** Between two looks at the cursor: what was just decided is in the ledger some ten milliseconds later. */
const WAIT_MS_MIN = 5;
const WAIT_MS_MAX = 50;

/** Looks at the cursor until it has come this far, or the time is over; answers whether it has. */
export async function waitForSequence(
  client: Queryable,
  partition: number,
  { epoch, sequence }: Pick<LedgerCursor, 'epoch' | 'sequence'>,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (let waitMs = WAIT_MS_MIN; ; waitMs = Math.min(WAIT_MS_MAX, waitMs * 2)) {
    const cursor = await readCursor(client, partition);
    // A newer epoch began with all of the older one that will ever come.
    if (cursor && (cursor.epoch > epoch || (cursor.epoch === epoch && cursor.sequence >= sequence)))
      return true;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return false;
    await setTimeout(Math.min(waitMs, leftMs));
  }
}

/** An item as the ledger has it, and whether it is in quarantine (D8). */
export interface LedgerItem {
  readonly item: InventoryItem;
  /** When its last event was decided. */
  readonly updatedAtMs: number;
  readonly quarantine: { readonly atMs: number; readonly reason: string } | undefined;
  /** Event lines since, parked or counted. */
  readonly parkedEvents: number;
}

type ItemRow = Selectable<ItemsTable>;

/** The columns {@link readItem} needs. */
export const ITEM_COLUMNS = [
  'sku',
  'warehouse',
  'total',
  'available',
  'reserved',
  'sold',
  'safety_stock',
  'is_low',
  'version',
  'updated_at',
  'quarantined_at',
  'quarantine_reason',
  'parked_events',
  'stocktake_id',
  'stocktake_until',
] as const;

export function readItem(row: ItemRow): LedgerItem {
  const { sku, warehouse, total, available, reserved, sold, version, stocktake_id, stocktake_until } = row;
  return {
    item: {
      sku,
      warehouse,
      total,
      available,
      reserved,
      sold,
      version,
      safetyStock: row.safety_stock,
      isLow: row.is_low,
      ...lockOf(stocktake_id, stocktake_until),
    },
    updatedAtMs: row.updated_at,
    quarantine:
      row.quarantined_at === null
        ? undefined
        : { atMs: row.quarantined_at, reason: row.quarantine_reason ?? '' },
    parkedEvents: row.parked_events,
  };
}

/** BR-007: the lock of a stocktake, or until when no hold expires after one. */
function lockOf(stocktakeId: string | null, untilMs: number | null): Partial<InventoryItem> {
  if (untilMs === null) return {};
  return stocktakeId === null ? { holdsUntilMs: untilMs } : { stocktake: { stocktakeId, untilMs } };
}

export interface ItemName {
  readonly sku: string;
  readonly warehouse: string;
}

// One look-up a name, whatever the planner believes about the size of the table: LIMIT keeps it from joining.
const LOAD_ITEMS = `SELECT i.* FROM unnest($1::text[], $2::text[]) AS u(sku, warehouse)
  CROSS JOIN LATERAL (SELECT ${ITEM_COLUMNS.join(', ')} FROM items AS i
    WHERE i.sku = u.sku AND i.warehouse = u.warehouse LIMIT 1) AS i`;
// Seconds as a number: some thousand times a chunk, that is cheaper to read than the text of a time.
const LOAD_RESERVATIONS = `SELECT r.* FROM unnest($1::text[]) AS u(order_id)
  CROSS JOIN LATERAL (SELECT r.order_id, status, lines, asked, operations, customer_id, sale_id, date_part('epoch', reserved_at) AS reserved_at,
      date_part('epoch', expires_at) AS expires_at, date_part('epoch', resolved_at) AS resolved_at
    FROM reservations AS r WHERE r.order_id = u.order_id LIMIT 1) AS r`;

/** The items that exist among those named, in no order. */
export async function loadItems(client: Queryable, names: readonly ItemName[]): Promise<LedgerItem[]> {
  if (names.length === 0) return [];
  const { rows } = await client.query<ItemRow>(LOAD_ITEMS, [
    textArray(names.map((name) => name.sku)),
    textArray(names.map((name) => name.warehouse)),
  ]);
  return rows.map(readItem);
}

/** The reservations that exist among those named, in no order. */
export async function loadReservations(
  client: Queryable,
  orderIds: readonly string[],
): Promise<Reservation[]> {
  if (orderIds.length === 0) return [];
  const { rows } = await client.query<ReservationRow>(LOAD_RESERVATIONS, [textArray(orderIds)]);
  return rows.map((row) => readReservation(row, 1_000));
}

/** Which of these movements the ledger has booked already (BR-006). */
export async function knownMovements(client: Queryable, movementIds: readonly string[]): Promise<string[]> {
  if (movementIds.length === 0) return [];
  const { rows } = await client.query<{ movement_id: string }>(
    'SELECT movement_id FROM ledger WHERE movement_id = ANY($1::text[])',
    [textArray(movementIds)],
  );
  return rows.map((row) => row.movement_id);
}
