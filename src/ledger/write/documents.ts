/**
 * Documents: business records that have an id of their own and a table of their own besides the ledger's entries, namely
 * transfers and proposals of them, lines of count sheets, sales, and shortfalls (payments that came too late and found no
 * stock). A document follows from events and is written in their transaction. Refuses to know: statements.
 */
import type { StockLine, StocktakeLine, TransferView } from '../../domain/language.ts';

/** A transfer from one warehouse to another. */
export interface TransferDocument extends TransferView {
  /** Receipts done, so that a repeat is known. */
  readonly operations: readonly string[];
  readonly reason: string;
  /** Who dispatched it. */
  readonly actor: string;
  readonly dispatchedAtMs: number;
  /** Undefined while anything is in transit. */
  readonly closedAtMs: number | undefined;
}

/** A proposed transfer (調撥): a warehouse served what another one should have. */
export interface ProposalWrite {
  readonly orderId: string;
  readonly sku: string;
  readonly from: string;
  readonly to: string;
  readonly quantity: number;
  readonly actor: string;
  readonly atMs: number;
}

/** One line of a count sheet, an item, from its lock to its end. */
export interface StocktakeDocument extends Omit<StocktakeLine, 'released'> {
  readonly startedBy: string;
  readonly startedAtMs: number;
  readonly reason: string;
  readonly endedBy: string | undefined;
  readonly endedAtMs: number | undefined;
}

/** How a line that was locked in an earlier chunk ended. */
export type StocktakeEnd = Pick<
  StocktakeDocument,
  'stocktakeId' | 'sku' | 'warehouse' | 'status' | 'counted' | 'reason'
> & {
  readonly endedBy: string;
  readonly endedAtMs: number;
};

/** A flash sale as it was scheduled. */
export interface SaleDocument {
  readonly saleId: string;
  readonly sku: string;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly quantity: number;
  /** 0: no limit. */
  readonly limitPerCustomer: number;
  readonly scheduledBy: string;
  readonly scheduledAtMs: number;
  /** By whom it was closed before its time; undefined: it was not. */
  readonly closedBy: string | undefined;
  readonly closedAtMs: number | undefined;
}

/** A sale that was closed before its time. */
export interface SaleEnd {
  readonly saleId: string;
  readonly closedBy: string;
  readonly closedAtMs: number;
}

/** A payment that came too late and found no stock: people have to resolve it. */
export interface ShortfallWrite {
  readonly orderId: string;
  /** What was paid. */
  readonly lines: readonly StockLine[];
  readonly actor: string;
  readonly atMs: number;
}

/** A later payment of the same order found stock. */
export interface ShortfallEnd {
  readonly orderId: string;
  readonly actor: string;
  readonly atMs: number;
}

/** The resolution of a shortfall that a later payment resolved by itself. */
export const RESOLVED_BY_REACQUIRING = 'reacquired';

/** The documents of one chunk, each in its last state. */
export interface Documents {
  readonly newTransfers: readonly TransferDocument[];
  /** IN_TRANSIT in the ledger. */
  readonly changedTransfers: readonly TransferDocument[];
  /** Ended in the ledger, and dispatched again under the same id: the new one takes its place. */
  readonly reusedTransfers: readonly TransferDocument[];
  readonly proposals: readonly ProposalWrite[];
  /** Locked in this chunk. */
  readonly stocktakes: readonly StocktakeDocument[];
  readonly endedStocktakes: readonly StocktakeEnd[];
  /** Scheduled in this chunk. */
  readonly sales: readonly SaleDocument[];
  readonly closedSales: readonly SaleEnd[];
  readonly shortfalls: readonly ShortfallWrite[];
  /** Written after {@link Documents.shortfalls}. */
  readonly resolvedShortfalls: readonly ShortfallEnd[];
}
