/**
 * What an import of stock does with a row: a receipt under the row's movement id, then its safety stock. Promises: a row
 * that an earlier run did, however long ago, changes nothing and says so (BR-006); the larger part of the backlog is left to
 * the sales: while the ledger is late, the import waits.
 */
import type { Issue } from '../domain/inputs/declare.ts';
import { QUANTITY_MAX, type Refusal } from '../domain/language.ts';
import type { HotInventory } from '../hotpath/hot-inventory.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { MovementRecord } from '../ledger/read/movements.ts';
import type { ImportRetry } from './import-retry.ts';
import type { RowKind } from './import-run.ts';
import { DONE, REPLAYED, type RowOutcome } from './outcomes.ts';
import type { Fields } from './records.ts';
import { movementIdOf, ROWS_MAX, readStockRow, STOCK_COLUMNS, type StockRow } from './stock-rows.ts';

export interface StockImportParts {
  readonly hot: HotInventory;
  readonly ledger: Pick<Ledger, 'movementRecords' | 'movementRecordsBetween'>;
  readonly retry: ImportRetry;
  /** Names the movements of rows that have no id of their own. */
  readonly importName: string;
  /** Events that the ledger may lack before the import waits for it. */
  readonly backlogEventsMax: number;
}

type Known = ReadonlyMap<string, MovementRecord>;

/** Who acts, in the ledger. */
const ACTOR = 'import';
const RECEIVED = 'InventoryReceived';

/** The rows of a file of stock. */
export class StockImport implements RowKind<StockRow, Known> {
  readonly columns = STOCK_COLUMNS;
  readonly #parts: StockImportParts;

  constructor(parts: StockImportParts) {
    this.#parts = parts;
  }

  read(fields: Fields, row: number): StockRow | readonly Issue[] {
    if (row > ROWS_MAX) return [{ path: 'row', message: `a file has at most ${ROWS_MAX} rows: split it` }];
    return readStockRow(fields, movementIdOf(this.#parts.importName, row));
  }

  /** The hot path forgets a movement after its tombstone; repeated, it would be drift. */
  async lookUp(rows: readonly StockRow[]): Promise<Known> {
    const { ledger, retry } = this.#parts;
    const own: string[] = [];
    const made: string[] = [];
    for (const { movementId, hasOwnId } of rows) (hasOwnId ? own : made).push(movementId);
    const [first, last] = [made[0], made.at(-1)];
    const records = await retry.query(async () => [
      ...(await ledger.movementRecords(own)),
      ...(first && last ? await ledger.movementRecordsBetween(first, last) : []),
    ]);
    return new Map(records.map((record) => [record.movementId, record]));
  }

  async room(): Promise<void> {
    const { hot, retry, backlogEventsMax } = this.#parts;
    let backlog = hot.head?.backlogEvents ?? 0;
    if (backlog <= backlogEventsMax) return;
    while (backlog > backlogEventsMax / 2) {
      await retry.wait(`the ledger is ${backlog} events behind: is a worker running?`);
      const before = backlog;
      backlog = (await retry.query(() => hot.sweep(0))).backlogEvents;
      if (backlog < before) retry.progressed();
    }
  }

  async send(row: StockRow, known: Known): Promise<RowOutcome> {
    const { movementId, sku, warehouse, quantity, reason, safetyStock } = row;
    const record = known.get(movementId);
    if (record) return isRecordOf(row, record) ? this.#finish(row, record.version) : CONFLICT;
    if (quantity === 0) return NOTHING;
    const { hot, retry } = this.#parts;
    const decision = await retry.decision(() =>
      hot.receive({ movementId, sku, warehouse, quantity, reason, actor: ACTOR }),
    );
    if (decision.outcome === 'refused') return refused(decision.refusal);
    if (decision.replayed) return this.#finish(row, decision.value.version);
    const isSet = safetyStock === undefined || safetyStock === decision.value.safetyStock;
    return isSet ? DONE : this.#setSafetyStock(row, safetyStock, DONE);
  }

  /**
   * Finishes a row that was received before. Its safety stock may still be missing, if the run that received it ended in
   * between; but one that was set since is not overwritten.
   */
  async #finish(row: StockRow, version: number): Promise<RowOutcome> {
    const { sku, warehouse, safetyStock } = row;
    if (safetyStock === undefined) return REPLAYED;
    const decision = await this.#parts.retry.decision(() => this.#parts.hot.item(sku));
    if (decision.outcome === 'refused') return REPLAYED;
    const item = decision.value.warehouses.find((one) => one.warehouse === warehouse);
    if (!item || item.safetyStock === safetyStock) return REPLAYED;
    if (item.version === version) {
      const detail = 'an earlier run received it; its safety stock was still missing';
      return this.#setSafetyStock(row, safetyStock, { ...DONE, detail });
    }
    const detail = `its safety stock stays at ${item.safetyStock}: the item has changed since it was received`;
    return { ...REPLAYED, detail };
  }

  async #setSafetyStock(row: StockRow, quantity: number, outcome: RowOutcome): Promise<RowOutcome> {
    const { hot, retry } = this.#parts;
    const { sku, warehouse } = row;
    const decision = await retry.decision(() =>
      hot.setSafetyStock({ sku, warehouse, quantity, actor: ACTOR }),
    );
    if (decision.outcome === 'done') return outcome;
    const { code, detail } = refused(decision.refusal);
    return { outcome: 'refused', code, detail: `received, but its safety stock was not set: ${detail}` };
  }
}

const NOTHING: RowOutcome = { ...DONE, detail: 'quantity 0: nothing was received' };

const CONFLICT = refused({ code: 'movement-conflict' });

function isRecordOf(row: StockRow, record: MovementRecord): boolean {
  return (
    record.type === RECEIVED &&
    record.sku === row.sku &&
    record.warehouse === row.warehouse &&
    record.quantity === row.quantity &&
    record.reason === row.reason
  );
}

function refused(refusal: Refusal): RowOutcome {
  return { outcome: 'refused', code: refusal.code, detail: refusalText(refusal) };
}

/** What is wrong, and what to do about it. */
function refusalText(refusal: Refusal): string {
  switch (refusal.code) {
    case 'movement-conflict':
      return 'another movement was booked under this id: give the row a movementId of its own, or the import another --name';
    case 'quantity-limit-exceeded':
      return `the item has ${refusal.total} units, and with these more than ${QUANTITY_MAX}: correct the quantity`;
    case 'quarantined':
      return 'the item is in quarantine: see "An item is quarantined" in docs/operations.md';
    default:
      return `the engine refused it: ${JSON.stringify(refusal)}`;
  }
}
