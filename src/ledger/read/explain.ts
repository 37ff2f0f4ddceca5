/**
 * Explains an item's figures: the opening, the sum of every type of entry, the holds. Promises: all of it is from one
 * snapshot of the ledger; the parts are checked against the whole, and a sentence says whether they add up.
 * Refuses to know: the hot path, which may be a moment ahead.
 */
import type pg from 'pg';
import {
  EVENT_TYPES,
  EVENTS,
  type EventType,
  type ItemView,
  lineStart,
  RELEASE_CAUSES,
  type ReleaseCause,
} from '../../domain/language.ts';
import { type AsOf, entryThen, itemAsOf, type Moment, type NotThen } from './as-of.ts';
import { checkOf, type EntrySum, type Explanation, type HoldsThen, type Opening } from './explanation.ts';
import type { LedgerEntry } from './ledger-entry.ts';
import { members, type RowOf } from './members.ts';
import { pageRows } from './pages.ts';
import type { OpenHold } from './queries.ts';
import { inSnapshot, isTimeOut, type Snapshot } from './snapshot.ts';
import { type ItemName, type LedgerItem, loadItems } from './worker-queries.ts';

/** The longest one query may take: enough to add up some million entries. */
const STATEMENT_MS_MAX = 5_000;

/** What to explain. */
export interface ExplainQuery extends ItemName {
  /** Explains the item as it was then; left out: as it is now. */
  readonly moment?: Moment | undefined;
  /** Only entries after this moment are added up; left out: all. */
  readonly since?: Moment | undefined;
  /** Holds that are listed, 1 to 1,000; all are counted. */
  readonly holdsMax: number;
}

/** An explanation, or why there is none. */
export type ExplainAnswer =
  | ({ readonly outcome: 'explained' } & Explanation)
  | NotThen
  /** `since` is later than the version that is explained. */
  | { readonly outcome: 'since-is-later'; readonly version: number }
  /** The history is too long to be added up at once: the caller names a `since`. */
  | { readonly outcome: 'too-long'; readonly msMax: number };

const SUMS = `
SELECT type, cause, count(*) AS entries, sum(quantity) AS quantity, sum(available_change) AS available,
    sum(reserved_change) AS reserved, sum(sold_change) AS sold
  FROM ledger WHERE sku = $1 AND warehouse = $2 AND version > $3 AND version <= $4
  GROUP BY type, cause`;

const AND_ALL_HOLDS = 'count(*) OVER () AS count, (sum(quantity) OVER ())::bigint AS units';
const LATEST_FIRST = 'ORDER BY expires_at DESC, order_id LIMIT';

// From the reservations and not from the entries: so one account is checked against another. The text of the lines is
// searched first, because splitting it costs five times more.
const HOLDS_NOW = `
SELECT order_id, quantity, reserved_at, expires_at, ${AND_ALL_HOLDS}
  FROM (SELECT order_id, sum(quantity) AS quantity, reserved_at, expires_at FROM reservations, order_lines(lines)
    WHERE status = 'ACTIVE' AND strpos(lines, $3) > 0 AND sku = $1 AND warehouse = $2
    GROUP BY order_id) AS held
 ${LATEST_FIRST} $4`;

// A reservation says what it is now, not what it was: what an order held then is the sum of its entries.
const HOLDS_THEN = `
SELECT order_id, quantity, reserved_at, expires_at, ${AND_ALL_HOLDS}
  FROM (SELECT order_id, sum(reserved_change) AS quantity, max(expires_at) AS expires_at,
      max(at) FILTER (WHERE type = 'InventoryReserved') AS reserved_at
    FROM ledger WHERE sku = $1 AND warehouse = $2 AND version <= $3 AND order_id IS NOT NULL
    GROUP BY order_id HAVING sum(reserved_change) <> 0) AS held
 ${LATEST_FIRST} $4`;

/** Explains an item. @throws an outage, and {RangeError} where more holds are to be listed than may be */
export async function explain(pool: pg.Pool, query: ExplainQuery): Promise<ExplainAnswer> {
  pageRows(query.holdsMax);
  try {
    return await inSnapshot(pool, STATEMENT_MS_MAX, (snapshot) => explainIn(snapshot, query));
  } catch (error) {
    if (isTimeOut(error)) return { outcome: 'too-long', msMax: STATEMENT_MS_MAX };
    throw error;
  }
}

