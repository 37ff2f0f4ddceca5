/**
 * Composition root of the API: configuration in, a listening server out. `npm run serve` runs it as a process; `npm start`
 * calls {@link serve} in the process of the worker. Promises: when stopped, it accepts no more requests, answers those it
 * has, and ends.
 */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import closeWithGrace from 'close-with-grace';
import type { Logger } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type ConfigWith, takeConfig } from '../config.ts';
import { openHotInventory } from '../hotpath/hot-inventory.ts';
import { HTTP_LIMITS_DEFAULT } from '../http/limits.ts';
import { buildServer } from '../http/server.ts';
import { ledgerHandle } from '../ledger/handle.ts';
import { openLog, runAsProgram } from './process.ts';

/** A listening API. */
export interface Serving {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Accepts no more requests, answers those it has, closes the connections to the stores. */
  close(): Promise<void>;
}

/**
 * Opens the engine and listens.
 * @param registry gets the API's metrics
 * @throws {WrongRedisSettings} | {Fault} from the engine, or EADDRINUSE where the port is taken
 */
export async function serve(config: ConfigWith<'redis'>, log: Logger, registry: Registry): Promise<Serving> {
  const { redisUrl, ack, prefix, redisTimeoutMs, backlogEventsMax, tombstoneMs, holdSeconds } = config;
  const hot = await openHotInventory({
    redisUrl,
    ack,
    prefix,
    timeoutMs: redisTimeoutMs,
    limits: { backlogEventsMax, tombstoneMs },
  });
  const opened: (() => Promise<void>)[] = [() => hot.close()];
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    const { databaseUrl } = config;
    const ledger = databaseUrl ? ledgerHandle({ databaseUrl, say: (line) => log.warn(line) }) : undefined;
    if (ledger) opened.push(() => ledger.close());
    const app = await buildServer({
      hot,
      log,
      registry,
      ledger,
      holdSecondsDefault: holdSeconds,
      version: releaseVersion(),
    });
    opened.push(() => app.close());
    // At the start of a sale more clients connect at once than Node's default backlog of 511; beyond it the kernel drops
    // connections, and clients try again after a second.
    await app.listen({ host: config.host, port: config.port, backlog: HTTP_LIMITS_DEFAULT.connectionsMax });
    const url = urlOf(app.server.address() as AddressInfo);
    log.info({ url, docs: `${url}/docs`, ack, msetex: hot.usesMsetex }, 'listening');
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
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
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const serving = await serve(config, log, registry);
  closeWithGrace({ delay: config.shutdownMsMax, logger: log }, async ({ signal, err }) => {
    if (err) log.fatal({ err }, 'an error nobody caught: closing');
    else log.info({ signal, withinMs: config.shutdownMsMax }, 'closing: finishing open requests');
    await serving.close();
    log.info('closed');
  });
});
