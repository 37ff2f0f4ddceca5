/**
 * Runs an import, whatever its rows are: pages of records in, rows sent with a limit on those under way, outcomes out in
 * the order of the rows. Promises: a bad row is reported and the others go on; memory does not grow with the file.
 * Refuses to know: what a row does.
 */
import type { Issue } from '../domain/inputs/declare.ts';
import type { Outcomes, RowOutcome } from './outcomes.ts';
import type { BulkRecord, Columns, Fields } from './records.ts';

/** What the rows of an import are, and what is done with each. */
export interface RowKind<Row extends object, Known> {
  readonly columns: Columns;
  /** The row of a record, or what is wrong with it. */
  read(fields: Fields, row: number): Row | readonly Issue[];
  /** Queries what must be known of a page's rows before they are sent. Runs while the page before is being sent. */
  lookUp(rows: readonly Row[]): Promise<Known>;
  /** Resolves when there is room for another page. */
  room(): Promise<void>;
  /** Does what the row says; repeated, it changes nothing (BR-006). */
  send(row: Row, known: Known): Promise<RowOutcome>;
}

export interface RunOptions {
  /** The most rows sent and not answered yet. */
  readonly underWayMax: number;
  /** More failures end the run: the file is wrong as a whole. */
  readonly rejectsMax: number;
  /** Ends the run after the rows under way. */
  readonly signal: AbortSignal;
}

/** Why a run ended. */
export type RunEnd = 'complete' | 'too-many-rejects' | 'stopped';

/** Sends every row. @throws what `send` throws; the rows before it are in `outcomes` */
export async function runImport<Row extends object, Known>(
  pages: AsyncIterable<readonly BulkRecord[]>,
  kind: RowKind<Row, Known>,
  outcomes: Outcomes,
  { underWayMax, rejectsMax, signal }: RunOptions,
): Promise<RunEnd> {
  const underWay: { record: BulkRecord; outcome: Promise<RowOutcome> }[] = [];
  const settle = async (countMax: number) => {
    while (underWay.length > countMax) {
      const { record, outcome } = underWay.shift() as (typeof underWay)[number];
      outcomes.add(record.row, await outcome);
    }
    await outcomes.settled();
  };
  let end: RunEnd = 'complete';
  let invalid = 0; // known before they are settled
  reading: for await (const { reads, known } of ahead(lookedUp(pages, kind))) {
    await kind.room();
    for (const { record, row, rejected } of reads) {
      if (signal.aborted) end = 'stopped';
      else if (invalid + outcomes.counts.refused > rejectsMax) end = 'too-many-rejects';
      if (end !== 'complete') break reading;
      if (rejected) invalid++;
      const outcome = row ? kind.send(row, known) : Promise.resolve(rejected as RowOutcome);
      // It is awaited in its turn; until then a failure must not count as unhandled.
      outcome.catch(() => {});
      underWay.push({ record, outcome });
      if (underWay.length >= underWayMax) await settle(underWayMax / 2);
    }
  }
  await settle(0);
  return end;
}

/** Reads the file to its end and sends nothing. */
export async function runDry<Row extends object>(
  pages: AsyncIterable<readonly BulkRecord[]>,
  kind: Pick<RowKind<Row, unknown>, 'read'>,
  outcomes: Outcomes,
  { rejectsMax, signal }: Pick<RunOptions, 'rejectsMax' | 'signal'>,
): Promise<RunEnd> {
  for await (const page of pages) {
    for (const record of page) {
      if (signal.aborted) return 'stopped';
      if (outcomes.failed > rejectsMax) return 'too-many-rejects';
      const { rejected = VALID } = readRecord(record, kind);
      outcomes.add(record.row, rejected);
    }
    await outcomes.settled();
  }
  return 'complete';
}

const VALID: RowOutcome = { outcome: 'done', detail: 'valid; nothing was sent' };

interface Read<Row> {
  readonly record: BulkRecord;
  /** Absent where the record is `rejected`. */
  readonly row?: Row;
  readonly rejected?: RowOutcome;
}

function readRecord<Row extends object>(
  record: BulkRecord,
  kind: Pick<RowKind<Row, unknown>, 'read'>,
): Read<Row> {
  const { fields, problem } = record;
  if (problem !== undefined) return { record, rejected: { outcome: 'invalid', detail: problem } };
  const row = kind.read(fields, record.row);
  return isIssues(row)
    ? { record, rejected: { outcome: 'invalid', detail: issuesText(row, fields) } }
    : { record, row };
}

function isIssues(row: object): row is readonly Issue[] {
  return Array.isArray(row);
}

const VALUE_LETTERS_SHOWN = 40;

function issuesText(issues: readonly Issue[], fields: Fields): string {
  return issues
    .map(({ path, message }) => {
      if (!(path in fields)) return `${path}: ${message}`;
      return `${path}: ${message}, not ${JSON.stringify(fields[path]).slice(0, VALUE_LETTERS_SHOWN)}`;
    })
    .join('; ');
}

async function* lookedUp<Row extends object, Known>(
  pages: AsyncIterable<readonly BulkRecord[]>,
  kind: RowKind<Row, Known>,
) {
  for await (const page of pages) {
    const reads = page.map((record) => readRecord(record, kind));
    const known = await kind.lookUp(reads.flatMap(({ row }) => (row ? [row] : [])));
    yield { reads, known };
  }
}

/** The next page is made while the one before is in use. */
async function* ahead<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  const take = () => {
    const next = source.next();
    next.catch(() => {}); // awaited in its turn
    return next;
  };
  try {
    for (let next = take(); ; ) {
      const { done, value } = await next;
      if (done) return;
      next = take();
      yield value;
    }
  } finally {
    await source.return(undefined);
  }
}
