/**
 * How a route is declared: once, with its schemas, its problems and its words, from which come the check of the request,
 * the OpenAPI entry and the metrics. Promises: whatever a handler throws becomes an answer; an order costs no log line.
 * Refuses to know: what the routes do.
 */
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { Fault } from '../hotpath/fault.ts';
import {
  ACTOR_HEADER,
  type Answer,
  answerOf,
  internal,
  invalid,
  ledgerIsLate,
  REPLAYED_HEADER,
  unavailable,
} from './answers.ts';
import { ACK_HEADER, type LedgerAck } from './ledger-ack.ts';
import type { HttpMetrics, RouteMetrics } from './metrics.ts';
import type { ProblemCode } from './problems.ts';
import { type Issue, issuesOf, jsonSchema } from './schemas.ts';

/** Faults come in thousands while a store is away: one line a second says how many. */
const FAULT_LOG_MS = 1_000;

export type RequestPart = 'body' | 'params' | 'querystring';

export interface RouteSpec<B extends z.ZodType, P extends z.ZodType, Q extends z.ZodType> {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** In Fastify's spelling, `/v1/items/:sku`. */
  readonly url: string;
  /** The operation's name in OpenAPI, from which clients make a function. */
  readonly name: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** A body that is not there counts as `{}`. */
  readonly bodyMayBeMissing?: boolean;
  /** What the document shows for `body` where the handler checks parts of it itself. */
  readonly bodyShown?: z.ZodType;
  /** Where a body may be larger than the server takes otherwise. */
  readonly bodyBytesMax?: number;
  /** JSON Schema, or `{ content: ... }`, of the answers that go well, by status. */
  readonly answers: Readonly<Record<number, { description: string } & Record<string, unknown>>>;
  /** What this route itself can refuse; what every route can is added. */
  readonly problems?: readonly ProblemCode[];
  handle(
    request: FastifyRequest<{ Body: z.output<B>; Params: z.output<P>; Querystring: z.output<Q> }>,
    reply: FastifyReply,
  ): Promise<Answer>;
}

/** What the document says about a route. */
export interface DeclaredRoute {
  readonly method: string;
  readonly url: string;
  readonly problems: readonly ProblemCode[];
  /** Whether the call may name who acts. */
  readonly takesActor: boolean;
  readonly bodyMayBeMissing: boolean;
  /** JSON Schema in the place of the one that is compiled. */
  readonly bodyShown: Record<string, unknown> | undefined;
}

const NO_PROBLEMS: readonly ProblemCode[] = [];
const ACTOR_FIELD = ACTOR_HEADER.toLowerCase();
const ACK_FIELD = ACK_HEADER.toLowerCase();

const WRONG_ACK = invalid([{ path: ACK_HEADER, message: 'use `ledger`, or leave the header out' }]);

/** Who acts, where the caller says so; the engine checks the name. */
export function actorOf(request: FastifyRequest): string | undefined {
  // Node joins a header given twice, so it is one text, which is then no valid name.
  return request.headers[ACTOR_FIELD] as string | undefined;
}

export class Routes {
  readonly declared: DeclaredRoute[] = [];
  /** Requests that come now are refused: the process is going. */
  isClosing = false;
  readonly #metrics: HttpMetrics;
  readonly #ledgerAck: LedgerAck;
  readonly #log: FastifyBaseLogger;
  readonly #words = new Map<string, z.ZodType>();
  readonly #metricsOf = new Map<string, RouteMetrics>();
  readonly #unmatched: RouteMetrics;
  #faults = 0;
  #faultsLoggedAtMs = Number.NEGATIVE_INFINITY;

  constructor(metrics: HttpMetrics, log: FastifyBaseLogger, ledgerAck: LedgerAck) {
    this.#ledgerAck = ledgerAck;
    this.#metrics = metrics;
    this.#log = log;
    this.#unmatched = metrics.route('none');
  }

