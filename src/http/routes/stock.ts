/**
 * Items over HTTP: what stands, goods that come and go, corrections, the line under which the alert fires.
 */
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { MovementKind } from '../../domain/language.ts';
import type { MovementInput } from '../../domain/validate-stock.ts';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import { itemBody, skuBody } from '../bodies.ts';
import { decided } from '../decisions.ts';
import type { ProblemCode } from '../problems.ts';
import { actorOf, type Routes } from '../route.ts';
import {
  correctBody,
  issueBody,
  itemParams,
  receiveBody,
  returnBody,
  safetyStockBody,
  shipBody,
  skuParams,
} from '../schemas/stock.ts';

const tag = 'stock';
const ITEM = { description: 'The item as it stands.', $ref: 'Item#' };
const OF_A_MOVEMENT: readonly ProblemCode[] = [
  'movement-conflict',
  'stocktake-in-progress',
  'ledger-backlog',
  'quarantined',
  'not-ready',
];

interface MovementRoute<B extends z.ZodType> {
  /** `/v1/stock/<name>`. */
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly body: B;
  /** Beside those of every movement. */
  readonly problems: readonly ProblemCode[];
  read(body: z.output<B>): readonly [MovementKind, MovementInput];
}

export function declareStock(app: FastifyInstance, routes: Routes, hot: HotInventory): void {
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

  function declareMovement<B extends z.ZodType>(route: MovementRoute<B>): void {
    const { name, summary, description, body, problems, read } = route;
    routes.declare(app, {
      method: 'POST',
      url: `/v1/stock/${name}`,
      name,
      tag,
      summary,
      description: `${description} A repeat answers 200 with the item as it stood after the first time.`,
      body,
      answers: {
        201: { description: 'Done; the item after it.', $ref: 'Item#' },
        200: { ...ITEM, description: 'A repeat.' },
      },
      problems: [...problems, ...OF_A_MOVEMENT],
      handle: async (request) => {
        const [kind, input] = read(request.body as z.output<B>);
        return decided(await hot.move(kind, { ...input, actor: actorOf(request) }), 201, itemBody);
      },
    });
  }

  declareMovement({
    name: 'receive',
    summary: 'Goods came in: total and available rise (入庫)',
    description: 'The first receipt makes the item.',
    body: receiveBody,
    problems: ['quantity-limit-exceeded'],
    read: (body) => ['receive', body],
  });
  declareMovement({
    name: 'issue',
    summary: 'Goods are gone unsold: total and available fall (出庫)',
    description: 'Damage, loss, samples. Only what is available can be issued; the reason is required.',
    body: issueBody,
    problems: ['insufficient-stock', 'unknown-item'],
    read: (body) => ['issue', body],
  });
  declareMovement({
    name: 'ship',
    summary: 'Sold goods left the building: total and sold fall (出貨)',
    description: 'What was confirmed stands as sold until it is shipped.',
    body: shipBody,
    problems: ['exceeds-sold', 'unknown-item'],
    read: (body) => ['ship', body],
  });
  declareMovement({
    name: 'return',
    summary: 'Shipped goods came back (退貨)',
    description: 'They go on sale again, or are written off, which moves no counter and needs a reason.',
    body: returnBody,
    problems: ['unknown-item', 'quantity-limit-exceeded'],
    read: ({ disposition, ...body }) => [disposition === 'write-off' ? 'write-off' : 'return', body],
  });
  declareMovement({
    name: 'correct',
    summary: 'Set a total that is wrong in the books; available takes the difference',
    description:
      'Refused where the item has changed since it was looked at. To count an item, use a stocktake.',
    body: correctBody,
    problems: ['version-conflict', 'count-below-committed', 'unknown-item'],
    read: ({ total, ...body }) => ['correct', { ...body, quantity: total }],
  });

  routes.declare(app, {
    method: 'PUT',
    url: '/v1/items/:sku/warehouses/:warehouse/safety-stock',
    name: 'setSafetyStock',
    tag,
    summary: 'Set the line under which the low-stock alert fires',
    params: itemParams,
    body: safetyStockBody,
    answers: { 200: ITEM },
    problems: ['unknown-item', 'quarantined', 'not-ready'],
    handle: async (request) => {
      const { sku, warehouse } = request.params;
      const input = { sku, warehouse, quantity: request.body.quantity, actor: actorOf(request) };
      return decided(await hot.setSafetyStock(input), 200, itemBody);
    },
  });
}
