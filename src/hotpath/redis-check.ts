/**
 * Checks at start that Redis is set up for the chosen acknowledgement level (D11).
 * Promises: the engine opens with the durability that was chosen, or with an error that names every wrong setting.
 */
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { PartitionKeys } from './keys.ts';
import { LUA_FOLDER } from './program.ts';

/**
 * When a command is answered. `memory`: Redis has it in memory. `fsync`: it is on Redis's disk. `replica`: it is on disk, and
 * every connected replica has it.
 */
export const ACK_LEVELS = ['memory', 'fsync', 'replica'] as const;
export type AckLevel = (typeof ACK_LEVELS)[number];

/** Redis is not set up for the acknowledgement level; each problem names a setting and its remedy. */
export class WrongRedisSettings extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`Redis is not set up for Holdfast:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'WrongRedisSettings';
    this.problems = problems;
  }
}

const NEEDED_ALWAYS: Record<string, readonly [wanted: string, why: string]> = {
  'maxmemory-policy': ['noeviction', 'any other policy may drop stock and holds'],
};
const NEEDED_FOR_FSYNC: Record<string, readonly [wanted: string, why: string]> = {
  appendonly: ['yes', 'without it a restart forgets what was acknowledged'],
  appendfsync: ['always', 'everysec loses a second of acknowledged orders in a power cut'],
  'no-appendfsync-on-rewrite': ['no', 'else a rewrite of the file switches fsync off'],
};

/** The string of an interrupted probe expires after this time. */
const PROBE_MS = 1_000;
const PROBE = readFileSync(new URL('probe.lua', LUA_FOLDER), 'utf8');

/** How many replicas are connected and in sync. */
async function replicasOf(redis: Redis): Promise<number> {
  return [...(await redis.info('replication')).matchAll(/^slave\d+:.*\bstate=online\b/gm)].length;
}

/**
 * Checks version, settings, permissions and replicas.
 * @returns how many replicas every answer waits for: all connected ones at the level `replica`, else 0
 * @throws {WrongRedisSettings} with all problems at once
 */
export async function checkRedis(redis: Redis, ack: AckLevel, keys: PartitionKeys): Promise<number> {
  const problems: string[] = [];
  const info = await redis.info('server');
  const version = /redis_version:(\d+)\.(\d+)/.exec(info);
  if (!version || Number(version[1]) < 7) {
    problems.push(`version ${version?.[0].slice(14) ?? 'unknown'}: use Redis 7.0 or newer`);
  }
  const needed = { ...NEEDED_ALWAYS, ...(ack === 'memory' ? {} : NEEDED_FOR_FSYNC) };
  for (const [name, [wanted, why]] of Object.entries(needed)) {
    let value: string | undefined;
    try {
      value = ((await redis.config('GET', name)) as string[])[1];
    } catch (error) {
      problems.push(`${name} cannot be read (${String(error)}): allow CONFIG GET to this user`);
      continue;
    }
    if (value !== wanted) {
      const otherWay = name in NEEDED_FOR_FSYNC ? ', or choose the acknowledgement level "memory"' : '';
      problems.push(`${name} is ${JSON.stringify(value)}: set it to "${wanted}" (${why})${otherWay}`);
    }
  }
  const replicas = ack === 'replica' ? await replicasOf(redis) : 0;
  if (ack === 'replica' && replicas === 0) {
    problems.push('no replica is connected: start one, or choose the acknowledgement level "fsync"');
  }
  try {
    await redis.eval(PROBE, keys.probes.length, ...keys.probes, String(Date.now() + PROBE_MS));
  } catch (error) {
    problems.push(
      `the program cannot run as this user (${String(error)}): allow it every command of lua/probe.lua`,
    );
  }
  if (problems.length > 0) throw new WrongRedisSettings(problems);
  return replicas;
}
