/**
 * Composition root of the worker: write-behind, expiry sweep, continuous audit, webhooks, and the rebuild of a Redis that
 * has lost its data. `npm run work` runs it as a process; `npm start` calls {@link work} in the process of the API.
 * Promises: any number of workers may run, and one is active; when stopped, it finishes the current chunk.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import { type ConfigWith, takeConfig } from '../config.ts';
import {
  connectRedis,
  openConnection,
  openHotInventory,
  type RedisConnection,
} from '../hotpath/hot-inventory.ts';
import type { PartitionKeys } from '../hotpath/keys.ts';
import { type Control, isVerified, readControl, readIncarnation } from '../hotpath/partition.ts';
import { openLedger } from '../ledger/ledger.ts';
import { REUSED_KINDS } from '../ledger/write/chunk.ts';
import { poll } from '../timing/retry.ts';
import { startAuditing } from '../worker/audit/auditing.ts';
import type { Audit } from '../worker/audit/reconciliation.ts';
import { startWriteBehind, type WriteBehind, type WriteBehindStatus } from '../worker/carry/write-behind.ts';
import { startExpirySweep } from '../worker/expiry.ts';
import { ManualInterventionRequired, type RecoveryReason, recover } from '../worker/recovery/recover.ts';
import { takeBackRepeats } from '../worker/repair/repeats.ts';
import { startWebhookSender, type WebhookSender } from '../worker/webhooks/webhooks.ts';
import { endWhenTold } from './ending.ts';
import { openLog, openRegistry, runAsProgram } from './process.ts';
import { showQuarantine } from './quarantine-figures.ts';

/** A running worker. */
export interface Working {
  readonly writeBehind: WriteBehind;
  /** Resolves when the partition is open for orders. @throws after `timeoutMs` */
  ready(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

const READY_POLL_MS = 20;

/**
 * Starts the worker. Outages of a store after the start are waited out.
 * @param registry gets the worker's metrics
 * @throws {WrongRedisSettings} | {WrongPostgresSettings} | {SchemaOutdated} or where a store cannot be reached
 */
export async function work(
  config: ConfigWith<'redis' | 'database'>,
  log: Logger,
  registry: Registry,
): Promise<Working> {
  const { tombstoneMs } = config;
  const { ledger, webhookLedger, hot, redis } = await openStores(config, log);
  const { keys } = hot;
  const parts = { redis, keys, ledger, tombstoneMs, log, seen: () => seen(), memory: { wasDeposed: false } };

  let seen: () => Control | undefined = () => undefined;
  const recoverNow = async (reason: RecoveryReason): Promise<void> => {
    try {
      const outcome = await recover(parts, reason);
      if (outcome.did === 'verified')
        log.info(outcome, 'hot path and ledger are one history; the partition is open');
      if (outcome.did !== 'rebuilt') return;
      const isNew = outcome.epoch === 1;
      log[isNew ? 'info' : 'warn'](outcome, 'the partition was filled from the ledger and is open');
    } catch (error) {
      if (!(error instanceof ManualInterventionRequired)) throw error;
      log.error({ reason }, `the ledger cannot follow, and a person must decide: ${error.message}`);
    }
  };
  // Every audit repeats it while the ledger has the item in quarantine, so an outage now is only a delay.
  const quarantine = (sku: string, warehouse: string) => {
    const close = async () => {
      // A person may have lifted it since it was found.
      const [known] = await ledger.loadItems([{ sku, warehouse }]);
      if (known?.quarantine) await hot.quarantine(sku, warehouse);
    };
    close().catch((error: unknown) => {
      log.warn({ err: error, sku, warehouse }, 'the item could not be put in quarantine yet');
    });
  };
  // One at a time, and again after every audit, for what could not be done at once.
  let takingBack: Promise<void> = Promise.resolve();
  const takeBack = () => {
    takingBack = takingBack
      .then(async () => {
        if ((await takeBackRepeats({ hot, ledger, log })) === 0) return;
        await writeBehind.drained();
        await takeBackRepeats({ hot, ledger, log });
      })
      .catch((error: unknown) => log.warn({ err: error }, 'repeats could not be taken back yet'));
  };
  const writeBehind = startWriteBehind({
    ledger,
    hot,
    streamRedis: redis,
    limits: { keepEvents: config.streamKeepEvents },
    partition: keys.partition,
    log,
    onDrift: ({ sku, warehouse, kind }) => {
      if (REUSED_KINDS.has(kind)) takeBack();
      else if (sku !== undefined && warehouse !== undefined) quarantine(sku, warehouse);
    },
    onLease: () => recoverNow('lease'),
    onNotReady: (problem) => recoverNow(problem.reason),
  });
  seen = () => writeBehind.seen;
  const sweep = startExpirySweep({ hot });
  let lastAudit: Audit | undefined;
  const auditing = startAuditing({
    ...parts,
    log,
    isActive: () => writeBehind.status().active,
    onAudit: (result) => {
      lastAudit = result;
      takeBack();
      for (const { kind, sku, warehouse } of result.findings)
        if (kind === 'quarantined') quarantine(sku, warehouse);
    },
  });
  const { webhookQueue: queue, webhooks } = webhookLedger;
  const sender = startWebhookSender({ queue, webhooks, log });
  showMetrics(registry, writeBehind, sender, () => lastAudit);
  const stopShowing = showQuarantine(registry, ledger);

  return {
    writeBehind,
    ready: async (deadlineMs) => {
      const isOpen = await poll(
        async () => (await isPartitionOpen(redis, keys).catch(() => false)) || undefined,
        { everyMs: READY_POLL_MS, timeoutMs: deadlineMs },
      );
      if (isOpen) return;
      const { lastError, notReady } = writeBehind.status();
      throw new Error(
        `the partition is not ready after ${deadlineMs / 1_000} s: ${notReady ?? ''} ${lastError ?? ''}`,
      );
    },
    close: async () => {
      await stopShowing();
      await sender.stop();
      await webhookLedger.close();
      await auditing.stop();
      await sweep.stop();
      // Everything decided so far goes to the ledger, so that a stopped Holdfast has no backlog.
      await Promise.race([
        writeBehind.drained().catch(() => undefined),
        new Promise((resolve) => setTimeout(resolve, DRAIN_MS_MAX).unref()),
      ]);
      await writeBehind.stop();
      await takingBack;
      await hot.close();
      redis.disconnect();
      await ledger.close();
    },
  };
}

/** Opens what a worker talks to. @throws as {@link work}; then nothing stays open */
async function openStores(config: ConfigWith<'redis' | 'database'>, log: Logger) {
  const { databaseUrl, tombstoneMs, backlogEventsMax } = config;
  const { redisUrl, prefix, ack, replicas, durability, redisTimeoutMs: timeoutMs } = config;
  const opened: (() => Promise<void> | void)[] = [];
  try {
    const ledger = await openLedger({
      databaseUrl,
      applicationName: 'holdfast-worker',
      say: (line) => log.warn(line),
    });
    opened.push(() => ledger.close());
    // Its own connections and short statements: however slowly webhooks answer, write-behind does not wait for them.
    const webhookLedger = await openLedger({
      databaseUrl,
      applicationName: 'holdfast-webhooks',
      poolMax: WEBHOOK_CONNECTIONS_MAX,
      statementTimeoutMs: WEBHOOK_STATEMENT_TIMEOUT_MS,
    });
    opened.push(() => webhookLedger.close());
    const limits = { tombstoneMs, backlogEventsMax };
    const hot = await openHotInventory({ redisUrl, prefix, ack, replicas, durability, timeoutMs, limits });
    opened.push(() => hot.close());
    // Its own connection, so that reading the stream never waits for a batch of commands.
    const redis = connectRedis(redisUrl, timeoutMs);
    opened.push(() => redis.disconnect());
    await openConnection(redis);
    return { ledger, webhookLedger, hot, redis };
  } catch (error) {
    for (const end of opened.reverse()) await end();
    throw error;
  }
}

async function isPartitionOpen(redis: RedisConnection, keys: PartitionKeys): Promise<boolean> {
  const control = await readControl(redis, keys);
  return control !== undefined && isVerified(control, await readIncarnation(redis));
}

/** A stopping worker waits this long for the backlog to reach the ledger; the next worker writes the rest. */
const DRAIN_MS_MAX = 5_000;
const WEBHOOK_CONNECTIONS_MAX = 2;
const WEBHOOK_STATEMENT_TIMEOUT_MS = 5_000;

function showMetrics(
  registry: Registry,
  writeBehind: WriteBehind,
  sender: WebhookSender,
  lastAudit: () => Audit | undefined,
): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number | undefined) => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = read();
        // Not known is no figure: 0 would look like all is well.
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  };
  const counter = (name: string, help: string, read: () => number) => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  const status = () => writeBehind.status();
  /** A standby does not look at the stream, and one that waits for a rebuild cannot compare. */
  const known = (figure: number) => (status().active && !status().notReady ? figure : undefined);
  gauge('holdfast_worker_active', '1 where this worker carries the partition, 0 where it stands by.', () =>
    Number(status().active),
  );
  gauge(
    'holdfast_ledger_lag_events',
    'Events decided and not in the ledger yet; only of the active worker.',
    () => known(status().lagEvents),
  );
  gauge(
    'holdfast_ledger_lag_seconds',
    'Between the newest batch decided and the newest in the ledger; only of the active worker.',
    () => known(status().lagMs / 1_000),
  );
  counter(
    'holdfast_ledger_committed_events_total',
    'Events this worker has carried.',
    () => status().committedEvents,
  );
  counter('holdfast_ledger_findings_total', 'Findings of drift by this worker.', () => status().findings);
  gauge('holdfast_partition_ready', '0 where hot path and ledger do not follow from each other.', () =>
    Number(!status().notReady),
  );
  new Gauge({
    name: 'holdfast_partition_not_ready',
    help: 'Why hot path and ledger do not follow from each other (1); absent while they do.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      const reason = status().notReady;
      if (reason) this.set({ reason }, 1);
    },
  });
  gauge(
    'holdfast_webhook_deliveries_pending',
    'Alerts on their way to webhooks.',
    () => sender.status().pending,
  );
  gauge(
    'holdfast_webhook_deliveries_given_up',
    'Deliveries given up and not sent since, of those still kept.',
    () => sender.status().gaveUp,
  );
  gauge(
    'holdfast_audit_findings',
    'What the last comparison of hot path and ledger found.',
    () => lastAudit()?.findingsTotal ?? 0,
  );
  gauge(
    'holdfast_audit_items',
    'Items the last comparison looked at.',
    () => lastAudit()?.itemsCompared ?? 0,
  );
  counter(
    'holdfast_forks_total',
    "Histories that Redis had beside the ledger's, as of the last comparison.",
    () => lastAudit()?.history.forksTotal ?? 0,
  );
  gauge(
    'holdfast_forks_open',
    'Those of them that nobody has looked at yet; absent before the first comparison.',
    () => lastAudit()?.history.forksOpen,
  );
  gauge(
    'holdfast_lost_acknowledgements',
    'What was acknowledged, is not in the ledger, and nobody has looked at yet; absent before the first comparison.',
    () => lastAudit()?.history.lostAcknowledgementsOpen,
  );
  gauge(
    'holdfast_audit_finished_timestamp_seconds',
    'When the last comparison by this worker ended; absent before the first.',
    () => finishedAtSeconds(lastAudit()),
  );
}

