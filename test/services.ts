/**
 * What a test asks of the stores: a prefix of its own in the one Redis, a database of its own in the one Postgres.
 * No two test files ever see each other's data, and nothing here is a stand-in.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import {
  connectRedis,
  type HotInventory,
  type HotInventoryOptions,
  openHotInventory,
} from '../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../src/hotpath/keys.ts';
import { openPartition } from '../src/hotpath/partition.ts';

/** The built file of a program; the run's set-up builds what has changed. */
export function builtProgram(name: string): string {
  return new URL(`../dist/programs/${name}.js`, import.meta.url).pathname;
}

/** The run's Redis. */
export function testRedisUrl(): string {
  return inject('redisUrl');
}

/** A key prefix nobody else has. */
export function testPrefix(): string {
  return `t${randomBytes(6).toString('hex')}`;
}

/** A database nobody else has, empty. */
export function testDatabase(): Promise<TestDatabase> {
  return makeDatabase('template1');
}

/** The same with the ledger's tables, copied from a database that was migrated once for the whole run. */
export function ledgerDatabase(): Promise<TestDatabase> {
  return makeDatabase(inject('ledgerTemplate'));
}

interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

async function makeDatabase(template: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = new URL(inject('databaseUrl'));
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('databaseUrl') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Lua in the place of lua/clock.lua: time stands where the test put it, in a key beside the others. */
export const TURNED_CLOCK = `
local function server_time_ms()
  return tonumber(redis.call("GET", key_prefix .. "test-clock"))
end
`;

/** An engine on a partition of its own, opened at epoch 1 with nothing in it. */
export interface TestEngine {
  readonly hot: HotInventory;
  readonly prefix: string;
  readonly redis: ReturnType<typeof connectRedis>;
  /** Turns the clock; only with `clock: 'turned'`. */
  setTime(ms: number): Promise<void>;
  /** Every key of the prefix with its content: equal texts mean that nothing changed. */
  dump(): Promise<string>;
  close(): Promise<void>;
}

export interface TestEngineOptions {
  readonly turnedClockMs?: number;
  /** A server other than the run's Redis. `redisUrl` is the engine's own way to it, for example a proxy that fails. */
  readonly serverUrl?: string;
}

export async function testEngine(
  options: Partial<HotInventoryOptions> & TestEngineOptions = {},
): Promise<TestEngine> {
  const { turnedClockMs, serverUrl = testRedisUrl(), ...rest } = options;
  const prefix = rest.prefix ?? testPrefix();
  const keys = partitionKeys(prefix);
  const redis = connectRedis(serverUrl);
  await redis.connect();
  const clockKey = keys.control.replace(/control$/, 'test-clock');
  let witnessMs = turnedClockMs ?? 0;
  if (turnedClockMs !== undefined) await redis.set(clockKey, String(turnedClockMs));
  await openPartition(redis, keys, 1, turnedClockMs === undefined ? {} : { clockMs: turnedClockMs });
  const hot = await openHotInventory({
    redisUrl: serverUrl,
    prefix,
    ...(turnedClockMs === undefined ? {} : { clock: { lua: TURNED_CLOCK, witnessMs: () => witnessMs } }),
    ...rest,
  });
  await hot.sweep(0).catch(() => undefined); // learns the epoch
  return {
    hot,
    prefix,
    redis,
    setTime: async (ms) => {
      witnessMs = ms;
      await redis.set(clockKey, String(ms));
    },
    dump: () => dump(redis, keys.pattern),
    close: async () => {
      await hot.close();
      const left = await redis.keys(keys.pattern);
      if (left.length > 0) await redis.unlink(...left);
      redis.disconnect();
    },
  };
}

async function dump(redis: ReturnType<typeof connectRedis>, pattern: string): Promise<string> {
  const lines: string[] = [];
  for (const key of (await redis.keys(pattern)).sort()) {
    const content = await contentOf(redis, key, await redis.type(key));
    lines.push(`${key} ${JSON.stringify(content)}`);
  }
  return lines.join('\n');
}

async function contentOf(
  redis: ReturnType<typeof connectRedis>,
  key: string,
  type: string,
): Promise<unknown> {
  if (type === 'hash') return redis.hgetall(key);
  if (type === 'zset') return redis.zrange(key, '0', '-1', 'WITHSCORES');
  if (type === 'stream') return redis.xrange(key, '-', '+');
  const text = await redis.get(key);
  // The clock moves by itself; everything else of the control record must stand.
  return key.endsWith('control') ? text?.replace(/^(v2 \S+ \S+ \S+ \S+) \d+ /, '$1 clock ') : text;
}
