/**
 * What the engine costs behind HTTP: POST /v1/reservations through the real server, beside a bare Fastify route that
 * checks the same body by the same schema and writes the same answer, and has no engine. Each server is a process of its
 * own, asked in turn by autocannon in this one over 100 connections; requests are made beforehand. On two cores the load
 * generator, the server and Redis share them, which costs the real server more than the bare one.
 */
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { type Bench, type Figure, figure, ratios, type Section } from './figures.ts';
import { receive, reservedNow, SKU } from './hot-sku.ts';
import { cpuOf, type Loaded, load, startServer } from './http-load.ts';
import { inTurn } from './in-turn.ts';
import { openHotInventory, openPartition } from './shipped.ts';

const CONNECTIONS = 100;
const TARGET_RATIO = 0.8;
export const HTTP_RATE = 'POST /v1/reservations';

interface Answers extends Loaded {
  /** Processor time of the server's process per request. */
  readonly serverUs: number;
}

export const http: Section = {
  title: `HTTP, ${CONNECTIONS} connections: the real route and a bare one with the same schemas`,
  run: async (bench) => {
    const rivals = [
      { name: 'real', measure: () => measure(bench, 'real') },
      { name: 'bare', measure: () => measure(bench, 'bare') },
    ];
    const [real = [], bare = []] = await inTurn(
      bench.settings.repeats,
      rivals,
      bench.progress,
      ({ perSecond }) => `${Math.round(perSecond).toLocaleString('en')}/s`,
    );
    const perSecond = (all: readonly Answers[]) => all.map((answers) => answers.perSecond);
    return [
      ...figuresOf(HTTP_RATE, real),
      ...figuresOf('bare Fastify route, same schemas', bare),
      figure('real / bare', 'x', ratios(perSecond(real), perSecond(bare)), {
        target: { atLeast: TARGET_RATIO },
      }),
    ];
  },
};

function figuresOf(name: string, all: readonly Answers[]): Figure[] {
  const column = (read: (answers: Answers) => number) => all.map(read);
  return [
    figure(
      name,
      'requests/s',
      column((answers) => answers.perSecond),
    ),
    figure(
      `${name}: median wait`,
      'ms',
      column((answers) => answers.p50Ms),
    ),
    figure(
      `${name}: p99 wait`,
      'ms',
      column((answers) => answers.p99Ms),
    ),
    figure(
      `${name}: CPU of the server`,
      'us/request',
      column((answers) => answers.serverUs),
    ),
    figure(
      `${name}: CPU of autocannon`,
      'us/request',
      column((answers) => answers.loadUs),
    ),
  ];
}

async function measure(bench: Bench, kind: 'real' | 'bare'): Promise<Answers> {
  const { stores, settings } = bench;
  await stores.clear();
  await openPartition(stores.admin, partitionKeys(), 1);
  const hot = await openHotInventory({ redisUrl: stores.redisUrl, ack: 'fsync' });
  await receive(hot, SKU).finally(() => hot.close());
  const server = await startServer(kind, stores.redisUrl);
  try {
    const request = { port: server.port, connections: CONNECTIONS };
    const warmUp = await load({ ...request, mark: 'w', durationMs: settings.warmUpMs * 2 });
    const before = await cpuOf(server.child);
    const loaded = await load({ ...request, mark: 'm', durationMs: settings.measureMs });
    const serverUs = ((await cpuOf(server.child)) - before) / loaded.created;
    if (kind === 'real') await expectReserved(bench, warmUp.created + loaded.created);
    return { ...loaded, serverUs };
  } finally {
    server.child.kill();
  }
}

/** What was answered 201 must stand in Redis; orders under way when autocannon hung up may stand there as well. */
async function expectReserved({ stores }: Bench, created: number): Promise<void> {
  const reserved = await reservedNow(stores);
  if (!(reserved >= created && reserved <= created + 2 * CONNECTIONS)) {
    throw new Error(`${created} orders were answered 201, but ${reserved} units are held`);
  }
}
