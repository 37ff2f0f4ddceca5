/**
 * What people look at before they lift a quarantine (D8): the items that have stopped, why, and the events that wait.
 * Promises: what is committed, nothing else.
 */
import type { Selectable } from 'kysely';
import type { StockEvent } from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import type { Queryable } from '../cursor.ts';
import type { DriftTable, ItemsTable } from '../schema.ts';
import type { DriftKind, TakeBack } from '../write/chunk.ts';
import { type ReservationRow, readReservation } from '../write/reservation-rows.ts';
import { type ItemName, type LedgerItem, readItem } from './worker-queries.ts';

/** An event line that waits for its item. */
export interface Parked {
  readonly id: number;
  /** As the hot path counted it. */
  readonly version: number;
  readonly epoch: number;
  readonly sequence: number;
  /** With the one line of the item. It may be one that the domain does not allow. */
  readonly event: StockEvent;
}

/** Why an item has stopped. */
export interface ItemFinding {
  readonly kind: DriftKind;
  readonly detail: string;
  readonly evidence: unknown;
  readonly epoch: number;
  readonly sequence: number;
  readonly foundAtMs: number;
}

const OF_ITEM = 'sku = $1 AND warehouse = $2';

/** Items in quarantine, the oldest first, at most `limit`. */
export async function itemsInQuarantine(client: Queryable, limit: number): Promise<LedgerItem[]> {
  const { rows } = await client.query<Selectable<ItemsTable>>(
    'SELECT * FROM items WHERE quarantined_at IS NOT NULL ORDER BY quarantined_at, sku, warehouse LIMIT $1',
    [limit],
  );
  return rows.map(readItem);
}

/** The event lines of an item that wait, in the order in which they were decided. */
export async function parkedOf(client: Queryable, { sku, warehouse }: ItemName): Promise<Parked[]> {
  const { rows } = await client.query<Parked>(
    `SELECT id, version, epoch, sequence, event FROM parked_events WHERE ${OF_ITEM} AND settled_at IS NULL ORDER BY id`,
    [sku, warehouse],
  );
  return rows;
}

/** What is not resolved about an item, the oldest first. */
export async function findingsOf(
  client: Queryable,
  { sku, warehouse }: ItemName,
  limit: number,
): Promise<ItemFinding[]> {
  const { rows } = await client.query<Selectable<DriftTable>>(
    `SELECT * FROM drift WHERE ${OF_ITEM} AND resolved_at IS NULL ORDER BY id LIMIT $3`,
    [sku, warehouse, limit],
  );
  return rows.map(({ kind, detail, evidence, epoch, sequence, found_at }) => ({
    kind,
    detail,
    evidence,
    epoch,
    sequence,
    foundAtMs: found_at,
  }));
}

/** A finding that the worker can settle by a command, and has not yet. */
export interface OpenRepeat {
  readonly id: number;
  readonly takeBack: TakeBack;
}

/** Repeats that are booked and not taken back yet, the oldest first. */
export async function openRepeats(client: Queryable, limit: number): Promise<OpenRepeat[]> {
  const { rows } = await client.query<OpenRepeat>(
    `SELECT id, evidence -> 'takeBack' AS "takeBack" FROM drift
      WHERE resolved_at IS NULL AND kind IN ('movement-id-reused', 'transfer-id-reused') AND evidence ? 'takeBack'
      ORDER BY id LIMIT $1`,
    [limit],
  );
  return rows;
}

/** Marks a finding as settled. */
export async function resolveFinding(client: Queryable, id: number): Promise<void> {
  await client.query('UPDATE drift SET resolved_at = now() WHERE id = $1 AND resolved_at IS NULL', [id]);
}

/** All orders that hold something of an item, in the order of their ids. @param lineStart as `lines` writes the item */
export async function holdsOf(client: Queryable, lineStart: string): Promise<Reservation[]> {
  const { rows } = await client.query<ReservationRow>(
    `SELECT * FROM reservations WHERE status = 'ACTIVE' AND (starts_with(lines, $1) OR strpos(lines, ',' || $1) > 0)
      ORDER BY order_id`,
    [lineStart],
  );
  return rows.map((row) => readReservation(row));
}

/** What the entries of an item say that each order holds of it; orders that hold nothing are left out. */
export async function heldByEntries(
  client: Queryable,
  { sku, warehouse }: ItemName,
): Promise<Map<string, number>> {
  const { rows } = await client.query<{ order_id: string; held: number }>(
    `SELECT order_id, sum(reserved_change)::bigint AS held FROM ledger WHERE ${OF_ITEM} AND order_id IS NOT NULL
      GROUP BY order_id HAVING sum(reserved_change) <> 0`,
    [sku, warehouse],
  );
  return new Map(rows.map(({ order_id, held }) => [order_id, held]));
}

/** Counting ends here: for a person it makes no difference how many more there are. */
const COUNTED_MAX = 10_000;

/** How much is in quarantine, each up to {@link COUNTED_MAX}. */
export interface QuarantineCount {
  readonly items: number;
  /** Event lines that wait for their items. */
  readonly parkedEvents: number;
}

/** Counts what is in quarantine. It looks at all items, so do not ask every second. */
export async function countQuarantine(client: Queryable): Promise<QuarantineCount> {
  const counted = (rows: string) =>
    `(SELECT count(*)::int FROM (SELECT FROM ${rows} LIMIT ${COUNTED_MAX}) AS some)`;
  const { rows } = await client.query<QuarantineCount>(
    `SELECT ${counted('items WHERE quarantined_at IS NOT NULL')} AS items,
      ${counted('parked_events WHERE settled_at IS NULL')} AS "parkedEvents"`,
  );
  return rows[0] ?? { items: 0, parkedEvents: 0 };
}
