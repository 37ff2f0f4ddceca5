/**
 * The first tables. The statements of a migration that has run anywhere are never edited: a change is a new file.
 * Promises: a rule of the domain that SQL can express is a constraint here, named by its number.
 */
import { type Kysely, sql } from 'kysely';

// The ledger. One row per event line, wide enough to be read alone and narrow enough to be written 100,000 times a
// second. Measured with 4,000 rows a transaction, CPU of the Postgres backend per row (two cores, Postgres 15):
// unnest 9.0 us, COPY 6.0; order_id as hash 4.5 against 6.2 as b-tree (at 2.8 million rows 5.7 against 7.4: 36-byte
// random ids spread over every page of a b-tree, and the hash keeps 4 bytes of them); id and its index 0.7.
// Columns go from wide to narrow, so that nothing is lost to alignment; ids compare as bytes whatever the locale of
// the database.
const LEDGER = `
CREATE TYPE event_type AS ENUM ('InventoryReserved', 'InventoryDeducted', 'InventoryReleased', 'ReservationExtended',
  'InventoryReceived', 'SafetyStockSet', 'LowStockAlertTriggered');
CREATE TYPE release_cause AS ENUM ('cancelled', 'expired', 'remainder');

CREATE TABLE ledger (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT ledger_pkey PRIMARY KEY,
  at timestamptz NOT NULL,
  version bigint NOT NULL,
  sequence bigint NOT NULL,
  expires_at timestamptz,
  epoch integer NOT NULL,
  quantity integer NOT NULL,
  available_before integer NOT NULL,
  reserved_before integer NOT NULL,
  sold_before integer NOT NULL,
  available_change integer NOT NULL,
  reserved_change integer NOT NULL,
  sold_change integer NOT NULL,
  safety_stock integer,
  type event_type NOT NULL,
  cause release_cause,
  partition smallint NOT NULL,
  sku text COLLATE "C" NOT NULL,
  warehouse text COLLATE "C" NOT NULL,
  actor text COLLATE "C" NOT NULL,
  order_id text COLLATE "C",
  movement_id text COLLATE "C",
  operation text COLLATE "C",
  reason text,

  CONSTRAINT quantity_in_range CHECK (quantity BETWEEN 0 AND 1000000000),
  CONSTRAINT br_001_available_not_negative
    CHECK (available_before >= 0 AND available_before + available_change >= 0),
  CONSTRAINT br_001_reserved_and_sold_not_negative
    CHECK (reserved_before >= 0 AND reserved_before + reserved_change >= 0
      AND sold_before >= 0 AND sold_before + sold_change >= 0),
  CONSTRAINT br_002_never_beyond_available
    CHECK (type <> 'InventoryReserved' OR quantity <= available_before),
  -- BR-004 holds in every row, for total is what the view adds up; what SQL can refuse is a total that moves although
  -- no goods did.
  CONSTRAINT br_004_total_moves_with_goods
    CHECK (type = 'InventoryReceived' OR available_change + reserved_change + sold_change = 0),
  CONSTRAINT br_005_alert_below_the_line
    CHECK (type <> 'LowStockAlertTriggered' OR (safety_stock IS NOT NULL AND quantity < safety_stock)),
  CONSTRAINT ledger_version_once UNIQUE (sku, warehouse, version)
);
CREATE INDEX ledger_order ON ledger USING hash (order_id);
-- BR-006 for goods: the hot path forgets a movement after its tombstone, the ledger never does.
CREATE UNIQUE INDEX br_006_movement_once ON ledger (movement_id) WHERE movement_id IS NOT NULL;
CREATE INDEX ledger_alerts ON ledger (id) WHERE type = 'LowStockAlertTriggered';

CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only (D14): % refused', TG_OP
    USING ERRCODE = 'restrict_violation', HINT = 'A correction is a new entry, with reason and actor.';
END $$;
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();
-- ALWAYS: not even a session that plays a replica (session_replication_role) passes.
ALTER TABLE ledger ENABLE ALWAYS TRIGGER ledger_is_append_only;

CREATE VIEW ledger_entries AS
SELECT id, partition, epoch, sequence, sku, warehouse, version, type, order_id, movement_id, quantity,
  available_before + reserved_before + sold_before AS total_before,
  available_before, reserved_before, sold_before,
  available_change + reserved_change + sold_change AS total_change,
  available_change, reserved_change, sold_change,
  available_before + reserved_before + sold_before + available_change + reserved_change + sold_change AS total_after,
  available_before + available_change AS available_after,
  reserved_before + reserved_change AS reserved_after,
  sold_before + sold_change AS sold_after,
  cause, reason, operation, expires_at, safety_stock, actor, at
FROM ledger;
`;

