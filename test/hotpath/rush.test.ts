/**
 * Orders of one moment that ask for the same share most of their work in the script (docs/performance.md). Each must be
 * decided as if it had come alone: on what the one before left, and on what happened in between.
 */
import { describe, expect, test } from 'vitest';
import type { ReserveInput } from '../../src/domain/inputs/orders.ts';
import type { Decision, ReservationView } from '../../src/domain/language.ts';
import { outcome, spelled } from '../domain/sentences.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

/** So many equal orders in one script call, with something in the middle of them; what each came to. */
async function rush(
  shop: HotShop,
  count: number,
  order: string,
  more: (i: number) => Partial<ReserveInput> = () => ({}),
  between: () => readonly Promise<unknown>[] = () => [],
): Promise<string[]> {
  const before = shop.hot.counts.batches;
  const ask = (i: number) => shop.reserve(`order-${i}`, order, undefined, more(i));
  const all = Array.from({ length: count }, (_, i) => i);
  const first = all.slice(0, count / 2).map(ask);
  const middle = between();
  const second = all.slice(count / 2).map(ask);
  const decided: Decision<ReservationView>[] = await Promise.all([...first, ...second]);
  await Promise.all(middle);
  expect(shop.hot.counts.batches).toBe(before + 1);
  return decided.map((decision) =>
    decision.outcome === 'done' ? spelled(decision.value.lines) : outcome(decision),
  );
}
const times = (count: number, word: string) => Array.from({ length: count }, () => word);

test.each(['TEA@east=2', 'TEA=2'])(
  'BR-001: equal orders of %s take what there is and no more',
  async (order) => {
    const shop = await givenShop('TEA@east=9');
    expect(await rush(shop, 6, order)).toEqual([
      ...times(4, 'TEA@east=2'),
      ...times(2, 'insufficient-stock'),
    ]);
    expect(await shop.figures('TEA@east')).toBe('9 = 1 available + 8 reserved + 0 sold');
  },
);

test('go on in the next warehouse when the first is empty, and name the skipped ones', async () => {
  const shop = await givenShop('TEA@east=3,TEA@north=1,TEA@west=3');
  expect(await rush(shop, 4, 'TEA=2')).toEqual([
    'TEA@east=2',
    'TEA@west=2',
    ...times(2, 'insufficient-stock'),
  ]);
  const decided = await Promise.all([0, 1].map((i) => shop.reserve(`one-${i}`, 'TEA=1')));
  expect(decided.map((decision) => decision.outcome === 'done' && decision.value.skipped?.length)).toEqual([
    undefined,
    1,
  ]);
});

test.each(['TEA@east=2', 'TEA=2'])('leave what a sale set aside: %s', async (order) => {
  const shop = await givenShop('TEA@east=10');
  await shop.schedule('flash', 'TEA=5');
  expect(await rush(shop, 6, order)).toEqual([...times(2, 'TEA@east=2'), ...times(4, 'insufficient-stock')]);
});

test.each(['TEA@east=2', 'TEA=2'])('of a sale get what it set aside and no more: %s', async (order) => {
  const shop = await givenShop('TEA@east=10');
  await shop.schedule('flash', 'TEA=5');
  const decided = await rush(shop, 6, order, () => ({ saleId: 'flash' }));
  expect(decided).toEqual([...times(2, 'TEA@east=2'), ...times(4, 'insufficient-stock')]);
  expect(await shop.sale('flash')).toMatchObject({ reserved: 4, left: 1 });
});

test.each(['TEA@east=2', 'TEA=2'])('of a sale leave what another sale set aside: %s', async (order) => {
  const shop = await givenShop('TEA@east=10');
  await shop.schedule('flash', 'TEA=6');
  await shop.schedule('second', 'TEA=4');
  await shop.move('issue', 'TEA@east=3'); // there is less now than both were promised
  const decided = await rush(shop, 4, order, () => ({ saleId: 'flash' }));
  expect(decided).toEqual(['TEA@east=2', ...times(3, 'insufficient-stock')]);
});

test('of a sale are counted for each customer by himself', async () => {
  const shop = await givenShop('TEA@east=50');
  await shop.schedule('flash', 'TEA=40', { limitPerCustomer: 3 });
  const customer = (i: number) => ({ saleId: 'flash', customerId: ['ann', 'bob'][i % 2] });
  const decided = await rush(shop, 10, 'TEA@east=1', customer);
  expect(decided).toEqual([...times(6, 'TEA@east=1'), ...times(4, 'purchase-limit-exceeded')]);
  expect(await shop.redis.hgetall(shop.keys.quota('flash'))).toEqual({ ann: '3 0', bob: '3 0' });
});

