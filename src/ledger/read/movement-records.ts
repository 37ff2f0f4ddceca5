/**
 * Which movements are booked, and as what: the hot path forgets a movement after its tombstone, the ledger never does
 * (BR-006). For whoever repeats many of them, days later.
 */
import type pg from 'pg';
import { textArray } from '../write/bulk-text.ts';

/** A movement as it was booked. */
export interface MovementRecord {
  readonly movementId: string;
  /** The type of its event: InventoryReceived and so on. */
  readonly type: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  readonly reason: string;
  /** The item's version right after it. */
  readonly version: number;
}

interface MovementRow {
  readonly movement_id: string;
  readonly type: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  readonly reason: string | null;
  readonly version: number;
}
const COLUMNS = 'movement_id, type, sku, warehouse, quantity, reason, version';

/** Those of these movements that the ledger has, in no order. */
export async function movementRecords(
  pool: pg.Pool,
  movementIds: readonly string[],
): Promise<MovementRecord[]> {
  if (movementIds.length === 0) return [];
  // One look-up an id: a list this long must not be taken for a reason to read the whole table.
  const { rows } = await pool.query<MovementRow>(
    `SELECT l.* FROM unnest($1::text[]) AS u(movement_id) CROSS JOIN LATERAL (
       SELECT ${COLUMNS} FROM ledger AS l WHERE l.movement_id = u.movement_id LIMIT 1) AS l`,
    [textArray(movementIds)],
  );
  return rows.map(readRow);
}

/** Those whose ids stand between these two, both included: hundreds that follow each other cost one look-up. */
export async function movementRecordsBetween(
  pool: pg.Pool,
  first: string,
  last: string,
): Promise<MovementRecord[]> {
  const { rows } = await pool.query<MovementRow>(
    `SELECT ${COLUMNS} FROM ledger WHERE movement_id BETWEEN $1 AND $2`,
    [first, last],
  );
  return rows.map(readRow);
}

function readRow({ movement_id, reason, ...row }: MovementRow): MovementRecord {
  return { movementId: movement_id, reason: reason ?? '', ...row };
}
