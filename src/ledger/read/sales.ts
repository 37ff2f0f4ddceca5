/**
 * Flash sales: how they were scheduled, and their figures as the ledger knows them. The live figures are in the hot path;
 * a rebuild fills it with these, and an audit compares it with them.
 * Promises: each unit of an order counts once, where it is now: held, sold, released or expired.
 */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { LedgerSchema, SalesTable } from '../schema.ts';
import type { SaleDocument } from '../write/documents.ts';
import { members } from './members.ts';
import { byId, type PageQuery, pageOf, pageRows } from './pages.ts';

export interface SalesQuery extends PageQuery {
  readonly sku?: string | undefined;
}
export interface SalesPage {
  readonly sales: readonly SaleDocument[];
  readonly next: number | null;
}

/** Units of the orders of a sale, by what became of them. */
export interface SaleFigures {
  readonly held: number;
  readonly sold: number;
  readonly released: number;
  readonly expired: number;
}

const EVER = { epoch: 2_147_483_647, sequence: Number.MAX_SAFE_INTEGER };

/** Reads of flash sales. */
export class Sales {
  readonly #db: Kysely<LedgerSchema>;

  constructor(db: Kysely<LedgerSchema>) {
    this.#db = db;
  }

  /** Sales, those scheduled last first. */
  async page(query: SalesQuery): Promise<SalesPage> {
    const limit = pageRows(query.limit);
    let select = this.#db.selectFrom('sales').selectAll();
    if (query.sku !== undefined) select = select.where('sku', '=', query.sku);
    if (query.after !== undefined) select = select.where('id', '<', query.after);
    const rows = await select
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    const { shown: sales, next } = pageOf(rows, limit, byId, readSale);
    return { sales, next };
  }

  /** Undefined where there is no such sale. */
  async one(saleId: string): Promise<SaleDocument | undefined> {
    const select = this.#db.selectFrom('sales').selectAll().where('sale_id', '=', saleId);
    const row = await select.executeTakeFirst();
    return row && readSale(row);
  }

  /** All sales scheduled to close at this time or later, those closed before their time included. */
  async closingSince(atMs: number): Promise<SaleDocument[]> {
    const rows = await this.#db
      .selectFrom('sales')
      .selectAll()
      .where(sql<boolean>`closes_at >= to_timestamp(${atMs / 1_000})`)
      .execute();
    return rows.map(readSale);
  }

  /**
   * The figures of a sale from the entries of its orders: exact, and as slow as the sale was large.
   * Of an order id that was used again only the last reservation counts.
   * @param upTo the last batch that counts; left out: all that the ledger has
   */
  async figures(
    sale: SaleDocument,
    upTo: { readonly epoch: number; readonly sequence: number } = EVER,
  ): Promise<SaleFigures> {
    const { rows } = await sql<SaleFigures>`
      SELECT ${units('InventoryReserved')} - ${units('InventoryDeducted')} - ${units('InventoryReleased')} AS held,
        ${units('InventoryDeducted')} + ${units('InventoryReacquired')} AS sold,
        coalesce(sum(l.quantity) FILTER (WHERE l.type = 'InventoryReleased' AND l.cause <> 'expired'), 0) AS released,
        coalesce(sum(l.quantity) FILTER (WHERE l.type = 'InventoryReleased' AND l.cause = 'expired'), 0)
          - ${units('InventoryReacquired')} AS expired
      FROM reservations AS r JOIN ledger AS l ON l.order_id = r.order_id AND l.sku = ${sale.sku} AND l.at >= r.reserved_at
        AND l.type IN ('InventoryReserved', 'InventoryDeducted', 'InventoryReleased', 'InventoryReacquired')
        AND (l.epoch, l.sequence) <= (${upTo.epoch}::int, ${upTo.sequence}::bigint)
      WHERE r.sale_id = ${sale.saleId} AND r.reserved_at >= to_timestamp(${sale.scheduledAtMs / 1_000})`.execute(
      this.#db,
    );
    return rows[0] as SaleFigures;
  }

  /** Units of the sale that open orders hold. */
  async held(sale: SaleDocument): Promise<number> {
    const { rows } = await sql<{ held: number }>`
      SELECT coalesce(sum(quantity), 0) AS held FROM reservations, order_lines(lines)
      WHERE sale_id = ${sale.saleId} AND status = 'ACTIVE' AND sku = ${sale.sku}`.execute(this.#db);
    return rows[0]?.held ?? 0;
  }
}

function units(type: string) {
  return sql`coalesce(sum(l.quantity) FILTER (WHERE l.type = ${sql.lit(type)}), 0)`;
}

function readSale(row: Selectable<SalesTable>): SaleDocument {
  const { id, ...sale } = members(row);
  return sale;
}
