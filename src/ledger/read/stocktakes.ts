/**
 * Count sheets as they stand and stood (BR-007): how far each is, and its lines. A sheet is the sum of its lines.
 * Promises: pages by key, in the order of names.
 */
import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely';
import type pg from 'pg';
import type { LedgerSchema, StocktakeLinesTable } from '../schema.ts';
import type { StocktakeDocument } from '../write/documents.ts';
import type { ItemName } from '../write/worker-queries.ts';
import { PAGE_ROWS_MAX, pageRows } from './queries.ts';
import { streamRows } from './row-stream.ts';

/** A sheet at a glance. */
export interface StocktakeSheet {
  readonly stocktakeId: string;
  readonly startedAtMs: number;
  /** Of the first line. */
  readonly startedBy: string;
  readonly lines: number;
  /** Of {@link lines}: still locked and to be counted. */
  readonly counting: number;
  readonly counted: number;
  readonly cancelled: number;
  readonly lapsed: number;
  /** Counted units less those in the books, over the lines counted. */
  readonly difference: number;
}
export interface SheetsQuery {
  /** Only those with a line still to be counted. */
  readonly openOnly?: boolean | undefined;
  /** The `next` of the page before: a sheet's name. */
  readonly after?: string | undefined;
  readonly limit: number;
}
export interface SheetsPage {
  readonly stocktakes: readonly StocktakeSheet[];
  readonly next: string | null;
}
export interface SheetLinesPage {
  readonly lines: readonly StocktakeDocument[];
  readonly next: ItemName | null;
}

interface SheetRow {
  stocktake_id: string;
  started_at: number;
  started_by: string;
  lines: number;
  counting: number;
  counted: number;
  cancelled: number;
  lapsed: number;
  difference: number;
}

const SHEET = sql`stocktake_id, min(started_at) AS started_at, (array_agg(started_by ORDER BY started_at))[1] AS started_by,
  count(*) AS lines, count(*) FILTER (WHERE status = 'COUNTING') AS counting,
  count(*) FILTER (WHERE status = 'COUNTED') AS counted, count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled,
  count(*) FILTER (WHERE status = 'LAPSED') AS lapsed, coalesce(sum(counted - total_before), 0) AS difference`;

export class Stocktakes {
  readonly #db: Kysely<LedgerSchema>;

  constructor(db: Kysely<LedgerSchema>) {
    this.#db = db;
  }

  /** Sheets in the order of their names. */
  async sheets(query: SheetsQuery): Promise<SheetsPage> {
    const limit = pageRows(query.limit);
    const { openOnly = false, after = '' } = query;
    // As text in the statement, for only so does Postgres see that the index of open lines serves it.
    const isWanted = openOnly ? sql`status = 'COUNTING'` : sql`true`;
    const nameAfter = (name: RawBuilder<unknown>) => sql`(SELECT l.stocktake_id FROM stocktake_lines AS l
      WHERE l.stocktake_id > ${name} AND ${isWanted} ORDER BY l.stocktake_id LIMIT 1)`;
    // The names of one page first, each found once in the index, and then their lines.
    const { rows } = await sql<SheetRow>`
      WITH RECURSIVE named AS (
        SELECT ${nameAfter(sql`${after}`)} AS stocktake_id, 1 AS n
        UNION ALL
        SELECT ${nameAfter(sql`named.stocktake_id`)}, n + 1 FROM named WHERE stocktake_id IS NOT NULL AND n <= ${limit}::int)
      SELECT ${SHEET} FROM stocktake_lines WHERE stocktake_id IN (SELECT stocktake_id FROM named)
      GROUP BY stocktake_id ORDER BY stocktake_id`.execute(this.#db);
    const stocktakes = rows.slice(0, limit).map(readSheet);
    return { stocktakes, next: rows.length > limit ? (stocktakes.at(-1)?.stocktakeId ?? null) : null };
  }

  /** Undefined where the ledger knows no line of it. */
  async sheet(stocktakeId: string): Promise<StocktakeSheet | undefined> {
    const { rows } = await sql<SheetRow>`
      SELECT ${SHEET} FROM stocktake_lines WHERE stocktake_id = ${stocktakeId} GROUP BY stocktake_id`.execute(
      this.#db,
    );
    return rows[0] && readSheet(rows[0]);
  }

  /** Its lines in the order of SKU and warehouse, behind `after`. */
  async lines(stocktakeId: string, after: ItemName | undefined, limit: number): Promise<SheetLinesPage> {
    let select = this.#db.selectFrom('stocktake_lines').selectAll().where('stocktake_id', '=', stocktakeId);
    if (after) select = select.where(sql<boolean>`(sku, warehouse) > (${after.sku}, ${after.warehouse})`);
    const rows = await select
      .orderBy('sku')
      .orderBy('warehouse')
      .limit(pageRows(limit) + 1)
      .execute();
    const lines = rows.slice(0, limit).map(readStocktakeLine);
    const last = lines.at(-1);
    const next = rows.length > limit && last ? { sku: last.sku, warehouse: last.warehouse } : null;
    return { lines, next };
  }

  /** All lines of a sheet, in the order of SKU and warehouse: a few pages, for a sheet has a bounded number of them. */
  async allLines(stocktakeId: string): Promise<StocktakeDocument[]> {
    const lines: StocktakeDocument[] = [];
    let after: ItemName | undefined;
    do {
      const page = await this.lines(stocktakeId, after, PAGE_ROWS_MAX);
      lines.push(...page.lines);
      after = page.next ?? undefined;
    } while (after);
    return lines;
  }
}

/** A line of a sheet, and when any line of the sheet changed last. */
export interface SheetLine {
  readonly line: StocktakeDocument;
  readonly sheetChangedMs: number;
}

type SheetLineRow = Selectable<StocktakeLinesTable> & { readonly changed_at: number };

/** All lines of sheets that have an open line or changed at this time or later, in pages, for a rebuild. */
export async function* sheetLinesSince(pool: pg.Pool, atMs: number): AsyncGenerator<SheetLine[]> {
  const query = `SELECT *, max(greatest(started_at, ended_at)) OVER (PARTITION BY stocktake_id) AS changed_at
    FROM stocktake_lines WHERE stocktake_id IN (SELECT stocktake_id FROM stocktake_lines
      WHERE status = 'COUNTING' OR greatest(started_at, ended_at) >= to_timestamp($1))`;
  for await (const rows of streamRows<SheetLineRow>(pool, query, [atMs / 1_000])) {
    yield rows.map((row) => ({ line: readStocktakeLine(row), sheetChangedMs: row.changed_at }));
  }
}

function readSheet(row: SheetRow): StocktakeSheet {
  return {
    stocktakeId: row.stocktake_id,
    startedAtMs: row.started_at,
    startedBy: row.started_by,
    lines: row.lines,
    counting: row.counting,
    counted: row.counted,
    cancelled: row.cancelled,
    lapsed: row.lapsed,
    difference: row.difference,
  };
}

function readStocktakeLine(row: Selectable<StocktakeLinesTable>): StocktakeDocument {
  return {
    stocktakeId: row.stocktake_id,
    sku: row.sku,
    warehouse: row.warehouse,
    status: row.status,
    untilMs: row.until_at,
    before: row.total_before,
    counted: row.counted ?? undefined,
    reason: row.reason ?? '',
    startedBy: row.started_by,
    startedAtMs: row.started_at,
    endedBy: row.ended_by ?? undefined,
    endedAtMs: row.ended_at ?? undefined,
  };
}
