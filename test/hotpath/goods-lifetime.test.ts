/**
 * The lifetime of count sheets, transfers, sales and quotas in Redis, and locks that end by themselves on an idle partition
 * (BR-007, D5).
 */
import { describe, expect, test } from 'vitest';
import { LEASE_SECONDS_MAX, SALE_AFTERLIFE_SECONDS } from '../../src/domain/language.ts';
import { BATCH_LIMITS_DEFAULT } from '../../src/hotpath/hot-inventory.ts';
import { answer } from '../domain/sentences.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

const { tombstoneMs } = BATCH_LIMITS_DEFAULT;
const endOf = (shop: HotShop, key: string) => shop.redis.call('PEXPIRETIME', key);
const FOR_GOOD_MS = 253_402_300_799_999;

describe('the lifetime of a record', () => {
  test('of a transfer in transit has no end; of one that has ended it is the tombstone time', async () => {
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

  test('BR-007: of a count sheet exceeds each of its locks, also if a later one is shorter', async () => {
    const shop = await givenShop('TEA@east=9,RICE@east=9', { limits: { tombstoneMs: 60_000 } });
    await shop.startCount('count', 'TEA@east', LEASE_SECONDS_MAX);
    await shop.startCount('count', 'RICE@east', 1);
    await shop.completeCount('count', 'RICE@east', 9);
    const { untilMs } = (await shop.sheet('count')).find((line) => line.sku === 'TEA') ?? {
      untilMs: Infinity,
    };
    expect(await endOf(shop, shop.keys.stocktake('count'))).toBeGreaterThanOrEqual(untilMs + 60_000);
  });

  test('of a sale and its quotas lasts until no hold can count in it, plus the tombstone time', async () => {
    const shop = await givenShop('TEA@east=9');
    const { closesAtMs } = answer(await shop.schedule('flash', 'TEA=5', { limitPerCustomer: 2 }));
    await shop.reserve('order-1', 'TEA=1', undefined, { saleId: 'flash', customerId: 'ann' });
    const endMs = closesAtMs + SALE_AFTERLIFE_SECONDS * 1_000 + tombstoneMs;
    expect(await endOf(shop, shop.keys.sale('flash'))).toBe(endMs);
    expect(await endOf(shop, shop.keys.quota('flash'))).toBe(endMs);
  });

  test('of every kind of movement is the tombstone time', async () => {
    const shop = await givenShop('TEA@east=9');
    await shop.move('issue', 'TEA@east=1', { movementId: 'M-1' });
    await shop.move('write-off', 'TEA@east=1', { movementId: 'M-2' });
    for (const id of ['M-1', 'M-2']) {
      expect(await endOf(shop, shop.keys.movement(id))).toBe(shop.nowMs + tombstoneMs);
    }
  });
});

describe('a lock whose time is over on an idle partition', () => {
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

  test('BR-007: ends with any batch', async () => {
    const shop = await givenShop('TEA@east=9,RICE@east=9');
    await shop.startCount('count', 'TEA@east', 60);
    await shop.wait(60_000);
    await shop.reserve('order-1', 'RICE@east=1');
    expect((await shop.item('TEA@east')).stocktake).toBeUndefined();
  });

  test('BR-007: of many items ends in portions of at most the given number, until none is left', async () => {
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

  test('BR-007: ends once, even if many batches run at the same time', async () => {
    const shop = await givenShop('TEA@east=9');
    const other = await shop.another();
    await shop.startCount('count', 'TEA@east', 60);
    await shop.wait(60_000);
    await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 ? shop : other).hot.sweep(5)));
    expect((await shop.eventTypes()).filter((type) => type === 'StocktakeLapsed')).toHaveLength(1);
  });

  test('BR-007: ends also if its sheet is gone, because it is on the item itself', async () => {
    const shop = await givenShop('TEA@east=9');
    await shop.startCount('count', 'TEA@east', 60);
    await shop.redis.unlink(shop.keys.stocktake('count'));
    await shop.wait(60_000);
    await shop.sweepAll();
    expect((await shop.item('TEA@east')).stocktake).toBeUndefined();
    expect((await shop.sheet('count')).map((line) => line.status)).toEqual(['LAPSED']);
  });
});
