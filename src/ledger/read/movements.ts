/**
 * Movements that are booked: the hot path forgets a movement when its record expires, the ledger never does (BR-006).
 */
import type pg from 'pg';
import type { EventType } from '../../domain/language.ts';
import type { Queryable } from '../cursor.ts';
import { textArray } from '../write/bulk-text.ts';
import { members, type RowOf } from './members.ts';

/** A movement as it was booked. */
export interface MovementRecord {
  readonly movementId: string;
  /** `InventoryReceived` and so on. */
  readonly type: EventType;
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  readonly reason: string;
  /** The order named on a shipment or a return. */
  readonly orderId?: string | undefined;
  /** The item's version right after it. */
  readonly version: number;
}

type MovementRow = RowOf<Omit<MovementRecord, 'reason'>> & { readonly reason: string | null };
const COLUMNS = 'movement_id, type, sku, warehouse, quantity, reason, order_id, version';

/** Those of these movements that the ledger has, in no order. */
export async function movementRecords(
  client: Queryable,
  movementIds: readonly string[],
): Promise<MovementRecord[]> {
  if (movementIds.length === 0) return [];
  // One look-up an id: a list this long must not be taken for a reason to read the whole table.
  const { rows } = await client.query<MovementRow>(
    `SELECT l.* FROM unnest($1::text[]) AS u(movement_id) CROSS JOIN LATERAL (
       SELECT ${COLUMNS} FROM ledger AS l WHERE l.movement_id = u.movement_id LIMIT 1) AS l`,
    [textArray(movementIds)],
  );
  return rows.map(readRow);
}

/** Those whose ids lie between these two in the order of bytes, both included: a run of ids costs one look-up. */
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

/** Which of these movements are booked already. */
export async function knownMovements(client: Queryable, movementIds: readonly string[]): Promise<string[]> {
  if (movementIds.length === 0) return [];
  const { rows } = await client.query<{ movement_id: string }>(
    'SELECT movement_id FROM ledger WHERE movement_id = ANY($1::text[])',
    [textArray(movementIds)],
  );
  return rows.map((row) => row.movement_id);
}

function readRow(row: MovementRow): MovementRecord {
  const { reason = '', ...record } = members(row);
  return { ...record, reason };
}
