/**
 * What a reservation costs, not how fast it is: processor time by process, bytes in Redis and in the ledger, syncs; how
 * each grows with holds and SKUs; and on paper from there. A sample is some ten thousand orders over HTTP at a fixed
 * concurrency, from the first order until the ledger has the last, so that worker and Postgres are counted completely.
 */
import { lifeFigures } from './cost/life.ts';
import { paper } from './cost/paper.ts';
import { PROCESSES, perEvent, perOrder, ROWS, type Row } from './cost/readings.ts';
import { openStreet, type Shop, type Street } from './cost/shop.ts';
import { type Bench, type Figure, figure, type Section, seriesOf } from './figures.ts';
import { sizeText } from './report.ts';

type By = 'holds' | 'SKUs';
interface Point {
  readonly by: By;
  readonly to: number;
}
const points = (by: By, ...sizes: number[]): Point[] => sizes.map((to) => ({ by, to }));

const POINTS: readonly Point[] = [
  ...points('SKUs', 1, 100, 10_000, 100_000),
  ...points('holds', 1_000, 10_000, 100_000, 1_000_000, 10_000_000),
];
const POINTS_QUICK: readonly Point[] = [...points('SKUs', 1, 1_000), ...points('holds', 1_000, 100_000)];
/** In a sample: processor time comes in hundredths of a second. */
const ORDERS = 30_000;
const ORDERS_QUICK = 20_000;
/** Code and caches are cold after a worker began anew. */
const WARM_UP_PART = 0.25;
/** Up to so many holds the samples themselves would be most of what there is: each has a shop of its own. */
const HOLDS_FEW = 10_000;
/** Below, most of the resident memory is the program itself. */
const HOLDS_WEIGHTY = 100_000;
/** A long filling shows a line after each so many holds. */
const PROGRESS_HOLDS = 1_000_000;

/** The title of a growth's table, by which paper.ts and the chart find it. */
export const growthTable = (by: By): string => `by ${by}`;

export const cost: Section = {
  title: 'Cost of a reservation, by process, 100 connections over HTTP',
  run: async (bench) => {
    const street = await openStreet(bench.stores);
    try {
      const figures: Figure[] = [];
      for (const point of bench.settings.quick ? POINTS_QUICK : POINTS) {
        const own = await measurePoint(bench, street, point);
        figures.push(...own);
        bench.progress(`${sizeText(point.to, point.by)}: ${inShort(own)}`);
      }
      return [...figures, ...(await httpFigures(street)), ...(await lifeFigures(bench, street))];
    } finally {
      await street.close();
    }
  },
  epilogue: paper,
  picture: (figures) => ({
    title: 'What an order costs, by how much there is',
    columns: AXES.length,
    width: 330,
    height: 200,
    panels: BANDS.flatMap(({ title, unit, rows }) =>
      AXES.map(({ by, x }) => ({
        title,
        x: { title: x, log: true },
        y: { title: unit },
        series: rows
          .map((row) => seriesOf(figures, growthTable(by), row, row.replace(/^(CPU|fsyncs) of (the )?/, '')))
          .filter(({ points: measured }) => measured.length > 0),
      })),
    ),
  }),
};

const AXES = [
  { by: 'holds', x: 'open holds, over HTTP' },
  { by: 'SKUs', x: 'SKUs, over HTTP' },
] as const;
const BANDS: readonly { title: string; unit: string; rows: readonly Row[] }[] = [
  { title: 'CPU time by process', unit: 'us an order', rows: PROCESSES.map((name) => rowOfCpu(name)) },
  {
    title: 'Bytes kept and written',
    unit: 'bytes an order',
    rows: ['Redis, active', 'append-only file', 'Postgres, tables and indexes', 'WAL of Postgres'],
  },
  { title: 'Syncs to disk', unit: 'syncs in 1,000 orders', rows: ['fsyncs of Redis', 'fsyncs of Postgres'] },
];

function rowOfCpu(name: (typeof PROCESSES)[number]): Row {
  return name === 'API' || name === 'worker' ? `CPU of the ${name}` : `CPU of ${name}`;
}

const inShort = (figures: readonly Figure[]): string =>
  figures
    .filter(({ unit }) => unit === 'us/order')
    .map(({ cell, median }) => `${cell?.row.replace(/^CPU of (the )?/, '')} ${median.toFixed(1)}`)
    .join(' | ');

type Values = Map<Row, number[]>;

async function measurePoint(bench: Bench, street: Street, { by, to }: Point): Promise<Figure[]> {
  const { repeats } = bench.settings;
  const values: Values = new Map();
  const shops = by === 'holds' && to <= HOLDS_FEW ? repeats : 1;
  for (let i = 0; i < shops; i++) await sample(bench, street, { by, to }, repeats / shops, values);
  return (Object.keys(ROWS) as Row[]).flatMap((row) => {
    const all = values.get(row);
    const cell = { table: growthTable(by), row, column: to, columns: by };
    return all ? [figure(`${row}, ${sizeText(to, by)}`, ROWS[row], all, { cell })] : [];
  });
}

/** Opens a shop of this size, and adds the values of `turns` samples in it. */
async function sample(
  bench: Bench,
  street: Street,
  { by, to }: Point,
  turns: number,
  values: Values,
): Promise<void> {
  const add = (found: Iterable<[Row, number]>) => {
    for (const [row, value] of found) values.set(row, [...(values.get(row) ?? []), value]);
  };
  const shop = await street.open({ api: 'HTTP', skus: by === 'holds' ? 1 : to });
  if (by === 'holds') add(await filled(bench, shop, to));
  const orders = bench.settings.quick ? ORDERS_QUICK : ORDERS;
  const syncsBefore = await shop.walSyncs();
  const sell = async (count: number) => {
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
  let shown = 0;
  await shop.fill(holds, (held) => {
    if (held - shown < PROGRESS_HOLDS) return;
    shown = held;
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
  const shop = await street.open({ api: 'HTTP', skus: 1 });
  const { request, answer } = await shop.httpBytes();
  return [
    figure('an order over HTTP: its request', 'bytes', [request]),
    figure('an order over HTTP: its answer', 'bytes', [answer]),
  ];
}
