/**
 * What the inventory answers: the current state of a thing, or a refusal with its figures. Values, never thrown.
 */
import type { StockLine } from './lines.ts';

// Current states -------------------------------------------------------------------------------------------

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

// An expected no -------------------------------------------------------------------------------------------

/** One short line: `available` is the most that one order could get of it now. */
export interface Shortage {
  readonly sku: string;
  readonly warehouse?: string | undefined;
  readonly requested: number;
  readonly available: number;
}

interface Named {
  readonly sku: string;
  readonly warehouse?: string | undefined;
}
export interface LockedItem extends StocktakeLock {
  readonly sku: string;
  readonly warehouse: string;
}

/** An expected no. A value, never thrown. */
export type Refusal =
  | { readonly code: 'insufficient-stock'; readonly shortages: readonly Shortage[] }
  | { readonly code: 'unknown-item'; readonly items: readonly Named[] }
  | { readonly code: 'order-conflict' }
  | { readonly code: 'movement-conflict' }
  | { readonly code: 'unknown-reservation' }
  | { readonly code: 'reservation-expired'; readonly reservation: ReservationView }
  | { readonly code: 'already-released'; readonly reservation: ReservationView }
  | { readonly code: 'already-confirmed'; readonly reservation: ReservationView }
  | {
      readonly code: 'exceeds-reservation';
      readonly excess: readonly { sku: string; requested: number; held: number }[];
    }
  | { readonly code: 'lifetime-exceeded'; readonly latestExpiresAtMs: number }
  | { readonly code: 'too-many-partial-releases' }
  | { readonly code: 'paid-but-short'; readonly shortages: readonly Shortage[] }
  | { readonly code: 'quantity-limit-exceeded'; readonly total: number }
  | { readonly code: 'exceeds-sold'; readonly sold: number }
  | { readonly code: 'version-conflict'; readonly version: number }
  | { readonly code: 'stocktake-in-progress'; readonly items: readonly LockedItem[] }
  | { readonly code: 'unknown-stocktake' }
  | { readonly code: 'stocktake-ended'; readonly status: StocktakeStatus }
  | { readonly code: 'stocktake-full' }
  | {
      readonly code: 'count-below-committed';
      readonly counted: number;
      readonly reserved: number;
      readonly sold: number;
    }
  | { readonly code: 'unknown-transfer' }
  | { readonly code: 'transfer-conflict' }
  | { readonly code: 'transfer-ended'; readonly transfer: TransferView }
  | { readonly code: 'exceeds-transit'; readonly inTransit: number }
  | { readonly code: 'too-many-receipts' }
  | { readonly code: 'unknown-sale' }
  | { readonly code: 'sale-conflict' }
  | { readonly code: 'too-many-sales' }
  | { readonly code: 'sale-not-open'; readonly opensAtMs: number }
  | { readonly code: 'sale-closed'; readonly closesAtMs: number }
  | { readonly code: 'customer-required' }
  | {
      readonly code: 'purchase-limit-exceeded';
      readonly limit: number;
      readonly held: number;
      readonly bought: number;
    }
  | { readonly code: 'ledger-backlog' }
  | { readonly code: 'quarantined'; readonly items: readonly Named[] };
export type RefusalCode = Refusal['code'];
export const REFUSAL_CODES = [
  'insufficient-stock',
  'unknown-item',
  'order-conflict',
  'movement-conflict',
  'unknown-reservation',
  'reservation-expired',
  'already-released',
  'already-confirmed',
  'exceeds-reservation',
  'lifetime-exceeded',
  'too-many-partial-releases',
  'paid-but-short',
  'quantity-limit-exceeded',
  'exceeds-sold',
  'version-conflict',
  'stocktake-in-progress',
  'unknown-stocktake',
  'stocktake-ended',
  'stocktake-full',
  'count-below-committed',
  'unknown-transfer',
  'transfer-conflict',
  'transfer-ended',
  'exceeds-transit',
  'too-many-receipts',
  'unknown-sale',
  'sale-conflict',
  'too-many-sales',
  'sale-not-open',
  'sale-closed',
  'customer-required',
  'purchase-limit-exceeded',
  'ledger-backlog',
  'quarantined',
] as const satisfies readonly RefusalCode[];

/** What a command comes to: done (now, or already by an earlier try) or refused. */
export type Decision<T> =
  | { readonly outcome: 'done'; readonly replayed: boolean; readonly value: T }
  | { readonly outcome: 'refused'; readonly refusal: Refusal };
