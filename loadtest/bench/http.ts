/**
 * What the engine costs over HTTP: POST /v1/reservations of the real server, without and with a worker that copies all into
 * a ledger, and a bare Fastify route that checks the same body, writes the same answer and has no engine. Each server is a
 * process; they are measured alternately over 100 connections: at the highest rate of a closed loop, and in an open loop
 * at 70 % of it. Load generator, server, Redis, worker and Postgres share the cores.
 */
import { type Bench, type Figure, figure, ratios, type Section } from './figures.ts';
import { openEngine, reservedNow } from './hot-sku.ts';
import { cpuOf, type Loaded, load, pacedLoad, startServer } from './http-load.ts';
import { inTurn } from './in-turn.ts';
import { type LedgerWorker, startLedgerWorker } from './peers/ledger-worker.ts';
import type { Stores } from './stores.ts';

const CONNECTIONS = 100;
const RATE_TIMES_MIN = 0.85;
const P99_TIMES_MAX = 2;
/** Of a server's own highest rate: as much as one would plan for. */
const PACED_SHARE = 0.7;
const PACED_MS = 3_000;
const PACED_DONE_MIN = 0.95;
export const HTTP_RATE = 'POST /v1/reservations';
const PACED = `p99 wait at ${100 * PACED_SHARE} % of the highest rate`;

interface Measured extends Loaded {
  readonly pacedP99Ms: number;
}

export const http: Section = {
  title: `HTTP, ${CONNECTIONS} connections: the real route and a bare one with the same schemas`,
  run: async (bench) => {
    const worker = await startLedgerWorker(bench.stores);
    try {
      const rivals = [
        { name: 'real', measure: () => measure(bench, 'real') },
        { name: 'with worker', measure: () => measure(bench, 'real', worker) },
        { name: 'bare', measure: () => measure(bench, 'bare') },
      ];
      const show = ({ perSecond, pacedP99Ms }: Measured) =>
        `${Math.round(perSecond)}/s, p99 ${pacedP99Ms.toFixed(1)} ms`;
      const results = await inTurn(bench.settings.repeats, rivals, bench.progress, show);
      const [real = [], carried = [], bare = []] = results;
      return [
        ...figuresOf(HTTP_RATE, real),
        ...figuresOf(`${HTTP_RATE}, the worker running`, carried),
        ...figuresOf('bare Fastify route, same schemas', bare),
        ...ratiosOf('real / bare', real, bare, false),
        ...ratiosOf('real / bare, the worker running', carried, bare, true),
      ];
    } finally {
      await worker.close();
    }
  },
};

function figuresOf(name: string, all: readonly Measured[]): Figure[] {
  const column = (what: string, unit: string, read: (one: Measured) => number) =>
    figure(`${name}${what}`, unit, all.map(read));
  return [
    column('', 'requests/s', ({ perSecond }) => perSecond),
    column(': median wait', 'ms', ({ p50Ms }) => p50Ms),
    column(': p99 wait', 'ms', ({ p99Ms }) => p99Ms),
    column(`: ${PACED}`, 'ms', ({ pacedP99Ms }) => pacedP99Ms),
    column(': CPU of the server', 'us/request', ({ cpuUs }) => cpuUs.server ?? Number.NaN),
    column(': CPU of the load generator', 'us/request', ({ cpuUs }) => cpuUs.load ?? Number.NaN),
  ];
}

function ratiosOf(
  name: string,
  real: readonly Measured[],
  bare: readonly Measured[],
  isAimed: boolean,
): Figure[] {
  const times = (read: (one: Measured) => number) => ratios(real.map(read), bare.map(read));
  const rates = times(({ perSecond }) => perSecond);
  const waits = times(({ pacedP99Ms }) => pacedP99Ms);
  return [
    figure(name, 'x', rates, isAimed ? { target: { atLeast: RATE_TIMES_MIN } } : {}),
    figure(`${name}: ${PACED}`, 'x', waits, isAimed ? { target: { atMost: P99_TIMES_MAX } } : {}),
  ];
}

/** An empty Redis with all stock of the hot SKU, and a worker that runs from the first movement on. */
export async function openShop(stores: Stores, worker?: LedgerWorker): Promise<void> {
  await (await openEngine(stores)).close();
  await worker?.begin();
}

async function measure(
  { stores, settings }: Bench,
  kind: 'real' | 'bare',
  worker?: LedgerWorker,
): Promise<Measured> {
  await openShop(stores, worker);
  const { child, port } = await startServer(kind, stores.redisUrl);
  try {
    const wish = { port, connections: CONNECTIONS };
    const meter = async () => ({ server: await cpuOf(child) });
    const times = { warmUpMs: settings.warmUpMs * 2, durationMs: settings.measureMs };
    const loaded = await load({ ...wish, ...times, mark: 'm', meter });
    const rate = PACED_SHARE * loaded.perSecond;
    const paced = await pacedLoad({ ...wish, mark: 'p', durationMs: PACED_MS }, rate);
    // A server that did not keep up has the waits of another rate.
    const keptUp = paced.perSecond >= PACED_DONE_MIN * rate;
    if (kind === 'real') await expectReserved(stores, loaded.created + paced.created, worker);
    return { ...loaded, pacedP99Ms: keptUp ? paced.p99Ms : Number.NaN };
  } finally {
    child.kill();
  }
}

/** What was answered 201 must be in Redis and, where there is one, in the ledger. */
async function expectReserved(stores: Stores, created: number, worker?: LedgerWorker): Promise<void> {
  const reserved = await reservedNow(stores);
  if (reserved !== created)
    throw new Error(`${created} orders were answered 201, but ${reserved} units are held`);
  const inLedger = await worker?.finish();
  if (inLedger !== undefined && inLedger !== reserved)
    throw new Error(`${reserved} units are held, but the ledger has ${inLedger} holds`);
}
