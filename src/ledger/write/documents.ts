/**
 * Documents beside the ledger: what people look for by a name of its own and no item tells, a transfer on its way, a
 * count sheet, a sale, a payment that came too late. All of it follows from events, and is written with them.
 * Refuses to know: statements.
 */
import type { StockLine, StocktakeLine, TransferView } from '../../domain/language.ts';

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

/** 調撥: a warehouse served what another should have, and the goods may follow. */
export interface ProposalWrite {
  readonly orderId: string;
  readonly sku: string;
  readonly from: string;
  readonly to: string;
  readonly quantity: number;
  readonly actor: string;
  readonly atMs: number;
}

/** One item of a count sheet, from the lock to how it ended. */
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
  /** Where somebody closed it before its time. */
  readonly closedBy: string | undefined;
  readonly closedAtMs: number | undefined;
}

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

/** The order got its goods after all. */
export interface ShortfallEnd {
  readonly orderId: string;
  readonly actor: string;
  readonly atMs: number;
}

/** What stands as the resolution of a shortfall that a later payment resolved by itself. */
export const RESOLVED_BY_REACQUIRING = 'reacquired';

/** What one chunk brings; of each document where it ends. */
export interface Documents {
  readonly newTransfers: readonly TransferDocument[];
  /** Stood IN_TRANSIT in the ledger. */
  readonly changedTransfers: readonly TransferDocument[];
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
