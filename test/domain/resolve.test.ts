/**
 * Confirming and releasing by examples: whole, in part, twice, and one after the other. A reservation resolves once.
 */
import { describe, expect, test } from 'vitest';
import { PARTIAL_RELEASES_MAX } from '../../src/domain/language.ts';
import { answer, outcome, refusal, spelled } from './sentences.ts';
import { given } from './shop.ts';

function givenHold(order = 'TEA@east=3,RICE@east=2') {
  const shop = given('TEA@east=5,RICE@east=5');
  answer(shop.reserve('order-1', order));
  shop.wait(1_000);
  return shop;
}

describe('confirm', () => {
  test('a payment turns all that is held into a sale', () => {
    const shop = givenHold();
    const sold = answer(shop.confirm('order-1'));
    expect(sold).toMatchObject({ status: 'CONFIRMED', resolvedAtMs: shop.nowMs });
    expect(shop.figures('TEA@east')).toBe('5 = 2 available + 0 reserved + 3 sold');
    expect(shop.figures('RICE@east')).toBe('5 = 3 available + 0 reserved + 2 sold');
  });

  test('a payment of a part sells the part, returns the remainder at once, and closes the hold', () => {
    const shop = givenHold();
    const sold = answer(shop.confirm('order-1', 'TEA=2'));
    expect(sold.status).toBe('CONFIRMED');
    expect(spelled(sold.lines)).toBe('TEA@east=2');
    expect(shop.figures('TEA@east')).toBe('5 = 3 available + 0 reserved + 2 sold');
    expect(shop.figures('RICE@east')).toBe('5 = 5 available + 0 reserved + 0 sold');
    expect(outcome(shop.confirm('order-1', 'RICE=1'))).toBe('already-confirmed');
  });

  test('the remainder can be reserved by another order at the same instant', () => {
    const shop = givenHold('TEA@east=5');
    shop.confirm('order-1', 'TEA=1');
    expect(outcome(shop.reserve('order-2', 'TEA@east=4'))).toBe('done');
  });

  test('more than is held is refused with every excess, and nothing moves', () => {
    const shop = givenHold();
    const before = shop.events.length;
    expect(refusal(shop.confirm('order-1', 'TEA=4,RICE=2,SALT=1'))).toEqual({
      code: 'exceeds-reservation',
      excess: [
        { sku: 'SALT', requested: 1, held: 0 },
        { sku: 'TEA', requested: 4, held: 3 },
      ],
    });
    expect(shop.events.length).toBe(before);
    expect(outcome(shop.confirm('order-1'))).toBe('done');
  });

  test('two parts of one SKU are added up before they are compared with what is held', () => {
    const shop = givenHold();
    expect(outcome(shop.confirm('order-1', 'TEA=2,TEA=2'))).toBe('exceeds-reservation');
  });

  test('a part of a SKU held in two warehouses is sold from the first of them', () => {
    const shop = given('TEA@east=2,TEA@west=2');
    shop.reserve('order-1', 'TEA@east=2,TEA@west=2');
    expect(spelled(answer(shop.confirm('order-1', 'TEA=3')).lines)).toBe('TEA@east=2,TEA@west=1');
  });

  test('BR-006: a repeated payment sells once', () => {
    const shop = givenHold();
    const first = answer(shop.confirm('order-1', 'TEA=2'));
    shop.wait(1_000);
    const again = shop.confirm('order-1', 'TEA=1,TEA=1');
    expect(outcome(again)).toBe('replayed');
    expect(answer(again)).toEqual(first);
    expect(shop.item('TEA@east').sold).toBe(2);
  });

  test('BR-006: another payment for a sold order is refused with what was sold', () => {
    const shop = givenHold();
    shop.confirm('order-1', 'TEA=2');
    const told = refusal(shop.confirm('order-1'));
    expect(told).toMatchObject({ code: 'already-confirmed', reservation: { status: 'CONFIRMED' } });
  });

  test('an order that was never reserved is unknown', () => {
    const shop = givenHold();
    expect(outcome(shop.confirm('order-2'))).toBe('unknown-reservation');
    expect(outcome(shop.release('order-2'))).toBe('unknown-reservation');
    expect(outcome(shop.extend('order-2', 60))).toBe('unknown-reservation');
  });
});

