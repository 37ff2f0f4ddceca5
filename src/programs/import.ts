/**
 * `npm run import`: opening stock or warehouses from a file into the running Holdfast, row by row under ids of their own.
 * Exit code 0: every row is in. 1: some rows were refused or are invalid. 2: it could not be finished; run it again.
 */
import { type BulkFile, openBulkFile } from '../bulk/bulk-file.ts';
import { IMPORT_HELP, readImportCall } from '../bulk/import-call.ts';
import { account, accountText } from '../bulk/import-report.ts';
import {
  checkFile,
  type ImportProgress,
  type ImportRequest,
  type ImportResult,
  importFile,
} from '../bulk/importing.ts';
import { showProgress } from '../bulk/progress.ts';
import { openHotInventory } from '../hotpath/hot-inventory.ts';
import { openLedger } from '../ledger/ledger.ts';
import { findStores } from './stores.ts';

async function main(): Promise<number> {
  const call = readImportCall(process.argv.slice(2));
  if (call === 'help') {
    console.log(IMPORT_HELP);
    return 0;
  }
  const signal = stopOnSignals();
  const file = await openBulkFile(call.path, process.stdin);
  const request: ImportRequest = { ...call, file, signal };
  const progress: ImportProgress = { outcomes: undefined, retry: undefined, ledgerBehind: undefined };
  const endProgress = showProgress(process.stderr, () => lookAt(file, progress));
  const result = await (call.isDryRun ? checkFile(request, progress) : importInto(request, progress)).finally(
    endProgress,
  );
  if (call.isJson) console.log(JSON.stringify(account(result), undefined, 2));
  else console.log(accountText(request, result, call.isDryRun));
  return exitCode(result);
}

async function importInto(request: ImportRequest, progress: ImportProgress): Promise<ImportResult> {
  const { stores, config } = await findStores();
  const { ack, replicas, durability, redisTimeoutMs, tombstoneMs, backlogEventsMax } = config;
  const ledger = await openLedger({ databaseUrl: stores.databaseUrl, applicationName: 'holdfast-import' });
  try {
    const hot = await openHotInventory({
      redisUrl: stores.redisUrl,
      prefix: stores.prefix,
      keepsAcknowledgements: true,
      ack,
      replicas,
      durability,
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
