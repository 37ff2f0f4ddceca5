/**
 * Numbers at their limits: Lua 5.1 writes 1e+15 where nobody stops it, and NaN passes `q <= 0`. Digits cross the wire
 * and are kept as digits, whatever their size.
 */
import { describe, expect, test } from 'vitest';
import { QUANTITY_MAX } from '../../src/domain/language.ts';
import { answer, outcome, refusal, START_MS } from '../domain/sentences.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

/** No text of the partition holds an exponent, a fraction or a word that Lua makes of a number gone wrong. */
async function expectDigitsOnly(shop: HotShop): Promise<void> {
  // Neither what is random nor the name of this Redis.
  const dump = (await shop.engine.dump())
    .replaceAll(shop.engine.prefix, '')
    .replaceAll(/\b[0-9a-v]{16}\b|\b[0-9a-f]{40}\b/g, 'name');
  expect(dump).not.toMatch(/\de\+?\d/i);
  expect(dump).not.toMatch(/\b-?(nan|inf)\b/i);
  expect(dump).not.toMatch(/\d\.\d/);
}

describe('quantities at the limit', () => {
  test(`${QUANTITY_MAX} units are received, reserved, split, sold and returned to the unit`, async () => {
    const shop = await givenShop(`TEA@east=${QUANTITY_MAX}`);
    await shop.setSafetyStock('TEA@east', QUANTITY_MAX);
    answer(await shop.reserve('order-1', `TEA@east=${QUANTITY_MAX}`));
    await expectDigitsOnly(shop);
    answer(await shop.release('order-1', `TEA=${QUANTITY_MAX - 2}`));
    answer(await shop.confirm('order-1', 'TEA=1'));
    expect(await shop.figures('TEA@east')).toBe(
      `${QUANTITY_MAX} = ${QUANTITY_MAX - 1} available + 0 reserved + 1 sold`,
    );
    await expectDigitsOnly(shop);
  });

  test('a refusal at the limit has the exact figures', async () => {
    const shop = await givenShop(`TEA@east=${QUANTITY_MAX - 1}`);
    expect(refusal(await shop.reserve('order-1', `TEA@east=${QUANTITY_MAX}`))).toEqual({
      code: 'insufficient-stock',
      shortages: [{ sku: 'TEA', warehouse: 'east', requested: QUANTITY_MAX, available: QUANTITY_MAX - 1 }],
    });
    answer(await shop.reserve('order-2', 'TEA@east=1'));
    expect(refusal(await shop.confirm('order-2', `TEA=${QUANTITY_MAX}`))).toEqual({
      code: 'exceeds-reservation',
      excess: [{ sku: 'TEA', requested: QUANTITY_MAX, held: 1 }],
    });
  });

  test('a total does not go beyond it, whether the rest is sold, held or there', async () => {
    const shop = await givenShop(`TEA@east=${QUANTITY_MAX - 1}`);
    await shop.reserve('order-1', 'TEA@east=10');
    await shop.confirm('order-1', 'TEA=5');
    expect(refusal(await shop.receive('TEA@east=2'))).toEqual({
      code: 'quantity-limit-exceeded',
      total: QUANTITY_MAX - 1,
    });
    expect(outcome(await shop.receive('TEA@east=1'))).toBe('done');
    expect(outcome(await shop.receive('TEA@east=1'))).toBe('quantity-limit-exceeded');
    await expectDigitsOnly(shop);
  });

  test('the other warehouse of the SKU has its own limit, and the sum is exact', async () => {
    const shop = await givenShop(`TEA@east=${QUANTITY_MAX},TEA@west=${QUANTITY_MAX}`);
    expect(answer(await shop.hot.item('TEA')).total).toBe(2 * QUANTITY_MAX);
    await expectDigitsOnly(shop);
  });
});

