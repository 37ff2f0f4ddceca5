/**
 * The HTTP room: listens, parses, calls the engine, translates its answers. Builds the server apart from listening.
 * Promises: every answer is one of the contract's, whatever came in; a server that closes finishes what it has begun.
 * Refuses to know: Postgres, the worker and the environment; what it needs of them is handed in.
 */
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { HOLD_SECONDS_DEFAULT } from '../domain/language.ts';
import type { HotInventory } from '../hotpath/hot-inventory.ts';
import type { LedgerHandle } from '../ledger/handle.ts';
import { BookedBefore } from './booked-before.ts';
import { refuseAddress, refuseClientErrors, refuseErrors, refuseUnknownRoutes } from './errors.ts';
import { readStrictJson } from './json-body.ts';
import { LedgerAck } from './ledger-ack.ts';
import { LedgerClient } from './ledger-client.ts';
import { HTTP_LIMITS_DEFAULT, type HttpLimits } from './limits.ts';
import { openMetrics } from './metrics.ts';
import { parseQuery } from './query-string.ts';
import { Routes } from './route.ts';
import { declareAlerts } from './routes/alerts.ts';
import { declareExplain } from './routes/explain.ts';
import { declareHealth } from './routes/health.ts';
import { declareLedger } from './routes/ledger.ts';
import { collectRoutes, declarePages } from './routes/pages.ts';
import { declareProposals } from './routes/proposals.ts';
import { declareReservations } from './routes/reservations.ts';
import { declareSales } from './routes/sales.ts';
import { declareShortfalls } from './routes/shortfalls.ts';
import { declareStock } from './routes/stock.ts';
import { declareStocktakes } from './routes/stocktakes.ts';
import { declareTransfers } from './routes/transfers.ts';
import { declareWarehouses } from './routes/warehouses.ts';
import { declareWebhooks } from './routes/webhooks.ts';

export interface ServerParts {
  readonly hot: HotInventory;
  readonly log: FastifyBaseLogger;
  /** Where the metrics of this room are registered; /metrics shows all of it. */
  readonly registry: Registry;
  /** Without it the ledger's routes answer 503 and everything else works. */
  readonly ledger?: LedgerHandle | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
  readonly holdSecondsDefault?: number | undefined;
  /**
   * Aborted when the process is told to stop. Orders go on until the server closes, but /readyz says no, and each answer ends
   * its connection: clients and balancers move to another process without a failed request.
   */
  readonly stopping?: AbortSignal | undefined;
  /** Of this release, for the OpenAPI document. */
  readonly version?: string | undefined;
}

/** How often a closing server looks for connections that have become idle. */
const CLOSE_IDLE_MS = 50;

/** Builds the server; the caller listens and closes. Closing it closes neither engine nor ledger. */
export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const { hot, log } = parts;
  const limits = { ...HTTP_LIMITS_DEFAULT, ...parts.limits };
  const metrics = openMetrics(parts.registry, hot);
  const ledger = new LedgerClient(parts.ledger, log, limits.ledgerReadsMax);
  const booked = new BookedBefore(hot, ledger);
  const routes = new Routes(metrics, log, new LedgerAck(hot, parts.ledger));
  parts.stopping?.addEventListener('abort', () => {
    routes.isStopping = true;
  });
  const app = Fastify({
    ...networkOptions(limits),
    // Fastify logs nothing by itself: for every order it would make a logger and listen for the end of the answer, a
    // tenth of what the route costs even with its request log off. What is worth a line is logged in Routes and errors.ts.
    logger: false,
    genReqId: requestIds(),
    trustProxy: false,
    // Our own answer while closing is a problem document with Retry-After; see Routes.
    return503OnClosing: false,
    frameworkErrors: refuseAddress(routes),
    clientErrorHandler: refuseClientErrors(metrics),
  });
  app.server.maxConnections = limits.connectionsMax;
  readStrictJson(app);

  refuseErrors(app, routes, log);
  refuseUnknownRoutes(app, routes);
  await collectRoutes(app, routes, parts.version ?? '0.0.0');
  declareReservations(app, routes, hot, {
    holdSecondsDefault: parts.holdSecondsDefault ?? HOLD_SECONDS_DEFAULT,
    batchBodyBytesMax: limits.batchBodyBytesMax,
  });
  declareStock(app, routes, hot, booked);
  declareWarehouses(app, routes, hot, ledger);
  declareStocktakes(app, routes, hot, ledger, booked, limits.sheetBodyBytesMax);
  declareTransfers(app, routes, hot, ledger, booked);
  declareProposals(app, routes, ledger);
  declareSales(app, routes, hot, ledger);
  declareShortfalls(app, routes, ledger);
  declareLedger(app, routes, hot, ledger);
  declareExplain(app, routes, ledger);
  declareAlerts(app, routes, ledger);
  declareWebhooks(app, routes, ledger);
  declareHealth(app, routes, hot, metrics, limits.readyMsMax);
  await app.register((scope) => declarePages(scope, routes));
  closeGently(app, routes);
  await app.ready();
  return app;
}

function networkOptions(limits: HttpLimits) {
  return {
    bodyLimit: limits.bodyBytesMax,
    connectionTimeout: limits.silenceMsMax,
    requestTimeout: limits.requestMsMax,
    keepAliveTimeout: limits.keepAliveMsMax,
    maxRequestsPerSocket: limits.requestsPerConnectionMax,
    // The path is bounded by the headers already; a long id is answered 400 with its name, not 404.
    routerOptions: { maxParamLength: limits.headersBytesMax, querystringParser: parseQuery },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    http: {
      maxHeaderSize: limits.headersBytesMax,
      headersTimeout: limits.headersMsMax,
      requestTimeout: limits.requestMsMax,
      connectionsCheckingInterval: limits.slowClientsCheckMs,
    },
  } as const;
}

/** Ids that differ between processes and cost nothing: a random beginning and a count. */
function requestIds(): () => string {
  const start = Math.floor(Math.random() * 36 ** 6).toString(36);
  let count = 0;
  return () => `${start}-${(++count).toString(36)}`;
}

/**
 * A closing server answers what it has begun and refuses what comes after. Node closes idle connections once, when closing
 * begins; those busy then would keep the server open until their keep-alive ends, so they are looked for again.
 */
function closeGently(app: FastifyInstance, routes: Routes): void {
  app.addHook('preClose', async () => {
    routes.isClosing = true;
    const timer = setInterval(() => app.server.closeIdleConnections(), CLOSE_IDLE_MS);
    timer.unref();
    app.server.once('close', () => clearInterval(timer));
    if (!app.server.listening) clearInterval(timer);
  });
}
