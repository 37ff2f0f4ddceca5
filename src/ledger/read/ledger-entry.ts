/** A row of the ledger as programs read it: the counters before, their change, the counters after. */
import type { Selectable } from 'kysely';
import type { EventType, ReleaseCause } from '../../domain/language.ts';
import type { LedgerEntriesView } from '../schema.ts';

/** Counters of an item, or changes of them. */
export interface Counters {
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
}

/** One step of one item. */
export interface LedgerEntry {
  /** Grows with every entry; pages go on from it. */
  readonly id: number;
  readonly type: EventType;
  readonly sku: string;
  readonly warehouse: string;
  readonly version: number;
  readonly quantity: number;
  readonly before: Counters;
  readonly change: Counters;
  readonly after: Counters;
  readonly orderId: string | undefined;
  readonly movementId: string | undefined;
  readonly transferId: string | undefined;
  readonly stocktakeId: string | undefined;
  /** Why a hold ended; only of InventoryReleased. */
  readonly cause: ReleaseCause | undefined;
  readonly operation: string | undefined;
  /** When the hold or the lock ends; of InventoryReserved, ReservationExtended and StocktakeStarted. */
  readonly expiresAtMs: number | undefined;
  /** The safety stock that the alert fired under; only of LowStockAlertTriggered. */
  readonly safetyStock: number | undefined;
  readonly reason: string | undefined;
  readonly actor: string;
  readonly atMs: number;
  readonly partition: number;
  readonly epoch: number;
  readonly sequence: number;
}

/** Reads a row of the view `ledger_entries`. */
export function readEntry(row: Selectable<LedgerEntriesView>): LedgerEntry {
  return {
    id: row.id,
    type: row.type,
    sku: row.sku,
    warehouse: row.warehouse,
    version: row.version,
    quantity: row.quantity,
    before: counters(row, 'before'),
    change: counters(row, 'change'),
    after: counters(row, 'after'),
    orderId: row.order_id ?? undefined,
    movementId: row.movement_id ?? undefined,
    transferId: row.transfer_id ?? undefined,
    stocktakeId: row.stocktake_id ?? undefined,
    cause: row.cause ?? undefined,
    operation: row.operation ?? undefined,
    expiresAtMs: row.expires_at ?? undefined,
    safetyStock: row.safety_stock ?? undefined,
    reason: row.reason ?? undefined,
    actor: row.actor,
    atMs: row.at,
    partition: row.partition,
    epoch: row.epoch,
    sequence: row.sequence,
  };
}

function counters(row: Selectable<LedgerEntriesView>, when: 'before' | 'change' | 'after'): Counters {
  return {
    total: row[`total_${when}`],
    available: row[`available_${when}`],
    reserved: row[`reserved_${when}`],
    sold: row[`sold_${when}`],
  };
}
