/**
 * As quarantine.test.ts, for movements, counts, transfers and sales: an item that is set apart is touched by none of them,
 * a record that this program did not write is refused and left as it is, and the rest of the batch goes on (D2, D8).
 */
import { describe, expect, test } from 'vitest';
import { type Decision, MOVEMENT_KINDS, type RefusalCode } from '../../src/domain/language.ts';
import { answer, outcome, refusal } from '../domain/sentences.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

const ann = { saleId: 'flash', customerId: 'ann' };
const again = { reacquire: true };
const TEA = { code: 'quarantined', items: [{ sku: 'TEA', warehouse: 'east' }] };

/** Something of every kind has been done with TEA@east, of which ten are there. */
async function givenTrade(): Promise<HotShop> {
  const shop = await givenShop('TEA@east=20,TEA@west=20,RICE@east=9');
  await shop.reserve('late', 'TEA@east=1', 1);
  await shop.wait(1_000);
  await shop.reserve('sold', 'TEA@east=3');
  await shop.confirm('sold');
  await shop.reserve('held', 'TEA@east=2,RICE@east=1');
  await shop.dispatch('to-east', 'TEA@west>east=4');
  await shop.dispatch('from-east', 'TEA@east>west=4');
  await shop.schedule('flash', 'TEA=5', { limitPerCustomer: 2 });
  await shop.reserve('anns', 'TEA@west=1', undefined, ann);
  return shop;
}

describe('an item that is set apart', () => {
  const CALLS: [what: string, call: (shop: HotShop) => Promise<Decision<unknown>>][] = [
    ...MOVEMENT_KINDS.map((kind): (typeof CALLS)[number] => [
      kind,
      (shop) => shop.move(kind, 'TEA@east=1', { expectedVersion: 8 }),
    ]),
    ['start of a count', (shop) => shop.startCount('count', 'TEA@east')],
    ['dispatch', (shop) => shop.dispatch('T', 'TEA@east>west=1')],
    ['arrival of a transfer', (shop) => shop.land('to-east', 4)],
    ['turning a transfer round', (shop) => shop.turnBack('from-east')],
    ['a late payment', (shop) => shop.confirm('late', undefined, again)],
    ['an order of a sale', (shop) => shop.reserve('order', 'TEA@east=1', undefined, ann)],
  ];

  test.each(CALLS)('refuses %s, by its name, and nothing of it changes', async (_, call) => {
    const shop = await givenTrade();
    await shop.hot.quarantine('TEA', 'east');
    const before = await shop.engine.dump();
    expect(refusal(await call(shop))).toEqual(TEA);
    expect(await shop.engine.dump()).toBe(before);
  });

  test.each(CALLS)('refuses %s later in the same batch, and other commands go on', async (_, call) => {
    const shop = await givenTrade();
    const batches = shop.hot.counts.batches;
    const [, refused, beside] = await Promise.all([
      shop.hot.quarantine('TEA', 'east'),
      call(shop),
      shop.reserve('beside', 'RICE@east=1'),
    ]);
    expect(shop.hot.counts.batches).toBe(batches + 1);
    expect([refusal(refused), outcome(beside)]).toEqual([TEA, 'done']);
  });

  test('lets the other end of its transfers land, and its sales be closed', async () => {
    const shop = await givenTrade();
    await shop.hot.quarantine('TEA', 'east');
    expect(outcome(await shop.land('from-east', 4))).toBe('done');
    expect(outcome(await shop.turnBack('to-east'))).toBe('done');
    expect(outcome(await shop.closeSale('flash'))).toBe('done');
  });

  test('is not counted in what a sale can set aside or leaves to others', async () => {
    const shop = await givenShop('TEA@east=20,TEA@west=3');
    await shop.hot.quarantine('TEA', 'east');
    expect(refusal(await shop.schedule('flash', 'TEA=4'))).toMatchObject({ shortages: [{ available: 3 }] });
    expect(outcome(await shop.schedule('flash', 'TEA=2'))).toBe('done');
    expect(refusal(await shop.reserve('order', 'TEA=2'))).toMatchObject({ shortages: [{ available: 1 }] });
  });

  test('BR-007: under a count keeps its lock: it is neither counted nor let go of, and does not lapse', async () => {
    const shop = await givenTrade();
    await shop.startCount('count', 'TEA@east', 60);
    await shop.hot.quarantine('TEA', 'east');
    expect(refusal(await shop.completeCount('count', 'TEA@east', 20))).toEqual(TEA);
    expect(refusal(await shop.cancelCount('count', 'TEA@east'))).toEqual(TEA);
    await shop.wait(60_000);
    await shop.sweepAll();
    expect((await shop.sheet('count')).map((line) => line.status)).toEqual(['COUNTING']);
    expect(await shop.redis.hget(shop.keys.sku('TEA'), 'east')).toMatch(/^quarantined .* count \d+$/);
  });

  test('BR-007: once it is let out, its lock ends at the next look', async () => {
    const shop = await givenTrade();
    await shop.startCount('count', 'TEA@east', 60);
    const sound = (await shop.redis.hget(shop.keys.sku('TEA'), 'east')) ?? '';
    await shop.hot.quarantine('TEA', 'east');
    await shop.wait(60_000);
    await shop.sweepAll();
    await shop.redis.hset(shop.keys.sku('TEA'), 'east', sound);
    await shop.wait(60_000);
    await shop.sweepAll();
    expect((await shop.item('TEA@east')).stocktake).toBeUndefined();
    expect((await shop.sheet('count')).map((line) => line.status)).toEqual(['LAPSED']);
  });

  test('BR-007: is skipped by a count that looks for holds to release', async () => {
    const shop = await givenTrade();
    await shop.startCount('count', 'TEA@east');
    await shop.hot.quarantine('RICE', 'east');
    // The hold has a line of rice, too, which is in quarantine.
    expect(outcome(await shop.completeCount('count', 'TEA@east', 4, ['held']))).toBe('count-below-committed');
    expect((await shop.reservation('held')).status).toBe('ACTIVE');
  });

  test.each(['9 9 0 0 1 0 0 count', '9 9 0 0 1 0 0 count soon', '9 9 0 0 1 0 0 -', '9 9 0 0 1 0 0 a b 9'])(
    'because its lock cannot be read is left as it is: %j',
    async (text) => {
      const shop = await givenTrade();
      await shop.redis.hset(shop.keys.sku('TEA'), 'east', text);
      expect(refusal(await shop.move('issue', 'TEA@east=1'))).toEqual(TEA);
      expect(refusal(await shop.reserve('order', 'TEA@east=1'))).toEqual(TEA);
      expect(await shop.redis.hget(shop.keys.sku('TEA'), 'east')).toBe(text);
    },
  );
});

