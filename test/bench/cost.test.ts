/** The cost of a reservation: what is read, what is divided by what, what is shown, and what follows on paper. */
import { expect, test } from 'vitest';
import { ASSUMED, derive, type Inputs, inputsOf, paper } from '../../loadtest/bench/cost/paper.ts';
import {
  infoNumber,
  perEvent,
  perOrder,
  type Reading,
  ROWS,
  type Row,
  writeCalls,
} from '../../loadtest/bench/cost/readings.ts';
import { cost, growthTable } from '../../loadtest/bench/cost.ts';
import { type Figure, figure } from '../../loadtest/bench/figures.ts';
import { matrices } from '../../loadtest/bench/report.ts';
import { drawPicture } from '../../loadtest/chart.ts';

const INFO = '# Memory\r\nused_memory:1048576\r\nused_memory_rss:2097152\r\nratio:1.25\r\n';

test('a number of INFO is that of its own line, and one that is missing is not 0', () => {
  expect(infoNumber(INFO, 'used_memory')).toBe(1_048_576);
  expect(infoNumber(INFO, 'used_memory_rss')).toBe(2_097_152);
  expect(infoNumber(INFO, 'ratio')).toBe(1.25);
  expect(() => infoNumber(INFO, 'memory')).toThrow('INFO has no');
});

test('calls of write come from /proc, and are NaN without it', () => {
  expect(writeCalls('rchar: 5\nsyscr: 7\nsyscw: 42\nread_bytes: 0\n')).toBe(42);
  expect(writeCalls('')).toBeNaN();
});

const reading = (times: number): Reading => ({
  cpuUs: { API: 40 * times, Redis: 20 * times, worker: 10 * times, Postgres: 30 * times },
  fileWrites: times / 50,
  fileBytes: 200 * times,
  bytesIn: 60 * times,
  bytesOut: 50 * times,
  batches: times / 100,
  walBytes: 700 * times,
  atMs: times / 10,
});

test('the difference of two readings is divided by the orders between them', () => {
  const used = perOrder(reading(1_000), reading(3_000), 2_000);
  expect(used.get('CPU of the API')).toBe(40);
  expect(used.get('CPU of Postgres')).toBe(30);
  expect(used.get('orders in a batch')).toBe(100);
  expect(used.get('fsyncs of Redis')).toBeCloseTo(20);
  expect(used.get('WAL of Postgres')).toBe(700);
  expect(used.get('carried into the ledger')).toBeCloseTo(10_000);
});

test('bytes of an event are what the tables have grown by', () => {
  const sizes = (n: number) => ({
    ledger: n,
    ledgerIndexes: 2 * n,
    reservations: 3 * n,
    reservationIndexes: 0,
    rest: 8,
  });
  const each = perEvent(sizes(100), sizes(1_100), 10);
  expect(each.get('Postgres, ledger rows')).toBe(100);
  expect(each.get('Postgres, their indexes')).toBe(200);
  expect(each.get('Postgres, all else')).toBe(0);
});

const grown = (
  row: Row,
  by: Parameters<typeof growthTable>[0],
  column: number,
  values: readonly number[],
): Figure =>
  figure(`${row}, ${column} ${by}`, ROWS[row], values, {
    cell: { table: growthTable(by), row, column, columns: by },
  });

test('a growth is a matrix: a row a cost, a column a size in order, empty where nothing was measured', () => {
  const lines = matrices([
    grown('CPU of Redis', 'holds', 100_000, [20, 22, 21]),
    grown('CPU of Redis', 'holds', 1_000, [10]),
    grown('Redis, active', 'holds', 1_000, [250]),
    grown('CPU of Redis', 'SKUs', 1, [Number.NaN]),
  ]);
  expect(lines.map((line) => line.trim().replace(/ {2,}/g, ' | '))).toEqual([
    '',
    'by holds | 1,000 holds | 100,000 holds',
    'CPU of Redis, us/order | 10.0 | 21.0 ±5%',
    'Redis, active, bytes/hold | 250',
    '',
    'by SKUs | 1 SKU',
    'CPU of Redis, us/order | -',
  ]);
});

test('the chart has a panel for each growth and cost, with its unit, and no NaN', async () => {
  const rows: Row[] = ['CPU of Redis', 'CPU of the worker', 'append-only file', 'fsyncs of Redis'];
  const figures = (['holds', 'SKUs'] as const).flatMap((by) =>
    [1_000, 1_000_000].flatMap((to) => rows.map((row) => grown(row, by, to, [1, 2, 3]))),
  );
  const picture = cost.picture?.(figures);
  if (!picture) throw new Error('cost has a chart');
  expect(picture.panels).toHaveLength(6);
  const svg = await drawPicture({ ...picture, notes: ['n = 3'] });
  for (const text of [
    'us an order',
    'bytes an order',
    'syncs in 1,000 orders',
    'open holds, over HTTP (log scale)',
  ])
    expect(svg).toContain(text);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

const INPUTS: Inputs = {
  a: 40,
  ...{ r1: 5, r2: 3, w1: 10, w2: 20, p1: 12, p2: 18 },
  ...{ m1: 256, m2: 128, m3: 1.5, f1: 220, f2: 180, l1: 700, l2: 300, t1: 500, t2: 400 },
  ...{ i1: 50, i2: 50, o1: 75, o2: 75, hRequest: 300, hAnswer: 325 },
};

test('the number of shards follows from whatever needs most: time of Redis, memory, worker or connection', () => {
  const assumed = {
    ...ASSUMED,
    ordersPerSecond: 1_000_000,
    openHolds: 2 ** 30,
    rushSeconds: 0,
    use: 0.5,
    batch: 250,
    syncMs: 0.25,
    shardGiB: 16,
  };
  const value = (inputs: Inputs, changed: Partial<typeof assumed>, name: string) =>
    derive(inputs, { ...assumed, ...changed }).find(([line]) => line === name)?.[1];
  // 8 us of processor and 2 us of waiting for the disk, at half use: 20 us an order.
  expect(value(INPUTS, {}, 'shards, by time of Redis')).toBeCloseTo(20);
  // 2^30 holds of 256 bytes, half as much again resident.
  expect(value(INPUTS, {}, 'shards, by memory')).toBeCloseTo(384 / 16);
  expect(value(INPUTS, {}, 'orders a second and shard')).toBeCloseTo(1_000_000 / 60);
  const light = { ...INPUTS, w2: 0, p1: 0, p2: 0 };
  expect(value(light, { shardGiB: 64 }, 'orders a second and shard')).toBeCloseTo(1_000_000 / 20);
  expect(value(light, {}, 'orders a second and shard')).toBeCloseTo(1_000_000 / 24);
  expect(value(light, {}, 'memory of a shard, data')).toBeCloseTo(16);
  expect(value(INPUTS, {}, 'WAL of all Postgres')).toBeCloseTo(1_000);
  expect(value(INPUTS, {}, 'shards, by worker')).toBeCloseTo(60);
  expect(value(INPUTS, {}, 'shards, by connection')).toBeCloseTo(60);
  expect(value(INPUTS, {}, 'network of HTTP')).toBeCloseTo(10);
});

test('without all inputs measured, nothing is derived', () => {
  expect(inputsOf([])).toBeUndefined();
  expect(paper([])).toEqual([]);
});
