/**
 * Connections to Redis. Promises: no command is sent twice, and none waits without a limit; a connection is in the database
 * that the URL names, or it does not come about; behind Sentinels it is to the primary that they name when it is made.
 */
import { readFileSync } from 'node:fs';
import { Command, Redis, type RedisOptions } from 'ioredis';
import { nameOfRedis, type RedisAddress, readRedisUrl, type TlsFiles, WrongRedisUrl } from './redis-url.ts';

/** How long a command may take; after it, a fault with the outcome `unknown`. */
const TIMEOUT_MS_DEFAULT = 5_000;
/** A host that died answers nothing; meanwhile the Sentinels may have named another. */
const SENTINEL_CONNECT_MS_MAX = 2_000;
/** A server that stopped does not close a connection by itself. */
const DISCONNECT_MS_MAX = 500;
const RECONNECT_MS_MAX = 1_000;
/** Sentinels vote for some seconds, so asking them more often is of no use. */
const SENTINEL_RETRY_MS = 500;
/** How many time-outs a first connection may take. */
const SENTINEL_ROUNDS = 2;

/** A connection to Redis, for rooms that only pass it on. */
export type RedisConnection = Redis;

/** What is known of a connection beside what ioredis knows. */
interface Link {
  readonly address: RedisAddress;
  /** Why the last attempt to connect failed; undefined while it is connected. */
  failure: Error | undefined;
  reconnectedAtMs: number;
}
const links = new WeakMap<Redis, Link>();

/**
 * The message of the error behind a failed command. The error of a command says only that the connection closed; the reason
 * came before, as an event of the connection.
 */
export function causeOf(redis: Redis, error: unknown): string {
  const cause = links.get(redis)?.failure ?? error;
  return cause instanceof Error ? cause.message : String(cause);
}

/** What an error calls the server behind a connection, such as `Redis at 127.0.0.1:6379`; without secrets. */
export function nameOf(redis: Redis): string {
  const link = links.get(redis);
  return link ? nameOfRedis(link.address) : 'Redis';
}

/** The database of the URL could not be selected: the connection is closed again and again until it can be. */
export class WrongDatabase extends Error {
  constructor(database: number, why: string) {
    const sentinel = /unknown command/i.test(why)
      ? ' (a Sentinel has no databases; its URL is redis+sentinel://host:port,host:port/name)'
      : '';
    super(
      `database ${database} of Redis cannot be selected: ${why}${sentinel}. ` +
        'Let REDIS_URL name a database that exists and that this user may SELECT.',
    );
    this.name = 'WrongDatabase';
  }
}

/** The failure of a connection that is in no database; undefined where it has another reason or none. */
export function wrongDatabaseOf(redis: Redis): WrongDatabase | undefined {
  const failure = links.get(redis)?.failure;
  return failure instanceof WrongDatabase ? failure : undefined;
}

/**
 * Makes a connection that never sends a command again by itself: with ioredis' defaults one lost reply became two deductions
 * (D11). It is not connected yet.
 * @param redisUrl see {@link readRedisUrl}
 * @param timeoutMs for connecting and for each command
 * @throws {WrongRedisUrl} also where a file that it names cannot be read
 * @example
 * const redis = connectRedis('redis://127.0.0.1:6379');
 * await openConnection(redis);
 */
