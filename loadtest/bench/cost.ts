/**
 * What a reservation costs, not how fast it is: processor time by process, syncs and bytes, by the number of open holds and
 * of SKUs over HTTP, and for a reserve and a payment by the engine with full batches. A sample is some ten thousand orders
 * at a fixed concurrency, from the first order until the ledger has the last, so that worker and Postgres are counted
 * completely. docs/scaling.md derives the rest from these figures.
 */
import pg from 'pg';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { eachOnce } from './callers.ts';
import {
  infoNumber,
  type Pids,
  perOrder,
  type Reading,
  ROWS,
  type Row,
  sizeOfLedger,
  takeReading,
} from './cost-readings.ts';
import { type Bench, type Figure, figure, type Section } from './figures.ts';
import { openEngine, orderIds, WAREHOUSE } from './hot-sku.ts';
import { closeServer, load, reopenServer, type Server, startServer } from './http-load.ts';
import { type LedgerWorker, startLedgerWorker } from './peers/ledger-worker.ts';
import { namesOf, skuOf } from './peers/peer.ts';
import { memoryOf } from './redis-memory.ts';
import { sizeText } from './report.ts';
import { readControl } from './shipped.ts';
import type { Stores } from './stores.ts';

const HOLDS = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
const HOLDS_QUICK = [1_000, 100_000];
const SKUS = [1, 100, 10_000, 100_000];
const SKUS_QUICK = [1, 1_000];
/** In a sample: processor time comes in hundredths of a second. */
const ORDERS = 30_000;
const ORDERS_QUICK = 20_000;
const ENGINE_ORDERS = 100_000;
const WARM_UP_PART = 0.25;
/** Below, most of the resident memory is the program itself. */
const HOLDS_WEIGHTY = 100_000;
const CONNECTIONS = 100;
/** As many callers as fill two batches. */
const CALLERS = 512;
/** While one part of a long filling is copied into the ledger, the next is sold. */
const FILL_STEP = 250_000;
const ENGINE_LIMITS = { backlogEventsMax: 20_000_000 };

const BY_HOLDS = 'by holds';
const BY_SKUS = 'by SKUs';

export const cost: Section = {
  title: `Cost of a reservation, by process; ${CONNECTIONS} connections over HTTP, ${CALLERS} callers of the engine`,
  run: async (bench) => {
    const parts = await openParts(bench.stores);
    const { quick } = bench.settings;
    try {
      const figures: Figure[] = [];
      const add = (name: string, own: readonly Figure[]) => {
        figures.push(...own);
        bench.progress(name);
      };
      for (const skus of quick ? SKUS_QUICK : SKUS)
        add(sizeText(skus, 'SKUs'), await overHttp(bench, parts, { skus, holds: 0 }));
      for (const holds of quick ? HOLDS_QUICK : HOLDS)
        add(sizeText(holds, 'holds'), await overHttp(bench, parts, { skus: 1, holds }));
      add('engine', await byEngine(bench, parts));
      return figures;
    } finally {
      await closeParts(parts);
    }
  },
};

type Values = Map<Row, number[]>;

function figuresOf(values: Values, name: (row: Row) => string, table?: string, column = 0): Figure[] {
  return (Object.keys(ROWS) as Row[]).flatMap((row) => {
    const all = values.get(row);
    const columns = table === BY_HOLDS ? 'holds' : 'SKUs';
    const cell = table === undefined ? {} : { cell: { table, row, column, columns } };
    return all ? [figure(name(row), ROWS[row], all, cell)] : [];
  });
}

/** Orders over HTTP in a shop of this size. */
async function overHttp(
  bench: Bench,
  parts: Parts,
  size: { skus: number; holds: number },
): Promise<Figure[]> {
  const { skus, holds } = size;
  const { quick, repeats } = bench.settings;
  const shop = await openShop(parts, skus);
  const values: Values = new Map();
  const add = (row: Row, value: number) => values.set(row, [...(values.get(row) ?? []), value]);
  if (holds > 0) await fill(shop, holds, add);
  const port = await reopenServer(parts.server);
  const names = namesOf(skus);
  const orders = quick ? ORDERS_QUICK : ORDERS;
  const sell = async (mark: string, requests: number) => {
    const wish = { port, connections: CONNECTIONS, mark, requests, skuOf: (n: number) => skuOf(names, n) };
    const { bytes } = await load(wish);
    await parts.worker.drained();
    return bytes;
  };
  await sell('w', Math.round(orders * WARM_UP_PART));
  for (let turn = 0; turn < repeats; turn++) {
    const before = await shop.reading();
    add('HTTP, request and answer', await sell(`t${turn}-`, orders));
    for (const [row, value] of perOrder(before, await shop.reading(), orders)) add(row, value);
  }
  await shop.close();
  return holds > 0
    ? figuresOf(values, (row) => row, BY_HOLDS, holds)
    : figuresOf(values, (row) => row, BY_SKUS, skus);
}

