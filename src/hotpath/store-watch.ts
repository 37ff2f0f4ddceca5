/**
 * Looks whether Redis may be sold from, as far as its connection tells: role, replicas, settings, rights, clock, database.
 * Promises: nothing is sent on a new connection before it was looked at; a setting that turns wrong is found within a
 * minute, a role or a replica within seconds; an outage is not mistaken for a wrong setting; a look costs a few short
 * commands.
 *
 * | a connection is | from                                         | until                        | problem                  |
 * |-----------------|----------------------------------------------|------------------------------|--------------------------|
 * | away            | it closes                                    | ioredis has made a new one   | `database`, or none      |
 * | new             | it is ready                                  | its first look has ended     | `setting`: not looked at |
 * | known           | its first look has ended                     | it closes                    | what the last look found |
 */
import type { Redis } from 'ioredis';
import { nameOf, reconnectSoon, wrongDatabaseOf } from './connection.ts';
import { Fault } from './fault.ts';
import type { PartitionKeys } from './keys.ts';
import { NOT_READY, type NotReadyReason } from './not-ready.ts';
import {
  isOutageOf,
  type Promised,
  problemOfRights,
  problemsOfSettings,
  type RedisInfo,
  readInfo,
  readSettings,
  replicasOf,
  WrongRedisSettings,
} from './redis-check.ts';

/** What is wrong with Redis or its connection, such that nothing may be sent. */
export interface StoreProblem {
  readonly reason: Extract<
    NotReadyReason,
    'setting' | 'read-only' | 'too-few-replicas' | 'clock' | 'database'
  >;
  /** A sentence with the setting's name and the remedy. */
  readonly message: string;
}

/** Is asked before a batch is sent; while there is a problem, commands get the fault `not-ready` with its reason. */
export interface Gate {
  readonly problem: StoreProblem | undefined;
}

export interface StoreWatchOptions extends Promised {
  readonly redis: Redis;
  readonly keys: PartitionKeys;
  /** How many replicas must be in sync; 0: none. */
  readonly replicas: number;
  /** This process's clock, in milliseconds since 1970; undefined: clocks are not compared. */
  readonly witnessMs: (() => number) | undefined;
  /** How often settings are looked at; default 50 s, so that with the next look a wrong one is found within a minute. */
  readonly settingsEveryMs?: number | undefined;
}

/** How often role, replicas and clock are looked at; while there is a problem, more often. */
const LOOK_EVERY_MS = 5_000;
const LOOK_AGAIN_MS = 1_000;
/** While a setting is wrong, all are looked at each time. */
const SETTINGS_EVERY_MS_DEFAULT = 50_000;
/** As CLOCK_LEAP_MS_MAX of lua/batch.lua: beyond it the two clocks do not confirm each other. */
const CLOCK_APART_MS_MAX = 10_000;

const INFO_IS_DENIED = 'INFO is denied to this user: allow it the commands of ops/redis-acl.conf';

/** Watches one connection; {@link StoreWatch.start} ends when it has been looked at. */
export class StoreWatch implements Gate {
  /** Runs in the first look at a connection, before anything is sent on it, and when the number of replicas has changed. */
  prepare: (() => Promise<void>) | undefined;
  readonly #options: StoreWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  /** Counts connections, so that a look at the one before says nothing about this one. */
  #connection = 0;
  #lookedAt = -1;
  /** Why the last look ended early. */
  #failure: string | undefined;
  #problem: StoreProblem | undefined;
  #settings: readonly string[] = [];
  #settingsAtMs = Number.NEGATIVE_INFINITY;
  #replicasSeen: number | undefined;
  /** By how much this process's clock was ahead of its time without leaps when it last agreed with Redis. */
  #agreedAheadMs: number | undefined;

