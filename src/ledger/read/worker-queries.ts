/**
 * What the worker needs from the ledger to check the next events: items, reservations and transfers by name.
 * Promises: what is committed, nothing else.
 */
import type { Selectable } from 'kysely';
import type { InventoryItem } from '../../domain/inventory-item.ts';
import type { Reservation } from '../../domain/reservation.ts';
import type { Queryable } from '../cursor.ts';
import type { ItemsTable, TransfersTable } from '../schema.ts';
import { textArray } from '../write/bulk-text.ts';
import type { TransferDocument } from '../write/documents.ts';
import { type ReservationRow, readReservation } from '../write/reservation-rows.ts';
import { readTransfer } from './transfers.ts';

/** An item as the ledger has it, and whether it is in quarantine (D8). */
export interface LedgerItem {
  readonly item: InventoryItem;
  /** When its last event was decided. */
  readonly updatedAtMs: number;
  readonly quarantine: { readonly atMs: number; readonly reason: string } | undefined;
  /** Event lines since the quarantine began, parked or counted. */
  readonly parkedEvents: number;
}

/** Reads a row of `items`. */
export function readItem(row: Selectable<ItemsTable>): LedgerItem {
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

/** Names an item. */
export interface ItemName {
  readonly sku: string;
  readonly warehouse: string;
}

// One look-up a name, whatever the planner believes about the size of the table: LIMIT keeps it from joining.
const LOAD_ITEMS = `SELECT i.* FROM unnest($1::text[], $2::text[]) AS u(sku, warehouse)
  CROSS JOIN LATERAL (SELECT * FROM items AS i WHERE i.sku = u.sku AND i.warehouse = u.warehouse LIMIT 1) AS i`;
// Seconds as a number: some thousand times a chunk, that is cheaper to read than the text of a time.
const LOAD_RESERVATIONS = `SELECT r.* FROM unnest($1::text[]) AS u(order_id)
  CROSS JOIN LATERAL (SELECT r.order_id, status, lines, asked, operations, customer_id, sale_id,
      date_part('epoch', reserved_at) AS reserved_at, date_part('epoch', expires_at) AS expires_at,
      date_part('epoch', resolved_at) AS resolved_at
    FROM reservations AS r WHERE r.order_id = u.order_id LIMIT 1) AS r`;

/** The items that exist among those named, in no order. */
export async function loadItems(client: Queryable, names: readonly ItemName[]): Promise<LedgerItem[]> {
  if (names.length === 0) return [];
  const { rows } = await client.query<Selectable<ItemsTable>>(LOAD_ITEMS, [
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

/** The transfers that exist among those named, in no order. */
export async function loadTransfers(
  client: Queryable,
  transferIds: readonly string[],
): Promise<TransferDocument[]> {
  if (transferIds.length === 0) return [];
  const { rows } = await client.query<Selectable<TransfersTable>>(
    'SELECT * FROM transfers WHERE transfer_id = ANY($1::text[])',
    [textArray(transferIds)],
  );
  return rows.map(readTransfer);
}
