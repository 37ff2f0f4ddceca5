/**
 * One hot SKU and orders for it: what a flash sale is. Promises: orders are made before a measurement begins, ids are of
 * 36 bytes as most shops have them, and an engine starts on an empty Redis with all its stock available.
 */
import { randomUUID } from 'node:crypto';
import type { OrderLine } from '../../src/domain/language.ts';
import { decodeItem } from '../../src/hotpath/codec/item-codec.ts';
import type { BatchLimits, HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { openHotInventory, openPartition } from './shipped.ts';
import type { Stores } from './stores.ts';

export const SKU = 'HOT-SKU-1';
export const WAREHOUSE = 'MAIN';
/** More than any measurement can sell. */
export const UNITS = 1_000_000_000;
export const LINE: OrderLine = { sku: SKU, warehouse: WAREHOUSE, quantity: 1 };

const ids: string[] = [];

/**
 * At least `count` ids, the same ones each time: Redis is empty when a measurement begins.
 * Copied, because `randomUUID` answers a text of joined parts that V8 puts together at its first use; ids that come in
 * with a request are whole, and a million late joins cost the collector half of the time that is measured here.
 */
export function orderIds(count: number): readonly string[] {
  while (ids.length < count) ids.push(Buffer.from(randomUUID(), 'latin1').toString('latin1'));
  return ids;
}

/** An engine on an empty Redis, all stock available, no worker: nobody trims the stream. */
export async function openEngine(
  stores: Stores,
  limits: Partial<BatchLimits> = {},
  skus: readonly string[] = [SKU],
): Promise<HotInventory> {
  await stores.clear();
  await openPartition(stores.admin, partitionKeys(), 1);
  const hot = await openHotInventory({ redisUrl: stores.redisUrl, ack: 'fsync', limits });
  await Promise.all(skus.map((sku) => receive(hot, sku)));
  return hot;
}

export async function receive(
  hot: HotInventory,
  sku: string,
  { warehouse = WAREHOUSE, quantity = UNITS } = {},
): Promise<void> {
  const movement = { movementId: `receipt-${sku}-${warehouse}`, sku, warehouse, quantity };
  const { outcome } = await hot.receive(movement);
  if (outcome !== 'done') throw new Error(`no stock of ${sku} to begin with`);
}

/** Units held, read past the engine: asking it would return what is due as well. */
export async function reservedNow({ admin }: Stores): Promise<number> {
  const text = await admin.hget(partitionKeys().sku(SKU), WAREHOUSE);
  if (text === null) throw new Error(`${SKU} is gone`);
  return decodeItem(SKU, WAREHOUSE, text).reserved;
}

/** Reserves one unit, and is not content with less: an engine that refuses is fast and measures nothing. */
export async function reserveOne(hot: HotInventory, orderId: string, line = LINE): Promise<void> {
  const decision = await hot.reserve({ orderId, lines: [line] });
  if (decision.outcome !== 'done' || decision.replayed) throw new Error(`${orderId} was not reserved`);
}
