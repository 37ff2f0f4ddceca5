/**
 * Holdfast itself: the engine in this process at each level of acknowledgement, and the whole over HTTP. Where an answer
 * means that it is on disk, a worker carries it into a ledger meanwhile, and the ledger must have as many holds as Redis.
 */

import { decodeItem } from '../../../src/hotpath/codec/item-codec.ts';
import { partitionKeys } from '../../../src/hotpath/keys.ts';
import type { AckLevel } from '../../../src/hotpath/redis-check.ts';
import { receive, WAREHOUSE } from '../hot-sku.ts';
import { closeServer, reopenServer } from '../http-load.ts';
import { openHotInventory, openPartition } from '../shipped.ts';
import type { Stores } from '../stores.ts';
import { type InventoryState, WrongBooks } from './books.ts';
import type { Outcome, Peer, Room, Setting, Shop } from './peer.ts';
import { keysWithExpiry } from './redis-peers.ts';

const holdfast = { family: 'Holdfast', isLimit: false, givesUp: false } as const;

export const engineMemory: Peer = {
  ...holdfast,
  name: 'Holdfast engine, ack memory',
  open: (room, setting) => openEngine(room, setting, 'memory'),
};
export const engineFsync: Peer = {
  ...holdfast,
  name: 'Holdfast engine, ack fsync',
  open: (room, setting) => openEngine(room, setting, 'fsync'),
};

export const engineReplica: Peer = {
  ...holdfast,
  name: 'Holdfast engine, ack replica',
  open: (room, setting) => openEngine(room, setting, 'replica'),
};

async function openEngine(room: Room, setting: Setting, ack: AckLevel): Promise<Shop> {
  const { stores } = room.bench;
  const replica = ack === 'replica' ? await room.replica() : undefined;
  const carried = await begin(room, setting, ack !== 'memory');
  await replica?.follow();
  // Where an answer may come before the disk has it, the usual setting of such a Redis.
  if (ack === 'memory') await stores.admin.config('SET', 'appendfsync', 'everysec');
  const hot = await openHotInventory({ redisUrl: stores.redisUrl, ack });
  return {
    reserve: async (orderId, sku) => {
      const { outcome } = await hot.reserve({ orderId, lines: [{ sku, warehouse: WAREHOUSE, quantity: 1 }] });
      return outcome === 'done' ? 'held' : 'refused';
    },
    books: () => booksOf(stores, setting, carried),
    close: async () => {
      await hot.close();
      await replica?.leave();
      await stores.admin.config('SET', 'appendfsync', 'always');
    },
  };
}

export const overHttp: Peer = {
  ...holdfast,
  name: 'Holdfast over HTTP, ack fsync',
  open: async (room, setting) => {
    const { stores } = room.bench;
    const carried = await begin(room, setting, true);
    const server = await room.server('real');
    const port = await reopenServer(server);
    return {
      port,
      reserve: (orderId, sku) => ask(port, orderId, sku),
      books: async () => {
        // Clients hung up on requests that it had taken.
        await closeServer(server);
        return booksOf(stores, setting, carried);
      },
      close: () => closeServer(server),
    };
  },
};

async function ask(port: number, orderId: string, sku: string): Promise<Outcome> {
  const { status } = await fetch(`http://127.0.0.1:${port}/v1/reservations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ orderId, lines: [{ sku, warehouse: WAREHOUSE, quantity: 1 }] }),
  });
  if (status === 409) return 'refused';
  if (status === 200 || status === 201) return 'held';
  throw new Error(`status ${status}`);
}

/** An empty partition with stock in it. Answers what waits for the ledger and counts its holds, where there is one. */
async function begin(
  room: Room,
  { skus, units }: Setting,
  withWorker: boolean,
): Promise<(() => Promise<number>) | undefined> {
  const { stores } = room.bench;
  const worker = withWorker ? await room.worker() : undefined;
  await stores.clear();
  await openPartition(stores.admin, partitionKeys(), 1);
  await worker?.begin();
  const hot = await openHotInventory({ redisUrl: stores.redisUrl, ack: 'memory' });
  await Promise.all(skus.map((sku) => receive(hot, sku, { quantity: units })));
  await hot.close();
  return worker?.finish;
}

async function booksOf(
  stores: Stores,
  { skus }: Setting,
  carried: (() => Promise<number>) | undefined,
): Promise<InventoryState> {
  const keys = partitionKeys();
  const texts = await Promise.all(skus.map((sku) => stores.admin.hget(keys.sku(sku), WAREHOUSE)));
  const items = texts.map((text, i) => decodeItem(skus[i] ?? '', WAREHOUSE, text ?? ''));
  const sum = (read: (item: (typeof items)[number]) => number) =>
    items.reduce((total, item) => total + read(item), 0);
  // A receipt of each SKU has an expiry as well.
  const holds = (await keysWithExpiry(stores.admin)) - skus.length;
  const inLedger = await carried?.();
  if (inLedger !== undefined && inLedger !== holds) {
    throw new WrongBooks(`${holds} holds in Redis, ${inLedger} in the ledger`);
  }
  return { available: sum((item) => item.available), reserved: sum((item) => item.reserved), holds };
}
