/**
 * What the ledger knows about histories that parted: forks with their orders, acknowledgements that are gone, epochs that a
 * person opened. Promises: what nobody has acknowledged is a finding, so that two histories never count as agreeing.
 */
import { type OrderInEvents, ordersIn } from '../../hotpath/codec/event-orders.ts';
import type { EpochRecord } from '../../ledger/epochs.ts';
import type { Fork } from '../../ledger/forks.ts';
import type { HistoryState } from '../../ledger/history.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { LostRecord } from '../../ledger/lost-acknowledgements.ts';
import type { AuditFinding, Auditor } from './auditor.ts';

/** A fork and the orders in it. */
export interface ForkReport extends Fork {
  /** At most {@link ORDERS_MAX}; `ordersTotal` counts all. */
  readonly orders: readonly OrderInEvents[];
  readonly ordersTotal: number;
}

/** What is known about a partition's histories; what a person has reviewed is left out unless it is asked for. */
export interface HistoryReport extends HistoryState {
  /** The newest. */
  readonly forks: readonly ForkReport[];
  readonly lostAcknowledgements: readonly LostRecord[];
  /** Epochs before which sequences were seen that are gone: what they were may be known in part only. */
  readonly lostRanges: readonly EpochRecord[];
  /** Epochs that a person opened and nobody has compared with the ledger yet. */
  readonly notCompared: readonly EpochRecord[];
}

/** The most rows of each kind that a report has. */
export const HISTORY_ROWS_MAX = 100;
/** The most lost acknowledgements. */
const LOST_MAX = 1_000;
const ORDERS_MAX = 1_000;
const ENTRIES_PAGE = 500;

/**
 * Reads what is known.
 * @param options.withReviewed also what a person has acknowledged
 * @param options.withOrders reads the entries of each fork for its orders, which may be many
 * @throws where the ledger is away
 */
export async function readHistory(
  ledger: Ledger,
  partition: number,
  { withReviewed, withOrders }: { readonly withReviewed: boolean; readonly withOrders: boolean },
): Promise<HistoryReport> {
  const query = { withReviewed, limit: HISTORY_ROWS_MAX };
  const state = await ledger.historyState(partition);
  const isAny = withReviewed || state.forksOpen + state.lostAcknowledgementsOpen + state.lostRangesOpen > 0;
  const { forks } = isAny ? await ledger.forks(partition, query) : { forks: [] };
  const { lost } = isAny
    ? await ledger.lostAcknowledgements(partition, { ...query, limit: LOST_MAX })
    : { lost: [] };
  const epochs = await ledger.epochs(partition, isAny ? LOST_MAX : HISTORY_ROWS_MAX);
  const comparedAt = epochs.findIndex(({ how, first }) => how !== 'person' && first !== undefined);
  const newest = comparedAt < 0 ? epochs : epochs.slice(0, comparedAt);
  const reports: ForkReport[] = [];
  for (const fork of forks) {
    const found = withOrders ? await ordersOf(ledger, fork.id) : { orders: [], ordersTotal: 0 };
    reports.push({ ...fork, ...found });
  }
  return {
    ...state,
    forks: reports,
    lostAcknowledgements: lost,
    lostRanges: epochs.filter(
      ({ lost: range, reviewedAtMs }) => range && (withReviewed || reviewedAtMs === undefined),
    ),
    notCompared: newest.filter(({ how }) => how === 'person'),
  };
}

async function ordersOf(ledger: Ledger, forkId: number): Promise<Pick<ForkReport, 'orders' | 'ordersTotal'>> {
  const orders = new Map<string, OrderInEvents>();
  let after: number | undefined;
  do {
    const { entries, next } = await ledger.forkEntries(forkId, { after, limit: ENTRIES_PAGE });
    for (const { events } of entries) for (const order of ordersIn(events)) orders.set(order.orderId, order);
    after = next ?? undefined;
  } while (after !== undefined);
  return { orders: [...orders.values()].slice(0, ORDERS_MAX), ordersTotal: orders.size };
}

/** Makes a finding of everything that nobody has acknowledged. */
export function addHistoryFindings(auditor: Auditor, history: HistoryReport): void {
  const add = (kind: AuditFinding['kind'], detail: string, orderId?: string) =>
    auditor.addFinding({ kind, sku: '', warehouse: '', version: 0, orderId, detail });
  for (const fork of history.forks.filter(isOpen)) {
    const { id, kind, detail, entriesTotal } = fork;
    add('fork', `fork ${id}, ${kind}: ${detail}; ${entriesTotal} entries of it are kept`);
  }
  for (const lost of history.lostAcknowledgements.filter(isOpen)) {
    const { kind, subjectId, epoch, sequence, source } = lost;
    const detail = `${kind} ${subjectId} was acknowledged by ${source} in batch ${epoch}-${sequence}, and the ledger does not have it`;
    add('lost-acknowledgement', detail, kind === 'order' ? subjectId : undefined);
  }
  for (const { epoch, lost: range } of history.lostRanges.filter(isOpen)) {
    const detail = `sequences ${range?.from} to ${range?.to} were seen before epoch ${epoch.number} and are gone; what they were is known in part only`;
    add('lost-range', detail);
  }
  // Those that the report has no room for count as well.
  const { forksOpen, lostAcknowledgementsOpen, lostRangesOpen } = history;
  auditor.findingsTotal +=
    Math.max(0, forksOpen - history.forks.filter(isOpen).length) +
    Math.max(0, lostAcknowledgementsOpen - history.lostAcknowledgements.filter(isOpen).length) +
    Math.max(0, lostRangesOpen - history.lostRanges.filter(isOpen).length);
}

function isOpen({ reviewedAtMs }: { readonly reviewedAtMs: number | undefined }): boolean {
  return reviewedAtMs === undefined;
}
