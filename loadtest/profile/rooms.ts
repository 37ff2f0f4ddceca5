/**
 * Which room a function belongs to, by where it stands: the rooms of src/, the packages, and the parts of Node, Lua and
 * Redis. Promises: every function has a room. Refuses to know what it costs.
 */
import type { Frame } from './stacks.ts';

const COLLECTOR = 'garbage collection';
export const GENERATOR = 'load generator';
const VALIDATION = 'validation';
const JSON_TEXT = 'JSON';
const NODE_HTTP = 'node: http';
const NODE_NET = 'node: net and streams';
const NODE_LOOP = 'node: timers, promises, events';
const NODE_OTHER = 'node: other';
const NATIVE = 'node: native (system calls, V8 itself)';

/** The first that matches. */
const SCRIPTS: readonly (readonly [RegExp, string])[] = [
  [/^(src|dist)\/([a-z]+)\//, 'src/$2'],
  [/^(src|dist)\//, 'src'],
  [/^loadtest\//, GENERATOR],
  [/^node:(_http|http|internal\/http|internal\/url|url)/, NODE_HTTP],
  [
    /^node:(net|_stream|stream|internal\/stream|buffer|internal\/buffer|string_decoder|internal\/dtrace|internal\/js_stream)/,
    NODE_NET,
  ],
  [
    /^node:(events|internal\/(timers|process\/task_queues|process\/promises|async_hooks|event|abort|priority|linked)|timers|async_hooks|diagnostics_channel)/,
    NODE_LOOP,
  ],
  [/^node:/, NODE_OTHER],
  [/^(zod|ajv|@fastify\/ajv-compiler)\//, VALIDATION],
  [
    /^(secure-json-parse|fast-json-stringify|@fastify\/fast-json-stringify-compiler|safe-stable-stringify)\//,
    JSON_TEXT,
  ],
  [/^(ioredis|redis-parser|@ioredis\/[a-z-]+|standard-as-callback|denque|cluster-key-slot)\//, 'ioredis'],
  [
    /^(fastify|find-my-way|avvio|light-my-request|@fastify\/[a-z-]+|fast-[a-z-]+|reusify|fastq|safe-regex2|process-warning|toad-cache|rfdc|proxy-addr|forwarded|ipaddr\.js|abstract-logging)\//,
    'fastify',
  ],
  [/^(pino|prom-client|@opentelemetry|tdigest|bintrees)\b/, 'logging and metrics'],
  [/^(autocannon|hdr-histogram-js)\//, GENERATOR],
];

/** Code that was made at run time has no file: Fastify's validators and serialisers. */
const MADE: readonly (readonly [RegExp, string])[] = [
  [/^validate\d*$/, VALIDATION],
  [/^(main|anonymous\d+|json\w*)$/, JSON_TEXT],
];

/**
 * @param path from the repository's root, or a package's or Node's own name; '' where the function has no file
 * @param caller whose room a native function shares where it has none of its own
 */
export function roomOfScript(path: string, name: string, caller?: Frame): string {
  if (path === '') {
    if (name === '(garbage collector)') return COLLECTOR;
    if (name === 'parse' || name === 'stringify') return JSON_TEXT;
    const made = MADE.find(([pattern]) => pattern.test(name));
    if (made) return made[1];
    return name === '(program)' || !caller || caller.room.startsWith('node:') ? NATIVE : caller.room;
  }
  for (const [pattern, room] of SCRIPTS) {
    const match = pattern.exec(path);
    if (match) return room.replace('$2', match[2] ?? '');
  }
  return `${path.split('/')[0]}`;
}
