/**
 * One hot article, in an open loop: first a hundred units, which are gone at once while buyers keep coming, then a
 * million, of which everybody gets one while they last. Exactly so many get a yes as there are units.
 */
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

const BUYERS = 400;
/** Of the time, for the first sale; the second has the rest. */
const FIRST_SHARE = 0.25;
const firstSeconds = Math.ceil(seconds * FIRST_SHARE);
const secondFrom = firstSeconds + GRACE_SECONDS + 1;
const secondSeconds = seconds - firstSeconds;

const few = { sku: idOf('hundred'), warehouse: warehouseOf('TPE-1'), quantity: 100 };
const many = { sku: idOf('million'), warehouse: warehouseOf('TPE-1'), quantity: 1_000_000 };

export const options = optionsFor(
  {
    hundred: openLoop('wantOneOfFew', { lasts: firstSeconds, buyers: BUYERS }),
    million: openLoop('wantOneOfMany', {
      from: secondFrom,
      lasts: secondSeconds,
      buyers: BUYERS,
    }),
  },
  { orders: rate * seconds, buyers: BUYERS, endsAfter: secondFrom + secondSeconds },
);

export const setup = () => receive([few, many]);

const YES_OR_SOLD_OUT = [201, 409];
const wantOne = ({ sku }) => reserve(nextOrder(), lineOf(sku), YES_OR_SOLD_OUT);
export const wantOneOfFew = () => wantOne(few);
export const wantOneOfMany = () => wantOne(many);

export function teardown() {
  expectNotOversold([few, many]);
  // Twice as many buyers as units, and nobody gives one back.
  if (rate * firstSeconds < 2 * few.quantity) return;
  const { reserved } = call('GET', `/v1/items/${encodeURIComponent(few.sku)}`);
  mustBe(reserved === few.quantity, `${few.quantity} units were there, ${reserved} are held`);
}
