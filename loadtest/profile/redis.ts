/**
 * redis-server under the load of the engine, by `perf`: what an order costs Redis, down to the kernel. Promises: only the
 * thread that runs commands counts. Where Redis came without symbols, parts of Lua have no names.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Stores } from '../bench/stores.ts';
import { loadEngine } from './engine.ts';
import { stacksOfPerf } from './perf.ts';
import { type Profile, Unavailable } from './profile.ts';
import type { Settings } from './settings.ts';
import { shareTables } from './tables.ts';

const run = promisify(execFile);

const NO_PERF =
  'perf is not on PATH, or may not be used here: on Debian it is the package linux-perf (apt-get install linux-perf), on Ubuntu linux-tools-generic; it wants root, or kernel.perf_event_paranoid at most 1';
/** No multiple of what happens by the clock. */
const PER_SECOND = 997;
/** Unwound by tables, for Redis is seldom built with frame pointers; Lua's stacks are deep. */
const CALL_GRAPH = 'dwarf,16384';
const SCRIPT_BYTES_MAX = 1024 * 1024 * 1024;
const SCRIPT_MS_MAX = 300_000;
const THREAD = 'redis-server';

/** @param withStores starts stores for as long as they are used */
export async function profileRedis(
  settings: Settings,
  withStores: (use: (stores: Stores) => Promise<Profile>) => Promise<Profile>,
): Promise<Profile> {
  await run('perf', ['--version']).catch(() => {
    throw new Unavailable(NO_PERF);
  });
  return withStores((stores) => profile(settings, stores));
}

async function profile(settings: Settings, stores: Stores): Promise<Profile> {
  const file = join(stores.folder, 'perf.data');
  let perf: { child: ChildProcess; ended: Promise<unknown[]> } | undefined;
  const { orders, perSecond, redisUs } = await loadEngine(stores, settings, async () => {
    const of = ['-p', String(stores.redisPid), '--', 'sleep', String(settings.seconds)];
    const how = ['-q', '-F', String(PER_SECOND), '--call-graph', CALL_GRAPH, '-o', file];
    const child = spawn('perf', ['record', ...how, ...of], { stdio: ['ignore', 'ignore', 'inherit'] });
    perf = { child, ended: once(child, 'exit') };
  });
  const [code] = (await perf?.ended) ?? [];
  if (code !== 0) throw new Unavailable(NO_PERF);
  const { stdout } = await run('perf', ['script', '-i', file, '-F', 'comm,ip,sym,dso'], {
    maxBuffer: SCRIPT_BYTES_MAX,
    timeout: SCRIPT_MS_MAX,
  });
  const stacks = stacksOfPerf(stdout, 1_000 / PER_SECOND, THREAD);
  const skus = settings.skus ?? 1;
  return {
    title: `redis-server, engine with ${skus} SKU${skus === 1 ? '' : 's'}: ${orders} orders, ${Math.round(perSecond)}/s, ${redisUs.toFixed(2)} us of Redis each (${stores.redisRoute})`,
    unit: 'ms',
    stacks,
    tables: shareTables(stacks, { unit: 'us/order', all: redisUs }),
  };
}
