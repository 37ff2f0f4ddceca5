/**
 * Whether Redis's settings keep the promise of the acknowledgement level (D11), as far as INFO and CONFIG tell.
 * Promises: every wrong setting is named with its remedy; what nobody could see is said by a person or refused.
 */
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { IS_A_SENTINEL } from './connection.ts';
import type { PartitionKeys } from './keys.ts';
import { LUA_FOLDER } from './program.ts';

/**
 * When a command is answered. `memory`: Redis has it in memory. `fsync`: it is on Redis's disk. `replica`: it is on disk, and
 * as many replicas as were asked for have it.
 */
export const ACK_LEVELS = ['memory', 'fsync', 'replica'] as const;
export type AckLevel = (typeof ACK_LEVELS)[number];

/**
 * What a person says about a service that shows no settings. `aof-always`: it writes an append-only file and syncs it before
 * each answer. `multi-az-log`: it writes to a log in several zones before each answer. `none`: neither.
 */
export const DURABILITIES = ['aof-always', 'multi-az-log', 'none'] as const;
export type Durability = (typeof DURABILITIES)[number];

/** Redis is not set up for the acknowledgement level; each problem names a setting and its remedy. */
export class WrongRedisSettings extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`Redis is not set up for Holdfast:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'WrongRedisSettings';
    this.problems = problems;
  }
}

/** What was promised about Redis, to compare it with what Redis says. */
export interface Promised {
  readonly ack: AckLevel;
  /** Declared by a person; undefined: CONFIG must tell. */
  readonly durability: Durability | undefined;
}

/** The fields of INFO. */
export type RedisInfo = ReadonlyMap<string, string>;

/** Reads the answer of INFO, or of a section of it. */
export function readInfo(text: string): RedisInfo {
  const fields = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/** How many replicas are connected and in sync. */
export function replicasOf(info: RedisInfo): number {
  return [...info].filter(([name, value]) => /^slave\d+$/.test(name) && /\bstate=online\b/.test(value))
    .length;
}

const NEEDED_FOR_FSYNC: Record<string, readonly [wanted: string, why: string]> = {
  appendonly: ['yes', 'without it a restart forgets what was acknowledged'],
  appendfsync: ['always', 'everysec loses a second of acknowledged orders in a power cut'],
  'no-appendfsync-on-rewrite': ['no', 'else a rewrite of the file switches fsync off'],
};

/** The settings that are asked of CONFIG. */
export type RedisConfig =
  | { readonly readable: true; readonly values: ReadonlyMap<string, string> }
  | { readonly readable: false; readonly why: string };

/** Asks CONFIG for the settings that INFO does not have. @throws {Error} where Redis did not answer */
export async function readSettings(redis: Redis): Promise<RedisConfig> {
  try {
    const answer = (await redis.config('GET', ...Object.keys(NEEDED_FOR_FSYNC))) as string[];
    const values = new Map<string, string>();
    for (let i = 0; i + 1 < answer.length; i += 2) values.set(answer[i] as string, answer[i + 1] as string);
    return { readable: true, values };
  } catch (error) {
    // Services deny it in several ways; an answer is an answer, unlike a connection that broke.
    if (error instanceof Error && error.name === 'ReplyError' && !isOutageOf(error)) {
      return { readable: false, why: error.message };
    }
    throw error;
  }
}

const OUTAGE = /^(LOADING|BUSY|MISCONF|NOREPLICAS|READONLY|MASTERDOWN|OOM|UNBLOCKED|TRYAGAIN|CLUSTERDOWN)\b/;

/** Whether Redis answered that it cannot serve at the moment, which says nothing about its settings and rights. */
export function isOutageOf(error: unknown): boolean {
  return error instanceof Error && OUTAGE.test(error.message);
}

/** What is wrong with server and settings; empty where the level's promise holds. */
export function problemsOfSettings(info: RedisInfo, config: RedisConfig, promised: Promised): string[] {
  if (info.get('redis_mode') === 'sentinel') {
    return [IS_A_SENTINEL];
  }
  const problems: string[] = [];
  const version = info.get('redis_version') ?? 'unknown';
  if (!(Number.parseInt(version, 10) >= 7)) problems.push(`version ${version}: use Redis 7.0 or newer`);
  const policy = info.get('maxmemory_policy');
  if (policy !== 'noeviction') {
    const why = 'any other policy may drop stock and holds';
    problems.push(`maxmemory-policy is ${JSON.stringify(policy)}: set it to "noeviction" (${why})`);
  }
  if (promised.ack !== 'memory') problems.push(...problemsOfDurability(info, config, promised));
  return problems;
}

function problemsOfDurability(info: RedisInfo, config: RedisConfig, { ack, durability }: Promised): string[] {
  const lower = ', or choose the acknowledgement level "memory"';
  if (durability === 'none') {
    return [`HOLDFAST_REDIS_DURABILITY is none, but HOLDFAST_ACK is ${ack}: set HOLDFAST_ACK to memory`];
  }
  const problems: string[] = [];
  const hidden: string[] = [];
  for (const [name, [wanted, why]] of Object.entries(NEEDED_FOR_FSYNC)) {
    // INFO tells this one, also where CONFIG is denied; a log in several zones is no append-only file.
    const told = name === 'appendonly' && durability !== 'multi-az-log' ? appendOnly(info) : undefined;
    const value = (config.readable ? config.values.get(name) : undefined) ?? told;
    if (value === undefined) hidden.push(name);
    else if (value !== wanted) {
      const but = durability ? `, although HOLDFAST_REDIS_DURABILITY says ${durability}` : '';
      problems.push(`${name} is ${JSON.stringify(value)}${but}: set it to "${wanted}" (${why})${lower}`);
    }
  }
  if (hidden.length > 0 && durability === undefined) {
    const why = config.readable ? 'CONFIG GET does not show it' : config.why;
    problems.push(
      `${hidden.join(' and ')} cannot be read (${why}): allow CONFIG GET to this user, or say what the service promises by ` +
        `HOLDFAST_REDIS_DURABILITY (docs/operations.md, Managed Redis)${lower}`,
    );
  }
  return problems;
}

function appendOnly(info: RedisInfo): string | undefined {
  const enabled = info.get('aof_enabled');
  return enabled === undefined ? undefined : enabled === '1' ? 'yes' : 'no';
}

/** The string of an interrupted probe expires after this time. */
const PROBE_MS = 1_000;
const PROBE = readFileSync(new URL('probe.lua', LUA_FOLDER), 'utf8');

/**
 * Calls every command of the program once, on keys of its own.
 * @returns what this user lacks, or why no program can run here; undefined where it can
 * @throws {Error} where Redis did not answer
 */
export async function problemOfRights(redis: Redis, keys: PartitionKeys): Promise<string | undefined> {
  try {
    await redis.eval(PROBE, keys.probes.length, ...keys.probes, String(Date.now() + PROBE_MS));
    return undefined;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ReplyError' || isOutageOf(error)) throw error;
    if (/^(MOVED|ASK|CLUSTERDOWN|CROSSSLOT)\b/.test(error.message)) {
      return (
        `this server of a cluster does not have all slots (${error.message}): use a cluster of one shard, ` +
        'or a Redis without cluster mode'
      );
    }
    return `the program cannot run as this user (${error.message}): allow it every command of lua/probe.lua (ops/redis-acl.conf)`;
  }
}
