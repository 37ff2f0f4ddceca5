/**
 * BR-007 by examples: what waits while an item is counted, what does not, and that no hold is lost to a count.
 */
import { expect, test } from 'vitest';
import {
  type Decision,
  HOLD_SECONDS_MAX,
  LEASE_SECONDS_MAX,
  LIFETIME_SECONDS_MAX,
  MOVEMENT_KINDS,
  STOCKTAKE_EXTENSION_SECONDS,
  STOCKTAKE_GRACE_SECONDS,
} from '../../src/domain/language.ts';
import { answer, outcome, refusal, START_MS, spelled } from '../domain/sentences.ts';
import { type EitherShop, eventsOf, type Given, onBoth } from './both.ts';

const GRACE_MS = STOCKTAKE_GRACE_SECONDS * 1_000;
const STEP_MS = STOCKTAKE_EXTENSION_SECONDS * 1_000;

/** Something of every kind has been done with TEA@east, and it is locked for five minutes. */
async function withEverything(given: Given): Promise<EitherShop> {
  const shop = await given('TEA@east=20,TEA@west=20,RICE@east=5');
  await shop.reserve('late', 'TEA@east=1', 1);
  await shop.wait(1_000);
  await shop.sweepAll();
  await shop.reserve('sold', 'TEA@east=3');
  await shop.confirm('sold');
  await shop.reserve('held', 'TEA@east=2,RICE@east=1');
  await shop.move('issue', 'TEA@east=1', { movementId: 'issued' });
  await shop.dispatch('to-east', 'TEA@west>east=4');
  await shop.dispatch('from-east', 'TEA@east>west=4');
  answer(await shop.startCount('count-1', 'TEA@east', 300));
  return shop;
}
const locked = {
  code: 'stocktake-in-progress',
  items: [{ sku: 'TEA', warehouse: 'east', stocktakeId: 'count-1', untilMs: START_MS + 1_000 + 300_000 }],
};

const FORBIDDEN: [
  what: string,
  step: (shop: EitherShop) => Decision<unknown> | Promise<Decision<unknown>>,
][] = [
  ['reserve', (shop) => shop.reserve('order-1', 'TEA@east=1')],
  ['reserve beside another item', (shop) => shop.reserve('order-1', 'TEA@east=1,RICE@east=1')],
  ['confirm', (shop) => shop.confirm('held')],
  ['confirm of the other item alone', (shop) => shop.confirm('held', 'RICE=1')],
  ['a late payment', (shop) => shop.confirm('late', undefined, { reacquire: true })],
  // A correction names a version as well, and has a test of its own.
  ...MOVEMENT_KINDS.filter((kind) => kind !== 'correct').map((kind): (typeof FORBIDDEN)[number] => [
    kind,
    (shop) => shop.move(kind, 'TEA@east=1', { movementId: 'M-1' }),
  ]),
  ['dispatch', (shop) => shop.dispatch('T-1', 'TEA@east>west=1')],
  ['arrival of a transfer', (shop) => shop.land('to-east', 4)],
  ['turning a transfer round', (shop) => shop.turnBack('from-east')],
  ['another count', (shop) => shop.startCount('count-2', 'TEA@east')],
];

onBoth('BR-007: while an item is counted', (given) => {
  test.each(FORBIDDEN)(
    'BR-007: %s waits, is told for whom and until when, and is done after the count',
    async (_, step) => {
      const shop = await withEverything(given);
      const [events, figures] = [(await shop.happened()).length, await shop.figures('TEA@east')];
      expect(refusal(await step(shop))).toEqual(locked);
      expect([(await shop.happened()).length, await shop.figures('TEA@east')]).toEqual([events, figures]);
      await shop.completeCount('count-1', 'TEA@east', 12);
      expect(outcome(await step(shop))).toBe('done');
    },
  );

  test('BR-007: a correction waits too, whatever version it names', async () => {
    const shop = await withEverything(given);
    const { version } = await shop.item('TEA@east');
    const correct = (expectedVersion: number) =>
      shop.move('correct', 'TEA@east=9', { expectedVersion, movementId: 'M-1' });
    expect(refusal(await correct(version))).toEqual(locked);
    expect(refusal(await correct(1))).toEqual(locked);
    await shop.cancelCount('count-1', 'TEA@east');
    expect(outcome(await correct(version))).toBe('version-conflict');
    expect(outcome(await correct(version + 1))).toBe('done');
  });

  test('BR-007: a cancellation does not wait, whole or in part, nor does an extension', async () => {
    const shop = await withEverything(given);
    expect(outcome(await shop.extend('held', 3_600))).toBe('done');
    expect(outcome(await shop.release('held', 'TEA=1'))).toBe('done');
    expect(outcome(await shop.release('held'))).toBe('done');
    expect((await shop.item('TEA@east')).reserved).toBe(0);
    expect((await shop.item('TEA@east')).stocktake).toBeDefined();
  });

  test('BR-007: the line of its alert can be moved', async () => {
    const shop = await withEverything(given);
    expect(outcome(await shop.setSafetyStock('TEA@east', 99))).toBe('done');
    expect(await eventsOf(shop, 'LowStockAlertTriggered')).toHaveLength(1);
  });

  test('BR-006, BR-007: what was done before is still known as a repeat', async () => {
    const shop = await withEverything(given);
    expect(outcome(await shop.reserve('held', 'TEA@east=2,RICE@east=1'))).toBe('replayed');
    expect(outcome(await shop.confirm('sold'))).toBe('replayed');
    expect(outcome(await shop.move('issue', 'TEA@east=1', { movementId: 'issued' }))).toBe('replayed');
    expect(outcome(await shop.dispatch('from-east', 'TEA@east>west=4'))).toBe('replayed');
  });

  test('BR-007: other items and other warehouses go on, and an end of a transfer that is not locked lands', async () => {
    const shop = await withEverything(given);
    expect(outcome(await shop.reserve('order-1', 'TEA@west=1,RICE@east=1'))).toBe('done');
    expect(outcome(await shop.land('from-east', 4))).toBe('done');
    expect(outcome(await shop.turnBack('to-east'))).toBe('done');
  });

  test('BR-007: a refusal names every locked line, and no short one', async () => {
    const shop = await withEverything(given);
    await shop.startCount('count-2', 'RICE@east', 60);
    const refused = refusal(await shop.reserve('order-1', 'TEA@east=1,RICE@east=1,TEA@west=99'));
    expect(refused).toMatchObject({
      code: 'stocktake-in-progress',
      items: [
        { sku: 'RICE', stocktakeId: 'count-2' },
        { sku: 'TEA', stocktakeId: 'count-1' },
      ],
    });
    expect(refusal(await shop.confirm('held'))).toMatchObject({
      items: [
        { sku: 'RICE', warehouse: 'east', stocktakeId: 'count-2', untilMs: shop.nowMs + 60_000 },
        { sku: 'TEA', warehouse: 'east', stocktakeId: 'count-1' },
      ],
    });
  });

  test('an unknown item is told before a locked one', async () => {
    const shop = await withEverything(given);
    expect(outcome(await shop.reserve('order-1', 'TEA@east=1,SALT@east=1'))).toBe('unknown-item');
  });
});

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
