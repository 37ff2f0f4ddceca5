/**
 * BR-003 in the engine: the index of deadlines returns stock with the very next batch, whether a worker sweeps or not;
 * nothing is revived, nothing returns too early, and records live as long as they are needed (D5).
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIFETIME_SECONDS_MAX } from '../../src/domain/language.ts';
import { BATCH_LIMITS_DEFAULT } from '../../src/hotpath/hot-inventory.ts';
import { ask } from '../agreement/ask.ts';
import { HISTORIES, history } from '../domain/histories.ts';
import { answer, MINUTE_MS, outcome } from '../domain/sentences.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

const { tombstoneMs } = BATCH_LIMITS_DEFAULT;

/** Many holds of one unit each, made in batches, due together. */
async function holdMany(shop: HotShop, count: number, holdSeconds = 60): Promise<void> {
  const calls = Array.from({ length: count }, (_, i) =>
    shop.reserve(`order-${i}`, 'TEA@east=1', holdSeconds),
  );
  for (const decision of await Promise.all(calls)) answer(decision);
}

describe('a hold that is due', () => {
  test('BR-003: is available to the next order, without sweep and worker', async () => {
    const shop = await givenShop('TEA@east=1');
    await shop.reserve('order-1', 'TEA@east=1');
    await shop.wait(30 * MINUTE_MS);
    expect(outcome(await shop.reserve('order-2', 'TEA@east=1'))).toBe('done');
    expect((await shop.reservation('order-1')).status).toBe('EXPIRED');
    expect(await shop.figures('TEA@east')).toBe('1 = 0 available + 1 reserved + 0 sold');
  });

  test.each([
    [-1, 'done'],
    [0, 'reservation-expired'],
    [1, 'reservation-expired'],
  ] as const)('BR-003: a confirm %i ms from the deadline is %s', async (lateMs, word) => {
    const shop = await givenShop('TEA@east=1');
    await shop.reserve('order-1', 'TEA@east=1', 60);
    await shop.wait(60_000 + lateMs);
    expect(outcome(await shop.confirm('order-1'))).toBe(word);
    expect((await shop.item('TEA@east')).sold).toBe(word === 'done' ? 1 : 0);
  });

  test('BR-003: is over for its own order even if the index of deadlines has lost it', async () => {
    const shop = await givenShop('TEA@east=1');
    await shop.reserve('order-1', 'TEA@east=1', 60);
    await shop.redis.unlink(shop.keys.due);
    await shop.wait(60_000);
    expect(outcome(await shop.confirm('order-1'))).toBe('reservation-expired');
    expect(await shop.figures('TEA@east')).toBe('1 = 1 available + 0 reserved + 0 sold');
  });

  test('BR-006: the repeat of an expired order shows EXPIRED and holds nothing', async () => {
    const shop = await givenShop('TEA@east=1');
    await shop.reserve('order-1', 'TEA@east=1');
    await shop.wait(30 * MINUTE_MS);
    const again = await shop.reserve('order-1', 'TEA@east=1');
    expect(outcome(again)).toBe('replayed');
    expect(answer(again)).toMatchObject({ status: 'EXPIRED', resolvedAtMs: shop.nowMs });
    expect(await shop.figures('TEA@east')).toBe('1 = 1 available + 0 reserved + 0 sold');
  });

  test('BR-003: returns once, even if many batches run at the same time', async () => {
    const shop = await givenShop('TEA@east=50');
    await holdMany(shop, 40);
    const other = await shop.another();
    await shop.wait(60_000);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? shop : other).hot.sweep(7).then(() => shop.sweepAll(3))),
    );
    expect(await shop.figures('TEA@east')).toBe('50 = 50 available + 0 reserved + 0 sold');
    const returned = (await shop.events()).filter((event) => event.type === 'InventoryReleased');
    expect(returned).toHaveLength(40);
  });

  test('BR-003: a hold that was sold or cancelled in time does not return', async () => {
    const shop = await givenShop('TEA@east=3');
    await holdMany(shop, 3);
    await shop.confirm('order-0');
    await shop.release('order-1');
    await shop.wait(60_000);
    await shop.sweepAll();
    expect(await shop.figures('TEA@east')).toBe('3 = 2 available + 0 reserved + 1 sold');
    expect(await shop.redis.zcard(shop.keys.due)).toBe(0);
  });

  test('stock returns on evidence: a reservation that is gone returns nothing', async () => {
    const shop = await givenShop('TEA@east=1');
    await shop.reserve('order-1', 'TEA@east=1', 60);
    await shop.redis.unlink(shop.keys.reservation('order-1'));
    await shop.wait(60_000);
    await shop.sweepAll();
    expect(await shop.figures('TEA@east')).toBe('1 = 0 available + 1 reserved + 0 sold');
  });
});

