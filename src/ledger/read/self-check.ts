/**
 * Compares the ledger with itself: items with their entries and with the open holds, locks with count sheets.
 * Promises: one snapshot, so nothing that is being written shows as a difference.
 */
import type pg from 'pg';
import { inSnapshot } from './snapshot.ts';

/** An item whose figures do not follow from what the ledger itself holds. */
export interface SelfDifference {
  readonly sku: string;
  /** Empty where it is about all of them together. */
  readonly warehouse: string;
  readonly version: number;
  readonly detail: string;
}

/** Findings spelled out; a ledger with more has one cause, not many. */
const DIFFERENCES_MAX = 1_000;

// Open holds add up to what is reserved, for every item that is not in quarantine.
const HOLDS = `
SELECT i.sku, i.warehouse, i.version, i.reserved, coalesce(h.held, 0) AS held
  FROM items i
  FULL JOIN (SELECT sku, warehouse, sum(quantity) AS held FROM open_holds GROUP BY 1, 2) h USING (sku, warehouse)
 WHERE coalesce(i.reserved, -1) <> coalesce(h.held, 0) AND i.quarantined_at IS NULL
 LIMIT ${DIFFERENCES_MAX}`;

// An item is the sum of its entries, and there is one entry for each of its versions but those that a repair passed over.
const ENTRIES = `
SELECT i.sku, i.warehouse, i.version, l.rows, l.last,
    i.available - l.available AS available_off, i.reserved - l.reserved AS reserved_off, i.sold - l.sold AS sold_off
  FROM items i
  JOIN (SELECT sku, warehouse, count(*) AS rows,
          coalesce(sum(quantity) FILTER (WHERE type = 'InventoryRealigned'), 0) AS passed_over, max(version) AS last, sum(available_change) AS available,
          sum(reserved_change) AS reserved, sum(sold_change) AS sold FROM ledger GROUP BY 1, 2) l USING (sku, warehouse)
 WHERE i.available <> l.available OR i.reserved <> l.reserved OR i.sold <> l.sold OR i.version <> l.last
    OR i.version <> l.rows + l.passed_over
 LIMIT ${DIFFERENCES_MAX}`;

// BR-007: an item is locked as long as its sheet says that it is being counted.
const LOCKS = `
SELECT coalesce(i.sku, s.sku) AS sku, coalesce(i.warehouse, s.warehouse) AS warehouse, i.version, i.stocktake_id AS locked_by,
    s.stocktake_id AS counted_by
  FROM (SELECT * FROM items WHERE stocktake_id IS NOT NULL) i
  FULL JOIN (SELECT * FROM stocktake_lines WHERE status = 'COUNTING') s USING (stocktake_id, sku, warehouse)
 WHERE (i.stocktake_id IS NULL OR s.stocktake_id IS NULL)
   AND NOT EXISTS (SELECT FROM items q WHERE q.quarantined_at IS NOT NULL
     AND q.sku = coalesce(i.sku, s.sku) AND q.warehouse = coalesce(i.warehouse, s.warehouse))
 LIMIT ${DIFFERENCES_MAX}`;

// Where somebody realigned an item, its goods are what was said then, and not what had moved. Elsewhere no unit is in two places or in none: what is in all warehouses and in transit between them is what came in, less what
// left, plus what counts found.
const GOODS = `
SELECT sku, i.total, coalesce(t.transit, 0) AS transit, l.moved
  FROM (SELECT sku, sum(total) AS total FROM items GROUP BY sku HAVING bool_and(quarantined_at IS NULL)) i
  JOIN (SELECT sku, sum(CASE type
      WHEN 'InventoryReceived' THEN quantity
      WHEN 'InventoryReturned' THEN quantity
      WHEN 'InventoryIssued' THEN -quantity
      WHEN 'InventoryShipped' THEN -quantity
      WHEN 'StocktakeCompleted' THEN available_change + reserved_change + sold_change
      WHEN 'InventoryCorrected' THEN available_change + reserved_change + sold_change
      ELSE 0 END) AS moved FROM ledger GROUP BY sku HAVING NOT bool_or(type = 'InventoryRealigned')) l USING (sku)
  LEFT JOIN (SELECT sku, sum(in_transit) AS transit FROM transfers WHERE status = 'IN_TRANSIT' GROUP BY sku) t USING (sku)
 WHERE i.total + coalesce(t.transit, 0) <> l.moved
 LIMIT ${DIFFERENCES_MAX}`;

type Row = Readonly<Record<string, string | number | null>> & { readonly sku: string };
interface Check {
  readonly query: string;
  /** As slow as the ledger is long. */
  readonly addsUpEntries: boolean;
  readonly detailOf: (row: Row) => string;
}

const CHECKS: readonly Check[] = [
  {
    query: HOLDS,
    addsUpEntries: false,
    detailOf: ({ reserved, held }) =>
      `the ledger has ${reserved ?? 'no item and nothing'} reserved, its open holds come to ${held}`,
  },
  {
    query: LOCKS,
    addsUpEntries: false,
    detailOf: ({ locked_by, counted_by }) =>
      locked_by === null
        ? `stocktake ${counted_by} is counting the item, which is not locked by it`
        : `stocktake ${locked_by} has locked the item, and does not count it`,
  },
  {
    query: GOODS,
    addsUpEntries: true,
    detailOf: ({ total, transit, moved }) =>
      `${total} units are in all warehouses and ${transit} in transit, but received - issued - shipped + returned + ` +
      `counted differences come to ${moved}`,
  },
  {
    query: ENTRIES,
    addsUpEntries: true,
    detailOf: ({ rows, last, available_off, reserved_off, sold_off }) =>
      `the ledger's entries (${rows}, up to version ${last}) do not come to the item: available off by ` +
      `${available_off}, reserved by ${reserved_off}, sold by ${sold_off}`,
  },
];

/** All differences. @param withEntries also adds up every entry of the ledger: exact, and as slow as the ledger is long */
export function selfCheck(pool: pg.Pool, withEntries: boolean): Promise<SelfDifference[]> {
  return inSnapshot(pool, undefined, async (snapshot) => {
    const found: SelfDifference[] = [];
    for (const { query, addsUpEntries, detailOf } of CHECKS) {
      if (addsUpEntries && !withEntries) continue;
      for (const row of (await snapshot.query<Row>(query)).rows) {
        const { sku, warehouse, version } = row;
        found.push({
          sku,
          warehouse: String(warehouse ?? ''),
          version: Number(version ?? 0),
          detail: detailOf(row),
        });
      }
    }
    return found;
  });
}