  declare<B extends z.ZodType, P extends z.ZodType, Q extends z.ZodType>(
    app: FastifyInstance,
    spec: RouteSpec<B, P, Q>,
  ): void {
    const { method, url, body, params, query, handle } = spec;
    const name = `${method} ${url}`;
    const metrics = this.#metrics.route(name);
    this.#metricsOf.set(name, metrics);
    this.declared.push({
      method,
      url,
      problems: problemsOf(spec),
      takesActor: method !== 'GET',
      bodyMayBeMissing: spec.bodyMayBeMissing ?? false,
      bodyShown: spec.bodyShown && jsonSchema(spec.bodyShown, 'input'),
    });
    const schema: Record<string, unknown> = {
      operationId: spec.name,
      tags: [spec.tag],
      summary: spec.summary,
      response: spec.answers,
    };
    if (spec.description) schema.description = spec.description;
    for (const [part, shape] of [
      ['body', body],
      ['params', params],
      ['querystring', query],
    ] as const) {
      if (!shape) continue;
      // A query is text that becomes numbers, so the document shows what comes out; what has a default may be left out.
      schema[part] =
        part === 'querystring'
          ? { ...jsonSchema(shape, 'output'), required: [] }
          : jsonSchema(shape, 'input');
      this.#words.set(`${name} ${part}`, shape);
    }
    app.route<{ Body: z.output<B>; Params: z.output<P>; Querystring: z.output<Q> }>({
      method,
      url,
      schema,
      ...(spec.bodyBytesMax === undefined ? {} : { bodyLimit: spec.bodyBytesMax }),
      // A route that takes a query is not the way of an order: all its parts are read by their shapes.
      ...(query
        ? {
            validatorCompiler: ({ httpPart }: { httpPart?: string }) =>
              readPart({ body, params, querystring: query }[httpPart as RequestPart] ?? query),
          }
        : {}),
      ...(spec.bodyMayBeMissing
        ? {
            preValidation: (request, _reply, done) => {
              if (request.body === undefined) request.body = {} as z.output<B>;
              done();
            },
          }
        : {}),
      handler: (request, reply) => {
        const startedAtMs = performance.now();
        if (this.isClosing)
          return this.#send(reply, unavailable('The service is closing.'), metrics, startedAtMs);
        const fail = (error: unknown) =>
          this.#send(reply, this.failed(error, request.id), metrics, startedAtMs);
        try {
          const ack = method === 'GET' ? undefined : request.headers[ACK_FIELD];
          if (ack !== undefined && ack !== 'ledger')
            return this.#send(reply, WRONG_ACK, metrics, startedAtMs);
          const answered = handle(request, reply);
          return (ack === undefined ? answered : this.#awaitLedger(answered)).then(
            (answer) => this.#send(reply, answer, metrics, startedAtMs),
            fail,
          );
        } catch (error) {
          return fail(error);
        }
      },
    });
  }

  /** What was done is answered when the ledger has it (D11), where the request asks for that. */
  async #awaitLedger(answered: Promise<Answer>): Promise<Answer> {
    const answer = await answered;
    if (answer.problem !== undefined || (await this.#ledgerAck.reached())) return answer;
    return ledgerIsLate();
  }

  /** An answer to a request that never came to a handler. */
  sendBeforeHandler(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
    const metrics = this.#metricsOf.get(`${request.method} ${request.routeOptions.url}`) ?? this.#unmatched;
    return reply.send(this.#send(reply, answer, metrics, 0));
  }

  /** What is wrong with the part of a request that its route's schema refused. */
  issues(request: FastifyRequest, part: RequestPart): Issue[] {
    const schema = this.#words.get(`${request.method} ${request.routeOptions.url} ${part}`);
    const value = part === 'body' ? request.body : part === 'params' ? request.params : request.query;
    return schema ? issuesOf(schema, value) : [];
  }

  /** What a thrown error is answered; what nobody foresaw is logged under the request id. */
  failed(error: unknown, requestId: string): Answer {
    const answer = answerOf(error);
    if (!answer) {
      this.#log.error({ err: error, requestId }, 'a request failed by a defect');
      return internal(requestId);
    }
    if (error instanceof Fault) this.#logFault(error);
    return answer;
  }

  #logFault(fault: Fault): void {
    this.#faults++;
    const nowMs = performance.now();
    if (nowMs - this.#faultsLoggedAtMs < FAULT_LOG_MS) return;
    const { code, outcome, message } = fault;
    this.#log.warn({ code, outcome, faults: this.#faults }, `the engine cannot answer: ${message}`);
    this.#faults = 0;
    this.#faultsLoggedAtMs = nowMs;
  }

  /** Sets status and headers; answers the body, which Fastify sends. */
  #send(reply: FastifyReply, answer: Answer, metrics: RouteMetrics, startedAtMs: number): object | string {
    reply.code(answer.status);
    if (answer.replayed) reply.header(REPLAYED_HEADER, 'true');
    if (answer.headers) reply.headers(answer.headers);
    if (answer.problem !== undefined) {
      reply.header('content-type', 'application/problem+json; charset=utf-8');
      if (answer.retryAfterSeconds !== undefined)
        reply.header('retry-after', String(answer.retryAfterSeconds));
      this.#metrics.problem(answer.problem);
    }
    for (const code of answer.problemsWithin ?? NO_PROBLEMS) this.#metrics.problem(code);
    metrics.answered(answer.status, startedAtMs);
    return answer.body;
  }
}

function problemsOf(spec: RouteSpec<z.ZodType, z.ZodType, z.ZodType>): ProblemCode[] {
  const problems: ProblemCode[] = [...(spec.problems ?? [])];
  if (spec.body || spec.params || spec.query) problems.push('invalid-request');
  if (spec.body) problems.push('body-too-large', 'unsupported-media-type');
  return [...new Set<ProblemCode>([...problems, 'unavailable', 'internal'])];
}

/** Fastify's way to check a part of a request, with what comes out in its place: a query's text becomes numbers. */
function readPart(schema: z.ZodType) {
  return (value: unknown): { value: unknown } | { error: Error } => {
    const result = schema.safeParse(value);
    return result.success ? { value: result.data } : { error: new Error('the request is not valid') };
  };
}
