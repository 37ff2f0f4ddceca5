/**
 * Orders at one rate for minutes, in an open loop: an order comes when it is due, whether those before it are answered
 * or not. Each holds one unit of one of a thousand articles, of which there is always enough: every answer must be a yes.
 */
import * as shop from './shop.js';

export { handleSummary, reportRest } from './shop.js';

const ARTICLES = 1_000;
const BUYERS = 400;
const goods = Array.from({ length: ARTICLES }, (_, i) => ({
  sku: shop.idOf(i),
  warehouse: shop.warehouseOf('TPE-1'),
  quantity: 1_000_000,
}));

export const options = shop.optionsFor(
  { steady: shop.openLoop('order', { buyers: BUYERS }) },
  { orders: shop.rate * shop.seconds, buyers: BUYERS },
);

export const setup = () => shop.receive(goods);

const YES = [201];
/** Each buyer goes through the articles from another one on. */
let article = __VU;

export function order() {
  article = (article + 1) % ARTICLES;
  shop.reserve(shop.nextOrder(), shop.lineOf(goods[article].sku), YES);
}

export const teardown = () => shop.expectNotOversold(goods.slice(0, 10));