describe('release', () => {
  test('a cancellation returns all that is held', () => {
    const shop = givenHold();
    expect(answer(shop.release('order-1')).status).toBe('RELEASED');
    expect(shop.figures('TEA@east')).toBe('5 = 5 available + 0 reserved + 0 sold');
  });

  test('a cancellation of a part returns the part and keeps the rest held, which can be paid', () => {
    const shop = givenHold();
    const left = answer(shop.release('order-1', 'TEA=1,RICE=2'));
    expect(left.status).toBe('ACTIVE');
    expect(spelled(left.lines)).toBe('TEA@east=2');
    expect(shop.figures('TEA@east')).toBe('5 = 3 available + 2 reserved + 0 sold');
    expect(spelled(answer(shop.confirm('order-1')).lines)).toBe('TEA@east=2');
  });

  test('the last part closes the hold', () => {
    const shop = givenHold('TEA@east=3');
    shop.release('order-1', 'TEA=2');
    expect(answer(shop.release('order-1', 'TEA=1')).status).toBe('RELEASED');
  });

  test('more than is still held is refused', () => {
    const shop = givenHold('TEA@east=3');
    shop.release('order-1', 'TEA=2', 'first');
    expect(refusal(shop.release('order-1', 'TEA=2', 'second'))).toEqual({
      code: 'exceeds-reservation',
      excess: [{ sku: 'TEA', requested: 2, held: 1 }],
    });
  });

  test('BR-006: the same part cancelled twice returns once; another release id makes it another part', () => {
    const shop = givenHold('TEA@east=3');
    shop.release('order-1', 'TEA=1');
    expect(outcome(shop.release('order-1', 'TEA=1'))).toBe('replayed');
    expect(shop.item('TEA@east').reserved).toBe(2);
    expect(outcome(shop.release('order-1', 'TEA=1', 'again'))).toBe('done');
    expect(outcome(shop.release('order-1', 'TEA=1', 'again'))).toBe('replayed');
    expect(shop.item('TEA@east').reserved).toBe(1);
  });

  test('BR-006: two cancellations of one order from two sources return it once', () => {
    const shop = givenHold();
    shop.release('order-1', undefined, 'web-hook');
    expect(outcome(shop.release('order-1', undefined, 'mail'))).toBe('replayed');
    expect(shop.figures('TEA@east')).toBe('5 = 5 available + 0 reserved + 0 sold');
  });

  test('a hold remembers a limited number of parts, and can still be closed as a whole', () => {
    const shop = given('TEA@east=50');
    shop.reserve('order-1', 'TEA@east=50');
    for (let i = 0; i < PARTIAL_RELEASES_MAX; i++) {
      expect(outcome(shop.release('order-1', 'TEA=1', `part-${i}`))).toBe('done');
    }
    expect(outcome(shop.release('order-1', 'TEA=1', 'one-more'))).toBe('too-many-partial-releases');
    expect(outcome(shop.release('order-1'))).toBe('done');
  });

  test('a part whose repeat is known is still a repeat when the limit is reached', () => {
    const shop = given('TEA@east=50');
    shop.reserve('order-1', 'TEA@east=50');
    for (let i = 0; i < PARTIAL_RELEASES_MAX; i++) shop.release('order-1', 'TEA=1', `part-${i}`);
    expect(outcome(shop.release('order-1', 'TEA=1', 'part-0'))).toBe('replayed');
  });
});

describe('a resolved order', () => {
  test('the release of a sold order is refused as already confirmed', () => {
    const shop = givenHold();
    shop.confirm('order-1');
    expect(outcome(shop.release('order-1'))).toBe('already-confirmed');
    expect(outcome(shop.extend('order-1', 60))).toBe('already-confirmed');
    expect(shop.item('TEA@east').sold).toBe(3);
  });

  test('the payment of a cancelled order is refused as already released', () => {
    const shop = givenHold();
    shop.release('order-1');
    expect(outcome(shop.confirm('order-1'))).toBe('already-released');
    expect(outcome(shop.release('order-1', 'TEA=1'))).toBe('already-released');
    expect(outcome(shop.extend('order-1', 60))).toBe('already-released');
    expect(shop.item('TEA@east').sold).toBe(0);
  });

  test('a cancellation without lines is a repeat if the order was cancelled in parts', () => {
    const shop = givenHold('TEA@east=3');
    shop.release('order-1', 'TEA=3');
    expect(outcome(shop.release('order-1'))).toBe('replayed');
  });
});