test('of a sale find in the middle that a customer has been given back', async () => {
  const shop = await givenShop('TEA@east=50');
  await shop.schedule('flash', 'TEA=40', { limitPerCustomer: 2 });
  const ann = { saleId: 'flash', customerId: 'ann' };
  await shop.reserve('before', 'TEA@east=2', undefined, ann);
  const decided = await rush(
    shop,
    4,
    'TEA@east=1',
    () => ann,
    () => [shop.release('before')],
  );
  expect(decided).toEqual([...times(2, 'purchase-limit-exceeded'), ...times(2, 'TEA@east=1')]);
});

const MEANWHILE: [what: string, between: (shop: HotShop) => Promise<unknown>, after: string][] = [
  ['a count begins (BR-007)', (shop) => shop.startCount('count', 'TEA@east'), 'stocktake-in-progress'],
  ['the item is set apart', (shop) => shop.hot.quarantine('TEA', 'east'), 'quarantined'],
  ['a sale sets the rest aside', (shop) => shop.schedule('flash', 'TEA=8'), 'insufficient-stock'],
  ['the rest is issued', (shop) => shop.move('issue', 'TEA@east=8'), 'insufficient-stock'],
  ['the rest is sent away', (shop) => shop.dispatch('T-1', 'TEA@east>west=8'), 'insufficient-stock'],
];
test.each(MEANWHILE)('notice in the middle that %s', async (_, between, after) => {
  for (const order of ['TEA@east=1', 'TEA=1']) {
    const shop = await givenShop('TEA@east=10');
    const decided = await rush(shop, 4, order, undefined, () => [between(shop)]);
    expect(decided).toEqual([...times(2, 'TEA@east=1'), ...times(2, after)]);
  }
});

test('notice in the middle that goods came into another warehouse, which is made by it', async () => {
  const shop = await givenShop('TEA@east=2');
  const decided = await rush(shop, 6, 'TEA=1', undefined, () => [shop.receive('TEA@north=9')]);
  expect(decided).toEqual([...times(2, 'TEA@east=1'), 'insufficient-stock', ...times(3, 'TEA@north=1')]);
});

test.each([false, true])(
  'notice in the middle that a warehouse is there which is tried before: of a sale %s',
  async (isOfSale) => {
    const shop = await givenShop('TEA@east=9');
    await shop.schedule('flash', 'TEA=6');
    const more = () => (isOfSale ? { saleId: 'flash' } : {});
    if (!isOfSale) await shop.closeSale('flash');
    const decided = await rush(shop, 6, 'TEA=1', more, () => [shop.receive('TEA@cellar=9')]);
    expect(decided).toEqual([...times(3, 'TEA@east=1'), ...times(3, 'TEA@cellar=1')]);
  },
);

test('notice in the middle that a sale has been closed', async () => {
  const shop = await givenShop('TEA@east=5');
  await shop.schedule('flash', 'TEA=4');
  const decided = await rush(shop, 4, 'TEA@east=1', undefined, () => [shop.closeSale('flash')]);
  expect(decided).toEqual(['TEA@east=1', 'insufficient-stock', ...times(2, 'TEA@east=1')]);
});

test('BR-005: let the alert fire at the one that crosses the line', async () => {
  const shop = await givenShop('TEA@east=6');
  await shop.setSafetyStock('TEA@east', 4);
  await rush(shop, 4, 'TEA@east=1');
  expect((await shop.eventTypes(2)).join()).toBe(
    'InventoryReserved,InventoryReserved,InventoryReserved,LowStockAlertTriggered,InventoryReserved',
  );
});

test('BR-006: are distinguished by customer and sale: the same order twice among them holds once', async () => {
  const shop = await givenShop('TEA@east=9');
  const decided = await Promise.all([
    shop.reserve('order-1', 'TEA@east=1', undefined, { customerId: 'ann' }),
    shop.reserve('order-1', 'TEA@east=1', undefined, { customerId: 'bob' }),
    shop.reserve('order-1', 'TEA@east=1', undefined, { customerId: 'ann' }),
    shop.reserve('order-1', 'TEA@east=1'),
    shop.reserve('order-2', 'TEA@east=1'),
  ]);
  expect(decided.map(outcome)).toEqual(['done', 'order-conflict', 'replayed', 'order-conflict', 'done']);
  const customers = decided.map((decision) => decision.outcome === 'done' && decision.value.customerId);
  expect(customers).toEqual(['ann', false, 'ann', false, undefined]);
  expect((await shop.reservation('order-2')).customerId).toBeUndefined();
});

