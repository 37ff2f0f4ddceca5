/**
 * What the HTTP room asks of the ledger and the worker, handed in by the composition root: this room imports neither.
 * Promises: small questions with plain answers, times in milliseconds. A reader that rejects is an outage of the ledger.
 * What people decide and no item tells (a warehouse's name, what became of a proposal) is written through here as well.
 */
import type { Warehouse } from '../domain/geography.ts';
import type {
  EventType,
  ReleaseCause,
  StockLine,
  StocktakeLine,
  TransferStatus,
  TransferView,
} from '../domain/language.ts';
import type { HistoryReaders } from './history-readers.ts';

export interface EntriesQuery {
  readonly sku?: string | undefined;
  readonly warehouse?: string | undefined;
  readonly orderId?: string | undefined;
  readonly movementId?: string | undefined;
  readonly transferId?: string | undefined;
  readonly stocktakeId?: string | undefined;
  /** The `next` of the page before. */
  readonly after?: number | undefined;
  readonly limit: number;
}

export interface EntryFigures {
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
}

/** One step of one item. */
export interface EntryView {
  readonly id: number;
  readonly type: EventType;
  readonly sku: string;
  readonly warehouse: string;
  readonly version: number;
  readonly quantity: number;
  readonly before: EntryFigures;
  readonly change: EntryFigures;
  readonly after: EntryFigures;
  readonly orderId?: string | undefined;
  readonly movementId?: string | undefined;
  readonly transferId?: string | undefined;
  readonly stocktakeId?: string | undefined;
  readonly cause?: ReleaseCause | undefined;
  readonly expiresAtMs?: number | undefined;
  readonly safetyStock?: number | undefined;
  readonly actor: string;
  readonly reason?: string | undefined;
  readonly atMs: number;
}

/** Newest first; `next` is null on the last page. */
export interface EntriesPage {
  readonly entries: readonly EntryView[];
  readonly next: number | null;
}

/** What one comparison of hot path and ledger came to. */
export interface ReconciliationView {
  readonly verdict: 'agree' | 'drift' | 'incomplete';
  readonly reason?: string | undefined;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly itemsCompared: number;
  readonly holdsCompared: number;
  readonly findingsTotal: number;
  /** JSON objects. */
  readonly findings: readonly unknown[];
}

export interface WorkerStatus {
  readonly isRunning: boolean;
  readonly committedAtMs: number | undefined;
}

/** Pages go on behind a number, newest first. */
export interface PageQuery {
  /** The `next` of the page before. */
  readonly after?: number | undefined;
  readonly limit: number;
}

export interface TransferRecord extends TransferView {
  readonly actor: string;
  /** Empty where none was given. */
  readonly reason: string;
  readonly dispatchedAtMs: number;
  readonly closedAtMs?: number | undefined;
}

export type ProposalState = 'open' | 'dismissed' | 'transferred';
/** A transfer that a confirmation proposed (調撥). */
export interface ProposalView {
  readonly id: number;
  readonly state: ProposalState;
  readonly orderId: string;
  readonly sku: string;
  readonly from: string;
  readonly to: string;
  readonly quantity: number;
  readonly actor: string;
  readonly atMs: number;
  readonly decidedAtMs?: number | undefined;
  readonly decidedBy?: string | undefined;
}

/** A count sheet and how far it has come. */
export interface SheetView {
  readonly stocktakeId: string;
  readonly startedAtMs: number;
  /** Of the first line. */
  readonly startedBy: string;
  readonly lines: number;
  /** Of {@link lines}: locked and still to be counted. */
  readonly counting: number;
  readonly counted: number;
  readonly cancelled: number;
  readonly lapsed: number;
  /** Units counted less those in the books, over the lines counted. */
  readonly difference: number;
}

export interface SaleRecord {
  readonly saleId: string;
  readonly sku: string;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly quantity: number;
  readonly limitPerCustomer: number;
  readonly scheduledBy: string;
  readonly scheduledAtMs: number;
  readonly closedBy?: string | undefined;
  readonly closedAtMs?: number | undefined;
}

/** A late payment that found no stock. */
export interface ShortfallView {
  readonly orderId: string;
  readonly lines: readonly StockLine[];
  readonly actor: string;
  readonly atMs: number;
  readonly resolution?: string | undefined;
  readonly resolvedBy?: string | undefined;
  readonly resolvedAtMs?: number | undefined;
}

export interface LedgerQueries extends HistoryReaders {
  entries(query: EntriesQuery): Promise<EntriesPage>;
  /** The last comparison; undefined before the first one. */
  reconciliation(): Promise<ReconciliationView | undefined>;
  workerStatus(): Promise<WorkerStatus>;

  /** All of them, by id. */
  warehouses(): Promise<readonly Warehouse[]>;
  putWarehouse(warehouse: Warehouse): Promise<'created' | 'updated'>;
  /** SKUs that stand in a warehouse, by name, at most so many. */
  skusOf(warehouse: string, limit: number): Promise<readonly string[]>;

  /** Waits until the ledger has what the partition decided up to here; false where it has not in this time. */
  waitForSequence(epoch: number, sequence: number, timeoutMs: number): Promise<boolean>;
  /** Orders that hold an item, the newest first, at most so many. */
  newestHolds(sku: string, warehouse: string, limit: number): Promise<readonly string[]>;
  /** The lines of a count sheet; empty where there is none. */
  stocktake(stocktakeId: string): Promise<readonly StocktakeLine[]>;
  /** In the order of their names. @param openOnly those with a line still to be counted */
  stocktakes(query: {
    openOnly: boolean;
    after?: string | undefined;
    limit: number;
  }): Promise<{ stocktakes: readonly SheetView[]; next: string | null }>;

  transfer(transferId: string): Promise<TransferRecord | undefined>;
  transfers(
    query: PageQuery & { status?: TransferStatus | undefined },
  ): Promise<{ transfers: readonly TransferRecord[]; next: number | null }>;
  proposal(id: number): Promise<ProposalView | undefined>;
  proposals(
    query: PageQuery & { state?: ProposalState | undefined },
  ): Promise<{ proposals: readonly ProposalView[]; next: number | null }>;
  /** Settles an open proposal; one that was settled before stays as it is. Undefined where there is none. */
  decideProposal(
    id: number,
    state: 'dismissed' | 'transferred',
    actor: string,
  ): Promise<{ readonly proposal: ProposalView; readonly isDecidedNow: boolean } | undefined>;

  sales(
    query: PageQuery & { sku?: string | undefined },
  ): Promise<{ sales: readonly SaleRecord[]; next: number | null }>;

  shortfalls(
    query: PageQuery & { openOnly: boolean },
  ): Promise<{ shortfalls: readonly ShortfallView[]; next: number | null }>;
  /** Resolves the last case of an order; one that was resolved before stays as it is. Undefined where there is none. */
  resolveShortfall(
    orderId: string,
    resolution: string,
    actor: string,
  ): Promise<{ readonly shortfall: ShortfallView; readonly isResolvedNow: boolean } | undefined>;
}
