/**
 * What one order costs in the course of its life, held, paid, and paid with its deadline past: in Redis, in the ledger, and
 * in processor time, by the engine without HTTP. All are weighed at one number of keys, because hash tables double.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, type Figure, figure } from '../figures.ts';
import { perEvent, perOrder, ROWS } from './readings.ts';
import type { Shop, Street } from './shop.ts';

const ORDERS = 100_000;
const ORDERS_QUICK = 50_000;
/** Long enough to sell and pay them all; it must be over before they are weighed for the last time. */
const HOLD_SECONDS = 30;
const HOLD_SECONDS_QUICK = 15;
const SWEEP_MS_MAX = 120_000;
const SWEEP_POLL_MS = 100;

export async function lifeFigures(bench: Bench, street: Street): Promise<Figure[]> {
  const { quick, repeats } = bench.settings;
  const orders = quick ? ORDERS_QUICK : ORDERS;
  bench.progress(`the life of ${orders.toLocaleString('en')} orders`);
  const used = new Map<string, { unit: string; values: number[] }>();
  let kept: Figure[] = [];
  for (let turn = 1; turn <= repeats; turn++) {
    const shop = await street.open({ api: 'engine', skus: 1 });
    // Redis is weighed once: its bytes are the same each time, and the deadlines have to be waited for.
    const weigh = turn === repeats ? await scaleOf(shop, orders) : undefined;
    const holdSeconds = quick ? HOLD_SECONDS_QUICK : HOLD_SECONDS;
    await step(shop, 'reserve', orders, used, () => shop.sell(orders, holdSeconds));
    const held = await weigh?.('held');
    await step(shop, 'confirm', orders, used, () => shop.confirm());
    if (!weigh || !held) continue;
    const paid = await weigh('paid, its deadline still to come');
    await deadlinesOver(shop);
    kept = [
      held,
      paid,
      await weigh('paid, its deadline past'),
      figure('Redis filled from the ledger, settled orders', 'orders/s', [await shop.rebuild()]),
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
  while ((await shop.deadlines()) > 0) {
    if (performance.now() > limitMs) throw new Error('deadlines that have passed stay in the index');
    await sleep(SWEEP_POLL_MS);
  }
}
