/**
 * Looks at Redis: can it be reached, is it set up for what is promised, can it be sold from now. Promises: nothing is changed
 * but the keys of the probe, which expire at once.
 */
import { statfs } from 'node:fs/promises';
import { Fault } from '../hotpath/fault.ts';
import { connectRedis, openHotInventory, type RedisConnection } from '../hotpath/hot-inventory.ts';
import { partitionKeys } from '../hotpath/keys.ts';
import { type AckLevel, checkRedis, WrongRedisSettings } from '../hotpath/redis-check.ts';
import { type ClockReading, type Finding, fail, ok, readClock, warn } from './finding.ts';

/** What to look at. */
export interface RedisQuestion {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly ack: AckLevel;
  readonly timeoutMs: number;
}

/** What was seen of Redis. */
export interface RedisExamined {
  readonly findings: readonly Finding[];
  /** Undefined where Redis does not answer. */
  readonly clock?: ClockReading;
}

const MEMORY_PART_WARN = 0.7;
const DISK_BYTES_MIN = 1_024 ** 3;

/** Looks at Redis and at the partition. Never throws: what goes wrong is a finding. */
export async function examineRedis(question: RedisQuestion): Promise<RedisExamined> {
  const redis = connectRedis(question.redisUrl, question.timeoutMs);
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    return {
      findings: [fail('redis', `does not answer: ${messageOf(error)}`, 'start it, or correct REDIS_URL')],
    };
  }
  try {
    const info = factsOf(await redis.info());
    const findings = [
      version(info),
      ...(await settings(redis, question)),
      ...(await replication(redis, info, question)),
    ];
    findings.push(memory(info), ...(await appendOnlyFile(redis, info)));
    const clock = await readClock(async () => {
      const [seconds, micros] = (await redis.time()) as unknown as [string, string];
      return Number(seconds) * 1_000 + Number(micros) / 1_000;
    });
    const isUsable = findings.every(({ state }) => state !== 'fail');
    findings.push(
      isUsable ? await partition(question) : warn('partition', 'not looked at', 'mend Redis first'),
    );
    return { findings, clock };
  } catch (error) {
    return { findings: [fail('redis', messageOf(error), 'allow this user what docs/operations.md lists')] };
  } finally {
    redis.disconnect();
  }
}

type Facts = ReadonlyMap<string, string>;

/** The fields of INFO. */
function factsOf(info: string): Facts {
  return new Map([...info.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]));
}

function version(info: Facts): Finding {
  const valkey = info.get('valkey_version');
  return ok(
    'redis',
    valkey ? `Valkey ${valkey} answers` : `Redis ${info.get('redis_version') ?? '?'} answers`,
  );
}

async function settings(redis: RedisConnection, { prefix, ack }: RedisQuestion): Promise<Finding[]> {
  const level =
    ack === 'memory'
      ? warn('acknowledgement', 'level memory: a crash of Redis may lose orders', 'set HOLDFAST_ACK=fsync')
      : ok('acknowledgement', `level ${ack}`);
  try {
    await checkRedis(redis, ack, partitionKeys(prefix));
    return [level, ok('redis settings', 'as the level needs them, and the program may run')];
  } catch (error) {
    if (!(error instanceof WrongRedisSettings)) throw error;
    return [level, ...error.problems.map((problem) => fail('redis settings', problem))];
  }
}

async function replication(redis: RedisConnection, info: Facts, { ack }: RedisQuestion): Promise<Finding[]> {
  if (info.get('role') !== 'master')
    return [fail('redis role', `this server is a ${info.get('role')}`, 'let REDIS_URL name the primary')];
  const replicas = [...info].filter(
    ([name, value]) => /^slave\d+$/.test(name) && /\bstate=online\b/.test(value),
  );
  if (replicas.length === 0) return [ok('redis role', 'primary, without replicas')];
  const findings = [ok('redis role', `primary; replicas in sync: ${replicas.length}`)];
  if (ack !== 'replica')
    findings.push(
      warn(
        'failover',
        `replicas at the level ${ack}: a failover may lose acknowledged orders, and while both primaries live it may oversell`,
        'set HOLDFAST_ACK=replica, and min-replicas-to-write in Redis',
      ),
    );
  const backlogTtl = await setting(redis, 'repl-backlog-ttl');
  if (backlogTtl !== undefined && backlogTtl !== '0')
    findings.push(
      warn(
        'repl-backlog-ttl',
        `is ${backlogTtl}: when all replicas were away that long, Redis takes a new name and is compared with the ledger again`,
        'set it to 0',
      ),
    );
  return findings;
}

/** Undefined where this user may not ask. */
async function setting(redis: RedisConnection, name: string): Promise<string | undefined> {
  return redis.config('GET', name).then(
    (pair) => (pair as string[])[1],
    () => undefined,
  );
}

function memory(info: Facts): Finding {
  const used = Number(info.get('used_memory'));
  const limit = Number(info.get('maxmemory')) || Number(info.get('total_system_memory'));
  const percent = Math.round((used / limit) * 100);
  const says = `${megabytes(used)} MB of ${megabytes(limit)} MB (${percent} %)`;
  return used < limit * MEMORY_PART_WARN
    ? ok('redis memory', says)
    : warn(
        'redis memory',
        says,
        'see that a worker is active, and raise maxmemory; a rewrite of the file needs room',
      );
}

async function appendOnlyFile(redis: RedisConnection, info: Facts): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of ['aof_last_write_status', 'aof_last_bgrewrite_status']) {
    const status = info.get(name);
    if (status !== undefined && status !== 'ok')
      findings.push(fail('redis disk', `${name} is ${status}`, "look at Redis's log and at its disk"));
  }
  const { host = '' } = redis.options;
  const folder = ['127.0.0.1', 'localhost', '::1'].includes(host) ? await setting(redis, 'dir') : undefined;
  const free = folder === undefined ? undefined : await statfs(folder).catch(() => undefined);
  if (folder !== undefined && free !== undefined) {
    const bytes = free.bavail * free.bsize;
    const says = `${megabytes(bytes)} MB free where Redis keeps its file (${folder})`;
    findings.push(
      bytes >= DISK_BYTES_MIN
        ? ok('redis disk', says)
        : warn('redis disk', says, 'free some: a full disk stops Redis'),
    );
  }
  return findings;
}

/** Asks the engine, which says why nothing is sold and what ends it. */
async function partition({ redisUrl, prefix, ack, timeoutMs }: RedisQuestion): Promise<Finding> {
  try {
    const hot = await openHotInventory({ redisUrl, prefix, ack, timeoutMs });
    try {
      const head = await hot.sweep(0);
      const says = `open at epoch ${head.epoch}, ${head.backlogEvents} events on their way to the ledger`;
      return head.clock === 'steady'
        ? ok('partition', says)
        : warn('partition', `${says}; its clock is ${head.clock}`, 'compare the clocks and repair NTP');
    } finally {
      await hot.close();
    }
  } catch (error) {
    if (!(error instanceof Fault)) return fail('partition', messageOf(error));
    return error.code === 'not-ready'
      ? fail('partition', error.message, 'a running worker opens it; start one: npm run work')
      : fail('partition', error.message, 'try again');
  }
}

const megabytes = (bytes: number): number => Math.round(bytes / 1_024 ** 2);

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
