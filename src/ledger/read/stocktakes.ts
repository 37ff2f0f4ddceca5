/**
 * Count sheets (BR-007), open and ended: how far each is, and its lines. A sheet is the sum of its lines.
 * Promises: pages by key, in the order of ids.
 */
import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely';
import type { LedgerSchema, StocktakeLinesTable } from '../schema.ts';
import type { StocktakeDocument } from '../write/documents.ts';
import { members, type RowOf } from './members.ts';
import { PAGE_ROWS_MAX, pageOf, pageRows } from './pages.ts';
import type { ItemName } from './worker-queries.ts';

/** Progress of a sheet. */
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
  /** Counted units less those recorded, over the lines counted. */
  readonly difference: number;
}
export interface SheetsQuery {
  /** Only those with a line still to be counted. */
  readonly openOnly?: boolean | undefined;
  /** The `next` of the page before: the id of a sheet. */
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

type SheetRow = RowOf<StocktakeSheet>;

const SHEET = sql`stocktake_id, min(started_at) AS started_at, (array_agg(started_by ORDER BY started_at))[1] AS started_by,
  count(*) AS lines, count(*) FILTER (WHERE status = 'COUNTING') AS counting,
  count(*) FILTER (WHERE status = 'COUNTED') AS counted, count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled,
  count(*) FILTER (WHERE status = 'LAPSED') AS lapsed, coalesce(sum(counted - total_before), 0) AS difference`;

/** Reads count sheets. */
export class Stocktakes {
  readonly #db: Kysely<LedgerSchema>;

  constructor(db: Kysely<LedgerSchema>) {
    this.#db = db;
  }

  /** Sheets in the order of their ids. */
  async sheets(query: SheetsQuery): Promise<SheetsPage> {
    const limit = pageRows(query.limit);
    const { openOnly = false, after = '' } = query;
    // Spelled in the statement and not a parameter: only then does Postgres use the partial index of open lines.
    const isWanted = openOnly ? sql`status = 'COUNTING'` : sql`true`;
    const nameAfter = (name: RawBuilder<unknown>) => sql`(SELECT l.stocktake_id FROM stocktake_lines AS l
      WHERE l.stocktake_id > ${name} AND ${isWanted} ORDER BY l.stocktake_id LIMIT 1)`;
    // First the ids of one page, each found once in the index, and then their lines.
    const { rows } = await sql<SheetRow>`
      WITH RECURSIVE named AS (
        SELECT ${nameAfter(sql`${after}`)} AS stocktake_id, 1 AS n
        UNION ALL
        SELECT ${nameAfter(sql`named.stocktake_id`)}, n + 1 FROM named WHERE stocktake_id IS NOT NULL AND n <= ${limit}::int)
      SELECT ${SHEET} FROM stocktake_lines WHERE stocktake_id IN (SELECT stocktake_id FROM named)
      GROUP BY stocktake_id ORDER BY stocktake_id`.execute(this.#db);
    const { shown: stocktakes, next } = pageOf(rows, limit, (row) => row.stocktake_id, members<SheetRow>);
    return { stocktakes, next };
  }

  /** One sheet; undefined where the ledger has no line of it. */
  async sheet(stocktakeId: string): Promise<StocktakeSheet | undefined> {
    const { rows } = await sql<SheetRow>`
      SELECT ${SHEET} FROM stocktake_lines WHERE stocktake_id = ${stocktakeId} GROUP BY stocktake_id`.execute(
      this.#db,
    );
    return rows[0] && members(rows[0]);
  }

  /** Lines of a sheet in the order of SKU and warehouse, those after `after`. */
  async lines(stocktakeId: string, after: ItemName | undefined, limit: number): Promise<SheetLinesPage> {
    let select = this.#db.selectFrom('stocktake_lines').selectAll().where('stocktake_id', '=', stocktakeId);
    if (after) select = select.where(sql<boolean>`(sku, warehouse) > (${after.sku}, ${after.warehouse})`);
    const rows = await select
      .orderBy('sku')
      .orderBy('warehouse')
      .limit(pageRows(limit) + 1)
      .execute();
    const nameOf = ({ sku, warehouse }: ItemName) => ({ sku, warehouse });
    const { shown: lines, next } = pageOf(rows, limit, nameOf, readStocktakeLine);
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

/** Reads a row of `stocktake_lines`. */
export function readStocktakeLine(row: Selectable<StocktakeLinesTable>): StocktakeDocument {
  const { untilAtMs: untilMs, totalBefore: before, reason = '', ...line } = members(row);
  return { ...line, untilMs, before, reason };
}
