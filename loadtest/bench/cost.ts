/**
 * What a reservation costs, not how fast it is: processor time by process, bytes in Redis and in the ledger, syncs; how
 * each grows with holds, SKUs and partitions; and on paper from there. A sample is some ten thousand orders at a fixed
 * concurrency, from the first order until the ledger has the last, so that worker and Postgres are counted whole. Holds and
 * SKUs are sampled over HTTP, partitions by an engine each in one process: which partition an order goes to, a router
 * would have to know, and there is none.
 */
import { drawCost } from './cost/chart.ts';
import { lifeFigures } from './cost/life.ts';
import { paper } from './cost/paper.ts';
import { perEvent, perOrder, ROWS, type Row } from './cost/readings.ts';
import { type Api, openStreet, type Shop, type Street } from './cost/shop.ts';
import { growthTables } from './cost/table.ts';
import { type Bench, type Figure, figure, type Grown, type Section } from './figures.ts';
import { keepChart } from './report.ts';

interface Point {
  readonly by: Grown['by'];
  readonly to: number;
}
const points = (by: Grown['by'], ...sizes: number[]): Point[] => sizes.map((to) => ({ by, to }));

const POINTS: readonly Point[] = [
  ...points('partitions', 1, 4, 16, 64),
  ...points('SKUs', 1, 100, 10_000, 100_000),
  ...points('holds', 1_000, 10_000, 100_000, 1_000_000, 10_000_000),
];
const POINTS_QUICK: readonly Point[] = [
  ...points('partitions', 1, 4),
  ...points('SKUs', 1, 1_000),
  ...points('holds', 1_000, 100_000),
];
/** Of a sample. Engines sell some times as fast, and processor time is told in hundredths of a second. */
const ORDERS: Readonly<Record<Api, number>> = { HTTP: 30_000, engine: 80_000 };
const ORDERS_QUICK: Readonly<Record<Api, number>> = { HTTP: 20_000, engine: 50_000 };
/** Code and caches are cold after a worker began anew. */
const WARM_UP_PART = 0.25;
/** Beside so few holds the samples themselves would be most of what there is: each has a shop of its own. */
const HOLDS_FEW = 10_000;
/** Below, the program itself is most of what is resident. */
const HOLDS_WEIGHTY = 100_000;
/** Of a long filling, a line for whoever waits now and then. */
const TOLD_HOLDS = 1_000_000;

export const cost: Section = {
  title: 'Cost of a reservation, by process; 100 connections over HTTP, 512 callers of engines',
  run: async (bench) => {
    const street = await openStreet(bench.stores);
    try {
      const figures: Figure[] = [];
      for (const point of bench.settings.quick ? POINTS_QUICK : POINTS) {
        const own = await measurePoint(bench, street, point);
        figures.push(...own);
        bench.progress(`${sizeText(point)}: ${inShort(own)}`);
      }
      figures.push(...(await httpFigures(street)), ...(await lifeFigures(bench, street)));
      await keepChart(bench, 'cost.svg', drawCost(figures));
      return figures;
    } finally {
      await street.close();
    }
  },
  rows: (figures) => [...growthTables(figures), ...paper(figures)],
};

const sizeText = ({ by, to }: Point): string =>
  `${to.toLocaleString('en')} ${to === 1 ? by.slice(0, -1) : by}`;

function inShort(figures: readonly Figure[]): string {
  const cpu = figures.filter(({ unit }) => unit === 'us/order');
  return cpu
    .map(({ grown, median }) => `${grown?.what.replace(/^CPU of (the )?/, '')} ${median.toFixed(1)}`)
    .join(' | ');
}

type Values = Map<Row, number[]>;

async function measurePoint(bench: Bench, street: Street, point: Point): Promise<Figure[]> {
  const { repeats } = bench.settings;
  const values: Values = new Map();
  const isSmall = point.by === 'holds' && point.to <= HOLDS_FEW;
  const shops = isSmall ? repeats : 1;
  for (let i = 0; i < shops; i++) await sample(bench, street, point, repeats / shops, values);
  const inOrder = (Object.keys(ROWS) as Row[]).flatMap((what) => {
    const all = values.get(what);
    return all ? [[what, all] as const] : [];
  });
  return inOrder.map(([what, all]) =>
    figure(`${what}, ${sizeText(point)}`, ROWS[what], all, { grown: { ...point, what } }),
  );
}

/** Opens a shop of this size, and adds what `turns` samples in it come to. */
async function sample(
  bench: Bench,
  street: Street,
  point: Point,
  turns: number,
  values: Values,
): Promise<void> {
  const { by, to } = point;
  const add = (found: Iterable<[Row, number]>) => {
    for (const [row, value] of found) values.set(row, [...(values.get(row) ?? []), value]);
  };
  const api: Api = by === 'partitions' ? 'engine' : 'HTTP';
  const skus = by === 'holds' ? 1 : to;
  const shop = await street.open({ api, skus, partitions: by === 'partitions' ? to : 1 });
  if (by === 'holds') add(await filled(bench, shop, to));
  const orders = (bench.settings.quick ? ORDERS_QUICK : ORDERS)[api];
  const syncsBefore = await shop.walSyncs();
  const sell = async (count: number) => {
    await shop.prepare(count);
    const before = await shop.reading();
    await shop.sell(count);
    return perOrder(before, await shop.reading(), count);
  };
  const warmUp = Math.round(orders * WARM_UP_PART);
  await sell(warmUp);
  for (let turn = 0; turn < turns; turn++) add(await sell(orders));
  const syncs = (await shop.walSyncs()) - syncsBefore;
  add([['fsyncs of Postgres', (syncs / (warmUp + turns * orders)) * 1_000]]);
}

/** So many holds, and what each keeps in both stores. */
async function filled(bench: Bench, shop: Shop, holds: number): Promise<[Row, number][]> {
  const [empty, emptySizes] = [await shop.weigh(), await shop.sizes()];
  let told = 0;
  await shop.fill(holds, (held) => {
    if (held - told < TOLD_HOLDS) return;
    told = held;
    bench.progress(`${held.toLocaleString('en')} held`);
  });
  const { bytes, resident } = await shop.weigh();
  return [
    ['Redis, active', (bytes - empty.bytes) / holds],
    ...(holds < HOLDS_WEIGHTY ? [] : [['Redis, resident / used', resident] as [Row, number]]),
    ...perEvent(emptySizes, await shop.sizes(), holds),
  ];
}

async function httpFigures(street: Street): Promise<Figure[]> {
  const shop = await street.open({ api: 'HTTP', skus: 1, partitions: 1 });
  const { request, answer } = await shop.httpBytes();
  return [
    figure('an order over HTTP: its request', 'bytes', [request]),
    figure('an order over HTTP: its answer', 'bytes', [answer]),
  ];
}
