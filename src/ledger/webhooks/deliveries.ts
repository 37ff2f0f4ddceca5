/**
 * What became of each alert on its way to a webhook, for the people on both ends.
 * Promises: every attempt shows, with what the receiver last answered; a person can have any of them sent again.
 */
import { type Kysely, sql } from 'kysely';
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
    const behind = after === undefined ? sql`true` : sql`id < ${after}`;
    const { rows } = await sql<DeliveryRow>`SELECT ${DELIVERY_COLUMNS} FROM webhook_deliveries
      WHERE webhook_id = ${webhookId} AND ${behind} ORDER BY id DESC LIMIT ${pageRows(limit) + 1}`.execute(
      this.#db,
    );
    if (rows.length === 0) {
      const known = await sql`SELECT FROM webhooks WHERE id = ${webhookId}`.execute(this.#db);
      if (known.rows.length === 0) return undefined;
    }
    const { shown: deliveries, next } = pageOf(rows, limit, byId, readDelivery);
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
      return retried.rows[0] ? readDelivery(retried.rows[0]) : 'unknown-delivery';
    });
  }
}

const DELIVERY_COLUMNS = sql`id, message_id, alert_id, state, attempts, created_at, last_attempt_at, last_status, last_answer,
  next_attempt_at, settled_at`;

interface DeliveryRow {
  readonly id: number;
  readonly message_id: string;
  readonly alert_id: number;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly created_at: number;
  readonly last_attempt_at: number | null;
  readonly last_status: number | null;
  readonly last_answer: string | null;
  readonly next_attempt_at: number | null;
  readonly settled_at: number | null;
}

function readDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    messageId: row.message_id,
    alertId: row.alert_id,
    state: row.state,
    attempts: row.attempts,
    createdAtMs: row.created_at,
    lastAttemptAtMs: row.last_attempt_at ?? undefined,
    lastStatus: row.last_status ?? undefined,
    lastAnswer: row.last_answer ?? undefined,
    nextAttemptAtMs: row.next_attempt_at ?? undefined,
    settledAtMs: row.settled_at ?? undefined,
  };
}
