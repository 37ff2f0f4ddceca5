/**
 * A Holdfast to be loaded, as it runs in production: Redis, Postgres, one worker and one API, each a process of its own, on
 * free ports of the loopback interface. Promises: settings of the environment (HOLDFAST_ACK and the like) apply to it;
 * nothing of it is left when it has stopped.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { migrate } from '../../src/ledger/migrate.ts';
import { startStores } from '../bench/stores.ts';
import { endProgram, logLineWith, type Program, startProgram } from '../program.ts';

const START_MS_MAX = 60_000;
const READY_POLL_MS = 50;

export interface LoadedHoldfast {
  /** Of the HTTP API. */
  readonly url: string;
  /** Of the worker's metrics. */
  readonly workerUrl: string;
  readonly redisUrl: string;
  readonly databaseUrl: string;
  /** Which Redis and which Postgres, a line each. */
  readonly routes: readonly string[];
  /** May be called more than once. */
  stop(): Promise<void>;
}

/** @throws where a part does not start; what was started is stopped first */
export async function startLoadedHoldfast(log: (line: string) => void): Promise<LoadedHoldfast> {
  const stores = await startStores(log);
  const programs: Program[] = [];
  let stopping: Promise<void> | undefined;
  const stopAll = async () => {
    for (const program of programs.reverse()) await endProgram(program);
    await stores.stop();
  };
  const stop = () => {
    stopping ??= stopAll();
    return stopping;
  };
  try {
    // As in production: Redis rewrites its file when it has doubled.
    await stores.admin.config('SET', 'auto-aof-rewrite-percentage', '100');
    const postgres = await stores.postgres();
    await migrate(postgres.url);
    const environment = { REDIS_URL: stores.redisUrl, DATABASE_URL: postgres.url, HOST: '127.0.0.1' };
    const worker = startProgram('work', built('work'), { ...environment, HOLDFAST_WORKER_PORT: '0' }, log);
    programs.push(worker);
    const { metricsPort } = await logLineWith(worker, 'metricsPort');
    const api = startProgram('serve', built('serve'), { ...environment, PORT: '0' }, log);
    programs.push(api);
    const url = String((await logLineWith(api, 'url')).url);
    await readiness(url);
    return {
      url,
      workerUrl: `http://127.0.0.1:${metricsPort}`,
      redisUrl: stores.redisUrl,
      databaseUrl: postgres.url,
      routes: [`Redis: ${stores.redisRoute}`, `Postgres: ${postgres.route}`],
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
