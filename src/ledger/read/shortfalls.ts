/**
 * Shortfalls: payments that came too late and found no stock, for the people who resolve them (refund, another item).
 * Promises: one is resolved once, and the first resolution counts; a later payment that finds stock resolves it too.
 */
import { type Kysely, type Selectable, sql } from 'kysely';
import { decodeLines } from '../../domain/language.ts';
import type { LedgerSchema, ShortfallsTable } from '../schema.ts';
import type { ShortfallWrite } from '../write/documents.ts';
import { members } from './members.ts';
import { byId, type PageQuery, pageOf, pageRows } from './pages.ts';

/** A shortfall and its resolution. */
export interface Shortfall extends ShortfallWrite {
  readonly id: number;
  readonly resolvedAtMs: number | undefined;
  readonly resolvedBy: string | undefined;
  /** What was done about it, in a sentence. */
  readonly resolution: string | undefined;
}
export interface ShortfallsQuery extends PageQuery {
  /** Leaves out what has been resolved. */
  readonly openOnly?: boolean | undefined;
}
export interface ShortfallsPage {
  readonly shortfalls: readonly Shortfall[];
  readonly next: number | null;
}
/** What a person did about a shortfall. */
export interface ShortfallResolution {
  readonly orderId: string;
  readonly resolution: string;
  readonly actor: string;
}

/** Reads and resolves shortfalls. */
export class Shortfalls {
  readonly #db: Kysely<LedgerSchema>;

  constructor(db: Kysely<LedgerSchema>) {
    this.#db = db;
  }

  /** Shortfalls, newest first. */
  async page(query: ShortfallsQuery): Promise<ShortfallsPage> {
    const limit = pageRows(query.limit);
    let select = this.#db.selectFrom('shortfalls').selectAll();
    if (query.openOnly) select = select.where('resolved_at', 'is', null);
    if (query.after !== undefined) select = select.where('id', '<', query.after);
    const rows = await select
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    const { shown: shortfalls, next } = pageOf(rows, limit, byId, readShortfall);
    return { shortfalls, next };
  }

  /**
   * Resolves the open case of an order.
   * @returns the last case of the order, by whomever it was resolved, and whether by this call; undefined where it has none
   */
  async resolve({
    orderId,
    resolution,
    actor,
  }: ShortfallResolution): Promise<
    { readonly shortfall: Shortfall; readonly isResolvedNow: boolean } | undefined
  > {
    const resolved = await this.#db
      .updateTable('shortfalls')
      .set({ resolution, resolved_by: actor, resolved_at: sql<string>`now()` })
      .where('order_id', '=', orderId)
      .where('resolved_at', 'is', null)
      .returningAll()
      .executeTakeFirst();
    if (resolved) return { shortfall: readShortfall(resolved), isResolvedNow: true };
    const row = await this.#db
      .selectFrom('shortfalls')
      .selectAll()
      .where('order_id', '=', orderId)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row && { shortfall: readShortfall(row), isResolvedNow: false };
  }
}

function readShortfall(row: Selectable<ShortfallsTable>): Shortfall {
  return { ...members(row), lines: decodeLines(row.lines) };
}
