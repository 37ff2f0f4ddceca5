/**
 * What happens to an alert of the ledger: a person acknowledges it, webhooks send it to other systems.
 * Promises: these are tables of their own; rows of the ledger never change (D14).
 */
import { type Kysely, sql } from 'kysely';

const ALERTS = `
-- Alerts of one item in pages, however long the item's history is. Alerts are rare: the index costs other rows nothing.
CREATE INDEX ledger_alerts_of_item ON ledger (sku, warehouse, id) WHERE type = 'LowStockAlertTriggered';

-- One an alert: the first. Whether the alert exists is asked when it is written; entries of the ledger never go.
CREATE TABLE alert_acknowledgements (
  alert_id bigint CONSTRAINT alert_acknowledgements_pkey PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  actor text COLLATE "C" NOT NULL,
  note text
);
`;

// No CHECK on the secrets: where one fails, Postgres writes the whole row into its message, and so into a log.
const WEBHOOKS = `
CREATE TABLE webhooks (
  id text COLLATE "C" CONSTRAINT webhooks_pkey PRIMARY KEY,
  url text NOT NULL,
  -- Alerts up to this entry of the ledger have their deliveries. Entries are committed in the order of their ids, for the
  -- chunks of a partition wait for each other at its cursor, and there is one partition; more would need a place each (D12).
  after_id bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  disabled_at timestamptz,
  disabled_by text COLLATE "C",
  CONSTRAINT disabled_by_somebody CHECK ((disabled_at IS NULL) = (disabled_by IS NULL))
);

-- A table of their own, so that rights can keep them from everybody but the worker. The digest tells two of them apart
-- for those who may not read them. Two sign while one takes the place of the other.
CREATE TABLE webhook_secrets (
  webhook_id text COLLATE "C" NOT NULL REFERENCES webhooks,
  digest text COLLATE "C" NOT NULL,
  secret text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  ends_at timestamptz,
  CONSTRAINT webhook_secrets_pkey PRIMARY KEY (webhook_id, digest)
);

CREATE TYPE delivery_state AS ENUM ('pending', 'delivered', 'gave-up');

-- One alert on its way to one webhook.
CREATE TABLE webhook_deliveries (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT webhook_deliveries_pkey PRIMARY KEY,
  alert_id bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Null unless it is pending.
  next_attempt_at timestamptz DEFAULT now(),
  -- Somebody is sending it. He who takes longer than this is taken for dead, and another tries.
  claimed_until timestamptz,
  last_attempt_at timestamptz,
  settled_at timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  last_status smallint,
  state delivery_state NOT NULL DEFAULT 'pending',
  webhook_id text COLLATE "C" NOT NULL REFERENCES webhooks,
  -- By which the receiver knows a repeat: the same on every attempt, and not made again by a database that was restored.
  message_id text COLLATE "C" NOT NULL DEFAULT 'msg_' || replace(gen_random_uuid()::text, '-', ''),
  last_answer text,
  CONSTRAINT one_delivery_of_an_alert_a_webhook UNIQUE (webhook_id, alert_id),
  CONSTRAINT pending_has_a_next_attempt CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
  CONSTRAINT settled_once CHECK ((state = 'pending') = (settled_at IS NULL))
);
CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook_id, next_attempt_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_gave_up ON webhook_deliveries (webhook_id) WHERE state = 'gave-up';
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (settled_at) WHERE state <> 'pending';
`;

/** Runs the migration, in a transaction of its own. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statements of [ALERTS, WEBHOOKS]) await sql.raw(statements).execute(db);
}
