/**
 * Movements done lately, for a rebuild: a repeat of one must still be known as a repeat, with its first answer (BR-006).
 */
import type pg from 'pg';
import type { EventType, MovementKind } from '../../domain/language.ts';
import type { Counters } from './ledger-entry.ts';
import { streamRows } from './row-stream.ts';

export interface DoneMovement {
  readonly kind: MovementKind;
  readonly movementId: string;
  readonly sku: string;
  readonly warehouse: string;
  /** Units moved; of a correction the new total. */
  readonly quantity: number;
  readonly reason: string;
  readonly orderId: string | undefined;
  readonly atMs: number;
  /** The item's version when it was asked for. */
  readonly versionBefore: number;
  /** The item's version and counters as the first answer showed them. */
  readonly version: number;
  readonly after: Counters;
  /** It brought the item under its safety stock, which is in {@link version} (BR-005). */
  readonly firedAlert: boolean;
}

const KINDS: Partial<Record<EventType, MovementKind>> = {
  InventoryReceived: 'receive',
  InventoryIssued: 'issue',
  InventoryShipped: 'ship',
  InventoryReturned: 'return',
  ReturnWrittenOff: 'write-off',
  InventoryCorrected: 'correct',
};

interface MovementRow {
  readonly type: EventType;
  readonly movement_id: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  readonly reason: string | null;
  readonly order_id: string | null;
  readonly at: number;
  readonly version: number;
  readonly total_after: number;
  readonly available_after: number;
  readonly reserved_after: number;
  readonly sold_after: number;
  readonly fired_alert: boolean;
}

// An alert comes right behind the step that crossed the line, in the same batch.
const MOVEMENTS_SINCE = `SELECT m.type, m.movement_id, m.sku, m.warehouse, m.quantity, m.reason, m.order_id, m.at, m.version,
    m.total_after, m.available_after, m.reserved_after, m.sold_after, a.id IS NOT NULL AS fired_alert
  FROM ledger_entries AS m
  LEFT JOIN ledger AS a ON a.sku = m.sku AND a.warehouse = m.warehouse AND a.version = m.version + 1
    AND a.type = 'LowStockAlertTriggered' AND a.epoch = m.epoch AND a.sequence = m.sequence
  WHERE m.movement_id IS NOT NULL AND m.at >= to_timestamp($1)`;

/** Movements decided at this time or later, in pages, in no order. The index of movements finds them among all entries. */
export async function* movementsSince(pool: pg.Pool, atMs: number): AsyncGenerator<DoneMovement[]> {
  for await (const rows of streamRows<MovementRow>(pool, MOVEMENTS_SINCE, [atMs / 1_000])) {
    yield rows.map(readMovement);
  }
}

function readMovement(row: MovementRow): DoneMovement {
  const kind = KINDS[row.type];
  if (!kind) throw new Error(`${row.type} of movement ${row.movement_id} is no movement`);
  return {
    kind,
    movementId: row.movement_id,
    sku: row.sku,
    warehouse: row.warehouse,
    quantity: row.quantity,
    reason: row.reason ?? '',
    orderId: row.order_id ?? undefined,
    atMs: row.at,
    versionBefore: row.version - 1,
    version: row.fired_alert ? row.version + 1 : row.version,
    after: {
      total: row.total_after,
      available: row.available_after,
      reserved: row.reserved_after,
      sold: row.sold_after,
    },
    firedAlert: row.fired_alert,
  };
}
