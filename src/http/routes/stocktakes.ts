/**
 * Stocktakes over HTTP (BR-007): lock items under a count sheet, count them line by line, see its progress.
 * Promises: of many items, each is locked, counted or refused on its own.
 */
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { type Decision, STOCKTAKE_LINES_MAX, type StocktakeLine } from '../../domain/language.ts';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import type { StocktakeSheet } from '../../ledger/read/stocktakes.ts';
import { actorOf } from '../actor.ts';
import { type Answer, batchResponse, type Problem, problem } from '../answers.ts';
import { countBody, iso, sheetBody, stocktakeLineBody } from '../bodies.ts';
import type { BookedBefore } from '../booked-before.ts';
import { completeReleasing, forEach, type ItemName, type LineName, Sheet } from '../count-sheets.ts';
import { decided, refused } from '../decisions.ts';
import type { LedgerClient } from '../ledger-client.ts';
import type { Routes } from '../route.ts';
import {
  cancelBody,
  completeBody,
  countAnswer,
  sheet,
  sheetChange,
  sheetsPage,
  sheetsQuery,
  startBody,
  stocktakeParams,
} from '../schemas/stocktakes.ts';
import { jsonSchema } from '../schemas.ts';

const tag = 'stocktakes';

/** The decision about one of many items. */
interface Attempt {
  readonly item: ItemName;
  readonly decision: Decision<StocktakeLine>;
}

