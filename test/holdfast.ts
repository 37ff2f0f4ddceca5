/**
 * A whole Holdfast for one test: an engine, a ledger in a database of its own, and a worker between them.
 */
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { readConfig } from '../src/config.ts';
import { connectRedis, type HotInventory, openHotInventory } from '../src/hotpath/hot-inventory.ts';
import type { PartitionKeys } from '../src/hotpath/keys.ts';
import { type Ledger, openLedger } from '../src/ledger/ledger.ts';
import { type Working, work } from '../src/programs/work.ts';
import { audit } from '../src/worker/audit/reconciliation.ts';
import { ledgerDatabase, testPrefix, testRedisUrl } from './services.ts';

export interface TestHoldfast {
  readonly hot: HotInventory;
  readonly ledger: Ledger;
  readonly redis: ReturnType<typeof connectRedis>;
  readonly keys: PartitionKeys;
  readonly databaseUrl: string;
  readonly working: () => Working;
  stopWorker(): Promise<void>;
  startWorker(): Promise<void>;
  /** Hot path and ledger compared in full. */
  audit(catchUpMs?: number): ReturnType<typeof audit>;
  close(): Promise<void>;
}

const READY_MS_MAX = 20_000;

/** @param given a migrated ledger of the test's own; else a fresh one, which is dropped */
export async function testHoldfast(given?: { readonly databaseUrl: string }): Promise<TestHoldfast> {
  const database = given ? { url: given.databaseUrl, drop: async () => {} } : await ledgerDatabase();
  const config = {
    ...readConfig({}),
    redisUrl: testRedisUrl(),
    databaseUrl: database.url,
    prefix: testPrefix(),
  };
  const log = pino({ level: 'silent' });
  let working: Working | undefined = await work(config, log, new Registry());
  await working.ready(READY_MS_MAX);
  const hot = await openHotInventory({
    redisUrl: config.redisUrl,
    prefix: config.prefix,
    keepsAcknowledgements: true,
  });
  const ledger = await openLedger({ databaseUrl: database.url });
  const redis = connectRedis(config.redisUrl);
  await redis.connect();
  const stopWorker = async () => {
    await working?.close();
    working = undefined;
  };
  return {
    hot,
    ledger,
    redis,
    keys: hot.keys,
    databaseUrl: database.url,
    working: () => {
      if (!working) throw new Error('the worker is stopped');
      return working;
    },
    stopWorker,
    startWorker: async () => {
      working = await work(config, log, new Registry());
    },
    audit: (catchUpMs = 10_000) =>
      audit(
        { redis, keys: hot.keys, ledger },
        { catchUpMs, withHolds: true, withEntries: true, confirmedMs: config.tombstoneMs },
      ),
    close: async () => {
      await stopWorker();
      await hot.close();
      const left = await redis.keys(hot.keys.pattern);
      for (let i = 0; i < left.length; i += 1_000) await redis.unlink(...left.slice(i, i + 1_000));
      redis.disconnect();
      await ledger.close();
      await database.drop();
    },
  };
}

/** Asks again until the answer is true; the test's own time-out ends it. */
export async function until(isTrue: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 10));
}
