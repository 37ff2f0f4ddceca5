/**
 * What one transaction brings to the ledger: judged events and what they come to, from one cursor to the next.
 * Promises nothing by itself; commit.ts writes all of it or none. Refuses to know: how it was judged.
 */
import type { InventoryItem } from '../../domain/inventory-item.ts';
import type { EventLine, StockEvent } from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import type { Documents } from './documents.ts';

/** One event line with the item as it stood before and after: one row of the ledger. */
export interface LedgerRow {
  readonly sequence: number;
  readonly event: StockEvent;
  readonly line: EventLine;
  readonly before: InventoryItem;
  readonly after: InventoryItem;
}

/** An item the chunk changed or put in quarantine. */
export interface ItemWrite {
  readonly item: InventoryItem;
  /** The version it was judged from, which must still stand (the seed's optimistic lock); undefined: no row yet. */
  readonly expectedVersion: number | undefined;
  /** When its last event was decided. */
  readonly atMs: number;
  /** Why it goes into quarantine with this chunk; undefined: it does not. */
  readonly quarantineReason: string | undefined;
  /** Event lines this chunk parked or, beyond the bound, only counted. */
  readonly parkedEvents: number;
}

/** An event line of an item in quarantine, kept beside the ledger. */
export interface ParkedEvent {
  readonly sku: string;
  readonly warehouse: string;
  readonly version: number;
  readonly sequence: number;
  /** JSON. */
  readonly event: string;
}

export const DRIFT_KINDS = [
  /** The event is not the next of its item. */
  'version-gap',
  /** The aggregate would not have allowed it: the detail names the rule. */
  'not-allowed',
  /** The item the script left is not the one the aggregate came to. */
  'checkpoint-mismatch',
  /** The reservation would not have allowed it. */
  'reservation-not-allowed',
  /** The transfer would not have allowed it: more arrived or turned round than was in transit, or it is not known. */
  'transfer-not-allowed',
  /** A stream entry that cannot be read. */
  'unreadable-entry',
  /** The same goods were moved twice, after the hot path had forgotten the first time (BR-006). */
  'movement-repeated',
  /** SQL refused what the aggregate had allowed. */
  'refused-by-sql',
  /** Not wrong, but worth knowing: an order id was used again after its tombstone had ended. */
  'order-id-reused',
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** What was found, with its evidence. */
export interface Finding {
  readonly kind: DriftKind;
  readonly sku?: string | undefined;
  readonly warehouse?: string | undefined;
  readonly orderId?: string | undefined;
  /** One sentence for a person. */
  readonly detail: string;
  /** The raw event, what was expected and what was found, as JSON values. */
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly partition: number;
  readonly epoch: number;
  readonly sequence: number;
}

export interface LedgerChunk {
  readonly partition: number;
  readonly epoch: number;
  /** The ledger must stand exactly here. */
  readonly fromSequence: number;
  readonly toSequence: number;
  /** Events of the epoch up to `toSequence`. */
  readonly eventsTotal: number;
  readonly rows: readonly LedgerRow[];
  readonly items: readonly ItemWrite[];
  /** Orders the ledger has no reservation of. */
  readonly newReservations: readonly Reservation[];
  /** Stood ACTIVE in the ledger and ended as a whole: lines and deadline are as they were. Most end so. */
  readonly settledReservations: readonly Reservation[];
  /** Stood ACTIVE in the ledger and changed in any other way. */
  readonly changedReservations: readonly Reservation[];
  /** Stood EXPIRED in the ledger and heard of a payment that came too late. */
  readonly paidLateReservations: readonly Reservation[];
  /** Order ids that are used again: the old life, resolved, gives way. */
  readonly reusedReservations: readonly Reservation[];
  /** Undefined where the chunk has none, as most. */
  readonly documents: Documents | undefined;
  readonly findings: readonly Finding[];
  readonly parked: readonly ParkedEvent[];
}
