/**
 * The shop whose cost is measured: Redis, Postgres, one API process, one worker, and the load apart from them. The API is the
 * real server, or engines without HTTP, one for each partition. Promises: each shop begins with an empty Redis and a ledger
 * of its own; `sell` and `confirm` resolve when the ledger has everything.
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import pg from 'pg';
import { partitionKeys } from '../../../src/hotpath/keys.ts';
import { ask, startChild } from '../child.ts';
import { WAREHOUSE } from '../hot-sku.ts';
import { closeServer, load, reopenServer, type Server, startServer } from '../http-load.ts';
import { type LedgerDatabase, makeDatabase, query } from '../ledger-database.ts';
import type { Told as ToldWorker } from '../peers/ledger-worker.ts';
import { namesOf, skuOf } from '../peers/peer.ts';
import { memoryOf } from '../redis-memory.ts';
import { openLedger, openPartition, readControl, rebuild } from '../shipped.ts';
import type { Stores } from '../stores.ts';
import { infoNumber, type Reading, type Sizes, takeReading } from './readings.ts';
import type { Told } from './seller-process.ts';

const CONNECTIONS = 100;
const EPOCH = 1;
/** The engine's default. */
const TOMBSTONE_MS = 86_400_000;
/** While one part of a long filling is copied into the ledger, the next is sold. */
const FILL_STEP = 250_000;

export type Api = 'HTTP' | 'engine';

export interface Wish {
  readonly api: Api;
  readonly skus: number;
  readonly partitions: number;
}

export interface Shop {
  /** So many holds more, all of them in the ledger. */
  fill(holds: number, onProgress: (held: number) => void): Promise<void>;
  /** Makes the ids of the orders for {@link sell}. */
  prepare(orders: number, holdSeconds?: number): Promise<void>;
  sell(orders: number): Promise<void>;
  /** Pays all that the engine sold last. */
  confirm(): Promise<void>;
  reading(): Promise<Reading>;
  /** Bytes of Redis that grow with what it keeps, and resident memory by used memory. */
  weigh(): Promise<{ bytes: number; resident: number }>;
  sizes(): Promise<Sizes>;
  /** Syncs of the write-ahead log so far. Restarts the worker, because a connection reports its statistics when it ends. */
  walSyncs(): Promise<number>;
  /** Entries of the deadline index. */
  deadlines(): Promise<number>;
  /** Fills Redis from the ledger; answers orders of all states a second. The shop is over then. */
  rebuild(): Promise<number>;
  /** Bytes of one order and of its answer over HTTP, headers included. */
  httpBytes(): Promise<{ request: number; answer: number }>;
}

export interface Street {
  readonly stores: Stores;
  open(wish: Wish): Promise<Shop>;
  close(): Promise<void>;
}

interface Parts {
  readonly stores: Stores;
  readonly admin: pg.Client;
  readonly worker: ChildProcess;
  readonly seller: ChildProcess;
  readonly server: Server;
  readonly postgresPid: number;
}

/** Processes that live longer than a shop, so that their code is warm. */
export async function openStreet(stores: Stores): Promise<Street> {
  const serverUrl = await stores.databaseUrl();
  const template = await makeDatabase(serverUrl);
  const admin = new pg.Client({ connectionString: serverUrl });
  // The query on a connection that breaks reports it.
  admin.on('error', () => {});
  await admin.connect();
  const { pid: postgresPid } = await one<{ pid: number }>(
    admin,
    `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid`,
  );
  const worker = startChild('peers/worker-process.ts');
  const seller = startChild('cost/seller-process.ts');
  const server = await startServer('real', stores.redisUrl);
  await closeServer(server);
  const parts: Parts = { stores, admin, worker, seller, server, postgresPid };
  let ledger: LedgerDatabase | undefined;
  const leave = async () => {
    await closeServer(server);
    await tellSeller(seller, 'close');
    await tellWorker(worker, 'stop');
    await ledger?.drop();
    ledger = undefined;
  };
  return {
    stores,
    open: async (wish) => {
      await leave();
      ledger = await makeDatabase(serverUrl, template);
      return openShop(parts, wish, ledger.url);
    },
    close: async () => {
      // After a failure Postgres may be away; the failure is what matters then.
      await leave().catch(() => {});
      for (const child of [worker, seller, server.child]) child.kill();
      await template.drop().catch(() => {});
      await admin.end().catch(() => {});
    },
  };
}

async function tellSeller(seller: ChildProcess, told: Told): Promise<void> {
  await ask(seller, told);
}

async function tellWorker(worker: ChildProcess, told: ToldWorker): Promise<void> {
  const said = await ask(worker, told);
  if ('findings' in said && said.findings !== 0) throw new Error('the worker found drift');
}

async function one<T extends pg.QueryResultRow>(client: pg.Client, statement: string): Promise<T> {
  return (await client.query<T>(statement)).rows[0] as T;
}

