/** Rows of warehouses: an id, a name and a place. Promises: as stock-rows.ts. */
import { isOnEarth, type Warehouse } from '../domain/geography.ts';
import { declare, type Issue, strict } from '../domain/inputs/declare.ts';
import { inUtf8, printable, warehouse } from '../domain/inputs/fields.ts';
import type { Columns, Fields } from './records.ts';

export const WAREHOUSE_COLUMNS: Columns = {
  required: ['warehouse', 'name'],
  optional: ['latitude', 'longitude'],
  ignored: [],
  numbers: ['latitude', 'longitude'],
};

const NAME_LENGTH_MAX = 200;

const warehouseRow = declare(
  strict({ warehouse: inUtf8(warehouse), name: inUtf8(printable(1, NAME_LENGTH_MAX)) }),
);

/** The warehouse of a record, or what is wrong with it. */
export function readWarehouseRow(fields: Fields): Warehouse | readonly Issue[] {
  const { warehouse, name, latitude, longitude } = fields;
  const issues = warehouseRow.issues(fields);
  const named = { id: String(warehouse), name: String(name) };
  if (latitude === undefined && longitude === undefined) return issues.length > 0 ? issues : named;
  if (typeof latitude !== 'number' || typeof longitude !== 'number' || !isOnEarth({ latitude, longitude })) {
    const message = 'give latitude and longitude in degrees, -90 to 90 and -180 to 180, or neither';
    return [...issues, { path: 'latitude, longitude', message }];
  }
  return issues.length > 0 ? issues : { ...named, latitude, longitude };
}
