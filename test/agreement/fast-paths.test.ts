/**
 * The fast paths of the program against what could make them sell wrongly: each example sends one batch in which a fast path serves
 * some orders and must stop at the right one. The random histories of twins.test.ts find the rest.
 */
import { describe, expect, test } from 'vitest';
import type { Decision } from '../../src/domain/language.ts';
import { outcome } from '../domain/sentences.ts';
import { givenShop, type HotShop } from '../hotpath/hot-shop.ts';

/** Sends all of it in one batch; what each came to. */
async function inOneBatch(shop: HotShop, ...calls: Promise<unknown>[]): Promise<string[]> {
  const before = shop.hot.counts.batches;
  const decided = await Promise.all(calls);
  expect(shop.hot.counts.batches).toBe(before + 1);
  return decided.map((decision) => outcome((decision ?? { outcome: 'done' }) as Decision<never>));
}
const times = (count: number, word: string) => Array.from({ length: count }, () => word);

describe('a run of equal orders', () => {
  test('counts what its customer has bought into the limit of a sale', async () => {
    const shop = await givenShop('TEA@east=50');
    await shop.schedule('flash', 'TEA=40', { limitPerCustomer: 3 });
    const ann = { saleId: 'flash', customerId: 'ann' };
    await shop.reserve('bought', 'TEA@east=1', undefined, ann);
    await shop.confirm('bought');
    const orders = [1, 2, 3, 4].map((i) => shop.reserve(`order-${i}`, 'TEA@east=1', undefined, ann));
    expect(await inOneBatch(shop, ...orders)).toEqual([
      ...times(2, 'done'),
      ...times(2, 'purchase-limit-exceeded'),
    ]);
    expect(await shop.redis.hgetall(shop.keys.quota('flash'))).toEqual({ ann: '2 1' });
  });

  test.each([
    ['beside the sale, with a warehouse', 'TEA@east=1', {}],
    ['beside the sale, without a warehouse', 'TEA=1', {}],
    ['in the sale', 'TEA@east=1', { saleId: 'flash' }],
  ])(
    'of a SKU with a sale takes nothing from an item that is quarantined meanwhile: %s',
    async (_, order, more) => {
      const shop = await givenShop('TEA@east=10');
      await shop.schedule('flash', 'TEA=4');
      const reserve = (id: string) => shop.reserve(id, order, undefined, more);
      const words = await inOneBatch(
        shop,
        reserve('order-1'),
        reserve('order-2'),
        shop.hot.quarantine('TEA', 'east'),
        reserve('order-3'),
        reserve('order-4'),
      );
      expect(words).toEqual([...times(3, 'done'), ...times(2, 'quarantined')]);
    },
  );

  test('asks again who serves it when an item appears in the middle of the batch', async () => {
    const shop = await givenShop('TEA@east=10');
    await inOneBatch(
      shop,
      shop.reserve('order-1', 'TEA=1'),
      shop.reserve('order-2', 'TEA=1'),
      shop.receive('TEA@cellar=9'), // tried before east, by its name
      shop.reserve('order-3', 'TEA=1'),
      shop.reserve('order-4', 'TEA=1'),
    );
    const served = await Promise.all([1, 2, 3, 4].map((i) => shop.reservation(`order-${i}`)));
    expect(served.map(({ lines }) => lines[0]?.warehouse)).toEqual(['east', 'east', 'cellar', 'cellar']);
  });

  test('goes back to the nearest warehouse when stock returns to it between two orders', async () => {
    const shop = await givenShop('TEA@east=1,TEA@west=9');
    await shop.reserve('all', 'TEA@east=1');
    await inOneBatch(
      shop,
      shop.reserve('order-1', 'TEA=1'),
      shop.reserve('order-2', 'TEA=1'),
      shop.release('all'),
      shop.reserve('order-3', 'TEA=1'),
    );
    const served = await Promise.all([1, 2, 3].map((i) => shop.reservation(`order-${i}`)));
    expect(served.map(({ lines }) => lines[0]?.warehouse)).toEqual(['west', 'west', 'east']);
  });

  test('of two lines takes each line as often as it serves the order', async () => {
    const shop = await givenShop('TEA@east=9,RICE@west=5');
    const orders = [1, 2, 3, 4].map((i) => shop.reserve(`order-${i}`, 'RICE=2,TEA=3'));
    expect(await inOneBatch(shop, ...orders)).toEqual([
      ...times(2, 'done'),
      ...times(2, 'insufficient-stock'),
    ]);
    expect(await shop.figures('TEA@east')).toBe('9 = 3 available + 6 reserved + 0 sold');
    expect(await shop.figures('RICE@west')).toBe('5 = 1 available + 4 reserved + 0 sold');
  });
});

