/** The cost of a reservation: what is read, what is divided by what, and what is shown. */
import { expect, test } from 'vitest';
import { BY_HOLDS, BY_SKUS, cost } from '../../loadtest/bench/cost.ts';
import {
  infoNumber,
  perOrder,
  type Reading,
  ROWS,
  type Row,
  writeCalls,
} from '../../loadtest/bench/cost-readings.ts';
import { type Figure, figure } from '../../loadtest/bench/figures.ts';
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
});

test('the difference of two readings is divided by the orders between them', () => {
  const used = perOrder(reading(1_000), reading(3_000), 2_000);
  expect(used.get('CPU of API')).toBe(40);
  expect(used.get('CPU of Postgres')).toBe(30);
  expect(used.get('orders in a batch')).toBe(100);
  expect(used.get('syncs of Redis')).toBeCloseTo(20);
  expect(used.get('WAL of Postgres')).toBe(700);
});

test('the chart has a panel for each cost and size, with its unit, and no NaN', async () => {
  const rows: Row[] = ['CPU of Redis', 'CPU of worker', 'append-only file'];
  const figures = [BY_HOLDS, BY_SKUS].flatMap((table): Figure[] =>
    [1_000, 1_000_000].flatMap((column) =>
      rows.map((row) =>
        figure(row, ROWS[row], [1, 2, 3], { cell: { table, row, column, columns: 'holds' } }),
      ),
    ),
  );
  const picture = cost.picture?.(figures);
  if (!picture) throw new Error('cost has a chart');
  expect(picture.panels).toHaveLength(4);
  const svg = await drawPicture({ ...picture, notes: ['n = 3'] });
  for (const text of ['us an order', 'bytes an order', 'open holds, over HTTP (log scale)'])
    expect(svg).toContain(text);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});
