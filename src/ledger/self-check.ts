/**
 * The ledger compared with itself: items against their own entries and against the holds that are open.
 * Promises: one snapshot, so nothing that is being written shows as a difference.
 */
import type pg from 'pg';

/** An item whose figures do not follow from what the ledger itself holds. */
export interface SelfDifference {
  readonly sku: string;
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
    if (withEntries) {
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
