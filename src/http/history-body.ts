/**
 * What is lost or went its own way, as `GET /v1/reconciliation` shows it. Promises: a bounded number of rows, the newest.
 * Refuses to know: how it was found.
 */
import { ordersIn } from '../hotpath/codec/event-orders.ts';
import type { EpochRecord } from '../ledger/epochs.ts';
import type { Fork } from '../ledger/forks.ts';
import type { LedgerApi } from '../ledger/handle.ts';
import type { Reviewed } from '../ledger/history.ts';
import type { LostRecord } from '../ledger/lost-acknowledgements.ts';
import { iso, isoOf } from './bodies.ts';

const ROWS_MAX = 20;
const LOST_MAX = 100;
/** Entries of a fork that are read for its orders, and orders shown of them. */
const ENTRIES_MAX = 100;
const ORDERS_MAX = 100;

/** The history of a partition. @throws an outage of the ledger */
export async function historyBody(ledger: LedgerApi, partition: number): Promise<object> {
  const withReviewed = true;
  const [{ forksOpen, lostAcknowledgementsOpen }, { forks }, { lost }, epochs] = await Promise.all([
    ledger.historyState(partition),
    ledger.forks(partition, { limit: ROWS_MAX, withReviewed }),
    ledger.lostAcknowledgements(partition, { limit: LOST_MAX, withReviewed }),
    ledger.epochs(partition, ROWS_MAX),
  ]);
  return {
    forksOpen,
    lostAcknowledgementsOpen,
    forks: await Promise.all(forks.map((fork) => forkBody(ledger, fork))),
    lostAcknowledgements: lost.map(lostBody),
    epochs: epochs.map(epochBody),
  };
}

function acknowledgedBody({ reviewedAtMs, reviewedBy, reviewReason }: Reviewed): object | null {
  return reviewedAtMs === undefined ? null : { by: reviewedBy, at: iso(reviewedAtMs), reason: reviewReason };
}

async function forkBody(ledger: LedgerApi, fork: Fork): Promise<object> {
  const { id, kind, foundAtMs, atSequence, redisSequence, ledgerSequence, detail, entriesTotal } = fork;
  const { entries } = await ledger.forkEntries(id, { limit: ENTRIES_MAX });
  const orders = new Set(entries.flatMap(({ events }) => ordersIn(events).map(({ orderId }) => orderId)));
  return {
    id,
    kind,
    foundAt: iso(foundAtMs),
    atSequence: atSequence ?? null,
    redisSequence,
    ledgerSequence,
    detail,
    entries: entriesTotal,
    orders: [...orders].slice(0, ORDERS_MAX),
    acknowledged: acknowledgedBody(fork),
  };
}

function lostBody(lost: LostRecord): object {
  const { kind, subjectId, epoch, sequence, reportedAtMs, source } = lost;
  const reportedAt = iso(reportedAtMs);
  return { kind, id: subjectId, epoch, sequence, reportedAt, source, acknowledged: acknowledgedBody(lost) };
}

function epochBody({ epoch, how, madeAtMs, first, actor, reason, lost }: EpochRecord): object {
  return {
    number: epoch.number,
    how,
    madeAt: iso(madeAtMs),
    openedAt: isoOf(first?.openedAtMs) ?? null,
    firstSequence: first?.sequence ?? null,
    actor,
    reason,
    lostFrom: lost?.from,
    lostTo: lost?.to,
  };
}
