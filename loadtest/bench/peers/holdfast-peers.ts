/**
 * Holdfast itself: the engine in this process at each ack level, and the API over HTTP. Where there is a worker it copies
 * all into a ledger meanwhile, and the ledger must end with as many holds as Redis.
 */
import { decodeItem } from '../../../src/hotpath/codec/item-codec.ts';
import { partitionKeys } from '../../../src/hotpath/keys.ts';
import type { AckLevel } from '../../../src/hotpath/redis-check.ts';
import { receive, WAREHOUSE } from '../hot-sku.ts';
import { closeServer, reopenServer } from '../http-load.ts';
import { openHotInventory, openPartition } from '../shipped.ts';
import type { Stores } from '../stores.ts';
import {
  type Outcome,
  type Peer,
  type Room,
  type Setting,
  type Shop,
  type Stored,
  WrongStore,
} from './peer.ts';
import { keysWithExpiry } from './redis-peers.ts';

const holdfast = { isLimit: false, givesUp: false } as const;

const enginePeer = (name: string, ack: AckLevel, hasWorker: boolean): Peer => ({
  ...holdfast,
  name,
  open: (room, setting) => openEngine(room, setting, ack, hasWorker),
});
export const engineMemory = enginePeer('Holdfast engine, ack memory, no worker', 'memory', false);
export const engineAlone = enginePeer('Holdfast engine, ack fsync, no worker', 'fsync', false);
export const engineFsync = enginePeer('Holdfast engine, ack fsync', 'fsync', true);

async function openEngine(room: Room, setting: Setting, ack: AckLevel, hasWorker: boolean): Promise<Shop> {
  const { stores } = room.bench;
  const finish = await begin(room, setting, hasWorker);
  // The usual setting of a Redis whose answers may come before the disk has them.
  if (ack === 'memory') await stores.admin.config('SET', 'appendfsync', 'everysec');
  const hot = await openHotInventory({ redisUrl: stores.redisUrl, ack });
  return {
    reserve: async (orderId, sku) => {
      const { outcome } = await hot.reserve({ orderId, lines: [{ sku, warehouse: WAREHOUSE, quantity: 1 }] });
      return outcome === 'done' ? 'held' : 'refused';
    },
    stored: () => storedIn(stores, setting, finish),
    close: async () => {
      await hot.close();
      await stores.admin.config('SET', 'appendfsync', 'always');
    },
  };
}

export const overHttp: Peer = {
  ...holdfast,
  name: 'Holdfast over HTTP, ack fsync',
  open: async (room, setting) => {
    const { stores } = room.bench;
    const finish = await begin(room, setting, true);
    const { server } = room;
    const port = await reopenServer(server);
    return {
      port,
      reserve: (orderId, sku) => post(port, orderId, sku),
      stored: () => storedIn(stores, setting, finish),
      close: () => closeServer(server),
    };
  },
};

async function post(port: number, orderId: string, sku: string): Promise<Outcome> {
  const { status } = await fetch(`http://127.0.0.1:${port}/v1/reservations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ orderId, lines: [{ sku, warehouse: WAREHOUSE, quantity: 1 }] }),
  });
  if (status === 409) return 'refused';
  if (status === 200 || status === 201) return 'held';
  throw new Error(`status ${status}`);
}

/** Waits for the ledger and answers how many holds it has. */
type Finish = (() => Promise<number>) | undefined;

/** An empty partition with stock in it. */
async function begin(room: Room, { skus, units }: Setting, hasWorker: boolean): Promise<Finish> {
  const { stores } = room.bench;
  const worker = hasWorker ? room.worker : undefined;
  await stores.clear();
  await openPartition(stores.admin, partitionKeys(), 1);
  await worker?.begin();
  const hot = await openHotInventory({ redisUrl: stores.redisUrl, ack: 'memory' });
  await Promise.all(skus.map((sku) => receive(hot, sku, { quantity: units })));
  await hot.close();
  return worker?.finish;
}

async function storedIn(stores: Stores, { skus }: Setting, finish: Finish): Promise<Stored> {
  const keys = partitionKeys();
  const texts = await Promise.all(skus.map((sku) => stores.admin.hget(keys.sku(sku), WAREHOUSE)));
  const items = texts.map((text, i) => decodeItem(skus[i] ?? '', WAREHOUSE, text ?? ''));
  const sum = (read: (item: (typeof items)[number]) => number) =>
    items.reduce((total, item) => total + read(item), 0);
  // The receipt of each SKU has an expiry as well.
  const holds = (await keysWithExpiry(stores.admin)) - skus.length;
  const inLedger = await finish?.();
  if (inLedger !== undefined && inLedger !== holds)
    throw new WrongStore(`${holds} holds in Redis, ${inLedger} in the ledger`);
  return { available: sum((item) => item.available), reserved: sum((item) => item.reserved), holds };
}
