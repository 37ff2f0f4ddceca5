/**
 * The rival: one straightforward Lua script, called once per order. It does the work of one reserve of ours: checks, moves
 * the counters, stores the reservation with its time to live, the deadline and an event, and recognises a repeat. On the
 * same Redis, with the same client.
 */
import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { SKU, UNITS } from './hot-sku.ts';
import type { Stores } from './stores.ts';

const HOLD_MS = 1_800_000;

const SCRIPT = `
-- KEYS: item, reservation, deadlines, events. ARGV: order id, sku, quantity, hold in milliseconds, deadline.
if redis.call("EXISTS", KEYS[2]) == 1 then
  return "REPEATED"
end
local available = tonumber(redis.call("HGET", KEYS[1], "available"))
local quantity = tonumber(ARGV[3])
if not available or available < quantity then
  return "INSUFFICIENT"
end
redis.call("HINCRBY", KEYS[1], "available", -quantity)
redis.call("HINCRBY", KEYS[1], "reserved", quantity)
redis.call("HINCRBY", KEYS[1], "version", 1)
redis.call("HSET", KEYS[2], "sku", ARGV[2], "quantity", ARGV[3], "status", "ACTIVE", "expires_at", ARGV[5])
redis.call("PEXPIRE", KEYS[2], ARGV[4])
redis.call("ZADD", KEYS[3], ARGV[5], ARGV[1])
redis.call("XADD", KEYS[4], "*", "type", "InventoryReserved", "order_id", ARGV[1], "sku", ARGV[2],
  "quantity", ARGV[3], "expires_at", ARGV[5])
return "RESERVED"
`;

export interface NaiveScript {
  /** One unit. Answers the script's word: `RESERVED`, `REPEATED` or `INSUFFICIENT`. */
  reserve(orderId: string, sku: string): Promise<string>;
  /** One unit of the hot SKU, and nothing less. */
  reserveOne(orderId: string): Promise<void>;
  close(): void;
}

/** Where the script keeps an item. */
export const naiveItem = (sku: string): string => `item:${sku}`;

export async function openNaiveScript(
  stores: Stores,
  { skus = [SKU], units = UNITS }: { skus?: readonly string[]; units?: number } = {},
): Promise<NaiveScript> {
  await stores.clear();
  const redis = new Redis(stores.redisUrl, { lazyConnect: true });
  await redis.connect();
  const stock = { total: units, available: units, reserved: 0, version: 0 };
  await Promise.all(skus.map((sku) => redis.hset(naiveItem(sku), stock)));
  const sha = createHash('sha1').update(SCRIPT).digest('hex');
  await redis.script('LOAD', SCRIPT);
  const reserve = async (orderId: string, sku: string): Promise<string> => {
    const deadline = Date.now() + HOLD_MS;
    const keys = [naiveItem(sku), `reservation:${orderId}`, 'deadlines', 'events'];
    return String(await redis.evalsha(sha, 4, ...keys, orderId, sku, 1, HOLD_MS, deadline));
  };
  return {
    reserve,
    reserveOne: async (orderId) => {
      const answer = await reserve(orderId, SKU);
      if (answer !== 'RESERVED') throw new Error(`${orderId} was not reserved: ${answer}`);
    },
    close: () => redis.disconnect(),
  };
}
