/**
 * A server of the HTTP room over an engine on a partition of its own in the run's real Redis.
 */
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect } from 'vitest';
import { buildServer, type ServerParts } from '../../src/http/server.ts';
import type { LedgerApi, LedgerHandle } from '../../src/ledger/handle.ts';
import { type TestEngine, testEngine } from '../services.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  /** Empty where the answer is no JSON. */
  readonly body: Record<string, unknown>;
  readonly text: string;
}

export interface OpenServer extends TestEngine {
  readonly app: FastifyInstance;
  /** Lines logged so far, parsed. */
  readonly logged: Record<string, unknown>[];
  call(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** `quantity` units of `sku` in `warehouse`. */
  stock(sku: string, quantity: number, warehouse?: string): Promise<void>;
}

type EngineOptions = NonNullable<Parameters<typeof testEngine>[0]>;
type OtherParts = Omit<ServerParts, 'hot' | 'log' | 'registry'>;

export async function openServer(engine: EngineOptions = {}, parts: OtherParts = {}): Promise<OpenServer> {
  const own = await testEngine(engine);
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const app = await buildServer({ hot: own.hot, ...parts, log, registry: new Registry() });
  let movements = 0;
  const server: OpenServer = {
    ...own,
    app,
    logged,
    call: (method, url, body, headers) => callApp(app, method, url, body, headers),
    stock: async (sku, quantity, warehouse = 'TPE') => {
      const done = await own.hot.receive({ movementId: `stock-${++movements}`, sku, warehouse, quantity });
      if (done.outcome !== 'done') throw new Error(done.refusal.code);
    },
    close: async () => {
      await app.close();
      await own.close();
    },
  };
  return server;
}

/** A ledger that answers some questions as the test says; every other one fails, as if it were away. */
export function ledgerWith(answers: object): LedgerHandle {
  return { open: async () => answers as LedgerApi, close: async () => {} };
}

/** A text is sent as it is, everything else as JSON. */
export async function callApp(
  app: FastifyInstance,
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await app.inject({
    method: method as 'GET',
    url,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const isJson = String(answer.headers['content-type']).includes('json');
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text: answer.payload,
    body: isJson ? answer.json() : {},
  };
}

/** Runs `METHOD /path` and says that Redis is as it was. */
export async function callWithoutTrace(
  server: OpenServer,
  route: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const before = await server.dump();
  const space = route.indexOf(' ');
  const answer = await server.call(route.slice(0, space), route.slice(space + 1), body, headers);
  expect(await server.dump()).toBe(before);
  return answer;
}

/** 400, with these fields named and words that say what would be right. */
export function expectInvalid(answer: Answer, paths: readonly string[]): void {
  expect(answer.status).toBe(400);
  expect(answer.body.code).toBe('invalid-request');
  const errors = answer.body.errors as { path: string; message: string }[];
  expect(errors.map(({ path }) => path)).toEqual(paths);
  for (const { message } of errors) expect(message).toMatch(/^[a-z]/);
  expect(Buffer.byteLength(answer.text)).toBeLessThan(4_096);
}

/** Status, code and members of a problem document. */
export function problemOf(answer: Answer): Record<string, unknown> {
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  const { type, title, status, detail, code, ...members } = answer.body;
  expect(type).toBe(`/problems/${code}`);
  expect(title).toEqual(expect.any(String));
  expect(detail).toEqual(expect.any(String));
  expect(status).toBe(answer.status);
  return { status, code, ...members };
}
