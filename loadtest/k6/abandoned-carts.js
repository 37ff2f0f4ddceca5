/**
 * An expiry storm: carts are filled and left, all with holds that end in the same second, while other buyers go on buying.
 * Their orders must be answered in the storm as before it, and every abandoned unit must come back.
 */
import {
  expectNotOversold,
  idOf,
  lineOf,
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

const BUYERS = 200;
/** Of the time, in which carts are filled; a third later all their holds end, and buying goes on to the end. */
const FILLING_SHARE = 1 / 3;
const BUYING_RATE_SHARE = 0.25;
const fillingSeconds = Math.ceil(seconds * FILLING_SHARE);
const buyingRate = Math.ceil(rate * BUYING_RATE_SHARE);

const left = { sku: idOf('left'), warehouse: warehouseOf('TPE-1'), quantity: 10_000_000 };
const bought = { sku: idOf('bought'), warehouse: warehouseOf('TPE-1'), quantity: 10_000_000 };

export const options = optionsFor(
  {
    filling: openLoop('fillAndLeave', { lasts: fillingSeconds, buyers: BUYERS }),
    buying: openLoop('buy', { perSecond: buyingRate, buyers: BUYERS }),
  },
  { orders: rate * fillingSeconds + buyingRate * seconds, buyers: 2 * BUYERS },
);

export function setup() {
  receive([left, bought]);
  return { stormAtMs: Date.now() + 2 * fillingSeconds * 1_000 };
}

const YES = [201];

export function fillAndLeave({ stormAtMs }) {
  const holdSeconds = Math.max(1, Math.ceil((stormAtMs - Date.now()) / 1_000));
  reserve(nextOrder(), lineOf(left.sku), YES, holdSeconds);
}

export const buy = () => reserve(nextOrder(), lineOf(bought.sku), YES);

export const teardown = () => expectNotOversold([left, bought]);
