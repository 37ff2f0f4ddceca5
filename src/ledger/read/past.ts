/**
 * What a rebuild reads besides the items: everything that a later request may still refer to, in pages.
 * Promises: each generator yields the state of one instant; memory is bounded by its pages.
 */
import type { Selectable } from 'kysely';
import type pg from 'pg';
import type { EventType, MovementKind } from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import type { Queryable } from '../cursor.ts';
import type { LedgerEntriesView, StocktakeLinesTable, TransfersTable } from '../schema.ts';
import type { SaleDocument, StocktakeDocument, TransferDocument } from '../write/documents.ts';
import { type ReservationRow, readReservation } from '../write/reservation-rows.ts';
import { readPages } from './cursor-pages.ts';
import { type Counters, readEntry } from './ledger-entry.ts';
import { readStocktakeLine } from './stocktakes.ts';
import { readTransfer } from './transfers.ts';

/** A movement with its first answer, so that a repeat of it is still known as one (BR-006). */
export interface DoneMovement {
  readonly kind: MovementKind;
  readonly movementId: string;
  readonly sku: string;
  readonly warehouse: string;
  /** Units moved; of a correction the new total. */
  readonly quantity: number;
  readonly reason: string;
  readonly orderId: string | undefined;
  readonly atMs: number;
  /** The item's version when the movement was requested. */
  readonly versionBefore: number;
  /** The item's version and counters as the first answer showed them. */
  readonly version: number;
  readonly after: Counters;
  /** It brought the item under its safety stock, which is in {@link version} (BR-005). */
  readonly firedAlert: boolean;
}

/** A line of a count sheet, and when any line of the sheet changed last. */
export interface SheetLine {
  readonly line: StocktakeDocument;
  readonly sheetChangedMs: number;
}

/** What a customer holds and has bought in a sale. */
export interface CustomerQuota {
  readonly customerId: string;
  readonly held: number;
  readonly bought: number;
}

/** Reads in pages of any number; a time is in milliseconds since 1970. */
export class Past {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Holds that are ACTIVE, in no order. */
  openReservations(pageRowsMax?: number): AsyncGenerator<Reservation[]> {
    const query = `SELECT * FROM reservations WHERE status = 'ACTIVE'`;
    return readPages(this.#pool, query, [], (row: ReservationRow) => readReservation(row), pageRowsMax);
  }

  /** Reservations resolved at this time or later, in no order. */
  resolvedSince(atMs: number, pageRowsMax?: number): AsyncGenerator<Reservation[]> {
    const query = 'SELECT * FROM reservations WHERE resolved_at >= to_timestamp($1)';
    const read = (row: ReservationRow) => readReservation(row);
    return readPages(this.#pool, query, [atMs / 1_000], read, pageRowsMax);
  }

  /** Movements decided at this time or later, in no order. The index of movements finds them among all entries. */
  movementsSince(atMs: number): AsyncGenerator<DoneMovement[]> {
    return readPages(this.#pool, MOVEMENTS_SINCE, [atMs / 1_000], readMovement);
  }

  /** All lines of count sheets that have an open line or changed at this time or later. */
  sheetLinesSince(atMs: number): AsyncGenerator<SheetLine[]> {
    const query = `SELECT *, max(greatest(started_at, ended_at)) OVER (PARTITION BY stocktake_id) AS changed_at
      FROM stocktake_lines WHERE stocktake_id IN (SELECT stocktake_id FROM stocktake_lines
        WHERE status = 'COUNTING' OR greatest(started_at, ended_at) >= to_timestamp($1))`;
    type Row = Selectable<StocktakeLinesTable> & { readonly changed_at: number };
    const read = (row: Row) => ({ line: readStocktakeLine(row), sheetChangedMs: row.changed_at });
    return readPages(this.#pool, query, [atMs / 1_000], read);
  }

  /** Transfers in transit, and those closed at this time or later. */
  transfersSince(atMs: number): AsyncGenerator<TransferDocument[]> {
    const query = `SELECT * FROM transfers
      WHERE status = 'IN_TRANSIT' OR status <> 'IN_TRANSIT' AND closed_at >= to_timestamp($1)`;
    const read = (row: Selectable<TransfersTable>) => readTransfer(row);
    return readPages(this.#pool, query, [atMs / 1_000], read);
  }

  /** What every customer of a sale holds and has bought in it. */
  quotasOf(sale: SaleDocument): AsyncGenerator<CustomerQuota[]> {
    const query = `SELECT customer_id AS "customerId",
        coalesce(sum(quantity) FILTER (WHERE status = 'ACTIVE'), 0) AS held,
        coalesce(sum(quantity) FILTER (WHERE status = 'CONFIRMED'), 0) AS bought
      FROM reservations, order_lines(lines)
      WHERE sale_id = $1 AND reserved_at >= to_timestamp($2) AND customer_id IS NOT NULL
        AND status IN ('ACTIVE', 'CONFIRMED') AND sku = $3
      GROUP BY customer_id`;
    const values = [sale.saleId, sale.scheduledAtMs / 1_000, sale.sku];
    return readPages(this.#pool, query, values, (row: CustomerQuota) => row);
  }
}

const KINDS: Partial<Record<EventType, MovementKind>> = {
  InventoryReceived: 'receive',
  InventoryIssued: 'issue',
  InventoryShipped: 'ship',
  InventoryReturned: 'return',
  ReturnWrittenOff: 'write-off',
  InventoryCorrected: 'correct',
};

// An alert follows the step that crossed the line at once, in the same batch.
const MOVEMENTS = `SELECT m.*, a.id IS NOT NULL AS fired_alert
  FROM ledger_entries AS m
  LEFT JOIN ledger AS a ON a.sku = m.sku AND a.warehouse = m.warehouse AND a.version = m.version + 1
    AND a.type = 'LowStockAlertTriggered' AND a.epoch = m.epoch AND a.sequence = m.sequence`;
const MOVEMENTS_SINCE = `${MOVEMENTS} WHERE m.movement_id IS NOT NULL AND m.type <> 'InventoryRealigned' AND m.at >= to_timestamp($1)`;

/** A movement with its first answer, whenever it was; undefined where none is booked under this id. */
export async function doneMovement(client: Queryable, movementId: string): Promise<DoneMovement | undefined> {
  const { rows } = await client.query<MovementRow>(
    `${MOVEMENTS} WHERE m.movement_id = $1 AND m.type <> 'InventoryRealigned'`,
    [movementId],
  );
  return rows[0] && readMovement(rows[0]);
}

type MovementRow = Selectable<LedgerEntriesView> & { readonly fired_alert: boolean };

function readMovement(row: MovementRow): DoneMovement {
  const { type, movementId, sku, warehouse, quantity, orderId, atMs, version, after, reason } =
    readEntry(row);
  const kind = KINDS[type];
  if (!kind || movementId === undefined) throw new Error(`${type} of entry ${row.id} is no movement`);
  const ids = { movementId, sku, warehouse, orderId };
  return {
    kind,
    ...ids,
    quantity,
    reason: reason ?? '',
    atMs,
    versionBefore: version - 1,
    version: row.fired_alert ? version + 1 : version,
    after,
    firedAlert: row.fired_alert,
  };
}
