/**
 * Tables for the screen and the same as JSON, with what is needed to judge them: the machine and its load, the commit, and
 * how long the disk takes for one small write, on which everything durable depends.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { type Figure, shortBy, spreadOf, type Target } from './figures.ts';
import type { SectionName, Settings } from './settings.ts';

export interface Surroundings {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly node: string;
  readonly redis: string;
  /** Of this checkout; with "+" where files differ from it. */
  readonly commit: string;
  /** One 4 KiB write and its fdatasync, median. */
  readonly diskWriteMs: number;
}

export interface SectionResult {
  readonly section: SectionName | 'against';
  readonly title: string;
  readonly seconds: number;
  readonly loadBefore: number;
  readonly loadAfter: number;
  readonly figures: readonly Figure[];
  /** Why there are no figures, or not all. */
  readonly failure?: string;
}

/** What a run leaves as JSON. */
export interface Report {
  readonly at: string;
  readonly surroundings: Surroundings;
  readonly settings: Pick<Settings, 'repeats'>;
  readonly results: readonly SectionResult[];
}

export async function lookAround(folder: string, redisRoute: string): Promise<Surroundings> {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    redis: redisRoute.replace(/,.*/, ''),
    commit: commitNow(),
    diskWriteMs: await timeDisk(folder),
  };
}

function commitNow(): string {
  const options = { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' } as const;
  try {
    return execFileSync('git', ['describe', '--always', '--dirty=+', '--exclude=*'], options).trim();
  } catch {
    return 'unknown';
  }
}

/** Load of the last minute: processes that wanted a core, ours included. */
export const loadNow = (): number => Math.round((loadavg()[0] as number) * 100) / 100;

async function timeDisk(folder: string): Promise<number> {
  const path = join(folder, 'disk');
  const file = await open(path, 'w');
  try {
    const block = Buffer.alloc(4_096);
    const tookMs: number[] = [];
    for (let i = 0; i < 200; i++) {
      const startedMs = performance.now();
      await file.write(block);
      await file.datasync();
      tookMs.push(performance.now() - startedMs);
    }
    return Math.round(spreadOf(tookMs).median * 1_000) / 1_000;
  } finally {
    await file.close();
    await rm(path);
  }
}

export function describe(around: Surroundings): string {
  const { cores, processor, memoryGiB, node, redis, commit, diskWriteMs } = around;
  return [
    `${cores} cores (${processor}), ${memoryGiB} GiB, Node ${node}, ${redis}, commit ${commit}`,
    `one 4 KiB write on disk takes ${diskWriteMs} ms; append-only file always synced, never rewritten meanwhile`,
  ].join('\n');
}

/** The lines below a chart. */
export function notesOf({ at, surroundings, settings: { repeats } }: Report): string[] {
  const { cores, processor, memoryGiB, node, redis, commit } = surroundings;
  return [
    `Points: medians of n = ${repeats} turns; bars: from the lowest to the highest turn.`,
    `${cores} cores (${processor}), ${memoryGiB} GiB, everything on one machine; Node ${node}, ${redis}; commit ${commit}, ${at.slice(0, 10)}.`,
  ];
}

/** Three significant digits, whatever the size. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en');
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function targetText(target: Target, unit: string): string {
  return 'atLeast' in target ? `>= ${digits(target.atLeast)} ${unit}` : `<= ${digits(target.atMost)} ${unit}`;
}

function verdict(figure: Figure): string {
  const { target, unit } = figure;
  if (!target) return '';
  const missing = shortBy(figure);
  const word = missing === 0 ? 'reached' : `SHORT by ${digits(missing * 100)} %`;
  return `${targetText(target, unit)}: ${word}`;
}

/** Matrices first, then a line for each figure that is in none. */
export function table(result: Omit<SectionResult, 'section'> & { readonly section: string }): string {
  const { section, title, seconds, loadBefore, loadAfter, failure } = result;
  const figures = result.figures.filter(({ cell }) => cell === undefined);
  const load = `${Math.round(seconds)} s, load ${loadBefore} before, ${loadAfter} after`;
  const rows = figures.map((row) => [
    row.name,
    digits(row.median),
    row.unit,
    row.low === row.high ? '' : `${digits(row.low)} .. ${digits(row.high)}`,
    verdict(row),
  ]);
  const lines = [`\n${section}: ${title} (${load})`];
  if (failure) lines.push(`  ${result.figures.length > 0 ? 'incomplete' : 'no figures'}: ${failure}`);
  lines.push(...matrices(result.figures));
  if (rows.length > 0) lines.push(...align([['', 'median', '', 'lowest .. highest', 'target'], ...rows]));
  for (const { name, note } of figures) if (note) lines.push(`  ${name}: ${note}`);
  return lines.join('\n');
}

/** A matrix for each table of the cells: each value with the largest distance of a turn from it, in per cent. */
export function matrices(figures: readonly Figure[]): string[] {
  const placed = figures.flatMap((figure) => (figure.cell ? [{ ...figure, cell: figure.cell }] : []));
  const tables = [...new Set(placed.map(({ cell }) => cell.table))];
  return tables.flatMap((title) => {
    const own = placed.filter(({ cell }) => cell.table === title);
    const columns = [...new Set(own.map(({ cell }) => cell.column))].sort((a, b) => a - b);
    const heads = columns.map((column) => sizeText(column, own[0]?.cell.columns ?? ''));
    const rows = [...new Set(own.map(({ cell }) => cell.row))].map((name) => {
      const ofRow = own.filter(({ cell }) => cell.row === name);
      const cells = columns.map((column) => cellText(ofRow.find(({ cell }) => cell.column === column)));
      return [`${name}, ${ofRow[0]?.unit}`, ...cells];
    });
    return ['', ...align([[title, ...heads], ...rows], (column) => column > 0)];
  });
}

/** "1 SKU", "1,000 SKUs". @param what in the plural */
export const sizeText = (count: number, what: string): string =>
  `${count.toLocaleString('en')} ${count === 1 ? what.replace(/s$/, '') : what}`;

function cellText(figure: Figure | undefined): string {
  if (!figure) return '';
  const { median, low, high } = figure;
  const apart = Math.round((Math.max(high - median, median - low) / median) * 100);
  return apart > 0 && Number.isFinite(apart) ? `${digits(median)} ±${apart}%` : digits(median);
}

export function align(
  rows: readonly (readonly string[])[],
  isNumber: (column: number) => boolean = (column) => column === 1,
): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const pad = (cell: string, i: number) =>
    isNumber(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0);
  return rows.map((row) => `  ${row.map(pad).join('  ')}`.trimEnd());
}

/** How many targets are reached, and which are not. */
export function summary(results: readonly SectionResult[]): string {
  const aimed = results.flatMap((result) => result.figures).filter((row) => row.target);
  const short = aimed.filter((row) => shortBy(row) > 0);
  if (aimed.length === 0) return '';
  const names = short.map((row) => row.name).join('; ');
  return `\n${aimed.length - short.length} of ${aimed.length} targets reached${short.length > 0 ? `, short: ${names}` : ''}`;
}

export async function writeJson(file: string, report: Report): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