export function connectRedis(redisUrl: string, timeoutMs = TIMEOUT_MS_DEFAULT): Redis {
  const address = readRedisUrl(redisUrl);
  const redis: Redis = new Redis({
    ...optionsOf(address, timeoutMs),
    lazyConnect: true,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    // It would need one more right, and no server of ours looks at it.
    disableClientInfo: true,
    commandTimeout: timeoutMs,
    disconnectTimeout: DISCONNECT_MS_MAX,
    retryStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 5), RECONNECT_MS_MAX),
    reconnectOnError: (error) => {
      if (MADE_BY_A_ROLE.test(error.message)) reconnectSoon(redis);
      return false; // true would mean that ioredis closes the connection for each of a hundred errors
    },
    noDelay: true,
  });
  const link: Link = { address, failure: undefined, reconnectedAtMs: Number.NEGATIVE_INFINITY };
  links.set(redis, link);
  redis.on('ready', () => {
    link.failure = undefined;
  });
  // Callers get the errors of their commands; without a listener ioredis would print them to stderr as well.
  redis.on('error', (error: Error) => {
    // ioredis goes on in database 0 where SELECT fails: that may be the stock of another shop.
    if (isOfSelect(error)) {
      link.failure = new WrongDatabase(address.database, error.message);
      redis.disconnect(true);
    } else if (!SAYS_NOTHING.test(error.message)) link.failure = error;
  });
  redis.on('sentinelError', (error: Error) => {
    link.failure = new Error(sentinelFailure(address, error.message));
  });
  return redis;
}

/** What a plain URL of a Sentinel is answered. */
export const IS_A_SENTINEL =
  'this is a Sentinel, not Redis: let REDIS_URL be redis+sentinel://host:port,host:port/name';

/** Errors that follow from an earlier one, which says more. */
const SAYS_NOTHING = /^(Stream isn't writeable|Connection is closed|All sentinels are unreachable)/;

/** Errors of a server that is not the primary any more. */
const MADE_BY_A_ROLE = /^(READONLY|MASTERDOWN|UNBLOCKED)\b/;

function isOfSelect(error: Error): boolean {
  const { command } = error as Error & { readonly command?: { readonly name?: string } };
  return command?.name === 'select';
}

/** ioredis' words for a Sentinel that failed, with what to do. */
function sentinelFailure({ at }: RedisAddress, message: string): string {
  const name = at.kind === 'sentinel' ? at.name : '';
  const unknown = /^connected to sentinel (\S+) successfully, but got an invalid reply/.exec(message);
  if (unknown) return `the Sentinel ${unknown[1]} knows no primary "${name}": correct the name in REDIS_URL`;
  const failed = /^failed to connect to sentinel (\S+) because (.*)$/.exec(message);
  if (!failed) return message;
  const [, sentinel, why = ''] = failed;
  // ioredis keeps the reason of this one to itself.
  if (why.startsWith('Connection is closed')) {
    return `no Sentinel answers at ${sentinel}: does it run there, and with TLS only if the URL begins with rediss?`;
  }
  const advice = /NOAUTH|WRONGPASS|NOPERM/.test(why)
    ? ': its user and password are ?sentinelUsername= and &sentinelPassword= in REDIS_URL'
    : /unknown command/i.test(why)
      ? ': it is no Sentinel; the URL of a plain server is redis://host:port'
      : '';
  return `the Sentinel ${sentinel} does not help: ${why}${advice}`;
}

/** Without those that would change the types of replies. */
type Options = Omit<RedisOptions, 'protocol' | 'replyMapping'>;

function optionsOf({ at, username, password, database, tls }: RedisAddress, timeoutMs: number): Options {
  const secure = tls && tlsOptions(tls);
  const options: Options = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(secure ? { tls: secure } : {}),
    db: database,
    connectTimeout: timeoutMs,
    // One reply may be late; a connection that stays silent is closed.
    socketTimeout: 2 * timeoutMs,
  };
  if (at.kind === 'server') return { ...options, host: at.host, port: at.port };
  if (at.kind === 'socket') return { ...options, path: at.path };
  return {
    ...options,
    sentinels: at.sentinels.map(({ host, port }) => ({ host, port })),
    name: at.name,
    ...(at.username === undefined ? {} : { sentinelUsername: at.username }),
    ...(at.password === undefined ? {} : { sentinelPassword: at.password }),
    ...(secure ? { sentinelTLS: secure, enableTLSForSentinelMode: true } : {}),
    connectTimeout: Math.min(timeoutMs, SENTINEL_CONNECT_MS_MAX),
    sentinelCommandTimeout: Math.min(timeoutMs, SENTINEL_CONNECT_MS_MAX),
    // A primary that is silent for so long may have a successor.
    socketTimeout: timeoutMs,
    // Without it the connection would end for good when no Sentinel answers.
    sentinelRetryStrategy: () => SENTINEL_RETRY_MS,
    // The URL names all that may be asked; addresses of others may not be reachable from here.
    updateSentinels: false,
  };
}

