/**
 * What a test of an import needs: rows as a file, a run of the import against a whole Holdfast, and what each row came to.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { openBulkFile } from '../../src/bulk/bulk-file.ts';
import {
  type ImportProgress,
  type ImportRequest,
  type ImportResult,
  importFile,
} from '../../src/bulk/importing.ts';
import type { RowReport } from '../../src/bulk/outcomes.ts';
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import type { TestHoldfast } from '../holdfast.ts';

/** A path of its own, gone with the test. */
export function temporaryPath(ending: string): string {
  const path = join(tmpdir(), `holdfast-bulk-${randomBytes(6).toString('hex')}${ending}`);
  onTestFinished(() => rm(path, { force: true }));
  return path;
}

export async function fileWith(text: string | Buffer, ending = '.csv'): Promise<string> {
  const path = temporaryPath(ending);
  await writeFile(path, text);
  return path;
}

export interface Imported extends ImportResult {
  /** The lines of the results file. */
  readonly reports: readonly RowReport[];
  readonly progress: ImportProgress;
}

export type ImportOptions = Partial<Omit<ImportRequest, 'file' | 'resultsPath'>> & {
  /** Another engine than the Holdfast's own. */
  readonly hot?: HotInventory;
  readonly backlogEventsMax?: number;
  readonly progress?: ImportProgress;
};

/** Imports the text as a file of stock in CSV, unless the options say otherwise. */
export async function importText(
  holdfast: TestHoldfast,
  text: string,
  options: ImportOptions = {},
): Promise<Imported> {
  const { hot = holdfast.hot, backlogEventsMax = 5_000_000, ...request } = options;
  const progress = options.progress ?? {
    outcomes: undefined,
    retry: undefined,
    ledgerBehind: undefined,
  };
  const resultsPath = temporaryPath('.ndjson');
  const result = await importFile(
    {
      what: 'stock',
      format: 'csv',
      rejectsMax: 1_000,
      isLedgerAwaited: true,
      signal: new AbortController().signal,
      ...request,
      file: await openBulkFile(await fileWith(text), Readable.from([])),
      resultsPath,
    },
    { hot, ledger: holdfast.ledger, backlogEventsMax },
    progress,
  );
  const lines = (await readFile(resultsPath, 'utf8')).split('\n').filter((line) => line !== '');
  return { ...result, progress, reports: lines.map((line) => JSON.parse(line) as RowReport) };
}

/** `sku,warehouse,quantity` for so many rows of so many SKUs: every item once, with a quantity that tells it apart. */
export function stockCsv(rows: number, skus: number): string {
  const lines = ['sku,warehouse,quantity'];
  for (let i = 0; i < rows; i++) lines.push(`SKU-${i % skus},wh-${Math.floor(i / skus)},${1 + i}`);
  return `${lines.join('\n')}\n`;
}

/** Units over all items, as the ledger has them. */
export async function ledgerTotals(holdfast: TestHoldfast): Promise<{ items: number; units: number }> {
  let [items, units] = [0, 0];
  for await (const { columns, rows } of holdfast.ledger.extract('stock')) {
    const total = columns.indexOf('total');
    items += rows.length;
    for (const row of rows) units += row[total] as number;
  }
  return { items, units };
}

/** 1 + 2 + ... + rows: what {@link stockCsv} comes to. */
export const unitsOf = (rows: number): number => (rows * (rows + 1)) / 2;
