/**
 * What the engine costs behind HTTP: POST /v1/reservations through the real server, beside a bare Fastify route that
 * checks the same body by the same schema and writes the same answer, and has no engine. Each server is a process of its
 * own, asked in turn by autocannon in this one over 100 connections; requests are made beforehand. On two cores the load
 * generator, the server and Redis share them, which costs the real server more than the bare one.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import autocannon from 'autocannon';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { ownCpu } from './callers.ts';
import { type Bench, type Figure, figure, ratios, type Section } from './figures.ts';
import { orderIds, receive, reservedNow, SKU, WAREHOUSE } from './hot-sku.ts';
import { inTurn } from './in-turn.ts';
import { openHotInventory, openPartition } from './shipped.ts';

const CONNECTIONS = 100;
const TARGET_RATIO = 0.8;
/** More requests a second than a server on one core answers; it bounds those made beforehand. */
const PER_SECOND_MAX = 60_000;
const START_MS_MAX = 20_000;
export const HTTP_RATE = 'POST /v1/reservations';

interface Answers {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time per request of the server's process and of this one, which is autocannon's. */
  readonly serverUs: number;
  readonly loadUs: number;
}

interface Loaded extends Omit<Answers, 'serverUs'> {
  readonly created: number;
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
    const warmUp = await load(server.port, 'w', settings.warmUpMs * 2);
    const before = await cpuOf(server.child);
    const loaded = await load(server.port, 'm', settings.measureMs);
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

async function startServer(kind: string, redisUrl: string): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(new URL('http-server.ts', import.meta.url), [kind, redisUrl], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [message] = await once(child, 'message', { signal: AbortSignal.timeout(START_MS_MAX) });
  return { child, port: (message as { port: number }).port };
}

async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [message] = await once(child, 'message', { signal: AbortSignal.timeout(START_MS_MAX) });
  return (message as { cpuUs: number }).cpuUs;
}

/** @param mark tells the order ids of two runs apart */
async function load(port: number, mark: string, durationMs: number): Promise<Loaded> {
  const seconds = Math.max(1, Math.round(durationMs / 1_000));
  const ids = orderIds(seconds * PER_SECOND_MAX);
  let next = 0;
  const nextRequest = () => requestText(port, `${mark}${ids[next++ % ids.length]}`);
  const cpuBefore = ownCpu();
  const result = await autocannon({
    url: `http://127.0.0.1:${port}`,
    connections: CONNECTIONS,
    duration: seconds,
    setupClient: (connection) => connection.setRequests([new NextRequest(nextRequest)]),
  });
  const loadCpu = ownCpu() - cpuBefore;
  const { errors, timeouts, statusCodeStats, duration, latency } = result;
  const created = statusCodeStats['201']?.count ?? 0;
  const statuses = Object.keys(statusCodeStats);
  if (errors + timeouts > 0 || statuses.join() !== '201') {
    throw new Error(`${errors} errors, ${timeouts} time-outs, statuses ${statuses.join(', ')}`);
  }
  return {
    created,
    perSecond: created / duration,
    p50Ms: latency.p50,
    p99Ms: latency.p99,
    loadUs: loadCpu / created,
  };
}

/**
 * autocannon builds a request anew when something in it changes, which costs it more than a server needs to answer; so it
 * is handed the bytes where it keeps those it has built.
 */
class NextRequest {
  readonly method = 'POST';
  readonly path = '/v1/reservations';
  readonly #next: () => string;
  constructor(next: () => string) {
    this.#next = next;
  }
  get requestBuffer(): Buffer {
    return Buffer.from(this.#next(), 'latin1');
  }
  set requestBuffer(_: Buffer) {}
}

function requestText(port: number, orderId: string): string {
  const body = `{"orderId":"${orderId}","lines":[{"sku":"${SKU}","warehouse":"${WAREHOUSE}","quantity":1}]}`;
  return (
    `POST /v1/reservations HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: keep-alive\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
}
