/** Warehouses: a name, and the coordinates by which the nearest one is found. */
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Warehouse } from '../../domain/geography.ts';
import type { LedgerSchema } from '../schema.ts';

/** Far more than a company has; a longer list is a mistake. */
export const WAREHOUSES_MAX = 10_000;

/** Writes a warehouse, new or known. */
export async function putWarehouse(
  db: Kysely<LedgerSchema>,
  warehouse: Warehouse,
): Promise<'created' | 'updated'> {
  const { id, name, latitude = null, longitude = null } = warehouse;
  // xmax is 0 in a row that was inserted, and the updating transaction in one that existed.
  const { rows } = await sql<{ created: boolean }>`
    INSERT INTO warehouses (id, name, latitude, longitude) VALUES (${id}, ${name}, ${latitude}, ${longitude})
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, latitude = excluded.latitude,
      longitude = excluded.longitude, updated_at = now()
    RETURNING xmax = 0 AS created`.execute(db);
  return rows[0]?.created ? 'created' : 'updated';
}

/** All warehouses, by id. */
export async function listWarehouses(db: Kysely<LedgerSchema>): Promise<Warehouse[]> {
  const rows = await db
    .selectFrom('warehouses')
    .select(['id', 'name', 'latitude', 'longitude'])
    .orderBy('id')
    .limit(WAREHOUSES_MAX)
    .execute();
  return rows.map(({ id, name, latitude, longitude }) => ({
    id,
    name,
    latitude: latitude ?? undefined,
    longitude: longitude ?? undefined,
  }));
}
