/**
 * The regression guard: `npm run bench -- --guard`, after the tests in `.ci/run`. Promises: under a minute, whatever the
 * machine does; ratios within one run and bytes, never times; it fails on a clear loss only, and says which.
 */
import { closedLoop, ownCpu } from './callers.ts';
import { type Bench, spreadOf } from './figures.ts';
import { BOUNDS, type BoundName } from './guard-bounds.ts';
import { judge, TURNS } from './guard-verdict.ts';
import { openEngine, orderIds, reserveOne } from './hot-sku.ts';
import { openShop } from './http.ts';
import { closeServer, cpuOf, LoadFailed, load, reopenServer, type Server, startServer } from './http-load.ts';
import { openNaiveScript } from './naive-script.ts';
import { weigh } from './redis-memory.ts';
import { timeBatches, timesInRedis } from './redis-time.ts';
import {
  anywhere,
  confirm,
  FULL,
  farthest,
  inSale,
  manySkusIn,
  release,
  reserveIn,
  type Work,
} from './redis-works.ts';
import { redisCpu, type Stores } from './stores.ts';

/** From the start of the process: no turn begins that would probably end behind this. */
const TURNS_END_MS = 45_000;
/** What is under way then is given up. Stopping Redis takes the rest of the minute, at the worst. */
const GIVE_UP_MS = 52_000;

const CALLERS = 64;
const SPAN = { warmUpMs: 150, measureMs: 400, callsMax: 120_000 };
const ORDERS = 3_072;
const WARM_UP_BATCHES = 4;
/** Some milliseconds in one call would not be taken from a busy machine in one go. */
const SMALL = 64;
/** Well behind a doubling of Redis's tables: right there a hold is dearest, which is not what is usual. */
const HOLDS_WEIGHED = 30_000;
const CONNECTIONS = 64;
const REQUESTS = 2_000;
const WARM_UP_REQUESTS = 1_000;

type Add = (name: BoundName, value: number) => void;

/** Answers the exit code. */
export async function runGuard(bench: Bench): Promise<number> {
  const values = new Map<string, number[]>();
  const add: Add = (bound, value) => {
    const { name } = BOUNDS[bound];
    values.set(name, [...(values.get(name) ?? []), value]);
  };
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), GIVE_UP_MS - performance.now());
  });
  const ended = await Promise.race([measure(bench, add), limit]).finally(() => clearTimeout(timer));
  const turns = values.get(BOUNDS.skus.name)?.length ?? 0;
  const { lines, isLost } = judge(Object.values(BOUNDS), values);
  console.log(lines.join('\n'));
  if (turns < TURNS)
    console.log(`guard: only ${turns} of ${TURNS} turns fitted into the time: the machine is too busy`);
  // A turn takes some seconds. Where not one ended, something is wrong that no busy machine explains.
  const isStuck = ended === 'late' && turns === 0;
  if (isStuck) console.log('guard: LOST: not one turn ended in time');
  return isLost || isStuck ? 1 : 0;
}

async function measure(bench: Bench, add: Add): Promise<void> {
  const { stores, progress } = bench;
  const starting = Promise.all([startServer('real', stores.redisUrl), startServer('bare', stores.redisUrl)]);
  // Bytes do not depend on what else runs meanwhile.
  const [servers, { hold, settled }] = await Promise.all([starting, weigh(stores, HOLDS_WEIGHED)]);
  try {
    add('hold', hold);
    add('settled', settled);
    let longestMs = 0;
    for (let turn = 0; turn < TURNS; turn++) {
      const startedMs = performance.now();
      if (startedMs + longestMs > TURNS_END_MS) return;
      await takeTurn(bench, servers, add);
      longestMs = Math.max(longestMs, performance.now() - startedMs);
      progress(`${turn + 1}/${TURNS}: ${(longestMs / 1_000).toFixed(1)} s`);
    }
  } finally {
    for (const { child } of servers) child.kill();
  }
}

async function takeTurn(bench: Bench, [real, bare]: readonly [Server, Server], add: Add): Promise<void> {
  const ours = await engineRate(bench);
  const script = await scriptRate(bench);
  add('engine', ours.perSecond / script.perSecond);
  add('cpu', ours.cpuUs / script.cpuUs);

  // The median: a batch during which the system ran another process does not count.
  const us = async (work: Work) =>
    spreadOf(await timesInRedis(bench.stores, work, ORDERS, WARM_UP_BATCHES)).median;
  const reserve = await us(reserveIn(FULL));
  add('reserve', reserve / script.us);
  add('confirm', (await us(confirm)) / reserve);
  add('release', (await us(release)) / reserve);
  add('sale', (await us(inSale)) / reserve);
  add('far', (await us(farthest)) / (await us(anywhere)));
  add('skus', (await us(manySkusIn(SMALL))) / (await us(reserveIn(SMALL))));

  try {
    add('http', (await serverCpu(bench, real)) / (await serverCpu(bench, bare)));
  } catch (error) {
    // Requests time out where the machine stands still; it says nothing about what they cost.
    if (!(error instanceof LoadFailed)) throw error;
    bench.progress(`no figure over HTTP in this turn: ${error.message}`);
  }
}

interface Rate {
  readonly perSecond: number;
  /** Of this process and of Redis's main thread, for each order. */
  readonly cpuUs: number;
}

async function engineRate({ stores }: Bench): Promise<Rate> {
  const ids = orderIds(SPAN.callsMax);
  const hot = await openEngine(stores);
  try {
    return await rate(stores, (n) => reserveOne(hot, ids[n] as string));
  } finally {
    await hot.close();
  }
}

/** With the microseconds of Redis for each order, by its statistics. */
async function scriptRate({ stores }: Bench): Promise<Rate & { readonly us: number }> {
  const ids = orderIds(SPAN.callsMax + ORDERS);
  const naive = await openNaiveScript(stores);
  try {
    const call = (id: string) => naive.reserveOne(id);
    const times = await timeBatches(stores, ids, FULL, 0, ORDERS / FULL, call);
    const measured = await rate(stores, (n) => call(ids[ORDERS + n] as string));
    return { ...measured, us: spreadOf(times.map(({ us }) => us)).median };
  } finally {
    naive.close();
  }
}

async function rate(stores: Stores, call: (n: number) => Promise<void>): Promise<Rate> {
  const meter = async () => ({ all: ownCpu() + (await redisCpu(stores)) });
  const { perSecond, cpuUs } = await closedLoop(CALLERS, SPAN, meter, call);
  return { perSecond, cpuUs: cpuUs.all ?? Number.NaN };
}

/** Microseconds a request, by the server's process; it depends less on what else runs than how many it answers. */
async function serverCpu({ stores }: Bench, server: Server): Promise<number> {
  await closeServer(server);
  await openShop(stores);
  const request = { port: await reopenServer(server), connections: CONNECTIONS };
  await load({ ...request, mark: 'w', requests: WARM_UP_REQUESTS });
  const before = await cpuOf(server.child);
  const { created } = await load({ ...request, mark: 'm', requests: REQUESTS });
  return ((await cpuOf(server.child)) - before) / created;
}
