/**
 * 100,000 holds that are due within one second, as after the first half hour of a sale. Without orders: how long until the
 * last unit is back, returned by the worker's sweep alone. With 10,000 orders a second in an open loop: their waits
 * meanwhile, compared with the waits just before. Real time and real deadlines.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { eachOnce, percentile } from './callers.ts';
import { figure, ratios, type Section } from './figures.ts';
import { LINE, openEngine, orderIds, reservedNow, reserveOne } from './hot-sku.ts';
import { startExpirySweep } from './shipped.ts';
import type { Stores } from './stores.ts';
import { openTraffic } from './traffic.ts';

const HOLDS = 100_000;
const HOLDS_QUICK = 50_000;
const RETURN_SECONDS_MAX = 5;
const P99_TIMES_MAX = 3;
/** From the first hold that is made to their common deadline: making them takes one to three seconds. */
const AHEAD_MS = 9_000;
/** Orders before the first deadline that count as calm; they begin when all holds are made. */
const CALM_MS = 3_000;
const FILL_CALLERS = 512;
const STORM_MS_MAX = 60_000;
const ORDERS_PER_SECOND = 10_000;

export const expiry: Section = {
  title: 'Holds that are all due within one second',
  run: async ({ settings: { quick, repeats }, stores, progress }) => {
    const holds = quick ? HOLDS_QUICK : HOLDS;
    const quiet: number[] = [];
    const busy: BusyStorm[] = [];
    for (let turn = 1; turn <= repeats; turn++) {
      quiet.push(await quietStorm(stores, holds));
      const storm = await busyStorm(stores, holds);
      busy.push(storm);
      const [calm, rough] = [storm.calmP99Ms.toFixed(2), storm.stormP99Ms.toFixed(2)];
      progress(
        `${turn}/${repeats}: back in ${quiet.at(-1)?.toFixed(2)} s | p99 calm ${calm} ms, storm ${rough} ms`,
      );
    }
    const column = (read: (storm: BusyStorm) => number) => busy.map(read);
    const [calm, rough] = [column(({ calmP99Ms }) => calmP99Ms), column(({ stormP99Ms }) => stormP99Ms)];
    const back = 'all back after the first deadline';
    const wait = `p99 of reserve at ${ORDERS_PER_SECOND} orders/s`;
    return [
      figure(`${holds} holds due in one second, no orders: ${back}`, 's', quiet, {
        target: { atMost: RETURN_SECONDS_MAX },
      }),
      figure(`${wait}, calm`, 'ms', calm),
      figure(`${wait}, storm`, 'ms', rough),
      figure(`${wait}, storm / calm`, 'x', ratios(rough, calm), { target: { atMost: P99_TIMES_MAX } }),
      figure(
        `the same: ${back}`,
        's',
        column(({ seconds }) => seconds),
      ),
    ];
  },
};

/** Seconds until all holds are back. */
async function quietStorm(stores: Stores, holds: number): Promise<number> {
  return withSweep(stores, async (hot) => {
    const storm = await makeHolds(stores, hot, holds);
    await sleep(storm.firstDueMs - hotNow(storm));
    await until(async () => (await reservedNow(stores)) === 0);
    return (hotNow(storm) - storm.firstDueMs) / 1_000;
  });
}

interface BusyStorm {
  readonly calmP99Ms: number;
  readonly stormP99Ms: number;
  readonly seconds: number;
}

/** The sweep runs all the time, as in the worker; the batches of the orders return what is due as well. */
async function busyStorm(stores: Stores, holds: number): Promise<BusyStorm> {
  const ids = orderIds(holds + ORDERS_PER_SECOND * ((CALM_MS + STORM_MS_MAX) / 1_000));
  return withSweep(stores, async (hot) => {
    const storm = await makeHolds(stores, hot, holds);
    await sleep(storm.firstDueMs - CALM_MS - hotNow(storm));
    const traffic = openTraffic(ORDERS_PER_SECOND, (n) => reserveOne(hot, ids[holds + n] as string));
    await sleep(storm.firstDueMs - hotNow(storm));
    const fromMs = performance.now();
    await until(
      async () => hotNow(storm) > storm.lastDueMs && (await reservedNow(stores)) <= traffic.answered(),
    );
    const toMs = performance.now();
    await traffic.stop();
    return {
      calmP99Ms: percentile(traffic.between(fromMs - CALM_MS * 0.9, fromMs), 0.99),
      stormP99Ms: percentile(traffic.between(fromMs, toMs), 0.99),
      seconds: (toMs - fromMs) / 1_000,
    };
  });
}

async function withSweep<T>(stores: Stores, use: (hot: HotInventory) => Promise<T>): Promise<T> {
  const hot = await openEngine(stores);
  const sweep = startExpirySweep({ hot });
  try {
    return await use(hot);
  } finally {
    await sweep.stop();
    await hot.close();
  }
}

/** Holds and the second in which all of them are due, by Redis's clock. */
interface Storm {
  readonly firstDueMs: number;
  readonly lastDueMs: number;
  /** Redis's clock less this process's monotonic one. */
  readonly offsetMs: number;
}

const hotNow = ({ offsetMs }: Pick<Storm, 'offsetMs'>): number => performance.now() + offsetMs;

/** Holds last whole seconds from the instant of their batch: each is given as many as end in the second before `lastDueMs`. */
async function makeHolds(stores: Stores, hot: HotInventory, holds: number): Promise<Storm> {
  const ids = orderIds(holds);
  const offsetMs = (await hot.sweep(0)).nowMs - performance.now();
  const lastDueMs = hotNow({ offsetMs }) + AHEAD_MS;
  let firstDueMs = lastDueMs;
  await eachOnce(FILL_CALLERS, 0, holds, async (n) => {
    const orderId = ids[n] as string;
    const holdSeconds = Math.floor((lastDueMs - hotNow({ offsetMs })) / 1_000);
    const decision = await hot.reserve({ orderId, lines: [LINE], holdSeconds });
    if (decision.outcome !== 'done') throw new Error(`${orderId} was not reserved`);
    firstDueMs = Math.min(firstDueMs, decision.value.expiresAtMs);
  });
  if ((await reservedNow(stores)) !== holds || hotNow({ offsetMs }) > firstDueMs - CALM_MS) {
    throw new Error(`this machine is too slow to make ${holds} holds within ${AHEAD_MS - CALM_MS} ms`);
  }
  return { firstDueMs, lastDueMs, offsetMs };
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const limitMs = performance.now() + STORM_MS_MAX;
  while (!(await isTrue())) {
    if (performance.now() > limitMs) throw new Error(`the holds are not back after ${STORM_MS_MAX} ms`);
    await sleep(5);
  }
}
