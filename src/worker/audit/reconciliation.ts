/**
 * Hot path and ledger compared at the same version (D14): under load the ledger is behind, never different, so what is
 * found here is real. Promises: no false alarm from traffic; where the ledger does not catch up the audit says that it is
 * incomplete instead of guessing. It reads only; what it finds, people and the rebuild put right.
 */
import { compareSales, compareTransfers } from './audit-documents.ts';
import { compareHolds } from './audit-holds.ts';
import { compareItems, findUnknownItems } from './audit-items.ts';
import { type AuditFinding, type AuditOptions, Auditor, type AuditParts, Incomplete } from './auditor.ts';

export type { AuditFinding, AuditOptions, AuditParts } from './auditor.ts';

export interface Audit {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly epoch: number;
  readonly itemsCompared: number;
  readonly holdsCompared: number;
  /** Transfers in transit and sales. */
  readonly documentsCompared: number;
  /** At most {@link FINDINGS_MAX}; `findingsTotal` counts all. */
  readonly findings: readonly AuditFinding[];
  readonly findingsTotal: number;
  /** `incomplete`: the ledger did not catch up, or the partition is not open; nothing wrong was found so far. */
  readonly verdict: 'agree' | 'drift' | 'incomplete';
  readonly reason?: string | undefined;
}

/** Compares all items, and the holds, transfers and sales where asked to. */
export async function audit(parts: AuditParts, options: AuditOptions): Promise<Audit> {
  const auditor = new Auditor(parts, options);
  const startedAtMs = Date.now();
  let reason: string | undefined;
  try {
    // What the ledger does not have yet would be compared with nothing, and be said to agree.
    await auditor.catchUp();
    await compareItems(auditor);
    await findUnknownItems(auditor);
    if (options.withHolds) {
      await compareHolds(auditor);
      await compareTransfers(auditor);
      await compareSales(auditor);
    }
    for (const { sku, warehouse, version, detail } of await parts.ledger.selfCheck(options.withEntries)) {
      auditor.addFinding({ kind: 'ledger-sum', sku, warehouse, version, detail });
    }
  } catch (error) {
    if (!(error instanceof Incomplete)) throw error;
    reason = error.message;
  }
  const { epoch, items, holds, documents, findings, findingsTotal } = auditor;
  return {
    startedAtMs,
    finishedAtMs: Date.now(),
    epoch,
    itemsCompared: items,
    holdsCompared: holds,
    documentsCompared: documents,
    findings,
    findingsTotal,
    verdict: findingsTotal > 0 ? 'drift' : reason === undefined ? 'agree' : 'incomplete',
    reason,
  };
}
