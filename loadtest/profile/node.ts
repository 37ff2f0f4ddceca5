/**
 * Where Node spends its time: V8's sampling profiler in the engine or in the API process. Promises: only time after the
 * warm-up is counted; idle time is named and left out of the shares; the profile is kept as a .cpuprofile file, which Chrome's
 * DevTools and speedscope show as a flame graph.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { closedLoop, ownCpu } from '../bench/callers.ts';
import { openEngine, orderIds, reserveOne } from '../bench/hot-sku.ts';
import { load } from '../bench/http-load.ts';
import { align } from '../bench/report.ts';
import { builtFile } from '../bench/shipped.ts';
import type { Stores } from '../bench/stores.ts';
import { threadsCpuUs } from '../load/cpu.ts';
import { endProgram, logLineWith, startProgram } from '../program.ts';

/** Short enough for functions of microseconds; the profiler itself costs a per cent or two. */
const INTERVAL_US = 250;
const CALLERS = 512;
const PER_SECOND_MAX = 300_000;
const CONNECTIONS = 100;
const WARM_UP_MS = 2_000;
const FUNCTIONS_MAX = 25;
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
export async function profileEngine(stores: Stores, seconds: number): Promise<string> {
  const span = { warmUpMs: WARM_UP_MS, measureMs: 1_000 * seconds };
  const callsMax = ((span.warmUpMs + span.measureMs) / 1_000) * PER_SECOND_MAX;
  const ids = orderIds(callsMax);
  const hot = await openEngine(stores);
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
  await session.post('Profiler.start');
  let fromUs = 0;
  const meter = async () => {
    fromUs ||= nowUs();
    return { Node: ownCpu() };
  };
  const reserve = (n: number) => reserveOne(hot, ids[n] as string);
  const calls = await closedLoop(CALLERS, { ...span, callsMax }, meter, reserve);
  const toUs = nowUs();
  const { profile } = await session.post('Profiler.stop');
  await hot.close();
  const title = `engine, ${CALLERS} callers, ${Math.round(calls.perSecond)} orders/s`;
  return tablesOf(title, profile, { fromUs, toUs }, calls.cpuUs.Node ?? Number.NaN, 'order');
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
  const held = Number(await stores.admin.zcard(partitionKeys().due));
  if (held === 0) throw new Error('nothing was held');
  const title = `POST /v1/reservations, ${CONNECTIONS} connections, ${Math.round(perSecond)} requests/s`;
  return tablesOf(title, profile, { fromUs, toUs }, cpuUs / created, 'request');
}

/** The clock of V8's profiles. */
const nowUs = (): number => Number(process.hrtime.bigint() / 1_000n);

async function tablesOf(
  title: string,
  profile: V8Profile,
  window: { fromUs: number; toUs: number },
  eachUs: number,
  unit: string,
): Promise<string> {
  await mkdir(FOLDER, { recursive: true });
  const file = join(FOLDER, `${unit === 'order' ? 'engine' : 'http'}.cpuprofile`);
  await writeFile(file, JSON.stringify(profile));
  const { byRoom, byFunction, busyMs, idleMs } = sharesOf(profile, window);
  const rows = (times: ReadonlyMap<string, number>, max: number) =>
    [...times]
      .sort((a, b) => b[1] - a[1])
      .slice(0, max)
      .map(([name, ms]) => [
        name,
        `${((100 * ms) / busyMs).toFixed(1)} %`,
        ((eachUs * ms) / busyMs).toFixed(2),
      ]);
  const table = (head: string, times: ReadonlyMap<string, number>, max: number) => [
    '',
    ...align([[head, 'share', `us/${unit}`], ...rows(times, max)], (column) => column > 0),
  ];
  return [
    `${title}, ${eachUs.toFixed(1)} us of CPU each (all threads)`,
    `main thread: busy ${busyMs.toFixed(0)} ms, idle ${idleMs.toFixed(0)} ms of ${((window.toUs - window.fromUs) / 1_000).toFixed(0)} ms`,
    ...table('by room', byRoom, Number.POSITIVE_INFINITY),
    ...table(`the ${FUNCTIONS_MAX} functions with most time of their own`, byFunction, FUNCTIONS_MAX),
    `\n${file}: open it in Chrome's DevTools (Performance) or speedscope as a flame graph`,
  ].join('\n');
}

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
