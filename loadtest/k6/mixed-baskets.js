/**
 * A day in a shop with thousands of articles of which few are wanted by many: baskets of one to five lines, reserved and
 * then paid, cancelled, left to expire, or sent twice.
 */
import * as shop from './shop.js';

export { handleSummary, reportRest } from './shop.js';

const BUYERS = 300;
const ARTICLES = 5_000;
const LINES_MAX = 5;
/** In two warehouses each; the articles most wanted run out, which is part of a day in a shop. */
const STOCK_EACH = 5_000;
const WAREHOUSES = ['TPE-1', 'KHH-1'].map(shop.warehouseOf);
/** Of the accepted orders; the rest is left to expire. */
const PAID = 0.5;
const CANCELLED = 0.2;
const SENT_TWICE = 0.1;
/** Long enough to pay in, short enough that what is left returns within the run. */
const HOLD_SECONDS = 5;

export const options = shop.optionsFor(
  { baskets: shop.openLoop('fillBasket', { buyers: BUYERS }) },
  { orders: shop.rate * shop.seconds, buyers: BUYERS },
);

const goods = () =>
  Array.from({ length: ARTICLES }, (_, i) =>
    WAREHOUSES.map((warehouse) => ({ sku: shop.idOf(i), warehouse, quantity: STOCK_EACH })),
  ).flat();

export const setup = () => shop.receive(goods());

/** Zipf's law: the n-th article is wanted 1/n as often as the first. */
const anyArticle = () => Math.floor((ARTICLES + 1) ** Math.random()) - 1;

function anyBasket() {
  const count = 1 + Math.floor(Math.random() * LINES_MAX);
  const lines = [];
  for (let i = 0; i < count; i++)
    lines.push(shop.lineOf(shop.idOf(anyArticle()), Math.random() < 0.8 ? 1 : 2));
  return lines.join(',');
}

const YES_OR_SHORT = [201, 409];
const REPEATED = [200];

export function fillBasket() {
  const name = shop.nextOrder();
  const lines = anyBasket();
  if (shop.reserve(name, lines, YES_OR_SHORT, HOLD_SECONDS) !== 201) return;
  if (Math.random() < SENT_TWICE) shop.reserve(name, lines, REPEATED, HOLD_SECONDS);
  const dice = Math.random();
  if (dice < PAID) shop.resolve(name, 'confirm');
  else if (dice < PAID + CANCELLED) shop.resolve(name, 'release');
}

export const teardown = () => shop.expectNotOversold(goods().slice(0, 200));
