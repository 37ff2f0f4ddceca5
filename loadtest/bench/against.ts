/**
 * This checkout and another built one, before and after a change. Redis part: batch by batch alternated on one Redis under
 * two prefixes, so that whatever else the machine does affects both. HTTP part: both API processes run, and short bursts
 * of orders alternate between them. Works with every checkout whose engine has the methods that are called here.
 */
import { resolve } from 'node:path';
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { WrongOption } from '../command.ts';
import { threadsCpuUs } from '../cpu.ts';
import { endProgram, logLineWith, startProgram } from '../program.ts';
import { ownCpu } from './callers.ts';
import { type Bench, type Figure, figure, ratios, type Section, spreadOf } from './figures.ts';
import { orderIds, receive, SKU } from './hot-sku.ts';
import { load } from './http-load.ts';
import { runBatches, timeBatches } from './redis-time.ts';
import { confirm, FULL, keyOf, manySkusIn, release, reserveIn, WORKS, type Work } from './redis-works.ts';
import { builtFile, builtModule } from './shipped.ts';
import type { Stores } from './stores.ts';

const BATCHES = 60;
const WARM_UP_BATCHES = 10;
/** A batch of few orders is short, so there are more of them. */
const ORDERS_MIN = 2_000;
/** By these a change is judged: one hot SKU, 1,000 SKUs, payments, releases. */
const JUDGED: readonly Work[] = [reserveIn(FULL), manySkusIn(FULL), confirm, release];
/** A batch of one order shows the fixed cost of a batch best. */
const ALL: readonly Work[] = [
  ...JUDGED,
  reserveIn(1),
  ...WORKS.filter((work) => !JUDGED.some((judged) => keyOf(judged) === keyOf(work))),
];
const TIMES_MAX = 1.03;

const CONNECTIONS = 64;
const REQUESTS = 3_000;
const BURSTS = 4;
const WARM_UP_REQUESTS = 4_000;

/** What is needed of a checkout. */
interface Checkout {
  readonly open: typeof import('../../src/hotpath/hot-inventory.ts').openHotInventory;
  readonly openPartition: typeof import('../../src/hotpath/partition.ts').openPartition;
  readonly keys: typeof import('../../src/hotpath/keys.ts').partitionKeys;
  /** Path of the built API program. */
  readonly serve: string;
}
type Pair = readonly [here: Checkout, there: Checkout];

/** @param folder of the other checkout, in which `npm run build` was run. @throws {WrongOption} where it was not */
export async function against(folder: string): Promise<Section> {
  const there = resolve(folder);
  const checkouts: Pair = [
    await checkoutIn(new URL('../..', import.meta.url).pathname),
    await checkoutIn(there).catch((error: unknown) => {
      throw new WrongOption(`--against ${folder}: ${error instanceof Error ? error.message : error}`);
    }),
  ];
  return {
    title: `this checkout and ${there}, alternated`,
    run: async (bench) => {
      const figures: Figure[] = [];
      for (const work of bench.settings.quick ? JUDGED : ALL) {
        figures.push(...(await compare(bench, checkouts, work)));
      }
      return [...figures, ...(await compareHttp(bench, checkouts))];
    },
  };
}

async function checkoutIn(folder: string): Promise<Checkout> {
  const load = (name: string) => builtModule(folder, 'hotpath', name);
  const { openHotInventory } = (await load('hot-inventory')) as { openHotInventory: Checkout['open'] };
  const { openPartition } = (await load('partition')) as { openPartition: Checkout['openPartition'] };
  const { partitionKeys } = (await load('keys')) as { partitionKeys: Checkout['keys'] };
  return {
    open: openHotInventory,
    openPartition,
    keys: partitionKeys,
    serve: builtFile(folder, '', 'serve'),
  };
}

async function compare(bench: Bench, checkouts: Pair, work: Work): Promise<Figure[]> {
  const redis: [number[], number[]] = [[], []];
  const node: [number[], number[]] = [[], []];
  for (let turn = 0; turn < bench.settings.repeats; turn++) {
    const { redisUs, nodeUs } = await takeTurn(bench, checkouts, work);
    for (const i of [0, 1] as const) {
      redis[i].push(lowerQuartile(redisUs[i]));
      node[i].push(lowerQuartile(nodeUs[i]));
    }
  }
  const [times, nodeTimes] = [ratios(...redis), ratios(...node)];
  const key = keyOf(work);
  bench.progress(
    `${key}: Redis ${spreadOf(times).median.toFixed(3)} x, Node ${spreadOf(nodeTimes).median.toFixed(3)} x`,
  );
  const target = JUDGED.includes(work) ? { target: { atMost: TIMES_MAX } } : {};
  return [
    figure(`${key}: Redis, here`, 'us/order', redis[0]),
    figure(`${key}: Redis, there`, 'us/order', redis[1]),
    figure(`${key}: Redis, here / there`, 'x', times, target),
    figure(`${key}: CPU of Node, here / there`, 'x', nodeTimes),
  ];
}

