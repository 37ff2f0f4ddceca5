/**
 * The event type of a repair. Apart from the constraints that use it, because Postgres lets a new value of an enum be used
 * only after its transaction.
 */
import { type Kysely, sql } from 'kysely';

/** Runs the migration, in a transaction of its own. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TYPE event_type ADD VALUE 'InventoryRealigned'`.execute(db);
}
