/**
 * What a section hands back: figures with the spread of their turns and, where there is one, their target.
 * Promises: a figure is never shown without how far its turns lay apart.
 */
import type { Picture, Series } from '../chart.ts';
import type { Settings } from './settings.ts';
import type { Stores } from './stores.ts';

export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** The median of some turns, the lowest and the highest of them. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Where a figure is in a matrix: what is measured at several sizes is a table and a chart. */
export interface Cell {
  /** Title of the matrix: "1 SKU: orders a second". */
  readonly table: string;
  readonly row: string;
  readonly column: number;
  /** What the columns count: "clients". */
  readonly columns: string;
}

export interface Figure extends Spread {
  readonly name: string;
  readonly unit: string;
  readonly cell?: Cell | undefined;
  readonly target?: Target | undefined;
  /** What one must know to read it rightly. */
  readonly note?: string | undefined;
}

/** What every section is given. */
export interface Bench {
  readonly settings: Settings;
  readonly stores: Stores;
  /** Figures of the sections before, for comparisons between sections. */
  readonly known: Figure[];
  /** Shows one line while the section runs. */
  progress(line: string): void;
}

/** A section could not do all of its work; it has figures for the rest. */
export class Incomplete extends Error {
  readonly figures: readonly Figure[];
  constructor(message: string, figures: readonly Figure[]) {
    super(message);
    this.figures = figures;
  }
}

export interface Section {
  readonly title: string;
  /** @throws {Incomplete} with the figures there are */
  run(bench: Bench): Promise<Figure[]>;
  readonly picture?: (figures: readonly Figure[]) => Omit<Picture, 'notes'>;
}

export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('no values to take a median of');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] as number;
  const lower = sorted[Math.ceil(middle) - 1] as number;
  return { median: (lower + upper) / 2, low: sorted[0] as number, high: sorted.at(-1) as number };
}

export function figure(
  name: string,
  unit: string,
  values: readonly number[],
  more: { target?: Target; note?: string; cell?: Cell } = {},
): Figure {
  return { name, unit, ...spreadOf(values), ...more };
}

/** Ratios turn by turn: what was measured one after the other is divided, so that a busy minute affects both. */
export function ratios(above: readonly number[], below: readonly number[]): number[] {
  return above.map((value, turn) => value / (below[turn] as number));
}

/** How far the median is from its target: 0 where it is reached, else the missing part of the target. */
export function shortBy({ median, target }: Figure): number {
  if (!target) return 0;
  const missing =
    'atLeast' in target
      ? (target.atLeast - median) / target.atLeast
      : (median - target.atMost) / target.atMost;
  return Math.max(0, missing);
}

/** A row of a matrix as a line of a chart; empty where it was not measured. A chart of powers has no place for 0. */
export function seriesOf(figures: readonly Figure[], table: string, row: string, name = row): Series {
  const points = figures.flatMap(({ cell, median, low, high }) =>
    cell?.table === table && cell.row === row && Number.isFinite(median)
      ? [{ x: cell.column, y: median, low, high }]
      : [],
  );
  return { name, points: points.sort((a, b) => a.x - b.x) };
}
