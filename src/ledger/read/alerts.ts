/**
 * Low-stock alerts (BR-005) for the people who refill: entries of the ledger, each with its acknowledgement.
 * Promises: the first acknowledgement is the one that counts; the ledger itself is only read.
 */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { LedgerEntriesView, LedgerSchema } from '../schema.ts';
import { members, type RowOf } from './members.ts';
import { byId, type PageQuery, pageOf, pageRows } from './pages.ts';

/** Which alerts a page shows. */
export const ALERT_STATES = ['open', 'acknowledged', 'all'] as const;
export type AlertState = (typeof ALERT_STATES)[number];

/** A low-stock alert. */
export interface Alert {
  /** Of the ledger's entry; grows with every alert. */
  readonly id: number;
  readonly sku: string;
  readonly warehouse: string;
  /** What was available when it fired. */
  readonly available: number;
  /** The safety stock that it fell below. */
  readonly safetyStock: number;
  /** Of the item after the alert. */
  readonly version: number;
  readonly atMs: number;
  readonly acknowledgedAtMs: number | undefined;
  readonly acknowledgedBy: string | undefined;
  readonly note: string | undefined;
}

/** Which alerts; what is left out does not narrow them down. */
export interface AlertsQuery extends PageQuery {
  readonly sku?: string | undefined;
  readonly warehouse?: string | undefined;
  readonly state: AlertState;
}

export interface AlertsPage {
  readonly alerts: readonly Alert[];
  readonly next: number | null;
}

/** Says that a person has seen an alert. */
export interface Acknowledgement {
  readonly alertId: number;
  readonly actor: string;
  readonly note?: string | undefined;
}

// Spelled in the statement and not a parameter: only then does Postgres use the partial indexes of alerts.
const IS_ALERT = sql<boolean>`type = 'LowStockAlertTriggered'::event_type`;

/** Reads and acknowledges alerts. */
export class Alerts {
  readonly #db: Kysely<LedgerSchema>;

  constructor(db: Kysely<LedgerSchema>) {
    this.#db = db;
  }

  /** Alerts, newest first. */
  async page(query: AlertsQuery): Promise<AlertsPage> {
    const { sku, warehouse, state, after } = query;
    const limit = pageRows(query.limit);
    let select = this.#select().where(IS_ALERT);
    if (sku !== undefined) select = select.where('sku', '=', sku);
    if (warehouse !== undefined) select = select.where('warehouse', '=', warehouse);
    if (state === 'open') select = select.where('alert_id', 'is', null);
    if (state === 'acknowledged') select = select.where('alert_id', 'is not', null);
    if (after !== undefined) select = select.where('id', '<', after);
    const rows = await select
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    const { shown: alerts, next } = pageOf(rows, limit, byId, readAlert);
    return { alerts, next };
  }

  /** Acknowledges an alert. Undefined where no alert has this id; `replayed` where it was acknowledged before. */
  async acknowledge(
    given: Acknowledgement,
  ): Promise<{ readonly alert: Alert; readonly replayed: boolean } | undefined> {
    const { alertId, actor, note = null } = given;
    const { numAffectedRows } = await sql`
      INSERT INTO alert_acknowledgements (alert_id, actor, note)
      SELECT id, ${actor}::text, ${note}::text FROM ledger WHERE id = ${alertId} AND ${IS_ALERT}
      ON CONFLICT (alert_id) DO NOTHING`.execute(this.#db);
    const row = await this.#select().where(IS_ALERT).where('id', '=', alertId).executeTakeFirst();
    return row && { alert: readAlert(row), replayed: numAffectedRows === 0n };
  }

  #select() {
    return this.#db
      .selectFrom('ledger_entries')
      .leftJoin('alert_acknowledgements', 'alert_id', 'id')
      .select(['id', 'sku', 'warehouse', 'quantity', 'safety_stock', 'version', 'ledger_entries.at'])
      .select([
        'alert_acknowledgements.at as acknowledged_at',
        'alert_acknowledgements.actor as acknowledged_by',
        'note',
      ]);
  }
}

type AlertRow = Omit<
  Selectable<LedgerEntriesView>,
  Exclude<keyof LedgerEntriesView, keyof RowOf<Alert> | 'quantity'>
> &
  RowOf<Pick<Alert, 'acknowledgedAtMs' | 'acknowledgedBy' | 'note'>>;

/** The table refuses an alert without the safety stock it fired under (BR-005). */
function readAlert(row: AlertRow): Alert {
  const { quantity: available, safetyStock = 0, ...alert } = members(row);
  return { ...alert, available, safetyStock };
}
