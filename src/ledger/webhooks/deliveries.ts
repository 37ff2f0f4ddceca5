/**
 * What became of each alert on its way to a webhook, for the people on both ends.
 * Promises: every attempt shows, with what the receiver last answered; a person can have any of them sent again.
 */
import { type Kysely, sql } from 'kysely';
import { members, type RowOf } from '../read/members.ts';
import { byId, pageOf, pageRows } from '../read/pages.ts';
import type { LedgerSchema } from '../schema.ts';

export const DELIVERY_STATES = ['pending', 'delivered', 'gave-up'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export interface Delivery {
  readonly id: number;
  readonly messageId: string;
  readonly alertId: number;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly createdAtMs: number;
  readonly lastAttemptAtMs: number | undefined;
  /** Undefined where no answer came. */
  readonly lastStatus: number | undefined;
  /** Its beginning; where none came, why. */
  readonly lastAnswer: string | undefined;
  readonly nextAttemptAtMs: number | undefined;
  readonly settledAtMs: number | undefined;
}

export type RetryOutcome = Delivery | 'unknown-webhook' | 'unknown-delivery' | 'webhook-disabled';

export class WebhookDeliveries {
  readonly #db: Kysely<LedgerSchema>;

  constructor(db: Kysely<LedgerSchema>) {
    this.#db = db;
  }

  /** Newest first; undefined where there is no such webhook. */
  async page(
    webhookId: string,
    after: number | undefined,
    limit: number,
  ): Promise<{ readonly deliveries: readonly Delivery[]; readonly next: number | null } | undefined> {
    const isAfter = after === undefined ? sql`true` : sql`id < ${after}`;
    const { rows } = await sql<DeliveryRow>`SELECT ${DELIVERY_COLUMNS} FROM webhook_deliveries
      WHERE webhook_id = ${webhookId} AND ${isAfter} ORDER BY id DESC LIMIT ${pageRows(limit) + 1}`.execute(
      this.#db,
    );
    if (rows.length === 0) {
      const known = await sql`SELECT FROM webhooks WHERE id = ${webhookId}`.execute(this.#db);
      if (known.rows.length === 0) return undefined;
    }
    const { shown: deliveries, next } = pageOf(rows, limit, byId, members<DeliveryRow>);
    return { deliveries, next };
  }

  /** Attempts it again as soon as possible, in whatever state it is, once more beyond what it was worth by itself. */
  retry(webhookId: string, deliveryId: number): Promise<RetryOutcome> {
    return this.#db.transaction().execute(async (tx): Promise<RetryOutcome> => {
      // Locked, so that nothing becomes pending behind the back of one who disables it.
      const { rows } = await sql<{ disabled_at: number | null }>`
        SELECT disabled_at FROM webhooks WHERE id = ${webhookId} FOR SHARE`.execute(tx);
      if (!rows[0]) return 'unknown-webhook';
      const found = sql`webhook_id = ${webhookId} AND id = ${deliveryId}`;
      const known = await sql`SELECT FROM webhook_deliveries WHERE ${found}`.execute(tx);
      if (known.rows.length === 0) return 'unknown-delivery';
      if (rows[0].disabled_at !== null) return 'webhook-disabled';
      // One that is being sent now stays with the one who sends it.
      const retried = await sql<DeliveryRow>`
        UPDATE webhook_deliveries SET state = 'pending', next_attempt_at = now(), settled_at = NULL
        WHERE ${found} RETURNING ${DELIVERY_COLUMNS}`.execute(tx);
      return retried.rows[0] ? members(retried.rows[0]) : 'unknown-delivery';
    });
  }
}

const DELIVERY_COLUMNS = sql`id, message_id, alert_id, state, attempts, created_at, last_attempt_at, last_status, last_answer,
  next_attempt_at, settled_at`;

type DeliveryRow = RowOf<Delivery>;
