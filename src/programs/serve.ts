/**
 * Composition root of the API: configuration in, a listening server out. `npm run serve` runs it as a process; `npm start`
 * calls {@link serve} in the process of the worker. Promises: told to stop, it first says so at /readyz and goes on answering,
 * so that a balancer sends the next requests elsewhere; then it takes no more, answers those it has, and ends.
 */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { type ConfigWith, takeConfig } from '../config.ts';
import { openHotInventory } from '../hotpath/hot-inventory.ts';
import { HTTP_LIMITS_DEFAULT, timeLimits } from '../http/limits.ts';
import { startLossReporter } from '../http/loss-reporter.ts';
import { buildServer } from '../http/server.ts';
import { ledgerHandle } from '../ledger/handle.ts';
import { pause } from '../timing/retry.ts';
import { endWhenTold } from './ending.ts';
import { watchLedger } from './ledger-watch.ts';
import { openLog, openRegistry, runAsProgram } from './process.ts';

/** A listening API. */
export interface Serving {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Says at /readyz that it stops, and goes on answering for this time. */
  drain(ms: number): Promise<void>;
  /** Takes no more requests, answers those it has, closes the connections to the stores. */
  close(): Promise<void>;
}

/** How to serve. */
export interface ServeOptions {
  /** Where the port is taken, listen on any free one. */
  readonly orAnyPort?: boolean;
}

/**
 * Opens the engine and listens.
 * @param registry gets the API's metrics
 * @throws {WrongRedisSettings} | {Fault} from the engine, or EADDRINUSE where the port is taken
 */
export async function serve(
  config: ConfigWith<'redis'>,
  log: Logger,
  registry: Registry,
  { orAnyPort = false }: ServeOptions = {},
): Promise<Serving> {
  const { redisUrl, ack, replicas, durability, prefix, redisTimeoutMs } = config;
  const { backlogEventsMax, tombstoneMs, holdSeconds } = config;
  const hot = await openHotInventory({
    redisUrl,
    ack,
    replicas,
    durability,
    prefix,
    timeoutMs: redisTimeoutMs,
    keepsAcknowledgements: config.databaseUrl !== undefined,
    limits: { backlogEventsMax, tombstoneMs },
  });
  const opened: (() => Promise<void> | void)[] = [() => hot.close()];
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    const { databaseUrl } = config;
    const ledger = databaseUrl ? ledgerHandle({ databaseUrl, say: (line) => log.warn(line) }) : undefined;
    if (ledger) {
      const reporter = startLossReporter({ hot, ledger, log, source: `${hostname()}:${process.pid}` });
      opened.push(
        () => ledger.close(),
        watchLedger(ledger, hot.keys.partition, log),
        () => reporter.close(),
      );
    }
    const stopping = new AbortController();
    const app = await buildServer({
      hot,
      log,
      registry,
      ledger,
      limits: timeLimits(config.keepAliveMs, config.requestMsMax),
      holdSecondsDefault: holdSeconds,
      stopping: stopping.signal,
      version: releaseVersion(),
    });
    opened.push(() => app.close());
    new Gauge({
      name: 'holdfast_ledger_backlog_limit_events',
      help: 'Backlog at which nothing new is promised any more.',
      registers: [registry],
    }).set(backlogEventsMax);
    await listen(app, config).catch((error: unknown) => {
      const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
      if (!orAnyPort || !isTaken) throw error;
      log.warn({ port: config.port }, 'the port is taken, another one is used; PORT says which');
      return listen(app, { ...config, port: 0 });
    });
    const url = urlOf(app.server.address() as AddressInfo);
    log.info({ url, docs: `${url}/docs`, ack, msetex: hot.usesMsetex }, 'listening');
    const drain = async (ms: number) => {
      stopping.abort();
      await pause(ms);
    };
    return { url, drain, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listen(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<void> {
  // At the start of a sale more clients connect at once than Node's default backlog of 511; beyond it the kernel drops
  // connections, and clients try again after a second.
  await app.listen({ host, port, backlog: HTTP_LIMITS_DEFAULT.connectionsMax });
}

function urlOf({ address, family, port }: AddressInfo): string {
  // It listens on all addresses; this one can be clicked.
  if (address === '0.0.0.0' || address === '::') return `http://127.0.0.1:${port}`;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function releaseVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

runAsProgram(import.meta.url, async () => {
  const config = takeConfig({ needs: ['redis'] });
  const log = await openLog(config, 'api');
  const starting = serve(config, log, openRegistry());
  const { drainMs, shutdownMsMax } = config;
  endWhenTold(starting, shutdownMsMax, log, async (serving, { signal, err }) => {
    if (err) log.fatal({ err }, 'an error nobody caught: closing');
    else {
      log.info({ signal, drainMs }, 'stopping: not ready any more, answering what still comes');
      await serving.drain(drainMs);
      log.info({ withinMs: shutdownMsMax - drainMs }, 'closing: finishing open requests');
    }
    await serving.close();
    log.info('closed');
  });
  await starting;
});
