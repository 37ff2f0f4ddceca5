/**
 * What `npm run reconcile` prints for a person: differences, histories that parted, the verdict and what to do next.
 */
import type { EpochRecord } from '../ledger/epochs.ts';
import type { Reviewed } from '../ledger/history.ts';
import type { LostRecord } from '../ledger/lost-acknowledgements.ts';
import type { ForkReport, HistoryReport } from '../worker/audit/audit-history.ts';
import type { Audit, AuditFinding } from '../worker/audit/reconciliation.ts';

const FINDINGS_SHOWN = 50;
const LOST_SHOWN = 50;
const ORDERS_SHOWN = 20;

const ACKNOWLEDGE = 'npm run reconcile -- --acknowledge --actor NAME --reason TEXT';

/** The result of a comparison. */
export function resultText(result: Audit): string {
  const seconds = ((result.finishedAtMs - result.startedAtMs) / 1_000).toFixed(1);
  const compared =
    `${result.itemsCompared} items, ${result.holdsCompared} open holds, ${result.ordersCompared} confirmed orders and ` +
    `${result.documentsCompared} transfers and sales compared in ${seconds} s`;
  const lines = result.findings.slice(0, FINDINGS_SHOWN).map(findingText);
  if (result.findingsTotal > lines.length) lines.push(`  and ${result.findingsTotal - lines.length} more`);
  const verdicts: Record<Audit['verdict'], string> = {
    agree: 'VERDICT: ledger and hot path agree, drift 0',
    drift: `VERDICT: drift ${result.findingsTotal}${result.reason ? `, and the audit is incomplete: ${result.reason}` : ''}`,
    incomplete: `VERDICT: incomplete: ${result.reason}; nothing wrong was found so far, drift 0`,
  };
  const history = historyText(result.history);
  return [compared, ...lines, ...(history === '' ? [] : [history]), verdicts[result.verdict]].join('\n');
}

function findingText(finding: AuditFinding): string {
  const where = finding.sku ? `${finding.sku}@${finding.warehouse}` : '';
  return `  ${finding.kind.padEnd(20)} ${where}  ${finding.detail}`;
}

/** What is lost or went its own way; an empty text where there is nothing to say. */
export function historyText(history: HistoryReport): string {
  const { forks, lostAcknowledgements, lostRanges, notCompared } = history;
  const lines = [
    ...forks.flatMap(forkLines),
    ...lostLines(lostAcknowledgements, history.lostAcknowledgementsOpen),
    ...lostRanges.map(rangeLine),
    ...notCompared.map(notComparedLine),
  ];
  if (lines.length === 0) return '';
  const open = history.forksOpen + history.lostAcknowledgementsOpen + history.lostRangesOpen;
  if (open > 0) lines.push(`  When you have done what there is to do about them: ${ACKNOWLEDGE}`);
  return ['HISTORY', ...lines].join('\n');
}

const time = (ms: number) => new Date(ms).toISOString();

/** Who acknowledged it; empty where nobody has. */
function reviewText({ reviewedAtMs, reviewedBy, reviewReason }: Reviewed): string {
  return reviewedAtMs === undefined
    ? ''
    : ` [acknowledged by ${reviewedBy} at ${time(reviewedAtMs)}: ${reviewReason}]`;
}

function forkLines(fork: ForkReport): string[] {
  const { id, kind, foundAtMs, detail, entriesTotal, orders, ordersTotal } = fork;
  const ids = orders.slice(0, ORDERS_SHOWN).map(({ orderId }) => orderId);
  const more = ordersTotal > ids.length ? ` and ${ordersTotal - ids.length} more` : '';
  return [
    `  fork ${id}, ${kind}, found ${time(foundAtMs)}: ${detail}${reviewText(fork)}`,
    `    ${entriesTotal} entries are kept, with ${ordersTotal} orders${ordersTotal > 0 ? `: ${ids.join(', ')}${more}` : ''}`,
  ];
}

function lostLines(lost: readonly LostRecord[], open: number): string[] {
  if (lost.length === 0) return [];
  const shown = lost.slice(0, LOST_SHOWN).map((one) => {
    const { kind, subjectId, epoch, sequence, source } = one;
    return `    ${kind} ${subjectId}, batch ${epoch}-${sequence}, acknowledged by ${source}${reviewText(one)}`;
  });
  const total = Math.max(open, lost.length);
  const more = total > shown.length ? [`    and ${total - shown.length} more`] : [];
  return [`  ${total} acknowledgements that the ledger does not have:`, ...shown, ...more];
}

function rangeLine(record: EpochRecord): string {
  const { epoch, lost } = record;
  return (
    `  sequences ${lost?.from} to ${lost?.to} were seen before epoch ${epoch.number} and are gone; ` +
    `the list of what they were is incomplete${reviewText(record)}`
  );
}

function notComparedLine({ epoch, actor, reason, madeAtMs }: EpochRecord): string {
  return (
    `  epoch ${epoch.number} was opened by ${actor ?? 'a person'} at ${time(madeAtMs)} (${reason ?? 'no reason'}) and has not ` +
    'been compared yet: a running worker compares it; start one: npm run work'
  );
}