describe('many holds that are due', () => {
  test('expire in portions of at most the given number, until none is left', async () => {
    const shop = await givenShop('TEA@east=100');
    await holdMany(shop, 100);
    await shop.wait(60_000);
    let available = 0;
    let sweeps = 0;
    for (let isMore = true; isMore; sweeps++) {
      isMore = (await shop.hot.sweep(9)).moreDue;
      const now = (await shop.item('TEA@east')).available;
      expect(now - available).toBeLessThanOrEqual(9);
      available = now;
    }
    expect(available).toBe(100);
    expect(sweeps).toBeGreaterThanOrEqual(Math.ceil(100 / 9));
    expect(await shop.redis.zcard(shop.keys.due)).toBe(0);
  });

  test('return in portions with ordinary batches too', async () => {
    const shop = await givenShop('TEA@east=30', { limits: { dueHoldsMax: 8 } });
    await holdMany(shop, 30);
    await shop.wait(60_000);
    for (const returned of [8, 16, 24, 30]) {
      await shop.hot.reservation('order-0');
      expect((await shop.item('TEA@east')).available).toBe(returned);
    }
    expect(shop.hot.head?.moreDue).toBe(false);
  });

  test('return in the order of their deadlines, whatever order they were made in', async () => {
    const shop = await givenShop('TEA@east=90');
    for (const seconds of [80, 20, 50]) await shop.reserve(`after-${seconds}`, 'TEA@east=1', seconds);
    await shop.wait(80_000);
    await shop.hot.sweep(1_000);
    const returned = (await shop.events()).flatMap((event) =>
      event.type === 'InventoryReleased' ? [event.orderId] : [],
    );
    expect(returned).toEqual(['after-20', 'after-50', 'after-80']);
  });

  test('a sweep of none returns none, and says that there is more', async () => {
    const shop = await givenShop('TEA@east=1');
    await shop.reserve('order-1', 'TEA@east=1', 60);
    await shop.wait(60_000);
    expect((await shop.hot.sweep(0)).moreDue).toBe(true);
    expect((await shop.reservation('order-1')).status).toBe('ACTIVE');
  });
});

describe('an extended hold', () => {
  test('BR-003: is not returned by the entry of its first deadline, but by the one of its last', async () => {
    const shop = await givenShop('TEA@east=1');
    await shop.reserve('order-1', 'TEA@east=1', 60);
    await shop.extend('order-1', 120);
    await shop.wait(60_000);
    await shop.sweepAll();
    expect(await shop.figures('TEA@east')).toBe('1 = 0 available + 1 reserved + 0 sold');
    await shop.wait(59_999);
    await shop.sweepAll();
    expect((await shop.reservation('order-1')).status).toBe('ACTIVE');
    await shop.wait(1);
    await shop.sweepAll();
    expect(await shop.figures('TEA@east')).toBe('1 = 1 available + 0 reserved + 0 sold');
    expect(await shop.redis.zcard(shop.keys.due)).toBe(0);
  });

  test('BR-003: returns in the order of its last deadline, not of its first', async () => {
    const shop = await givenShop('TEA@east=2');
    await shop.reserve('extended', 'TEA@east=1', 60);
    await shop.extend('extended', 120);
    await shop.reserve('later', 'TEA@east=1', 90);
    await shop.wait(200_000);
    await shop.sweepAll();
    const returned = (await shop.events()).flatMap((event) =>
      event.type === 'InventoryReleased' ? [event.orderId] : [],
    );
    expect(returned).toEqual(['later', 'extended']);
  });

  test('BR-003: that expired and was sold to another is not revived', async () => {
    const shop = await givenShop('TEA@east=1');
    await shop.reserve('order-1', 'TEA@east=1', 60);
    await shop.wait(60_000);
    const [other, extended] = await Promise.all([
      shop.reserve('order-2', 'TEA@east=1'),
      shop.extend('order-1', 60),
    ]);
    expect([other, extended].map(outcome)).toEqual(['done', 'reservation-expired']);
  });

  // Two deadlines of the same ids set by one batch must be two entries of the index: were they one member, one score would
  // overwrite the other, and where the early one stayed the hold would never be looked at again.
  test('BR-003: returns also where one batch reserved and extended it', async () => {
    const shop = await givenShop('TEA@east=50');
    for (let i = 0; i < 10; i++) {
      await Promise.all([
        shop.reserve(`order-${i}`, 'TEA@east=1', 60 + i),
        shop.reserve(`beside-${i}`, 'TEA@east=1', 900 + i),
        shop.extend(`order-${i}`, 300 + 7 * i),
      ]);
    }
    for (let i = 0; i < 40; i++) {
      await shop.wait(MINUTE_MS);
      await shop.sweepAll();
    }
    expect(await shop.figures('TEA@east')).toBe('50 = 50 available + 0 reserved + 0 sold');
  });
});

