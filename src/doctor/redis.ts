/**
 * Looks at Redis: can it be reached, is it set up for what is promised, can it be sold from now. Promises: nothing is changed
 * but the keys of the probe, which expire at once.
 */
import { statfs } from 'node:fs/promises';
import { Fault } from '../hotpath/fault.ts';
import {
  connectRedis,
  openConnection,
  openHotInventory,
  type RedisConnection,
} from '../hotpath/hot-inventory.ts';
import { partitionKeys } from '../hotpath/keys.ts';
import { NOT_READY, type NotReadyReason } from '../hotpath/not-ready.ts';
import {
  type AckLevel,
  type Durability,
  problemOfRights,
  problemsOfSettings,
  type RedisInfo,
  readInfo,
  readSettings,
  replicasOf,
} from '../hotpath/redis-check.ts';
import { readRedisUrl } from '../hotpath/redis-url.ts';
import { type ClockReading, type Finding, fail, ok, readClock, warn } from './finding.ts';

/** What to look at, and what was promised of it. */
export interface RedisQuestion {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly ack: AckLevel;
  /** How many replicas every answer waits for; undefined: as many as the level needs. */
  readonly replicas: number | undefined;
  readonly durability: Durability | undefined;
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
  let redis: RedisConnection | undefined;
  try {
    redis = connectRedis(question.redisUrl, question.timeoutMs);
    await openConnection(redis);
  } catch (error) {
    redis?.disconnect();
    return { findings: [fail('redis', messageOf(error), 'start it, or correct REDIS_URL')] };
  }
  try {
    const info = readInfo(await redis.info());
    const findings = [
      version(info),
      ...(await settings(redis, info, question)),
      ...(await replication(redis, info, question)),
      memory(info),
      ...(await appendOnlyFile(redis, info)),
    ];
    const clock = await readClock(async () => {
      const [seconds, micros] = (await redis.time()) as unknown as [string, string];
      return Number(seconds) * 1_000 + Number(micros) / 1_000;
    });
    const isUsable = findings.every(({ state }) => state !== 'fail');
    findings.push(
      isUsable
        ? await partition(question)
        : warn('partition', 'not looked at', 'mend what fails above first'),
    );
    return { findings, clock };
  } catch (error) {
    return { findings: [fail('redis', messageOf(error), 'allow this user what ops/redis-acl.conf lists')] };
  } finally {
    redis.disconnect();
  }
}

function version(info: RedisInfo): Finding {
  const valkey = info.get('valkey_version');
  return ok(
    'redis',
    valkey ? `Valkey ${valkey} answers` : `Redis ${info.get('redis_version') ?? '?'} answers`,
  );
}

async function settings(
  redis: RedisConnection,
  info: RedisInfo,
  question: RedisQuestion,
): Promise<Finding[]> {
  const { prefix, ack, durability } = question;
  const findings = [
    ack === 'memory'
      ? warn('acknowledgement', 'level memory: a crash of Redis may lose orders', 'set HOLDFAST_ACK=fsync')
      : ok(
          'acknowledgement',
          `level ${ack}${durability ? `, as HOLDFAST_REDIS_DURABILITY=${durability} says` : ''}`,
        ),
  ];
  const problems = problemsOfSettings(info, await readSettings(redis), { ack, durability });
  if (problems.length === 0) findings.push(ok('redis settings', 'as the level needs them'));
  for (const problem of problems) findings.push(fail('redis settings', problem));
  const lacking = await problemOfRights(redis, partitionKeys(prefix));
  findings.push(
    lacking ? fail('redis rights', lacking) : ok('redis rights', 'the program may run as this user'),
  );
  return findings;
}

async function replication(
  redis: RedisConnection,
  info: RedisInfo,
  question: RedisQuestion,
): Promise<Finding[]> {
  const { wrong, remedy } = NOT_READY['read-only'];
  if (info.get('role') !== 'master') return [fail('redis role', wrong, remedy)];
  const replicas = replicasOf(info);
  const needed = question.ack === 'replica' ? (question.replicas ?? 1) : 0;
  const findings = [quorum(replicas, needed)];
  const isPromotable = replicas > 0 || readRedisUrl(question.redisUrl).at.kind === 'sentinel';
  if (isPromotable && needed < Math.max(1, replicas))
    findings.push(
      warn(
        'failover',
        needed === 0
          ? `replicas at the level ${question.ack}: a failover may lose acknowledged orders, and while both primaries live it may oversell`
          : 'a failover to a replica that no answer waited for may lose acknowledged orders',
        `set HOLDFAST_ACK=replica and HOLDFAST_REPLICAS=${Math.max(1, replicas)}, every replica that may be promoted`,
      ),
    );
  const backlogTtl = replicas > 0 ? await setting(redis, 'repl-backlog-ttl') : undefined;
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

function quorum(replicas: number, needed: number): Finding {
  if (replicas < needed)
    return fail(
      'redis role',
      `primary; ${replicas} of ${needed} replicas are in sync`,
      NOT_READY['too-few-replicas'].remedy,
    );
  if (replicas === 0) return ok('redis role', 'primary, without replicas');
  return ok('redis role', `primary; replicas in sync: ${replicas}, every answer waits for ${needed}`);
}

/** Undefined where this user may not ask. */
async function setting(redis: RedisConnection, name: string): Promise<string | undefined> {
  return redis.config('GET', name).then(
    (pair) => (pair as string[])[1],
    () => undefined,
  );
}

function memory(info: RedisInfo): Finding {
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

async function appendOnlyFile(redis: RedisConnection, info: RedisInfo): Promise<Finding[]> {
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
async function partition(question: RedisQuestion): Promise<Finding> {
  try {
    const hot = await openHotInventory(question);
    try {
      const head = await hot.sweep(0);
      const says = `open at epoch ${head.epoch}, ${head.backlogEvents} events on their way to the ledger`;
      return head.clock === 'steady'
        ? ok('partition', says)
        : warn('partition', `${says}; its clock is ${head.clock}`, 'compare the clocks and repair NTP');
    } catch (error) {
      const { problem } = hot.store ?? {};
      if (problem) return closed(problem.reason, problem.message);
      throw error;
    } finally {
      await hot.close();
    }
  } catch (error) {
    if (error instanceof Fault && error.reason) return closed(error.reason);
    return fail('partition', messageOf(error), 'correct that, or try again');
  }
}

function closed(reason: NotReadyReason, wrong = NOT_READY[reason].wrong): Finding {
  return fail('partition', `nothing is sold: ${reason}: ${wrong}`, NOT_READY[reason].remedy);
}

const megabytes = (bytes: number): number => Math.round(bytes / 1_024 ** 2);

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
