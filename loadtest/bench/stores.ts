/**
 * The run's own Redis and Postgres: in a folder of its own, on free ports of the loopback interface, gone afterwards.
 * Promises: every measurement starts on an empty Redis whose append-only file has been cut, with every write on disk
 * before it is answered, and no rewrite of that file falls into a measurement.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startPostgres } from '../../src/local/postgres-server.ts';
import { startRedis } from '../../src/local/redis-server.ts';

/** An append-only file is cut in well under a second when Redis is empty. */
const CUT_MS_MAX = 30_000;

export interface Stores {
  readonly folder: string;
  readonly redisUrl: string;
  readonly redisPid: number;
  readonly redisRoute: string;
  /** For what the benchmark itself asks: figures, clearing. Never for what is measured. */
  readonly admin: Redis;
  /** Started when a section asks for it. */
  databaseUrl(): Promise<string>;
  /** Redis empty, its append-only file cut, its command statistics at zero. */
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
    let databaseUrl: Promise<string> | undefined;
    return {
      folder,
      redisUrl: redis.url,
      redisPid: redis.pid,
      redisRoute: redis.route,
      admin,
      databaseUrl: () => {
        databaseUrl ??= startPostgres({ dataFolder: folder, log }).then((postgres) => {
          stops.push(() => postgres.stop());
          return postgres.url;
        });
        return databaseUrl;
      },
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
