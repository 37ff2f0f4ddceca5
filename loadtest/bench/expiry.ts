/**
 * The storm: 100,000 holds that are due within one second, as after the first half hour of a sale. Quiet: how long after
 * the first deadline until the last unit is back, with nobody but the worker's sweep to return them. With traffic: what
 * a caller of reserve waits meanwhile, against what it waited right before, once with callers in a closed loop and once
 * at a moderate rate kept by the clock. Real time and real deadlines: nothing turns a clock here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { percentile } from './callers.ts';
import { type Bench, type Figure, figure, ratios, type Section } from './figures.ts';
import { LINE, openEngine, orderIds, reservedNow, reserveOne } from './hot-sku.ts';
import { startExpirySweep } from './shipped.ts';
import type { Stores } from './stores.ts';
import { closedTraffic, openTraffic, type Traffic } from './traffic.ts';

const HOLDS = 100_000;
const HOLDS_QUICK = 50_000;
const RETURN_SECONDS_MAX = 5;
const P99_TIMES_MAX = 3;
/** From the first hold that is made to their common deadline: making them takes one to three seconds. */
const AHEAD_MS = 9_000;
/** Traffic before the storm that counts as calm; it begins when all holds are made. */
const CALM_MS = 3_000;
const FILL_CALLERS = 512;
const STORM_MS_MAX = 60_000;
const OPEN_PER_SECOND = 10_000;
const CLOSED_CALLERS = 64;

export const expiry: Section = {
  title: 'Holds that are all due within one second',
  run: async (bench) => {
    const holds = bench.settings.quick ? HOLDS_QUICK : HOLDS;
    const seconds: number[] = [];
    for (let turn = 0; turn < bench.settings.repeats; turn++) {
      seconds.push(await quietStorm(bench, holds));
      bench.progress(`${turn + 1}/${bench.settings.repeats}: quiet: ${seconds.at(-1)?.toFixed(2)} s`);
    }
    const name = `${holds} holds due in one second, no traffic: all back after the first deadline`;
    return [
      figure(name, 's', seconds, { target: { atMost: RETURN_SECONDS_MAX } }),
      ...(await withTraffic(bench, holds, `${CLOSED_CALLERS} callers`, (calls) =>
        closedTraffic(CLOSED_CALLERS, calls),
      )),
      ...(await withTraffic(bench, holds, `${OPEN_PER_SECOND} orders/s`, (calls) =>
        openTraffic(OPEN_PER_SECOND, calls),
      )),
    ];
  },
};

async function quietStorm({ stores }: Bench, holds: number): Promise<number> {
  const hot = await openEngine(stores);
  const sweep = startExpirySweep({ hot });
  try {
    const storm = await brew(stores, hot, holds);
    await sleep(storm.firstDueMs - hotNow(storm));
    await until(async () => (await reservedNow(stores)) === 0);
    return (hotNow(storm) - storm.firstDueMs) / 1_000;
  } finally {
    await sweep.stop();
    await hot.close();
  }
}

interface Waits {
  readonly calmP99Ms: number;
  readonly stormP99Ms: number;
  readonly stormSeconds: number;
  readonly orders: number;
}

async function withTraffic(
  bench: Bench,
  holds: number,
  name: string,
  start: (call: (n: number) => Promise<void>) => Traffic,
): Promise<Figure[]> {
  const all: Waits[] = [];
  for (let turn = 0; turn < bench.settings.repeats; turn++) {
    const waits = await busyStorm(bench, holds, start);
    all.push(waits);
    const [calm, storm] = [waits.calmP99Ms, waits.stormP99Ms].map((ms) => ms.toFixed(2));
    bench.progress(`${turn + 1}/${bench.settings.repeats}: ${name}: p99 calm ${calm} ms | storm ${storm} ms`);
  }
  const calm = all.map((waits) => waits.calmP99Ms);
  const storm = all.map((waits) => waits.stormP99Ms);
  return [
    figure(`p99 of reserve with ${name}, calm`, 'ms', calm),
    figure(`p99 of reserve with ${name}, storm`, 'ms', storm),
    figure(`p99 of reserve with ${name}, storm / calm`, 'x', ratios(storm, calm), {
      target: { atMost: P99_TIMES_MAX },
    }),
    figure(
      `orders measured in the storm, ${name}`,
      'orders',
      all.map((waits) => waits.orders),
    ),
    figure(
      `all back after the first deadline, ${name}`,
      's',
      all.map((waits) => waits.stormSeconds),
    ),
  ];
}

/** The sweep runs all the time, as in the worker; the batches of the traffic return what is due as well. */
async function busyStorm(
  { stores }: Bench,
  holds: number,
  start: (call: (n: number) => Promise<void>) => Traffic,
): Promise<Waits> {
  const ids = orderIds(holds + 2_000_000);
  const hot = await openEngine(stores);
  const sweep = startExpirySweep({ hot });
  try {
    const storm = await brew(stores, hot, holds);
    await sleep(storm.firstDueMs - CALM_MS - hotNow(storm));
    const traffic = start((n) => reserveOne(hot, ids[holds + n] as string));
    await sleep(storm.firstDueMs - hotNow(storm));
    const stormFromMs = performance.now();
    await until(async () => {
      const isPast = hotNow(storm) > storm.lastDueMs;
      return isPast && (await reservedNow(stores)) <= traffic.answered();
    });
    const stormToMs = performance.now();
    await traffic.stop();
    const calm = traffic.between(stormFromMs - CALM_MS * 0.9, stormFromMs);
    const rough = traffic.between(stormFromMs, stormToMs);
    return {
      calmP99Ms: percentile(calm, 0.99),
      stormP99Ms: percentile(rough, 0.99),
      stormSeconds: (stormToMs - stormFromMs) / 1_000,
      orders: rough.length,
    };
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
async function brew(stores: Stores, hot: HotInventory, holds: number): Promise<Storm> {
  const ids = orderIds(holds);
  const offsetMs = (await hot.sweep(0)).nowMs - performance.now();
  const lastDueMs = hotNow({ offsetMs }) + AHEAD_MS;
  let next = 0;
  let firstDueMs = lastDueMs;
  const run = async () => {
    while (next < holds) {
      const orderId = ids[next++] as string;
      const holdSeconds = Math.floor((lastDueMs - hotNow({ offsetMs })) / 1_000);
      const decision = await hot.reserve({ orderId, lines: [LINE], holdSeconds });
      if (decision.outcome !== 'done') throw new Error(`${orderId} was not reserved`);
      firstDueMs = Math.min(firstDueMs, decision.value.expiresAtMs);
    }
  };
  await Promise.all(Array.from({ length: FILL_CALLERS }, run));
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
