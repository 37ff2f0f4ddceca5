/**
 * The rival: one straightforward Lua script, called once per order, as one would write it the first time. It checks,
 * moves the counters, keeps the reservation with its time to live, notes the deadline and appends an event: the same work
 * as one reserve of ours, without what makes a repeat safe. On the same Redis, with the same client.
 */
import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { SKU, UNITS } from './hot-sku.ts';
import type { Stores } from './stores.ts';

const HOLD_MS = 1_800_000;

const SCRIPT = `
-- KEYS: item, reservation, deadlines, events. ARGV: order id, sku, quantity, hold in milliseconds, deadline.
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
const SHA = createHash('sha1').update(SCRIPT).digest('hex');

export interface NaiveScript {
  reserveOne(orderId: string): Promise<void>;
  reserved(): Promise<number>;
  close(): void;
}

export async function openNaiveScript(stores: Stores): Promise<NaiveScript> {
  await stores.clear();
  const redis = new Redis(stores.redisUrl, { lazyConnect: true });
  await redis.connect();
  const item = `item:${SKU}`;
  await redis.hset(item, { total: UNITS, available: UNITS, reserved: 0, version: 0 });
  await redis.script('LOAD', SCRIPT);
  return {
    reserveOne: async (orderId) => {
      const deadline = Date.now() + HOLD_MS;
      const keys = [item, `reservation:${orderId}`, 'deadlines', 'events'];
      const answer = await redis.evalsha(SHA, 4, ...keys, orderId, SKU, 1, HOLD_MS, deadline);
      if (answer !== 'RESERVED') throw new Error(`${orderId} was not reserved: ${String(answer)}`);
    },
    reserved: async () => Number(await redis.hget(item, 'reserved')),
    close: () => redis.disconnect(),
  };
}
