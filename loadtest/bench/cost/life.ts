/**
 * What one order costs in the course of its life, held, paid, and paid with its deadline past: in Redis, in the ledger, and
 * in processor time by the engine alone. Beside it plain keys of the same sizes, which tell of what its bytes in Redis
 * consist. Promises: all are weighed at one number of keys, for hash tables double.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { partitionKeys } from '../../../src/hotpath/keys.ts';
import { type Bench, type Figure, figure } from '../figures.ts';
import { orderIds } from '../hot-sku.ts';
import { memoryOf } from '../redis-memory.ts';
import type { Stores } from '../stores.ts';
import { perEvent, perOrder, ROWS } from './readings.ts';
import type { Shop, Street } from './shop.ts';

const ORDERS = 100_000;
const ORDERS_QUICK = 50_000;
/** Long enough to sell and pay them all; it must be over before they are weighed for the last time. */
const HOLD_SECONDS = 30;
const HOLD_SECONDS_QUICK = 15;
const SWEEP_MS_MAX = 120_000;
const SWEEP_POLL_MS = 100;
const SETS_AT_ONCE = 1_000;
const TTL_MS = 86_400_000;

export async function lifeFigures(bench: Bench, street: Street): Promise<Figure[]> {
  const { quick, repeats } = bench.settings;
  const orders = quick ? ORDERS_QUICK : ORDERS;
  bench.progress(`the life of ${orders.toLocaleString('en')} orders`);
  const used = new Map<string, { unit: string; values: number[] }>();
  let kept: Figure[] = [];
  for (let turn = 1; turn <= repeats; turn++) {
    const shop = await street.open({ api: 'engine', skus: 1, partitions: 1 });
    // Redis is weighed once: its bytes are the same each time, and the deadlines have to be waited for.
    const weigh = turn === repeats ? await scaleOf(shop, orders) : undefined;
    await shop.prepare(orders, quick ? HOLD_SECONDS_QUICK : HOLD_SECONDS);
    await step(shop, 'reserve', orders, used, () => shop.sell(orders));
    const held = await weigh?.('held');
    const deadlines = await shop.deadlines();
    await step(shop, 'confirm', orders, used, () => shop.confirm());
    if (!weigh || !held) continue;
    const paid = await weigh('paid, its deadline still to come');
    await deadlinesOver(shop);
    kept = [
      held,
      paid,
      await weigh('paid, its deadline past'),
      figure('a hold: its share of the deadline index', 'bytes/order', [deadlines.bytes / orders]),
      figure('orders in an entry of the deadline index', 'orders', [orders / deadlines.entries]),
      figure('Redis filled from the ledger, settled orders', 'orders/s', [await shop.rebuild()]),
      ...(await partFigures(bench, orders, held)),
    ];
  }
  return [...[...used].map(([name, { unit, values }]) => figure(name, unit, values)), ...kept];
}

/** What all of them have added to Redis since now, by one. */
async function scaleOf(shop: Shop, orders: number): Promise<(name: string) => Promise<Figure>> {
  const empty = (await shop.weigh()).bytes;
  return async (name) =>
    figure(`Redis, ${name}`, 'bytes/order', [((await shop.weigh()).bytes - empty) / orders]);
}

/** Takes what a step of all orders uses in each process and adds to the ledger. */
async function step(
  shop: Shop,
  name: string,
  orders: number,
  used: Map<string, { unit: string; values: number[] }>,
  run: () => Promise<void>,
): Promise<void> {
  const [before, sizesBefore] = [await shop.reading(), await shop.sizes()];
  await run();
  const [after, sizes] = [await shop.reading(), await shop.sizes()];
  for (const [row, value] of [...perOrder(before, after, orders), ...perEvent(sizesBefore, sizes, orders)]) {
    const key = `${name}, engine alone: ${row}`;
    const known = used.get(key) ?? { unit: ROWS[row], values: [] };
    used.set(key, { ...known, values: [...known.values, value] });
  }
}

async function deadlinesOver(shop: Shop): Promise<void> {
  const limitMs = performance.now() + SWEEP_MS_MAX;
  while ((await shop.deadlines()).entries > 0) {
    if (performance.now() > limitMs) throw new Error('deadlines that have passed stay in the index');
    await sleep(SWEEP_POLL_MS);
  }
}

/** What is there when each part is left out: what is missing then is what it takes. */
async function partFigures({ stores, progress }: Bench, orders: number, held: Figure): Promise<Figure[]> {
  progress('plain keys beside it');
  const ids = orderIds(orders);
  const keys = partitionKeys();
  const record = `ACTIVE ${Date.now()} 1800000 HOT-SKU-1@MAIN=1`;
  const kinds: [name: string, key: (id: string) => string, value: string, hasTtl: boolean][] = [
    ['an id and a shared number, no TTL', (id) => id, '1', false],
    ['an id and a shared number, TTL: the floor', (id) => id, '1', true],
    ['our key and a shared number, TTL', keys.reservation, '1', true],
    ['our key and a number of 13 digits, TTL', keys.reservation, String(Date.now()), true],
    [`our key and a text of ${record.length}, TTL`, keys.reservation, record, true],
  ];
  const figures: Figure[] = [];
  for (const [name, keyOf, value, hasTtl] of kinds) {
    await stores.clear();
    const empty = await memoryOf(stores);
    await setAll(stores, ids.slice(0, orders).map(keyOf), value, hasTtl);
    const bytes = ((await memoryOf(stores)) - empty) / orders;
    figures.push(figure(`plain SET: ${name}`, 'bytes/key', [bytes]));
  }
  const floor = figures[1]?.median ?? Number.NaN;
  return [...figures, figure('held / the floor', 'x', [held.median / floor])];
}

async function setAll(
  stores: Stores,
  keys: readonly string[],
  value: string,
  hasTtl: boolean,
): Promise<void> {
  const until = String(Date.now() + TTL_MS);
  for (let i = 0; i < keys.length; i += SETS_AT_ONCE) {
    const pipeline = stores.admin.pipeline();
    for (const key of keys.slice(i, i + SETS_AT_ONCE)) {
      if (hasTtl) pipeline.call('SET', key, value, 'PXAT', until);
      else pipeline.set(key, value);
    }
    for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
  }
}
