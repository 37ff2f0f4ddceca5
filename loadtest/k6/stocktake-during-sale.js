/**
 * One of two warehouses is counted in the middle of a sale (BR-007): while it is locked nothing is taken from it, who
 * insists on it is told so, and everybody else is served from the other one. Buyers must notice nothing.
 */
import { sleep } from 'k6';
import {
  call,
  expectNotOversold,
  GRACE_SECONDS,
  idOf,
  lineOf,
  mustBe,
  nextOrder,
  openLoop,
  optionsFor,
  rate,
  receive,
  reserve,
  seconds,
  warehouseOf,
} from './shop.js';

export { handleSummary, reportRest } from './shop.js';

const BUYERS = 300;
/** Of the time: when the count begins, and how long it takes. */
const BEFORE_SHARE = 0.25;
const COUNT_SHARE = 0.5;
const countFrom = Math.round(seconds * BEFORE_SHARE);
const LEASE_SECONDS = 3_600;
const BROKEN = 3;

const sku = idOf('counted');
/** Orders that name no warehouse are served from the first by name that can, so it is this one that is counted. */
const COUNTED = warehouseOf('A-NORTH');
const OTHER = warehouseOf('B-SOUTH');
const goods = [COUNTED, OTHER].map((warehouse) => ({ sku, warehouse, quantity: 10_000_000 }));

export const options = optionsFor(
  {
    buying: openLoop('buy', { buyers: BUYERS }),
    counting: {
      executor: 'per-vu-iterations',
      exec: 'count',
      vus: 1,
      startTime: `${countFrom}s`,
      // Through with the others, or its buyer would not be among those that tell the rest.
      maxDuration: `${seconds - countFrom}s`,
      gracefulStop: `${GRACE_SECONDS}s`,
    },
  },
  { orders: rate * seconds, buyers: BUYERS + 1 },
);

export const setup = () => receive(goods);

const YES = [201];
const COUNTED_NOW = [423];

export const buy = () => reserve(nextOrder(), lineOf(sku), YES);
const insist = (expected) => reserve(nextOrder(), lineOf(sku, 1, COUNTED), expected);

const countedItem = () =>
  call('GET', `/v1/items/${encodeURIComponent(sku)}`).warehouses.find(
    ({ warehouse }) => warehouse === COUNTED,
  );

export function count() {
  insist(YES);
  const stocktakeId = idOf('count');
  const lock = { stocktakeId, sku, warehouse: COUNTED, leaseSeconds: LEASE_SECONDS };
  call('POST', '/v1/stocktakes', lock, YES);
  const before = countedItem();
  insist(COUNTED_NOW);
  sleep(seconds * COUNT_SHARE);
  insist(COUNTED_NOW);
  const after = countedItem();
  mustBe(
    after.available === before.available && after.total === before.total,
    `nothing is taken from a warehouse that is counted: ${JSON.stringify({ before, after })}`,
  );
  const counted = { counted: before.total - BROKEN, reason: 'three were broken' };
  const { difference } = call('POST', `/v1/stocktakes/${encodeURIComponent(stocktakeId)}/complete`, counted);
  mustBe(difference === -BROKEN, `the books take what was counted: ${difference}`);
  insist(YES);
}

export const teardown = () => expectNotOversold(goods);
