/**
 * The load on an HTTP server: orders of one unit over as many connections as wanted, each asking again when it was
 * answered. Promises: requests are made beforehand, and an answer that is not 201 ends the measurement.
 */
import type { ChildProcess } from 'node:child_process';
import autocannon from 'autocannon';
import { ownCpu } from './callers.ts';
import { ask, heard, startChild } from './child.ts';
import { orderIds, SKU, WAREHOUSE } from './hot-sku.ts';

/** More requests a second than a server on one core answers; it bounds the ids made beforehand. */
const PER_SECOND_MAX = 100_000;
/** How late autocannon may notice that its time is up. */
const STOP_POLL_MS = 50;

export type ServerKind = 'real' | 'bare';

export interface Server {
  readonly child: ChildProcess;
  readonly port: number;
}

export interface Load {
  readonly port: number;
  readonly connections: number;
  /** Tells the order ids of two runs apart. */
  readonly mark: string;
  /** How long, or how many requests; clients hang up only where the time is up. */
  readonly durationMs?: number;
  readonly requests?: number;
  /** The SKU of an order; without it, the hot one. */
  readonly skuOf?: (n: number) => string;
}

export interface Loaded {
  readonly perSecond: number;
  readonly created: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the load generator per request. */
  readonly loadUs: number;
}

/** It ends with this process, or when it is killed. */
export async function startServer(kind: ServerKind, redisUrl: string): Promise<Server> {
  const child = startChild('http-server.ts', [kind, redisUrl]);
  const { port } = (await heard(child)) as { port: number };
  return { child, port };
}

/** Processor time of a server so far, in microseconds. */
export async function cpuOf(child: ChildProcess): Promise<number> {
  return ((await ask(child, 'cpu')) as { cpuUs: number }).cpuUs;
}

/** Resolves when the server listens no more and all that it had taken is decided. The process goes on. */
export async function closeServer({ child }: Server): Promise<void> {
  await ask(child, 'close');
}

/** Another server in the place of a closed one, in the same process, whose code is warm. Answers its port. */
export async function reopenServer({ child }: Server): Promise<number> {
  return ((await ask(child, 'open')) as { port: number }).port;
}

/** Some requests had no answer, or another than 201. */
export class LoadFailed extends Error {}

/** @throws {LoadFailed} */
export async function load(wish: Load): Promise<Loaded> {
  const { port, connections, mark, durationMs = 0, requests, skuOf = () => SKU } = wish;
  const seconds = durationMs / 1_000;
  const ids = orderIds(requests ?? Math.ceil(seconds * PER_SECOND_MAX));
  let next = 0;
  const nextRequest = () => {
    const n = next++;
    return requestText(port, `${mark}${ids[n % ids.length]}`, skuOf(n));
  };
  const cpuBefore = ownCpu();
  const result = await autocannon({
    url: `http://127.0.0.1:${port}`,
    connections,
    ...(requests === undefined ? { duration: seconds } : { amount: requests }),
    sampleInt: STOP_POLL_MS,
    setupClient: (connection) => connection.setRequests([new NextRequest(nextRequest)]),
  });
  const loadCpu = ownCpu() - cpuBefore;
  const { errors, timeouts, statusCodeStats, duration, latency } = result;
  const created = statusCodeStats['201']?.count ?? 0;
  const statuses = Object.keys(statusCodeStats);
  if (errors + timeouts > 0 || statuses.join() !== '201') {
    throw new LoadFailed(`${errors} errors, ${timeouts} time-outs, statuses ${statuses.join(', ')}`);
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

function requestText(port: number, orderId: string, sku: string): string {
  const body = `{"orderId":"${orderId}","lines":[{"sku":"${sku}","warehouse":"${WAREHOUSE}","quantity":1}]}`;
  return (
    `POST /v1/reservations HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: keep-alive\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
}
