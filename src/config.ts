/**
 * The only file that reads the environment. Promises: a configuration is complete and in range; for a wrong one the error
 * names every problem at once, each with its variable, what is wrong and an example; secrets are never printed.
 * Refuses to know: what the values are used for.
 */
import { z } from 'zod';
import { HOLD_SECONDS_DEFAULT, HOLD_SECONDS_MAX, HOLD_SECONDS_MIN } from './domain/language.ts';
import { KEY_PREFIX_DEFAULT, KEY_PREFIX_PATTERN } from './hotpath/keys.ts';
import { ACK_LEVELS, DURABILITIES } from './hotpath/redis-check.ts';
import { readRedisUrl, WrongRedisUrl } from './hotpath/redis-url.ts';
import { readDatabaseUrl, WrongDatabaseUrl } from './ledger/database-url.ts';
import { STREAM_KEEP_EVENTS_DEFAULT } from './worker/carry/trimmer.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
/** A backlog of this size is about 2 GB of stream; beyond it new orders are refused (D13). */
const BACKLOG_EVENTS_DEFAULT = 5_000_000;

export type Environment = Readonly<Record<string, string | undefined>>;
/** The stores a process cannot do without. */
export type Need = 'redis' | 'database';

/** The environment has wrong values. `problems` has a sentence for each, without secrets. */
export class WrongConfiguration extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'WrongConfiguration';
    this.problems = problems;
  }
}