/** Declares the routes of stocktakes. @param bodyBytesMax for lists of thousands of items */
export function declareStocktakes(
  app: FastifyInstance,
  routes: Routes,
  hot: HotInventory,
  ledger: LedgerClient,
  booked: BookedBefore,
  bodyBytesMax: number,
): void {
  const change = jsonSchema(sheetChange, 'output');

  routes.declare(app, {
    method: 'POST',
    url: '/v1/stocktakes',
    name: 'startStocktake',
    tag,
    summary: 'Lock items to count them (BR-007)',
    description: `While an item is locked nothing is taken from it or added to it, no hold on it expires, and orders are served from the
next warehouse. The lock is a lease. With \`sku\` a refusal is the answer itself; of many items, those that cannot be locked are named
in \`refused\` and the others are locked. A sheet grows by each call under its id.`,
    body: startBody,
    bodyBytesMax,
    answers: {
      201: { description: 'Locked.', ...change },
      200: {
        description: 'Nothing was locked that was not before: a repeat, or all are refused.',
        ...change,
      },
    },
    problems: [
      'unknown-item',
      'unknown-warehouse',
      'stocktake-in-progress',
      'stocktake-ended',
      'stocktake-full',
      'ledger-backlog',
      'quarantined',
      'not-ready',
    ],
    handle: async (request) => {
      const { stocktakeId, warehouse, sku, skus, leaseSeconds } = request.body;
      const actor = actorOf(request);
      const named = sku === undefined ? (skus ?? (await skusOf(warehouse))) : [sku];
      if ('problem' in named) return named;
      const items = [...new Set(named)].map((name) => ({ sku: name, warehouse }));
      const ended = await booked.endedCounts(stocktakeId, warehouse);
      const attempts = await forEach(items, async (item) => ({
        item,
        decision:
          ended.get(item.sku) ?? (await hot.startStocktake({ stocktakeId, ...item, leaseSeconds, actor })),
      }));
      return changed(stocktakeId, attempts, 201, sku !== undefined);
    },
  });

  /** Every SKU of a warehouse, if they fit one sheet. */
  async function skusOf(warehouse: string): Promise<readonly string[] | Problem> {
    const skus = await ledger.query(({ read }) => read.skusOf(warehouse, STOCKTAKE_LINES_MAX + 1));
    if (skus.length === 0) return problem('unknown-warehouse', `${warehouse} has no SKU.`);
    if (skus.length <= STOCKTAKE_LINES_MAX) return skus;
    return problem(
      'stocktake-full',
      'The warehouse has more SKUs than one sheet: name some. Nothing was locked.',
    );
  }

  routes.declare(app, {
    method: 'POST',
    url: '/v1/stocktakes/:stocktakeId/complete',
    name: 'completeStocktake',
    tag,
    summary: 'Say what was counted: the books take the difference, and the lock is off',
    description: `An unchanged count is recorded too. A count below what is held and sold is refused with the figures, or releases the
newest holds to fit. With \`counts\` each line is answered in its place with the status and the body it would have had by itself.`,
    params: stocktakeParams,
    body: completeBody,
    bodyBytesMax,
    answers: { 200: { description: 'Counted.', ...jsonSchema(countAnswer, 'output') } },
    problems: ['unknown-stocktake', 'stocktake-ended', 'count-below-committed', 'quarantined', 'not-ready'],
    handle: async (request) => {
      const { stocktakeId } = request.params;
      const { counted, counts = [], sku, warehouse, ...how } = request.body;
      const actor = actorOf(request);
      const lines = new Sheet(hot, stocktakeId);
      if (counted !== undefined)
        return complete(lines, { sku, warehouse, counted }, { ...how, stocktakeId, actor });
      const names = counts.map((count) => ({ sku: count.sku, warehouse: count.warehouse }));
      const answers = await forEach(counts, (count) =>
        complete(lines, count, { ...how, stocktakeId, actor }).catch((error) =>
          routes.failed(error, request.id),
        ),
      );
      return batchResponse(answers, names);
    },
  });

  type Completion = Pick<z.output<typeof completeBody>, 'reason' | 'shortfall'>;
  async function complete(
    lines: Sheet,
    { counted, ...name }: LineName & { readonly counted: number },
    { shortfall, ...how }: Completion & { stocktakeId: string; actor: string | undefined },
  ): Promise<Answer> {
    const item = await lines.itemOf(name);
    if ('problem' in item) return item;
    const count = { ...how, ...item, counted };
    const decision = await (shortfall === 'release-newest'
      ? completeReleasing(hot, ledger, count)
      : hot.completeStocktake(count));
    return decided(decision, 200, countBody);
  }

  routes.declare(app, {
    method: 'POST',
    url: '/v1/stocktakes/:stocktakeId/cancel',
    name: 'cancelStocktake',
    tag,
    summary: 'Take the lock off without a count',
    params: stocktakeParams,
    body: cancelBody,
    answers: { 200: { description: 'The lines that are cancelled.', ...change } },
    problems: ['unknown-stocktake', 'stocktake-ended', 'quarantined', 'not-ready'],
    handle: async (request) => {
      const { stocktakeId } = request.params;
      const { sku, warehouse } = request.body;
      const lines = new Sheet(hot, stocktakeId);
      const named =
        sku === undefined ? await lines.stillCounting(warehouse) : await lines.itemOf({ sku, warehouse });
      if ('problem' in named) return named;
      const actor = actorOf(request);
      const attempts = await forEach('sku' in named ? [named] : named, async (item) => ({
        item,
        decision: await hot.cancelStocktake({ stocktakeId, ...item, actor }),
      }));
      return changed(stocktakeId, attempts, 200, sku !== undefined);
    },
  });

  routes.declare(app, {
    method: 'GET',
    url: '/v1/stocktakes/:stocktakeId',
    name: 'getStocktake',
    tag,
    summary: 'See a count sheet and how far it is',
    params: stocktakeParams,
    answers: { 200: { description: 'The sheet as it stands.', ...jsonSchema(sheet, 'output') } },
    problems: ['unknown-stocktake', 'not-ready'],
    handle: async (request) => {
      const { stocktakeId } = request.params;
      const decision = await hot.stocktake(stocktakeId);
      if (decision.outcome === 'refused' && ledger.isThere) {
        // What ended long ago only the ledger knows.
        const lines = await ledger.query((known) => known.stocktakes.allLines(stocktakeId));
        if (lines.length > 0) return { status: 200, body: sheetBody(stocktakeId, lines) };
      }
      return decided(decision, 200, (lines) => sheetBody(stocktakeId, lines));
    },
  });

  routes.declare(app, {
    method: 'GET',
    url: '/v1/stocktakes',
    name: 'listStocktakes',
    tag,
    summary: 'List count sheets, by id',
    query: sheetsQuery,
    answers: { 200: { description: 'One page.', ...jsonSchema(sheetsPage, 'output') } },
    handle: async (request) => {
      const { state, ...page } = request.query;
      const query = { ...page, openOnly: state === 'open' };
      const { stocktakes, next } = await ledger.query((known) => known.stocktakes.sheets(query));
      return { status: 200, body: { stocktakes: stocktakes.map(summaryBody), next } };
    },
  });
}

/** The answer about some lines. @param isOne a refusal is the answer itself */
function changed(
  stocktakeId: string,
  attempts: readonly Attempt[],
  firstStatus: 200 | 201,
  isOne: boolean,
): Answer {
  const lines: StocktakeLine[] = [];
  const refusals: object[] = [];
  let isNew = false;
  for (const { item, decision } of attempts) {
    if (decision.outcome === 'done') {
      lines.push(decision.value);
      isNew ||= !decision.replayed;
    } else {
      const refusal = refused(decision.refusal);
      if (isOne) return refusal;
      refusals.push({ ...item, code: refusal.problem, detail: refusal.detail });
    }
  }
  return {
    status: isNew ? firstStatus : 200,
    body: { stocktakeId, lines: lines.map(stocktakeLineBody), refused: refusals },
    replayed: !isNew && refusals.length === 0,
  };
}

function summaryBody(view: StocktakeSheet): object {
  const { stocktakeId, startedAtMs, startedBy, lines, counting, counted, cancelled, lapsed, difference } =
    view;
  const progress = { total: lines, counted, cancelled, lapsed, open: counting };
  return { stocktakeId, startedAt: iso(startedAtMs), startedBy, progress, difference };
}
