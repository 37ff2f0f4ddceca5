/**
 * Reads the figures of items: from Redis by key, from the ledger by row, and from the sums of the ledger's entries.
 */
import type { Redis } from 'ioredis';
import type pg from 'pg';
import { encodeId } from '../domain/id.ts';
import type { PartitionKeys } from '../hotpath/keys.ts';

export interface ProofSources {
  readonly redis: Redis;
  readonly postgres: pg.Pool;
  readonly keys: PartitionKeys;
}

export interface Figures {
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  readonly version: number;
}
export const FIGURES = ['total', 'available', 'reserved', 'sold', 'version'] as const;

/** An item in the ledger, and sums of its entries. */
export interface LedgerFigures extends Figures {
  /** Units ever received. */
  readonly received: number;
  /** Units that must be in the warehouse, by the goods that moved and by stocktakes. */
  readonly moved: number;
  readonly rows: number;
}

/**
 * Items as Redis has them, by `sku@warehouse`.
 * @param differences gets a sentence for each item that cannot be read
 */
export async function hotFigures(
  { redis, keys }: ProofSources,
  skus: readonly string[],
  differences: string[],
): Promise<Map<string, Figures>> {
  const found = new Map<string, Figures>();
  for (const sku of skus) {
    for (const [warehouse, text] of Object.entries(await redis.hgetall(keys.sku(sku)))) {
      if (warehouse.startsWith('*')) continue; // a flash sale of the SKU
      const name = `${encodeId(sku)}@${warehouse}`;
      const numbers = text.split(' ').slice(0, 7).map(Number); // after them comes the lock of a stocktake
      const [total, available, reserved, sold, version] = numbers;
      if (numbers.some((number) => !Number.isSafeInteger(number)) || version === undefined) {
        differences.push(`${name}: cannot be read in Redis: ${JSON.stringify(text)}`);
        continue;
      }
      found.set(name, {
        total: total ?? Number.NaN,
        available: available ?? Number.NaN,
        reserved: reserved ?? Number.NaN,
        sold: sold ?? Number.NaN,
        version,
      });
    }
  }
  return found;
}

// How an entry changed the units in the warehouse, by its type and quantity and not by the counters it wrote.
const MOVED = `sum(CASE
  WHEN type IN ('InventoryReceived', 'InventoryReturned', 'TransferReceived', 'TransferCancelled') THEN quantity
  WHEN type IN ('InventoryIssued', 'InventoryShipped', 'TransferDispatched') THEN -quantity
  WHEN type IN ('StocktakeCompleted', 'InventoryCorrected')
    THEN quantity - available_before - reserved_before - sold_before
  WHEN type = 'InventoryRealigned' THEN available_change + reserved_change + sold_change
  ELSE 0 END)`;

/**
 * Items as the ledger has them, by `sku@warehouse`, each checked against the sums of its own entries.
 * @param differences gets a sentence for each sum that is wrong
 */
export async function ledgerFigures(
  { postgres }: ProofSources,
  skus: readonly string[],
  differences: string[],
): Promise<Map<string, LedgerFigures>> {
  const { rows } = await postgres.query(
    `SELECT i.sku, i.warehouse, i.total, i.available, i.reserved, i.sold, i.version, l.*
       FROM items i LEFT JOIN LATERAL (
         SELECT count(*) AS rows, max(version) AS last, count(DISTINCT version) AS versions,
           coalesce(sum(quantity) FILTER (WHERE type = 'InventoryRealigned'), 0) AS passed_over,
           sum(available_change) AS available_sum, sum(reserved_change) AS reserved_sum, sum(sold_change) AS sold_sum,
           coalesce(${MOVED}, 0) AS total_sum,
           coalesce(sum(quantity) FILTER (WHERE type = 'InventoryReceived'), 0) AS received
         FROM ledger WHERE ledger.sku = i.sku AND ledger.warehouse = i.warehouse) l ON true
      WHERE i.sku = ANY($1)`,
    [skus],
  );
  const found = new Map<string, LedgerFigures>();
  for (const row of rows as Record<string, unknown>[]) {
    const number = (column: string) => Number(row[column]);
    const name = `${encodeId(String(row.sku))}@${encodeId(String(row.warehouse))}`;
    for (const figure of ['total', 'available', 'reserved', 'sold']) {
      if (number(figure) !== number(`${figure}_sum`)) {
        differences.push(`${name}: ${figure} is ${row[figure]}, its entries come to ${row[`${figure}_sum`]}`);
      }
    }
    if (
      number('rows') + number('passed_over') !== number('version') ||
      number('versions') !== number('rows') ||
      number('last') !== number('version')
    ) {
      differences.push(
        `${name}: ${row.rows} entries up to version ${row.last}, but the item is at ${row.version}`,
      );
    }
    found.set(name, {
      total: number('total'),
      available: number('available'),
      reserved: number('reserved'),
      sold: number('sold'),
      version: number('version'),
      received: number('received'),
      moved: number('total_sum'),
      rows: number('rows'),
    });
  }
  return found;
}

// Without transfers: goods that have left one warehouse and not arrived in the other are in transit.
const SUMS = `SELECT sku, sum(i.total) AS total,
    (SELECT coalesce(sum(quantity - received - rejected - returned), 0) FROM transfers t WHERE t.sku = i.sku) AS transit,
    (SELECT coalesce(sum(CASE
        WHEN type IN ('InventoryReceived', 'InventoryReturned') THEN quantity
        WHEN type IN ('InventoryIssued', 'InventoryShipped') THEN -quantity
        WHEN type IN ('StocktakeCompleted', 'InventoryCorrected')
          THEN quantity - available_before - reserved_before - sold_before
        WHEN type = 'InventoryRealigned' THEN available_change + reserved_change + sold_change
        ELSE 0 END), 0) FROM ledger l WHERE l.sku = i.sku) AS moved
  FROM items i WHERE sku = ANY($1) GROUP BY sku`;

/**
 * Checks that no goods are in two places or in none: total over all warehouses + in transit = received - issued - shipped +
 * returned + differences of stocktakes. @param differences gets a sentence for each SKU where it is not so
 */
export async function compareSums(
  { postgres }: ProofSources,
  skus: readonly string[],
  differences: string[],
): Promise<void> {
  const { rows } = await postgres.query(SUMS, [skus]);
  for (const { sku, total, transit, moved } of rows as Record<string, unknown>[]) {
    if (Number(total) + Number(transit) === Number(moved)) continue;
    differences.push(
      `${sku}: ${total} in all warehouses and ${transit} in transit, but received - issued - shipped + returned + ` +
        `counted differences come to ${moved}`,
    );
  }
}
