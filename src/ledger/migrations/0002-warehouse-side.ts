/**
 * Tables of documents: transfers, count sheets, sales and shortfalls, which follow from entries of the ledger.
 * Promises: they are written in the transaction of their entries; what SQL can express of a rule is a constraint here.
 */
import { type Kysely, sql } from 'kysely';

// New columns are NULL in existing rows, so no row is rewritten; one scan checks the old rows.
const LEDGER = `
ALTER TABLE ledger
  ADD COLUMN transfer_id text COLLATE "C",
  ADD COLUMN stocktake_id text COLLATE "C",
  DROP CONSTRAINT quantity_in_range,
  ADD CONSTRAINT quantity_in_range CHECK (quantity BETWEEN 1 AND 1000000000 OR quantity = 0 AND type IN ('SafetyStockSet',
    'LowStockAlertTriggered', 'InventoryCorrected', 'StocktakeStarted', 'StocktakeCompleted', 'StocktakeCancelled',
    'StocktakeLapsed')),
  DROP CONSTRAINT br_002_never_beyond_available,
  ADD CONSTRAINT br_002_never_beyond_available
    CHECK (type NOT IN ('InventoryReserved', 'InventoryReacquired') OR quantity <= available_before),
  -- BR-004 holds in every row, for total is what the view adds up; what SQL can refuse is a total that moves in another
  -- way than the goods did. The most frequent types stand first.
  DROP CONSTRAINT br_004_total_moves_with_goods,
  ADD CONSTRAINT br_004_total_moves_with_goods CHECK (CASE type
    WHEN 'InventoryReserved' THEN available_change + reserved_change + sold_change = 0
    WHEN 'InventoryDeducted' THEN available_change + reserved_change + sold_change = 0
    WHEN 'InventoryReleased' THEN available_change + reserved_change + sold_change = 0
    WHEN 'InventoryReceived' THEN available_change + reserved_change + sold_change = quantity
    WHEN 'InventoryReturned' THEN available_change + reserved_change + sold_change = quantity
    WHEN 'TransferReceived' THEN available_change + reserved_change + sold_change = quantity
    WHEN 'TransferCancelled' THEN available_change + reserved_change + sold_change = quantity
    WHEN 'InventoryIssued' THEN available_change + reserved_change + sold_change = -quantity
    WHEN 'InventoryShipped' THEN available_change + reserved_change + sold_change = -quantity
    WHEN 'TransferDispatched' THEN available_change + reserved_change + sold_change = -quantity
    WHEN 'InventoryCorrected' THEN available_before + available_change + reserved_before + reserved_change
      + sold_before + sold_change = quantity
    WHEN 'StocktakeCompleted' THEN available_before + available_change + reserved_before + reserved_change
      + sold_before + sold_change = quantity
    ELSE available_change + reserved_change + sold_change = 0 END);
CREATE INDEX ledger_transfer ON ledger (transfer_id) WHERE transfer_id IS NOT NULL;
CREATE INDEX ledger_stocktake ON ledger (stocktake_id) WHERE stocktake_id IS NOT NULL;

CREATE OR REPLACE VIEW ledger_entries AS
SELECT id, partition, epoch, sequence, sku, warehouse, version, type, order_id, movement_id, quantity,
  available_before + reserved_before + sold_before AS total_before,
  available_before, reserved_before, sold_before,
  available_change + reserved_change + sold_change AS total_change,
  available_change, reserved_change, sold_change,
  available_before + reserved_before + sold_before + available_change + reserved_change + sold_change AS total_after,
  available_before + available_change AS available_after,
  reserved_before + reserved_change AS reserved_after,
  sold_before + sold_change AS sold_after,
  cause, reason, operation, expires_at, safety_stock, actor, at, transfer_id, stocktake_id
FROM ledger;
`;

// Without a stocktake the deadline says until when no hold on the item expires, for a while after one.
const ITEMS = `
ALTER TABLE items
  ADD COLUMN stocktake_until timestamptz,
  ADD COLUMN stocktake_id text COLLATE "C",
  ADD CONSTRAINT br_007_lock_has_its_deadline CHECK (stocktake_id IS NULL OR stocktake_until IS NOT NULL);
CREATE INDEX items_of_warehouse ON items (warehouse, sku);
`;

// A hold that falls due under a count lives on some minutes at a time (BR-007); one that did so for days is a mistake.
const RESERVATIONS = `
ALTER TABLE reservations
  ADD COLUMN customer_id text COLLATE "C",
  ADD COLUMN sale_id text COLLATE "C",
  DROP CONSTRAINT br_003_hold_ends_within_a_day,
  ADD CONSTRAINT br_003_hold_ends_in_time
    CHECK (expires_at > reserved_at AND expires_at - reserved_at <= interval '7 days');
CREATE INDEX reservations_of_sale ON reservations (sale_id, status) WHERE sale_id IS NOT NULL;
`;

