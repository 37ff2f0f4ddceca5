/**
 * What one order costs Redis: its own count of microseconds in EVALSHA (commandstats), divided by orders. The decision
 * alone: parsing, the append-only file and its sync come on top and are in the engine's figures. One batch at a time and
 * always full, so the size of a batch is known and what is measured is the program, not the traffic.
 */
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { type Bench, type Figure, figure, type Section } from './figures.ts';
import { LINE, openEngine, orderIds, receive, SKU, WAREHOUSE } from './hot-sku.ts';
import { inTurn } from './in-turn.ts';
import { memoryFigures } from './redis-memory.ts';
import { scriptTime } from './stores.ts';

const SIZES = [16, 32, 64, 100, 256];
/** From batches of this size on, a reservation may cost this much. */
const TARGET_FROM = 100;
const TARGET_US = 4.5;
const ORDERS = 40_000;
const ORDERS_QUICK = 10_000;
const WARM_UP_BATCHES = 20;

interface Work {
  readonly name: string;
  readonly size: number;
  /** Called once before anything is measured. */
  prepare?(hot: HotInventory): Promise<void>;
  /** Not measured, but done for the same orders before the call that is. */
  first?(hot: HotInventory, orderId: string): Promise<unknown>;
  call(hot: HotInventory, orderId: string): Promise<{ outcome: string }>;
}

const reserveOne = (hot: HotInventory, orderId: string) => hot.reserve({ orderId, lines: [LINE] });
const THREE_SKUS = ['BASKET-1', 'BASKET-2', 'BASKET-3'];
const BASKET = THREE_SKUS.map((sku) => ({ sku, warehouse: WAREHOUSE, quantity: 1 }));

const RESERVES: readonly Work[] = SIZES.map((size) => ({ name: 'reserve', size, call: reserveOne }));
const OTHERS: readonly Work[] = [
  {
    name: 'reserve, no warehouse named',
    size: 256,
    call: (hot, orderId) => hot.reserve({ orderId, lines: [{ sku: SKU, quantity: 1 }] }),
  },
  {
    name: 'reserve of 3 lines',
    size: 256,
    prepare: async (hot) => {
      for (const sku of THREE_SKUS) await receive(hot, sku);
    },
    call: (hot, orderId) => hot.reserve({ orderId, lines: BASKET }),
  },
  { name: 'confirm', size: 256, first: reserveOne, call: (hot, orderId) => hot.confirm({ orderId }) },
  { name: 'release', size: 256, first: reserveOne, call: (hot, orderId) => hot.release({ orderId }) },
];

export const redisTime: Section = {
  title: 'Time in Redis per order, from its command statistics; memory per order',
  run: async (bench) => {
    const works = [...RESERVES, ...OTHERS];
    bench.progress('time in Redis');
    const results = await inTurn(
      bench.settings.repeats,
      works.map((work) => ({ name: `${work.name} ${work.size}`, measure: () => measure(bench, work) })),
      bench.progress,
      (us) => us.toFixed(2),
    );
    const figures = works.map((work, i) => figureOf(work, results[i] ?? []));
    return [...figures, fixedPart(results), ...(await memoryFigures(bench))];
  },
};

function figureOf({ name, size }: Work, us: readonly number[]): Figure {
  const target = name === 'reserve' && size >= TARGET_FROM ? { target: { atMost: TARGET_US } } : {};
  return figure(`${name}, batches of ${size}`, 'us/order', us, target);
}

/** What a call costs however few orders are in it: where the lines through two sizes meet zero orders. */
function fixedPart(results: readonly number[][]): Figure {
  const small = SIZES.indexOf(16);
  const large = SIZES.indexOf(256);
  const values = (results[small] ?? []).map((smallUs, turn) => {
    const slope = (256 * (results[large]?.[turn] as number) - 16 * smallUs) / (256 - 16);
    return 16 * (smallUs - slope);
  });
  return figure('fixed part of a batch, whatever is in it', 'us', values);
}

async function measure(bench: Bench, work: Work): Promise<number> {
  const { size } = work;
  const orders = bench.settings.quick ? ORDERS_QUICK : ORDERS;
  const batches = Math.ceil(orders / size);
  const ids = orderIds((batches + WARM_UP_BATCHES) * size);
  const hot = await openEngine(bench.stores, { batchCommandsMax: size, batchesInFlightMax: 1 });
  try {
    await work.prepare?.(hot);
    const { first } = work;
    if (first) await runBatches(ids, size, 0, batches + WARM_UP_BATCHES, (id) => first(hot, id));
    const call = async (id: string) => {
      const { outcome } = await work.call(hot, id);
      if (outcome !== 'done') throw new Error(`${work.name} of ${id} was ${outcome}`);
    };
    await runBatches(ids, size, 0, WARM_UP_BATCHES, call);
    const before = await scriptTime(bench.stores);
    await runBatches(ids, size, WARM_UP_BATCHES, batches, call);
    const after = await scriptTime(bench.stores);
    if (after.calls - before.calls !== batches) {
      throw new Error(`${batches} batches were meant, ${after.calls - before.calls} were sent`);
    }
    return (after.us - before.us) / (batches * size);
  } finally {
    await hot.close();
  }
}

/** Batches of exactly `size` orders, one after the other. */
async function runBatches(
  ids: readonly string[],
  size: number,
  from: number,
  count: number,
  call: (orderId: string) => Promise<unknown>,
): Promise<void> {
  for (let batch = from; batch < from + count; batch++) {
    await Promise.all(ids.slice(batch * size, (batch + 1) * size).map(call));
  }
}
