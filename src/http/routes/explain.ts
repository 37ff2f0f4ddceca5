/**
 * The history of one item, read-only: its figures at a time or a version, and what explains its figures.
 * Refuses to know: how a history is read and added up.
 */
import type { FastifyInstance } from 'fastify';
import type { Moment, NotThen } from '../../ledger/read/as-of.ts';
import type { Explanation } from '../../ledger/read/explanation.ts';
import { type Answer, invalid, problem, unavailable } from '../answers.ts';
import { iso, isoOf, itemBody } from '../bodies.ts';
import { refused } from '../decisions.ts';
import type { LedgerClient } from '../ledger-client.ts';
import type { Routes } from '../route.ts';
import { asOfAnswer, asOfQuery, explainQuery, explanation } from '../schemas/history.ts';
import { itemParams } from '../schemas/stock.ts';
import { jsonSchema } from '../schemas.ts';
import { entryBody } from './ledger.ts';

const tag = 'ledger';

/** Declares the routes of an item's history. */
export function declareExplain(app: FastifyInstance, routes: Routes, ledger: LedgerClient): void {
  routes.declare(app, {
    method: 'GET',
    url: '/v1/items/:sku/warehouses/:warehouse/explain',
    name: 'explainItem',
    tag,
    summary: 'See why an item has its figures',
    description:
      'Where it began, what every kind of entry added, and who holds units of it, all as of one instant of the ledger, ' +
      'which is a moment behind the hot path. With `at` or `version`: why it had its figures then.',
    params: itemParams,
    query: explainQuery,
    answers: {
      200: { description: 'The figures and what they are made of.', ...jsonSchema(explanation, 'output') },
    },
    problems: ['unknown-item'],
    handle: async (request) => {
      const { params, query } = request;
      const moment = momentOf(query.at, query.version);
      const since = momentOf(query.since, query.sinceVersion);
      const answer = await ledger.query((known) =>
        known.explain({ ...params, moment, since, holdsMax: query.limit }),
      );
      if (answer.outcome === 'explained') return { status: 200, body: explanationBody(answer) };
      if (answer.outcome === 'since-is-later') {
        const path = query.since === undefined ? 'sinceVersion' : 'since';
        return invalid([
          { path, message: `go back to version ${answer.version} at least, which is explained` },
        ]);
      }
      if (answer.outcome === 'too-long') {
        return unavailable(
          `The history could not be added up within ${answer.msMax / 1_000} s: ask with \`since\` or \`sinceVersion\`.`,
        );
      }
      return notThen(answer, params);
    },
  });

  routes.declare(app, {
    method: 'GET',
    url: '/v1/items/:sku/warehouses/:warehouse/as-of',
    name: 'getItemAsOf',
    tag,
    summary: 'See an item as it stood at a time or a version',
    params: itemParams,
    query: asOfQuery,
    answers: {
      200: {
        description: 'The item as it stood, and the entry that brought it there.',
        ...jsonSchema(asOfAnswer, 'output'),
      },
    },
    problems: ['unknown-item'],
    handle: async ({ params, query }) => {
      const moment = momentOf(query.at, query.version);
      // The schema refuses a query without either.
      if (!moment) return invalid([{ path: 'at', message: 'say when' }]);
      const answer = await ledger.query((known) => known.asOf(params, moment));
      if (answer.outcome !== 'found') return notThen(answer, params);
      return { status: 200, body: { item: itemBody(answer.item), entry: entryBody(answer.entry) } };
    },
  });
}

function momentOf(at: string | undefined, version: number | undefined): Moment | undefined {
  if (version !== undefined) return { version };
  return at === undefined ? undefined : { atMs: Date.parse(at) };
}

function notThen(answer: NotThen, item: { readonly sku: string; readonly warehouse: string }): Answer {
  switch (answer.outcome) {
    case 'unknown-item':
      return refused({ code: 'unknown-item', items: [item] });
    case 'before-first-entry': {
      const { sku, warehouse } = item;
      const detail = `${sku} in ${warehouse} was not there then: its first entry is of ${iso(answer.firstAtMs)}.`;
      return problem('unknown-item', detail, { items: [item] });
    }
    case 'no-such-version':
      return invalid([
        { path: 'version', message: `the ledger has this item up to version ${answer.newest}` },
      ]);
  }
}

function explanationBody({ item, entry, opening, sums, holds, check }: Explanation): object {
  const { sku, warehouse, version, total, available, reserved, sold, safetyStock, stocktake } = item;
  const { atMs, ...opened } = opening;
  return {
    sku,
    warehouse,
    version,
    now: { total, available, reserved, sold, safetyStock },
    entry: entry && entryBody(entry),
    opening: { ...opened, at: isoOf(atMs) },
    sums: sums.map(({ change, ...sum }) => ({
      ...sum,
      totalChange: change.total,
      availableChange: change.available,
      reservedChange: change.reserved,
      soldChange: change.sold,
    })),
    holds: {
      ...holds,
      list: holds.list.map(({ orderId, quantity, reservedAtMs, expiresAtMs }) => ({
        orderId,
        quantity,
        reservedAt: iso(reservedAtMs),
        expiresAt: iso(expiresAtMs),
      })),
    },
    lock: stocktake && { stocktakeId: stocktake.stocktakeId, until: iso(stocktake.untilMs) },
    check,
  };
}
