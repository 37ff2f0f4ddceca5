/**
 * Webhooks: URLs that alerts are sent to, and the secrets that sign what is sent.
 * Promises: a webhook gets the alerts since it was set; a secret is never given out again, and a generated one exactly once,
 * in the answer of the call that generated it. Refuses to know: how anything is sent.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type Kysely, sql, type Transaction } from 'kysely';
import { members, type RowOf } from '../read/members.ts';
import type { LedgerSchema } from '../schema.ts';

/** The most webhooks: each alert becomes a delivery for every one of them. */
export const WEBHOOKS_MAX = 100;
/** How long the former secret signs as well as its successor, so that a receiver can change over. */
const ROTATION_HOURS = 24;
/** Standard Webhooks asks for 24 to 64. */
const SECRET_BYTES = 32;
/** The lock under which webhooks are set: their number and their secrets change in one transaction at a time. */
const WEBHOOKS_LOCK = 4_850_002;

/** A webhook, without its secrets. */
export interface Webhook {
  readonly webhookId: string;
  readonly url: string;
  /** By whom it was set last. */
  readonly actor: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly disabledAtMs: number | undefined;
  readonly disabledBy: string | undefined;
  /** Deliveries that will be attempted again, and those given up. */
  readonly pending: number;
  readonly gaveUp: number;
}

/** A webhook as it is to be. */
export interface WebhookPut {
  readonly webhookId: string;
  readonly url: string;
  /** `whsec_` and 24 to 64 bytes in base64. Left out, a new webhook gets a generated one, a known one keeps its own. */
  readonly secret?: string | undefined;
  readonly actor: string;
}

/** What {@link Webhooks.put} did. */
export type PutOutcome =
  | {
      readonly outcome: 'created' | 'updated' | 'unchanged';
      readonly webhook: Webhook;
      /** Only where this call generated it. */
      readonly madeSecret: string | undefined;
    }
  | { readonly outcome: 'too-many'; readonly limit: number };

/** Sets, lists and disables webhooks. */
export class Webhooks {
  readonly #db: Kysely<LedgerSchema>;

  constructor(db: Kysely<LedgerSchema>) {
    this.#db = db;
  }

  /**
   * Sets a webhook. A new one, and one that was disabled, gets the alerts from now on. Another secret than before signs at
   * once; the former one signs as well for a day.
   */
  put(put: WebhookPut): Promise<PutOutcome> {
    return this.#db.transaction().execute(async (tx): Promise<PutOutcome> => {
      await sql`SELECT pg_advisory_xact_lock(${WEBHOOKS_LOCK})`.execute(tx);
      const before = await read(tx, put.webhookId);
      if (!before) return create(tx, put);
      const isNewSecret = put.secret !== undefined && (await changeSecret(tx, put.webhookId, put.secret));
      const isAsBefore = before.url === put.url && before.disabledAtMs === undefined && !isNewSecret;
      if (isAsBefore) return { outcome: 'unchanged', webhook: before, madeSecret: undefined };
      await sql`
        UPDATE webhooks SET url = ${put.url}, actor = ${put.actor}, updated_at = now(), disabled_at = NULL, disabled_by = NULL,
          after_id = CASE WHEN disabled_at IS NULL THEN after_id ELSE ${NEWEST_ENTRY} END
        WHERE id = ${put.webhookId}`.execute(tx);
      return { outcome: 'updated', webhook: await readKnown(tx, put.webhookId), madeSecret: undefined };
    });
  }

  /** All webhooks, by id. */
  async list(): Promise<Webhook[]> {
    const { rows } = await sql<WebhookRow>`${SELECT_WEBHOOKS} ORDER BY id LIMIT ${WEBHOOKS_MAX}`.execute(
      this.#db,
    );
    return rows.map(members<WebhookRow>);
  }

  /**
   * Disables a webhook: nothing more is sent to it, and pending deliveries are given up. Undefined where there is no such
   * webhook; `replayed` where it was disabled before.
   */
  disable(
    webhookId: string,
    actor: string,
  ): Promise<{ readonly webhook: Webhook; readonly replayed: boolean } | undefined> {
    return this.#db.transaction().execute(async (tx) => {
      const { numAffectedRows } = await sql`
        UPDATE webhooks SET disabled_at = now(), disabled_by = ${actor}
        WHERE id = ${webhookId} AND disabled_at IS NULL`.execute(tx);
      // A statement of its own: it sees deliveries that were added while the one above waited for the webhook's row.
      await sql`
        UPDATE webhook_deliveries SET state = 'gave-up', settled_at = now(), next_attempt_at = NULL, claimed_until = NULL
        WHERE webhook_id = ${webhookId} AND state = 'pending'`.execute(tx);
      const webhook = await read(tx, webhookId);
      return webhook && { webhook, replayed: numAffectedRows === 0n };
    });
  }
}

