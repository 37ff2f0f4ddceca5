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
 * Files that not every batch needs, those that lean on each other together. To make a function, Lua searches among all
 * locals made so far for each that it leans on; made for every batch, these cost a third of what a batch costs before its
 * first order (docs/performance.md). Each of these groups becomes a function that runs when a batch first needs something
 * of it.
 */
const LATE: readonly (readonly string[])[] = [
  ['reservation', 'expire'],
  ['sale'],
  ['serve'],
  ['allocate', 'plan'],
  ['lock'],
];
/** What only commands of their own need: these stand where batch.lua reads the first command of a verb. */
const VERBS: readonly (readonly string[])[] = [
  ['settling', 'reacquire', 'confirm', 'release', 'extend'],
  ['stocktake', 'movement', 'transfer', 'safety-stock', 'schedule-sale', 'quarantine'],
  ['look'],
];
export const VERBS_STAND_HERE = /^ *-- @verbs\n/m;

/** Each verb that a group reads. */
const verbsOf = (text: string): string[] => [...text.matchAll(/^readers\["([a-z-]+)"\] =/gm)].map(captured);
/** Each name by which a group is needed. */
const namesOf = (text: string): string[] => [...text.matchAll(/^late\.(\w+) =/gm)].map(captured);
const captured = ([, name]: RegExpExecArray): string => name as string;

/** What batch.lua does about a verb that nobody reads yet. */
function readerOf(groups: readonly string[]): string {
  const cases = groups.map((text) => {
    const isOne = verbsOf(text).map((verb) => `verb == "${verb}"`);
    return `if ${isOne.join(' or ')} then (function()\n${text}\nend)() end`;
  });
  return ['if not readers[verb] then', ...cases, 'end'].join('\n');
}

/** Which function makes what; one constructor, because a table that grows field by field is made anew five times. */
function lateTable(groups: readonly string[]): string {
  const fields = groups.flatMap((text, group) => namesOf(text).map((name) => `["${name}"] = late_${group}`));
  return `files_of = { ${fields.join(', ')} }`;
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
  const joined = (files: readonly string[]): string => files.map(read).join('\n');
  const late = LATE.map(joined);
  const verbs = readerOf(VERBS.map(joined));
  const parts = LUA_FILES.map((name) => {
    if (name === 'batch')
      return `${lateTable(late)}\n${read(name).replace(VERBS_STAND_HERE, () => `${verbs}\n`)}`;
    if (VERBS.some((files) => files.includes(name))) return '';
    const group = LATE.findIndex((files) => files.includes(name));
    if (group < 0) return read(name);
    return name === LATE[group]?.[0] ? `local late_${group} = function()\n${late[group]}\nend` : '';
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