/** The item as it was at a moment, and the last entry until then. @throws an outage */
export function asOf(pool: pg.Pool, name: ItemName, moment: Moment): Promise<AsOf> {
  return inSnapshot(pool, STATEMENT_MS_MAX, (snapshot) => itemAsOf(snapshot, name, moment));
}

interface Found {
  readonly outcome: 'found';
  readonly item: ItemView;
  readonly entry: LedgerEntry | undefined;
  readonly quarantine?: LedgerItem['quarantine'];
}

async function explainIn(snapshot: Snapshot, query: ExplainQuery): Promise<ExplainAnswer> {
  const { moment, since, holdsMax } = query;
  const found: Found | NotThen = moment
    ? await itemAsOf(snapshot, query, moment)
    : await itemNow(snapshot, query);
  if (found.outcome !== 'found') return found;
  const { item, entry, quarantine } = found;
  const opening = since ? await openingAt(snapshot, query, since) : NOTHING;
  if (opening === undefined || opening.version > item.version) {
    return { outcome: 'since-is-later', version: item.version };
  }
  const sums = await sumsOf(snapshot, item, opening.version);
  const holds = await holdsOf(snapshot, item, moment === undefined, holdsMax);
  const check = checkOf(item, opening, sums, holds, quarantine !== undefined);
  return { outcome: 'explained', item, entry, opening, sums, holds, check };
}

async function itemNow(snapshot: Snapshot, name: ItemName): Promise<Found | NotThen> {
  const [found] = await loadItems(snapshot, [name]);
  if (!found) return { outcome: 'unknown-item' };
  const { item, quarantine } = found;
  const last = await entryThen(snapshot, name, { version: item.version });
  return { outcome: 'found', item, entry: last.outcome === 'found' ? last.entry : undefined, quarantine };
}

const NOTHING: Opening = { version: 0, atMs: undefined, total: 0, available: 0, reserved: 0, sold: 0 };

/** Undefined where the item has no such version. */
async function openingAt(snapshot: Snapshot, name: ItemName, since: Moment): Promise<Opening | undefined> {
  if ('version' in since && since.version === 0) return NOTHING;
  const then = await entryThen(snapshot, name, since);
  if (then.outcome === 'before-first-entry') return NOTHING;
  if (then.outcome !== 'found') return undefined;
  const { version, atMs, after } = then.entry;
  return { version, atMs, ...after };
}

async function sumsOf(snapshot: Snapshot, item: ItemView, fromVersion: number): Promise<EntrySum[]> {
  const { sku, warehouse, version } = item;
  const { rows } = await snapshot.query<{
    type: EventType;
    cause: ReleaseCause | null;
    entries: number;
    quantity: number;
    available: number;
    reserved: number;
    sold: number;
  }>(SUMS, [sku, warehouse, fromVersion, version]);
  const place = ({ type, cause }: EntrySum) =>
    EVENT_TYPES.indexOf(type) * (RELEASE_CAUSES.length + 1) + (cause ? RELEASE_CAUSES.indexOf(cause) : 0);
  return rows
    .map(({ type, cause, entries, quantity, available, reserved, sold }) => ({
      type,
      cause: cause ?? undefined,
      entries,
      quantity: EVENTS[type].lines === 'levels' && type !== 'InventoryRealigned' ? undefined : quantity,
      change: { total: available + reserved + sold, available, reserved, sold },
    }))
    .sort((a, b) => place(a) - place(b));
}

async function holdsOf(
  snapshot: Snapshot,
  { sku, warehouse, version }: ItemView,
  isNow: boolean,
  holdsMax: number,
): Promise<HoldsThen> {
  const { rows } = await snapshot.query<RowOf<OpenHold> & { count: number; units: number }>(
    isNow ? HOLDS_NOW : HOLDS_THEN,
    [sku, warehouse, isNow ? lineStart({ sku, warehouse }) : version, holdsMax],
  );
  return {
    count: rows[0]?.count ?? 0,
    quantity: rows[0]?.units ?? 0,
    list: rows.map(({ count, units, ...hold }) => members(hold)),
  };
}
