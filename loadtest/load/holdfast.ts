/**
 * A Holdfast to be loaded, as it runs in production: Redis, Postgres, one worker and one API, each a process of its own,
 * on free ports of the loopback interface and in a folder of its own. Promises: settings of the environment (HOLDFAST_ACK
 * and the like) hold for it as they do for any other; nothing of it is left when it has stopped.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { migrate } from '../../src/ledger/migrate.ts';
import { startPostgres } from '../../src/local/postgres-server.ts';
import { startRedis } from '../../src/local/redis-server.ts';

const START_MS_MAX = 60_000;
/** A worker carries over what is left first; beyond this it is ended, and what it left is in the stores to be thrown away. */
const STOP_MS_MAX = 30_000;
const READY_POLL_MS = 50;
/** Levels of pino from which a line of a process is shown. */
const WARN = 40;

/** A process whose processor time is told. */
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

    const worker = startProgram('work', { ...environment, HOLDFAST_WORKER_PORT: '0' }, log);
    stops.push(() => endProgram(worker));
    const { metricsPort } = await saidBy(worker, 'metricsPort');
    const api = startProgram('serve', { ...environment, PORT: '0' }, log);
    stops.push(() => endProgram(api));
    const url = String((await saidBy(api, 'url')).url);
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

type LogLine = Readonly<Record<string, unknown>>;

interface Program {
  readonly name: string;
  readonly child: ChildProcess;
  /** Hears each line of its log. */
  readonly hearers: Set<(line: LogLine) => void>;
}

/** One of the programs that were built, with its log read: warnings and worse are passed on. */
function startProgram(
  name: string,
  environment: Record<string, string>,
  log: (line: string) => void,
): Program {
  const file = fileURLToPath(new URL(`../../dist/programs/${name}.js`, import.meta.url));
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, ...environment, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const hearers = new Set<(line: LogLine) => void>();
  createInterface({ input: child.stdout ?? process.stdin }).on('line', (text) => {
    const line = readLine(text);
    if (!line || Number(line.level) >= WARN) log(`${name}: ${text}`);
    if (line) for (const hear of hearers) hear(line);
  });
  return { name, child, hearers };
}

function readLine(text: string): LogLine | undefined {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
}

/** The first line of its log that has this member. @throws where the program ends or stays silent */
async function saidBy({ name, child, hearers }: Program, member: string): Promise<LogLine> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(new Error(`${name} did not start in time`)), START_MS_MAX);
    const hear = (line: LogLine) => {
      if (member in line) finish(line);
    };
    const exited = () => finish(new Error(`${name} ended at its start`));
    const finish = (end: LogLine | Error) => {
      clearTimeout(timer);
      hearers.delete(hear);
      child.off('exit', exited);
      if (end instanceof Error) reject(end);
      else resolve(end);
    };
    hearers.add(hear);
    child.once('exit', exited);
  });
}

async function endProgram({ child }: Program): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await exited;
  clearTimeout(timer);
}

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
