/** Charts: what each must say, gaps that stay gaps, and text that cannot break out of the file. */
import { expect, test } from 'vitest';
import { drawPicture, type Panel, powersOfTen, thin } from '../../loadtest/chart.ts';

const panel: Panel = {
  title: '1 SKU',
  x: { title: 'clients', log: true },
  y: { title: 'orders a second', log: true },
  series: ['slow', 'fast'].map((name, i) => ({
    name,
    points: [1, 8, 64].map((x) => ({
      x,
      y: 100 * x * (i + 1),
      low: 90 * x * (i + 1),
      high: 120 * x * (i + 1),
    })),
  })),
};
const draw = (own: Partial<Panel>, title = 'a chart', notes: string[] = []) =>
  drawPicture({ title, notes, columns: 1, width: 300, height: 200, panels: [{ ...panel, ...own }] });

test('axes say their units and where they are log scales; notes and names are there', async () => {
  const svg = await draw({}, 'a chart', ['n = 5 turns', 'commit abc1234']);
  const texts = ['clients (log scale)', 'orders a second (log scale)', 'n = 5 turns', 'commit abc1234'];
  for (const text of [...texts, 'slow', 'fast']) expect(svg).toContain(text);
  expect(await draw({ y: { title: 'ms' } })).toMatch(/>ms</);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

/** The lines of a picture: their paths with all attributes. */
const linesOf = (svg: string) =>
  [...svg.matchAll(/<g class="mark-line[^"]*"[^>]*><path ([^>]*)>/g)].map(([, path = '']) => path);

test('series differ in dashes and shapes as well as in colour', async () => {
  const svg = await draw({});
  const dashes = linesOf(svg).map((path) => /stroke-dasharray="([^"]+)"/.exec(path)?.[1]);
  expect(dashes).toHaveLength(2);
  expect(new Set(dashes).size).toBe(2);
  const [, points = ''] = /<g class="mark-symbol role-mark([\s\S]*?)<\/g>/.exec(svg) ?? [];
  const shapes = [...points.matchAll(/ d="(M[^"]{0,20})/g)].map(([, shape]) => shape);
  expect(new Set(shapes).size).toBe(2);
});

test('a missing value breaks the line', async () => {
  const points = [1, 2, undefined, 4, 5].map((y, x) => ({ x, y }));
  const one = (own: typeof points) =>
    draw({ x: { title: 's' }, y: { title: 'ms' }, series: [{ name: 'p99', points: own }] });
  const moves = (svg: string) =>
    (/(?:^| )d="([^"]*)"/.exec(linesOf(svg)[0] ?? '')?.[1] ?? '').match(/M/g)?.length;
  expect(moves(await one(points))).toBe(2);
  expect(moves(await one(points.filter(({ y }) => y !== undefined)))).toBe(1);
});

test('an empty chart is drawn', async () => {
  expect(await draw({ series: [] })).not.toMatch(/NaN|undefined|Infinity/);
});

test('text is escaped, and nothing is loaded from outside', async () => {
  const svg = await draw({ series: [{ name: '<script>', points: [{ x: 1, y: 1 }] }] }, 'a "b" & <i>');
  expect(svg).not.toMatch(/<script|<i>|url\(http|@import/);
});

test('hours of points are thinned; peaks and gaps stay', () => {
  const points = Array.from({ length: 10_000 }, (_, x) => ({
    x,
    y: x === 7_777 ? 99 : x === 5 ? undefined : 1,
  }));
  const thinned = thin(points, 500);
  expect(thinned.length).toBeLessThanOrEqual(500);
  expect(thinned.filter(({ y }) => y === 99)).toHaveLength(1);
  expect(thinned.filter(({ y }) => y === undefined)).toHaveLength(1);
  expect(thin(points.slice(0, 500), 500)).toHaveLength(500);
});

test('ticks of a log scale are the powers of ten around the values', () => {
  expect(powersOfTen([8, 140_000])).toEqual([1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]);
  expect(powersOfTen([0, 100])).toEqual([100]);
  expect(powersOfTen([])).toEqual([]);
});
