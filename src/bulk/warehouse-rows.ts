/** Rows of warehouses: a name, and where it stands. Promises: as stock-rows.ts. */
import { isOnEarth, type Warehouse } from '../domain/geography.ts';
import { type Issue, Reader } from '../domain/input-reader.ts';
import type { Columns, Fields } from './records.ts';

export const WAREHOUSE_COLUMNS: Columns = {
  required: ['warehouse', 'name'],
  optional: ['latitude', 'longitude'],
  ignored: [],
  numbers: ['latitude', 'longitude'],
};

const NAME_LENGTH_MAX = 200;

export function readWarehouseRow(fields: Fields): Warehouse | readonly Issue[] {
  const { name, latitude, longitude } = fields;
  const read = new Reader();
  const id = read.id('warehouse', fields.warehouse);
  if (!isName(name)) {
    const message = `use 1 to ${NAME_LENGTH_MAX} printable characters, in a file that is saved as UTF-8`;
    read.issues.push({ path: 'name', message });
  }
  if (latitude === undefined && longitude === undefined) {
    return read.issues.length > 0 ? read.issues : { id, name: String(name) };
  }
  if (typeof latitude !== 'number' || typeof longitude !== 'number' || !isOnEarth({ latitude, longitude })) {
    const message = 'give latitude and longitude in degrees, -90 to 90 and -180 to 180, or neither';
    read.issues.push({ path: 'latitude, longitude', message });
    return read.issues;
  }
  return read.issues.length > 0 ? read.issues : { id, name: String(name), latitude, longitude };
}

function isName(name: unknown): boolean {
  return (
    typeof name === 'string' &&
    name.trim() !== '' &&
    name.length <= NAME_LENGTH_MAX &&
    !/[\p{Cc}\p{Cs}\ufffd]/u.test(name)
  );
}