/** So many holds, and what each keeps in both stores. */
async function fill(shop: Shop, holds: number, add: (row: Row, value: number) => void): Promise<void> {
  const { stores, worker } = shop.parts;
  const [empty, emptyLedger] = [await memoryOf(stores), await sizeOfLedger(shop.databaseUrl)];
  let copied: Promise<void> = Promise.resolve();
  for (let held = 0; held < holds; held += FILL_STEP) {
    const to = Math.min(holds, held + FILL_STEP);
    await Promise.all([shop.each(held, to, 'reserve'), copied]);
    copied = worker.drained();
    copied.catch(() => {}); // awaited one part later
  }
  await copied;
  add('Redis, held', ((await memoryOf(stores)) - empty) / holds);
  const info = await stores.admin.info('memory');
  const resident = infoNumber(info, 'used_memory_rss') / infoNumber(info, 'used_memory');
  if (holds >= HOLDS_WEIGHTY) add('Redis, resident / used', resident);
  add('Postgres, tables and indexes', ((await sizeOfLedger(shop.databaseUrl)) - emptyLedger) / holds);
}

/** A reserve and a payment by the engine in this process. */
async function byEngine(bench: Bench, parts: Parts): Promise<Figure[]> {
  const used = { reserve: new Map() as Values, confirm: new Map() as Values };
  for (let turn = 1; turn <= bench.settings.repeats; turn++) {
    const shop = await openShop(parts, 1);
    for (const verb of ['reserve', 'confirm'] as const) {
      const [before, size] = [await shop.reading(), await sizeOfLedger(shop.databaseUrl)];
      await shop.each(0, ENGINE_ORDERS, verb);
      await parts.worker.drained();
      const found = perOrder(before, await shop.reading(), ENGINE_ORDERS);
      found.delete('CPU of API'); // it does nothing here
      const grown = ((await sizeOfLedger(shop.databaseUrl)) - size) / ENGINE_ORDERS;
      for (const [row, value] of [...found, ['Postgres, tables and indexes', grown] as [Row, number]])
        used[verb].set(row, [...(used[verb].get(row) ?? []), value]);
    }
    await shop.close();
  }
  return [
    ...figuresOf(used.reserve, (row) => `reserve by the engine: ${row}`),
    ...figuresOf(used.confirm, (row) => `confirm by the engine: ${row}`),
  ];
}

// The shop ------------------------------------------------------------------------------------------------

/** Processes that live longer than a shop, so that their code is warm. */
interface Parts {
  readonly stores: Stores;
  readonly worker: LedgerWorker;
  readonly server: Server;
  readonly admin: pg.Client;
  readonly pids: Pids;
}

async function openParts(stores: Stores): Promise<Parts> {
  const postgres = await stores.postgres();
  const worker = await startLedgerWorker(stores);
  const admin = new pg.Client({ connectionString: postgres.url });
  // The query on a connection that breaks reports it.
  admin.on('error', () => {});
  await admin.connect();
  const server = await startServer('real', stores.redisUrl);
  await closeServer(server);
  const pids = {
    API: server.child.pid ?? 0,
    Redis: stores.redisPid,
    worker: worker.pid,
    Postgres: postgres.pid,
  };
  return { stores, worker, server, admin, pids };
}

async function closeParts({ worker, server, admin }: Parts): Promise<void> {
  // After a failure Postgres may be away; the failure is what matters then.
  server.child.kill();
  await worker.close().catch(() => {});
  await admin.end().catch(() => {});
}

interface Shop {
  readonly parts: Parts;
  readonly databaseUrl: string;
  reading(): Promise<Reading>;
  /** Orders `from` to `to` by the engine in this process, each of one unit. */
  each(from: number, to: number, verb: 'reserve' | 'confirm'): Promise<void>;
  close(): Promise<void>;
}

/** An empty Redis with stock, and an empty ledger. */
async function openShop(parts: Parts, skus: number): Promise<Shop> {
  const { stores, worker, server, admin, pids } = parts;
  const names = namesOf(skus);
  const hot = await openEngine(stores, ENGINE_LIMITS, names);
  const { databaseUrl } = await worker.begin();
  await worker.drained();
  const batches = async () => (await readControl(stores.admin, partitionKeys()))?.sequence ?? Number.NaN;
  const call = (orderId: string, n: number, verb: 'reserve' | 'confirm') => {
    const line = { sku: names[n % skus] as string, warehouse: WAREHOUSE, quantity: 1 };
    return verb === 'reserve' ? hot.reserve({ orderId, lines: [line] }) : hot.confirm({ orderId });
  };
  return {
    parts,
    databaseUrl,
    reading: () => takeReading(stores.admin, admin, pids, batches),
    each: (from, to, verb) => {
      const ids = orderIds(to);
      return eachOnce(CALLERS, from, to, async (n) => {
        const { outcome } = await call(ids[n] as string, n, verb);
        if (outcome !== 'done') throw new Error(`${verb} of ${ids[n]} was ${outcome}`);
      });
    },
    close: async () => {
      await closeServer(server);
      await hot.close();
      await worker.stop();
    },
  };
}
