/**
 * Items over HTTP: what stands, goods that come in, the line under which the alert fires.
 */
import type { FastifyInstance } from 'fastify';
import type { HotInventory } from '../../hotpath/hot-inventory.ts';
import { decided } from '../answers.ts';
import { actorOf, type Routes } from '../route.ts';
import { itemParams, receiveBody, safetyStockBody, skuParams } from '../schemas.ts';

const tag = 'stock';
const ITEM = { description: 'The item as it stands.', $ref: 'Item#' };

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
    handle: async (request) => decided(await hot.item(request.params.sku), 200),
  });

  routes.declare(app, {
    method: 'POST',
    url: '/v1/stock/receive',
    name: 'receive',
    tag,
    summary: 'Goods came in: total and available rise',
    description:
      'The first receipt makes the item. A repeat answers 200 with the item as it stood after the first time.',
    body: receiveBody,
    answers: {
      201: { description: 'Received; the item after it.', $ref: 'Item#' },
      200: { ...ITEM, description: 'A repeat.' },
    },
    problems: ['movement-conflict', 'quantity-limit-exceeded', 'ledger-backlog', 'quarantined', 'not-ready'],
    handle: async (request) => decided(await hot.receive({ ...request.body, actor: actorOf(request) }), 201),
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
      return decided(await hot.setSafetyStock(input), 200);
    },
  });
}
