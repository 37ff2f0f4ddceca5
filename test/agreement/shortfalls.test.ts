/**
 * A count that finds less than is promised, by examples (BR-007): refused with the figures, or made to fit by releasing
 * holds that were named, newest first, and no more of them than it takes.
 */
import { expect, test } from 'vitest';
import { SHORTFALL_RELEASES_MAX } from '../../src/domain/language.ts';
import { answer, outcome, refusal } from '../domain/sentences.ts';
import { type EitherShop, eventsOf, type Given, onBoth } from './both.ts';

/** 12 = 1 available + 8 reserved + 3 sold; held by `oldest` 4, `middle` 3 with rice, and `newest` 1; then locked. */
async function withHolds(given: Given): Promise<EitherShop> {
  const shop = await given('TEA@east=12,RICE@east=5,TEA@west=5');
  await shop.reserve('sold', 'TEA@east=3');
  await shop.confirm('sold');
  await shop.reserve('oldest', 'TEA@east=4');
  await shop.reserve('middle', 'TEA@east=3,RICE@east=2');
  await shop.reserve('newest', 'TEA@east=1');
  await shop.reserve('elsewhere', 'TEA@west=5');
  answer(await shop.startCount('count-1', 'TEA@east'));
  return shop;
}
const NEWEST_FIRST = ['newest', 'middle', 'oldest'];
const below = (counted: number) => ({ code: 'count-below-committed', counted, reserved: 8, sold: 3 });

