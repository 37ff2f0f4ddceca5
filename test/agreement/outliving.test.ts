/**
 * BR-007 by examples: no hold is lost to a count. One that falls due under a lock lives on step by step, and for a grace
 * after the lock has ended; and BR-003 holds for all the rest.
 */
import { expect, test } from 'vitest';
import {
  HOLD_SECONDS_MAX,
  LEASE_SECONDS_MAX,
  LIFETIME_SECONDS_MAX,
  STOCKTAKE_EXTENSION_SECONDS,
  STOCKTAKE_GRACE_SECONDS,
} from '../../src/domain/language.ts';
import { answer, outcome, START_MS, spelled } from '../domain/sentences.ts';
import { type EitherShop, eventsOf, type Given, onBoth } from './both.ts';

const GRACE_MS = STOCKTAKE_GRACE_SECONDS * 1_000;
const STEP_MS = STOCKTAKE_EXTENSION_SECONDS * 1_000;

/** `order-1` holds TEA for a minute, and TEA is locked for five. */
async function withHoldUnderLock(given: Given): Promise<EitherShop> {
  const shop = await given('TEA@east=9,RICE@east=9');
  await shop.reserve('order-1', 'TEA@east=2,RICE@east=1', 60);
  await shop.startCount('count-1', 'TEA@east', 300);
  return shop;
}
const statusOf = async (shop: EitherShop, ms: number) => {
  await shop.wait(ms);
  await shop.sweepAll();
  return (await shop.reservation('order-1')).status;
};