describe('a plain order, served from text to text, is seen by what follows on its SKU in the same batch', () => {
  const AFTER: [what: string, then: (shop: HotShop) => Promise<unknown>, word: string, figures: string][] = [
    [
      'another order',
      (shop) => shop.reserve('next', 'TEA@east=8'),
      'insufficient-stock',
      '10 = 7 available + 3 reserved + 0 sold',
    ],
    [
      'its own repeat',
      (shop) => shop.reserve('first', 'TEA@east=3'),
      'replayed',
      '10 = 7 available + 3 reserved + 0 sold',
    ],
    [
      'its own id for something else',
      (shop) => shop.reserve('first', 'TEA@east=2'),
      'order-conflict',
      '10 = 7 available + 3 reserved + 0 sold',
    ],
    ['its payment', (shop) => shop.confirm('first'), 'done', '10 = 7 available + 0 reserved + 3 sold'],
    ['its cancellation', (shop) => shop.release('first'), 'done', '10 = 10 available + 0 reserved + 0 sold'],
    [
      'goods that come in',
      (shop) => shop.receive('TEA@east=5'),
      'done',
      '15 = 12 available + 3 reserved + 0 sold',
    ],
    [
      'goods that go out',
      (shop) => shop.move('issue', 'TEA@east=8'),
      'insufficient-stock',
      '10 = 7 available + 3 reserved + 0 sold',
    ],
    [
      'a sale of the SKU',
      (shop) => shop.schedule('flash', 'TEA=8'),
      'insufficient-stock',
      '10 = 7 available + 3 reserved + 0 sold',
    ],
    [
      'a safety stock',
      (shop) => shop.setSafetyStock('TEA@east', 8),
      'done',
      '10 = 7 available + 3 reserved + 0 sold',
    ],
    [
      'a transfer',
      (shop) => shop.dispatch('T-1', 'TEA@east>west=7'),
      'done',
      '3 = 0 available + 3 reserved + 0 sold',
    ],
  ];
  test.each(AFTER)('%s', async (_, then, word, figures) => {
    const shop = await givenShop('TEA@east=10,RICE@east=5');
    const words = await inOneBatch(
      shop,
      shop.reserve('first', 'TEA@east=3'),
      shop.reserve('other', 'RICE=1'),
      then(shop),
    );
    expect(words).toEqual(['done', 'done', word]);
    expect(await shop.figures('TEA@east')).toBe(figures);
    expect(await shop.figures('RICE@east')).toBe('5 = 4 available + 1 reserved + 0 sold');
  });

  test.each([
    ['quarantined', 'quarantined 10 10 0 0 1 0 0', 'quarantined'],
    ['locked by a stocktake', '10 10 0 0 2 0 0 COUNT-1 1900000000000', 'stocktake-in-progress'],
    ['of a newer format', 'v2 10 10 0 0 1 0 0', 'quarantined'],
    ['against BR-001', '10 9 0 0 1 0 0', 'quarantined'],
  ])('and an item that is %s is not plain', async (_, text, word) => {
    const shop = await givenShop('TEA@east=10,RICE@east=5');
    await shop.redis.hset(shop.keys.sku('TEA'), 'east', text);
    for (const order of ['TEA@east=1', 'RICE@east=1,TEA@east=1', 'TEA=1']) {
      expect(await inOneBatch(shop, shop.reserve(`order ${order}`, order))).toEqual([word]);
    }
    expect(await shop.redis.hget(shop.keys.sku('TEA'), 'east')).toBe(text);
    expect(await shop.figures('RICE@east')).toBe('5 = 5 available + 0 reserved + 0 sold');
  });
});
