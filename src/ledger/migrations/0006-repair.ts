/**
 * What the repair of an item needs: the entry by which a person realigns it, and what became of each parked event.
 * Promises: parked events are never deleted, they are evidence.
 */
import { type Kysely, sql } from 'kysely';

// Of an entry that realigns, the quantity is how many versions it passes over, and its total may move without goods.
const LEDGER = `
ALTER TABLE ledger
  DROP CONSTRAINT quantity_in_range,
  ADD CONSTRAINT quantity_in_range CHECK (quantity BETWEEN 1 AND 1000000000 OR quantity = 0 AND type IN ('SafetyStockSet',
    'LowStockAlertTriggered', 'InventoryCorrected', 'StocktakeStarted', 'StocktakeCompleted', 'StocktakeCancelled',
    'StocktakeLapsed', 'InventoryRealigned')),
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
    WHEN 'InventoryRealigned' THEN reason IS NOT NULL
    ELSE available_change + reserved_change + sold_change = 0 END);
`;

const PARKED = `
ALTER TABLE parked_events
  ADD COLUMN settled_at timestamptz,
  ADD COLUMN settled_as text COLLATE "C",
  ADD CONSTRAINT settled_in_one_way CHECK ((settled_at IS NULL) = (settled_as IS NULL)
    AND settled_as IN ('booked', 'left-out'));
`;

/** Runs the migration, in a transaction of its own. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statements of [LEDGER, PARKED]) await sql.raw(statements).execute(db);
}
