/**
 * An expiry storm: carts are filled and left, all with holds that end in the same second, while other buyers go on buying.
 * Their orders must be answered in the storm as before it, and every abandoned unit must come back.
 */
import * as shop from './shop.js';

export { handleSummary, reportRest } from './shop.js';

const BUYERS = 200;
/** Of the time, in which carts are filled; a third later all their holds end, and buying goes on to the end. */
const FILLING_SHARE = 1 / 3;
const BUYING_RATE_SHARE = 0.25;
const fillingSeconds = Math.ceil(shop.seconds * FILLING_SHARE);
const buyingRate = Math.ceil(shop.rate * BUYING_RATE_SHARE);

const left = { sku: shop.idOf('left'), warehouse: shop.warehouseOf('TPE-1'), quantity: 10_000_000 };
const bought = { sku: shop.idOf('bought'), warehouse: shop.warehouseOf('TPE-1'), quantity: 10_000_000 };

export const options = shop.optionsFor(
  {
    filling: shop.openLoop('fillAndLeave', { lasts: fillingSeconds, buyers: BUYERS }),
    buying: shop.openLoop('buy', { perSecond: buyingRate, buyers: BUYERS }),
  },
  { orders: shop.rate * fillingSeconds + buyingRate * shop.seconds, buyers: 2 * BUYERS },
);

export function setup() {
  shop.receive([left, bought]);
  return { stormAtMs: Date.now() + 2 * fillingSeconds * 1_000 };
}

const YES = [201];

export function fillAndLeave({ stormAtMs }) {
  const holdSeconds = Math.max(1, Math.ceil((stormAtMs - Date.now()) / 1_000));
  shop.reserve(shop.nextOrder(), shop.lineOf(left.sku), YES, holdSeconds);
}

export const buy = () => shop.reserve(shop.nextOrder(), shop.lineOf(bought.sku), YES);

export const teardown = () => shop.expectNotOversold([left, bought]);
