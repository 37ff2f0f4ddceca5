/**
 * What one hold costs in memory: Redis's own count with and without the holds, divided by holds, once the stream has been
 * cut as the worker cuts it. Buffers of connections and of the append-only file are left out: they do not grow with holds.
 * Taken at two sizes, because hash tables double: right after a doubling a hold seems dearer than before the next one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { type Bench, type Figure, figure } from './figures.ts';
import { openEngine, orderIds, reserveOne } from './hot-sku.ts';
import { readControl } from './shipped.ts';
import { type Stores, scriptTime } from './stores.ts';

const HOLD_BYTES_MAX = 290;
const SETTLED_BYTES_MAX = 150;
const SMALL = 200_000;
const LARGE = 1_000_000;
const LARGE_QUICK = 400_000;
/** As many callers as fill two batches. */
const CALLERS = 512;
/** An engine that is almost idle pays an entry of the deadline index for each hold. */
const ALONE = 20_000;
const SETTLE_MS_MAX = 30_000;
const STEADY_BYTES = 4_096;

export async function memoryFigures(bench: Bench): Promise<Figure[]> {
  const { stores, settings } = bench;
  const large = settings.quick ? LARGE_QUICK : LARGE;
  const figures: Figure[] = [];
  const hot = await openEngine(stores);
  try {
    const empty = await memoryOf(stores);
    bench.progress(`memory of ${SMALL} and ${large} holds`);
    await fill(hot, 0, SMALL);
    figures.push(perOrder(`memory per hold, ${SMALL} holds`, empty, await cutAndWeigh(stores, hot), SMALL));
    await fill(hot, SMALL, large - SMALL / 2);
    const before = await scriptTime(stores);
    await fill(hot, large - SMALL / 2, large);
    const us = ((await scriptTime(stores)).us - before.us) / (SMALL / 2);
    figures.push(perOrder(`memory per hold, ${large} holds`, empty, await cutAndWeigh(stores, hot), large));
    figures.push(figure(`reserve beside ${large} holds, batches of 256`, 'us/order', [us]));
  } finally {
    await hot.close();
  }
  figures.push(await settled(bench));
  if (!settings.quick) figures.push(await alone(bench));
  return figures;
}

/** A confirmed order: its record stays as a tombstone, its deadline stays in the index until it has passed. */
async function settled(bench: Bench): Promise<Figure> {
  bench.progress(`memory of ${SMALL} settled reservations`);
  const hot = await openEngine(bench.stores);
  try {
    const empty = await memoryOf(bench.stores);
    await fill(hot, 0, SMALL);
    await confirmAll(hot, SMALL);
    const name = `memory per settled reservation, ${SMALL} of them`;
    const own = perOrder(name, empty, await cutAndWeigh(bench.stores, hot), SMALL);
    return { ...own, target: { atMost: SETTLED_BYTES_MAX } };
  } finally {
    await hot.close();
  }
}

async function alone(bench: Bench): Promise<Figure> {
  bench.progress(`memory of ${ALONE} holds made one by one`);
  const hot = await openEngine(bench.stores);
  try {
    const empty = await memoryOf(bench.stores);
    await callers(1, 0, ALONE, (orderId) => reserveOne(hot, orderId));
    const name = `memory per hold, ${ALONE} holds made one by one`;
    return { ...perOrder(name, empty, await cutAndWeigh(bench.stores, hot), ALONE), target: undefined };
  } finally {
    await hot.close();
  }
}

/** Bytes per hold and, when all of them are confirmed, per settled reservation. */
export async function weigh(stores: Stores, holds: number): Promise<{ hold: number; settled: number }> {
  const hot = await openEngine(stores);
  try {
    const empty = await memoryOf(stores);
    await fill(hot, 0, holds);
    const held = await cutAndWeigh(stores, hot);
    await confirmAll(hot, holds);
    const settled = await cutAndWeigh(stores, hot);
    return { hold: (held - empty) / holds, settled: (settled - empty) / holds };
  } finally {
    await hot.close();
  }
}

function confirmAll(hot: HotInventory, orders: number): Promise<void> {
  return callers(CALLERS, 0, orders, async (orderId) => {
    const { outcome } = await hot.confirm({ orderId });
    if (outcome !== 'done') throw new Error(`${orderId} was not confirmed`);
  });
}

function perOrder(name: string, before: number, after: number, orders: number): Figure {
  return figure(name, 'bytes', [(after - before) / orders], { target: { atMost: HOLD_BYTES_MAX } });
}

function fill(hot: HotInventory, from: number, to: number): Promise<void> {
  return callers(CALLERS, from, to, (orderId) => reserveOne(hot, orderId));
}

/** Every order from `from` up to `to`, so many at once. */
async function callers(
  count: number,
  from: number,
  to: number,
  call: (orderId: string) => Promise<void>,
): Promise<void> {
  const ids = orderIds(to);
  let next = from;
  const run = async () => {
    while (next < to) await call(ids[next++] as string);
  };
  await Promise.all(Array.from({ length: count }, run));
}

async function cutAndWeigh(stores: Stores, hot: HotInventory): Promise<number> {
  const control = await readControl(stores.admin, partitionKeys());
  if (!control) throw new Error('the partition is gone');
  await hot.trim(control.sequence, control.eventsTotal);
  return memoryOf(stores);
}

/** Waits until tables that are being moved have arrived, so that nothing is counted twice. */
export async function memoryOf({ admin }: Stores): Promise<number> {
  const limitMs = performance.now() + SETTLE_MS_MAX;
  let last = Number.NaN;
  for (;;) {
    const info = await admin.info('memory');
    const read = (field: string) => Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    const bytes = read('used_memory') - read('mem_clients_normal') - read('mem_aof_buffer');
    if (Math.abs(bytes - last) < STEADY_BYTES) return bytes;
    if (performance.now() > limitMs) throw new Error("Redis's memory does not come to rest");
    last = bytes;
    await sleep(500);
  }
}
