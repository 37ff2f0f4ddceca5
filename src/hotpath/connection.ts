/**
 * Connections to Redis. Promises: no command is sent twice, and none waits without a limit.
 */
import { Command, Redis } from 'ioredis';

/** How long a command may take; after it, a fault with the outcome `unknown`. */
const TIMEOUT_MS_DEFAULT = 5_000;

/** A connection to Redis, for rooms that only pass it on. */
export type RedisConnection = Redis;

/**
 * The message of the error behind a failed command. The error of a command says only that the connection closed; the reason
 * came before, as an event of the connection.
 */
export function causeOf(redis: Redis, error: unknown): string {
  const cause = lastErrors.get(redis) ?? error;
  return cause instanceof Error ? cause.message : String(cause);
}
const lastErrors = new WeakMap<Redis, Error>();

/**
 * Makes a connection that never sends a command again by itself: with ioredis' defaults one lost reply became two deductions
 * (D11). It is not connected yet.
 * @param timeoutMs for connecting and for each command
 * @example
 * const redis = connectRedis('redis://127.0.0.1:6379');
 * await redis.connect();
 */
export function connectRedis(redisUrl: string, timeoutMs = TIMEOUT_MS_DEFAULT): Redis {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // One reply may be late; a connection that stays silent is closed.
    socketTimeout: 2 * timeoutMs,
    retryStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 5), 1_000),
    noDelay: true,
  });
  // Callers get the errors of their commands; without a listener ioredis would print them to stderr as well.
  redis.on('error', (error: Error) => lastErrors.set(redis, error));
  return redis;
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
