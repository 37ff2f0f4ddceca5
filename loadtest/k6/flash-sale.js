/**
 * One hot article, in an open loop: first a hundred units, which are gone at once while buyers keep coming, then a
 * million, of which everybody gets one while they last. Exactly so many get a yes as there are units.
 */
import * as shop from './shop.js';

export { handleSummary, reportRest } from './shop.js';

const BUYERS = 400;
/** Of the time, for the first sale; the second has the rest. */
const FIRST_SHARE = 0.25;
const firstSeconds = Math.ceil(shop.seconds * FIRST_SHARE);
const secondFrom = firstSeconds + shop.GRACE_SECONDS + 1;
const secondSeconds = shop.seconds - firstSeconds;

const few = { sku: shop.idOf('hundred'), warehouse: shop.warehouseOf('TPE-1'), quantity: 100 };
const many = { sku: shop.idOf('million'), warehouse: shop.warehouseOf('TPE-1'), quantity: 1_000_000 };

export const options = shop.optionsFor(
  {
    hundred: shop.openLoop('wantOneOfFew', { lasts: firstSeconds, buyers: BUYERS }),
    million: shop.openLoop('wantOneOfMany', {
      from: secondFrom,
      lasts: secondSeconds,
      buyers: BUYERS,
    }),
  },
  { orders: shop.rate * shop.seconds, buyers: BUYERS, endsAfter: secondFrom + secondSeconds },
);

export const setup = () => shop.receive([few, many]);

const YES_OR_SOLD_OUT = [201, 409];
const wantOne = ({ sku }) => shop.reserve(shop.nextOrder(), shop.lineOf(sku), YES_OR_SOLD_OUT);
export const wantOneOfFew = () => wantOne(few);
export const wantOneOfMany = () => wantOne(many);

export function teardown() {
  shop.expectNotOversold([few, many]);
  // Twice as many buyers as units, and nobody gives one back.
  if (shop.rate * firstSeconds < 2 * few.quantity) return;
  const { reserved } = shop.call('GET', `/v1/items/${encodeURIComponent(few.sku)}`);
  shop.mustBe(reserved === few.quantity, `${few.quantity} units were there, ${reserved} are held`);
}
