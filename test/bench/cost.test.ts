/** The cost of a reservation: what is read, what is divided by what, what is shown, and what follows on paper. */
import { expect, test } from 'vitest';
import { drawCost, shortSize } from '../../loadtest/bench/cost/chart.ts';
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
import { growthTables } from '../../loadtest/bench/cost/table.ts';
import { type Figure, figure, type Grown } from '../../loadtest/bench/figures.ts';

const INFO = '# Memory\r\nused_memory:1048576\r\nused_memory_rss:2097152\r\nratio:1.25\r\n';

test('a number of INFO is that of its own line, and one that is missing is not 0', () => {
  expect(infoNumber(INFO, 'used_memory')).toBe(1_048_576);
  expect(infoNumber(INFO, 'used_memory_rss')).toBe(2_097_152);
  expect(infoNumber(INFO, 'ratio')).toBe(1.25);
  expect(() => infoNumber(INFO, 'memory')).toThrow('does not tell');
});

test('calls of write are told by /proc, and without it by nobody', () => {
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

test('what lies between two readings is divided by the orders between them', () => {
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

const grown = (what: Row, by: Grown['by'], to: number, values: readonly number[]): Figure =>
  figure(`${what}, ${to} ${by}`, ROWS[what], values, { grown: { by, to, what } });

test('a growth is a table: a row a cost, a column a size in order, empty where nothing was measured', () => {
  const lines = growthTables([
    grown('CPU of Redis', 'holds', 100_000, [20, 22, 21]),
    grown('CPU of Redis', 'holds', 1_000, [10]),
    grown('Redis, active', 'holds', 1_000, [250]),
    grown('CPU of Redis', 'partitions', 1, [Number.NaN]),
  ]);
  expect(lines.map((line) => line.trim().replace(/ {2,}/g, ' | '))).toEqual([
    '',
    'by holds | 1,000 holds | 100,000 holds',
    'CPU of Redis, us/order | 10.0 | 21.0 ±5%',
    'Redis, active, bytes/hold | 250',
    '',
    'by partitions | 1 partition',
    'CPU of Redis, us/order | -',
  ]);
});

test('the chart has a panel a growth, a dot a size, and no number that is none', () => {
  const sizes = [1_000, 1_000_000];
  const figures = (['holds', 'SKUs', 'partitions'] as const).flatMap((by) =>
    sizes.flatMap((to) =>
      (Object.keys(ROWS) as Row[])
        .filter((row) => by === 'holds' || !row.startsWith('Postgres,'))
        .map((row) => grown(row, by, to, [1, 2, 3])),
    ),
  );
  const svg = drawCost(figures);
  // Four processes, two syncs and two bytes everywhere; what is kept in Redis everywhere here, tables beside holds alone.
  expect(svg.match(/<circle/g)).toHaveLength(sizes.length * ((4 + 2 + 2 + 1) * 3 + 1));
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  expect(drawCost([])).not.toMatch(/NaN|undefined|Infinity/);
  expect([1, 64, 10_000, 10_000_000].map(shortSize)).toEqual(['1', '64', '10k', '10M']);
});

const INPUTS: Inputs = {
  apiUs: 40,
  redisReserveUs: 5,
  redisConfirmUs: 3,
  workerReserveUs: 10,
  workerConfirmUs: 20,
  postgresReserveUs: 12,
  postgresConfirmUs: 18,
  heldBytes: 256,
  settledBytes: 128,
  residentPart: 1.5,
  fileReserveBytes: 220,
  fileConfirmBytes: 180,
  walReserveBytes: 700,
  walConfirmBytes: 300,
  tableBytes: 900,
  redisInBytes: 100,
  redisOutBytes: 150,
  httpBytes: 625,
};

test('on paper: time of Redis, memory, worker or connection, whatever needs more shards', () => {
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
    derive(inputs, { ...assumed, ...changed }).find((line) => line.name === name)?.value;
  // 8 us of processor and 2 us of waiting for the disk, at half use: 20 us an order.
  expect(value(INPUTS, {}, 'shards, by time of Redis')).toBeCloseTo(20);
  // 2^30 holds of 256 bytes, half as much again resident.
  expect(value(INPUTS, {}, 'shards, by memory')).toBeCloseTo(384 / 16);
  expect(value(INPUTS, {}, 'orders a second and shard')).toBeCloseTo(1_000_000 / 60);
  const light = { ...INPUTS, workerConfirmUs: 0, postgresReserveUs: 0, postgresConfirmUs: 0 };
  expect(value(light, { shardGiB: 64 }, 'orders a second and shard')).toBeCloseTo(1_000_000 / 20);
  expect(value(light, {}, 'orders a second and shard')).toBeCloseTo(1_000_000 / 24);
  expect(value(light, {}, 'memory of a shard, data')).toBeCloseTo(16);
  expect(value(INPUTS, {}, 'WAL of all Postgres')).toBeCloseTo(1_000);
  expect(value(INPUTS, {}, 'shards, by worker')).toBeCloseTo(60);
  expect(value(INPUTS, {}, 'shards, by connection')).toBeCloseTo(60);
  expect(value(INPUTS, {}, 'network of HTTP')).toBeCloseTo(10);
});

test('on paper nothing stands that was not measured', () => {
  expect(inputsOf([])).toBeUndefined();
  expect(paper([])).toEqual([]);
});