onBoth('BR-007: a hold that falls due under a lock', (given) => {
  test('BR-003, BR-007: lives until the lock has ended and the grace after it, and not longer', async () => {
    const shop = await withHoldUnderLock(given);
    expect(await statusOf(shop, 60_000)).toBe('ACTIVE');
    expect((await shop.reservation('order-1')).expiresAtMs).toBe(START_MS + 300_000 + GRACE_MS);
    expect(await eventsOf(shop, 'ReservationExtended')).toMatchObject([
      { orderId: 'order-1', actor: 'clock', expiresAtMs: START_MS + 300_000 + GRACE_MS },
    ]);
    expect(await statusOf(shop, 240_000)).toBe('ACTIVE');
    expect(await statusOf(shop, GRACE_MS - 1)).toBe('ACTIVE');
    expect(await statusOf(shop, 1)).toBe('EXPIRED');
    expect(await shop.figures('TEA@east')).toBe('9 = 9 available + 0 reserved + 0 sold');
    expect(await shop.figures('RICE@east')).toBe('9 = 9 available + 0 reserved + 0 sold');
  });

  test('BR-007: a payment that was refused meanwhile can be repeated in the grace', async () => {
    const shop = await withHoldUnderLock(given);
    await shop.wait(299_999);
    expect(outcome(await shop.confirm('order-1'))).toBe('stocktake-in-progress');
    await shop.wait(GRACE_MS);
    expect(outcome(await shop.confirm('order-1'))).toBe('done');
    expect((await shop.item('TEA@east')).sold).toBe(2);
  });

  test('BR-007: lives on step by step under a long lock, so that it returns soon after a count that is over early', async () => {
    const shop = await given('TEA@east=9');
    await shop.reserve('order-1', 'TEA@east=2', 60);
    await shop.startCount('count-1', 'TEA@east', LEASE_SECONDS_MAX);
    const stepMs = STEP_MS + GRACE_MS;
    expect(await statusOf(shop, 60_000)).toBe('ACTIVE');
    expect((await shop.reservation('order-1')).expiresAtMs).toBe(START_MS + 60_000 + stepMs);
    expect(await statusOf(shop, stepMs)).toBe('ACTIVE');
    expect((await shop.reservation('order-1')).expiresAtMs).toBe(START_MS + 60_000 + 2 * stepMs);
    expect(await eventsOf(shop, 'ReservationExtended')).toHaveLength(2);
    await shop.completeCount('count-1', 'TEA@east', 9);
    expect(await statusOf(shop, stepMs - 1)).toBe('ACTIVE');
    expect(await statusOf(shop, 1)).toBe('EXPIRED');
  });

  test.each([
    ['completed', (shop: EitherShop) => shop.completeCount('count-1', 'TEA@east', 9)],
    ['cancelled', (shop: EitherShop) => shop.cancelCount('count-1', 'TEA@east')],
  ])(
    'BR-007: has the grace from the moment in which the count was %s, also where it fell due after that',
    async (_, end) => {
      const shop = await withHoldUnderLock(given);
      await shop.wait(30_000);
      await end(shop);
      expect(await statusOf(shop, 30_000)).toBe('ACTIVE');
      expect((await shop.reservation('order-1')).expiresAtMs).toBe(START_MS + 30_000 + GRACE_MS);
      expect(await statusOf(shop, GRACE_MS - 30_000 - 1)).toBe('ACTIVE');
      expect(await statusOf(shop, 1)).toBe('EXPIRED');
    },
  );

  test('BR-007: has the grace from the deadline of a lock that lapsed', async () => {
    const shop = await given('TEA@east=9');
    await shop.reserve('order-1', 'TEA@east=2', 301);
    await shop.startCount('count-1', 'TEA@east', 300);
    expect(await statusOf(shop, 301_000)).toBe('ACTIVE');
    expect(await statusOf(shop, GRACE_MS - 1_001)).toBe('ACTIVE');
    expect(await statusOf(shop, 1)).toBe('EXPIRED');
  });

  test('BR-003: returns at its own time where that is behind the grace', async () => {
    const shop = await withHoldUnderLock(given);
    await shop.cancelCount('count-1', 'TEA@east');
    expect(await statusOf(shop, 60_000)).toBe('EXPIRED');
    expect(await eventsOf(shop, 'ReservationExtended')).toEqual([]);
  });

  test('BR-007: lives by the longest of the locks on its items', async () => {
    const shop = await withHoldUnderLock(given);
    await shop.startCount('count-2', 'RICE@east', 330);
    await statusOf(shop, 60_000);
    expect((await shop.reservation('order-1')).expiresAtMs).toBe(START_MS + 330_000 + GRACE_MS);
  });

  test('BR-003, BR-007: that nobody looked at for long ends together with the lock, the lock first', async () => {
    const shop = await withHoldUnderLock(given);
    const events = (await shop.happened()).length;
    expect(await statusOf(shop, 300_000 + GRACE_MS)).toBe('EXPIRED');
    expect(await shop.eventTypes(events)).toEqual(['StocktakeLapsed', 'InventoryReleased']);
  });

  test('BR-007: is found by a look between lock and grace, and lives the rest of it', async () => {
    const shop = await withHoldUnderLock(given);
    const events = (await shop.happened()).length;
    expect(await statusOf(shop, 300_000)).toBe('ACTIVE');
    expect(await shop.eventTypes(events)).toEqual(['StocktakeLapsed', 'ReservationExtended']);
    expect(await statusOf(shop, GRACE_MS)).toBe('EXPIRED');
  });

  test('BR-007: can outlive a second lock as well', async () => {
    const shop = await withHoldUnderLock(given);
    await statusOf(shop, 60_000);
    await shop.completeCount('count-1', 'TEA@east', 9);
    await shop.startCount('count-2', 'TEA@east', 600);
    expect(await statusOf(shop, 300_000)).toBe('ACTIVE');
    expect((await shop.reservation('order-1')).expiresAtMs).toBe(START_MS + 660_000 + GRACE_MS);
  });

  test('BR-007: that another extended is still that long, and so is one extended under the lock', async () => {
    const shop = await withHoldUnderLock(given);
    await shop.extend('order-1', 3_600);
    expect(await statusOf(shop, 3_599_999)).toBe('ACTIVE');
    expect(await statusOf(shop, 1)).toBe('EXPIRED');
    expect(await eventsOf(shop, 'ReservationExtended')).toHaveLength(1);
  });

  // The cap is on what a caller can ask for, not on what the shop's own counts force.
  test('BR-003, BR-007: at the end of its longest life outlives as many counts as there are', async () => {
    const shop = await given('TEA@east=9');
    await shop.reserve('order-1', 'TEA@east=2', HOLD_SECONDS_MAX);
    const latestMs = START_MS + LIFETIME_SECONDS_MAX * 1_000;
    while ((await shop.reservation('order-1')).expiresAtMs < latestMs) {
      await shop.wait(HOLD_SECONDS_MAX * 1_000 - 1_000);
      answer(await shop.extend('order-1', Math.min(HOLD_SECONDS_MAX, (latestMs - shop.nowMs) / 1_000)));
    }
    for (const i of [1, 2, 3]) {
      answer(await shop.startCount(`count-${i}`, 'TEA@east', LEASE_SECONDS_MAX));
      for (let ms = 0; ms < LEASE_SECONDS_MAX * 1_000; ms += STEP_MS) {
        expect(outcome(await shop.confirm('order-1'))).toBe('stocktake-in-progress');
        await shop.wait(STEP_MS);
      }
    }
    expect(outcome(await shop.extend('order-1', 600))).toBe('lifetime-exceeded');
    expect(outcome(await shop.confirm('order-1'))).toBe('done');
    expect(spelled((await shop.reservation('order-1')).lines)).toBe('TEA@east=2');
  });
});

onBoth('somebody who calls himself the clock', (given) => {
  test('BR-003: extends as everybody else does, and not under a count by its rule', async () => {
    const shop = await given('TEA@east=9');
    await shop.reserve('order-1', 'TEA@east=2', 60);
    expect(outcome(await shop.extend('order-1', 3_600, 'clock'))).toBe('done');
    expect(await statusOf(shop, 3_599_999)).toBe('ACTIVE');
    expect(await statusOf(shop, 1)).toBe('EXPIRED');
  });
});
