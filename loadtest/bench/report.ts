/**
 * The table on the screen and the same as JSON, with what a reader needs to judge them: the machine, its load before and
 * after, and how long its disk takes for one small write, on which everything durable depends.
 */
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { type Bench, type Figure, shortBy, spreadOf, type Target } from './figures.ts';
import type { SectionName } from './settings.ts';

export interface Surroundings {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly node: string;
  readonly redis: string;
  /** One 4 KiB write and its fdatasync, median in milliseconds. */
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

export async function lookAround(folder: string, redisRoute: string): Promise<Surroundings> {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    redis: redisRoute.replace(/,.*/, ''),
    diskWriteMs: await timeDisk(folder),
  };
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
  const { cores, processor, memoryGiB, node, redis, diskWriteMs } = around;
  return [
    `${cores} cores (${processor}), ${memoryGiB} GiB, Node ${node}, ${redis}`,
    `one 4 KiB write on disk takes ${diskWriteMs} ms; append-only file always synced, never rewritten meanwhile`,
  ].join('\n');
}

/** Three digits that count, whatever the size. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return String(value);
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

/** @param own lines that the section has for those of its figures that have a place in a sweep or a growth */
export function table(
  result: SectionResult,
  own: (figures: readonly Figure[]) => readonly string[] = () => [],
): string {
  const { section, title, seconds, loadBefore, loadAfter, failure } = result;
  const figures = result.figures.filter(({ at, grown }) => at === undefined && grown === undefined);
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
  lines.push(...own(result.figures));
  if (rows.length > 0) lines.push(...align([['', 'median', '', 'lowest .. highest', 'target'], ...rows]));
  for (const { name, note } of figures) if (note) lines.push(`  ${name}: ${note}`);
  return lines.join('\n');
}

export function align(
  rows: readonly string[][],
  isNumber: (column: number) => boolean = (column) => column === 1,
): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    `  ${row.map((cell, i) => (isNumber(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ')}`.trimEnd(),
  );
}

/** Every target in one line: what a reader in a hurry wants to know. */
export function summary(results: readonly SectionResult[]): string {
  const aimed = results.flatMap((result) => result.figures).filter((row) => row.target);
  const short = aimed.filter((row) => shortBy(row) > 0);
  if (aimed.length === 0) return '';
  const names = short.map((row) => row.name).join('; ');
  return `\n${aimed.length - short.length} of ${aimed.length} targets reached${short.length > 0 ? `, short: ${names}` : ''}`;
}

/** A chart into the folder of the charts. */
export async function keepChart({ settings, progress }: Bench, name: string, svg: string): Promise<void> {
  const file = join(settings.charts, name);
  await mkdir(settings.charts, { recursive: true });
  await writeFile(file, svg);
  progress(`chart: ${file}`);
}

export async function writeJson(
  file: string,
  around: Surroundings,
  settings: object,
  results: readonly SectionResult[],
): Promise<void> {
  const report = { at: new Date().toISOString(), surroundings: around, settings, results };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
