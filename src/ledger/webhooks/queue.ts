/**
 * The queue of deliveries: which are due, which worker is sending one, and what came of it.
 * Promises: every alert is sent to every webhook at least once, or visibly given up, under one message id, whichever worker
 * dies; a delivery that a worker claims is its own until a deadline. The only clock is that of Postgres.
 * Refuses to know: how anything is sent, and how long to wait before the next attempt.
 */
import { type Kysely, sql } from 'kysely';
import { members, type RowOf } from '../read/members.ts';
import type { LedgerSchema } from '../schema.ts';

/** The most deliveries that one statement adds for one webhook: a backlog of alerts is taken in short steps. */
export const SPREAD_ALERTS_MAX = 100;
/** The most characters that are kept of a receiver's answer. */
export const LAST_ANSWER_LENGTH_MAX = 500;
/** How long settled deliveries are kept. */
const KEPT_DAYS = 30;
const TIDIED_ROWS_MAX = 5_000;

/** A delivery this worker is to attempt now. */
export interface ClaimedDelivery {
  readonly id: number;
  readonly webhookId: string;
  readonly messageId: string;
  /** This one included. With the id it names the claim: a worker whose claim ran out has another number. */
  readonly attempts: number;
  readonly url: string;
  /** Newest first. Never logged. */
  readonly secrets: readonly string[];
  readonly claimedAtMs: number;
  readonly alert: {
    readonly id: number;
    readonly sku: string;
    readonly warehouse: string;
    readonly available: number;
    readonly safetyStock: number;
    readonly version: number;
    readonly atMs: number;
  };
}

/** How an attempt went. `status` is undefined where no answer came; then `answer` says why. */
export interface AttemptOutcome {
  readonly status: number | undefined;
  readonly answer: string;
}

/** What the sending worker needs. */
export class WebhookQueue {
  readonly #db: Kysely<LedgerSchema>;

  constructor(db: Kysely<LedgerSchema>) {
    this.#db = db;
  }