// Half a page stays free: the rows of hot items change with every chunk, and so they change in place.
const ITEMS = `
CREATE TABLE items (
  sku text COLLATE "C" NOT NULL,
  warehouse text COLLATE "C" NOT NULL,
  total integer NOT NULL,
  available integer NOT NULL,
  reserved integer NOT NULL,
  sold integer NOT NULL,
  safety_stock integer NOT NULL,
  is_low boolean NOT NULL,
  version bigint NOT NULL,
  updated_at timestamptz NOT NULL,
  quarantined_at timestamptz,
  quarantine_reason text,
  parked_events bigint NOT NULL DEFAULT 0,
  CONSTRAINT items_pkey PRIMARY KEY (sku, warehouse),
  CONSTRAINT br_001_available_not_negative CHECK (available >= 0),
  CONSTRAINT br_001_reserved_and_sold_not_negative CHECK (reserved >= 0 AND sold >= 0),
  CONSTRAINT br_004_total_is_the_sum CHECK (total = available + reserved + sold AND total <= 1000000000),
  CONSTRAINT br_005_alert_is_out_below_the_line CHECK (NOT is_low OR available < safety_stock),
  CONSTRAINT version_not_negative CHECK (version >= 0),
  CONSTRAINT quarantine_has_its_reason CHECK ((quarantined_at IS NULL) = (quarantine_reason IS NULL))
) WITH (fillfactor = 50);
`;

// A reservation and its lines are one row, the lines in the text form that the stream and Redis use. Measured as above, CPU
// per hold: 4.0 us; with a table of lines 7.0 (7.6 with an index by item), more than the ledger row itself. SQL lists the
// open holds of an item through the view, over the index of open holds, which costs 0.5 us and which a rebuild needs too. The fill factor keeps a settled row on the page of the open one (update 5.7 us against 6.9 at 100).
const RESERVATIONS = `
CREATE TYPE reservation_status AS ENUM ('ACTIVE', 'CONFIRMED', 'RELEASED', 'EXPIRED');

CREATE TABLE reservations (
  reserved_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  resolved_at timestamptz,
  status reservation_status NOT NULL,
  order_id text COLLATE "C" CONSTRAINT reservations_pkey PRIMARY KEY,
  lines text COLLATE "C" NOT NULL,
  -- NULL where it follows from the hold and its lines, as it does until one of them changes.
  asked text COLLATE "C",
  -- Confirms and releases done, separated by ";".
  operations text COLLATE "C",
  CONSTRAINT br_003_hold_ends_within_a_day
    CHECK (expires_at > reserved_at AND expires_at - reserved_at <= interval '24 hours'),
  CONSTRAINT br_006_resolves_once CHECK ((status = 'ACTIVE') = (resolved_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX reservations_open ON reservations (expires_at) WHERE status = 'ACTIVE';
-- Rows stay where they were reserved, so those resolved lately stand together: a few bytes per 32 pages find them.
CREATE INDEX reservations_resolved ON reservations USING brin (resolved_at) WITH (pages_per_range = 32);

CREATE VIEW open_holds AS
SELECT order_id,
  split_part(line, '@', 1) AS sku,
  split_part(split_part(line, '@', 2), '=', 1) AS warehouse,
  split_part(line, '=', 2)::integer AS quantity,
  reserved_at, expires_at
FROM reservations, unnest(string_to_array(lines, ',')) AS line
WHERE status = 'ACTIVE';
`;

const CARRYING = `
-- Where the ledger stands in each partition's stream (D7). Moved in the transaction that writes the events.
CREATE TABLE partitions (
  partition smallint PRIMARY KEY,
  epoch integer NOT NULL,
  sequence bigint NOT NULL,
  events_total bigint NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT cursor_not_negative CHECK (epoch > 0 AND sequence >= 0 AND events_total >= 0)
);

-- What hot path and ledger disagree about, with the evidence.
CREATE TABLE drift (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sku text COLLATE "C",
  warehouse text COLLATE "C",
  order_id text COLLATE "C",
  kind text NOT NULL,
  detail text NOT NULL,
  evidence jsonb NOT NULL,
  partition smallint NOT NULL,
  epoch integer NOT NULL,
  sequence bigint NOT NULL,
  found_at timestamptz NOT NULL DEFAULT now(),
  resolved_at timestamptz
);
CREATE INDEX drift_open ON drift (id) WHERE resolved_at IS NULL;

-- Event lines of items in quarantine, kept so that they can be booked when the item has been put right.
CREATE TABLE parked_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sku text COLLATE "C" NOT NULL,
  warehouse text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  partition smallint NOT NULL,
  epoch integer NOT NULL,
  sequence bigint NOT NULL,
  event jsonb NOT NULL
);
CREATE INDEX parked_events_of_item ON parked_events (sku, warehouse, id);

-- What the last comparisons of hot path and ledger came to; a few are kept.
CREATE TABLE audits (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  partition smallint NOT NULL,
  started_at timestamptz NOT NULL,
  finished_at timestamptz NOT NULL,
  items_compared integer NOT NULL,
  holds_compared integer NOT NULL,
  verdict text NOT NULL,
  reason text,
  findings_total integer NOT NULL,
  findings jsonb NOT NULL
);

CREATE TABLE warehouses (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  latitude double precision,
  longitude double precision,
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT on_earth CHECK (latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180),
  CONSTRAINT both_coordinates_or_none CHECK ((latitude IS NULL) = (longitude IS NULL))
);
`;

/** Runs the migration, in a transaction of its own. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statements of [LEDGER, ITEMS, RESERVATIONS, CARRYING]) await sql.raw(statements).execute(db);
}
