/**
 * An import from its file to the ledger. Promises: it ends with a report of every row it read, whatever ended it; it may be
 * run again at any time and then does what is missing.
 */
import type { HotInventory } from '../hotpath/hot-inventory.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { BulkFile } from './bulk-file.ts';
import { csvRecords } from './csv-records.ts';
import { ImportRetry } from './import-retry.ts';
import { type RowKind, type RunEnd, runDry, runImport } from './import-run.ts';
import { ndjsonRecords } from './ndjson-records.ts';
import { Outcomes } from './outcomes.ts';
import type { BulkFormat, Columns } from './records.ts';
import { StockImport } from './stock-import.ts';
import { readStockRow, STOCK_COLUMNS } from './stock-rows.ts';
import { WarehouseImport } from './warehouse-import.ts';
import { readWarehouseRow, WAREHOUSE_COLUMNS } from './warehouse-rows.ts';

export const IMPORTS = ['stock', 'warehouses'] as const;

export interface ImportRequest {
  readonly what: (typeof IMPORTS)[number];
  readonly file: BulkFile;
  readonly format: BulkFormat;
  /** Names the movements of rows without an id of their own. Default: from the file's content. */
  readonly name?: string | undefined;
  /** Where the outcome of each row goes. */
  readonly resultsPath?: string | undefined;
  readonly rejectsMax: number;
  /** Whether it waits until the ledger has everything. */
  readonly isLedgerAwaited: boolean;
  /** Ends it after the rows under way. */
  readonly signal: AbortSignal;
  /** How long an outage without any progress may last; default two minutes. */
  readonly giveUpAfterMs?: number | undefined;
}

export interface ImportStores {
  readonly hot: HotInventory;
  readonly ledger: Ledger;
  /** The limit of the system, beyond which nothing new is taken (D13). */
  readonly backlogEventsMax: number;
}

/** How far an import is, for whoever shows it. */
export interface ImportProgress {
  outcomes: Outcomes | undefined;
  retry: ImportRetry | undefined;
  /** Batches that the ledger still lacks, once all rows are decided. */
  ledgerBehind: number | undefined;
}

export interface ImportResult {
  readonly name: string | undefined;
  readonly outcomes: Outcomes;
  /** `reopened`: the partition was opened anew meanwhile; what was not in the ledger by then may be missing. */
  readonly end: RunEnd | 'reopened' | 'failed';
  /** Of `failed`. */
  readonly error?: unknown;
  readonly seconds: number;
}

/** Some batches of the engine: enough that it never waits for the file. */
const UNDER_WAY_MAX: Record<ImportRequest['what'], number> = { stock: 1_024, warehouses: 16 };
/** Some two seconds of the worker; the rest of the backlog's limit is for the sales. */
const BACKLOG_EVENTS_MAX = 50_000;
const BACKLOG_PART_MAX = 0.25;

/** The ledger is past these places already, so it answers at once. */
const PLACE_MS_MAX = 1_000;

/** Imports a file. @throws where nothing could start: the results cannot be written, or a name is needed */
export async function importFile(
  request: ImportRequest,
  { hot, ledger, backlogEventsMax }: ImportStores,
  progress: ImportProgress,
): Promise<ImportResult> {
  const { what, file, rejectsMax, isLedgerAwaited } = request;
  const startedMs = performance.now();
  const ending = new AbortController();
  const signal = AbortSignal.any([request.signal, ending.signal]);
  const retry = new ImportRetry(signal, request.giveUpAfterMs);
  const name = what === 'stock' ? (request.name ?? `import-${await file.digest()}`) : undefined;
  const outcomes = await Outcomes.open(request.resultsPath);
  Object.assign(progress, { outcomes, retry });
  const result = (end: ImportResult['end'], error?: unknown): ImportResult => {
    const seconds = (performance.now() - startedMs) / 1_000;
    return { name, outcomes, end, error, seconds };
  };
  const run = async <Row extends object, Known>(kind: RowKind<Row, Known>): Promise<ImportResult> => {
    const { nonce } = await retry.query(() => hot.sweep(0));
    const limits = { underWayMax: UNDER_WAY_MAX[what], rejectsMax, signal };
    const end = await runImport(recordsOf(request, kind.columns), kind, outcomes, limits);
    if (isLedgerAwaited) await awaitLedger();
    const isWhole = hot.head?.nonce === nonce || (isLedgerAwaited && (await hasAllAcknowledged()));
    return result(isWhole ? end : 'reopened');
  };
  try {
    if (what === 'warehouses') return await run(new WarehouseImport({ places: hot.places, ledger, retry }));
    const limit = Math.min(BACKLOG_EVENTS_MAX, Math.ceil(backlogEventsMax * BACKLOG_PART_MAX));
    return await run(
      new StockImport({ hot, ledger, retry, importName: name ?? '', backlogEventsMax: limit }),
    );
  } catch (error) {
    return request.signal.aborted ? result('stopped') : result('failed', error);
  } finally {
    ending.abort();
    await outcomes.close();
  }

  /** Whether the ledger's history has everything that this process was answered in epochs that ended meanwhile. */
  async function hasAllAcknowledged(): Promise<boolean> {
    if (!hot.acknowledgements || hot.acknowledgements.dropped > 0) return false;
    // Where it has the last answer of an epoch, it has those before.
    const last = new Map(hot.acknowledgements.unsettled.map((batch) => [batch.epoch.nonce, batch]));
    for (const { epoch, sequence, link } of last.values()) {
      const place = { epoch: epoch.number, nonce: epoch.nonce, sequence, link };
      const isThere = await retry.query(() =>
        ledger.waitForSequence(hot.keys.partition, place, PLACE_MS_MAX),
      );
      if (!isThere) return false;
    }
    return true;
  }

  /** Resolves when the ledger has all that was decided. */
  async function awaitLedger(): Promise<void> {
    let place = await retry.query(() => hot.sweep(0));
    for (let behind = Number.POSITIVE_INFINITY; ; ) {
      const cursor = await retry.query(() => ledger.cursor(hot.keys.partition));
      // A worker has opened another epoch: what counts is where that one is.
      if (cursor?.nonce !== place.nonce) place = await retry.query(() => hot.sweep(0));
      const before = behind;
      behind = place.sequence - (cursor?.sequence ?? 0);
      if (behind <= 0 && cursor?.nonce === place.nonce) return;
      if (behind < before) retry.progressed();
      progress.ledgerBehind = behind;
      await retry.wait(`the ledger is ${behind} batches behind: is a worker running?`);
    }
  }
}

/** Reads and checks every row without any store. @throws where the results cannot be written */
export async function checkFile(request: ImportRequest, progress: ImportProgress): Promise<ImportResult> {
  const startedMs = performance.now();
  const outcomes = await Outcomes.open(request.resultsPath);
  progress.outcomes = outcomes;
  let end: ImportResult['end'] = 'failed';
  let failure: unknown;
  try {
    end =
      request.what === 'stock'
        ? await runDry(
            recordsOf(request, STOCK_COLUMNS),
            { read: (fields) => readStockRow(fields, 'dry-run') },
            outcomes,
            request,
          )
        : await runDry(recordsOf(request, WAREHOUSE_COLUMNS), { read: readWarehouseRow }, outcomes, request);
  } catch (error) {
    failure = error;
  } finally {
    await outcomes.close();
  }
  return { name: undefined, outcomes, end, error: failure, seconds: (performance.now() - startedMs) / 1_000 };
}

function recordsOf({ file, format }: ImportRequest, columns: Columns) {
  return format === 'csv' ? csvRecords(file.bytes(), columns) : ndjsonRecords(file.bytes(), columns);
}
