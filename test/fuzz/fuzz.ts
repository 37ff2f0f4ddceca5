/**
 * Sends random requests to a server and judges each answer: no fault, a bad id is refused, a good one is not, and what
 * the answer says of the request is what the request said.
 */
import { Agent, request as httpRequest } from 'node:http';
import fc from 'fast-check';
import { type FuzzRequest, nextRequest, World } from './every-route.ts';
import { badId, brokenSegment, candidates, goodId, unsureId } from './random-ids.ts';

const CONNECTIONS = 16;
const FAILURES_MAX = 20;
const PROGRESS_REQUESTS = 5_000;
/** A busy machine may keep a store from answering in time. A caller repeats then; an id that is to blame is so each time. */
const TRIES_MAX = 5;
const BUSY_PAUSE_MS = 1_000;

export interface FuzzResult {
  /** One sentence each, with the request; at most {@link FAILURES_MAX}. */
  readonly failures: readonly string[];
  readonly world: World;
  /** Number of answers by status. */
  readonly answers: ReadonlyMap<number, number>;
}

/** @param seed of all that is random; with more than one connection the order of the answers is not */
export async function fuzz(url: string, requests: number, seed: number): Promise<FuzzResult> {
  const world = new World({
    good: candidates(goodId, seed),
    bad: candidates(badId, seed),
    unsure: candidates(unsureId, seed),
    broken: fc.sample(brokenSegment, { numRuns: 100, seed }),
    chance: chances(seed),
  });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const failures: string[] = [];
  const answers = new Map<number, number>();
  const startedMs = performance.now();
  let sent = 0;
  const send = async () => {
    while (sent < requests && failures.length < FAILURES_MAX) {
      sent++;
      if (sent % PROGRESS_REQUESTS === 0) {
        const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
        console.log(`${sent} of ${requests} requests in ${seconds} s, ${failures.length} failures`);
      }
      const request = nextRequest(world);
      let answer = await call(agent, url, request);
      for (let tries = 1; tries < TRIES_MAX && isBusy(answer); tries++) {
        await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE_MS));
        answer = await call(agent, url, request);
      }
      answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1);
      const failure = judge(request, answer);
      if (failure !== undefined) {
        const text = `${failure}\n${shown(request)}\n-> ${answer.status} ${answer.text.slice(0, 500)}`;
        failures.push(text);
        console.log(text);
      } else if (answer.status < 300) request.accepted(answer.isReplayed, JSON.parse(answer.text));
    }
  };
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, send));
  } finally {
    agent.destroy();
  }
  return { failures, world, answers };
}

/** The operations of the server's OpenAPI document that belong to the API itself, sorted. */
export async function operationsOf(url: string): Promise<string[]> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { operationId: string }>>;
  };
  return Object.entries(document.paths)
    .filter(([path]) => path.startsWith('/v1/'))
    .flatMap(([, methods]) => Object.values(methods).map(({ operationId }) => operationId))
    .sort();
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly isReplayed: boolean;
}

function isBusy({ status, text }: Answer): boolean {
  return status === 503 && text.includes('"code":"unavailable"');
}

function judge({ verdict, echoed, check }: FuzzRequest, { status, text }: Answer): string | undefined {
  if (status >= 500) return 'a fault';
  // Ids that are far too long make the whole request too large.
  const isInvalid = [400, 413, 414, 431].includes(status);
  if (verdict === 'bad' && !isInvalid) return 'a bad id was not refused';
  if (verdict === 'good' && isInvalid) return 'a good id was refused';
  if (status >= 300) return undefined;
  const body = JSON.parse(text);
  return differenceOf(echoed, body) ?? check(body);
}

/** What of `expected` the body does not say; parts of objects, and lists by their first element. */
function differenceOf(expected: unknown, found: unknown, path = 'the answer'): string | undefined {
  if (typeof expected !== 'object' || expected === null) {
    return expected === found
      ? undefined
      : `${path} is ${JSON.stringify(found)} in place of ${JSON.stringify(expected)}`;
  }
  for (const [name, value] of Object.entries(expected)) {
    const at = (found as Record<string, unknown> | undefined)?.[name];
    const difference = differenceOf(value, at, `${path}.${name}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function shown({ operation, method, path, body, actor, verdict }: FuzzRequest): string {
  const parts = [`${operation} (${verdict}): ${method} ${path}`];
  if (actor !== undefined) parts.push(`actor ${JSON.stringify(actor)}`);
  if (body !== undefined) parts.push(JSON.stringify(body).slice(0, 1_000));
  return parts.join('\n');
}

function call(agent: Agent, url: string, { method, path, body, actor }: FuzzRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const { hostname, port } = new URL(url);
    const headers: Record<string, string> = {};
    if (text !== undefined) headers['content-type'] = 'application/json';
    if (actor !== undefined) headers['holdfast-actor'] = actorHeader(actor);
    const sending = httpRequest({ hostname, port, method, path, agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          text: Buffer.concat(chunks).toString(),
          isReplayed: response.headers['idempotent-replayed'] === 'true',
        }),
      );
    });
    sending.on('error', reject);
    // As bytes: Node would write a text together with the headers, and those as UTF-8 once more.
    sending.end(text === undefined ? undefined : Buffer.from(text));
  });
}

/** Percent-encoded; where no comma or percent sign is in it, half of them as raw UTF-8 bytes. */
function actorHeader(actor: string): string {
  const isPlain = /^[^\p{C}%,]+$/u.test(actor) && actor.trim() === actor && actor.length % 2 === 0;
  if (isPlain) return Buffer.from(actor, 'utf8').toString('latin1');
  return Buffer.from(actor, 'utf8').toString() === actor ? encodeURIComponent(actor) : '%ED%A0%80';
}

/** Numbers from 0 to 1 (mulberry32). */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
