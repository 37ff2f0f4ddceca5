/**
 * How long count sheets, transfers, sales and quotas live in Redis, and that a lock ends by itself on a partition of which
 * nobody asks anything (BR-007, D5).
 */
import { describe, expect, test } from 'vitest';
import { LEASE_SECONDS_MAX, SALE_AFTERLIFE_SECONDS } from '../../src/domain/language.ts';
import { BATCH_LIMITS_DEFAULT } from '../../src/hotpath/hot-inventory.ts';
import { answer, outcome } from '../domain/sentences.ts';
import { TURNED_CLOCK } from '../services.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

const { tombstoneMs } = BATCH_LIMITS_DEFAULT;
const endOf = (shop: HotShop, key: string) => shop.redis.call('PEXPIRETIME', key);
const FOR_GOOD_MS = 253_402_300_799_999;

describe('how long a document lives', () => {
  test('a transfer in transit has no end; one that is over tells how for the tombstone time', async () => {
    const shop = await givenShop('TEA@east=9');
    for (const id of ['lands', 'turns']) await shop.dispatch(id, 'TEA@east>west=2');
    await shop.land('lands', 1);
    for (const id of ['lands', 'turns']) expect(await endOf(shop, shop.keys.transfer(id))).toBe(FOR_GOOD_MS);
    await shop.wait(5_000);
    await shop.land('lands', 1, { receiptId: 'second' });
    await shop.turnBack('turns');
    for (const id of ['lands', 'turns']) {
      expect(await endOf(shop, shop.keys.transfer(id))).toBe(shop.nowMs + tombstoneMs);
    }
  });

  test('BR-007: a count sheet outlives each of its locks, also where a later one is shorter', async () => {
    const shop = await givenShop('TEA@east=9,RICE@east=9', { limits: { tombstoneMs: 60_000 } });
    await shop.startCount('count', 'TEA@east', LEASE_SECONDS_MAX);
    await shop.startCount('count', 'RICE@east', 1);
    await shop.completeCount('count', 'RICE@east', 9);
    const { untilMs } = (await shop.sheet('count')).find((line) => line.sku === 'TEA') ?? {
      untilMs: Infinity,
    };
    expect(await endOf(shop, shop.keys.stocktake('count'))).toBeGreaterThanOrEqual(untilMs + 60_000);
  });

  test('a sale and what its customers have live until no hold can count in it any more, and the tombstone time', async () => {
    const shop = await givenShop('TEA@east=9');
    const { closesAtMs } = answer(await shop.schedule('flash', 'TEA=5', { limitPerCustomer: 2 }));
    await shop.reserve('order-1', 'TEA=1', undefined, { saleId: 'flash', customerId: 'ann' });
    const endMs = closesAtMs + SALE_AFTERLIFE_SECONDS * 1_000 + tombstoneMs;
    expect(await endOf(shop, shop.keys.sale('flash'))).toBe(endMs);
    expect(await endOf(shop, shop.keys.quota('flash'))).toBe(endMs);
  });

  test('every kind of movement is known for the tombstone time', async () => {
    const shop = await givenShop('TEA@east=9');
    await shop.move('issue', 'TEA@east=1', { movementId: 'M-1' });
    await shop.move('write-off', 'TEA@east=1', { movementId: 'M-2' });
    for (const id of ['M-1', 'M-2']) {
      expect(await endOf(shop, shop.keys.movement(id))).toBe(shop.nowMs + tombstoneMs);
    }
  });
});

describe('a lease that runs out on an idle partition', () => {
  test('BR-007: ends with a sweep alone: the item, the sheet, the stream and the index of deadlines', async () => {
    const shop = await givenShop('TEA@east=9');
    await shop.startCount('count', 'TEA@east', 60);
    const entries = (await shop.entries()).length;
    await shop.wait(60_000);
    await shop.hot.sweep(10);
    expect((await shop.item('TEA@east')).stocktake).toBeUndefined();
    expect(await shop.redis.hget(shop.keys.stocktake('count'), 'TEA@east')).toMatch(/^LAPSED /);
    expect((await shop.entries()).slice(entries)).toMatchObject([{ events: [{ type: 'StocktakeLapsed' }] }]);
    expect(await shop.redis.zcard(shop.keys.due)).toBe(0);
  });

  test('BR-007: ends with any batch, whatever that asks', async () => {
    const shop = await givenShop('TEA@east=9,RICE@east=9');
    await shop.startCount('count', 'TEA@east', 60);
    await shop.wait(60_000);
    await shop.reserve('order-1', 'RICE@east=1');
    expect((await shop.item('TEA@east')).stocktake).toBeUndefined();
  });

  test('BR-007: of many items ends in portions no larger than was asked, until none is left', async () => {
    const warehouses = Array.from({ length: 40 }, (_, i) => `TEA@w${i}`);
    const shop = await givenShop(warehouses.map((name) => `${name}=1`).join(','));
    await Promise.all(warehouses.map((name) => shop.startCount('count', name, 60)));
    await shop.wait(60_000);
    let locked = 40;
    for (let isMore = true; isMore; ) {
      isMore = (await shop.hot.sweep(7)).moreDue;
      const lines = await shop.redis.hvals(shop.keys.stocktake('count'));
      const left = lines.filter((line) => line.startsWith('COUNTING')).length;
      expect(locked - left).toBeLessThanOrEqual(7);
      locked = left;
    }
    expect(locked).toBe(0);
    expect(await shop.redis.zcard(shop.keys.due)).toBe(0);
  });

  test('BR-007: ends once, however many look at the same time', async () => {
    const shop = await givenShop('TEA@east=9');
    const other = await shop.another();
    await shop.startCount('count', 'TEA@east', 60);
    await shop.wait(60_000);
    await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 ? shop : other).hot.sweep(5)));
    expect((await shop.eventTypes()).filter((type) => type === 'StocktakeLapsed')).toHaveLength(1);
  });

  test('BR-007: does not end while the clock is frozen', async () => {
    const shop = await givenShop('TEA@east=9');
    const sinceMs = shop.nowMs;
    const other = await shop.another({ clock: { lua: TURNED_CLOCK, witnessMs: () => sinceMs } });
    await other.startCount('count', 'TEA@east', 60);
    await shop.engine.setTime(shop.nowMs + 3_600_000);
    expect(await other.hot.sweep(10)).toMatchObject({ clock: 'frozen' });
    expect(outcome(await other.reserve('order-1', 'TEA@east=1'))).toBe('stocktake-in-progress');
  });

  test('BR-007: stands on the item itself: the lock ends also where its sheet is gone', async () => {
    const shop = await givenShop('TEA@east=9');
    await shop.startCount('count', 'TEA@east', 60);
    await shop.redis.unlink(shop.keys.stocktake('count'));
    await shop.wait(60_000);
    await shop.sweepAll();
    expect((await shop.item('TEA@east')).stocktake).toBeUndefined();
    expect((await shop.sheet('count')).map((line) => line.status)).toEqual(['LAPSED']);
  });
});