  constructor(options: StoreWatchOptions) {
    this.#options = options;
    options.redis.on('close', this.#onClose);
  }

  /** Why nothing may be sent; undefined also where there is no connection, because then nothing can be. */
  get problem(): StoreProblem | undefined {
    const { redis } = this.#options;
    if (redis.status !== 'ready') {
      const wrong = wrongDatabaseOf(redis);
      return wrong && { reason: 'database', message: wrong.message };
    }
    if (this.#lookedAt === this.#connection) return this.#problem;
    const why = this.#failure ? `could not be looked at yet (${this.#failure})` : 'are being looked at';
    return {
      reason: 'setting',
      message: `the connection to ${nameOf(redis)} is new, and its settings ${why}: repeat the command`,
    };
  }

  /** How many replicas every answer waits for. */
  get replicas(): number {
    return this.#options.replicas;
  }

  /** What the durability of an answer rests on, for people: a setting that was read, or the word of a person. */
  get durability(): string {
    const { ack, durability, replicas } = this.#options;
    if (ack === 'memory') return 'memory: an answer is in the memory of Redis';
    const disk = durability
      ? `${durability}, declared by HOLDFAST_REDIS_DURABILITY`
      : 'appendfsync always, as CONFIG says';
    return ack === 'replica' ? `replica: ${disk}; in ${replicas} replicas` : `fsync: ${disk}`;
  }

  /**
   * Looks for the first time, and goes on until {@link StoreWatch.close}.
   * @throws {WrongRedisSettings} with all problems at once; other problems end by themselves and are not thrown
   * @throws {Error} from the client if Redis did not answer
   */
  async start(): Promise<void> {
    const first = this.#look();
    this.#looking = first.catch(() => undefined);
    await first.catch((error: unknown) => {
      // A server that loads its data, or has no replicas for a moment, needs no restart of this process.
      if (!isOutageOf(error)) throw error;
      this.#failure = messageOf(error);
    });
    this.#looking = undefined;
    if (this.#settings.length > 0) throw new WrongRedisSettings(this.#settings);
    this.#options.redis.on('ready', this.#onReady);
    this.#lookLater();
  }

  /** Is told each error of a batch: one that comes of a changed role makes the connection look for the primary. */
  readonly onError = (error: unknown): void => {
    if (error instanceof Fault && error.reason === 'read-only') reconnectSoon(this.#options.redis);
  };

  /** Stops looking. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#options.redis.off('close', this.#onClose);
    this.#options.redis.off('ready', this.#onReady);
  }

  readonly #onClose = (): void => {
    this.#connection++;
  };

  readonly #onReady = (): void => {
    void this.#tryToLook();
  };

  #lookLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tryToLook(), this.problem ? LOOK_AGAIN_MS : LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** An outage leaves everything as it was: a new connection stays closed until it could be looked at. */
  async #tryToLook(): Promise<void> {
    if (this.#looking) return;
    this.#looking = this.#look().catch((error: unknown) => {
      this.#failure = messageOf(error);
    });
    await this.#looking;
    this.#looking = undefined;
    if (this.#timer === undefined) return; // closed, or not started yet
    // The connection may have changed meanwhile; else the next look is due in a while.
    if (this.#options.redis.status === 'ready' && this.#lookedAt !== this.#connection) {
      this.#timer = setTimeout(() => void this.#tryToLook(), LOOK_AGAIN_MS / 10).unref();
    } else this.#lookLater();
  }

  async #look(): Promise<void> {
    const { redis, settingsEveryMs = SETTINGS_EVERY_MS_DEFAULT } = this.#options;
    if (redis.status !== 'ready') return;
    const connection = this.#connection;
    const isNew = this.#lookedAt !== connection;
    const isDue = isNew || this.#settings.length > 0 || nowMs() - this.#settingsAtMs >= settingsEveryMs;
    const info = await this.#info(isDue);
    const settings = !isDue
      ? this.#settings
      : info
        ? await this.#problemsOfSettings(info, isNew)
        : [INFO_IS_DENIED];
    if (info) await this.#noticeReplicas(info);
    const clock = await this.#problemOfClock();
    if (connection !== this.#connection) return;
    if (isDue) [this.#settings, this.#settingsAtMs] = [settings, nowMs()];
    this.#problem = this.#worstOf(info ?? new Map(), settings, clock);
    if (this.#problem?.reason === 'read-only') reconnectSoon(redis);
    [this.#lookedAt, this.#failure] = [connection, undefined];
  }

  /** Undefined where this user may not call it. */
  async #info(isWhole: boolean): Promise<RedisInfo | undefined> {
    const { redis } = this.#options;
    try {
      return readInfo(await (isWhole ? redis.info() : redis.info('replication')));
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('NOPERM')) return undefined;
      throw error;
    }
  }

  async #problemsOfSettings(info: RedisInfo, isNew: boolean): Promise<readonly string[]> {
    const { redis, keys } = this.#options;
    // On a replica no program runs, and it may be set up otherwise.
    if (info.get('role') !== 'master' && info.has('role')) return [];
    const problems = problemsOfSettings(info, await readSettings(redis), this.#options);
    const isSentinel = info.get('redis_mode') === 'sentinel';
    if (!isSentinel && (isNew || this.#settings.length > 0)) {
      const rights = await problemOfRights(redis, keys);
      if (rights !== undefined) problems.push(rights);
      await this.prepare?.();
    }
    return problems;
  }

  #worstOf(
    info: RedisInfo,
    settings: readonly string[],
    clock: string | undefined,
  ): StoreProblem | undefined {
    const { redis, replicas } = this.#options;
    const role = info.get('role');
    if (role !== 'master' && info.has('role')) {
      const { wrong, remedy } = NOT_READY['read-only'];
      return { reason: 'read-only', message: `${wrong} (${nameOf(redis)} has the role ${role}): ${remedy}` };
    }
    if (settings.length > 0) return { reason: 'setting', message: settings.join('; ') };
    if (clock !== undefined) return { reason: 'clock', message: clock };
    const found = replicasOf(info);
    if (found >= replicas) return undefined;
    return {
      reason: 'too-few-replicas',
      message: `too few replicas: ${found} of ${replicas}: ${NOT_READY['too-few-replicas'].remedy}`,
    };
  }

  /** What the program may use can depend on whether there are replicas. */
  async #noticeReplicas(info: RedisInfo): Promise<void> {
    const before = this.#replicasSeen;
    this.#replicasSeen = replicasOf(info);
    if (before !== undefined && before !== this.#replicasSeen) await this.prepare?.();
  }

  /**
   * Redis's clock against this process's. Where they are apart and this one has run evenly since they agreed, Redis's has
   * leapt: the program in Redis notices that itself and must not be kept from it. Else this process is not a witness that
   * may close the partition for all others, and it keeps away.
   */
  async #problemOfClock(): Promise<string | undefined> {
    const { redis, witnessMs } = this.#options;
    if (!witnessMs) return undefined;
    const beforeMs = witnessMs();
    const [seconds, micros] = (await redis.time()) as unknown as [string, string];
    const afterMs = witnessMs();
    const redisMs = Number(seconds) * 1_000 + Number(micros) / 1_000;
    const aheadMs = afterMs - nowMs();
    const apartMs = redisMs < beforeMs ? beforeMs - redisMs : Math.max(0, redisMs - afterMs);
    if (apartMs <= CLOCK_APART_MS_MAX) {
      this.#agreedAheadMs = aheadMs;
      return undefined;
    }
    const hasRunEvenly =
      this.#agreedAheadMs !== undefined && Math.abs(aheadMs - this.#agreedAheadMs) <= CLOCK_APART_MS_MAX;
    if (hasRunEvenly) return undefined;
    const { wrong, remedy } = NOT_READY.clock;
    return `${wrong} (${(apartMs / 1_000).toFixed(1)} s): ${remedy}`;
  }
}

/** Runs evenly, whatever happens to the clocks. */
function nowMs(): number {
  return performance.now();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
