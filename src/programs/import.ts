/**
 * `npm run import`: opening stock or warehouses from a file into the running Holdfast. Each row has its own id.
 * Exit code 0: every row is imported. 1: some rows were refused or are invalid. 2: not finished; run it again.
 */
import { parseArgs } from 'node:util';
import { type BulkFile, formatOf, openBulkFile } from '../bulk/bulk-file.ts';
import { account, accountText } from '../bulk/import-report.ts';
import {
  checkFile,
  IMPORTS,
  type ImportProgress,
  type ImportRequest,
  type ImportResult,
  importFile,
} from '../bulk/importing.ts';
import { showProgress } from '../bulk/progress.ts';
import { BULK_FORMATS } from '../bulk/records.ts';
import { IMPORT_NAME_LENGTH_MAX, STOCK_COLUMNS } from '../bulk/stock-rows.ts';
import { WAREHOUSE_COLUMNS } from '../bulk/warehouse-rows.ts';
import { isId } from '../domain/language.ts';
import { openHotInventory } from '../hotpath/hot-inventory.ts';
import { openLedger } from '../ledger/ledger.ts';
import { findStores } from './stores.ts';

const REJECTS_MAX_DEFAULT = 1_000;
const HELP = `npm run import -- stock FILE [options]        opening stock: each row is a receipt (入庫)
npm run import -- warehouses FILE [options]   names and places of warehouses

FILE is CSV with a header, or NDJSON; - is standard input. Fields of a row:
  stock        ${STOCK_COLUMNS.required.join(', ')}; where needed ${STOCK_COLUMNS.optional.join(', ')}
  warehouses   ${WAREHOUSE_COLUMNS.required.join(', ')}; where needed ${WAREHOUSE_COLUMNS.optional.join(', ')}

  --format csv|ndjson   default: by the file's ending, else csv
  --name NAME           names the movements of rows without a movementId. The same name and row are the same receipt,
                        so that a second run changes nothing. Default: by the file's content
  --results FILE        the outcome of each row, as NDJSON: row, outcome done, replayed, refused or invalid, detail
  --rejects-max N       stop when more than N rows have failed (default ${REJECTS_MAX_DEFAULT})
  --dry-run             read and check every row, send nothing
  --no-wait             do not wait until the ledger has everything
  --json                the account as JSON`;

/** Wrong arguments. */
class WrongCall extends Error {}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      format: { type: 'string' },
      name: { type: 'string' },
      results: { type: 'string' },
      'rejects-max': { type: 'string', default: String(REJECTS_MAX_DEFAULT) },
      'dry-run': { type: 'boolean', default: false },
      'no-wait': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const stopping = stopOnSignals();
  const [word, path, ...more] = positionals;
  const what = IMPORTS.find((name) => name === word);
  if (!what || path === undefined || more.length > 0)
    throw new WrongCall(`say what and from where:\n\n${HELP}`);
  const { name } = values;
  if (name !== undefined && !(isId(name) && name.length <= IMPORT_NAME_LENGTH_MAX)) {
    throw new WrongCall(
      `--name: use 1 to ${IMPORT_NAME_LENGTH_MAX} letters, digits, ".", "_", ":" or "-", beginning with a letter or digit`,
    );
  }
  const format = BULK_FORMATS.find((one) => one === (values.format ?? formatOf(path) ?? 'csv'));
  if (!format) throw new WrongCall(`--format: there are ${BULK_FORMATS.join(' and ')}`);
  const rejectsMax = Number(values['rejects-max']);
  if (!(Number.isInteger(rejectsMax) && rejectsMax >= 0))
    throw new WrongCall('--rejects-max: use a whole number');

  const file = await openBulkFile(path, process.stdin);
  const request: ImportRequest = {
    what,
    file,
    format,
    name,
    rejectsMax,
    resultsPath: values.results,
    isLedgerAwaited: !values['no-wait'],
    signal: stopping,
  };
  const progress: ImportProgress = { outcomes: undefined, retry: undefined, ledgerBehind: undefined };
  const endProgress = showProgress(process.stderr, () => lookAt(file, progress));
  const result = await (values['dry-run']
    ? checkFile(request, progress)
    : importInto(request, progress)
  ).finally(endProgress);
  if (values.json) console.log(JSON.stringify(account(result), undefined, 2));
  else console.log(accountText(request, result, values['dry-run']));
  return exitCode(result);
}

async function importInto(request: ImportRequest, progress: ImportProgress): Promise<ImportResult> {
  const { stores, config } = await findStores();
  const { ack, redisTimeoutMs, tombstoneMs, backlogEventsMax } = config;
  const ledger = await openLedger({ databaseUrl: stores.databaseUrl, applicationName: 'holdfast-import' });
  try {
    const hot = await openHotInventory({
      redisUrl: stores.redisUrl,
      prefix: stores.prefix,
      ack,
      timeoutMs: redisTimeoutMs,
      limits: { tombstoneMs, backlogEventsMax },
    });
    try {
      return await importFile(request, { hot, ledger, backlogEventsMax }, progress);
    } finally {
      await hot.close();
    }
  } finally {
    await ledger.close();
  }
}

/** Ctrl-C ends the run after the rows that are being sent; a second one ends it at once, which is as safe. */
function stopOnSignals(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  return stopping.signal;
}

function lookAt(file: BulkFile, { outcomes, retry, ledgerBehind }: ImportProgress) {
  const waiting = retry?.trouble === undefined ? undefined : `waiting: ${retry.trouble}`;
  return {
    rows: outcomes?.rows ?? 0,
    part: file.bytesTotal ? file.bytesRead / file.bytesTotal : undefined,
    note:
      ledgerBehind === undefined ? waiting : `all rows decided; the ledger is ${ledgerBehind} batches behind`,
  };
}

function exitCode({ end, outcomes }: ImportResult): number {
  if (end === 'complete') return outcomes.failed > 0 ? 1 : 0;
  return end === 'too-many-rejects' ? 1 : 2;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
