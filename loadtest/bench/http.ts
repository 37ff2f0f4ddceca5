/**
 * What the engine costs behind HTTP: POST /v1/reservations through the real server, without and with a worker that carries
 * it all into a ledger, beside a bare Fastify route that checks the same body by the same schema and writes the same
 * answer, and has no engine. Each server is a process of its own, asked in turn over 100 connections: as fast as it can in
 * a closed loop, and at a fixed rate of 70 % of what that came to. On two cores the load generator, the server, Redis, the
 * worker and Postgres share them, which costs the real server more than the bare one.
 */
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { type Bench, type Figure, figure, ratios, type Section, type Target } from './figures.ts';
import { receive, reservedNow, SKU } from './hot-sku.ts';
import { cpuOf, type Loaded, startServer } from './http-load.ts';
import { inTurn } from './in-turn.ts';
import { type LedgerWorker, startLedgerWorker } from './peers/ledger-worker.ts';
import { openHotInventory, openPartition } from './shipped.ts';
import type { Stores } from './stores.ts';
import { loadGenerator } from './wrk.ts';

export const CONNECTIONS = 100;
const TARGET_RATIO = 0.85;
const TARGET_P99_TIMES = 2;
/** Of a server's own highest rate: as much as one would plan for. */
export const PACED_SHARE = 0.7;
const PACED_MS = 3_000;
/** A server that does less of the rate than this did not keep up: its waits are those of another rate. */
const PACED_DONE_MIN = 0.95;
export const HTTP_RATE = 'POST /v1/reservations';
const WITH_WORKER = `${HTTP_RATE}, the worker running`;
const BARE = 'bare Fastify route, same schemas';

interface Answers extends Loaded {
  /** Processor time of the server's process per request. */
  readonly serverUs: number;
  /** At the fixed rate; none where the load generator cannot do that. */
  readonly pacedP99Ms: number | undefined;
}

interface Rivalry {
  readonly kind: 'real' | 'bare';
  readonly worker?: LedgerWorker;
}

export const http: Section = {
  title: `HTTP, ${CONNECTIONS} connections: the real route and a bare one with the same schemas`,
  run: async (bench) => {
    const worker = await startLedgerWorker(bench.stores);
    try {
      const rivals = [
        { name: 'real', measure: () => measure(bench, { kind: 'real' }) },
        { name: 'with worker', measure: () => measure(bench, { kind: 'real', worker }) },
        { name: 'bare', measure: () => measure(bench, { kind: 'bare' }) },
      ];
      const [real = [], carried = [], bare = []] = await inTurn(
        bench.settings.repeats,
        rivals,
        bench.progress,
        ({ perSecond, pacedP99Ms }) =>
          `${Math.round(perSecond).toLocaleString('en')}/s, p99 ${pacedP99Ms?.toFixed(1) ?? '-'} ms`,
      );
      return [
        ...figuresOf(HTTP_RATE, real),
        ...figuresOf(WITH_WORKER, carried),
        ...figuresOf(BARE, bare),
        ...ratiosOf('real / bare', real, bare),
        ...ratiosOf('real / bare, the worker running', carried, bare, {
          rate: { target: { atLeast: TARGET_RATIO } },
          p99: { target: { atMost: TARGET_P99_TIMES } },
        }),
      ];
    } finally {
      await worker.close();
    }
  },
};

const GENERATOR = loadGenerator();
const PACED = `p99 wait at ${100 * PACED_SHARE} % of the highest rate`;

function figuresOf(name: string, all: readonly Answers[]): Figure[] {
  const column = (what: string, unit: string, read: (answers: Answers) => number) =>
    figure(`${name}${what}`, unit, all.map(read));
  const rates = all.map((answers) => answers.perSecond);
  return [
    figure(name, 'requests/s', rates, { note: `load by ${GENERATOR.name}` }),
    column(': median wait', 'ms', (answers) => answers.p50Ms),
    column(': p99 wait', 'ms', (answers) => answers.p99Ms),
    ...(GENERATOR.paced ? [column(`: ${PACED}`, 'ms', pacedP99)] : []),
    column(': CPU of the server', 'us/request', (answers) => answers.serverUs),
    column(`: CPU of ${GENERATOR.name}`, 'us/request', (answers) => answers.loadUs),
  ];
}

function ratiosOf(
  name: string,
  real: readonly Answers[],
  bare: readonly Answers[],
  targets: { rate?: { target: Target }; p99?: { target: Target } } = {},
): Figure[] {
  const times = (read: (answers: Answers) => number) => ratios(real.map(read), bare.map(read));
  const rate = figure(
    name,
    'x',
    times((answers) => answers.perSecond),
    targets.rate,
  );
  return GENERATOR.paced ? [rate, figure(`${name}: ${PACED}`, 'x', times(pacedP99), targets.p99)] : [rate];
}

const pacedP99 = ({ pacedP99Ms }: Answers): number => pacedP99Ms ?? Number.NaN;

/** An empty Redis with all stock of the hot SKU, and a worker that carries it from the first movement on. */
export async function openShop(stores: Stores, worker?: LedgerWorker): Promise<void> {
  await stores.clear();
  await openPartition(stores.admin, partitionKeys(), 1);
  await worker?.begin();
  const hot = await openHotInventory({ redisUrl: stores.redisUrl, ack: 'fsync' });
  await receive(hot, SKU).finally(() => hot.close());
}

async function measure(bench: Bench, { kind, worker }: Rivalry): Promise<Answers> {
  const { stores, settings } = bench;
  await openShop(stores, worker);
  const server = await startServer(kind, stores.redisUrl);
  try {
    const request = { port: server.port, connections: CONNECTIONS };
    const warmUp = await GENERATOR.load({ ...request, mark: 'w', durationMs: settings.warmUpMs * 2 });
    const before = await cpuOf(server.child);
    const loaded = await GENERATOR.load({ ...request, mark: 'm', durationMs: settings.measureMs });
    const serverUs = ((await cpuOf(server.child)) - before) / loaded.created;
    const rate = PACED_SHARE * loaded.perSecond;
    const paced = await GENERATOR.paced?.({ ...request, mark: 'p', durationMs: PACED_MS }, rate);
    if (paced && paced.perSecond < PACED_DONE_MIN * rate) {
      throw new Error(`${Math.round(paced.perSecond)} requests/s where ${Math.round(rate)} were asked for`);
    }
    const created = warmUp.created + loaded.created + (paced?.created ?? 0);
    if (kind === 'real') await expectReserved(bench, created, worker);
    return { ...loaded, serverUs, pacedP99Ms: paced?.p99Ms };
  } finally {
    server.child.kill();
  }
}

/**
 * What was answered 201 must stand in Redis, and in the ledger where one is kept; orders under way when the load generator
 * hung up, three times, may stand there as well.
 */
async function expectReserved({ stores }: Bench, created: number, worker?: LedgerWorker): Promise<void> {
  const carried = await worker?.finish();
  const reserved = await reservedNow(stores);
  if (!(reserved >= created && reserved <= created + 3 * CONNECTIONS)) {
    throw new Error(`${created} orders were answered 201, but ${reserved} units are held`);
  }
  if (carried !== undefined && carried !== reserved) {
    throw new Error(`${reserved} units are held, but the ledger has ${carried} holds`);
  }
}
