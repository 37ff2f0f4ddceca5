/**
 * The growths as tables: a row a cost, a column a size. Promises: each value with how far its turns lay apart, in per cent
 * of the median; what was not measured at a size is left empty.
 */
import type { Figure, Grown } from '../figures.ts';
import { align, digits } from '../report.ts';

export function growthTables(figures: readonly Figure[]): string[] {
  const grown = figures.filter((figure) => figure.grown !== undefined);
  const kinds = [...new Set(grown.map((figure) => figure.grown?.by))];
  return kinds.flatMap((by) =>
    growthTable(
      grown.filter((figure) => figure.grown?.by === by),
      by ?? 'holds',
    ),
  );
}

function growthTable(figures: readonly Figure[], by: Grown['by']): string[] {
  const sizes = [...new Set(figures.map(({ grown }) => grown?.to ?? 0))].sort((a, b) => a - b);
  const whats = [...new Set(figures.map(({ grown }) => grown?.what ?? ''))];
  const rows = whats.map((what) => {
    const own = figures.filter(({ grown }) => grown?.what === what);
    const cells = sizes.map((size) => cell(own.find(({ grown }) => grown?.to === size)));
    return [`${what}, ${own[0]?.unit}`, ...cells];
  });
  const heads = sizes.map((size) => `${size.toLocaleString('en')} ${size === 1 ? by.slice(0, -1) : by}`);
  return ['', ...align([[`by ${by}`, ...heads], ...rows], (column) => column > 0)];
}

function cell(figure: Figure | undefined): string {
  if (!figure) return '';
  if (!Number.isFinite(figure.median)) return '-';
  const { median, low, high } = figure;
  const apart = Math.round((Math.max(high - median, median - low) / median) * 100);
  return apart > 0 ? `${digits(median)} ±${apart}%` : digits(median);
}