const TRANSFERS = `
CREATE TYPE transfer_status AS ENUM ('IN_TRANSIT', 'RECEIVED', 'CANCELLED');

-- What is in transit stands in no item; here it stands once.
CREATE TABLE transfers (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT transfers_id_once UNIQUE,
  dispatched_at timestamptz NOT NULL,
  closed_at timestamptz,
  quantity integer NOT NULL,
  received integer NOT NULL,
  rejected integer NOT NULL,
  returned integer NOT NULL,
  in_transit integer GENERATED ALWAYS AS (quantity - received - rejected - returned) STORED,
  status transfer_status NOT NULL,
  transfer_id text COLLATE "C" CONSTRAINT transfers_pkey PRIMARY KEY,
  sku text COLLATE "C" NOT NULL,
  from_warehouse text COLLATE "C" NOT NULL,
  to_warehouse text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  reason text,
  -- Receipts done, separated by ";".
  operations text COLLATE "C",
  CONSTRAINT between_two_warehouses CHECK (from_warehouse <> to_warehouse),
  CONSTRAINT quantity_in_range CHECK (quantity BETWEEN 1 AND 1000000000),
  CONSTRAINT nothing_in_two_places CHECK (received >= 0 AND rejected >= 0 AND returned >= 0
    AND quantity - received - rejected - returned >= 0),
  CONSTRAINT open_while_in_transit CHECK ((status = 'IN_TRANSIT') = (quantity - received - rejected - returned > 0)
    AND (status = 'IN_TRANSIT') = (closed_at IS NULL)),
  CONSTRAINT returned_by_cancelling CHECK ((status = 'CANCELLED') = (returned > 0))
) WITH (fillfactor = 80);
CREATE INDEX transfers_open ON transfers (id) WHERE status = 'IN_TRANSIT';
CREATE INDEX transfers_closed ON transfers (closed_at) WHERE status <> 'IN_TRANSIT';

CREATE TYPE proposal_state AS ENUM ('open', 'dismissed', 'transferred');

-- 調撥: another warehouse served what the nearest should have; the goods may follow.
CREATE TABLE transfer_proposals (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT transfer_proposals_pkey PRIMARY KEY,
  at timestamptz NOT NULL,
  decided_at timestamptz,
  quantity integer NOT NULL,
  state proposal_state NOT NULL DEFAULT 'open',
  order_id text COLLATE "C" NOT NULL,
  sku text COLLATE "C" NOT NULL,
  from_warehouse text COLLATE "C" NOT NULL,
  to_warehouse text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  decided_by text COLLATE "C",
  CONSTRAINT decided_once CHECK ((state = 'open') = (decided_at IS NULL) AND (state = 'open') = (decided_by IS NULL))
);
CREATE INDEX transfer_proposals_open ON transfer_proposals (id) WHERE state = 'open';
`;

const STOCKTAKES = `
CREATE TYPE stocktake_status AS ENUM ('COUNTING', 'COUNTED', 'CANCELLED', 'LAPSED');

-- One item of a count sheet (BR-007); the sheet is its lines.
CREATE TABLE stocktake_lines (
  started_at timestamptz NOT NULL,
  until_at timestamptz NOT NULL,
  ended_at timestamptz,
  total_before integer NOT NULL,
  counted integer,
  status stocktake_status NOT NULL,
  stocktake_id text COLLATE "C" NOT NULL,
  sku text COLLATE "C" NOT NULL,
  warehouse text COLLATE "C" NOT NULL,
  started_by text COLLATE "C" NOT NULL,
  ended_by text COLLATE "C",
  reason text,
  CONSTRAINT stocktake_lines_pkey PRIMARY KEY (stocktake_id, sku, warehouse),
  CONSTRAINT ended_once CHECK ((status = 'COUNTING') = (ended_at IS NULL)),
  CONSTRAINT counted_when_counted CHECK ((status = 'COUNTED') = (counted IS NOT NULL)),
  CONSTRAINT counted_in_range CHECK (counted BETWEEN 0 AND 1000000000)
) WITH (fillfactor = 80);
CREATE INDEX stocktake_lines_open ON stocktake_lines (stocktake_id) WHERE status = 'COUNTING';
-- A rebuild looks for the sheets of which somebody may still hear.
CREATE INDEX stocktake_lines_recent ON stocktake_lines (greatest(started_at, ended_at));
`;

const SALES = `
-- What was agreed; how a sale goes follows from the orders that name it.
CREATE TABLE sales (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT sales_id_once UNIQUE,
  opens_at timestamptz NOT NULL,
  closes_at timestamptz NOT NULL,
  scheduled_at timestamptz NOT NULL,
  -- When somebody closed it before its time.
  closed_at timestamptz,
  quantity integer NOT NULL,
  limit_per_customer integer NOT NULL,
  sale_id text COLLATE "C" CONSTRAINT sales_pkey PRIMARY KEY,
  sku text COLLATE "C" NOT NULL,
  scheduled_by text COLLATE "C" NOT NULL,
  closed_by text COLLATE "C",
  CONSTRAINT opens_before_it_closes CHECK (opens_at < closes_at),
  CONSTRAINT quantity_in_range CHECK (quantity BETWEEN 1 AND 1000000000 AND limit_per_customer >= 0),
  CONSTRAINT closed_by_somebody CHECK ((closed_at IS NULL) = (closed_by IS NULL))
);
CREATE INDEX sales_of_sku ON sales (sku, id);

-- Payments that came too late and found no stock: people have to resolve them.
CREATE TABLE shortfalls (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT shortfalls_pkey PRIMARY KEY,
  at timestamptz NOT NULL,
  resolved_at timestamptz,
  order_id text COLLATE "C" NOT NULL,
  -- What was paid, as reservations write it.
  lines text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  resolved_by text COLLATE "C",
  resolution text,
  CONSTRAINT resolved_once CHECK ((resolved_at IS NULL) = (resolution IS NULL)
    AND (resolved_at IS NULL) = (resolved_by IS NULL))
);
CREATE UNIQUE INDEX shortfalls_open ON shortfalls (order_id) WHERE resolved_at IS NULL;
CREATE INDEX shortfalls_of_order ON shortfalls (order_id);
`;

/** Runs the migration, in a transaction of its own. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statements of [LEDGER, ITEMS, RESERVATIONS, TRANSFERS, STOCKTAKES, SALES]) {
    await sql.raw(statements).execute(db);
  }
}
