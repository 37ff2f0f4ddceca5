/**
 * Connections to Redis as this project wants them. Promises: nothing is sent twice, nothing waits without a limit.
 */
import { Command, Redis } from 'ioredis';

/** An answer that takes longer is a fault with the outcome `unknown`. */
const TIMEOUT_MS_DEFAULT = 5_000;

/** A connection to Redis, for rooms that only hand it on. */
export type RedisConnection = Redis;

/** ioredis tells only that the connection closed; why, it told before to whoever listened. */
export function causeOf(redis: Redis, error: unknown): string {
  const heard = lastErrors.get(redis) ?? error;
  return heard instanceof Error ? heard.message : String(heard);
}
const lastErrors = new WeakMap<Redis, Error>();

/**
 * A connection that never re-sends by itself: ioredis' default turned one lost reply into two deductions (D11).
 * Not yet connected; the caller calls `connect()`.
 */
export function connectRedis(redisUrl: string, timeoutMs = TIMEOUT_MS_DEFAULT): Redis {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // One late answer is waited for; a connection that stays silent is given up, not asked again and again.
    socketTimeout: 2 * timeoutMs,
    retryStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 5), 1_000),
    noDelay: true,
  });
  // Every failed command carries its own error to its caller; without a listener ioredis prints to stderr.
  redis.on('error', (error: Error) => lastErrors.set(redis, error));
  return redis;
}

/**
 * Runs a loaded script. A batch has hundreds of arguments, each of which ioredis looks at several times; here they are
 * joined to what crosses the wire in one go. Whatever else a command has, its time-out above all, it has from ioredis.
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
  readonly #wire: string;

  constructor(sha: string, keys: readonly string[], argv: readonly (string | number)[]) {
    // What ioredis would show of the arguments, where it shows them, is which script it was.
    super('evalsha', [sha], { replyEncoding: 'utf8' });
    let wire = `*${3 + keys.length + argv.length}\r\n$7\r\nevalsha\r\n${bulk(sha)}${bulk(String(keys.length))}`;
    for (const key of keys) wire += bulk(key);
    for (const arg of argv) wire += bulk(String(arg));
    // Ids, numbers and encoded reasons are ASCII, a byte a character; anything else would shift all that follows it.
    if (Buffer.byteLength(wire) !== wire.length) throw new Error('an argument of a script is not ASCII');
    this.#wire = wire;
  }

  override toWritable(): string {
    return this.#wire;
  }
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}
