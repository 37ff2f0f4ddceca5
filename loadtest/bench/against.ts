/**
 * This program and that of another checkout, before and after a change: what an order costs each in Redis, batch by batch in
 * turn on one Redis, so that whatever the machine does meanwhile weighs on both. The other checkout must be built, and have
 * this engine's interface.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { type Bench, type Figure, figure, ratios, type Section, spreadOf } from './figures.ts';
import { orderIds, receive, SKU } from './hot-sku.ts';
import { runBatches, timeBatches } from './redis-time.ts';
import { FULL, keyOf, reserveIn, WORKS, type Work } from './redis-works.ts';
import { WrongOption } from './settings.ts';
import type { Stores } from './stores.ts';

const BATCHES = 60;
const BATCHES_QUICK = 20;
const WARM_UP_BATCHES = 10;
/** A batch of few orders is short, so there are more of them. */
const ORDERS_MIN = 2_000;
/** A batch of one order shows the fixed part like no other. */
const ALL: readonly Work[] = [reserveIn(1), ...WORKS];
const QUICK: readonly Work[] = ALL.filter(({ size }) => size === 1 || size === FULL);

/** What is needed of a checkout. */
interface Engine {
  readonly open: typeof import('../../src/hotpath/hot-inventory.ts').openHotInventory;
  readonly openPartition: typeof import('../../src/hotpath/partition.ts').openPartition;
  readonly keys: typeof import('../../src/hotpath/keys.ts').partitionKeys;
}

/** @param folder of the other checkout, in which `npm run build` was run. @throws {WrongOption} where it was not */
export function against(folder: string): Section {
  const there = resolve(folder);
  if (!existsSync(resolve(there, 'dist/hotpath/hot-inventory.js'))) {
    throw new WrongOption(`--against ${folder}: no built checkout; run "npm ci && npm run build" there`);
  }
  const here = new URL('../..', import.meta.url).pathname;
  return {
    title: `Time in Redis per order: this checkout and ${there}, batch by batch in turn`,
    run: async (bench) => {
      const engines = [await engineIn(here), await engineIn(there)] as const;
      const figures: Figure[] = [];
      for (const work of bench.settings.quick ? QUICK : ALL) {
        figures.push(...(await compare(bench, engines, work)));
      }
      return figures;
    },
  };
}

async function engineIn(folder: string): Promise<Engine> {
  const load = (file: string) => import(pathToFileURL(resolve(folder, 'dist/hotpath', file)).href);
  const { openHotInventory } = (await load('hot-inventory.js')) as { openHotInventory: Engine['open'] };
  const { openPartition } = (await load('partition.js')) as { openPartition: Engine['openPartition'] };
  const { partitionKeys } = (await load('keys.js')) as { partitionKeys: Engine['keys'] };
  return { open: openHotInventory, openPartition, keys: partitionKeys };
}

async function compare(bench: Bench, engines: readonly [Engine, Engine], work: Work): Promise<Figure[]> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let turn = 0; turn < bench.settings.repeats; turn++) {
    const [here, there] = await turnOf(bench, engines, work);
    ours.push(here);
    theirs.push(there);
  }
  const times = ratios(ours, theirs);
  bench.progress(`${keyOf(work)}: ${spreadOf(times).median.toFixed(3)} x`);
  return [
    figure(`${keyOf(work)}: here`, 'us/order', ours),
    figure(`${keyOf(work)}: there`, 'us/order', theirs),
    figure(`${keyOf(work)}: here / there`, 'x', times),
  ];
}

/** The median batch of each: a stall in one of them is not the program's. */
async function turnOf(
  { stores, settings }: Bench,
  engines: readonly [Engine, Engine],
  work: Work,
): Promise<[number, number]> {
  const { size } = work;
  const batches = Math.max(settings.quick ? BATCHES_QUICK : BATCHES, Math.ceil(ORDERS_MIN / size));
  const ids = orderIds((batches + WARM_UP_BATCHES) * size);
  await stores.clear();
  const hots: HotInventory[] = [];
  try {
    for (const [i, engine] of engines.entries()) hots.push(await opened(stores, engine, `against${i}`, size));
    for (const hot of hots) {
      await work.prepare?.(hot, ids.length);
      const { first } = work;
      if (first) await runBatches(ids, size, 0, batches + WARM_UP_BATCHES, (id) => first(hot, id));
    }
    const times: [number[], number[]] = [[], []];
    for (let batch = 0; batch < batches + WARM_UP_BATCHES; batch++) {
      for (const rival of [batch % 2, 1 - (batch % 2)]) {
        const [timed] = await timeBatches(stores, ids, size, batch, 1, async (id, n) => {
          const { outcome } = await work.call(hots[rival] as HotInventory, id, n);
          if (outcome !== 'done') throw new Error(`${work.name} of ${id} was ${outcome}`);
        });
        if (timed?.calls !== 1) throw new Error(`a batch of ${work.name} was not one call`);
        if (batch >= WARM_UP_BATCHES) times[rival]?.push(timed.us);
      }
    }
    return [spreadOf(times[0]).median, spreadOf(times[1]).median];
  } finally {
    await Promise.all(hots.map((hot) => hot.close()));
  }
}

async function opened(stores: Stores, engine: Engine, prefix: string, size: number): Promise<HotInventory> {
  await engine.openPartition(stores.admin, engine.keys(prefix), 1);
  const limits = { batchCommandsMax: size, batchesInFlightMax: 1 };
  const hot = await engine.open({ redisUrl: stores.redisUrl, prefix, ack: 'fsync', limits });
  await receive(hot, SKU);
  return hot;
}
