/**
 * How a route is declared: once, with its schemas, its problems and its descriptions, from which come the check of the
 * request, the OpenAPI entry and the metrics. Promises: whatever a handler throws becomes an answer; an order costs no
 * log line. Refuses to know: what the routes do.
 */
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { type Input, InvalidCommand, issuesOf } from '../domain/inputs/declare.ts';
import { Fault } from '../hotpath/fault.ts';
import { actorOf } from './actor.ts';
import {
  type Answer,
  answerOf,
  internal,
  invalid,
  ledgerIsLate,
  REPLAYED_HEADER,
  unavailable,
} from './answers.ts';
import { CommandBody } from './command-body.ts';
import { ACK_HEADER, type LedgerAck } from './ledger-ack.ts';
import type { HttpMetrics, RouteMetrics } from './metrics.ts';
import type { ProblemCode } from './problems.ts';
import { BAD_QUERY } from './query-string.ts';
import { emptyBody, jsonSchema } from './schemas.ts';

/** Faults come in thousands while a store is away: one line a second says how many. */
const FAULT_LOG_MS = 1_000;

type Json = Record<string, unknown>;

interface RouteWords {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** In Fastify's spelling, `/v1/items/:sku`. */
  readonly url: string;
  /** The operation's name in OpenAPI, from which clients make a function. */
  readonly name: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Where a body may be larger than the server takes otherwise. */
  readonly bodyBytesMax?: number;
  /** JSON Schema, or `{ content: ... }`, of the answers that go well, by status. */
  readonly answers: Readonly<Record<number, { description: string } & Json>>;
  /** What this route itself can refuse; what every route can is added. */
  readonly problems?: readonly ProblemCode[];
}

/** A route whose parts are checked here, each by its schema; the handler gets what the schemas made of them. */
export interface RouteSpec<B extends z.ZodType, P extends z.ZodType, Q extends z.ZodType> extends RouteWords {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** What OpenAPI shows for `body` where the handler checks parts of it itself. */
  readonly bodyShown?: z.ZodType;
  handle(
    request: FastifyRequest<{ Body: z.output<B>; Params: z.output<P>; Querystring: z.output<Q> }>,
    reply: FastifyReply,
  ): Promise<Answer>;
}

/** A route that hands one command to the engine, which checks it: body, parameters of the path and the actor together. */
export interface CommandSpec<T> extends RouteWords {
  readonly input: Input<T>;
  /** @param input not checked yet; the engine does, and throws {InvalidCommand} */
  handle(input: T): Promise<Answer>;
}

/** What the document says about a route. */
export interface DeclaredRoute {
  readonly method: string;
  readonly url: string;
  readonly problems: readonly ProblemCode[];
  /** Whether the call may name who acts. */
  readonly takesActor: boolean;
  readonly bodyMayBeMissing: boolean;
  /** JSON Schema in the place of the one that is checked. */
  readonly bodyShown: Json | undefined;
}

const NO_PROBLEMS: readonly ProblemCode[] = [];
const ACK_FIELD = ACK_HEADER.toLowerCase();

const WRONG_ACK = invalid([{ path: ACK_HEADER, message: 'use `ledger`, or leave the header out' }]);

/** All routes of a server, with what they share: metrics, the log of faults, the wait for the ledger. */
export class Routes {
  readonly declared: DeclaredRoute[] = [];
  /** The process was told to stop: requests are answered, and each answer ends its connection. */
  isStopping = false;
  /** New requests get 503: the server closes. */
  isClosing = false;
  readonly #metrics: HttpMetrics;
  readonly #ledgerAck: LedgerAck;
  readonly #log: FastifyBaseLogger;
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