/** Of a turn: a batch during which the system ran other processes does not count. */
const lowerQuartile = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 4)] ?? Number.NaN;

/** Microseconds an order in Redis and in this process, by batch, of both checkouts. */
async function takeTurn({ stores }: Bench, checkouts: Pair, work: Work) {
  const { size } = work;
  const batches = Math.max(BATCHES, Math.ceil(ORDERS_MIN / size)) + WARM_UP_BATCHES;
  const ids = orderIds(batches * size);
  await stores.clear();
  const hots: HotInventory[] = [];
  const redisUs: [number[], number[]] = [[], []];
  const nodeUs: [number[], number[]] = [[], []];
  try {
    for (const [i, checkout] of checkouts.entries())
      hots.push(await opened(stores, checkout, `bench${i}`, size));
    for (const hot of hots) {
      await work.prepare?.(hot, ids.length);
      const { first } = work;
      if (first) await runBatches(ids, size, 0, batches, (id) => first(hot, id));
    }
    for (let batch = 0; batch < batches; batch++) {
      for (const rival of batch % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const cpuBefore = ownCpu();
        const [timed] = await timeBatches(stores, ids, size, batch, 1, async (id, n) => {
          const { outcome } = await work.call(hots[rival] as HotInventory, id, n);
          if (outcome !== 'done') throw new Error(`${work.name} of ${id} was ${outcome}`);
        });
        if (timed?.calls !== 1) throw new Error(`a batch of ${work.name} was not one call`);
        if (batch < WARM_UP_BATCHES) continue;
        redisUs[rival].push(timed.us);
        nodeUs[rival].push((ownCpu() - cpuBefore) / size);
      }
    }
    return { redisUs, nodeUs };
  } finally {
    await Promise.all(hots.map((hot) => hot.close()));
  }
}

async function opened(
  stores: Stores,
  checkout: Checkout,
  prefix: string,
  size: number,
): Promise<HotInventory> {
  await checkout.openPartition(stores.admin, checkout.keys(prefix), 1);
  const limits = { batchCommandsMax: size, batchesInFlightMax: 1 };
  const hot = await checkout.open({ redisUrl: stores.redisUrl, prefix, ack: 'fsync', limits });
  await receive(hot, SKU);
  return hot;
}

// Over HTTP ------------------------------------------------------------------------------------------------

interface Api {
  readonly port: number;
  readonly pid: number;
  close(): Promise<void>;
}

/** POST /v1/reservations by the API program of each, no worker: server CPU a request, and requests a second. */
async function compareHttp(bench: Bench, checkouts: Pair): Promise<Figure[]> {
  const { stores, settings, progress } = bench;
  await stores.clear();
  const apis: Api[] = [];
  const us: [number[], number[]] = [[], []];
  const rates: [number[], number[]] = [[], []];
  const burst = async (rival: 0 | 1, mark: string, requests: number) => {
    const { port, pid } = apis[rival] as Api;
    const before = await threadsCpuUs(pid);
    const { created, perSecond } = await load({ port, connections: CONNECTIONS, mark, requests });
    return { us: ((await threadsCpuUs(pid)) - before) / created, rate: perSecond };
  };
  try {
    for (const [i, checkout] of checkouts.entries()) apis.push(await startApi(bench, checkout, `http${i}`));
    for (const rival of [0, 1] as const) await burst(rival, 'w', WARM_UP_REQUESTS);
    for (let turn = 0; turn < settings.repeats * BURSTS; turn++) {
      for (const rival of turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const measured = await burst(rival, `t${turn}-`, REQUESTS);
        us[rival].push(measured.us);
        rates[rival].push(measured.rate);
      }
    }
    const times = ratios(...us);
    progress(`HTTP: server CPU ${spreadOf(times).median.toFixed(3)} x`);
    const name = 'POST /v1/reservations: CPU of the server';
    return [
      figure(`${name}, here`, 'us/request', us[0]),
      figure(`${name}, there`, 'us/request', us[1]),
      figure(`${name}, here / there`, 'x', times, { target: { atMost: TIMES_MAX } }),
      figure('POST /v1/reservations: requests a second, here / there', 'x', ratios(...rates)),
    ];
  } finally {
    await Promise.all(apis.map((api) => api.close()));
  }
}

async function startApi({ stores, progress }: Bench, checkout: Checkout, prefix: string): Promise<Api> {
  const hot = await opened(stores, checkout, prefix, FULL);
  await hot.close();
  const environment = { REDIS_URL: stores.redisUrl, HOLDFAST_PREFIX: prefix, HOST: '127.0.0.1', PORT: '0' };
  const program = startProgram('serve', checkout.serve, environment, progress);
  const { url } = await logLineWith(program, 'url');
  return {
    port: Number(new URL(String(url)).port),
    pid: program.child.pid ?? 0,
    close: () => endProgram(program),
  };
}
