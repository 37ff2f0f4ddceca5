/**
 * A Holdfast to be loaded, as it runs in production: Redis, Postgres, one worker and one API, each a process of its own,
 * on free ports of the loopback interface and in a folder of its own. Promises: settings of the environment (HOLDFAST_ACK
 * and the like) hold for it as they do for any other; nothing of it is left when it has stopped.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { migrate } from '../../src/ledger/migrate.ts';
import { startPostgres } from '../../src/local/postgres-server.ts';
import { startRedis } from '../../src/local/redis-server.ts';
import { endProgram, logLineWith, startProgram } from '../program.ts';

const START_MS_MAX = 60_000;
const READY_POLL_MS = 50;

/** A process whose processor time is sampled. */
export interface Watched {
  readonly name: string;
  readonly pid: number;
  /** Without the processes it has started. */
  readonly isAlone?: boolean;
}

export interface LoadedHoldfast {
  /** Of the HTTP API. */
  readonly url: string;
  /** Of the worker's metrics. */
  readonly workerUrl: string;
  readonly redisUrl: string;
  readonly databaseUrl: string;
  /** Which Redis and which Postgres, a line each. */
  readonly routes: readonly string[];
  readonly processes: readonly Watched[];
  /** May be called more than once. */
  stop(): Promise<void>;
}

/** @throws where a part does not start; what was started is stopped first */
export async function startLoadedHoldfast(log: (line: string) => void): Promise<LoadedHoldfast> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-load-'));
  const stops: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
  let stopping: Promise<void> | undefined;
  const stopAll = async () => {
    for (const stop of stops.reverse()) await stop().catch((error: unknown) => log(String(error)));
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
    const postgres = await startPostgres({ dataFolder: folder, log });
    stops.push(() => postgres.stop());
    await migrate(postgres.url);
    const environment = { REDIS_URL: redis.url, DATABASE_URL: postgres.url, HOST: '127.0.0.1' };

    const worker = startProgram('work', built('work'), { ...environment, HOLDFAST_WORKER_PORT: '0' }, log);
    stops.push(() => endProgram(worker));
    const { metricsPort } = await logLineWith(worker, 'metricsPort');
    const api = startProgram('serve', built('serve'), { ...environment, PORT: '0' }, log);
    stops.push(() => endProgram(api));
    const url = String((await logLineWith(api, 'url')).url);
    await readiness(url);
    return {
      url,
      workerUrl: `http://127.0.0.1:${metricsPort}`,
      redisUrl: redis.url,
      databaseUrl: postgres.url,
      routes: [`Redis: ${redis.route}`, `Postgres: ${postgres.route}`],
      processes: [
        { name: 'API', pid: api.child.pid ?? 0 },
        { name: 'Redis', pid: redis.pid },
        { name: 'worker', pid: worker.child.pid ?? 0 },
        { name: 'Postgres', pid: postgres.pid },
      ],
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const built = (name: string) => fileURLToPath(new URL(`../../dist/programs/${name}.js`, import.meta.url));

async function readiness(url: string): Promise<void> {
  const limitMs = performance.now() + START_MS_MAX;
  while (
    !(await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    ))
  ) {
    if (performance.now() > limitMs) throw new Error(`${url} is not ready after ${START_MS_MAX / 1_000} s`);
    await sleep(READY_POLL_MS);
  }
}