describe('payments and cancellations of one moment', () => {
  /** Four holds of one unit each, ended in one script call with something in the middle. */
  async function ends(
    how: 'confirm' | 'release',
    between: (shop: HotShop) => Promise<unknown>,
  ): Promise<{ shop: HotShop; words: string[] }> {
    const shop = await givenShop('TEA@east=10');
    const orders = ['order-1', 'order-2', 'order-3', 'order-4'];
    await Promise.all(orders.map((orderId) => shop.reserve(orderId, 'TEA@east=1')));
    const before = shop.hot.counts.batches;
    const first = orders.slice(0, 2).map((orderId) => shop[how](orderId));
    const middle = between(shop);
    const second = orders.slice(2).map((orderId) => shop[how](orderId));
    const decided = await Promise.all([...first, ...second]);
    await middle;
    expect(shop.hot.counts.batches).toBe(before + 1);
    return { shop, words: decided.map(outcome) };
  }

  test('BR-007: wait where a count has begun in the middle, and cancellations do not', async () => {
    const begin = (shop: HotShop) => shop.startCount('count', 'TEA@east');
    const paid = await ends('confirm', begin);
    expect(paid.words).toEqual(['done', 'done', 'stocktake-in-progress', 'stocktake-in-progress']);
    expect(await paid.shop.figures('TEA@east')).toBe('10 = 6 available + 2 reserved + 2 sold');
    expect((await ends('release', begin)).words).toEqual(times(4, 'done'));
  });

  test.each(['confirm', 'release'] as const)(
    'leave alone an item that is set apart in the middle: %s',
    async (how) => {
      const { shop, words } = await ends(how, (shop) => shop.hot.quarantine('TEA', 'east'));
      expect(words).toEqual(['done', 'done', 'quarantined', 'quarantined']);
      expect((await shop.reservation('order-3')).status).toBe('ACTIVE');
    },
  );

  test.each(['confirm', 'release'] as const)(
    'leave records of other programs as they are: %s',
    async (how) => {
      const shop = await givenShop('TEA@east=10');
      const orders = ['order-1', 'order-2', 'order-3', 'order-4'];
      await Promise.all(orders.map((orderId) => shop.reserve(orderId, 'TEA@east=1')));
      const key = shop.keys.reservation('order-3');
      const text = (await shop.redis.get(key))?.replace('ACTIVE', 'STOLEN') ?? '';
      await shop.redis.set(key, text);
      const decided = await Promise.all(orders.map((orderId) => shop[how](orderId)));
      expect(decided.map(outcome)).toEqual(['done', 'done', 'quarantined', 'done']);
      expect(await shop.redis.get(key)).toBe(text);
    },
  );

  test('BR-006: respect what was done to one of them in the middle', async () => {
    const { shop, words } = await ends('confirm', (shop) => shop.release('order-3'));
    expect(words).toEqual(['done', 'done', 'already-released', 'done']);
    expect(await shop.figures('TEA@east')).toBe('10 = 7 available + 0 reserved + 3 sold');
  });

  test('BR-003: each by its own deadline, though they hold the same for the same time', async () => {
    const shop = await givenShop('TEA@east=10', { limits: { dueHoldsMax: 0 } });
    await shop.reserve('early', 'TEA@east=1', 60);
    await shop.wait(1_000);
    await shop.reserve('late', 'TEA@east=1', 60);
    await shop.wait(59_000);
    const decided = await Promise.all([shop.confirm('late'), shop.confirm('early')]);
    expect(decided.map(outcome)).toEqual(['done', 'reservation-expired']);
    expect(await shop.figures('TEA@east')).toBe('10 = 9 available + 0 reserved + 1 sold');
  });

  test('count in the sale and for the customer if they have one, among others that have none', async () => {
    const shop = await givenShop('TEA@east=10');
    await shop.schedule('flash', 'TEA=5', { limitPerCustomer: 2 });
    await shop.reserve('plain', 'TEA@east=1');
    await shop.reserve('anns', 'TEA@east=1', undefined, { saleId: 'flash', customerId: 'ann' });
    await shop.reserve('bobs', 'TEA@east=1', undefined, { saleId: 'flash', customerId: 'bob' });
    await Promise.all(['plain', 'anns', 'bobs'].map((orderId) => shop.confirm(orderId)));
    expect(await shop.sale('flash')).toMatchObject({ reserved: 0, sold: 2 });
    expect(await shop.redis.hgetall(shop.keys.quota('flash'))).toEqual({ ann: '0 1', bob: '0 1' });
    expect((await shop.reservation('anns')).customerId).toBe('ann');
  });
});
