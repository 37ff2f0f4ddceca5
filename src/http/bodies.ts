/**
 * Views as JSON bodies: times as ISO 8601, derived figures added.
 * Refuses to know: routes, status codes, and where a view comes from.
 */
import type {
  ItemView,
  ReservationView,
  SaleView,
  StocktakeLine,
  StocktakeLock,
  TransferView,
} from '../domain/language.ts';
import type { SkuView } from '../hotpath/hot-inventory.ts';

/** ISO 8601 of milliseconds since 1970. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
/** As {@link iso}, for a time that may be absent. */
export function isoOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : iso(ms);
}

// Orders ---------------------------------------------------------------------------------------------------

/** Answers of one batch share their instants, so the last text is mostly the next one. */
function rememberingIso(): (ms: number) => string {
  let lastMs = Number.NaN;
  let lastText = '';
  return (ms) => {
    if (ms !== lastMs) {
      lastText = iso(ms);
      lastMs = ms;
    }
    return lastText;
  };
}
const reservedAt = rememberingIso();
const expiresAt = rememberingIso();

/** Why these warehouses serve: their distance, and the warehouses that were skipped. */
export interface AllocationBody {
  readonly lines: readonly { sku: string; warehouse: string; distanceKm?: number | undefined }[];
  readonly passedBy: readonly {
    sku: string;
    warehouse: string;
    reason: string;
    distanceKm?: number | undefined;
  }[];
}

/** A reservation with its times as ISO 8601. */
export function reservationBody(view: ReservationView, allocation?: AllocationBody) {
  const { orderId, status, lines, reservedAtMs, expiresAtMs, resolvedAtMs, customerId, saleId } = view;
  return {
    orderId,
    status,
    lines,
    reservedAt: reservedAt(reservedAtMs),
    expiresAt: expiresAt(expiresAtMs),
    resolvedAt: resolvedAtMs === undefined ? undefined : iso(resolvedAtMs),
    customerId,
    saleId,
    allocation,
  };
}

// Stock ----------------------------------------------------------------------------------------------------

function lockBody(lock: StocktakeLock | undefined) {
  return lock && { stocktakeId: lock.stocktakeId, until: iso(lock.untilMs) };
}

/** One item. */
export function itemBody({ stocktake, ...item }: ItemView) {
  return { ...item, stocktake: lockBody(stocktake) };
}

/** One SKU over all its warehouses. */
export function skuBody({ warehouses, ...sums }: SkuView) {
  return {
    ...sums,
    warehouses: warehouses.map(({ stocktake, ...item }) => ({ ...item, stocktake: lockBody(stocktake) })),
  };
}

// Stocktakes -----------------------------------------------------------------------------------------------

/** One line of a count sheet. */
export function stocktakeLineBody(line: StocktakeLine) {
  const { sku, warehouse, status, untilMs, before, counted } = line;
  const difference = counted === undefined ? undefined : counted - before;
  return { sku, warehouse, status, until: iso(untilMs), before, counted, difference };
}

/** A count sheet with its progress. */
export function sheetBody(stocktakeId: string, lines: readonly StocktakeLine[]) {
  return { stocktakeId, progress: progressOf(lines), lines: lines.map(stocktakeLineBody) };
}

function progressOf(lines: readonly StocktakeLine[]) {
  const progress = { total: lines.length, counted: 0, cancelled: 0, lapsed: 0, open: 0 };
  for (const { status } of lines) progress[PROGRESS_OF[status]]++;
  return progress;
}
const PROGRESS_OF = {
  COUNTING: 'open',
  COUNTED: 'counted',
  CANCELLED: 'cancelled',
  LAPSED: 'lapsed',
} as const;

/** A counted line; `released` is known in the first answer only. */
export function countBody({ sku, warehouse, before, counted = before, released }: StocktakeLine) {
  return { sku, warehouse, before, counted, difference: counted - before, released };
}

// Transfers ------------------------------------------------------------------------------------------------

/** A transfer with the units in transit. */
export function transferBody(view: TransferView) {
  const { transferId, status, sku, from, to, quantity, received, rejected, returned } = view;
  const inTransit = quantity - received - rejected - returned;
  return { transferId, status, sku, from, to, quantity, inTransit, received, rejected, returned };
}

// Sales ----------------------------------------------------------------------------------------------------

export const SALE_STATES = ['upcoming', 'open', 'closed'] as const;
export type SaleState = (typeof SALE_STATES)[number];

/** @param nowMs by the store's clock */
export function saleStateOf(sale: { opensAtMs: number; closesAtMs: number }, nowMs: number): SaleState {
  if (nowMs >= sale.closesAtMs) return 'closed';
  return nowMs < sale.opensAtMs ? 'upcoming' : 'open';
}

/** A sale with its live figures. @param nowMs by the store's clock */
export function saleBody(sale: SaleView, nowMs: number) {
  const { opensAtMs, closesAtMs, reserved, sold, released, expired, ...rest } = sale;
  const everHeld = reserved + sold + released + expired;
  return {
    ...rest,
    opensAt: iso(opensAtMs),
    closesAt: iso(closesAtMs),
    state: saleStateOf(sale, nowMs),
    reserved,
    sold,
    released,
    expired,
    // Of all units ever held; before the first there is nothing to divide.
    conversion: everHeld === 0 ? null : sold / everHeld,
  };
}
