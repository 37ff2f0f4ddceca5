/** Tables on the screen: a title, names to the left, figures to the right. Refuses to know what the figures mean. */
import { byFunction, byRoom, type Stack, weightOf } from './stacks.ts';

/** A row is a name, and figures or words. */
export type Row = readonly [string, ...(number | string)[]];

const FUNCTIONS_MAX = 25;
const NAME_WIDTH_MAX = 84;

/** @param digits behind the point */
export function table(title: string, heads: readonly string[], rows: readonly Row[], digits = 1): string {
  const texts = rows.map(([name, ...cells]) => [
    name.length > NAME_WIDTH_MAX ? `${name.slice(0, NAME_WIDTH_MAX - 3)}...` : name,
    ...cells.map((cell) => (typeof cell === 'number' ? cell.toFixed(digits) : cell)),
  ]);
  const all = [heads, ...texts];
  const widths = heads.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)));
  const lines = all.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return ['', title, ...lines].join('\n');
}

/**
 * Rooms and the most expensive functions.
 * @param each what all of it comes to for one, and its unit: "us per request" beside the shares
 */
export function shareTables(stacks: readonly Stack[], each?: { unit: string; all: number }): string {
  const all = weightOf(stacks);
  const of = (weight: number): (number | string)[] => [
    `${((100 * weight) / all).toFixed(1)} %`,
    ...(each ? [(each.all * weight) / all] : []),
  ];
  const heads = ['share', ...(each ? [each.unit] : [])];
  const rooms = byRoom(stacks).map(({ room, weight }): Row => [room, ...of(weight)]);
  const functions = byFunction(stacks)
    .filter(({ self }) => self > 0)
    .slice(0, FUNCTIONS_MAX)
    .map(({ name, room, self, whole }): Row => [name, room, ...of(self), ...of(whole).slice(0, 1)]);
  return [
    table('By room', ['', ...heads], rooms, 2),
    table(
      `The ${FUNCTIONS_MAX} functions with most in themselves`,
      ['', '', ...heads, 'whole'],
      functions,
      2,
    ),
  ].join('\n');
}
