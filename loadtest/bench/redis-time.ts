/**
 * What one order costs Redis: its own count of microseconds in EVALSHA (commandstats), divided by orders. Only the decision:
 * parsing, the append-only file and its sync come on top. One full batch at a time, so that the program is measured and not
 * the traffic.
 */
import { type Figure, figure, ratios, type Section } from './figures.ts';
import { openEngine, orderIds } from './hot-sku.ts';
import { inTurn } from './in-turn.ts';
import { weigh } from './redis-memory.ts';
import { keyOf, WORKS, type Work } from './redis-works.ts';
import { type Stores, scriptTime } from './stores.ts';

const ORDERS = 40_000;
const ORDERS_QUICK = 10_000;
const WARM_UP_BATCHES = 20;
const HOLDS_WEIGHED = 200_000;
const HOLD_BYTES_MAX = 290;
const SETTLED_BYTES_MAX = 150;

type Turns = ReadonlyMap<string, readonly number[]>;

export const redisTime: Section = {
  title: 'Time in Redis per order, from its command statistics; bytes per order',
  run: async ({ settings, stores, progress }) => {
    const orders = settings.quick ? ORDERS_QUICK : ORDERS;
    const rivals = WORKS.map((work) => ({
      name: keyOf(work),
      measure: async () => meanOf(await timesInRedis(stores, work, orders)),
    }));
    const results = await inTurn(settings.repeats, rivals, progress, (us) => us.toFixed(2));
    const turns: Turns = new Map(rivals.map(({ name }, i) => [name, results[i] ?? []]));
    progress(`bytes of ${HOLDS_WEIGHED} holds`);
    const { hold, settled } = await weigh(stores, HOLDS_WEIGHED);
    return [
      ...WORKS.flatMap((work) => figuresOf(work, turns)),
      figure('memory per hold', 'bytes', [hold], { target: { atMost: HOLD_BYTES_MAX } }),
      figure('memory per settled reservation', 'bytes', [settled], { target: { atMost: SETTLED_BYTES_MAX } }),
    ];
  },
};

function figuresOf({ usMax, against, ...work }: Work, turns: Turns): Figure[] {
  const key = keyOf(work);
  const us = turns.get(key) ?? [];
  const target = (atMost: number | undefined) => (atMost === undefined ? {} : { target: { atMost } });
  const own = figure(key, 'us/order', us, target(usMax));
  if (!against) return [own];
  const times = ratios(us, turns.get(against.key) ?? []);
  const name = `${key} / ${against.key.replace(/,[^,]*$/, '')}`;
  return [own, figure(name, 'x', times, target(against.timesMax))];
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
