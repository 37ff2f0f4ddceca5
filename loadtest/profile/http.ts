/**
 * Where the API process spends its time, by V8's sampling profiler, under orders over 100 connections. Promises: only time after the
 * warm-up is counted; idle time is named and left out of the shares; the profile is kept as a .cpuprofile file, which Chrome's
 * DevTools and speedscope show as a flame graph.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEngine } from '../bench/hot-sku.ts';
import { load } from '../bench/http-load.ts';
import { align } from '../bench/report.ts';
import { builtFile } from '../bench/shipped.ts';
import type { Stores } from '../bench/stores.ts';
import { threadsCpuUs } from '../load/cpu.ts';
import { endProgram, logLineWith, startProgram } from '../program.ts';

/** Short enough for functions of microseconds; the profiler itself costs a per cent or two. */
const INTERVAL_US = 250;
const CONNECTIONS = 100;
const WARM_UP_MS = 2_000;
const ROWS_MAX = 25;
const FOLDER = '.holdfast/profile';

/** A .cpuprofile, as far as it is read. Times in microseconds of the monotonic clock. */
export interface V8Profile {
  readonly startTime: number;
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples?: readonly number[] | undefined;
  readonly timeDeltas?: readonly number[] | undefined;
}

/** @returns the tables */
export async function profileHttp(stores: Stores, seconds: number): Promise<string> {
  await (await openEngine(stores)).close();
  const environment = { REDIS_URL: stores.redisUrl, HOST: '127.0.0.1', PORT: '0' };
  const file = builtFile(new URL('../..', import.meta.url).pathname, '', 'serve');
  const flags = ['--cpu-prof', `--cpu-prof-interval=${INTERVAL_US}`, `--cpu-prof-dir=${stores.folder}`];
  const program = startProgram('serve', file, environment, console.error, flags);
  const { url } = await logLineWith(program, 'url');
  const wish = { port: Number(new URL(String(url)).port), connections: CONNECTIONS };
  await load({ ...wish, mark: 'w', durationMs: WARM_UP_MS });
  const pid = program.child.pid ?? 0;
  const [fromUs, cpuBefore] = [nowUs(), await threadsCpuUs(pid)];
  const { created, perSecond } = await load({ ...wish, mark: 'p', durationMs: 1_000 * seconds });
  const [toUs, cpuUs] = [nowUs(), (await threadsCpuUs(pid)) - cpuBefore];
  await endProgram(program);
  const name = (await readdir(stores.folder)).find((path) => path.endsWith('.cpuprofile'));
  const profile = JSON.parse(await readFile(join(stores.folder, name ?? ''), 'utf8')) as V8Profile;
  const { byRoom, byFunction, busyMs, idleMs } = sharesOf(profile, { fromUs, toUs });
  await mkdir(FOLDER, { recursive: true });
  const kept = join(FOLDER, 'http.cpuprofile');
  await writeFile(kept, JSON.stringify(profile));
  const eachUs = cpuUs / created;
  const table = (head: string, times: ReadonlyMap<string, number>) => {
    const top = [...times].sort((a, b) => b[1] - a[1]).slice(0, ROWS_MAX);
    const rows = top.map(([name, ms]) => [
      name,
      `${((100 * ms) / busyMs).toFixed(1)} %`,
      ((eachUs * ms) / busyMs).toFixed(2),
    ]);
    return ['', ...align([[head, 'share', 'us/request'], ...rows], (column) => column > 0)];
  };
  return [
    `POST /v1/reservations, ${CONNECTIONS} connections, ${Math.round(perSecond)} requests/s, ${eachUs.toFixed(1)} us of CPU each (all threads)`,
    `main thread: busy ${busyMs.toFixed(0)} ms, idle ${idleMs.toFixed(0)} ms, of ${((toUs - fromUs) / 1_000).toFixed(0)} ms`,
    ...table('by room', byRoom),
    ...table('functions with most time of their own', byFunction),
    `\n${kept}: Chrome's DevTools (Performance) and speedscope show it as a flame graph`,
  ].join('\n');
}

/** The clock of V8's profiles. */
const nowUs = (): number => Number(process.hrtime.bigint() / 1_000n);

/** Milliseconds of samples within the window, by what was running itself; idle time apart. */
export function sharesOf(
  { startTime, nodes, samples = [], timeDeltas = [] }: V8Profile,
  { fromUs, toUs }: { readonly fromUs: number; readonly toUs: number },
) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byRoom = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let [busyMs, idleMs, atUs] = [0, 0, startTime];
  for (const [i, id] of samples.entries()) {
    atUs += timeDeltas[i] ?? 0;
    // A sample stands for the time until the next one.
    const ms = (timeDeltas[i + 1] ?? 0) / 1_000;
    const frame = frames.get(id);
    if (!frame || atUs < fromUs || atUs >= toUs || ms < 0) continue;
    if (frame.functionName === '(idle)') {
      idleMs += ms;
      continue;
    }
    busyMs += ms;
    const path = frame.url.replace(/^file:\/\//, '').replace(/^.*\/(node_modules|dist)\//, '$1/');
    const room = roomOf(path, frame.functionName);
    const name = `${frame.functionName || '(anonymous)'}${path && ` (${path}:${frame.lineNumber + 1})`}`;
    byRoom.set(room, (byRoom.get(room) ?? 0) + ms);
    byFunction.set(name, (byFunction.get(name) ?? 0) + ms);
  }
  return { byRoom, byFunction, busyMs, idleMs };
}

const PACKAGES: readonly (readonly [RegExp, string])[] = [
  [/^(ioredis|redis-parser|@ioredis|standard-as-callback|denque)\b/, 'ioredis'],
  [/^(secure-json-parse|fast-json-stringify)\b/, 'JSON'],
  [/^(pino|prom-client|tdigest|bintrees)\b/, 'logging and metrics'],
  [/^(zod|ajv)\b/, 'validation'],
];

/** The part of the program a function belongs to. @param path '' where it is native or was made at run time */
export function roomOf(path: string, name: string): string {
  if (name === '(garbage collector)') return 'garbage collection';
  if (path === '') {
    if (/^validate\d*$/.test(name)) return 'validation';
    return /^(main|anonymous\d+|json\w*|parse|stringify)$/.test(name) ? 'JSON' : 'system calls, V8 itself';
  }
  const own = /^dist\/(\w+)\//.exec(path)?.[1];
  if (own) return `src/${own}`;
  if (path.startsWith('node:')) return /http/.test(path) ? 'node: http' : 'node: sockets, streams, timers';
  const module = path.replace('node_modules/', '');
  const known = PACKAGES.find(([pattern]) => pattern.test(module));
  if (known) return known[1];
  return path.startsWith('node_modules/') ? 'fastify and its packages' : 'load generator';
}