test('BR-003: a day after the last deadline of any history nothing is held', async () => {
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      const shop = await givenShop('');
      for (const step of steps) {
        if (step.kind === 'wait') await shop.wait(step.ms);
        else await ask(shop.hot, step);
      }
      await shop.wait(LIFETIME_SECONDS_MAX * 1_000);
      await shop.sweepAll();
      for (const sku of ['TEA', 'RICE', 'SALT']) {
        const decision = await shop.hot.item(sku);
        if (outcome(decision) !== 'unknown-item') expect(answer(decision).reserved).toBe(0);
      }
      expect(await shop.redis.zcard(shop.keys.due)).toBe(0);
      await shop.close();
    }),
    { numRuns: Math.ceil(HISTORIES / 12) },
  );
});

describe('the lifetime of a record', () => {
  const until = (shop: HotShop, orderId: string) =>
    shop.redis.call('PEXPIRETIME', shop.keys.reservation(orderId));

  test('of a hold is its deadline plus the tombstone time, and longer once it is extended', async () => {
    const shop = await givenShop('TEA@east=3');
    await shop.reserve('order-1', 'TEA@east=1', 60);
    expect(await until(shop, 'order-1')).toBe(shop.nowMs + 60_000 + tombstoneMs);
    await shop.extend('order-1', 120);
    expect(await until(shop, 'order-1')).toBe(shop.nowMs + 120_000 + tombstoneMs);
    await shop.release('order-1', 'TEA=1');
  });

  test('of a resolved reservation is the tombstone time', async () => {
    const shop = await givenShop('TEA@east=9');
    await holdMany(shop, 3, 600);
    await shop.wait(5_000);
    await shop.confirm('order-0');
    await shop.release('order-1');
    for (const id of ['order-0', 'order-1']) expect(await until(shop, id)).toBe(shop.nowMs + tombstoneMs);
    await shop.wait(595_000);
    await shop.sweepAll();
    expect(await until(shop, 'order-2')).toBe(shop.nowMs + tombstoneMs);
  });

  test('a partial release leaves a hold its deadline', async () => {
    const shop = await givenShop('TEA@east=9');
    await shop.reserve('order-1', 'TEA@east=2', 60);
    const before = await until(shop, 'order-1');
    await shop.wait(1_000);
    await shop.release('order-1', 'TEA=1');
    expect(await until(shop, 'order-1')).toBe(before);
  });

  test('a movement is known for the tombstone time; items, stream and control have no end', async () => {
    const shop = await givenShop('');
    await shop.receive('TEA@east=9', 'M-1');
    expect(await shop.redis.call('PEXPIRETIME', shop.keys.movement('M-1'))).toBe(shop.nowMs + tombstoneMs);
    for (const key of [shop.keys.sku('TEA'), shop.keys.events, shop.keys.control]) {
      expect(await shop.redis.pttl(key)).toBe(-1);
    }
  });

  test('by the clock of Redis itself, a hold that was just made has its whole time', async () => {
    const shop = await givenShop('TEA@east=9', { realClock: true });
    const held = answer(await shop.reserve('order-1', 'TEA@east=1', 60));
    expect(await until(shop, 'order-1')).toBe(held.expiresAtMs + tombstoneMs);
    expect(held.expiresAtMs - held.reservedAtMs).toBe(60_000);
  });
});
