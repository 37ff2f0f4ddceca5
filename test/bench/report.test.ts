/** The tables: each value with how far its turns lay apart, and figures outside a matrix in lines of their own. */
import { expect, test } from 'vitest';
import { type Figure, figure, seriesOf } from '../../loadtest/bench/figures.ts';
import { matrices, notesOf, table } from '../../loadtest/bench/report.ts';

const RATE = '1 SKU: orders a second';
const at = (row: string, column: number, values: number[], title = RATE): Figure =>
  figure(`${row} ${column}`, 'orders/s', values, { cell: { table: title, row, column, columns: 'clients' } });
const figures = [
  at('slow', 1, [90, 100, 120]),
  at('slow', 1_000, [0, 0, 0]),
  at('fast', 1, [70_000]),
  at('slow', 1, [Number.NaN], '1 SKU: p99 wait'),
  figure('a target', 'x', [3, 3.1, 2.9], { target: { atLeast: 4 } }),
];

test('a matrix has a row a peer, a column a number of clients, and the spread in per cent', () => {
  const lines = matrices(figures);
  expect(lines[1]).toMatch(/1 SKU: orders a second +1 client +1,000 clients/);
  expect(lines[2]).toMatch(/slow, orders\/s +100 ±20% +0\.00$/);
  expect(lines[3]).toMatch(/fast, orders\/s +70,000$/);
  expect(lines.join('\n')).toMatch(/p99 wait.*\n +slow, orders\/s +-/);
  expect(lines.join('\n')).not.toContain('a target');
});

test('a figure outside a matrix has its spread and its verdict in one line', () => {
  const result = { section: 'peers', title: 't', seconds: 1, loadBefore: 0, loadAfter: 0, figures } as const;
  expect(table(result)).toMatch(/a target +3\.00 +x +2\.90 \.\. 3\.10 +>= 4\.00 x: SHORT by 25\.0 %/);
});

test('a line of a chart has the median, the lowest and the highest turn of each size, in order', () => {
  const own = [at('slow', 64, [1, 2, 4]), ...figures];
  expect(seriesOf(own, RATE, 'slow').points).toEqual([
    { x: 1, y: 100, low: 90, high: 120 },
    { x: 64, y: 2, low: 1, high: 4 },
    { x: 1_000, y: 0, low: 0, high: 0 },
  ]);
});

test('the notes of a chart name n, the bars, the machine, the commit and the day', () => {
  const surroundings = {
    cores: 2,
    processor: 'EPYC',
    memoryGiB: 24,
    node: '20',
    redis: 'Redis 7',
    commit: 'abc1234',
    diskWriteMs: 0.3,
  };
  const notes = notesOf({ at: '2026-11-22T10:00:00Z', surroundings, settings: { repeats: 5 }, results: [] });
  expect(notes.join(' ')).toMatch(
    /n = 5 .*lowest to the highest turn.*2 cores \(EPYC\).*abc1234, 2026-11-22/,
  );
});
