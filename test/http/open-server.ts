/**
 * A server of the HTTP room over an engine on a partition of its own in the run's real Redis.
 */
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { buildServer, type ServerParts } from '../../src/http/server.ts';
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
    call: (method, url, body, headers) => call(app, method, url, body, headers),
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

/** A text is sent as it is, everything else as JSON. */
async function call(
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
