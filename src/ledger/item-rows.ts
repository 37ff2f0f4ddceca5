/**
 * Items as they stand, one row each, and the seed's optimistic lock: `UPDATE ... WHERE version = expected` (D8).
 * Promises: every row stood at the version it was judged from, or nothing of the transaction is written.
 */
import type pg from 'pg';
import type { InventoryItem } from '../domain/inventory-item.ts';
import { numberArray, secondsArray, textArray } from './bulk-text.ts';
import type { ItemWrite } from './chunk.ts';
import { ConcurrentModification } from './errors.ts';

const UNNESTED = `unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::bool[],
  $9::bigint[], $10::float8[], $11::text[], $12::bigint[], $13::bigint[]) AS u(sku, warehouse, total, available,
  reserved, sold, safety_stock, is_low, version, at, reason, parked, expected)`;

const UPDATE = `UPDATE items AS i SET total = u.total, available = u.available, reserved = u.reserved,
  sold = u.sold, safety_stock = u.safety_stock, is_low = u.is_low, version = u.version, updated_at = to_timestamp(u.at),
  quarantined_at = coalesce(i.quarantined_at, CASE WHEN u.reason IS NOT NULL THEN now() END),
  quarantine_reason = coalesce(i.quarantine_reason, u.reason), parked_events = i.parked_events + u.parked
  FROM ${UNNESTED}
  WHERE i.sku = u.sku AND i.warehouse = u.warehouse AND i.version = u.expected`;

// A row that is there although nobody knew it is a conflict like a version that moved, and is counted as one.
const INSERT = `INSERT INTO items (sku, warehouse, total, available, reserved, sold, safety_stock, is_low, version,
    updated_at, quarantined_at, quarantine_reason, parked_events)
  SELECT sku, warehouse, total, available, reserved, sold, safety_stock, is_low, version, to_timestamp(at),
    CASE WHEN reason IS NOT NULL THEN now() END, reason, parked
  FROM ${UNNESTED}
  ON CONFLICT DO NOTHING`;

/** @throws {ConcurrentModification} */
export async function writeItems(client: pg.ClientBase, writes: readonly ItemWrite[]): Promise<void> {
  const known = writes.filter((write) => write.expectedVersion !== undefined);
  const fresh = writes.filter((write) => write.expectedVersion === undefined);
  await run(client, 'update-items', UPDATE, known);
  await run(client, 'insert-items', INSERT, fresh);
}

async function run(
  client: pg.ClientBase,
  name: string,
  text: string,
  writes: readonly ItemWrite[],
): Promise<void> {
  if (writes.length === 0) return;
  const { rowCount } = await client.query({ name, text, values: columns(writes) });
  if (rowCount !== writes.length) throw new ConcurrentModification(name, writes.length, rowCount ?? 0);
}

function columns(writes: readonly ItemWrite[]): string[] {
  const numbers = (of: (item: InventoryItem) => number) => numberArray(writes.map((write) => of(write.item)));
  return [
    textArray(writes.map((write) => write.item.sku)),
    textArray(writes.map((write) => write.item.warehouse)),
    numbers((item) => item.total),
    numbers((item) => item.available),
    numbers((item) => item.reserved),
    numbers((item) => item.sold),
    numbers((item) => item.safetyStock),
    `{${writes.map((write) => write.item.isLow).join(',')}}`,
    numbers((item) => item.version),
    secondsArray(writes.map((write) => write.atMs)),
    textArray(writes.map((write) => write.quarantineReason)),
    numberArray(writes.map((write) => write.parkedEvents)),
    numberArray(writes.map((write) => write.expectedVersion)),
  ];
}
