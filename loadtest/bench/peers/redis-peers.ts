/**
 * Two ways to do it in Redis without Holdfast: a script per order, and WATCH with MULTI. On the same Redis, every write on
 * disk before it is answered. Promises: the same keys, the same event in a stream and the same deadline in an index.
 */
import type { Redis } from 'ioredis';
import { naiveItem, openNaiveScript } from '../naive-script.ts';
import type { InventoryState } from './books.ts';
import type { Peer, Setting } from './peer.ts';

const HOLD_MS = 1_800_000;
/** How often an order looks again at once; the tutorials have from 3 to 10, and here nobody shall say it was too few. */
const TRIES = 20;

export const script: Peer = {
  name: 'a Lua script per order',
  family: 'Redis',
  isLimit: false,
  givesUp: false,
  open: async ({ bench: { stores } }, setting) => {
    const naive = await openNaiveScript(stores, { ...setting, isRepeatSafe: true });
    return {
      reserve: async (orderId, sku) => {
        const answer = await naive.reserve(orderId, sku);
        return answer === 'INSUFFICIENT' ? 'refused' : 'held';
      },
      books: () => booksOf(stores.admin, setting),
      close: async () => naive.close(),
    };
  },
};

/**
 * As Redis's tutorial on reserving inventory has it: watch the stock, look, queue the change with the hold, its deadline
 * and an entry for the audit, and look again where somebody else was faster. A connection for each client, because what is
 * watched belongs to the connection; the two round trips are pipelined.
 */
export const watchMulti: Peer = {
  name: 'WATCH and MULTI, 20 tries',
  family: 'Redis',
  isLimit: false,
  givesUp: true,
  open: async (room, setting) => {
    const { stores } = room.bench;
    await stores.clear();
    const stock = { total: setting.units, available: setting.units, reserved: 0, version: 0 };
    await Promise.all(setting.skus.map((sku) => stores.admin.hset(naiveItem(sku), stock)));
    const connections = await room.connections(setting.clients);
    return {
      reserve: async (orderId, sku, client) => {
        const redis = connections[client] as Redis;
        for (let tries = 0; tries < TRIES; tries++) {
          const outcome = await tryOnce(redis, orderId, sku);
          if (outcome !== 'conflict') return outcome;
        }
        return 'gave-up';
      },
      books: () => booksOf(stores.admin, setting),
      close: async () => {},
    };
  },
};

async function tryOnce(redis: Redis, orderId: string, sku: string): Promise<'held' | 'refused' | 'conflict'> {
  const item = naiveItem(sku);
  const hold = `reservation:${orderId}`;
  const looked = await redis.pipeline().watch(item, hold).hget(item, 'available').exists(hold).exec();
  const [available, isKnown] = [looked?.[1]?.[1], looked?.[2]?.[1]];
  if (isKnown === 1 || Number(available) < 1) {
    await redis.unwatch();
    return isKnown === 1 ? 'held' : 'refused';
  }
  const deadline = Date.now() + HOLD_MS;
  const done = await redis
    .multi()
    .hincrby(item, 'available', -1)
    .hincrby(item, 'reserved', 1)
    .hincrby(item, 'version', 1)
    .hset(hold, { sku, quantity: 1, status: 'ACTIVE', expires_at: deadline })
    .pexpire(hold, HOLD_MS)
    .zadd('deadlines', deadline, orderId)
    .xadd('events', '*', 'type', 'InventoryReserved', 'order_id', orderId, 'sku', sku, 'quantity', 1)
    .exec();
  return done === null ? 'conflict' : 'held';
}

async function booksOf(admin: Redis, { skus }: Setting): Promise<InventoryState> {
  const items = await Promise.all(skus.map((sku) => admin.hmget(naiveItem(sku), 'available', 'reserved')));
  const sum = (column: number) => items.reduce((total, item) => total + Number(item[column]), 0);
  return { available: sum(0), reserved: sum(1), holds: await keysWithExpiry(admin) };
}

/** As Redis counts them itself. */
export async function keysWithExpiry(admin: Redis): Promise<number> {
  return Number(/^db0:keys=\d+,expires=(\d+)/m.exec(await admin.info('keyspace'))?.[1] ?? 0);
}
