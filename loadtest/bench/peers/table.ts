/**
 * The figures of the peers as matrices: a row a peer, a column a number of clients. Promises: each value with how far its
 * turns lay apart, in per cent of the median; targets in lines of their own.
 */
import type { Figure, Place } from '../figures.ts';
import { align, digits } from '../report.ts';

const SHOWN = [
  'orders a second',
  'Holdfast is so many times',
  'median wait',
  'p99 wait',
  'gave up',
] as const satisfies readonly Place['what'][];

export const skusText = (count: number): string =>
  count === 1 ? '1 SKU' : `${count.toLocaleString('en')} SKUs`;

/** What has no place in a matrix is left out: it has a line of its own in the table. */
export function matrices(figures: readonly Figure[]): string[] {
  const placed = figures.filter((figure) => figure.at !== undefined);
  const skus = [...new Set(placed.map(({ at }) => at?.skus ?? 0))];
  return skus.flatMap((count) => SHOWN.flatMap((what) => matrix(placed, count, what)));
}

function matrix(figures: readonly Figure[], skus: number, what: Place['what']): string[] {
  const own = figures.filter(({ at }) => at?.skus === skus && at.what === what);
  if (own.length === 0) return [];
  const clients = [...new Set(own.map(({ at }) => at?.clients ?? 0))].sort((a, b) => a - b);
  const peers = [...new Set(own.map(({ at }) => at?.peer ?? ''))];
  const unit = own[0]?.unit ?? '';
  const rows = peers.map((peer) => [
    peer,
    ...clients.map((count) => cell(own.find(({ at }) => at?.peer === peer && at.clients === count))),
  ]);
  const heads = clients.map((count) => (count === 1 ? '1 client' : `${count.toLocaleString('en')} clients`));
  const title = `${skusText(skus)}: ${what}, ${unit}`;
  return ['', ...align([[title, ...heads], ...rows], (column) => column > 0)];
}

function cell(figure: Figure | undefined): string {
  if (!figure) return '';
  if (!Number.isFinite(figure.median)) return '-';
  return `${digits(figure.median)} ${spreadText(figure)}`.trimEnd();
}

function spreadText({ median, low, high }: Figure): string {
  const apart = Math.max(high - median, median - low) / median;
  return Number.isFinite(apart) && apart > 0 ? `±${Math.round(apart * 100)}%` : '';
}
