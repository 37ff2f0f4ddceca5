/**
 * What an import of warehouses does with a row: first into the ledger, from which a rebuild loads, then into the engine.
 * Promises: a warehouse that is already as the row says is not written, and the outcome says so.
 */
import type { Warehouse } from '../domain/geography.ts';
import type { WarehousePlaces } from '../hotpath/warehouse-places.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { WAREHOUSES_MAX } from '../ledger/read/warehouses.ts';
import type { ImportRetry } from './import-retry.ts';
import type { RowKind } from './import-run.ts';
import { DONE, REPLAYED, type RowOutcome } from './outcomes.ts';
import { readWarehouseRow, WAREHOUSE_COLUMNS } from './warehouse-rows.ts';

export interface WarehouseImportParts {
  /** The engine's copy. */
  readonly places: Pick<WarehousePlaces, 'put'>;
  readonly ledger: Pick<Ledger, 'warehouses' | 'putWarehouse'>;
  readonly retry: ImportRetry;
}

/** The rows of a file of warehouses. */
export class WarehouseImport implements RowKind<Warehouse, undefined> {
  readonly columns = WAREHOUSE_COLUMNS;
  readonly read = readWarehouseRow;
  readonly #parts: WarehouseImportParts;
  /** As the ledger has them, with those of this file. */
  #known: Map<string, Warehouse> | undefined;
  readonly #inFile = new Set<string>();

  constructor(parts: WarehouseImportParts) {
    this.#parts = parts;
  }

  async lookUp(): Promise<undefined> {
    const { ledger, retry } = this.#parts;
    this.#known ??= new Map(
      (await retry.query(() => ledger.warehouses())).map((warehouse) => [warehouse.id, warehouse]),
    );
  }

  async room(): Promise<void> {}

  async send(warehouse: Warehouse): Promise<RowOutcome> {
    const { places, ledger, retry } = this.#parts;
    const { id } = warehouse;
    const known = this.#known ?? new Map<string, Warehouse>();
    const before = known.get(id);
    if (this.#inFile.has(id)) return TWICE;
    if (!before && known.size >= WAREHOUSES_MAX) return TOO_MANY;
    this.#inFile.add(id);
    known.set(id, warehouse);
    const isSame = before !== undefined && isSamePlace(before, warehouse);
    if (!isSame) await retry.query(() => ledger.putWarehouse(warehouse));
    // Also where the ledger has it: an earlier run may have ended in between.
    await retry.query(() => places.put(warehouse));
    retry.progressed();
    return isSame ? REPLAYED : DONE;
  }
}

const TWICE: RowOutcome = {
  outcome: 'invalid',
  detail: 'warehouse: it is in this file twice: keep one of them',
};
const TOO_MANY: RowOutcome = {
  outcome: 'refused',
  detail: `there are ${WAREHOUSES_MAX} warehouses, and more are not kept`,
};

function isSamePlace(a: Warehouse, b: Warehouse): boolean {
  return a.name === b.name && a.latitude === b.latitude && a.longitude === b.longitude;
}
