/**
 * The load on an HTTP server: orders of one unit over raw sockets, which cost the machine less than an HTTP client would.
 * Promises: every request gets its answer; an answer that is not 201 ends the measurement.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cpu, closedLoop, ownCpu, percentile } from './callers.ts';
import { ask, heard, startChild } from './child.ts';
import { orderIds, SKU, WAREHOUSE } from './hot-sku.ts';
import { openTraffic } from './traffic.ts';

/** More requests a second than a server on one core answers; it bounds the ids made beforehand. */
const PER_SECOND_MAX = 100_000;
const NO_LIMIT_MS = 600_000;

export interface Server {
  readonly child: ChildProcess;
  readonly port: number;
}

/** It ends with this process, or when it is killed. */
export async function startServer(kind: 'real' | 'bare', redisUrl: string): Promise<Server> {
  const child = startChild('http-server.ts', [kind, redisUrl]);
  const { port } = (await heard(child)) as { port: number };
  return { child, port };
}

/** Processor time of a server so far, in microseconds. */
export async function cpuOf(child: ChildProcess): Promise<number> {
  return ((await ask(child, 'cpu')) as { cpuUs: number }).cpuUs;
}

/** Resolves when the server listens no more and all that it accepted is decided. The process goes on. */
export async function closeServer({ child }: Server): Promise<void> {
  await ask(child, 'close');
}

/** A new server in the same process, whose code is warm. Answers its port. */
export async function reopenServer({ child }: Server): Promise<number> {
  return ((await ask(child, 'open')) as { port: number }).port;
}

export interface Load {
  readonly port: number;
  readonly connections: number;
  /** Begins the order ids, so that two runs have different ones. */
  readonly mark: string;
  readonly warmUpMs?: number;
  /** Either a time or a number of requests. */
  readonly durationMs?: number;
  readonly requests?: number;
  /** The SKU of an order; without it, the hot one. */
  readonly skuOf?: (n: number) => string;
  /** Reads processor time at the beginning and at the end of what is measured. */
  readonly meter?: () => Promise<Cpu>;
}

export interface Loaded {
  readonly perSecond: number;
  /** All orders held, also those of the warm-up. */
  readonly created: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time a request, by process, the load generator's as `load`. */
  readonly cpuUs: Cpu;
  /** Of a request and its answer, headers included. */
  readonly bytes: number;
}

/** Some requests had no answer, or another than 201. */
export class LoadFailed extends Error {}

/** A closed loop: each connection sends the next order when the last is answered. @throws {LoadFailed} */
export async function load(wish: Load): Promise<Loaded> {
  const { warmUpMs = 0, durationMs = NO_LIMIT_MS, requests, connections, meter = async () => ({}) } = wish;
  const callsMax = requests ?? Math.ceil(((warmUpMs + durationMs) / 1_000) * PER_SECOND_MAX);
  return withClients(wish, callsMax, async (clients, text) => {
    let created = 0;
    const bothCpu = async () => ({ ...(await meter()), load: ownCpu() });
    const span = { warmUpMs, measureMs: durationMs, callsMax };
    const calls = await closedLoop(connections, span, bothCpu, async (n, client) => {
      await clients[client]?.post(text(n));
      created++;
    });
    const { perSecond, latenciesMs, cpuUs } = calls;
    const bytes = clients.reduce((sum, client) => sum + client.bytes, 0) / created;
    return {
      perSecond,
      created,
      p50Ms: percentile(latenciesMs, 0.5),
      p99Ms: percentile(latenciesMs, 0.99),
      cpuUs,
      bytes,
    };
  });
}

/** An open loop: an order is sent when it is due, by the next free connection. @throws {LoadFailed} */
export async function pacedLoad(
  wish: Load & { readonly durationMs: number },
  perSecond: number,
): Promise<Omit<Loaded, 'cpuUs' | 'bytes'>> {
  const callsMax = Math.ceil((wish.durationMs / 1_000) * perSecond * 2);
  return withClients(wish, callsMax, async (clients, text) => {
    const waiting: ((client: Client) => void)[] = [];
    const free = [...clients];
    const take = async () => free.pop() ?? new Promise<Client>((resolve) => waiting.push(resolve));
    const fromMs = performance.now();
    const traffic = openTraffic(perSecond, async (n) => {
      const client = await take();
      await client.post(text(n));
      const next = waiting.shift();
      if (next) next(client);
      else free.push(client);
    });
    await sleep(wish.durationMs);
    const toMs = performance.now();
    const answered = traffic.answered();
    await traffic.stop();
    const waits = traffic.between(fromMs, toMs);
    return {
      perSecond: (answered / (toMs - fromMs)) * 1_000,
      created: traffic.answered(),
      p50Ms: percentile(waits, 0.5),
      p99Ms: percentile(waits, 0.99),
    };
  });
}

async function withClients<T>(
  { port, connections, mark, skuOf = () => SKU }: Load,
  callsMax: number,
  use: (clients: readonly Client[], text: (n: number) => string) => Promise<T>,
): Promise<T> {
  const ids = orderIds(callsMax);
  const clients = Array.from({ length: connections }, () => new Client(port));
  try {
    await Promise.all(clients.map((client) => client.connected));
    return await use(clients, (n) => requestText(port, `${mark}${ids[n % ids.length]}`, skuOf(n)));
  } finally {
    for (const client of clients) client.close();
  }
}

function requestText(port: number, orderId: string, sku: string): string {
  const body = `{"orderId":"${orderId}","lines":[{"sku":"${sku}","warehouse":"${WAREHOUSE}","quantity":1}]}`;
  return (
    `POST /v1/reservations HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: keep-alive\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
}

/** One kept connection with at most one request in flight. */
class Client {
  readonly connected: Promise<unknown>;
  readonly #socket: Socket;
  #answer = '';
  #done: (() => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1');
    this.connected = once(this.#socket, 'connect');
    this.#socket.on('data', (chunk: string) => this.#take(chunk));
    this.#socket.on('error', (error) => this.#failed?.(new LoadFailed(error.message)));
    this.#socket.on('close', () => this.#failed?.(new LoadFailed('the server hung up')));
  }

  /** @throws {LoadFailed} unless the answer is 201 */
  post(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
      this.#socket.write(text, 'latin1');
    });
  }

  get bytes(): number {
    return this.#socket.bytesRead + this.#socket.bytesWritten;
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    this.#answer += chunk;
    const head = this.#answer.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#answer)?.[1] ?? 0);
    if (this.#answer.length < head + 4 + length) return;
    const answer = this.#answer;
    this.#answer = '';
    if (answer.startsWith('HTTP/1.1 201 ')) this.#done?.();
    else this.#failed?.(new LoadFailed(answer));
  }
}
