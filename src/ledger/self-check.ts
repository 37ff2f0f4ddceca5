/**
 * The ledger compared with itself: items against their own entries and against the holds that are open.
 * Promises: one snapshot, so nothing that is being written shows as a difference.
 */
import type pg from 'pg';

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

// An item is the sum of its entries, and there is one entry for each of its versions.
const ENTRIES = `
SELECT i.sku, i.warehouse, i.version, l.rows, l.last,
    i.available - l.available AS available_off, i.reserved - l.reserved AS reserved_off, i.sold - l.sold AS sold_off
  FROM items i
  JOIN (SELECT sku, warehouse, count(*) AS rows, max(version) AS last, sum(available_change) AS available,
          sum(reserved_change) AS reserved, sum(sold_change) AS sold FROM ledger GROUP BY 1, 2) l USING (sku, warehouse)
 WHERE i.available <> l.available OR i.reserved <> l.reserved OR i.sold <> l.sold OR i.version <> l.last OR i.version <> l.rows
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

// Nothing is in two places or in none: what stands in all warehouses and what is on its way between them is what came in,
// less what left, and what people counted.
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
      ELSE 0 END) AS moved FROM ledger GROUP BY sku) l USING (sku)
  LEFT JOIN (SELECT sku, sum(in_transit) AS transit FROM transfers WHERE status = 'IN_TRANSIT' GROUP BY sku) t USING (sku)
 WHERE i.total + coalesce(t.transit, 0) <> l.moved
 LIMIT ${DIFFERENCES_MAX}`;

interface LockRow {
  readonly sku: string;
  readonly warehouse: string;
  readonly version: number | null;
  readonly locked_by: string | null;
  readonly counted_by: string | null;
}
interface GoodsRow {
  readonly sku: string;
  readonly total: number;
  readonly transit: number;
  readonly moved: number;
}

/** @param withEntries also adds up every entry of the ledger: exact, and as slow as the ledger is long */
export async function selfCheck(pool: pg.Pool, withEntries: boolean): Promise<SelfDifference[]> {
  const client = await pool.connect();
  let isDone = false;
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const holds = await client.query<{
      sku: string;
      warehouse: string;
      version: number | null;
      reserved: number | null;
      held: number;
    }>(HOLDS);
    const found: SelfDifference[] = holds.rows.map(({ sku, warehouse, version, reserved, held }) => ({
      sku,
      warehouse,
      version: version ?? 0,
      detail: `the ledger has ${reserved ?? 'no item and nothing'} reserved, its open holds come to ${held}`,
    }));
    const locks = await client.query<LockRow>(LOCKS);
    for (const { sku, warehouse, version, locked_by, counted_by } of locks.rows) {
      const detail =
        locked_by === null
          ? `stocktake ${counted_by} is counting the item, which is not locked by it`
          : `stocktake ${locked_by} has locked the item, and does not count it`;
      found.push({ sku, warehouse, version: version ?? 0, detail });
    }
    if (withEntries) {
      const goods = await client.query<GoodsRow>(GOODS);
      for (const { sku, total, transit, moved } of goods.rows) {
        const detail =
          `${total} units stand in all warehouses and ${transit} are in transit, but received - issued - shipped + ` +
          `returned + counted differences come to ${moved}`;
        found.push({ sku, warehouse: '', version: 0, detail });
      }
      const entries = await client.query<
        Record<string, unknown> & { sku: string; warehouse: string; version: number }
      >(ENTRIES);
      for (const row of entries.rows) {
        found.push({
          sku: row.sku,
          warehouse: row.warehouse,
          version: row.version,
          detail:
            `the ledger's entries (${row.rows}, up to version ${row.last}) do not come to the item: available off by ` +
            `${row.available_off}, reserved by ${row.reserved_off}, sold by ${row.sold_off}`,
        });
      }
    }
    await client.query('COMMIT');
    isDone = true;
    return found;
  } finally {
    client.release(!isDone);
  }
}
