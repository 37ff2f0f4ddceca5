/**
 * What the HTTP room asks of the ledger and the worker, handed in by the composition root: this room imports neither.
 * Promises: small questions with plain answers, times in milliseconds. A reader that rejects is an outage of the ledger.
 */
import type { EventType, ReleaseCause } from '../domain/language.ts';

export interface EntriesQuery {
  readonly sku?: string | undefined;
  readonly warehouse?: string | undefined;
  readonly orderId?: string | undefined;
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

export interface LedgerReaders {
  entries(query: EntriesQuery): Promise<EntriesPage>;
  /** The last comparison; undefined before the first one. */
  reconciliation(): Promise<ReconciliationView | undefined>;
  workerStatus(): Promise<WorkerStatus>;
}
