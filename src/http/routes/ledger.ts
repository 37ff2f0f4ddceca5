/**
 * What the ledger remembers, read-only. Promises: the ledger's outage is an answer of its own here and touches no other
 * route; its readers are handed in and asked a bounded number of questions at once.
 */
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import { type Answer, unavailable } from '../answers.ts';
import type { EntryView, LedgerReaders, ReconciliationView } from '../readers.ts';
import type { Routes } from '../route.ts';
import { jsonSchema, ledgerPage, ledgerQuery, reconciliation } from '../schemas.ts';

const tag = 'ledger';
/** Long enough for a Postgres that restarts, short enough for a person who waits. */
const RETRY_SECONDS = 2;

export function declareLedger(
  app: FastifyInstance,
  routes: Routes,
  hot: HotInventory,
  ledger: LedgerReaders | undefined,
  log: FastifyBaseLogger,
  readsMax: number,
): void {
  let reads = 0;

  async function ask(question: (readers: LedgerReaders) => Promise<object>): Promise<Answer> {
    if (!ledger) return unavailable('This process was started without a ledger.', RETRY_SECONDS);
    if (reads >= readsMax)
      return unavailable(`${readsMax} reads of the ledger are under way already.`, RETRY_SECONDS);
    reads++;
    try {
      return { status: 200, body: await question(ledger) };
    } catch (error) {
      log.warn({ err: error }, 'the ledger does not answer');
      return unavailable('The ledger does not answer.', RETRY_SECONDS);
    } finally {
      reads--;
    }
  }

  routes.declare(app, {
    method: 'GET',
    url: '/v1/ledger',
    name: 'listLedgerEntries',
    tag,
    summary: 'Read the ledger, newest first',
    description:
      'One entry for each step of an item, written a moment after the decision. Nothing in it is ever changed.',
    query: ledgerQuery,
    answers: { 200: { description: 'One page.', ...jsonSchema(ledgerPage, 'output') } },
    handle: (request) =>
      ask(async (readers) => {
        const { entries, next } = await readers.entries(request.query);
        return { entries: entries.map(entryBody), next };
      }),
  });

  routes.declare(app, {
    method: 'GET',
    url: '/v1/reconciliation',
    name: 'getReconciliation',
    tag,
    summary: 'See whether hot path and ledger agree',
    answers: { 200: { description: 'The last comparison.', ...jsonSchema(reconciliation, 'output') } },
    handle: () =>
      ask(async (readers) => {
        const [last, { isRunning, committedAtMs }] = await Promise.all([
          readers.reconciliation(),
          readers.workerStatus(),
        ]);
        const backlogEvents = hot.head?.backlogEvents ?? null;
        const worker = { isRunning, committedAt: iso(committedAtMs) ?? null, backlogEvents };
        return { last: last ? comparisonBody(last) : null, worker };
      }),
  });
}

function iso(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

function entryBody({ atMs, expiresAtMs, ...entry }: EntryView): object {
  return { ...entry, expiresAt: iso(expiresAtMs), at: iso(atMs) };
}

function comparisonBody({ startedAtMs, finishedAtMs, ...comparison }: ReconciliationView): object {
  return { ...comparison, startedAt: iso(startedAtMs), finishedAt: iso(finishedAtMs) };
}
