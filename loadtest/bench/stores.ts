/**
 * The run's own Redis and Postgres: in a temporary folder, on free ports of the loopback interface, gone afterwards.
 * Promises: every write is on disk before it is answered; no rewrite of the append-only file falls into a measurement.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startPostgres } from '../../src/local/postgres-server.ts';
import { startRedis } from '../../src/local/redis-server.ts';
import type { LocalServer } from '../../src/local/server-process.ts';

/** An empty Redis rewrites its append-only file in well under a second. */
const CUT_MS_MAX = 30_000;

export interface Stores {
  readonly folder: string;
  readonly redisUrl: string;
  readonly redisPid: number;
  /** Which Redis it is, and how it was found. */
  readonly redisRoute: string;
  /** For the benchmark itself: figures, clearing. Never for what is measured. */
  readonly admin: Redis;
  /** Started when a section asks for it. */
  postgres(): Promise<LocalServer>;
  databaseUrl(): Promise<string>;
  /** Redis empty, its append-only file rewritten, its command statistics at zero. */
  clear(): Promise<void>;
  /** May be called more than once. */
  stop(): Promise<void>;
}

export async function startStores(log: (line: string) => void): Promise<Stores> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const stops: (() => Promise<void>)[] = [];
  let stopping: Promise<void> | undefined;
  const stopAll = async () => {
    for (const stop of stops.reverse()) await stop().catch((error) => log(String(error)));
    await rm(folder, { recursive: true, force: true });
  };
  const stop = () => {
    stopping ??= stopAll();
    return stopping;
  };
  try {
    // Run by root, Postgres belongs to another user, who must be able to reach its folder.
    await chmod(folder, 0o755);
    const redis = await startRedis({ dataFolder: folder, log });
    stops.push(() => redis.stop());
    const admin = new Redis(redis.url, { lazyConnect: true, maxRetriesPerRequest: 0 });
    admin.on('error', () => {});
    stops.push(async () => admin.disconnect());
    await admin.connect();
    await admin.config('SET', 'auto-aof-rewrite-percentage', '0');
    let postgres: Promise<LocalServer> | undefined;
    const findPostgres = () => {
      postgres ??= startPostgres({ dataFolder: folder, log }).then((server) => {
        stops.push(() => server.stop());
        return server;
      });
      return postgres;
    };
    return {
      folder,
      redisUrl: redis.url,
      redisPid: redis.pid,
      redisRoute: redis.route,
      admin,
      postgres: findPostgres,
      databaseUrl: async () => (await findPostgres()).url,
      clear: () => clear(admin),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function clear(admin: Redis): Promise<void> {
  await admin.flushall('SYNC');
  await admin.bgrewriteaof();
  const limitMs = performance.now() + CUT_MS_MAX;
  while (/aof_rewrite_(in_progress|scheduled):1/.test(await admin.info('persistence'))) {
    if (performance.now() > limitMs) throw new Error(`Redis did not cut its file within ${CUT_MS_MAX} ms`);
    await sleep(10);
  }
  await admin.config('RESETSTAT');
}

/** Calls of scripts since the last clear and the time Redis spent in them, as it counts them itself. */
export async function scriptTime({ admin }: Stores): Promise<{ calls: number; us: number }> {
  const match = /cmdstat_evalsha:calls=(\d+),usec=(\d+)/.exec(await admin.info('commandstats'));
  return { calls: Number(match?.[1] ?? 0), us: Number(match?.[2] ?? 0) };
}

/** Processor time of the thread that runs commands, in microseconds: parsing, deciding, appending and syncing. */
export async function redisCpu({ admin }: Stores): Promise<number> {
  const info = await admin.info('cpu');
  const read = (field: string) => Number(new RegExp(`^${field}:([0-9.]+)`, 'm').exec(info)?.[1] ?? 0);
  return (read('used_cpu_user_main_thread') + read('used_cpu_sys_main_thread')) * 1e6;
}