/**
 * The files are read again for every connection, so that a renewed certificate needs no restart; one that cannot be read then
 * leaves the last one in use.
 */
function tlsOptions({ ca, cert, key, servername }: TlsFiles): NonNullable<RedisOptions['tls']> {
  const options = servername === undefined ? {} : { servername };
  for (const [name, path] of Object.entries({ ca, cert, key })) {
    if (path === undefined) continue;
    let last = readFile(name, path);
    Object.defineProperty(options, name, {
      enumerable: true,
      get: () => {
        try {
          last = readFileSync(path);
        } catch {
          // See above.
        }
        return last;
      },
    });
  }
  return options;
}

function readFile(parameter: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new WrongRedisUrl(
      `names a file in ?${parameter}= that cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/**
 * Connects for the first time; later ioredis does it by itself.
 * @throws {Error} where that took too long, or the server is a Sentinel; the message says which server, and why
 */
export async function openConnection(redis: Redis): Promise<void> {
  const { commandTimeout: timeoutMs = TIMEOUT_MS_DEFAULT } = redis.options;
  // A server is tried once; Sentinels are asked until one answers.
  const timer = setTimeout(() => redis.disconnect(), SENTINEL_ROUNDS * timeoutMs);
  try {
    await redis.connect();
    const mode = await redis.info('server').catch(() => ''); // a user without INFO is told so by the engine
    if (/^redis_mode:sentinel\r?$/m.test(mode)) throw new Error(IS_A_SENTINEL);
  } catch (error) {
    const message = `${nameOf(redis)} cannot be reached: ${causeOf(redis, error)}`;
    redis.disconnect();
    throw new Error(message, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Closes the connection, so that ioredis makes a new one: to the server that has the address now, or that the Sentinels name.
 * Does nothing where it is not connected, or did so in the last second.
 */
export function reconnectSoon(redis: Redis): void {
  const link = links.get(redis);
  const nowMs = performance.now();
  if (!link || redis.status !== 'ready' || nowMs - link.reconnectedAtMs < RECONNECT_MS_MAX) return;
  link.reconnectedAtMs = nowMs;
  redis.disconnect(true);
}

/**
 * Runs a loaded script. Fast path: a batch has hundreds of arguments, which ioredis would inspect several times each; here
 * they are joined to one text. Everything else, such as the time-out, comes from ioredis.
 * @throws {Error} if a key or an argument is not ASCII; the error reply of Redis, such as NOSCRIPT
 */
export function evalsha(
  redis: Redis,
  sha: string,
  keys: readonly string[],
  argv: readonly (string | number)[],
): Promise<unknown> {
  return redis.sendCommand(new EvalshaCommand(sha, keys, argv)) as Promise<unknown>;
}

class EvalshaCommand extends Command {
  readonly #request: string;

  constructor(sha: string, keys: readonly string[], argv: readonly (string | number)[]) {
    // ioredis knows only the hash as an argument; it appears in error messages.
    super('evalsha', [sha], { replyEncoding: 'utf8' });
    let request = `*${3 + keys.length + argv.length}\r\n$7\r\nevalsha\r\n${bulk(sha)}${bulk(String(keys.length))}`;
    for (const key of keys) request += bulk(key);
    for (const arg of argv) request += bulk(String(arg));
    // All arguments are ASCII, one byte a character; other characters would make the announced lengths wrong.
    if (Buffer.byteLength(request) !== request.length)
      throw new Error('an argument of a script is not ASCII');
    this.#request = request;
  }

  override toWritable(): string {
    return this.#request;
  }
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}
