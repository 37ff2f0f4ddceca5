/**
 * Peers in Redis without Holdfast, on the same Redis with the same durability: a script per order, and as the upper limit
 * a bare SET that looks at no stock.
 */
import { Redis } from 'ioredis';
import { naiveItem, openNaiveScript } from '../naive-script.ts';
import type { Peer } from './peer.ts';

const HOLD_MS = 1_800_000;

export const script: Peer = {
  name: 'a Lua script per order',
  isLimit: false,
  givesUp: false,
  open: async ({ bench: { stores } }, setting) => {
    const naive = await openNaiveScript(stores, setting);
    return {
      reserve: async (orderId, sku) =>
        (await naive.reserve(orderId, sku)) === 'INSUFFICIENT' ? 'refused' : 'held',
      stored: async () => {
        const read = (sku: string) => stores.admin.hmget(naiveItem(sku), 'available', 'reserved');
        const items = await Promise.all(setting.skus.map(read));
        const sum = (column: number) => items.reduce((total, item) => total + Number(item[column]), 0);
        return { available: sum(0), reserved: sum(1), holds: await keysWithExpiry(stores.admin) };
      },
      close: async () => naive.close(),
    };
  },
};

/** A key with a time to live for each order; commands of one turn of the event loop share a write to the socket. */
export const setWithTtl: Peer = {
  name: 'limit: SET with TTL, pipelined',
  isLimit: true,
  givesUp: false,
  open: async ({ bench: { stores } }) => {
    await stores.clear();
    const redis = new Redis(stores.redisUrl, { lazyConnect: true, enableAutoPipelining: true });
    await redis.connect();
    return {
      reserve: async (orderId, sku) => {
        await redis.set(`hold:${orderId}`, `ACTIVE ${sku} 1`, 'PX', HOLD_MS);
        return 'held';
      },
      stored: async () => {
        const holds = await keysWithExpiry(stores.admin);
        return { available: 0, reserved: holds, holds };
      },
      close: async () => redis.disconnect(),
    };
  },
};

/** As Redis counts them itself. */
export async function keysWithExpiry(admin: Redis): Promise<number> {
  return Number(/^db0:keys=\d+,expires=(\d+)/m.exec(await admin.info('keyspace'))?.[1] ?? 0);
}
