/**
 * Flash sales over HTTP: schedule, close, and how one goes.
 * Promises: the figures are those by which orders are decided; whether it is open, the store's clock says.
 */
import type { FastifyInstance } from 'fastify';
import { closeSaleInput } from '../../domain/inputs/goods.ts';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import type { SaleDocument } from '../../ledger/write/documents.ts';
import { actorOf } from '../actor.ts';
import { iso, saleBody, saleStateOf } from '../bodies.ts';
import { decided } from '../decisions.ts';
import type { LedgerClient } from '../ledger-client.ts';
import type { Routes } from '../route.ts';
import { saleParams, salesPage, salesQuery, scheduleBody } from '../schemas/sales.ts';
import { jsonSchema } from '../schemas.ts';

const tag = 'sales';
const SALE = { description: 'The sale as it stands.', $ref: 'Sale#' };

/** Declares the routes of sales. */
export function declareSales(
  app: FastifyInstance,
  routes: Routes,
  hot: HotInventory,
  ledger: LedgerClient,
): void {
  /** Of the batch that answered last; one comes before every use. */
  const nowMs = () => hot.head?.nowMs ?? 0;

  routes.declare(app, {
    method: 'POST',
    url: '/v1/sales',
    name: 'scheduleSale',
    tag,
    summary: 'Set units of a SKU aside for a sale',
    description: `An order takes part by naming the sale and, where there is a limit, the customer. Other orders find only what is not
set aside. When the sale closes, what it did not sell is there for everybody.`,
    body: scheduleBody,
    answers: {
      201: { description: 'Scheduled.', $ref: 'Sale#' },
      200: { ...SALE, description: 'A repeat: the sale as it stands now.' },
    },
    problems: [
      'sale-conflict',
      'sale-closed',
      'too-many-sales',
      'unknown-item',
      'insufficient-stock',
      'ledger-backlog',
      'quarantined',
      'not-ready',
    ],
    handle: async (request) => {
      const { opensAt, closesAt, ...sale } = request.body;
      const window = { opensAtMs: Date.parse(opensAt), closesAtMs: Date.parse(closesAt) };
      const decision = await hot.scheduleSale({ ...sale, ...window, actor: actorOf(request) });
      return decided(decision, 201, (view) => saleBody(view, nowMs()));
    },
  });

  routes.declareCommand(app, {
    method: 'POST',
    url: '/v1/sales/:saleId/close',
    name: 'closeSale',
    tag,
    summary: 'Close a sale before its time',
    description: 'What was reserved in it can still be paid.',
    input: closeSaleInput,
    answers: { 200: SALE },
    problems: ['unknown-sale', 'not-ready'],
    handle: async (input) => decided(await hot.closeSale(input), 200, (view) => saleBody(view, nowMs())),
  });

  routes.declare(app, {
    method: 'GET',
    url: '/v1/sales/:saleId',
    name: 'getSale',
    tag,
    summary: 'See how a sale goes',
    params: saleParams,
    answers: { 200: SALE },
    problems: ['unknown-sale', 'not-ready'],
    handle: async (request) =>
      decided(await hot.sale(request.params.saleId), 200, (view) => saleBody(view, nowMs())),
  });

  routes.declare(app, {
    method: 'GET',
    url: '/v1/sales',
    name: 'listSales',
    tag,
    summary: 'List sales, newest first',
    query: salesQuery,
    answers: { 200: { description: 'One page.', ...jsonSchema(salesPage, 'output') } },
    problems: ['not-ready'],
    handle: async (request) => {
      const { nowMs } = await hot.sweep(0);
      const { sales, next } = await ledger.query((known) => known.sales.page(request.query));
      return { status: 200, body: { sales: sales.map((sale) => recordBody(sale, nowMs)), next } };
    },
  });
}

function recordBody(record: SaleDocument, nowMs: number): object {
  const { opensAtMs, scheduledAtMs, closedAtMs, ...rest } = record;
  // Closed by hand it ended before its time.
  const closesAtMs = Math.min(record.closesAtMs, closedAtMs ?? Number.POSITIVE_INFINITY);
  return {
    ...rest,
    opensAt: iso(opensAtMs),
    closesAt: iso(closesAtMs),
    scheduledAt: iso(scheduledAtMs),
    state: saleStateOf({ opensAtMs, closesAtMs }, nowMs),
  };
}
