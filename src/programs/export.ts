/**
 * `npm run export`: stock, warehouses, open holds or the whole ledger as CSV or NDJSON, as of one instant.
 * Exit code 0: complete. 2: not complete.
 */
import { parseArgs } from 'node:util';
import { formatOf } from '../bulk/bulk-file.ts';
import { type ExportProgress, exportTo, exportToFile } from '../bulk/exporting.ts';
import { grouped, showProgress } from '../bulk/progress.ts';
import { BULK_FORMATS } from '../bulk/records.ts';
import { openLedger } from '../ledger/ledger.ts';
import { EXTRACTS } from '../ledger/read/extracts.ts';
import { findStores } from './stores.ts';

const HELP = `npm run export -- ${EXTRACTS.join('|')} [options]
  stock        each item; quantity is what may be sold. "npm run import -- stock" takes the file on an empty system
  warehouses   names and places; "npm run import -- warehouses" takes the file
  holds        what open orders hold, and until when
  ledger       every entry, oldest first

  --format csv|ndjson   default: by the ending of --out, else csv
  --out FILE            default: standard output

It reads the ledger, which is milliseconds behind what Redis has decided. With npm use --silent, or --out: npm itself
writes a line to standard output.`;

/** A slow consumer of the output gets this long. A snapshot that is open longer keeps Postgres from cleaning up. */
const READ_MS_MAX = 600_000;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      format: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const [word, ...more] = positionals;
  const extract = EXTRACTS.find((name) => name === word);
  if (!extract || more.length > 0) throw new Error(`say what:\n\n${HELP}`);
  const { out } = values;
  const wished = values.format ?? (out === undefined ? undefined : formatOf(out)) ?? 'csv';
  const format = BULK_FORMATS.find((one) => one === wished);
  if (!format) throw new Error(`--format: there are ${BULK_FORMATS.join(' and ')}`);

  const { stores } = await findStores();
  const ledger = await openLedger({
    databaseUrl: stores.databaseUrl,
    role: 'holdfast_reader',
    statementTimeoutMs: READ_MS_MAX,
    applicationName: 'holdfast-export',
  });
  const startedMs = performance.now();
  const progress: ExportProgress = { rows: 0, asOfMs: undefined };
  const endProgress = showProgress(process.stderr, () => ({
    rows: progress.rows,
    part: undefined,
    note: undefined,
  }));
  try {
    const pages = ledger.extract(extract);
    if (out === undefined) await exportTo(process.stdout, pages, format, progress);
    else await exportToFile(out, pages, format, progress);
  } finally {
    endProgress();
    await ledger.close();
  }
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  const asOf = new Date(progress.asOfMs ?? Date.now()).toISOString();
  console.error(`${extract}: ${grouped(progress.rows)} rows as of ${asOf} in ${seconds} s`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  // The consumer of the output has closed it, such as `head`: no error.
  const isPipeClosed = error instanceof Error && 'code' in error && error.code === 'EPIPE';
  if (!isPipeClosed) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}
