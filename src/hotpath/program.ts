/**
 * The Lua program Redis runs: the files of lua/ joined and addressed by the hash of the text (D3).
 * Promises: what is in lua/ is what runs; limits, words and key names come from src/domain and keys.ts, so the two cannot differ;
 * two releases can share a Redis, because the text is the address.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { REJECTED_REASON, SHORT_OPERATION } from '../domain/fingerprint.ts';
import { ID_ESCAPED_BYTES_MAX } from '../domain/id.ts';
import * as limits from '../domain/limits.ts';
import { RESERVATION_STATUSES } from '../domain/views.ts';
import { encodeReason } from './codec/words.ts';
import { evalsha } from './connection.ts';
import { KEY_KINDS } from './keys.ts';

export const LUA_FOLDER = new URL('../../lua/', import.meta.url);

/** Joined in this order; every batch makes all of it. `batch` follows the groups. */
const ALWAYS = ['prelude', 'clock'] as const;

/**
 * Files that a batch loads when it first needs one of them (docs/performance.md): by the name of the module that they fill in, or
 * by a verb that they parse. A group is one block of `load_group`, so its files share their locals and nobody else sees them.
 */
const GROUPS: readonly { readonly module?: string; readonly files: readonly string[] }[] = [
  { module: 'plain', files: ['plain'] },
  { module: 'stock', files: ['item', 'line-codec'] },
  { files: ['reserve'] },
  { module: 'allocation', files: ['allocate', 'plan'] },
  { module: 'reservations', files: ['reservation', 'expire'] },
  { files: ['resolve', 'reacquire', 'confirm', 'release', 'extend'] },
  { module: 'sales', files: ['sale'] },
  { module: 'locks', files: ['lock'] },
  { files: ['stocktake'] },
  { files: ['movement', 'transfer'] },
  { files: ['safety-stock'] },
  { files: ['schedule-sale'] },
  { files: ['quarantine'] },
  { files: ['look'] },
];

/** Every file of the program, in the order in which they are joined. */
export const LUA_FILES: readonly string[] = [...ALWAYS, ...GROUPS.flatMap(({ files }) => files), 'batch'];

/** What the program needs of the domain: limits, words and names of keys, as its local `CONST`. */
const CONST = {
  QUANTITY_MAX: limits.QUANTITY_MAX,
  LINES_MAX: limits.LINES_MAX,
  ID_ESCAPED_BYTES_MAX,
  LIFETIME_MS_MAX: limits.LIFETIME_SECONDS_MAX * 1_000,
  PARTIAL_RELEASES_MAX: limits.PARTIAL_RELEASES_MAX,
  STOCKTAKE_GRACE_MS: limits.STOCKTAKE_GRACE_SECONDS * 1_000,
  STOCKTAKE_EXTENSION_MS: limits.STOCKTAKE_EXTENSION_SECONDS * 1_000,
  LEASE_MS_MAX: limits.LEASE_SECONDS_MAX * 1_000,
  SKIPPED_MAX: limits.SKIPPED_MAX,
  STOCKTAKE_LINES_MAX: limits.STOCKTAKE_LINES_MAX,
  SHORTFALL_RELEASES_MAX: limits.SHORTFALL_RELEASES_MAX,
  TRANSFER_RECEIPTS_MAX: limits.TRANSFER_RECEIPTS_MAX,
  SALES_PER_SKU_MAX: limits.SALES_PER_SKU_MAX,
  SALE_AFTERLIFE_MS: limits.SALE_AFTERLIFE_SECONDS * 1_000,
  RESERVATION_STATUSES,
  SHORT_OPERATION,
  REJECTED_REASON: encodeReason(REJECTED_REASON),
  RESERVATION_KEY: KEY_KINDS.reservation,
  SKU_KEY: KEY_KINDS.sku,
  STOCKTAKE_KEY: KEY_KINDS.stocktake,
  QUOTA_KEY: KEY_KINDS.quota,
} as const;

export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** The program, and the same program allowed to run where Redis is out of memory. */
export interface Program extends Script {
  /** For batches that take up no more memory: ending orders, returning what is due, trimming (D13). */
  readonly withoutMemory: Script;
}

export interface ProgramOptions {
  /** Lua in place of clock.lua: tests bring a clock that they can turn. */
  readonly clock?: string | undefined;
  /** False leaves the fast paths out, which must not change a decision; for tests only. */
  readonly fastPaths?: boolean | undefined;
  /** Writes records with MSETEX; see {@link hasMsetex}. */
  readonly msetex?: boolean | undefined;
}

/** Reads the files of lua/ and joins them to the program that Redis runs. @throws where a file is missing */
export function loadProgram({ clock, fastPaths = true, msetex = false }: ProgramOptions = {}): Program {
  const read = (name: string): string =>
    name === 'clock' && clock !== undefined
      ? clock
      : readFileSync(new URL(`${name}.lua`, LUA_FOLDER), 'utf8');
  const groups = GROUPS.map(({ module, files }) => groupText(module, files.map(read).join('\n')));
  const text = [
    '#!lua',
    `local CONST = ${luaOf({ ...CONST, FAST_PATHS: fastPaths, HAS_MSETEX: msetex })}`,
    ...ALWAYS.map(read),
    `load_group = function(group)\n${groups.join('\nelse')}\nend\nend`,
    read('batch'),
  ].join('\n');
  return { ...scriptOf(text), withoutMemory: scriptOf(text.replace(/^#!lua\n/, '#!lua flags=allow-oom\n')) };
}

/** One branch of `load_group`. */
function groupText(module: string | undefined, text: string): string {
  const verbs = [...text.matchAll(/^parsers\["([a-z-]+)"\] =/gm)].map(([, verb]) => verb);
  const names = module === undefined ? verbs : [module];
  return `if ${names.map((name) => `group == "${name}"`).join('\n  or ')} then\n${text}`;
}

/** A value as Lua text; a list of words becomes a set. */
function luaOf(value: unknown): string {
  if (Array.isArray(value)) return luaOf(Object.fromEntries(value.map((word) => [word, true])));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(
    ([name, field]) => `  ${name} = ${luaOf(field).replace(/\n */g, ' ')},`,
  );
  return `{\n${fields.join('\n')}\n}`;
}

/** Fails where the server does not know MSETEX; 0 where this user may not call it. */
const MSETEX_CHECK = '#!lua\nreturn redis.acl_check_cmd("MSETEX", "1", KEYS[1], "") and 1 or 0';

/**
 * Whether records can be written with MSETEX on this connection: its server has it (Redis 8.4, Valkey 9.1), and no replica is
 * connected, because no server says whether its replicas have it.
 * @param key one that the program writes
 */
export async function hasMsetex(redis: Redis, key: string): Promise<boolean> {
  try {
    if (!/^connected_slaves:0\r?$/m.test(await redis.info('replication'))) return false;
    return (await redis.eval(MSETEX_CHECK, 1, key)) === 1;
  } catch {
    return false; // SET does the same everywhere
  }
}

function scriptOf(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/**
 * Runs a script once. NOSCRIPT means that nothing ran, so sending the text after it repeats nothing.
 * @returns the script's list of texts
 */
export async function runScript(
  redis: Redis,
  script: Script,
  keys: readonly string[],
  argv: readonly (string | number)[],
): Promise<string[]> {
  try {
    return (await evalsha(redis, script.sha, keys, argv)) as string[];
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return (await redis.eval(script.text, keys.length, ...keys, ...argv)) as string[];
  }
}
