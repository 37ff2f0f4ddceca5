/**
 * Event types of warehouse work. Apart from the tables that use them, because Postgres lets a new value of an enum be used
 * only after its transaction; and added to the enum that exists, because another one would rewrite the ledger.
 */
import { type Kysely, sql } from 'kysely';

const EVENT_TYPES = [
  'InventoryReacquired',
  'PaymentCameShort',
  'InventoryIssued',
  'InventoryShipped',
  'InventoryReturned',
  'ReturnWrittenOff',
  'InventoryCorrected',
  'StocktakeStarted',
  'StocktakeCompleted',
  'StocktakeCancelled',
  'StocktakeLapsed',
  'TransferDispatched',
  'TransferReceived',
  'TransferCancelled',
];

/** Runs the migration, in a transaction of its own. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const type of EVENT_TYPES) {
    await sql`ALTER TYPE event_type ADD VALUE ${sql.lit(type)}`.execute(db);
  }
  await sql`ALTER TYPE release_cause ADD VALUE 'shortfall'`.execute(db);
}
