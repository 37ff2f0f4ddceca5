/**
 * A sale goes on while something breaks: the worker is killed, Redis is flushed, everything is restarted. After recovery
 * nothing is oversold and hot path and ledger agree. The buyers repeat under the same id, as an order service does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { connectRedis } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { readControl } from '../../src/hotpath/partition.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { serve } from '../../src/programs/serve.ts';
import { startHoldfast } from '../../src/programs/start.ts';
import { ledgerHasCaughtUp, prove } from '../../src/proof/proof.ts';
import { buy, Tally } from '../../src/sale/buyers.ts';
import { hotArticle } from '../../src/sale/orders.ts';
import { Shop } from '../../src/sale/shop.ts';
import { audit } from '../../src/worker/audit/reconciliation.ts';
import { until } from '../holdfast.ts';
import { builtProgram, ledgerDatabase, testPrefix, testRedisUrl } from '../services.ts';

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** An API in this process and a worker in another, which can be killed. */
async function open() {
  const database = await ledgerDatabase();
  closing.push(() => database.drop());
  const prefix = testPrefix();
  const stores = { redisUrl: testRedisUrl(), databaseUrl: database.url, prefix };
  const redis = connectRedis(stores.redisUrl);
  await redis.connect();
  closing.push(() => redis.disconnect());
  const keys = partitionKeys(prefix);
  closing.push(async () => {
    const left = await redis.keys(keys.pattern);
    if (left.length > 0) await redis.unlink(...left);
  });
  const postgres = new pg.Pool({ connectionString: database.url, max: 2 });
  closing.push(() => postgres.end());
  const ledger = await openLedger({ databaseUrl: database.url });
  closing.push(() => ledger.close());
  await startWorker(stores);
  await until(async () => (await readControl(redis, keys))?.state === 'open');
  const api = await serve(
    { ...readConfig({}), ...stores, port: 0 },
    pino({ level: 'silent' }),
    new Registry(),
  );
  closing.push(() => api.close());
  const shop = new Shop({ url: api.url, connectionsMax: 64, giveUpAfterMs: 50_000 });
  closing.push(() => shop.close());
  return { stores, redis, keys, postgres, ledger, shop };
}

let worker: ChildProcess | undefined;
async function startWorker(stores: { redisUrl: string; databaseUrl: string; prefix: string }): Promise<void> {
  worker = spawn(process.execPath, [builtProgram('work')], {
    env: {
      PATH: process.env.PATH,
      REDIS_URL: stores.redisUrl,
      DATABASE_URL: stores.databaseUrl,
      HOLDFAST_PREFIX: stores.prefix,
      HOLDFAST_WORKER_PORT: '0',
    },
    stdio: 'ignore',
  });
  closing.push(killWorker);
  await once(worker, 'spawn');
}
async function killWorker(): Promise<void> {
  if (!worker || worker.exitCode !== null || worker.signalCode !== null) return;
  const gone = once(worker, 'exit');
  worker.kill('SIGKILL');
  await gone;
}

const BUYERS = 4_000;
const STOCK = 2_500;
const BUYING = {
  spreadMs: 0,
  confirmShare: 0.4,
  abandonShare: 0,
  holdSeconds: undefined,
  buyersAtOnceMax: 64,
};

async function sell(shop: Shop, disturb: (tally: Tally) => Promise<void>) {
  const wanted = hotArticle('outage', STOCK, BUYERS);
  const [sku = ''] = wanted.stock.keys();
  await shop.post('/v1/stock/receive', { movementId: 'opening', sku, warehouse: 'east', quantity: STOCK });
  const tally = new Tally();
  const buying = buy(shop, wanted.orders, BUYING, tally);
  await until(() => tally.decided > BUYERS / 4);
  await disturb(tally);
  await buying;
  return { sku, tally };
}

test('the worker is killed in the middle of a sale and started again: nothing is lost, nothing is twice', async () => {
  const { stores, redis, keys, postgres, ledger, shop } = await open();
  const { sku, tally } = await sell(shop, async () => {
    await killWorker();
    await until(async () => Number((await readControl(redis, keys))?.eventsTotal) > BUYERS / 3);
    await startWorker(stores);
  });
  expect(tally.unexpected).toEqual([]);
  const sources = { redis, postgres, keys };
  expect(await ledgerHasCaughtUp(sources, 30_000)).toBe(true);
  const proof = await prove(sources, [sku], tally.acknowledged);
  expect(proof).toMatchObject({ isProven: true, oversold: 0, lost: 0, drift: 0, differences: [] });
  expect(
    await audit({ redis, keys, ledger }, { catchUpMs: 10_000, withHolds: true, withEntries: true }),
  ).toMatchObject({
    verdict: 'agree',
  });
});

test('Redis is flushed in the middle of a sale: it is rebuilt, never oversold in either store, and both agree', async () => {
  const { redis, keys, postgres, ledger, shop } = await open();
  const { sku, tally } = await sell(shop, async () => {
    const doomed = await redis.keys(keys.pattern);
    await redis.unlink(...doomed);
    await until(async () => (await readControl(redis, keys))?.state === 'open');
  });
  const sources = { redis, postgres, keys };
  expect(await ledgerHasCaughtUp(sources, 30_000)).toBe(true);
  // What had been acknowledged and not carried over yet is gone with Redis (D11, README "Not held"), and is named.
  const proof = await prove(sources, [sku], tally.acknowledged);
  expect(proof.oversold).toBe(0);
  expect(proof.drift).toBe(0);
  expect(
    proof.differences.filter((difference) => !difference.includes('was acknowledged and is gone')),
  ).toEqual([]);
  expect(proof.reserved + proof.sold + proof.available).toBe(STOCK);
  expect((await readControl(redis, keys))?.epoch.number).toBe(2);
  // What is gone is a loss until a person has seen it, each order by its id; besides that both agree.
  const options = { catchUpMs: 10_000, withHolds: true, withEntries: true };
  const { findings, reason } = await audit({ redis, keys, ledger }, options);
  expect(reason).toBeUndefined();
  expect(findings.filter(({ kind }) => !kind.startsWith('lost-'))).toEqual([]);
});

test('a stopped Holdfast starts again with the stock, holds and ledger it had', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'holdfast-restart-'));
  closing.push(() => rm(dataFolder, { recursive: true, force: true }));
  const config = { ...readConfig({}), dataFolder, port: 0 };
  const first = await startHoldfast(config, { quiet: true });
  const order = { orderId: 'order-1', lines: [{ sku: 'SNEAKER-42', quantity: 3 }] };
  const shop = new Shop({ url: first.running.url, connectionsMax: 1, giveUpAfterMs: 10_000 });
  expect(await shop.post('/v1/reservations', order)).toMatchObject({ status: 201 });
  const stock = (await shop.get('/v1/items/SNEAKER-42')).body;
  shop.close();
  await first.close();

  const second = await startHoldfast(config, { quiet: true });
  closing.push(() => second.close());
  expect(second.wasSeeded).toBe(false);
  const again = new Shop({ url: second.running.url, connectionsMax: 1, giveUpAfterMs: 10_000 });
  closing.push(() => again.close());
  expect((await again.get('/v1/items/SNEAKER-42')).body).toEqual(stock);
  expect(await again.post('/v1/reservations', order)).toMatchObject({
    status: 200,
    body: { status: 'ACTIVE' },
  });
});
