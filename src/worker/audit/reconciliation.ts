/**
 * Compares hot path and ledger at the same version (D14): under load the ledger is late, never different, so a difference
 * is real. Promises: no false alarm from traffic; where the ledger does not catch up the result is `incomplete`, not a
 * guess; it only reads. What it finds is corrected by people or by a rebuild.
 */
import { compareSales, compareTransfers } from './audit-documents.ts';
import { addHistoryFindings, type HistoryReport, readHistory } from './audit-history.ts';
import { compareHolds } from './audit-holds.ts';
import { compareItems, findUnknownItems } from './audit-items.ts';
import { compareConfirmed } from './audit-orders.ts';
import { type AuditFinding, type AuditOptions, Auditor, type AuditParts, Incomplete } from './auditor.ts';

export type { AuditFinding, AuditOptions, AuditParts } from './auditor.ts';

/** The result of one audit. */
export interface Audit {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly epoch: number;
  readonly itemsCompared: number;
  readonly holdsCompared: number;
  /** Transfers in transit and sales. */
  readonly documentsCompared: number;
  /** Confirmed ones of Redis. */
  readonly ordersCompared: number;
  /** What is lost or went its own way. What nobody has acknowledged is among the findings. */
  readonly history: HistoryReport;
  /** At most {@link FINDINGS_MAX}; `findingsTotal` counts all. */
  readonly findings: readonly AuditFinding[];
  readonly findingsTotal: number;
  /** `incomplete`: the ledger did not catch up, or the partition is not open and verified; nothing wrong was found so far. */
  readonly verdict: 'agree' | 'drift' | 'incomplete';
  readonly reason?: string | undefined;
}

const SHORT_HISTORY = { withReviewed: false, withOrders: false };

/** Compares all items, and what the options add. @throws where a store is away */
export async function audit(parts: AuditParts, options: AuditOptions): Promise<Audit> {
  const auditor = new Auditor(parts, options);
  const startedAtMs = Date.now();
  // Needs no Redis, so it is known whatever the state of Redis is.
  const history = await readHistory(parts.ledger, parts.keys.partition, options.history ?? SHORT_HISTORY);
  addHistoryFindings(auditor, history);
  let reason: string | undefined;
  try {
    // Without this, what the ledger does not have yet would count as agreeing.
    await auditor.compareLinks();
    await compareItems(auditor);
    await findUnknownItems(auditor);
    if (options.withHolds) {
      await compareHolds(auditor);
      await compareTransfers(auditor);
      await compareSales(auditor);
    }
    if (options.confirmedMs !== undefined) await compareConfirmed(auditor, options.confirmedMs);
    for (const { sku, warehouse, version, detail } of await parts.ledger.selfCheck(options.withEntries)) {
      auditor.addFinding({ kind: 'ledger-sum', sku, warehouse, version, detail });
    }
  } catch (error) {
    if (!(error instanceof Incomplete)) throw error;
    reason = error.message;
  }
  const { epoch, items, holds, documents, orders, findings, findingsTotal } = auditor;
  return {
    startedAtMs,
    finishedAtMs: Date.now(),
    epoch,
    itemsCompared: items,
    holdsCompared: holds,
    documentsCompared: documents,
    ordersCompared: orders,
    history,
    findings,
    findingsTotal,
    verdict: findingsTotal > 0 ? 'drift' : reason === undefined ? 'agree' : 'incomplete',
    reason,
  };
}