  /** Declares a route whose parts are checked by schemas of its own. */
  declare<B extends z.ZodType, P extends z.ZodType, Q extends z.ZodType>(
    app: FastifyInstance,
    spec: RouteSpec<B, P, Q>,
  ): void {
    const { body, params, query, bodyShown, handle } = spec;
    const bodyMayBeMissing = body?.safeParse({}).success ?? false;
    const schema: Json = {
      ...(body ? { body: jsonSchema(body, 'input') } : {}),
      ...(params ? { params: jsonSchema(params, 'input') } : {}),
      // A query is text that becomes numbers, so the document shows what comes out; what has a default may be left out.
      ...(query ? { querystring: { ...jsonSchema(query, 'output'), required: [] } } : {}),
    };
    const shapes: Record<string, z.ZodType | undefined> = { body, params, querystring: query };
    this.#add(
      app,
      spec,
      schema,
      { bodyMayBeMissing, bodyShown: bodyShown && jsonSchema(bodyShown, 'input') },
      {
        validatorCompiler: ({ httpPart = '' }) =>
          readPart(shapes[httpPart] ?? emptyBody, httpPart === 'body' && bodyMayBeMissing),
        handle: handle as (request: FastifyRequest, reply: FastifyReply) => Promise<Answer>,
      },
    );
  }

  /** Declares a route that hands a command to the engine; body and parameters are read once, by the engine's own check. */
  declareCommand<T>(app: FastifyInstance, spec: CommandSpec<T>): void {
    const names = [...spec.url.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
    const body = new CommandBody(spec.input, names);
    const schema: Json = { body: jsonSchema(body.schema, 'input') };
    if (names.length > 0) schema.params = jsonSchema(body.params, 'input');
    this.#add(
      app,
      spec,
      schema,
      { bodyMayBeMissing: body.mayBeMissing, bodyShown: undefined },
      {
        validatorCompiler: () => acceptAll,
        handle: (request) => {
          const input = body.compose(request.body, actorOf(request), request.params as object);
          return 'problem' in input ? Promise.resolve(input) : spec.handle(input.command);
        },
      },
    );
  }

  #add(
    app: FastifyInstance,
    spec: RouteWords,
    parts: Json,
    shown: Pick<DeclaredRoute, 'bodyMayBeMissing' | 'bodyShown'>,
    how: {
      validatorCompiler(part: {
        httpPart?: string;
      }): (value: unknown) => boolean | { value: unknown } | { error: Error };
      handle(request: FastifyRequest, reply: FastifyReply): Promise<Answer>;
    },
  ): void {
    const { method, url, name: operationId, tag, summary, description, bodyBytesMax } = spec;
    const name = `${method} ${url}`;
    const metrics = this.#metrics.route(name);
    this.#metricsOf.set(name, metrics);
    const problems = problemsOf(spec, parts);
    this.declared.push({ method, url, problems, takesActor: method !== 'GET', ...shown });
    const schema = { operationId, tags: [tag], summary, response: spec.answers, ...parts };
    app.route({
      method,
      url,
      schema: description ? { ...schema, description } : schema,
      ...(bodyBytesMax === undefined ? {} : { bodyLimit: bodyBytesMax }),
      validatorCompiler: how.validatorCompiler,
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
          const answered = how.handle(request, reply);
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

  /** Delays an answer until the ledger has the decision (D11). */
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

  /** The answer to a thrown error; an unexpected one is logged under the request id. */
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
    if (this.isStopping) reply.header('connection', 'close');
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

function problemsOf(spec: RouteWords, { body, params, querystring }: Json): ProblemCode[] {
  const problems: ProblemCode[] = [...(spec.problems ?? [])];
  if (body || params || querystring) problems.push('invalid-request');
  if (body) problems.push('body-too-large', 'unsupported-media-type');
  return [...new Set<ProblemCode>([...problems, 'unavailable', 'internal'])];
}

/**
 * Fastify's way to check a part of a request, with what comes out in its place: a query's text becomes numbers.
 * @param mayBeMissing what is not there counts as `{}`
 */
function readPart(schema: z.ZodType, mayBeMissing: boolean) {
  return (value: unknown): { value: unknown } | { error: Error } => {
    if (value === BAD_QUERY) return { error: new InvalidCommand([BAD_QUERY]) };
    const part = mayBeMissing ? (value ?? {}) : value;
    const result = schema.safeParse(part);
    return result.success ? { value: result.data } : { error: new InvalidCommand(issuesOf(schema, part)) };
  };
}

const acceptAll = () => true;
