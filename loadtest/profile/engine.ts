/**
 * The engine in this process, 512 callers that ask again when they are answered, every answer on disk: what an order costs
 * Node. Promises: warm code, and only what comes after the warm-up is sampled.
 */
import { closedLoop, ownCpu } from '../bench/callers.ts';
import { namesOf } from '../bench/cost/seller.ts';
import { PER_SECOND_MAX } from '../bench/engine.ts';
import { openEngine, orderIds, receive, reserveOne, SKU, WAREHOUSE } from '../bench/hot-sku.ts';
import { redisCpu, type Stores } from '../bench/stores.ts';
import { giveOwnCore } from './own-core.ts';
import type { Profile } from './profile.ts';
import type { Settings } from './settings.ts';
import { shareTables } from './tables.ts';
import { stacksOfV8, startProfiler } from './v8.ts';

const CALLERS = 512;
const WARM_UP_MS = 1_500;

export interface Loaded {
  readonly orders: number;
  readonly perSecond: number;
  /** Of this process, and of the thread of Redis that runs commands, per order. */
  readonly nodeUs: number;
  readonly redisUs: number;
}

/** Orders of one unit for so many SKUs in turn. @param begun is called when the warm-up is over */
export async function loadEngine(
  stores: Stores,
  settings: Settings,
  begun: () => Promise<void>,
): Promise<Loaded> {
  const { seconds, skus = 1 } = settings;
  const span = { warmUpMs: WARM_UP_MS, measureMs: 1_000 * seconds };
  const callsMax = ((span.warmUpMs + span.measureMs) / 1_000) * PER_SECOND_MAX;
  const ids = orderIds(callsMax);
  const hot = await openEngine(stores);
  try {
    const names = namesOf(skus);
    await Promise.all(names.filter((sku) => sku !== SKU).map((sku) => receive(hot, sku)));
    const lines = names.map((sku) => ({ sku, warehouse: WAREHOUSE, quantity: 1 }));
    let beginning: Promise<void> | undefined;
    const meter = async () => {
      beginning ??= begun();
      return { Node: ownCpu(), Redis: await redisCpu(stores) };
    };
    const calls = await closedLoop(CALLERS, { ...span, callsMax }, meter, (n) =>
      reserveOne(hot, ids[n] as string, lines[n % lines.length]),
    );
    await beginning;
    const { Node: nodeUs = Number.NaN, Redis: redisUs = Number.NaN } = calls.cpuUs;
    return { orders: calls.count, perSecond: calls.perSecond, nodeUs, redisUs };
  } finally {
    await hot.close();
  }
}

export async function profileEngine(settings: Settings, stores: Stores): Promise<Profile> {
  await giveOwnCore(process.pid, [stores.redisPid]);
  let stop: ReturnType<typeof startProfiler> | undefined;
  const { orders, perSecond, nodeUs } = await loadEngine(stores, settings, async () => {
    stop = startProfiler();
    await stop;
  });
  const profile = await (await stop)?.();
  if (!profile) throw new Error('no order was answered');
  const stacks = stacksOfV8(profile);
  const skus = settings.skus ?? 1;
  return {
    title: `engine, ${CALLERS} callers, ${skus} SKU${skus === 1 ? '' : 's'}: ${orders} orders, ${Math.round(perSecond)}/s, ${nodeUs.toFixed(1)} us of Node each`,
    unit: 'ms',
    stacks,
    tables: shareTables(stacks, { unit: 'us/order', all: nodeUs }),
  };
}
