/**
 * What one order costs Redis: its own count of microseconds in EVALSHA (commandstats), divided by orders. The decision
 * alone: parsing, the append-only file and its sync come on top and are in the engine's figures. One batch at a time and
 * always full, so the size of a batch is known and what is measured is the program, not the traffic.
 */

import { partitionKeys } from '../../src/hotpath/keys.ts';
import { type Figure, figure, ratios, type Section, type Target } from './figures.ts';
import { LINE, openEngine, orderIds } from './hot-sku.ts';
import { inTurn } from './in-turn.ts';
import { memoryFigures } from './redis-memory.ts';
import { FULL, keyOf, SIZES, WORKS, type Work } from './redis-works.ts';
import { type Stores, scriptTime } from './stores.ts';

const ORDERS = 40_000;
const ORDERS_QUICK = 10_000;
const WARM_UP_BATCHES = 20;

export const redisTime: Section = {
  title: 'Time in Redis per order, from its command statistics; memory per order',
  run: async (bench) => {
    const orders = bench.settings.quick ? ORDERS_QUICK : ORDERS;
    bench.progress('time in Redis');
    const works = WORKS.map((work) => ({
      name: keyOf(work),
      measure: async () => meanOf(await timesInRedis(bench.stores, work, orders)),
    }));
    const floors = FLOORS.map((size) => ({
      name: keyOf({ name: FLOOR, size }),
      measure: async () => meanOf(await timesOfBareSets(bench.stores, size, orders)),
    }));
    const rivals = [...works, ...floors];
    const results = await inTurn(bench.settings.repeats, rivals, bench.progress, (us) => us.toFixed(2));
    const turns = new Map(rivals.map(({ name }, i) => [name, results[i] ?? []]));
    const figures = WORKS.flatMap((work) => figuresOf(work, turns));
    const bare = FLOORS.flatMap((size) => figuresOfFloor(size, turns));
    return [...figures, ...bare, fixedPart(turns), ...(await memoryFigures(bench))];
  },
};

function figuresOf(work: Work, turns: ReadonlyMap<string, readonly number[]>): Figure[] {
  const key = keyOf(work);
  const us = turns.get(key) ?? [];
  const own = figure(key, 'us/order', us, atMost(work.usMax));
  if (!work.against) return [own];
  const times = ratios(us, turns.get(work.against.key) ?? []);
  const name = `${key} / ${work.against.key.replace(/,[^,]*$/, '')}`;
  return [own, figure(name, 'x', times, atMost(work.against.timesMax))];
}

/** What no program could do without: a key with a time to live for each order, set from within one script. */
const FLOOR = 'SET with a TTL for each order and nothing else';
const FLOORS = [100, FULL];
const BARE_SETS = `#!lua
for i = 1, #KEYS do
  redis.call("SET", KEYS[i], ARGV[1], "PXAT", ARGV[2])
end
return #KEYS`;
const HOLD_AND_TOMBSTONE_MS = 88_200_000;

function figuresOfFloor(size: number, turns: ReadonlyMap<string, readonly number[]>): Figure[] {
  const us = turns.get(keyOf({ name: FLOOR, size })) ?? [];
  const reserves = turns.get(keyOf({ name: 'reserve', size })) ?? [];
  return [
    figure(keyOf({ name: FLOOR, size }), 'us/order', us),
    figure(`${keyOf({ name: 'reserve', size })} / bare SETs`, 'x', ratios(reserves, us)),
  ];
}

async function timesOfBareSets(stores: Stores, size: number, orders: number): Promise<number[]> {
  const batches = Math.ceil(orders / size);
  const ids = orderIds((batches + WARM_UP_BATCHES) * size);
  const { reservation } = partitionKeys();
  await stores.clear();
  const sha = String(await stores.admin.script('LOAD', BARE_SETS));
  const now = Date.now();
  const value = `ACTIVE ${now} 1800000 ${LINE.sku}@${LINE.warehouse}=1`;
  const times: number[] = [];
  for (let batch = 0; batch < batches + WARM_UP_BATCHES; batch++) {
    const keys = ids.slice(batch * size, (batch + 1) * size).map(reservation);
    const before = await scriptTime(stores);
    await stores.admin.evalsha(sha, size, ...keys, value, now + HOLD_AND_TOMBSTONE_MS);
    const after = await scriptTime(stores);
    if (batch >= WARM_UP_BATCHES) times.push((after.us - before.us) / size);
  }
  return times;
}

function atMost(limit: number | undefined): { target?: Target } {
  return limit === undefined ? {} : { target: { atMost: limit } };
}

/** What a call costs however few orders are in it: where the lines through two sizes meet zero orders. */
function fixedPart(turns: ReadonlyMap<string, readonly number[]>): Figure {
  const [small = 0, large = 0] = [SIZES[0], SIZES.at(-1)];
  const of = (size: number) => turns.get(keyOf({ name: 'reserve', size })) ?? [];
  const values = of(small).map((smallUs, turn) => {
    const slope = (large * (of(large)[turn] as number) - small * smallUs) / (large - small);
    return small * (smallUs - slope);
  });
  return figure('fixed part of a batch, whatever is in it', 'us', values);
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Microseconds of Redis per order, batch by batch. */
export async function timesInRedis(
  stores: Stores,
  work: Work,
  orders: number,
  warmUp = WARM_UP_BATCHES,
): Promise<number[]> {
  const { size } = work;
  const batches = Math.ceil(orders / size);
  const all = (batches + warmUp) * size;
  const ids = orderIds(all);
  const hot = await openEngine(stores, { batchCommandsMax: size, batchesInFlightMax: 1 });
  try {
    await work.prepare?.(hot, all);
    const { first } = work;
    if (first) await runBatches(ids, size, 0, batches + warmUp, (id) => first(hot, id));
    const call = async (id: string, n: number) => {
      const { outcome } = await work.call(hot, id, n);
      if (outcome !== 'done') throw new Error(`${work.name} of ${id} was ${outcome}`);
    };
    await runBatches(ids, size, 0, warmUp, call);
    const times = await timeBatches(stores, ids, size, warmUp, batches, call);
    if (times.some(({ calls }) => calls !== 1)) throw new Error(`a batch of ${work.name} was not one call`);
    return times.map(({ us }) => us);
  } finally {
    await hot.close();
  }
}

/** The same for whatever else runs scripts; `calls` of scripts in each batch. */
export async function timeBatches(
  stores: Stores,
  ids: readonly string[],
  size: number,
  from: number,
  count: number,
  call: (orderId: string, n: number) => Promise<unknown>,
): Promise<{ us: number; calls: number }[]> {
  const times: { us: number; calls: number }[] = [];
  let before = await scriptTime(stores);
  for (let batch = from; batch < from + count; batch++) {
    await runBatches(ids, size, batch, 1, call);
    const after = await scriptTime(stores);
    times.push({ us: (after.us - before.us) / size, calls: after.calls - before.calls });
    before = after;
  }
  return times;
}

/** Batches of exactly `size` orders, one after the other. */
export async function runBatches(
  ids: readonly string[],
  size: number,
  from: number,
  count: number,
  call: (orderId: string, n: number) => Promise<unknown>,
): Promise<void> {
  for (let batch = from; batch < from + count; batch++) {
    const start = batch * size;
    await Promise.all(ids.slice(start, start + size).map((id, i) => call(id, start + i)));
  }
}