onBoth('BR-007: a count below what is committed', (given) => {
  test('BR-007: is refused with the figures, and the item stays locked so that it can be counted again', async () => {
    const shop = await withHolds(given);
    expect(refusal(await shop.completeCount('count-1', 'TEA@east', 10))).toEqual(below(10));
    expect((await shop.item('TEA@east')).stocktake?.stocktakeId).toBe('count-1');
    expect(await shop.figures('TEA@east')).toBe('12 = 1 available + 8 reserved + 3 sold');
    expect(outcome(await shop.completeCount('count-1', 'TEA@east', 11))).toBe('done');
    expect(await shop.figures('TEA@east')).toBe('11 = 0 available + 8 reserved + 3 sold');
  });

  test('BR-007: fits after a cancellation, which a count does not forbid', async () => {
    const shop = await withHolds(given);
    await shop.release('oldest');
    expect(outcome(await shop.completeCount('count-1', 'TEA@east', 7))).toBe('done');
    expect(await shop.figures('TEA@east')).toBe('7 = 0 available + 4 reserved + 3 sold');
  });

  test('BR-007: releases the holds that were named, in their order, until it fits, and says which', async () => {
    const shop = await withHolds(given);
    const events = (await shop.happened()).length;
    const line = answer(await shop.completeCount('count-1', 'TEA@east', 9, NEWEST_FIRST));
    expect(line).toMatchObject({ status: 'COUNTED', before: 12, counted: 9, released: ['newest', 'middle'] });
    expect(await shop.figures('TEA@east')).toBe('9 = 2 available + 4 reserved + 3 sold');
    expect(await shop.eventTypes(events)).toEqual([
      'InventoryReleased',
      'InventoryReleased',
      'StocktakeCompleted',
    ]);
    const released = (await eventsOf(shop, 'InventoryReleased')).map(({ orderId, cause, atMs }) => [
      orderId,
      cause,
      atMs,
    ]);
    expect(released).toEqual([
      ['newest', 'shortfall', shop.nowMs],
      ['middle', 'shortfall', shop.nowMs],
    ]);
    const statuses = ['newest', 'middle', 'oldest'].map(async (id) => (await shop.reservation(id)).status);
    expect(await Promise.all(statuses)).toEqual(['RELEASED', 'RELEASED', 'ACTIVE']);
  });

  test('BR-007: returns a hold as a whole, its other items too', async () => {
    const shop = await withHolds(given);
    await shop.completeCount('count-1', 'TEA@east', 9, ['middle']);
    expect(await shop.figures('RICE@east')).toBe('5 = 5 available + 0 reserved + 0 sold');
    expect(await shop.figures('TEA@east')).toBe('9 = 1 available + 5 reserved + 3 sold');
  });

  test('BR-007: where the holds named are not enough, changes nothing at all', async () => {
    const shop = await withHolds(given);
    const events = (await shop.happened()).length;
    const reservation = await shop.reservation('newest');
    expect(refusal(await shop.completeCount('count-1', 'TEA@east', 6, ['newest', 'middle']))).toEqual(
      below(6),
    );
    expect((await shop.happened()).length).toBe(events);
    expect(await shop.figures('TEA@east')).toBe('12 = 1 available + 8 reserved + 3 sold');
    expect(await shop.figures('RICE@east')).toBe('5 = 3 available + 2 reserved + 0 sold');
    expect(await shop.reservation('newest')).toEqual(reservation);
    expect((await shop.item('TEA@east')).stocktake).toBeDefined();
  });

  test('BR-007: never touches what is sold', async () => {
    const shop = await withHolds(given);
    expect(refusal(await shop.completeCount('count-1', 'TEA@east', 2, [...NEWEST_FIRST, 'sold']))).toEqual(
      below(2),
    );
    expect(outcome(await shop.completeCount('count-1', 'TEA@east', 3, NEWEST_FIRST))).toBe('done');
    expect(await shop.figures('TEA@east')).toBe('3 = 0 available + 0 reserved + 3 sold');
  });

  test('passes over names that hold nothing of the item, are over, unknown, or come twice', async () => {
    const shop = await withHolds(given);
    await shop.release('newest');
    const named = ['nobody', 'elsewhere', 'sold', 'newest', 'middle', 'middle', 'oldest'];
    // Middle holds three of the four that are missing: it counts once, however often it is named.
    const line = answer(await shop.completeCount('count-1', 'TEA@east', 6, named));
    expect(line.released).toEqual(['middle', 'oldest']);
    expect((await shop.reservation('elsewhere')).status).toBe('ACTIVE');
  });

  test('releases nothing where the count fits', async () => {
    const shop = await withHolds(given);
    expect(
      answer(await shop.completeCount('count-1', 'TEA@east', 11, NEWEST_FIRST)).released,
    ).toBeUndefined();
    expect((await shop.reservation('newest')).status).toBe('ACTIVE');
  });

  test('BR-006: told twice, releases once, and says so only the first time', async () => {
    const shop = await withHolds(given);
    const first = answer(await shop.completeCount('count-1', 'TEA@east', 10, NEWEST_FIRST));
    const again = await shop.completeCount('count-1', 'TEA@east', 10, NEWEST_FIRST);
    expect([outcome(again), answer(again)]).toEqual(['replayed', { ...first, released: undefined }]);
    expect(await eventsOf(shop, 'InventoryReleased')).toHaveLength(1);
  });

  test('BR-006: the order that lost its hold hears that it was released, and is no conflict', async () => {
    const shop = await withHolds(given);
    await shop.completeCount('count-1', 'TEA@east', 10, NEWEST_FIRST);
    expect(outcome(await shop.confirm('newest'))).toBe('already-released');
    expect(outcome(await shop.confirm('newest', undefined, { reacquire: true }))).toBe('already-released');
    expect(outcome(await shop.release('newest'))).toBe('replayed');
    const again = await shop.reserve('newest', 'TEA@east=1');
    expect([outcome(again), answer(again).status]).toEqual(['replayed', 'RELEASED']);
  });

  test('BR-007: releases holds also where their other item is being counted, which forbids no release', async () => {
    const shop = await withHolds(given);
    await shop.startCount('count-2', 'RICE@east');
    expect(outcome(await shop.completeCount('count-1', 'TEA@east', 9, ['middle']))).toBe('done');
    expect(await shop.figures('RICE@east')).toBe('5 = 5 available + 0 reserved + 0 sold');
    expect((await shop.item('RICE@east')).stocktake).toBeDefined();
  });

  test(`BR-007: releases ${SHORTFALL_RELEASES_MAX} holds at most`, async () => {
    const count = SHORTFALL_RELEASES_MAX + 1;
    const shop = await given(`TEA@east=${count}`);
    const orders = Array.from({ length: count }, (_, i) => `order-${i}`);
    await Promise.all(orders.map((orderId) => shop.reserve(orderId, 'TEA@east=1')));
    await shop.startCount('count-1', 'TEA@east');
    expect(outcome(await shop.completeCount('count-1', 'TEA@east', 0, orders))).toBe('count-below-committed');
    const line = answer(await shop.completeCount('count-1', 'TEA@east', 1, orders));
    expect(line.released).toEqual(orders.slice(0, SHORTFALL_RELEASES_MAX));
  });
});
