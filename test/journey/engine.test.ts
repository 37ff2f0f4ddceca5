/**
 * The scenarios and stories of the requirements, played on the real engine in the words of a shop.
 */
import { describe, expect, test } from 'vitest';
import { answer, MINUTE_MS, outcome, refusal } from '../domain/sentences.ts';
import { givenShop } from '../hotpath/hot-shop.ts';

describe('the scenarios of the requirements', () => {
  test('scenario 1 (BR-001, BR-002): 100 units, 1,000 buyers at once: exactly 100 get one, 900 do not', async () => {
    const shop = await givenShop('PHONE@taipei=100');
    // Several processes serve the rush, as they would in a real one.
    const doors = [shop, await shop.another(), await shop.another(), await shop.another()];
    const decisions = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => (doors[i % 4] ?? shop).reserve(`order-${i}`, 'PHONE=1')),
    );
    const words = decisions.map(outcome);
    expect(words.filter((word) => word === 'done')).toHaveLength(100);
    expect(words.filter((word) => word === 'insufficient-stock')).toHaveLength(900);
    expect(await shop.figures('PHONE@taipei')).toBe('100 = 0 available + 100 reserved + 0 sold');

    const winners = words.flatMap((word, i) => (word === 'done' ? [`order-${i}`] : []));
    for (const orderId of winners) expect((await shop.reservation(orderId)).status).toBe('ACTIVE');
    const events = await shop.events();
    const reserved = events.flatMap((event) => (event.type === 'InventoryReserved' ? [event.orderId] : []));
    expect(reserved.sort()).toEqual(winners.sort());
  });

  test('scenario 1, paid: the 100 that got one pay at once, and exactly 100 are sold', async () => {
    const shop = await givenShop('PHONE@taipei=100');
    const orders = Array.from({ length: 1_000 }, (_, i) => `order-${i}`);
    await Promise.all(orders.map((orderId) => shop.reserve(orderId, 'PHONE=1')));
    const paid = await Promise.all(orders.map((orderId) => shop.confirm(orderId)));
    expect(paid.map(outcome).filter((word) => word === 'done')).toHaveLength(100);
    expect(paid.map(outcome).filter((word) => word === 'unknown-reservation')).toHaveLength(900);
    expect(await shop.figures('PHONE@taipei')).toBe('100 = 0 available + 0 reserved + 100 sold');
  });

  test('scenario 2 (BR-003): 5 of 100 are reserved; after 30 minutes without payment all 100 are there again', async () => {
    const shop = await givenShop('PHONE@taipei=100');
    await shop.reserve('user-A', 'PHONE=5');
    expect(await shop.figures('PHONE@taipei')).toBe('100 = 95 available + 5 reserved + 0 sold');
    await shop.wait(30 * MINUTE_MS - 1);
    await shop.sweepAll();
    expect(await shop.figures('PHONE@taipei')).toBe('100 = 95 available + 5 reserved + 0 sold');
    await shop.wait(1);
    await shop.sweepAll();
    expect(await shop.figures('PHONE@taipei')).toBe('100 = 100 available + 0 reserved + 0 sold');
  });

  test('scenario 3 (BR-002): 6 are there; A wants 3 and gets them, B wants 5 and does not', async () => {
    const shop = await givenShop('PHONE@taipei=6');
    const [a, b] = await Promise.all([shop.reserve('user-A', 'PHONE=3'), shop.reserve('user-B', 'PHONE=5')]);
    expect(outcome(a)).toBe('done');
    expect(refusal(b)).toEqual({
      code: 'insufficient-stock',
      shortages: [{ sku: 'PHONE', requested: 5, available: 3 }],
    });
    expect(await shop.figures('PHONE@taipei')).toBe('6 = 3 available + 3 reserved + 0 sold');
  });
});

describe('the stories of the requirements', () => {
  test('story 1: when a customer orders, the stock is reserved, so that nothing is sold twice', async () => {
    const shop = await givenShop('PHONE@taipei=1,CASE@taipei=5');
    const held = answer(await shop.reserve('order-1', 'PHONE=1,CASE=2'));
    expect(held).toMatchObject({ status: 'ACTIVE', expiresAtMs: held.reservedAtMs + 30 * MINUTE_MS });
    expect(outcome(await shop.reserve('order-2', 'PHONE=1,CASE=1'))).toBe('insufficient-stock');
    expect(await shop.figures('CASE@taipei')).toBe('5 = 3 available + 2 reserved + 0 sold');
  });

  test('story 2: when the customer has paid, the reservation is deducted, so that the stock says what is sold', async () => {
    const shop = await givenShop('PHONE@taipei=10');
    await shop.reserve('order-1', 'PHONE=2');
    await shop.wait(29 * MINUTE_MS);
    expect(answer(await shop.confirm('order-1'))).toMatchObject({ status: 'CONFIRMED' });
    expect(await shop.figures('PHONE@taipei')).toBe('10 = 8 available + 0 reserved + 2 sold');
    await shop.wait(60 * MINUTE_MS);
    await shop.sweepAll();
    expect(await shop.figures('PHONE@taipei')).toBe('10 = 8 available + 0 reserved + 2 sold');
  });

  test('story 3: when the order is cancelled, the stock returns, so that others can buy', async () => {
    const shop = await givenShop('PHONE@taipei=1');
    await shop.reserve('order-1', 'PHONE=1');
    expect(outcome(await shop.reserve('order-2', 'PHONE=1'))).toBe('insufficient-stock');
    expect(answer(await shop.release('order-1'))).toMatchObject({ status: 'RELEASED' });
    expect(outcome(await shop.reserve('order-2', 'PHONE=1'))).toBe('done');
    const types = (await shop.events()).map((event) => event.type);
    expect(types).toEqual([
      'InventoryReceived',
      'InventoryReserved',
      'InventoryReleased',
      'InventoryReserved',
    ]);
  });

  test('story 4 (BR-007): a count finds 7 of 10, and the books say 7 afterwards; nothing is deducted meanwhile', async () => {
    const shop = await givenShop('PHONE@taipei=10');
    await shop.reserve('order-1', 'PHONE=2');
    expect(answer(await shop.startCount('count-1', 'PHONE@taipei'))).toMatchObject({ before: 10 });
    expect(outcome(await shop.reserve('order-2', 'PHONE=1'))).toBe('stocktake-in-progress');
    expect(outcome(await shop.confirm('order-1'))).toBe('stocktake-in-progress');
    expect(await shop.figures('PHONE@taipei')).toBe('10 = 8 available + 2 reserved + 0 sold');

    const counted = answer(await shop.completeCount('count-1', 'PHONE@taipei', 7));
    expect(counted).toMatchObject({ status: 'COUNTED', before: 10, counted: 7 });
    expect(await shop.figures('PHONE@taipei')).toBe('7 = 5 available + 2 reserved + 0 sold');
    expect(outcome(await shop.confirm('order-1'))).toBe('done');
    expect(outcome(await shop.reserve('order-2', 'PHONE=5'))).toBe('done');
    expect(await shop.figures('PHONE@taipei')).toBe('7 = 0 available + 5 reserved + 2 sold');
  });
});
