/**
 * Receipts done lately, for a rebuild: a repeat of one must still be known as a repeat (BR-006).
 */
import type pg from 'pg';
import type { Counters } from './ledger-entry.ts';

export interface Receipt {
  readonly movementId: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  readonly reason: string;
  readonly atMs: number;
  /** The item's version and counters right after it. */
  readonly version: number;
  readonly after: Counters;
}

/** Receipts decided at this time or later, in no order. The index of movements finds them among all entries. */
export async function receiptsSince(pool: pg.Pool, atMs: number): Promise<Receipt[]> {
  const { rows } = await pool.query<{
    movement_id: string;
    sku: string;
    warehouse: string;
    quantity: number;
    reason: string | null;
    at: number;
    version: number;
    total_after: number;
    available_after: number;
    reserved_after: number;
    sold_after: number;
  }>(
    `SELECT movement_id, sku, warehouse, quantity, reason, at, version, total_after, available_after, reserved_after, sold_after
       FROM ledger_entries WHERE movement_id IS NOT NULL AND type = 'InventoryReceived' AND at >= to_timestamp($1)`,
    [atMs / 1_000],
  );
  return rows.map((row) => ({
    movementId: row.movement_id,
    sku: row.sku,
    warehouse: row.warehouse,
    quantity: row.quantity,
    reason: row.reason ?? '',
    atMs: row.at,
    version: row.version,
    after: {
      total: row.total_after,
      available: row.available_after,
      reserved: row.reserved_after,
      sold: row.sold_after,
    },
  }));
}
