/**
 * Current states: what the inventory answers where it does not refuse (refusals.ts).
 */
import type { StockLine } from './lines.ts';

export const RESERVATION_STATUSES = ['ACTIVE', 'CONFIRMED', 'RELEASED', 'EXPIRED'] as const;
export type ReservationStatus = (typeof RESERVATION_STATUSES)[number];

/** A reservation as every answer about an order shows it. */
export interface ReservationView {
  readonly orderId: string;
  readonly status: ReservationStatus;
  /** Held units; once CONFIRMED, what was sold; once RELEASED or EXPIRED, what was returned last. */
  readonly lines: readonly StockLine[];
  readonly reservedAtMs: number;
  readonly expiresAtMs: number;
  readonly resolvedAtMs?: number | undefined;
  readonly customerId?: string | undefined;
  readonly saleId?: string | undefined;
  /** Warehouses that were tried first and could not serve, at most SKIPPED_MAX; only in the first answer to a reserve. */
  readonly skipped?: readonly SkippedWarehouse[] | undefined;
}

export const SKIP_REASONS = ['short', 'locked'] as const;
/** A warehouse that could not serve: it had too little of the SKU, or the item is under a stocktake (BR-007). */
export interface SkippedWarehouse {
  readonly sku: string;
  readonly warehouse: string;
  readonly reason: (typeof SKIP_REASONS)[number];
}

/** The stocktake that locks an item, and when the lock ends by itself (BR-007). */
export interface StocktakeLock {
  readonly stocktakeId: string;
  readonly untilMs: number;
}

/** The figures of one item in units; always total = available + reserved + sold (BR-004). */
export interface ItemView {
  readonly sku: string;
  readonly warehouse: string;
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  readonly safetyStock: number;
  readonly version: number;
  readonly stocktake?: StocktakeLock | undefined;
}

export const STOCKTAKE_STATUSES = ['COUNTING', 'COUNTED', 'CANCELLED', 'LAPSED'] as const;
export type StocktakeStatus = (typeof STOCKTAKE_STATUSES)[number];
/** One item of a count sheet. */
export interface StocktakeLine {
  readonly stocktakeId: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly status: StocktakeStatus;
  /** When the lock ends by itself, or would have. */
  readonly untilMs: number;
  /** The total when the item was locked; it does not change under the lock. */
  readonly before: number;
  /** Units found; only once COUNTED. */
  readonly counted?: number | undefined;
  /** Orders whose holds were released to fit the count; only in the first answer. */
  readonly released?: readonly string[] | undefined;
}

export const TRANSFER_STATUSES = ['IN_TRANSIT', 'RECEIVED', 'CANCELLED'] as const;
export type TransferStatus = (typeof TRANSFER_STATUSES)[number];
/** A transfer: quantity = in transit + received + rejected + returned, always. */
export interface TransferView {
  readonly transferId: string;
  readonly status: TransferStatus;
  readonly sku: string;
  readonly from: string;
  readonly to: string;
  readonly quantity: number;
  /** Arrived fit for sale. */
  readonly received: number;
  /** Arrived unfit for sale. */
  readonly rejected: number;
  /** Back in the source after a cancellation. */
  readonly returned: number;
}

/** A sale with its live figures, in units. */
export interface SaleView {
  readonly saleId: string;
  readonly sku: string;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly quantity: number;
  readonly limitPerCustomer: number;
  /** Units that orders can still get in the sale; 0 once it is closed. */
  readonly left: number;
  /** Held, not paid yet. */
  readonly reserved: number;
  readonly sold: number;
  /** Cancelled, or returned by partial confirms. */
  readonly released: number;
  readonly expired: number;
}