async function openShop(parts: Parts, { api, skus, partitions }: Wish, databaseUrl: string): Promise<Shop> {
  const { stores, admin, worker, seller, server, postgresPid } = parts;
  const { redisUrl } = stores;
  const allKeys = Array.from({ length: partitions }, (_, partition) => partitionKeys(undefined, partition));
  await stores.clear();
  for (const keys of allKeys) await openPartition(stores.admin, keys, EPOCH);
  await tellSeller(seller, { open: { redisUrl, partitions, skus } });
  const beginWorker = () => tellWorker(worker, { redisUrl, databaseUrl, partitions });
  const drained = () => tellWorker(worker, 'drained');
  await beginWorker();
  await tellSeller(seller, 'receive');
  await drained();
  const names = namesOf(skus);
  const port = api === 'HTTP' ? await reopenServer(server) : 0;
  const pids = {
    API: (api === 'HTTP' ? server.child.pid : seller.pid) ?? 0,
    Redis: stores.redisPid,
    worker: worker.pid ?? 0,
    Postgres: postgresPid,
  };
  const walBytes = async () =>
    (
      await one<{ n: number }>(
        admin,
        `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS n`,
      )
    ).n;
  const batches = async () => {
    const controls = await Promise.all(allKeys.map((keys) => readControl(stores.admin, keys)));
    return controls.reduce((sum, control) => sum + (control?.sequence ?? Number.NaN), 0);
  };
  let runs = 0;
  return {
    fill: async (holds, onProgress) => {
      let copied: Promise<void> = Promise.resolve();
      for (let held = 0; held < holds; held += FILL_STEP) {
        await tellSeller(seller, { prepare: Math.min(FILL_STEP, holds - held) });
        await Promise.all([tellSeller(seller, 'sell'), copied]);
        copied = drained();
        copied.catch(() => {}); // awaited one part later
        onProgress(Math.min(holds, held + FILL_STEP));
      }
      await copied;
    },
    prepare: async (orders, holdSeconds) => {
      if (api === 'engine') await tellSeller(seller, { prepare: orders, holdSeconds });
    },
    sell: async (requests) => {
      const mark = `${++runs}`;
      if (api === 'engine') await tellSeller(seller, 'sell');
      else await load({ port, connections: CONNECTIONS, mark, requests, skuOf: (n) => skuOf(names, n) });
      await drained();
    },
    confirm: async () => {
      await tellSeller(seller, 'confirm');
      await drained();
    },
    reading: () => takeReading(stores.admin, pids, walBytes, batches),
    weigh: async () => {
      const bytes = await memoryOf(stores);
      const info = await stores.admin.info('memory');
      return { bytes, resident: infoNumber(info, 'used_memory_rss') / infoNumber(info, 'used_memory') };
    },
    sizes: async () => (await query<{ [name in keyof Sizes]: number }>(databaseUrl, SIZES))[0] as Sizes,
    walSyncs: async () => {
      await tellWorker(worker, 'stop');
      await beginWorker();
      return (await one<{ syncs: number }>(admin, 'SELECT wal_sync::float8 AS syncs FROM pg_stat_wal')).syncs;
    },
    deadlines: () => stores.admin.zcard(partitionKeys().due),
    rebuild: async () => {
      await tellSeller(seller, 'close');
      await tellWorker(worker, 'stop');
      const ledger = await openLedger({ databaseUrl });
      try {
        const sources = { redis: stores.admin, keys: partitionKeys(), ledger, tombstoneMs: TOMBSTONE_MS };
        const { openHolds, settled, durationMs } = await rebuild(sources);
        return ((openHolds + settled) / durationMs) * 1_000;
      } finally {
        await ledger.close();
      }
    },
    httpBytes: () => exchange(port, names[0] ?? ''),
  };
}

const SIZES = `SELECT pg_table_size('ledger')::float8 AS ledger, pg_indexes_size('ledger')::float8 AS "ledgerIndexes",
  pg_table_size('reservations')::float8 AS reservations,
  pg_indexes_size('reservations')::float8 AS "reservationIndexes",
  (SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r'
     AND relnamespace = 'public'::regnamespace AND relname NOT IN ('ledger', 'reservations'))::float8 AS rest`;

/** One order, byte for byte, as a service in Node sends it over a kept connection. */
function exchange(port: number, sku: string): Promise<{ request: number; answer: number }> {
  const orderId = `${randomBytes(16).toString('hex')}-one`;
  const body = JSON.stringify({ orderId, lines: [{ sku, warehouse: WAREHOUSE, quantity: 1 }] });
  const request =
    `POST /v1/reservations HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: keep-alive\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(request));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      if (answer.toString('latin1', 0, 12) !== 'HTTP/1.1 201') reject(new Error('one order was not held'));
      else resolve({ request: request.length, answer: answer.length });
    });
  });
}
