/**
 * Items over HTTP: figures, goods that come and go, corrections, the safety stock below which the alert fires.
 */
import type { FastifyInstance } from 'fastify';
import { issueInput, receiveInput, safetyStockInput, shipInput } from '../../domain/inputs/goods.ts';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import { actorOf } from '../actor.ts';
import { itemBody, skuBody } from '../bodies.ts';
import type { BookedBefore } from '../booked-before.ts';
import { decided } from '../decisions.ts';
import type { ProblemCode } from '../problems.ts';
import type { Routes } from '../route.ts';
import { correctBody, returnBody, skuParams } from '../schemas/stock.ts';

const tag = 'stock';
const ITEM = { description: 'The item as it stands.', $ref: 'Item#' };
const OF_A_MOVEMENT: readonly ProblemCode[] = [
  'movement-conflict',
  'stocktake-in-progress',
  'ledger-backlog',
  'quarantined',
  'not-ready',
];

/** Declares the routes of items and movements. */
export function declareStock(
  app: FastifyInstance,
  routes: Routes,
  hot: HotInventory,
  booked: BookedBefore,
): void {
  routes.declare(app, {
    method: 'GET',
    url: '/v1/items/:sku',
    name: 'getItem',
    tag,
    summary: 'Look at the stock of a SKU, in all and by warehouse',
    params: skuParams,
    answers: { 200: { description: 'The stock as it stands.', $ref: 'SkuStock#' } },
    problems: ['unknown-item', 'quarantined', 'not-ready'],
    handle: async (request) => decided(await hot.item(request.params.sku), 200, skuBody),
  });

  /** What all routes of movements share. */
  const movement = (
    name: string,
    summary: string,
    description: string,
    problems: readonly ProblemCode[],
  ) => ({
    method: 'POST' as const,
    url: `/v1/stock/${name}`,
    name,
    tag,
    summary,
    description: `${description} A repeat answers 200 with the item as it stood after the first time.`,
    answers: {
      201: { description: 'Done; the item after it.', $ref: 'Item#' },
      200: { ...ITEM, description: 'A repeat.' },
    },
    problems: [...problems, ...OF_A_MOVEMENT],
  });

  routes.declareCommand(app, {
    ...movement(
      'receive',
      'Goods came in: total and available rise (入庫)',
      'The first receipt makes the item.',
      ['quantity-limit-exceeded'],
    ),
    input: receiveInput,
    handle: async (input) => decided(await booked.move('receive', input), 201, itemBody),
  });
  routes.declareCommand(app, {
    ...movement(
      'issue',
      'Goods are gone unsold: total and available fall (出庫)',
      'Damage, loss, samples. Only what is available can be issued; the reason is required.',
      ['insufficient-stock', 'unknown-item'],
    ),
    input: issueInput,
    handle: async (input) => decided(await booked.move('issue', input), 201, itemBody),
  });
  routes.declareCommand(app, {
    ...movement(
      'ship',
      'Sold goods left the building: total and sold fall (出貨)',
      'Confirmed units count as sold until they are shipped.',
      ['exceeds-sold', 'unknown-item'],
    ),
    input: shipInput,
    handle: async (input) => decided(await booked.move('ship', input), 201, itemBody),
  });
  routes.declare(app, {
    ...movement(
      'return',
      'Shipped goods came back (退貨)',
      'They go on sale again, or are written off, which moves no counter and needs a reason.',
      ['unknown-item', 'quantity-limit-exceeded'],
    ),
    body: returnBody,
    handle: async (request) => {
      const { disposition, ...goods } = request.body;
      const kind = disposition === 'write-off' ? 'write-off' : 'return';
      return decided(await booked.move(kind, { ...goods, actor: actorOf(request) }), 201, itemBody);
    },
  });
  routes.declare(app, {
    ...movement(
      'correct',
      'Set a total that is wrong in the books; available takes the difference',
      'Refused where the item has changed since it was looked at. To count an item, use a stocktake.',
      ['version-conflict', 'count-below-committed', 'unknown-item'],
    ),
    body: correctBody,
    handle: async (request) => {
      const { total: quantity, ...correction } = request.body;
      const input = { ...correction, quantity, actor: actorOf(request) };
      return decided(await booked.move('correct', input), 201, itemBody);
    },
  });

  routes.declareCommand(app, {
    method: 'PUT',
    url: '/v1/items/:sku/warehouses/:warehouse/safety-stock',
    name: 'setSafetyStock',
    tag,
    summary: 'Set the line under which the low-stock alert fires',
    input: safetyStockInput,
    answers: { 200: ITEM },
    problems: ['unknown-item', 'quarantined', 'not-ready'],
    handle: async (input) => decided(await hot.setSafetyStock(input), 200, itemBody),
  });
}