const redisUrl = z.string().superRefine((text, context) => {
  try {
    readRedisUrl(text);
  } catch (error) {
    if (!(error instanceof WrongRedisUrl)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
  }
});

const databaseUrl = z.string().superRefine((text, context) => {
  try {
    readDatabaseUrl(text);
  } catch (error) {
    if (!(error instanceof WrongDatabaseUrl)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
  }
});

function whole(min: number, max: number) {
  const message = `is no whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^[0-9]{1,15}$/, message)
    .transform(Number)
    .pipe(z.int(message).min(min, message).max(max, message));
}

const LOCAL_REDIS_WORDS = ['newest', 'debian', 'valkey', 'path'] as const;
type LocalRedis = (typeof LOCAL_REDIS_WORDS)[number] | `/${string}`;
const isLocalRedis = (text: string): boolean =>
  text.startsWith('/') || (LOCAL_REDIS_WORDS as readonly string[]).includes(text);

function oneOf<const T extends readonly string[]>(words: T) {
  return z.enum(words, `is none of ${words.join(', ')}`);
}

interface Variable<T> {
  readonly reads: z.ZodType<T, string>;
  readonly example: string;
  /** The value is never shown, not even where it is wrong. */
  readonly isSecret?: boolean;
  readonly fallback?: T;
}
function variable<T>(described: Variable<T>): Variable<T> {
  return described;
}

/** All variables, the most important first. */
const VARIABLES = {
  REDIS_URL: variable({
    reads: redisUrl,
    example: 'redis://127.0.0.1:6379',
    isSecret: true,
  }),
  DATABASE_URL: variable({
    reads: databaseUrl,
    example: 'postgres://holdfast:password@127.0.0.1:5432/holdfast',
    isSecret: true,
  }),
  PORT: variable({ reads: whole(0, 65_535), example: '8080', fallback: 8_080 }),
  HOST: variable({
    reads: z.string().regex(/^[A-Za-z0-9.:_-]{1,253}$/, 'is no host name or address'),
    example: '0.0.0.0',
    fallback: '127.0.0.1',
  }),
  LOG_LEVEL: variable({ reads: oneOf(LOG_LEVELS), example: 'info', fallback: 'info' }),
  HOLDFAST_DATA: variable({ reads: z.string(), example: '.holdfast', fallback: '.holdfast' }),
  HOLDFAST_LOCAL_REDIS: variable({
    reads: z
      .string()
      .refine((text) => isLocalRedis(text), `is no path and none of ${LOCAL_REDIS_WORDS.join(', ')}`)
      .transform((text) => text as LocalRedis),
    example: 'valkey',
    fallback: 'newest',
  }),
  HOLDFAST_ACK: variable({ reads: oneOf(ACK_LEVELS), example: 'fsync', fallback: 'fsync' }),
  HOLDFAST_REPLICAS: variable<number | undefined>({ reads: whole(1, 100), example: '1' }),
  HOLDFAST_REDIS_DURABILITY: variable<(typeof DURABILITIES)[number] | undefined>({
    reads: oneOf(DURABILITIES),
    example: 'aof-always',
  }),
  HOLDFAST_PREFIX: variable({
    reads: z.string().regex(KEY_PREFIX_PATTERN, 'is not 1 to 32 letters, digits, "_", "." or "-"'),
    example: KEY_PREFIX_DEFAULT,
    fallback: KEY_PREFIX_DEFAULT,
  }),
  HOLDFAST_HOLD_SECONDS: variable({
    reads: whole(HOLD_SECONDS_MIN, HOLD_SECONDS_MAX),
    example: '1800',
    fallback: HOLD_SECONDS_DEFAULT,
  }),
  HOLDFAST_TOMBSTONE_HOURS: variable({ reads: whole(1, 24 * 30), example: '24', fallback: 24 }),
  HOLDFAST_BACKLOG_EVENTS_MAX: variable({
    reads: whole(1, 1_000_000_000),
    example: '5000000',
    fallback: BACKLOG_EVENTS_DEFAULT,
  }),
  HOLDFAST_STREAM_KEEP_EVENTS: variable({
    reads: whole(0, 1_000_000_000),
    example: '1000000',
    fallback: STREAM_KEEP_EVENTS_DEFAULT,
  }),
  HOLDFAST_REDIS_TIMEOUT_MS: variable({ reads: whole(100, 60_000), example: '5000', fallback: 5_000 }),
  HOLDFAST_KEEP_ALIVE_SECONDS: variable({ reads: whole(1, 3_600), example: '65', fallback: 65 }),
  HOLDFAST_REQUEST_SECONDS: variable({ reads: whole(1, 300), example: '10', fallback: 10 }),
  HOLDFAST_DRAIN_SECONDS: variable({ reads: whole(0, 240), example: '5', fallback: 5 }),
  HOLDFAST_SHUTDOWN_SECONDS: variable({ reads: whole(1, 300), example: '20', fallback: 20 }),
  HOLDFAST_WORKER_PORT: variable({ reads: whole(0, 65_535), example: '9465', fallback: 9_465 }),
};
type Name = keyof typeof VARIABLES;
type ValueOf<V extends Name> = (typeof VARIABLES)[V] extends Variable<infer T> ? T : never;

/** The configuration of a process. */
export interface Config {
  readonly redisUrl: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Port of the worker's metrics. */
  readonly workerPort: number;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** False where LOG_LEVEL is not set: `npm start` is quieter then. */
  readonly isLogLevelChosen: boolean;
  /** The data folder of `npm start`. */
  readonly dataFolder: string;
  /** Which Redis or Valkey `npm start` runs: a word, or the path of a server. */
  readonly localRedis: LocalRedis;
  readonly ack: (typeof ACK_LEVELS)[number];
  /** How many replicas must have a command before it is answered; undefined: as many as the level needs. */
  readonly replicas: number | undefined;
  /** What a Redis service promises that shows no settings. */
  readonly durability: (typeof DURABILITIES)[number] | undefined;
  readonly prefix: string;
  /** How long an order is held that does not say how long (BR-003). */
  readonly holdSeconds: number;
  /** How long Redis keeps a settled reservation, to answer repeats. */
  readonly tombstoneMs: number;
  /** Events not in the ledger yet, beyond which new orders are refused. */
  readonly backlogEventsMax: number;
  /** Events that stay in Redis's stream after the ledger has them, to be carried again where the ledger goes back. */
  readonly streamKeepEvents: number;
  readonly redisTimeoutMs: number;
  /** An idle connection of a client is closed after this time; above that of a load balancer, which else sends into it. */
  readonly keepAliveMs: number;
  /** A request has arrived whole after this time, or its connection ends. */
  readonly requestMsMax: number;
  /** How long an API that is stopping goes on answering while it says at /readyz that it stops. */
  readonly drainMs: number;
  /** False where HOLDFAST_DRAIN_SECONDS is not set: on a terminal `npm start` does not wait then. */
  readonly isDrainChosen: boolean;
  /** A process that is stopping ends after this time, finished or not. */
  readonly shutdownMsMax: number;
}
export type ConfigWith<N extends Need> = Config &
  ('redis' extends N ? { readonly redisUrl: string } : unknown) &
  ('database' extends N ? { readonly databaseUrl: string } : unknown);

/**
 * Reads a configuration. An empty variable counts as not set.
 * @param needs stores without which the caller cannot run
 * @throws {WrongConfiguration} with all problems at once
 * @example readConfig(process.env, { needs: ['redis'] }).redisUrl
 */
export function readConfig<const N extends Need = never>(
  env: Environment,
  { needs = [] }: { readonly needs?: readonly N[] } = {},
): ConfigWith<N> {
  const problems: string[] = [];
  function read<V extends Name>(name: V): ValueOf<V> | undefined {
    const { reads, example, isSecret, fallback } = VARIABLES[name] as unknown as Variable<ValueOf<V>>;
    const text = env[name];
    if (text === undefined || text === '' || isOfKubernetes(name, text)) return fallback;
    const result = reads.safeParse(text);
    if (result.success) return result.data;
    const shown = isSecret ? 'its value, which is not shown,' : JSON.stringify(text.slice(0, 64));
    problems.push(`${name}: ${shown} ${result.error.issues[0]?.message}; for example ${name}=${example}`);
    return undefined;
  }
  const hours = read('HOLDFAST_TOMBSTONE_HOURS');
  const seconds = read('HOLDFAST_SHUTDOWN_SECONDS');
  const drainSeconds = read('HOLDFAST_DRAIN_SECONDS');
  const keepAliveSeconds = read('HOLDFAST_KEEP_ALIVE_SECONDS');
  const requestSeconds = read('HOLDFAST_REQUEST_SECONDS');
  if (seconds !== undefined && drainSeconds !== undefined && seconds <= drainSeconds) {
    problems.push(
      `HOLDFAST_SHUTDOWN_SECONDS: ${seconds} leaves no time to close after HOLDFAST_DRAIN_SECONDS, which is ` +
        `${drainSeconds}: raise the first or lower the second; for example HOLDFAST_SHUTDOWN_SECONDS=${drainSeconds + 15}`,
    );
  }
  const config = {
    redisUrl: read('REDIS_URL'),
    databaseUrl: read('DATABASE_URL'),
    host: read('HOST'),
    port: read('PORT'),
    workerPort: read('HOLDFAST_WORKER_PORT'),
    logLevel: read('LOG_LEVEL'),
    isLogLevelChosen: Boolean(env.LOG_LEVEL),
    dataFolder: read('HOLDFAST_DATA'),
    localRedis: read('HOLDFAST_LOCAL_REDIS'),
    ack: read('HOLDFAST_ACK'),
    replicas: read('HOLDFAST_REPLICAS'),
    durability: read('HOLDFAST_REDIS_DURABILITY'),
    prefix: read('HOLDFAST_PREFIX'),
    holdSeconds: read('HOLDFAST_HOLD_SECONDS'),
    tombstoneMs: hours === undefined ? undefined : hours * 60 * 60 * 1_000,
    backlogEventsMax: read('HOLDFAST_BACKLOG_EVENTS_MAX'),
    streamKeepEvents: read('HOLDFAST_STREAM_KEEP_EVENTS'),
    redisTimeoutMs: read('HOLDFAST_REDIS_TIMEOUT_MS'),
    keepAliveMs: inMs(keepAliveSeconds),
    requestMsMax: inMs(requestSeconds),
    drainMs: inMs(drainSeconds),
    isDrainChosen: Boolean(env.HOLDFAST_DRAIN_SECONDS),
    shutdownMsMax: inMs(seconds),
  };
  for (const need of needs as readonly Need[]) {
    const name = need === 'redis' ? 'REDIS_URL' : 'DATABASE_URL';
    if (env[name] === undefined || env[name] === '') {
      problems.push(`${name}: is not set; for example ${name}=${VARIABLES[name].example}`);
    }
  }
  problems.push(...contradictions(config));
  problems.push(...typos(env));
  if (problems.length > 0) throw new WrongConfiguration(problems);
  // Each value is set, has a default, or may be undefined; a missing need was a problem above.
  return Object.freeze(config) as unknown as ConfigWith<N>;
}

/** Values that are right, but not beside each other. */
function contradictions({
  ack,
  replicas,
  durability,
}: {
  readonly ack: string | undefined;
  readonly replicas: number | undefined;
  readonly durability: string | undefined;
}): string[] {
  const problems: string[] = [];
  if (ack !== 'replica' && replicas) {
    problems.push(`HOLDFAST_REPLICAS: is ${replicas}, but HOLDFAST_ACK is ${ack}; set HOLDFAST_ACK=replica`);
  }
  if (durability === 'none' && ack !== 'memory') {
    problems.push(
      `HOLDFAST_REDIS_DURABILITY: is none, but HOLDFAST_ACK is ${ack}; set HOLDFAST_ACK=memory, or say what is durable`,
    );
  }
  return problems;
}

/**
 * The configuration of this process. Secrets are deleted from the environment, so that no child process and no dump shows
 * one; so call it once.
 * @throws {WrongConfiguration} with all problems at once
 */
export function takeConfig<const N extends Need = never>(options: {
  readonly needs?: readonly N[];
}): ConfigWith<N> {
  const config = readConfig(process.env, options);
  for (const [name, { isSecret }] of Object.entries(VARIABLES)) if (isSecret) delete process.env[name];
  return config;
}

const inMs = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1_000);

const KUBERNETES_NAME = /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?$/;
const KUBERNETES_ADDRESS = /^(tcp|udp|sctp):\/\//;

/**
 * Kubernetes sets variables named after the services it has, such as HOLDFAST_WORKER_PORT=tcp://10.0.0.1:9465 in every
 * container beside a service called holdfast-worker. They are no settings of ours, and no mistakes.
 */
function isOfKubernetes(name: string, text: string): boolean {
  if (!name.startsWith('HOLDFAST_')) return false;
  return KUBERNETES_NAME.test(name) || (name.endsWith('_PORT') && KUBERNETES_ADDRESS.test(text));
}

/** Settings of the test run begin so after the name of the product; the programs that a test starts inherit them. */
const OF_TESTS = 'TEST_';

function typos(env: Environment): string[] {
  const known = Object.keys(VARIABLES).filter((name) => name.startsWith('HOLDFAST_'));
  return Object.keys(env)
    .filter((name) => name.startsWith('HOLDFAST_') && !known.includes(name))
    .filter((name) => !name.slice('HOLDFAST_'.length).startsWith(OF_TESTS))
    .filter((name) => !isOfKubernetes(name, env[name] ?? ''))
    .map((name) => {
      const nearest = known.reduce((best, other) =>
        distance(name, other) < distance(name, best) ? other : best,
      );
      return `${name.slice(0, 64)}: there is no such variable; did you mean ${nearest}?`;
    });
}

/** Levenshtein distance: letters to change, add or remove to turn one name into the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= Math.min(from.length, 64); i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const changed = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