  /** Adds deliveries for the alerts since the last call. @returns how many */
  async spread(): Promise<number> {
    // A webhook is locked only where there are alerts for it; one that another worker has locked is left to that worker.
    const { rows } = await sql<{ count: number }>`
      WITH news AS MATERIALIZED (
        SELECT id, after_id FROM webhooks
        WHERE disabled_at IS NULL
          AND EXISTS (SELECT FROM ledger WHERE type = 'LowStockAlertTriggered' AND ledger.id > webhooks.after_id)
        FOR NO KEY UPDATE SKIP LOCKED
      ), found AS MATERIALIZED (
        SELECT news.id AS webhook_id, alert.id AS alert_id
        FROM news CROSS JOIN LATERAL (
          SELECT id FROM ledger WHERE type = 'LowStockAlertTriggered' AND ledger.id > news.after_id
          ORDER BY id LIMIT ${SPREAD_ALERTS_MAX}) AS alert
      ), moved AS (
        UPDATE webhooks SET after_id = newest.alert_id
        FROM (SELECT webhook_id, max(alert_id) AS alert_id FROM found GROUP BY webhook_id) AS newest
        WHERE webhooks.id = newest.webhook_id
      ), added AS (
        INSERT INTO webhook_deliveries (webhook_id, alert_id) SELECT webhook_id, alert_id FROM found
        ON CONFLICT (webhook_id, alert_id) DO NOTHING RETURNING 1
      )
      SELECT count(*) FROM added`.execute(this.#db);
    return rows[0]?.count ?? 0;
  }

  /**
   * Claims deliveries that are due, those that waited longest first, and counts the attempt. A claim ends after `claimMs`:
   * then another worker may take the delivery.
   */
  async claim(limit: number, perWebhookMax: number, claimMs: number): Promise<ClaimedDelivery[]> {
    const { rows } = await sql<ClaimedRow>`
      WITH due AS MATERIALIZED (
        SELECT waiting.id FROM webhooks CROSS JOIN LATERAL (
          SELECT id, next_attempt_at FROM webhook_deliveries AS d
          WHERE d.webhook_id = webhooks.id AND state = 'pending' AND next_attempt_at <= now()
            AND (claimed_until IS NULL OR claimed_until <= now())
          ORDER BY next_attempt_at
          LIMIT greatest(0, ${perWebhookMax} - (SELECT count(*) FROM webhook_deliveries AS b
            WHERE b.webhook_id = webhooks.id AND b.state = 'pending' AND b.claimed_until > now()))
          FOR UPDATE SKIP LOCKED) AS waiting
        WHERE disabled_at IS NULL
        ORDER BY waiting.next_attempt_at LIMIT ${limit}
      ), claimed AS (
        UPDATE webhook_deliveries AS d SET attempts = attempts + 1, last_attempt_at = now(),
          claimed_until = now() + make_interval(secs => ${claimMs / 1_000})
        FROM due WHERE d.id = due.id
        RETURNING d.id, d.webhook_id, d.alert_id, d.message_id, d.attempts
      )
      SELECT claimed.*, now() AS claimed_at, webhooks.url, ledger.sku, ledger.warehouse, ledger.quantity AS available,
        ledger.safety_stock, ledger.version, ledger.at,
        ARRAY(SELECT secret FROM webhook_secrets AS s WHERE s.webhook_id = claimed.webhook_id
          AND (s.ends_at IS NULL OR s.ends_at > now()) ORDER BY s.ends_at IS NOT NULL) AS secrets
      FROM claimed
      JOIN webhooks ON webhooks.id = claimed.webhook_id
      JOIN ledger ON ledger.id = claimed.alert_id
      ORDER BY claimed.id`.execute(this.#db);
    return rows.map(readClaimed);
  }

  /** Records that the receiver has it, in whatever state the delivery is by now. */
  async delivered(claimed: ClaimedDelivery, { status, answer }: AttemptOutcome): Promise<void> {
    await sql`
      UPDATE webhook_deliveries SET state = 'delivered', settled_at = now(), next_attempt_at = NULL, claimed_until = NULL,
        last_status = ${status ?? null}, last_answer = ${storable(answer)}
      WHERE id = ${claimed.id}`.execute(this.#db);
  }

  /** Records a failed attempt. @param waitMs until the next attempt; undefined gives it up */
  async failed(
    claimed: ClaimedDelivery,
    { status, answer }: AttemptOutcome,
    waitMs: number | undefined,
  ): Promise<void> {
    const state = waitMs === undefined ? 'gave-up' : 'pending';
    const waitSeconds = waitMs === undefined ? null : waitMs / 1_000;
    // A delivery that was given up meanwhile, with its webhook, stays so and keeps the answer. Without a wait there is no
    // next attempt.
    await sql`
      UPDATE webhook_deliveries SET last_status = ${status ?? null}, last_answer = ${storable(answer)}, claimed_until = NULL,
        state = CASE state WHEN 'pending' THEN ${state}::delivery_state ELSE state END,
        next_attempt_at = CASE state WHEN 'pending' THEN now() + make_interval(secs => ${waitSeconds}::float8) END,
        settled_at = CASE WHEN state = 'pending' AND ${state} = 'gave-up' THEN now() ELSE settled_at END
      WHERE id = ${claimed.id} AND attempts = ${claimed.attempts} AND state <> 'delivered'`.execute(this.#db);
  }

  /** Ends a claim whose attempt this side broke off: any worker may take the delivery at once. */
  async release(claimed: ClaimedDelivery): Promise<void> {
    await sql`UPDATE webhook_deliveries SET claimed_until = NULL
      WHERE id = ${claimed.id} AND attempts = ${claimed.attempts}`.execute(this.#db);
  }

  /** How many deliveries are pending, and how many were given up within the time they are kept. */
  async counts(): Promise<{ readonly pending: number; readonly gaveUp: number }> {
    const { rows } = await sql<{ pending: number; gave_up: number }>`SELECT
      (SELECT count(*) FROM webhook_deliveries WHERE state = 'pending') AS pending,
      (SELECT count(*) FROM webhook_deliveries WHERE state = 'gave-up') AS gave_up`.execute(this.#db);
    return { pending: rows[0]?.pending ?? 0, gaveUp: rows[0]?.gave_up ?? 0 };
  }

  /** Deletes deliveries that were settled long ago, in steps, and secrets that no longer sign. */
  async tidy(): Promise<void> {
    await sql`DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries
      WHERE state <> 'pending' AND settled_at < now() - make_interval(days => ${KEPT_DAYS})
      ORDER BY settled_at LIMIT ${TIDIED_ROWS_MAX})`.execute(this.#db);
    await sql`DELETE FROM webhook_secrets WHERE ends_at < now()`.execute(this.#db);
  }
}

/** An answer may hold any text; the one character that Postgres cannot keep must not lose the rest. */
function storable(answer: string): string {
  return answer.slice(0, LAST_ANSWER_LENGTH_MAX).replaceAll('\u0000', '\uFFFD');
}

type ClaimedRow = RowOf<Omit<ClaimedDelivery, 'alert'>> &
  RowOf<Omit<ClaimedDelivery['alert'], 'id'>> & { readonly alert_id: number };

function readClaimed(row: ClaimedRow): ClaimedDelivery {
  const { alertId, sku, warehouse, available, safetyStock, version, atMs, ...delivery } = members(row);
  return { ...delivery, alert: { id: alertId, sku, warehouse, available, safetyStock, version, atMs } };
}
