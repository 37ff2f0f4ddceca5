/**
 * One of two warehouses is counted in the middle of a sale (BR-007): while it is locked nothing is taken from it, an order
 * that names it gets 423, and everybody else is served from the other one.
 */
import { sleep } from 'k6';
import * as shop from './shop.js';

export { handleSummary, reportRest } from './shop.js';

const BUYERS = 300;
/** Of the time: when the count begins, and how long it takes. */
const BEFORE_SHARE = 0.25;
const COUNT_SHARE = 0.5;
const countFrom = Math.round(shop.seconds * BEFORE_SHARE);
const LEASE_SECONDS = 3_600;
const BROKEN = 3;

const sku = shop.idOf('counted');
/** Orders that name no warehouse are served from the first by name that can, so it is this one that is counted. */
const COUNTED = shop.warehouseOf('A-NORTH');
const OTHER = shop.warehouseOf('B-SOUTH');
const goods = [COUNTED, OTHER].map((warehouse) => ({ sku, warehouse, quantity: 10_000_000 }));

export const options = shop.optionsFor(
  {
    buying: shop.openLoop('buy', { buyers: BUYERS }),
    counting: {
      executor: 'per-vu-iterations',
      exec: 'count',
      vus: 1,
      startTime: `${countFrom}s`,
      // Ends with the others, so that its buyer reports the rest as well.
      maxDuration: `${shop.seconds - countFrom}s`,
      gracefulStop: `${shop.GRACE_SECONDS}s`,
    },
  },
  { orders: shop.rate * shop.seconds, buyers: BUYERS + 1 },
);

export const setup = () => shop.receive(goods);

const YES = [201];
const COUNTED_NOW = [423];

export const buy = () => shop.reserve(shop.nextOrder(), shop.lineOf(sku), YES);
const insist = (expected) => shop.reserve(shop.nextOrder(), shop.lineOf(sku, 1, COUNTED), expected);

const countedItem = () =>
  shop
    .call('GET', `/v1/items/${encodeURIComponent(sku)}`)
    .warehouses.find(({ warehouse }) => warehouse === COUNTED);

export function count() {
  insist(YES);
  const stocktakeId = shop.idOf('count');
  const lock = { stocktakeId, sku, warehouse: COUNTED, leaseSeconds: LEASE_SECONDS };
  shop.call('POST', '/v1/stocktakes', lock, YES);
  const before = countedItem();
  insist(COUNTED_NOW);
  sleep(shop.seconds * COUNT_SHARE);
  insist(COUNTED_NOW);
  const after = countedItem();
  shop.mustBe(
    after.available === before.available && after.total === before.total,
    `nothing is taken from a warehouse that is counted: ${JSON.stringify({ before, after })}`,
  );
  const counted = { counted: before.total - BROKEN, reason: 'three were broken' };
  const { difference } = shop.call(
    'POST',
    `/v1/stocktakes/${encodeURIComponent(stocktakeId)}/complete`,
    counted,
  );
  shop.mustBe(difference === -BROKEN, `the books take what was counted: ${difference}`);
  insist(YES);
}

export const teardown = () => shop.expectNotOversold(goods);
