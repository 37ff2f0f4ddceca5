/**
 * The engine's API in one process: one hot SKU, orders of one line, every answer on Redis's disk, no worker. Callers ask
 * in a closed loop, so more callers means more orders under way, not more processes. Beside it, in turn, on the same
 * Redis or machine: a script called once per order by as many callers, and one hot row in Postgres with 64 clients.
 */
import { type Calls, closedLoop, ownCpu, percentile, rate, type Span } from './callers.ts';
import { type Bench, type Figure, figure, ratios, type Section } from './figures.ts';
import { openHotRow, type RowStyle } from './hot-row.ts';
import { LINE, openEngine, orderIds, reservedNow, reserveOne, SKU } from './hot-sku.ts';
import { inTurn, type Rival } from './in-turn.ts';
import { openNaiveScript } from './naive-script.ts';
import { redisCpu, type Stores } from './stores.ts';

const CALLERS = [1, 8, 16, 64, 512, 1_000];
const CALLERS_QUICK = [64, 512];
/** Callers -> times the naive script. */
const NAIVE_TIMES: Readonly<Record<number, number>> = { 64: 2, 512: 3 };
const ROW_CALLERS = 64;
const ROW_TIMES = 60;
/** Orders a second that no measurement reaches; it bounds the ids made beforehand. */
export const PER_SECOND_MAX = 300_000;

export const engine: Section = {
  title: 'Engine in one process, one hot SKU, every answer on disk (appendfsync always)',
  run: async (bench) => {
    const figures: Figure[] = [];
    for (const callers of bench.settings.quick ? CALLERS_QUICK : CALLERS) {
      bench.progress(`engine and one script call per order, ${callers} callers`);
      figures.push(...(await againstNaive(bench, callers)));
    }
    bench.progress(`engine and one hot row in Postgres, ${ROW_CALLERS} callers`);
    figures.push(...(await againstRow(bench, 'statements')));
    if (!bench.settings.quick) {
      figures.push(...(await againstRow(bench, 'one-statement')));
      bench.progress('orders that name no warehouse, 512 callers');
      figures.push(...(await withoutWarehouse(bench)));
    }
    return figures;
  },
};

async function againstNaive(bench: Bench, callers: number): Promise<Figure[]> {
  const [ours, naive] = await compare(bench, [engineRival(bench, callers), naiveRival(bench, callers)]);
  const times = NAIVE_TIMES[callers];
  return [
    ...figuresOf(`engine, ${callers} callers`, ours),
    ...figuresOf(`one script call per order, ${callers} callers`, naive),
    figure(`engine / script per order, ${callers} callers`, 'x', ratios(perSecond(ours), perSecond(naive)), {
      ...(times === undefined ? {} : { target: { atLeast: times } }),
    }),
  ];
}

async function againstRow(bench: Bench, style: RowStyle): Promise<Figure[]> {
  const [ours, row] = await compare(bench, [engineRival(bench, ROW_CALLERS), rowRival(bench, style)]);
  const name = style === 'statements' ? 'hot row in Postgres' : 'hot row in Postgres, one WITH statement';
  const note = `engine with ${ROW_CALLERS} callers, Postgres with ${ROW_CALLERS} clients`;
  return [
    ...figuresOf(`${name}, ${ROW_CALLERS} clients`, row),
    figure(`engine / ${name}`, 'x', ratios(perSecond(ours), perSecond(row)), {
      note,
      ...(style === 'statements' ? { target: { atLeast: ROW_TIMES } } : {}),
    }),
  ];
}

async function withoutWarehouse(bench: Bench): Promise<Figure[]> {
  const rival = engineRival(bench, 512, { sku: SKU, quantity: 1 });
  const [ours] = await compare(bench, [rival]);
  return figuresOf('engine, 512 callers, orders that name no warehouse', ours);
}

async function compare(bench: Bench, rivals: readonly Rival<Calls>[]): Promise<[Calls[], Calls[]]> {
  const { repeats } = bench.settings;
  const [first = [], second = []] = await inTurn(repeats, rivals, bench.progress, rate);
  return [first, second];
}

function span({ settings: { warmUpMs, measureMs } }: Bench): Span {
  return { warmUpMs, measureMs, callsMax: ((warmUpMs + measureMs) / 1_000) * PER_SECOND_MAX };
}

function engineRival(bench: Bench, callers: number, line = LINE): Rival<Calls> {
  return {
    name: 'engine',
    measure: async () => {
      const ids = orderIds(span(bench).callsMax);
      const hot = await openEngine(bench.stores);
      try {
        let last = 0;
        const calls = await closedLoop(callers, span(bench), bothCpu(bench), (n) => {
          last = Math.max(last, n);
          return reserveOne(hot, ids[n] as string, line);
        });
        await expectReserved(bench.stores, last + 1);
        return calls;
      } finally {
        await hot.close();
      }
    },
  };
}

/** What was measured must have happened: as many units are held as orders were answered. */
async function expectReserved(stores: Stores, orders: number): Promise<void> {
  const reserved = await reservedNow(stores);
  if (reserved !== orders) throw new Error(`${orders} orders were answered, but ${reserved} units are held`);
}

function naiveRival(bench: Bench, callers: number): Rival<Calls> {
  return {
    name: 'script per order',
    measure: async () => {
      const ids = orderIds(span(bench).callsMax);
      const naive = await openNaiveScript(bench.stores);
      try {
        return await closedLoop(callers, span(bench), bothCpu(bench), (n) =>
          naive.reserveOne(ids[n] as string),
        );
      } finally {
        naive.close();
      }
    },
  };
}

function rowRival(bench: Bench, style: RowStyle): Rival<Calls> {
  return {
    name: 'hot row',
    measure: async () => {
      const ids = orderIds(span(bench).callsMax);
      const row = await openHotRow(bench.stores, ROW_CALLERS, style);
      try {
        return await closedLoop(ROW_CALLERS, span(bench), nodeCpu, (n, caller) =>
          row.reserveOne(ids[n] as string, caller),
        );
      } finally {
        await row.close();
      }
    },
  };
}

const nodeCpu = async () => ({ Node: ownCpu() });
const bothCpu =
  ({ stores }: Bench) =>
  async () => ({ Node: ownCpu(), Redis: await redisCpu(stores) });

const perSecond = (all: readonly Calls[]): number[] => all.map((calls) => calls.perSecond);

function figuresOf(name: string, all: readonly Calls[]): Figure[] {
  const p99 = all.map((calls) => percentile(calls.latenciesMs, 0.99));
  const p50 = all.map((calls) => percentile(calls.latenciesMs, 0.5));
  return [
    figure(name, 'orders/s', perSecond(all)),
    figure(`${name}: median wait`, 'ms', p50),
    figure(`${name}: p99 wait`, 'ms', p99),
    ...Object.keys(all[0]?.cpuUs ?? {}).map((process) =>
      figure(
        `${name}: CPU in ${process}`,
        'us/order',
        all.map((calls) => calls.cpuUs[process] ?? 0),
      ),
    ),
  ];
}
