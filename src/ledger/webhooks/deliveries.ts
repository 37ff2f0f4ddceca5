/**
 * Deliveries of alerts to webhooks, for the people on both ends.
 * Promises: every attempt is counted, with the receiver's last answer; a person can have any delivery sent again.
 */
import { type Kysely, sql } from 'kysely';
import { members, type RowOf } from '../read/members.ts';
import { byId, pageOf, pageRows } from '../read/pages.ts';
import type { LedgerSchema } from '../schema.ts';

/** States of a delivery; the last two are final until a person retries it. */
export const DELIVERY_STATES = ['pending', 'delivered', 'gave-up'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** One alert for one webhook. */
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
  /** The beginning of the answer; where none came, why. */
  readonly lastAnswer: string | undefined;
  readonly nextAttemptAtMs: number | undefined;
  readonly settledAtMs: number | undefined;
}

/** The delivery that is due again, or why there is none. */
export type RetryOutcome = Delivery | 'unknown-webhook' | 'unknown-delivery' | 'webhook-disabled';

/** Reads deliveries, and has one sent again. */
export class WebhookDeliveries {
  readonly #db: Kysely<LedgerSchema>;

  constructor(db: Kysely<LedgerSchema>) {
    this.#db = db;
  }

  /** Deliveries of a webhook, newest first; undefined where there is no such webhook. */
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

  /** Makes a delivery due now, in whatever state it is, for one more attempt than it would have had. */
  retry(webhookId: string, deliveryId: number): Promise<RetryOutcome> {
    return this.#db.transaction().execute(async (tx): Promise<RetryOutcome> => {
      // Locked, so that nothing becomes pending while the webhook is being disabled.
      const { rows } = await sql<{ disabled_at: number | null }>`
        SELECT disabled_at FROM webhooks WHERE id = ${webhookId} FOR SHARE`.execute(tx);
      if (!rows[0]) return 'unknown-webhook';
      const found = sql`webhook_id = ${webhookId} AND id = ${deliveryId}`;
      const known = await sql`SELECT FROM webhook_deliveries WHERE ${found}`.execute(tx);
      if (known.rows.length === 0) return 'unknown-delivery';
      if (rows[0].disabled_at !== null) return 'webhook-disabled';
      // A delivery that is being sent now stays claimed by its sender.
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
