/**
 * Composition root of the API: configuration in, a listening server out. `npm run serve` runs it as a process of its own;
 * `npm start` calls `serve` beside a worker. Promises: told to stop, it takes no more, finishes what it has, and ends.
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

export interface Serving {
  /** Where it listens, `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes no more requests, answers those it has, lets go of the stores. */
  close(): Promise<void>;
}

/** Opens the engine and listens. @throws {WrongRedisSettings} | {Fault} as the engine does, and where the port is taken */
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
    const ledger = databaseUrl ? ledgerHandle({ databaseUrl }) : undefined;
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
    // When the doors open, more connect at once than Node's 511 may wait; beyond it the kernel drops them for a second.
    await app.listen({ host: config.host, port: config.port, backlog: HTTP_LIMITS_DEFAULT.connectionsMax });
    const url = urlOf(app.server.address() as AddressInfo);
    log.info({ url, docs: `${url}/docs`, ack }, 'listening');
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function urlOf({ address, family, port }: AddressInfo): string {
  // All addresses of the machine: this one can be clicked.
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
    else log.info({ signal, withinMs: config.shutdownMsMax }, 'closing: finishing what is under way');
    await serving.close();
    log.info('closed');
  });
});
