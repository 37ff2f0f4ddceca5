/**
 * The shop whose cost is measured: Redis, Postgres, one API process and one worker, and the load in this process. The API is
 * the real server, or the engine in this process. Promises: each shop begins with an empty Redis and an empty ledger;
 * `sell` and `confirm` resolve when the ledger has everything.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import pg from 'pg';
import { partitionKeys } from '../../../src/hotpath/keys.ts';
import { openEngine, orderIds, WAREHOUSE } from '../hot-sku.ts';
import { closeServer, load, reopenServer, type Server, startServer } from '../http-load.ts';
import { query } from '../ledger-database.ts';
import { type LedgerWorker, startLedgerWorker } from '../peers/ledger-worker.ts';
import { namesOf, skuOf } from '../peers/peer.ts';
import { memoryOf } from '../redis-memory.ts';
import { openLedger, readControl, rebuild } from '../shipped.ts';
import type { Stores } from '../stores.ts';
import { infoNumber, type Reading, type Sizes, takeReading } from './readings.ts';

const CONNECTIONS = 100;
/** The engine's default. */
const TOMBSTONE_MS = 86_400_000;
/** While one part of a long filling is copied into the ledger, the next is sold. */
const FILL_STEP = 250_000;
/** As many callers as fill two batches. */
const CALLERS = 512;
/** More than is decided before the worker has copied it, and longer than a busy machine stands still. */
const ENGINE_LIMITS = { backlogEventsMax: 20_000_000 };

export type Api = 'HTTP' | 'engine';

export interface Shop {
  /** So many holds more, by the engine, all of them in the ledger. */
  fill(holds: number, onProgress: (held: number) => void): Promise<void>;
  sell(orders: number, holdSeconds?: number): Promise<void>;
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
  open(wish: { readonly api: Api; readonly skus: number }): Promise<Shop>;
  close(): Promise<void>;
}

interface Parts {
  readonly stores: Stores;
  readonly admin: pg.Client;
  readonly worker: LedgerWorker;
  readonly server: Server;
  readonly postgresPid: number;
}

/** Processes that live longer than a shop, so that their code is warm. */
export async function openStreet(stores: Stores): Promise<Street> {
  const worker = await startLedgerWorker(stores);
  const admin = new pg.Client({ connectionString: await stores.databaseUrl() });
  // The query on a connection that breaks reports it.
  admin.on('error', () => {});
  await admin.connect();
  const postmaster = `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::float8 AS n`;
  const postgresPid = await numberOf(admin, postmaster);
  const server = await startServer('real', stores.redisUrl);
  await closeServer(server);
  const parts: Parts = { stores, admin, worker, server, postgresPid };
  let leave = async () => {};
  return {
    stores,
    open: async ({ api, skus }) => {
      await leave();
      const { shop, close } = await openShop(parts, api, skus);
      leave = close;
      return shop;
    },
    close: async () => {
      // After a failure Postgres may be away; the failure is what matters then.
      await leave().catch(() => {});
      server.child.kill();
      await worker.close().catch(() => {});
      await admin.end().catch(() => {});
    },
  };
}

async function numberOf(client: pg.Client, statement: string): Promise<number> {
  return (await client.query<{ n: number }>(statement)).rows[0]?.n ?? Number.NaN;
}

async function openShop({ stores, admin, worker, server, postgresPid }: Parts, api: Api, skus: number) {
  const names = namesOf(skus);
  const hot = await openEngine(stores, ENGINE_LIMITS, names);
  const { databaseUrl } = await worker.begin();
  await worker.drained();
  const port = api === 'HTTP' ? await reopenServer(server) : 0;
  const pids = {
    API: (api === 'HTTP' ? server.child.pid : process.pid) ?? 0,
    Redis: stores.redisPid,
    worker: worker.pid,
    Postgres: postgresPid,
  };
  const walBytes = () =>
    numberOf(admin, `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS n`);
  const batches = async () => (await readControl(stores.admin, partitionKeys()))?.sequence ?? Number.NaN;
  let [sold, lastSold, runs] = [0, 0, 0];
  const each = async (
    from: number,
    to: number,
    call: (orderId: string, n: number) => Promise<{ outcome: string }>,
  ) => {
    const ids = orderIds(to);
    let next = from;
    const run = async () => {
      while (next < to) {
        const n = next++;
        const { outcome } = await call(ids[n] as string, n);
        if (outcome !== 'done') throw new Error(`${ids[n]} was ${outcome}`);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, run));
  };
  const sellHere = async (count: number, hold: { holdSeconds?: number } = {}) => {
    lastSold = sold;
    sold += count;
    await each(lastSold, sold, (orderId, n) => {
      const line = { sku: names[n % skus] as string, warehouse: WAREHOUSE, quantity: 1 };
      return hot.reserve({ orderId, lines: [line], ...hold });
    });
  };
  const shop: Shop = {
    fill: async (holds, onProgress) => {
      let copied: Promise<void> = Promise.resolve();
      for (let held = 0; held < holds; held += FILL_STEP) {
        await Promise.all([sellHere(Math.min(FILL_STEP, holds - held)), copied]);
        copied = worker.drained();
        copied.catch(() => {}); // awaited one part later
        onProgress(Math.min(holds, held + FILL_STEP));
      }
      await copied;
    },
    sell: async (requests, holdSeconds) => {
      const mark = `${++runs}`;
      if (api === 'engine') await sellHere(requests, holdSeconds === undefined ? {} : { holdSeconds });
      else await load({ port, connections: CONNECTIONS, mark, requests, skuOf: (n) => skuOf(names, n) });
      await worker.drained();
    },
    confirm: async () => {
      await each(lastSold, sold, (orderId) => hot.confirm({ orderId }));
      await worker.drained();
    },
    reading: () => takeReading(stores.admin, pids, walBytes, batches),
    weigh: async () => {
      const bytes = await memoryOf(stores);
      const info = await stores.admin.info('memory');
      return { bytes, resident: infoNumber(info, 'used_memory_rss') / infoNumber(info, 'used_memory') };
    },
    sizes: async () => (await query<{ [name in keyof Sizes]: number }>(databaseUrl, SIZES))[0] as Sizes,
    walSyncs: async () => {
      await worker.restart();
      return numberOf(admin, 'SELECT wal_sync::float8 AS n FROM pg_stat_wal');
    },
    deadlines: () => stores.admin.zcard(partitionKeys().due),
    rebuild: async () => {
      await hot.close();
      await worker.stop();
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
  const close = async () => {
    await closeServer(server);
    await hot.close();
    await worker.stop();
  };
  return { shop, close };
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
