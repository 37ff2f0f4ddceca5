/**
 * Items, one row each, under the optimistic lock of the requirements: `UPDATE ... WHERE version = expected` (D8).
 * Promises: every row was at the version the worker started from, or nothing of the transaction is written.
 */
import pg from 'pg';
import type { InventoryItem } from '../../domain/inventory-item.ts';
import { ConcurrentModification } from '../errors.ts';
import { boolean, type Columns, insertInto, instant, number, text, update } from './bulk-statement.ts';
import { copyIn, copyRow, instantText, textInSteps } from './bulk-text.ts';
import type { ItemWrite } from './chunk.ts';

const ITEM: Columns<ItemWrite> = {
  sku: text(({ item }) => item.sku),
  warehouse: text(({ item }) => item.warehouse),
  total: number(({ item }) => item.total),
  available: number(({ item }) => item.available),
  reserved: number(({ item }) => item.reserved),
  sold: number(({ item }) => item.sold),
  safety_stock: number(({ item }) => item.safetyStock),
  is_low: boolean(({ item }) => item.isLow),
  version: number(({ item }) => item.version),
  updated_at: instant((write) => write.atMs),
  stocktake_id: text(({ item }) => item.stocktake?.stocktakeId),
  stocktake_until: instant(({ item }) => lockUntilMs(item)),
  quarantine_reason: text((write) => write.quarantineReason),
  quarantined_at: {
    ...text((write: ItemWrite) => write.quarantineReason),
    sqlOf: (name) => `CASE WHEN ${name} IS NOT NULL THEN now() END`,
  },
  parked_events: number((write) => write.parkedEvents),
};

const UPDATE = update(
  'items',
  { ...ITEM, expected_version: number((write: ItemWrite) => write.expectedVersion) },
  {
    name: 'update-items',
    key: ['sku', 'warehouse'],
    where: 't.version = u.expected_version',
    set: {
      quarantine_reason: 'coalesce(t.quarantine_reason, u.quarantine_reason)',
      quarantined_at: 'coalesce(t.quarantined_at, u.quarantined_at)',
      parked_events: 't.parked_events + u.parked_events',
      expected_version: undefined,
    },
  },
);

// A row that exists although the worker did not know it is a conflict, like a version that changed.
const INSERT_QUARANTINED = insertInto('items', ITEM, 'ON CONFLICT DO NOTHING');

// New items of an import come by the thousand: COPY costs Postgres 5.8 us each, the same by unnest 10 (measured as in the
// first migration). What is in quarantine from the beginning is inserted instead, for only SQL knows the time of that.
const COPY = `COPY items (sku, warehouse, total, available, reserved, sold, safety_stock, is_low, version, updated_at,
  stocktake_id, stocktake_until) FROM STDIN`;

/** Writes items, new and known. @throws {ConcurrentModification} where one was not as the worker believed */
export async function writeItems(client: pg.ClientBase, writes: readonly ItemWrite[]): Promise<void> {
  const known = writes.filter((write) => write.expectedVersion !== undefined);
  const fresh = writes.filter((write) => write.expectedVersion === undefined);
  await UPDATE.runForAll(client, UPDATE.valuesOf(known));
  const quarantined = fresh.filter(isInQuarantine);
  await INSERT_QUARANTINED.runForAll(client, INSERT_QUARANTINED.valuesOf(quarantined));
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
  const { sku, warehouse, total, available, reserved, sold, safetyStock, isLow, version, stocktake } = item;
  const untilMs = lockUntilMs(item);
  const until = untilMs === undefined ? undefined : instantText(untilMs);
  const counters = [total, available, reserved, sold, safetyStock, isLow ? 'true' : 'false', version];
  return copyRow([sku, warehouse, ...counters, instantText(atMs), stocktake?.stocktakeId, until]);
}

/** BR-007: when the lock ends, or without one until when no hold expires. */
function lockUntilMs({ stocktake, holdsUntilMs }: InventoryItem): number | undefined {
  return stocktake?.untilMs ?? holdsUntilMs;
}
