/**
 * What one transaction writes to the ledger: checked events and the state they lead to, from one cursor to the next.
 * Promises nothing by itself; commit.ts writes all of it or none. Refuses to know: how it was checked.
 */
import type { InventoryItem } from '../../domain/inventory-item.ts';
import type { EventLine, StockEvent } from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import type { LedgerCursor } from '../cursor.ts';
import type { Documents } from './documents.ts';

/** One event line with the item before and after it: one row of the ledger. */
export interface LedgerRow {
  /** Of the stream entry: the entries of one chunk may be of several epochs. */
  readonly epoch: number;
  readonly sequence: number;
  readonly event: StockEvent;
  readonly line: EventLine;
  readonly before: InventoryItem;
  readonly after: InventoryItem;
}

/** An item the chunk changed or put in quarantine. */
export interface ItemWrite {
  readonly item: InventoryItem;
  /** The version the worker started from, which the row must still have (optimistic lock); undefined: no row yet. */
  readonly expectedVersion: number | undefined;
  /** When its last event was decided. */
  readonly atMs: number;
  /** Why this chunk puts it into quarantine; undefined: it does not. */
  readonly quarantineReason: string | undefined;
  /** Event lines that this chunk parked or, above the limit, only counted. */
  readonly parkedEvents: number;
}

/** An event line of an item in quarantine, kept apart from the ledger until a person decides. */
export interface ParkedEvent {
  readonly sku: string;
  readonly warehouse: string;
  readonly version: number;
  readonly epoch: number;
  readonly sequence: number;
  /** JSON. */
  readonly event: string;
}

/** What a finding may be about. */
export const DRIFT_KINDS = [
  /** The event is not the next of its item. */
  'version-gap',
  /** The aggregate would not have allowed it: the detail names the rule. */
  'not-allowed',
  /** The item that the script left differs from what the aggregate computes. */
  'checkpoint-mismatch',
  /** The reservation would not have allowed it. */
  'reservation-not-allowed',
  /** The transfer would not have allowed it: more arrived or was returned than was in transit, or it is not known. */
  'transfer-not-allowed',
  /** A stream entry that cannot be read. */
  'unreadable-entry',
  /** SQL refused what the aggregate had allowed. */
  'refused-by-sql',
  /** Not wrong, but worth knowing: an order id was used again after its record in Redis had expired. */
  'order-id-reused',
  /**
   * The same for a movement and a transfer (BR-006). The same content is a repeat, which counts once: the worker takes it back
   * where it can. Other content stays, for somebody was told that it is done.
   */
  'movement-id-reused',
  'transfer-id-reused',
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** Findings that stop no item: an id was used again when the hot path had forgotten it. */
export const REUSED_KINDS: ReadonlySet<DriftKind> = new Set([
  'order-id-reused',
  'movement-id-reused',
  'transfer-id-reused',
]);

/** How a repeat is taken back: by the opposite movement, or by cancelling the transfer. */
export type TakeBack =
  | {
      readonly by: 'issue' | 'receive';
      readonly id: string;
      readonly sku: string;
      readonly warehouse: string;
      readonly quantity: number;
    }
  | { readonly by: 'cancel-transfer'; readonly id: string };

/** Something that hot path and ledger disagree about, with its evidence. */
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

/** All that one transaction writes. */
export interface LedgerChunk {
  readonly partition: number;
  /** The newest epoch that was written for the partition: a worker that does not know it is no longer the one. */
  readonly verifiedEpoch: Pick<LedgerCursor, 'nonce'> & { readonly number: number };
  /** Of its last entry. */
  readonly epoch: number;
  /** The cursor must be exactly here, and the link of the entry there this one. */
  readonly fromSequence: number;
  readonly fromLink: string | undefined;
  readonly toSequence: number;
  readonly toLink: string | undefined;
  /** Of each entry in order, `-` for one that has none; or none at all. */
  readonly links: readonly string[];
  /** Events of the partition up to `toSequence`. */
  readonly eventsTotal: number;
  readonly rows: readonly LedgerRow[];
  readonly items: readonly ItemWrite[];
  /** Orders the ledger has no reservation of. */
  readonly newReservations: readonly Reservation[];
  /** ACTIVE in the ledger, ended as a whole: lines and deadline are as they were. Most end so. */
  readonly settledReservations: readonly Reservation[];
  /** ACTIVE in the ledger, changed in any other way. */
  readonly changedReservations: readonly Reservation[];
  /** EXPIRED in the ledger, then paid too late. */
  readonly paidLateReservations: readonly Reservation[];
  /** Order ids that are used again: the new reservation replaces the resolved one. */
  readonly reusedReservations: readonly Reservation[];
  /** Undefined where the chunk has none, which is the usual case. */
  readonly documents: Documents | undefined;
  readonly findings: readonly Finding[];
  readonly parked: readonly ParkedEvent[];
}
