/**
 * The Lua program Redis runs: the files of lua/ joined in a fixed order, addressed by their hash (D3).
 * Promises: what is read in lua/ is what runs; two releases can share a Redis, because the text is the address.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { evalsha } from './connection.ts';

export const LUA_FOLDER = new URL('../../lua/', import.meta.url);

/** In the order they are joined: what a file uses stands in a file before it. */
export const LUA_FILES = [
  'prelude',
  'clock',
  'item',
  'lines',
  'reservation',
  'expire',
  'sale',
  'reserve',
  'serve',
  'allocate',
  'plan',
  'lock',
  'stocktake',
  'settling',
  'reacquire',
  'confirm',
  'release',
  'extend',
  'movement',
  'transfer',
  'safety-stock',
  'schedule-sale',
  'look',
  'quarantine',
  'batch',
] as const;

/**
 * Files that not every batch needs, those that lean on each other together: each group becomes a function that runs when
 * a batch first needs something of it. To make a function, Lua searches among all locals made so far for each that it
 * leans on; made for every batch, these cost a third of what a batch costs before its first order (docs/performance.md).
 */
const COLD: readonly (readonly string[])[] = [
  ['reservation', 'expire'],
  ['sale'],
  ['serve'],
  ['allocate', 'plan'],
  ['settling', 'reacquire', 'confirm', 'release', 'extend'],
  ['look'],
  ['lock', 'stocktake', 'movement', 'transfer', 'safety-stock', 'schedule-sale', 'quarantine'],
];

/** Each verb that a cold group reads and each late name that it fills. */
function namesIn(text: string): string[] {
  const found = text.matchAll(/^(?:readers\["([a-z-]+)"\]|late\.(\w+)) =/gm);
  return [...found].map(([, verb, late]) => (verb ?? late) as string);
}

/** Which function makes what; one constructor, because a table that grows field by field is made anew five times. */
function coldTable(groups: readonly string[]): string {
  const fields = groups.flatMap((text, group) => namesIn(text).map((name) => `["${name}"] = cold_${group}`));
  return `cold = { ${fields.join(', ')} }`;
}

export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** The program, and the same program allowed to run where Redis is out of memory. */
export interface Program extends Script {
  /** For batches that take up no more memory: settling, returning what is due, trimming (D13). */
  readonly withoutMemory: Script;
}

function scriptOf(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/** @param clock Lua text in the place of clock.lua; tests bring a clock that they can turn. */
export function loadProgram(clock?: string): Program {
  const read = (name: string) =>
    name === 'clock' && clock !== undefined
      ? clock
      : readFileSync(new URL(`${name}.lua`, LUA_FOLDER), 'utf8');
  const groups = COLD.map((files) => files.map(read).join('\n'));
  const parts = LUA_FILES.map((name) => {
    const group = COLD.findIndex((files) => files.includes(name));
    if (group < 0) return name === 'batch' ? `${coldTable(groups)}\n${read(name)}` : read(name);
    return name === COLD[group]?.[0] ? `local cold_${group} = function()\n${groups[group]}\nend` : '';
  });
  const text = parts.join('\n');
  return { ...scriptOf(text), withoutMemory: scriptOf(text.replace(/^#!lua\n/, '#!lua flags=allow-oom\n')) };
}

/** Runs a script once. NOSCRIPT means that nothing ran, so sending the text after it repeats nothing. */
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
