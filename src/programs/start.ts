/**
 * `npm start`: all of Holdfast on one machine, for trying it out and for development. Starts a local Redis and Postgres,
 * migrates, seeds a small catalogue, starts worker and API, and prints their addresses.
 * Promises: it never touches a server it did not start unless REDIS_URL or DATABASE_URL name one, keeps its data in its
 * folder, and on Ctrl-C stops everything in order and loses nothing.
 */
import { resolve } from 'node:path';
import { type Config, takeConfig } from '../config.ts';
import { openHotInventory } from '../hotpath/hot-inventory.ts';
import { openLedger } from '../ledger/ledger.ts';
import { migrate } from '../ledger/migrate.ts';
import { openFolder } from '../local/data-folder.ts';
import { startPostgres } from '../local/postgres-server.ts';
import { startRedis } from '../local/redis-server.ts';
import { endWhenTold } from './ending.ts';
import { openLog, openRegistry, runAsProgram } from './process.ts';
import { forgetRunning, type Running, writeRunning } from './running.ts';
import { seedCatalogue } from './seed.ts';
import { serve } from './serve.ts';
import { work } from './work.ts';

/** A running Holdfast. */
export interface StartedHoldfast {
  readonly running: Running;
  /** How each store was found, one line each. */
  readonly routes: readonly string[];
  readonly wasSeeded: boolean;
  /** As {@link Serving.drain}. */
  drain(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** How long the first rebuild may take before `npm start` gives up. */
const READY_MS_MAX = 120_000;

/**
 * Starts worker and API in this process, and the local stores. Where a step fails, everything started is stopped.
 * @throws what the failed step throws
 */
export async function startHoldfast(
  config: Config,
  { quiet = false }: { readonly quiet?: boolean } = {},
): Promise<StartedHoldfast> {
  const say = (line: string) => {
    if (!quiet) console.log(line);
  };
  const dataFolder = resolve(config.dataFolder);
  await openFolder(dataFolder, 0);
  const log = await openLog(quiet ? { logLevel: 'warn' } : config, 'holdfast');
  const opened: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    const routes: string[] = [];
    let { redisUrl, databaseUrl } = config;
    if (redisUrl) routes.push('Redis: REDIS_URL');
    else {
      const redis = await startRedis({ dataFolder, engine: config.localRedis, log: say });
      opened.push(() => redis.stop());
      redisUrl = redis.url;
      routes.push(`Redis: ${redis.route}`);
    }
    if (databaseUrl) routes.push('Postgres: DATABASE_URL');
    else {
      const postgres = await startPostgres({ dataFolder, log: say });
      opened.push(() => postgres.stop());
      databaseUrl = postgres.url;
      routes.push(`Postgres: ${postgres.route}`);
    }
    const stores = { ...config, redisUrl, databaseUrl };
    await migrate(databaseUrl);

    const registry = openRegistry();
    const worker = await work(stores, log, registry);
    opened.push(() => worker.close());
    await worker.ready(READY_MS_MAX);
    const wasSeeded = await seed(stores);

    const api = await serve(stores, log, registry, { orAnyPort: true });
    opened.push(() => api.close());
    const running = { pid: process.pid, url: api.url, redisUrl, databaseUrl, prefix: config.prefix };
    await writeRunning(dataFolder, running);
    opened.push(() => forgetRunning(dataFolder));
    return { running, routes, wasSeeded, drain: api.drain, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Stores = Config & { readonly redisUrl: string; readonly databaseUrl: string };

async function seed(config: Stores): Promise<boolean> {
  const { redisUrl, prefix, ack, replicas, durability } = config;
  const hot = await openHotInventory({ redisUrl, prefix, ack, replicas, durability });
  const ledger = await openLedger({ databaseUrl: config.databaseUrl });
  try {
    return await seedCatalogue(hot, ledger);
  } finally {
    await hot.close();
    await ledger.close();
  }
}

function box(lines: readonly string[]): string {
  const width = Math.max(...lines.map((line) => line.length));
  const rule = '─'.repeat(width + 2);
  return [`┌${rule}┐`, ...lines.map((line) => `│ ${line.padEnd(width)} │`), `└${rule}┘`].join('\n');
}

function welcome(started: StartedHoldfast, dataFolder: string): string {
  const { url } = started.running;
  return [
    box([
      `Holdfast is ready${started.wasSeeded ? ' (a small catalogue was seeded)' : ', with the stock it had'}`,
      '',
      `API       ${url}`,
      `Docs      ${url}/docs`,
      `Metrics   ${url}/metrics`,
      `Problems  ${url}/problems`,
      `Data      ${resolve(dataFolder)}`,
      ...started.routes,
      '',
      'A flash sale:  npm run sale -- --stock 100 --buyers 1000',
      'Ctrl-C stops everything; nothing is lost.',
    ]),
    'Hold two shirts for an order (paste it):',
    '',
    `curl -s ${url}/v1/reservations -H 'content-type: application/json' \\`,
    `  -d '{"orderId":"order-1","lines":[{"sku":"TSHIRT-BLACK-M","quantity":2}]}'`,
    '',
  ].join('\n');
}

runAsProgram(import.meta.url, async () => {
  // Info lines would push the box off the screen; LOG_LEVEL turns them on.
  const config = takeConfig({});
  const starting = startHoldfast(config.isLogLevelChosen ? config : { ...config, logLevel: 'warn' });
  endWhenTold(starting, config.shutdownMsMax, console, async (started, { err }) => {
    if (err) console.error(err);
    // A person at a terminal does not wait for a balancer.
    else if (config.isDrainChosen || !process.stdout.isTTY) await started.drain(config.drainMs);
    console.log('\nStopping: finishing open requests, then worker, Redis and Postgres ...');
    await started.close();
    console.log('Stopped.');
  });
  const started = await starting;
  console.log(welcome(started, config.dataFolder));
});