describe('stocktakes, transfers and sales at the limit', () => {
  /** The last instant that a sale may name. */
  const LAST_MS = 253_402_300_799_999;
  const terms = { lastsMs: LAST_MS - START_MS, limitPerCustomer: QUANTITY_MAX };
  const ann = { saleId: 'flash', customerId: 'ann' };

  test(`a sale of ${QUANTITY_MAX} units to one customer until the last instant counts to the unit`, async () => {
    const shop = await givenShop(`TEA@east=${QUANTITY_MAX}`);
    answer(await shop.schedule('flash', `TEA=${QUANTITY_MAX}`, terms));
    answer(await shop.reserve('order-1', `TEA=${QUANTITY_MAX}`, undefined, ann));
    expect(await shop.sale('flash')).toMatchObject({ closesAtMs: LAST_MS, reserved: QUANTITY_MAX, left: 0 });
    await expectDigitsOnly(shop);
    answer(await shop.release('order-1', 'TEA=1'));
    answer(await shop.confirm('order-1', `TEA=${QUANTITY_MAX - 2}`));
    expect(await shop.sale('flash')).toMatchObject({ sold: QUANTITY_MAX - 2, released: 2, left: 2 });
    expect(refusal(await shop.reserve('order-2', 'TEA=3', undefined, ann))).toEqual({
      code: 'purchase-limit-exceeded',
      limit: QUANTITY_MAX,
      held: 0,
      bought: QUANTITY_MAX - 2,
    });
    expect(answer(await shop.schedule('flash', `TEA=${QUANTITY_MAX}`, terms)).closesAtMs).toBe(LAST_MS);
    await expectDigitsOnly(shop);
  });

  test(`counters of a sale that has run for long are written digit by digit`, async () => {
    const far = 900_000_000_000_000;
    const shop = await givenShop('TEA@east=9');
    await shop.schedule('flash', 'TEA=9', terms);
    const text = `${START_MS} ${LAST_MS} ${QUANTITY_MAX} 0 0 0 ${far} ${far}`;
    await shop.redis.hset(shop.keys.sku('TEA'), '*flash', text);
    await shop.reserve('order-1', 'TEA=2', 60, ann);
    await shop.release('order-1', 'TEA=1');
    await shop.wait(60_000);
    expect(await shop.sale('flash')).toMatchObject({ released: far + 1, expired: far + 1 });
    await expectDigitsOnly(shop);
  });

  test(`a transfer of ${QUANTITY_MAX} units lands, is rejected and turns round to the unit`, async () => {
    const shop = await givenShop(`TEA@east=${QUANTITY_MAX}`);
    answer(await shop.dispatch('T-1', `TEA@east>west=${QUANTITY_MAX}`));
    answer(await shop.land('T-1', QUANTITY_MAX - 4, { rejected: 1 }));
    expect(refusal(await shop.land('T-1', QUANTITY_MAX))).toEqual({ code: 'exceeds-transit', inTransit: 3 });
    await expectDigitsOnly(shop);
    expect(answer(await shop.turnBack('T-1'))).toMatchObject({
      received: QUANTITY_MAX - 4,
      rejected: 1,
      returned: 3,
    });
    expect((await shop.item('TEA@west')).total).toBe(QUANTITY_MAX - 4);
    await expectDigitsOnly(shop);
  });

  test(`a count of ${QUANTITY_MAX} units, and a refusal below it, have the exact figures`, async () => {
    const shop = await givenShop('TEA@east=7');
    await shop.startCount('count-1', 'TEA@east', 14_400);
    answer(await shop.completeCount('count-1', 'TEA@east', QUANTITY_MAX));
    await shop.reserve('order-1', `TEA@east=${QUANTITY_MAX}`);
    await shop.startCount('count-2', 'TEA@east');
    expect(refusal(await shop.completeCount('count-2', 'TEA@east', QUANTITY_MAX - 1))).toEqual({
      code: 'count-below-committed',
      counted: QUANTITY_MAX - 1,
      reserved: QUANTITY_MAX,
      sold: 0,
    });
    expect((await shop.sheet('count-1'))[0]).toMatchObject({ before: 7, counted: QUANTITY_MAX });
    await expectDigitsOnly(shop);
  });

  test('a correction goes by a version beyond 10^14 to the digit', async () => {
    const far = 900_000_000_000_000;
    const shop = await givenShop('TEA@east=9');
    await shop.redis.hset(shop.keys.sku('TEA'), 'east', `9 9 0 0 ${far} 0 0`);
    expect(refusal(await shop.move('correct', 'TEA@east=8', { expectedVersion: far + 1 }))).toEqual({
      code: 'version-conflict',
      version: far,
    });
    expect(answer(await shop.move('correct', 'TEA@east=8', { expectedVersion: far })).version).toBe(far + 1);
    await expectDigitsOnly(shop);
  });
});

describe('counters that have run for long', () => {
  test('versions, sequences and event counts beyond 10^14 are still written digit by digit', async () => {
    const far = 900_000_000_000_000;
    const shop = await givenShop('TEA@east=9');
    await shop.redis.hset(shop.keys.sku('TEA'), 'east', `9 9 0 0 ${far} 0 0`);
    await shop.changeControl({ sequence: far, eventsTotal: far, carriedTotal: far - 1 });
    answer(await shop.reserve('order-1', 'TEA@east=1'));
    expect((await shop.item('TEA@east')).version).toBe(far + 1);
    expect(shop.hot.head).toMatchObject({ sequence: far + 1, backlogEvents: 2 });
    expect((await shop.entries()).at(-1)).toMatchObject({ sequence: far + 1, eventsTotal: far + 1 });
    await expectDigitsOnly(shop);
    await shop.hot.trim('00000001', far + 1, `1-${far + 2}`);
    expect(shop.hot.head?.backlogEvents).toBe(0);
  });

  test('an epoch is compared by its digits, however long', async () => {
    const epoch = 123_456_789_012;
    const shop = await givenShop('TEA@east=9');
    await shop.changeControl({ epoch: { number: epoch, nonce: 'abcd2345' }, sequence: 0 });
    const other = await shop.another();
    expect(outcome(await other.reserve('order-1', 'TEA@east=1'))).toBe('done');
    expect(other.hot.head).toMatchObject({ epoch, sequence: 1 });
    await expectDigitsOnly(shop);
  });
});
