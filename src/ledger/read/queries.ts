/**
 * Queries of the ledger itself: entries, items, holds, and what was found wrong. Nothing here writes.
 * Promises: pages by key, so that a later page costs no more than the first, and new entries shift nothing.
 */
import { type Kysely, sql } from 'kysely';
import { type EventType, lineStart, STOCKTAKE_LINES_MAX } from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import type { LedgerSchema } from '../schema.ts';
import type { DriftKind } from '../write/chunk.ts';
import { readReservation } from '../write/reservation-rows.ts';
import { type LedgerEntry, readEntry } from './ledger-entry.ts';
import { members } from './members.ts';
import { byId, type PageQuery, pageOf, pageRows } from './pages.ts';
import { type ItemName, type LedgerItem, readItem } from './worker-queries.ts';

/** Which entries; what is left out does not narrow them down. */
export interface EntriesQuery extends PageQuery {
  readonly sku?: string | undefined;
  readonly warehouse?: string | undefined;
  readonly orderId?: string | undefined;
  readonly movementId?: string | undefined;
  readonly transferId?: string | undefined;
  readonly stocktakeId?: string | undefined;
  readonly type?: EventType | undefined;
}

/** `next` is the `after` of the following page; null on the last one. */
export interface EntriesPage {
  readonly entries: readonly LedgerEntry[];
  readonly next: number | null;
}

/** The four counters of an item right after one of its versions. */
export interface Figures {
  readonly version: number;
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  readonly atMs: number;
}

/** Something that hot path and ledger disagree about. */
export interface Drift {
  readonly id: number;
  readonly kind: DriftKind;
  readonly sku: string | undefined;
  readonly warehouse: string | undefined;
  readonly orderId: string | undefined;
  readonly detail: string;
  readonly evidence: unknown;
  readonly partition: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly foundAtMs: number;
  readonly resolvedAtMs: number | undefined;
}

/** What one order holds of an item. */
export interface OpenHold {
  readonly orderId: string;
  readonly quantity: number;
  readonly reservedAtMs: number;
  readonly expiresAtMs: number;
}

/** Reads of the tables that follow from events alone. */
export class LedgerQueries {
  readonly #db: Kysely<LedgerSchema>;

  constructor(db: Kysely<LedgerSchema>) {
    this.#db = db;
  }

  /** Entries, newest first; those of one item in the order of its versions. */
  async entries(query: EntriesQuery): Promise<EntriesPage> {
    const { sku, warehouse, orderId, movementId, transferId, stocktakeId, type, after } = query;
    const limit = pageRows(query.limit);
    let select = this.#db.selectFrom('ledger_entries').selectAll();
    if (sku !== undefined) select = select.where('sku', '=', sku);
    if (warehouse !== undefined) select = select.where('warehouse', '=', warehouse);
    if (orderId !== undefined) select = select.where('order_id', '=', orderId);
    if (movementId !== undefined) select = select.where('movement_id', '=', movementId);
    if (transferId !== undefined) select = select.where('transfer_id', '=', transferId);
    if (stocktakeId !== undefined) select = select.where('stocktake_id', '=', stocktakeId);
    // Spelled in the statement and not a parameter: only then does Postgres use the partial index of alerts.
    if (type !== undefined) select = select.where(sql<boolean>`type = ${sql.lit(type)}::event_type`);
    if (after !== undefined) select = select.where('id', '<', after);
    if (sku !== undefined && warehouse !== undefined) {
      // The index by version serves an item's pages: ids only grow with versions, so the order is the same.
      if (after !== undefined) {
        const version = sql<number>`coalesce((SELECT max(version) FROM ledger
          WHERE id = ${after} AND sku = ${sku} AND warehouse = ${warehouse}), 9223372036854775807)`;
        select = select.where('version', '<=', version);
      }
      select = select.orderBy('version', 'desc');
    } else {
      select = select.orderBy('id', 'desc');
    }
    const rows = await select.limit(limit + 1).execute();
    const { shown: entries, next } = pageOf(rows, limit, byId, readEntry);
    return { entries, next };
  }

  /** Undefined where the ledger has no such item. */
  async item(sku: string, warehouse: string): Promise<LedgerItem | undefined> {
    const row = await this.#db
      .selectFrom('items')
      .selectAll()
      .where('sku', '=', sku)
      .where('warehouse', '=', warehouse)
      .executeTakeFirst();
    return row && readItem(row);
  }