const finishedAtSeconds = (audit: Audit | undefined) => audit && audit.finishedAtMs / 1_000;

/** Serves /metrics and /livez of a worker. @param status what /livez shows; undefined while it starts */
async function serveMetrics(
  registry: Registry,
  host: string,
  port: number,
  status: () => WriteBehindStatus | undefined,
): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/metrics') {
      registry.metrics().then(
        (text) => response.setHeader('content-type', registry.contentType).end(text),
        () => response.writeHead(500).end(),
      );
    } else if (request.url === '/livez') {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(status() ?? {}));
    } else response.writeHead(404).end();
  });
  server.requestTimeout = 5_000;
  server.headersTimeout = 5_000;
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return server;
}

runAsProgram(import.meta.url, async () => {
  const config = takeConfig({ needs: ['redis', 'database'] });
  const log = await openLog(config, 'worker');
  const registry = openRegistry();
  let working: Working | undefined;
  const start = async () => {
    // The port first: a worker that cannot have it ends before it takes the partition.
    const status = () => working?.writeBehind.status();
    const server = await serveMetrics(registry, config.host, config.workerPort, status);
    try {
      working = await work(config, log, registry);
    } catch (error) {
      server.close();
      throw error;
    }
    log.info({ metricsPort: (server.address() as AddressInfo).port }, 'working');
    return { server, close: working.close };
  };
  const starting = start();
  endWhenTold(starting, config.shutdownMsMax, log, async ({ server, close }, { signal, err }) => {
    if (err) log.fatal({ err }, 'an error nobody caught: closing');
    else log.info({ signal }, 'closing: finishing the chunk in hand');
    server.close();
    server.closeAllConnections();
    await close();
    log.info('closed');
  });
  await starting;
});
