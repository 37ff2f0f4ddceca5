/**
 * Writes a table of the ledger as CSV or NDJSON. Promises: memory is bounded by the page; a file under its final name is
 * whole; texts leave as they are, also those that a spreadsheet would take for a formula. Refuses to know: which table.
 */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { stringify } from 'csv-stringify/sync';
import type { ExtractPage } from '../ledger/read/extracts.ts';
import type { BulkFormat } from './records.ts';

/** How far an export is, for whoever shows it. */
export interface ExportProgress {
  rows: number;
  /** The instant the rows are as of, once the first has come. */
  asOfMs: number | undefined;
}

/** Writes all pages. @throws an outage of the ledger, or an error of the output */
export async function exportTo(
  output: Writable,
  pages: AsyncIterable<ExtractPage>,
  format: BulkFormat,
  progress: ExportProgress,
): Promise<void> {
  await pipeline(Readable.from(texts(pages, format, progress)), output);
}

/** As {@link exportTo}; the file gets its name once it is whole. */
export async function exportToFile(
  path: string,
  pages: AsyncIterable<ExtractPage>,
  format: BulkFormat,
  progress: ExportProgress,
): Promise<void> {
  const partial = `${path}.partial`;
  try {
    await exportTo(createWriteStream(partial), pages, format, progress);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function* texts(pages: AsyncIterable<ExtractPage>, format: BulkFormat, progress: ExportProgress) {
  let isFirst = true;
  for await (const page of pages) {
    progress.asOfMs = page.asOfMs;
    const text = format === 'csv' ? csvText(page, isFirst) : ndjsonText(page);
    isFirst = false;
    if (text !== '') yield text;
    progress.rows += page.rows.length;
  }
}

function csvText({ columns, rows }: ExtractPage, withHeader: boolean): string {
  return stringify([...rows] as unknown[][], {
    header: withHeader,
    columns: [...columns],
    cast: { boolean: String },
  });
}

/** Absent fields are left out. */
function ndjsonText({ columns, rows }: ExtractPage): string {
  let text = '';
  for (const row of rows) {
    const fields: Record<string, unknown> = {};
    for (let i = 0; i < columns.length; i++) {
      if (row[i] !== null) fields[columns[i] as string] = row[i];
    }
    text += `${JSON.stringify(fields)}\n`;
  }
  return text;
}
