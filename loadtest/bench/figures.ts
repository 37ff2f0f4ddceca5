/**
 * What a section hands back: figures with their spread and, where one was promised, their target.
 * Promises: a figure is never shown without how far its repeats lay apart.
 */
import type { Settings } from './settings.ts';
import type { Stores } from './stores.ts';

export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** The median of some repeats and the values farthest from it. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Where in a sweep a figure stands: a matrix and a chart are made from it. */
export interface Place {
  readonly peer: string;
  readonly skus: number;
  readonly clients: number;
  readonly what: 'orders a second' | 'Holdfast is so many times' | 'median wait' | 'p99 wait' | 'gave up';
}

/** What something costs when there is so much of one thing: a row and a column of a table. */
export interface Grown {
  readonly by: 'holds' | 'SKUs' | 'partitions';
  readonly to: number;
  readonly what: string;
}

export interface Figure extends Spread {
  readonly name: string;
  readonly unit: string;
  readonly at?: Place | undefined;
  readonly grown?: Grown | undefined;
  readonly target?: Target | undefined;
  /** What a reader must know to read it rightly. */
  readonly note?: string | undefined;
}

/** What every section is given. */
export interface Bench {
  readonly settings: Settings;
  readonly stores: Stores;
  /** Figures of the sections before, so that one can be held against another. */
  readonly known: Figure[];
  /** One line for whoever waits. */
  progress(line: string): void;
}

/** A section could not do all it was to do, and has figures for the rest. */
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
  /** The lines of its table, where there are too many figures for a line each. */
  readonly rows?: (figures: readonly Figure[]) => readonly string[];
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
  more: { target?: Target; note?: string; at?: Place; grown?: Grown } = {},
): Figure {
  return { name, unit, ...spreadOf(values), ...more };
}

/** Turn by turn: what was measured side by side is divided side by side, so that a busy minute weighs on both. */
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
