/**
 * An item as it was at a version or a time, with the last entry until then. Promises: it is found by key, by time as well,
 * so a long history costs only a few look-ups more than a short one; where there is no answer, a value says why.
 * Refuses to know: the hot path, which may be a moment ahead.
 */
import type { Selectable } from 'kysely';
import type { ItemView } from '../../domain/language.ts';
import type { LedgerEntriesView } from '../schema.ts';
import { type LedgerEntry, readEntry } from './ledger-entry.ts';
import type { Snapshot } from './snapshot.ts';
import type { ItemName } from './worker-queries.ts';

/** A version of an item, or a time in milliseconds since 1970. */
export type Moment = { readonly version: number } | { readonly atMs: number };

/** Why there is no such item at that moment. */
export type NotThen =
  | { readonly outcome: 'unknown-item' }
  /** The time is before its first entry, which is of `firstAtMs`. */
  | { readonly outcome: 'before-first-entry'; readonly firstAtMs: number }
  /** The ledger has the item up to `newest` only. */
  | { readonly outcome: 'no-such-version'; readonly newest: number };

/** An item at a moment. */
export type AsOf =
  | { readonly outcome: 'found'; readonly item: ItemView; readonly entry: LedgerEntry }
  | NotThen;

/** The last entry of an item until a moment. */
export type EntryThen = { readonly outcome: 'found'; readonly entry: LedgerEntry } | NotThen;

const OF_ITEM = 'sku = $1 AND warehouse = $2';

const SPAN = `
SELECT (SELECT version FROM ledger WHERE ${OF_ITEM} ORDER BY version LIMIT 1) AS first,
  (SELECT version FROM ledger WHERE ${OF_ITEM} ORDER BY version DESC LIMIT 1) AS newest`;

const ENTRY = `SELECT * FROM ledger_entries WHERE ${OF_ITEM} AND version = $3`;

// There is no index by item and time, and none is needed: the versions of an item are in the order of time, so a binary
// search over the index by version finds the last one that is not later. A repair passes versions over, so each look takes
// the last entry until there. Where a rebuild with another clock has set time
// back a little (D10), the entry after the one found is later all the same.
const VERSION_AT = `
WITH RECURSIVE search (low, high) AS (
    SELECT $4::bigint, $5::bigint
     WHERE EXISTS (SELECT FROM ledger WHERE ${OF_ITEM} AND version = $4 AND at <= to_timestamp($3::float8))
  UNION ALL
    SELECT CASE WHEN probe.is_late THEN low ELSE middle END, CASE WHEN probe.is_late THEN middle - 1 ELSE high END
      FROM search
      CROSS JOIN LATERAL (SELECT (low + high + 1) / 2 AS middle) AS halves
      CROSS JOIN LATERAL (SELECT at > to_timestamp($3::float8) AS is_late FROM ledger
        WHERE ${OF_ITEM} AND version <= middle ORDER BY version DESC LIMIT 1) AS probe
     WHERE low < high)
SELECT (SELECT version FROM ledger WHERE ${OF_ITEM} AND version <= low ORDER BY version DESC LIMIT 1) AS version
  FROM search WHERE low = high`;

// What entries say of an item besides its counters: the last of each kind, newest first over the index by version. An
// index of these entries alone would save 0.1 s where half a million others come first, and cost every write.
const LEVELS = `
SELECT lock.stocktake_id, lock.expires_at AS stocktake_until,
    (SELECT CASE type WHEN 'SafetyStockSet' THEN quantity ELSE safety_stock END FROM ledger
      WHERE ${OF_ITEM} AND version <= $3 AND type IN ('SafetyStockSet', 'InventoryRealigned')
      ORDER BY version DESC LIMIT 1) AS safety_stock
  FROM (VALUES (1)) AS one
  LEFT JOIN LATERAL (SELECT type, stocktake_id, expires_at FROM ledger
    WHERE ${OF_ITEM} AND version <= $3 AND (stocktake_id IS NOT NULL OR type = 'InventoryRealigned')
    ORDER BY version DESC LIMIT 1) AS lock ON lock.type = 'StocktakeStarted'`;

/** Finds the last entry of an item until a moment. */
export async function entryThen(
  snapshot: Snapshot,
  { sku, warehouse }: ItemName,
  moment: Moment,
): Promise<EntryThen> {
  const span = await snapshot.query<{ first: number | null; newest: number | null }>(SPAN, [sku, warehouse]);
  const { first = null, newest = null } = span.rows[0] ?? {};
  if (first === null || newest === null) return { outcome: 'unknown-item' };
  let version: number | undefined;
  if ('version' in moment) {
    ({ version } = moment);
  } else {
    const values = [sku, warehouse, moment.atMs / 1_000, first, newest];
    version = (await snapshot.query<{ version: number }>(VERSION_AT, values)).rows[0]?.version;
  }
  const { rows } = await snapshot.query<Selectable<LedgerEntriesView>>(ENTRY, [
    sku,
    warehouse,
    version ?? first,
  ]);
  if (!rows[0]) return { outcome: 'no-such-version', newest };
  const entry = readEntry(rows[0]);
  return version === undefined
    ? { outcome: 'before-first-entry', firstAtMs: entry.atMs }
    : { outcome: 'found', entry };
}

/** Computes the item right after one of its entries. */
export async function itemAfter(snapshot: Snapshot, entry: LedgerEntry): Promise<ItemView> {
  const { sku, warehouse, version, after } = entry;
  const { rows } = await snapshot.query<{
    safety_stock: number | null;
    stocktake_id: string | null;
    stocktake_until: number | null;
  }>(LEVELS, [sku, warehouse, version]);
  const { safety_stock = null, stocktake_id = null, stocktake_until = null } = rows[0] ?? {};
  const stocktake =
    stocktake_id === null || stocktake_until === null
      ? undefined
      : { stocktakeId: stocktake_id, untilMs: stocktake_until };
  return { sku, warehouse, ...after, safetyStock: safety_stock ?? 0, version, stocktake };
}

/** Finds the item as it was at a moment. */
export async function itemAsOf(snapshot: Snapshot, name: ItemName, moment: Moment): Promise<AsOf> {
  const then = await entryThen(snapshot, name, moment);
  if (then.outcome !== 'found') return then;
  return { ...then, item: await itemAfter(snapshot, then.entry) };
}
