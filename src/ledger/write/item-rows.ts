/**
 * Items as they stand, one row each, and the seed's optimistic lock: `UPDATE ... WHERE version = expected` (D8).
 * Promises: every row stood at the version it was judged from, or nothing of the transaction is written.
 */
import pg from 'pg';
import type { InventoryItem } from '../../domain/inventory-item.ts';
import { ConcurrentModification } from '../errors.ts';
import { copyIn, instantText, numberArray, secondsArray, textArray, textInSteps } from './bulk-text.ts';
import type { ItemWrite } from './chunk.ts';

const UNNESTED = `unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::bool[],
  $9::bigint[], $10::float8[], $11::text[], $12::bigint[], $13::bigint[], $14::text[], $15::float8[]) AS u(sku, warehouse,
  total, available, reserved, sold, safety_stock, is_low, version, at, reason, parked, expected, stocktake, until)`;

const UPDATE = `UPDATE items AS i SET total = u.total, available = u.available, reserved = u.reserved,
  sold = u.sold, safety_stock = u.safety_stock, is_low = u.is_low, version = u.version, updated_at = to_timestamp(u.at),
  stocktake_id = u.stocktake, stocktake_until = to_timestamp(u.until),
  quarantined_at = coalesce(i.quarantined_at, CASE WHEN u.reason IS NOT NULL THEN now() END),
  quarantine_reason = coalesce(i.quarantine_reason, u.reason), parked_events = i.parked_events + u.parked
  FROM ${UNNESTED}
  WHERE i.sku = u.sku AND i.warehouse = u.warehouse AND i.version = u.expected`;

// A row that is there although nobody knew it is a conflict like a version that moved, and is counted as one.
const INSERT = `INSERT INTO items (sku, warehouse, total, available, reserved, sold, safety_stock, is_low, version,
    updated_at, quarantined_at, quarantine_reason, parked_events, stocktake_id, stocktake_until)
  SELECT sku, warehouse, total, available, reserved, sold, safety_stock, is_low, version, to_timestamp(at),
    CASE WHEN reason IS NOT NULL THEN now() END, reason, parked, stocktake, to_timestamp(until)
  FROM ${UNNESTED}
  ON CONFLICT DO NOTHING`;

// New items of an import come by the thousand: COPY costs Postgres 5.8 us each, the same by unnest 10 (measured as in the
// first migration). What is in quarantine from the beginning goes by unnest, for only SQL knows the time there.
const COPY = `COPY items (sku, warehouse, total, available, reserved, sold, safety_stock, is_low, version, updated_at,
  stocktake_id, stocktake_until) FROM STDIN`;

/** @throws {ConcurrentModification} */
export async function writeItems(client: pg.ClientBase, writes: readonly ItemWrite[]): Promise<void> {
  const known = writes.filter((write) => write.expectedVersion !== undefined);
  const fresh = writes.filter((write) => write.expectedVersion === undefined);
  await run(client, 'update-items', UPDATE, known);
  await run(client, 'insert-items', INSERT, fresh.filter(isInQuarantine));
  await copy(
    client,
    fresh.filter((write) => !isInQuarantine(write)),
  );
}

function isInQuarantine({ quarantineReason, parkedEvents }: ItemWrite): boolean {
  return quarantineReason !== undefined || parkedEvents > 0;
}

async function copy(client: pg.ClientBase, writes: readonly ItemWrite[]): Promise<void> {
  if (writes.length === 0) return;
  try {
    await copyIn(client, COPY, await textInSteps(writes, copyText));
  } catch (error) {
    const isThere = error instanceof pg.DatabaseError && error.constraint === 'items_pkey';
    throw isThere ? new ConcurrentModification('copy-items', writes.length, 0) : error;
  }
}

function copyText({ item, atMs }: ItemWrite): string {
  const { stocktake } = item;
  const untilMs = lockUntilMs(item);
  const until = untilMs === undefined ? '\\N' : instantText(untilMs);
  const lock = `${stocktake?.stocktakeId ?? '\\N'}\t${until}`;
  return (
    `${item.sku}\t${item.warehouse}\t${item.total}\t${item.available}\t${item.reserved}\t${item.sold}\t` +
    `${item.safetyStock}\t${item.isLow}\t${item.version}\t${instantText(atMs)}\t${lock}\n`
  );
}

/** BR-007: when the lock ends, or without one until when no hold expires. */
function lockUntilMs({ stocktake, holdsUntilMs }: InventoryItem): number | undefined {
  return stocktake?.untilMs ?? holdsUntilMs;
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
    textArray(writes.map((write) => write.item.stocktake?.stocktakeId)),
    secondsArray(writes.map((write) => lockUntilMs(write.item))),
  ];
}
