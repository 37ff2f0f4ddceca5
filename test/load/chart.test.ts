/** The plots: axes with round numbers, gaps where nothing was measured, words that cannot break out of the page. */
import { describe, expect, test } from 'vitest';
import { drawChart, linear, logarithmic, stack, thin } from '../../loadtest/load/chart.ts';

describe('axes', () => {
  test.each([
    [1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [2, [0, 0.5, 1, 1.5, 2]],
    [0.3, [0, 0.1, 0.2, 0.3]],
    [9_800, [0, 2_000, 4_000, 6_000, 8_000, 10_000]],
    [0, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  ])('up to %s', (max, ticks) => {
    const scale = linear(max);
    expect(scale.ticks).toEqual(ticks);
    expect(scale.at(0)).toBe(0);
    expect(scale.at(ticks.at(-1) ?? 0)).toBe(1);
  });

  test('powers of ten around what there is, at equal distances', () => {
    const scale = logarithmic(0.4, 250);
    expect(scale.ticks).toEqual([0.1, 1, 10, 100, 1_000]);
    expect(scale.ticks.map((tick) => scale.at(tick))).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(logarithmic(10, 10).ticks).toEqual([10, 100]);
  });
});

test('areas stand one upon the other, and a missing value adds nothing', () => {
  const stacked = stack([
    {
      name: 'a',
      points: [
        [0, 1],
        [1, 2],
      ],
    },
    {
      name: 'b',
      points: [
        [0, 10],
        [1, Number.NaN],
      ],
    },
    { name: 'c', points: [[1, 100]] },
  ]);
  expect(stacked.map(({ points }) => points)).toEqual([
    [
      [0, 1],
      [1, 2],
    ],
    [
      [0, 11],
      [1, 2],
    ],
    [[1, 102]],
  ]);
});

test('hours of points are thinned, and their peaks stay', () => {
  const points = Array.from({ length: 10_000 }, (_, i) => [i, i === 7_777 ? 99 : 1] as const);
  const thinned = thin(points, 500);
  expect(thinned.length).toBeLessThanOrEqual(500);
  expect(thinned.filter(([, y]) => y === 99)).toHaveLength(1);
  expect(thin(points.slice(0, 500), 500)).toHaveLength(500);
});

test('a gap breaks the line', () => {
  const series = [
    {
      name: 'p99',
      points: [
        [0, 1],
        [1, Number.NaN],
        [2, 3],
        [3, 4],
      ] as const,
    },
  ];
  const svg = drawChart({ title: 'waits', unit: 'ms', series });
  const path = /<path d="([^"]*)"/.exec(svg)?.[1] ?? '';
  expect(path.match(/M/g)).toHaveLength(2);
  expect(path).not.toContain('NaN');
});

test('all plots of a page can share one axis', () => {
  const series = [
    {
      name: 'lag',
      points: [
        [0, 5],
        [10, 5],
      ] as const,
    },
  ];
  const [, near] = /L(\d+)/.exec(drawChart({ title: 'lag', unit: 'events', series, xMax: 20 })) ?? [];
  const [, far] = /L(\d+)/.exec(drawChart({ title: 'lag', unit: 'events', series })) ?? [];
  expect(Number(near)).toBeLessThan(Number(far));
});

test('where nothing was measured the plot says so', () => {
  const empty = drawChart({ title: 'cores', unit: 'cores', series: [{ name: 'API', points: [] }] });
  expect(empty).toContain('nothing was measured');
  expect(empty).not.toContain('NaN');
});

test('names are written as text', () => {
  const series = [{ name: '<script>', points: [[0, 1]] as const }];
  const svg = drawChart({ title: 'a "b" & <c>', unit: 'x', series, marks: [{ x: 0, text: '<i>' }] });
  expect(svg).not.toMatch(/<script|<c>|<i>|"b"/);
});