  /** Items in the order of SKU and warehouse, those after `after`. */
  async items(after: ItemName | undefined, limit: number): Promise<LedgerItem[]> {
    let select = this.#db.selectFrom('items').selectAll();
    if (after) {
      select = select.where(sql<boolean>`(sku, warehouse) > (${after.sku}, ${after.warehouse})`);
    }
    const rows = await select.orderBy('sku').orderBy('warehouse').limit(pageRows(limit)).execute();
    return rows.map(readItem);
  }

  /** Undefined where the ledger has no such version (yet). */
  async itemAtVersion(sku: string, warehouse: string, version: number): Promise<Figures | undefined> {
    const row = await this.#db
      .selectFrom('ledger_entries')
      .select(['total_after', 'available_after', 'reserved_after', 'sold_after', 'at'])
      .where('sku', '=', sku)
      .where('warehouse', '=', warehouse)
      .where('version', '=', version)
      .executeTakeFirst();
    return (
      row && {
        version,
        total: row.total_after,
        available: row.available_after,
        reserved: row.reserved_after,
        sold: row.sold_after,
        atMs: row.at,
      }
    );
  }

  /** Undefined where the ledger has no such order. */
  async reservation(orderId: string): Promise<Reservation | undefined> {
    const row = await this.#db
      .selectFrom('reservations')
      .selectAll()
      .where('order_id', '=', orderId)
      .executeTakeFirst();
    return row && readReservation(row);
  }

  /** The open holds of an item in the order of order ids, those after `after`. */
  async openHolds(
    sku: string,
    warehouse: string,
    after: string | undefined,
    limit: number,
  ): Promise<OpenHold[]> {
    const rows = await this.#db
      .selectFrom('open_holds')
      .select(['order_id', 'quantity', 'reserved_at', 'expires_at'])
      .where('sku', '=', sku)
      .where('warehouse', '=', warehouse)
      .$if(after !== undefined, (select) => select.where('order_id', '>', after ?? ''))
      .orderBy('order_id')
      .limit(pageRows(limit))
      .execute();
    return rows.map(members);
  }

  /** Orders that hold an item, the newest first: in this order a count that is short of goods releases them (BR-007). */
  async newestHolds(sku: string, warehouse: string, limit: number): Promise<string[]> {
    // The text of the lines is searched first, because splitting it costs five times more.
    const rows = await this.#db
      .selectFrom('reservations')
      .select('order_id')
      .where(sql<boolean>`status = 'ACTIVE'`)
      .where(sql<boolean>`strpos(lines, ${lineStart({ sku, warehouse })}) > 0`)
      .where(
        sql<boolean>`EXISTS (SELECT FROM order_lines(lines) AS l WHERE l.sku = ${sku} AND l.warehouse = ${warehouse})`,
      )
      .orderBy('reserved_at', 'desc')
      .orderBy('order_id', 'desc')
      .limit(pageRows(limit))
      .execute();
    return rows.map((row) => row.order_id);
  }

  /** SKUs of a warehouse in the order of ids, those after `after`; at most one more than fit on a count sheet. */
  async skusOf(warehouse: string, limit: number, after = ''): Promise<string[]> {
    if (!(limit >= 1 && limit <= STOCKTAKE_LINES_MAX + 1)) {
      throw new RangeError(`give 1 to ${STOCKTAKE_LINES_MAX + 1} SKUs as the limit, not ${limit}`);
    }
    const select = this.#db.selectFrom('items').select('sku').where('warehouse', '=', warehouse);
    const rows = await select.where('sku', '>', after).orderBy('sku').limit(limit).execute();
    return rows.map((row) => row.sku);
  }

  /** What was found wrong, newest first; `openOnly` leaves out what has been resolved. */
  async drifts(query: {
    readonly openOnly?: boolean;
    readonly after?: number | undefined;
    readonly limit: number;
  }): Promise<Drift[]> {
    let select = this.#db.selectFrom('drift').selectAll();
    if (query.openOnly) select = select.where('resolved_at', 'is', null);
    if (query.after !== undefined) select = select.where('id', '<', query.after);
    const rows = await select.orderBy('id', 'desc').limit(pageRows(query.limit)).execute();
    return rows.map(members);
  }

  /** Parked events of an item in quarantine, oldest first, those after `after`. */
  async parkedEvents(sku: string, warehouse: string, after: number, limit: number) {
    return this.#db
      .selectFrom('parked_events')
      .select(['id', 'version', 'epoch', 'sequence', 'event'])
      .where('sku', '=', sku)
      .where('warehouse', '=', warehouse)
      .where('id', '>', after)
      .where('settled_at', 'is', null)
      .orderBy('id')
      .limit(pageRows(limit))
      .execute();
  }
}
