/** The guard fails on a clear loss, says which, and judges nothing that was measured too seldom. */
import { expect, test } from 'vitest';
import { BOUNDS, type Bound } from '../../loadtest/bench/guard-bounds.ts';
import { judge, TURNS } from '../../loadtest/bench/guard-verdict.ts';

const COST: Bound = { name: 'confirm / reserve', unit: 'x', usual: 1, atMost: 2 };
const SPEED: Bound = { name: 'engine / script', unit: 'x', usual: 2, atLeast: 1 };
const BYTES: Bound = { name: 'memory', unit: 'bytes', usual: 250, atMost: 290 };
const all = [COST, SPEED, BYTES];

const values = (cost: number[], speed: number[], bytes: number[]) =>
  new Map([
    [COST.name, cost],
    [SPEED.name, speed],
    [BYTES.name, bytes],
  ]);

test('figures within their bounds pass, whatever a single turn says', () => {
  const { isLost, lines } = judge(all, values([1, 5, 1.1], [2.1, 0.2, 2], [251]));
  expect(isLost).toBe(false);
  expect(lines.at(-1)).toBe('guard: 3 of 3 figures judged, all within their bounds');
});

test.each([
  [
    'a cost above its bound',
    values([2.4, 2.2, 2.3], [2, 2, 2], [250]),
    /LOST: confirm \/ reserve is 2\.30 x/,
  ],
  ['a speed below its bound', values([1, 1, 1], [0.8, 0.9, 0.7], [250]), /LOST: engine \/ script is 0\.80 x/],
  ['bytes above their bound', values([1, 1, 1], [2, 2, 2], [291]), /LOST: memory is 291 bytes/],
  [
    'a figure that is no number',
    values([Number.NaN, Number.NaN, Number.NaN], [2, 2, 2], [250]),
    /LOST: confirm/,
  ],
])('%s is lost, and the last line says so', (_, measured, words) => {
  const { isLost, lines } = judge(all, measured);
  expect(isLost).toBe(true);
  expect(lines.at(-1)).toMatch(words);
});

test('every loss has a line', () => {
  const { lines } = judge(all, values([3, 3, 3], [0.1, 0.1, 0.1], [400]));
  expect(lines.filter((line) => line.startsWith('guard: LOST'))).toHaveLength(3);
});

test('too few turns are shown and not judged; bytes need one', () => {
  const few = Array.from({ length: TURNS - 1 }, () => 9);
  const { isLost, lines } = judge(all, values(few, [], [250]));
  expect(isLost).toBe(false);
  expect(lines.join('\n')).toMatch(/confirm \/ reserve +9\.00.*not judged/);
  expect(lines.at(-1)).toContain('1 of 3 figures judged');
});

test('each stored bound lets pass what is usual, and has room to it; names are one of a kind', () => {
  for (const bound of Object.values(BOUNDS)) {
    const room = 'atLeast' in bound ? bound.usual / bound.atLeast : bound.atMost / bound.usual;
    expect(room, bound.name).toBeGreaterThan(bound.unit === 'bytes' ? 1.05 : 1.8);
  }
  expect(new Set(Object.values(BOUNDS).map(({ name }) => name)).size).toBe(Object.keys(BOUNDS).length);
});
