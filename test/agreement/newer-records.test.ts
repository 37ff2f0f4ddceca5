/**
 * Two releases share a Redis while one replaces the other. A record in a format that only the newer one knows begins with `v2 `: this
 * program refuses what is about it, changes nothing of it, and goes on with everything else.
 */
import { expect, test } from 'vitest';
import { outcome } from '../domain/sentences.ts';
import { givenShop, type HotShop } from '../hotpath/hot-shop.ts';

type Call = (shop: HotShop) => Promise<unknown>;
const RECORDS: [
  what: string,
  key: (shop: HotShop) => string,
  field: string | undefined,
  calls: readonly Call[],
][] = [
  [
    'item',
    (shop) => shop.keys.sku('TEA'),
    'east',
    [
      (shop) => shop.reserve('next', 'TEA@east=1'),
      (shop) => shop.confirm('held'),
      (shop) => shop.receive('TEA@east=1'),
      (shop) => shop.setSafetyStock('TEA@east', 1),
      (shop) => shop.startCount('count-2', 'TEA@east'),
    ],
  ],
  [
    'reservation',
    (shop) => shop.keys.reservation('held'),
    undefined,
    [
      (shop) => shop.reserve('held', 'TEA@east=1'),
      (shop) => shop.confirm('held'),
      (shop) => shop.release('held'),
      (shop) => shop.extend('held', 60),
      (shop) => shop.hot.reservation('held'),
    ],
  ],
  [
    'movement',
    (shop) => shop.keys.movement('moved'),
    undefined,
    [(shop) => shop.receive('TEA@east=1', 'moved')],
  ],
  [
    'transfer',
    (shop) => shop.keys.transfer('sent'),
    undefined,
    [
      (shop) => shop.dispatch('sent', 'TEA@east>west=1'),
      (shop) => shop.land('sent', 1),
      (shop) => shop.turnBack('sent'),
      (shop) => shop.hot.transfer('sent'),
    ],
  ],
  [
    'sale',
    (shop) => shop.keys.sale('flash'),
    undefined,
    [
      (shop) => shop.schedule('flash', 'RICE=3', { limitPerCustomer: 2 }),
      (shop) => shop.closeSale('flash'),
      (shop) => shop.hot.sale('flash'),
    ],
  ],
  [
    "sale's figures",
    (shop) => shop.keys.sku('RICE'),
    '*flash',
    [(shop) => shop.reserve('next', 'RICE@east=1')],
  ],
  [
    "customer's quota",
    (shop) => shop.keys.quota('flash'),
    'ann',
    [(shop) => shop.reserve('next', 'RICE=1', undefined, { saleId: 'flash', customerId: 'ann' })],
  ],
  [
    'line of a count sheet',
    (shop) => shop.keys.stocktake('count'),
    'SALT@east',
    [
      (shop) => shop.startCount('count', 'SALT@east'),
      (shop) => shop.completeCount('count', 'SALT@east', 1),
      (shop) => shop.cancelCount('count', 'SALT@east'),
      (shop) => shop.hot.stocktake('count'),
    ],
  ],
];

test.each(RECORDS)(
  '%s of a newer format: refused as quarantined and left as it is',
  async (_, keyOf, field, calls) => {
    const shop = await givenShop('TEA@east=9,RICE@east=9,SALT@east=9,OTHER@east=9');
    await shop.reserve('held', 'TEA@east=1');
    await shop.receive('TEA@east=1', 'moved');
    await shop.dispatch('sent', 'TEA@east>west=1');
    await shop.schedule('flash', 'RICE=3', { limitPerCustomer: 2 });
    await shop.reserve('anns', 'RICE=1', undefined, { saleId: 'flash', customerId: 'ann' });
    await shop.startCount('count', 'SALT@east');
    const { redis } = shop;
    const key = keyOf(shop);
    const text = `v2 ${field === undefined ? await redis.get(key) : await redis.hget(key, field)}`;
    await (field === undefined ? redis.set(key, text) : redis.hset(key, field, text));
    const decided = await Promise.all([
      ...calls.map((call) => call(shop)),
      shop.reserve('other', 'OTHER@east=1'),
    ]);
    expect(decided.map((decision) => outcome(decision as never))).toEqual([
      ...calls.map(() => 'quarantined'),
      'done',
    ]);
    expect(field === undefined ? await redis.get(key) : await redis.hget(key, field)).toBe(text);
  },
);

test('a reservation of a newer format does not keep others from expiring', async () => {
  const shop = await givenShop('TEA@east=9');
  await shop.reserve('newer', 'TEA@east=1', 60);
  await shop.reserve('known', 'TEA@east=1', 60);
  const key = shop.keys.reservation('newer');
  const text = `v2 ${await shop.redis.get(key)}`;
  await shop.redis.set(key, text);
  await shop.wait(60_001);
  await shop.sweepAll();
  expect((await shop.reservation('known')).status).toBe('EXPIRED');
  expect(await shop.redis.get(key)).toBe(text);
  expect(await shop.figures('TEA@east')).toBe('9 = 8 available + 1 reserved + 0 sold');
});
