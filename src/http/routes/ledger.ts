/**
 * What the ledger remembers, read-only: what happened, and whether hot path and ledger agree.
 */
import type { FastifyInstance } from 'fastify';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import type { AuditRecord } from '../../ledger/read/audits.ts';
import type { LedgerEntry } from '../../ledger/read/ledger-entry.ts';
import { iso, isoOf } from '../bodies.ts';
import { historyBody } from '../history-body.ts';
import type { LedgerClient } from '../ledger-client.ts';
import type { Routes } from '../route.ts';
import { ledgerPage, ledgerQuery, reconciliation } from '../schemas/ledger.ts';
import { jsonSchema } from '../schemas.ts';

const tag = 'ledger';

/** Declares the routes of the ledger. */
export function declareLedger(
  app: FastifyInstance,
  routes: Routes,
  hot: HotInventory,
  ledger: LedgerClient,
): void {
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
    handle: async (request) => {
      const { entries, next } = await ledger.query(({ read }) => read.entries(request.query));
      return { status: 200, body: { entries: entries.map(entryBody), next } };
    },
  });

  routes.declare(app, {
    method: 'GET',
    url: '/v1/reconciliation',
    name: 'getReconciliation',
    tag,
    summary: 'See whether hot path and ledger agree',
    answers: { 200: { description: 'The last comparison.', ...jsonSchema(reconciliation, 'output') } },
    handle: async () => {
      const { partition } = hot.keys;
      const [last, { isRunning, committedAtMs }, history] = await ledger.query((known) =>
        Promise.all([
          known.lastAudit(partition),
          known.workerState(partition),
          historyBody(known, partition),
        ]),
      );
      const backlogEvents = hot.head?.backlogEvents ?? null;
      const worker = { isRunning, committedAt: isoOf(committedAtMs) ?? null, backlogEvents };
      return { status: 200, body: { last: last ? comparisonBody(last) : null, history, worker } };
    },
  });
}

/** An entry with its times as ISO 8601. */
export function entryBody({ atMs, expiresAtMs, ...entry }: LedgerEntry): object {
  return { ...entry, expiresAt: isoOf(expiresAtMs), at: iso(atMs) };
}

function comparisonBody({ startedAtMs, finishedAtMs, ...comparison }: AuditRecord): object {
  return { ...comparison, startedAt: iso(startedAtMs), finishedAt: iso(finishedAtMs) };
}