/** Commands about a record that cannot be read, in a batch with an order that does not need it. */
async function expectLeftAlone(
  shop: HotShop,
  read: () => Promise<string | null>,
  calls: readonly (() => Promise<Decision<unknown>>)[],
  code: RefusalCode = 'quarantined',
): Promise<void> {
  const before = await read();
  const beside = shop.reserve('beside', 'RICE@east=1');
  const decided = await Promise.all(calls.map((call) => call()));
  expect(decided.map(outcome)).toEqual(calls.map(() => code));
  expect(outcome(await beside)).toBe('done');
  expect(await read()).toBe(before);
}

describe('a record that cannot be read', () => {
  test.each([
    '',
    'nonsense',
    'IN_TRANSIT TEA west east 4 0 0',
    'IN_TRANSIT TEA west east x 0 0 0 -',
    'IN_TRANSIT TEA west east 4 0 0 0 - -',
  ])('is refused and left as it is: transfer %j', async (text) => {
    const shop = await givenTrade();
    const key = shop.keys.transfer('to-east');
    await shop.redis.set(key, text);
    await expectLeftAlone(shop, () => shop.redis.get(key), [
      () => shop.dispatch('to-east', 'TEA@west>east=4'),
      () => shop.land('to-east', 4),
      () => shop.turnBack('to-east'),
      () => shop.hot.transfer('to-east'),
    ]);
  });

  test.each(['', 'nonsense', 'COUNTING 5 9', 'COUNTING soon 9 -', 'counting 5 9 -'])(
    'is refused and left as it is: line of a count sheet %j',
    async (text) => {
      const shop = await givenTrade();
      await shop.startCount('count', 'TEA@east');
      const key = shop.keys.stocktake('count');
      await shop.redis.hset(key, 'TEA@east', text);
      await expectLeftAlone(shop, () => shop.redis.hget(key, 'TEA@east'), [
        () => shop.startCount('count', 'TEA@east'),
        () => shop.completeCount('count', 'TEA@east', 9),
        () => shop.cancelCount('count', 'TEA@east'),
        () => shop.hot.stocktake('count'),
      ]);
    },
  );

  test.each(['', 'nonsense', '1', '1 2 3', '-1 0', '1e3 0'])(
    'is refused and left as it is, so that no limit is forgotten: quota %j',
    async (text) => {
      const shop = await givenTrade();
      const key = shop.keys.quota('flash');
      await shop.redis.hset(key, 'ann', text);
      await expectLeftAlone(shop, () => shop.redis.hget(key, 'ann'), [
        () => shop.reserve('order', 'TEA@west=1', undefined, ann),
      ]);
      expect(
        outcome(await shop.reserve('bobs', 'TEA@west=1', undefined, { ...ann, customerId: 'bob' })),
      ).toBe('done');
      // What was promised before can still be paid, or cancelled.
      expect(outcome(await shop.confirm('anns'))).toBe('done');
      expect(await shop.redis.hget(key, 'ann')).toBe(text);
    },
  );

  test.each(['', 'nonsense', '1 2 3', '1 4000000999999 5 2 0 0 0', '1 4000000999999 5 2 0 0 0 -1'])(
    'is refused and left as it is: sale %j, and with it all that it may have set aside',
    async (text) => {
      const shop = await givenTrade();
      const key = shop.keys.sku('TEA');
      await shop.redis.hset(key, '*flash', text);
      const read = () => shop.redis.hget(key, '*flash');
      await expectLeftAlone(shop, read, [
        () => shop.reserve('order', 'TEA@west=1'),
        () => shop.reserve('other', 'TEA=1'),
      ]);
      const unknown = [() => shop.hot.sale('flash'), () => shop.closeSale('flash')];
      await shop.release('beside');
      for (const call of unknown) expect(outcome(await call())).toBe('unknown-sale');
      expect(await read()).toBe(text);
    },
  );
});

test('a sale that closed long ago is removed with the next one, and is then unknown', async () => {
  const shop = await givenShop('TEA@east=9');
  answer(await shop.schedule('old', 'TEA=4', { lastsMs: 1_000 }));
  await shop.wait(1_000 + 2 * 86_400_000);
  expect(outcome(await shop.hot.sale('old'))).toBe('done');
  await shop.schedule('new', 'TEA=9');
  expect(await shop.redis.hkeys(shop.keys.sku('TEA'))).toEqual(['east', '*new']);
  expect(outcome(await shop.hot.sale('old'))).toBe('unknown-sale');
  expect(outcome(await shop.closeSale('old'))).toBe('unknown-sale');
});