const NEWEST_ENTRY = sql`coalesce((SELECT max(id) FROM ledger), 0)`;

async function create(tx: Transaction<LedgerSchema>, put: WebhookPut): Promise<PutOutcome> {
  const { rows } = await sql<{ count: number }>`SELECT count(*) FROM webhooks`.execute(tx);
  if ((rows[0]?.count ?? 0) >= WEBHOOKS_MAX) return { outcome: 'too-many', limit: WEBHOOKS_MAX };
  const madeSecret = put.secret === undefined ? makeSecret() : undefined;
  const secret = put.secret ?? madeSecret ?? '';
  await sql`INSERT INTO webhooks (id, url, actor, after_id)
    VALUES (${put.webhookId}, ${put.url}, ${put.actor}, ${NEWEST_ENTRY})`.execute(tx);
  await sql`INSERT INTO webhook_secrets (webhook_id, digest, secret)
    VALUES (${put.webhookId}, ${digestOf(secret)}, ${secret})`.execute(tx);
  return { outcome: 'created', webhook: await readKnown(tx, put.webhookId), madeSecret };
}

/** False where it was the secret already. */
async function changeSecret(
  tx: Transaction<LedgerSchema>,
  webhookId: string,
  secret: string,
): Promise<boolean> {
  const digest = digestOf(secret);
  const { rows } = await sql`SELECT FROM webhook_secrets
    WHERE webhook_id = ${webhookId} AND digest = ${digest} AND ends_at IS NULL`.execute(tx);
  if (rows.length > 0) return false;
  // At most two sign: one that was ending already is deleted.
  await sql`DELETE FROM webhook_secrets
    WHERE webhook_id = ${webhookId} AND ends_at IS NOT NULL AND digest <> ${digest}`.execute(tx);
  await sql`UPDATE webhook_secrets SET ends_at = now() + make_interval(hours => ${ROTATION_HOURS})
    WHERE webhook_id = ${webhookId} AND ends_at IS NULL`.execute(tx);
  await sql`INSERT INTO webhook_secrets (webhook_id, digest, secret) VALUES (${webhookId}, ${digest}, ${secret})
    ON CONFLICT (webhook_id, digest) DO UPDATE SET ends_at = NULL, made_at = now()`.execute(tx);
  return true;
}

function makeSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** A secret is random, so its digest reveals nothing. */
function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

type WebhookRow = RowOf<Webhook>;

const SELECT_WEBHOOKS = sql`
  SELECT id AS webhook_id, url, actor, created_at, updated_at, disabled_at, disabled_by,
    (SELECT count(*) FROM webhook_deliveries WHERE webhook_id = webhooks.id AND state = 'pending') AS pending,
    (SELECT count(*) FROM webhook_deliveries WHERE webhook_id = webhooks.id AND state = 'gave-up') AS gave_up
  FROM webhooks`;

async function read(db: Kysely<LedgerSchema>, webhookId: string): Promise<Webhook | undefined> {
  const { rows } = await sql<WebhookRow>`${SELECT_WEBHOOKS} WHERE id = ${webhookId}`.execute(db);
  return rows[0] && members(rows[0]);
}

async function readKnown(db: Kysely<LedgerSchema>, webhookId: string): Promise<Webhook> {
  const webhook = await read(db, webhookId);
  if (!webhook) throw new Error(`the webhook ${webhookId} was written and is not there`);
  return webhook;
}
