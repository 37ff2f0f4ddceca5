/**
 * What Redis keeps and this program did not write is left alone and named; all else of the same batch goes on (D2, D8).
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { QUANTITY_MAX } from '../../src/domain/language.ts';
import { HISTORIES } from '../domain/histories.ts';
import { answer, outcome, refusal } from '../domain/sentences.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

async function breakItem(shop: HotShop, sku: string, text: string): Promise<void> {
  await shop.redis.hset(shop.keys.sku(sku), 'east', text);
}

describe('an item whose figures do not add up (BR-004)', () => {
  const BROKEN = '10 9 0 0 3 0 0';

  test('refuses whatever touches it, and changes nothing of it', async () => {
    const shop = await givenShop('TEA@east=10,RICE@east=10');
    await shop.reserve('held', 'TEA@east=1,RICE@east=1');
    await breakItem(shop, 'TEA', BROKEN);
    const named = { code: 'quarantined', items: [{ sku: 'TEA', warehouse: 'east' }] };
    const calls = [
      shop.reserve('order-1', 'TEA@east=1'),
      shop.reserve('order-2', 'TEA@east=1,RICE@east=1'),
      shop.confirm('held'),
      shop.release('held'),
      shop.extend('held', 7_200),
      shop.receive('TEA@east=1'),
      shop.setSafetyStock('TEA@east', 1),
    ];
    for (const decision of await Promise.all<Awaited<(typeof calls)[number]>>(calls)) {
      expect(refusal(decision)).toEqual(named);
    }
    expect(await shop.redis.hget(shop.keys.sku('TEA'), 'east')).toBe(BROKEN);
    expect(await shop.figures('RICE@east')).toBe('10 = 9 available + 1 reserved + 0 sold');
  });

  test('does not hold up the others of the same batch', async () => {
    const shop = await givenShop('TEA@east=10,RICE@east=10');
    await breakItem(shop, 'TEA', BROKEN);
    const before = shop.hot.counts.batches;
    const decided = await Promise.all([
      shop.reserve('order-1', 'RICE@east=1'),
      shop.reserve('order-2', 'TEA@east=1'),
      shop.reserve('order-3', 'RICE@east=1'),
    ]);
    expect(shop.hot.counts.batches).toBe(before + 1);
    expect(decided.map(outcome)).toEqual(['done', 'quarantined', 'done']);
  });

  test('is skipped if a line names no warehouse', async () => {
    const shop = await givenShop('TEA@east=10,TEA@west=10');
    await breakItem(shop, 'TEA', BROKEN);
    expect(answer(await shop.reserve('order-1', 'TEA=1')).lines[0]?.warehouse).toBe('west');
  });

  test('keeps its holds until it is mended; then they return, and other holds never waited', async () => {
    const shop = await givenShop('TEA@east=10,RICE@east=10');
    await shop.reserve('order-1', 'TEA@east=2', 60);
    await shop.reserve('order-2', 'RICE@east=2', 60);
    const sound = (await shop.redis.hget(shop.keys.sku('TEA'), 'east')) ?? '';
    await breakItem(shop, 'TEA', BROKEN);
    await shop.wait(60_000);
    await shop.sweepAll();
    expect(await shop.figures('RICE@east')).toBe('10 = 10 available + 0 reserved + 0 sold');
    expect((await shop.reservation('order-1')).status).toBe('ACTIVE');
    expect(outcome(await shop.confirm('order-1'))).toBe('quarantined');
    await breakItem(shop, 'TEA', sound);
    await shop.wait(60_000);
    await shop.sweepAll();
    expect(await shop.figures('TEA@east')).toBe('10 = 10 available + 0 reserved + 0 sold');
    expect((await shop.reservation('order-1')).status).toBe('EXPIRED');
  });

  test('is named as quarantined in answers', async () => {
    const shop = await givenShop('TEA@east=10,TEA@west=10');
    await breakItem(shop, 'TEA', BROKEN);
    expect(refusal(await shop.hot.item('TEA'))).toEqual({
      code: 'quarantined',
      items: [{ sku: 'TEA', warehouse: 'east' }],
    });
  });

  test('is named as such when a line names no warehouse and there is no other', async () => {
    const shop = await givenShop('TEA@east=10');
    await breakItem(shop, 'TEA', BROKEN);
    expect(outcome(await shop.reserve('order-1', 'TEA=1'))).toBe('quarantined');
  });
});

describe('an item that is put in quarantine (D8)', () => {
  test('keeps its figures, and every further command about it is refused', async () => {
    const shop = await givenShop('TEA@east=10,RICE@east=10');
    await shop.reserve('held', 'TEA@east=2');
    const before = (await shop.redis.hget(shop.keys.sku('TEA'), 'east')) ?? '';
    await shop.hot.quarantine('TEA', 'east');
    const decided = await Promise.all<Awaited<ReturnType<HotShop['reserve'] | HotShop['receive']>>>([
      shop.reserve('order-1', 'TEA@east=1'),
      shop.confirm('held'),
      shop.receive('TEA@east=1'),
      shop.setSafetyStock('TEA@east', 1),
      shop.reserve('order-2', 'RICE@east=1'),
    ]);
    expect(decided.map(outcome)).toEqual([
      'quarantined',
      'quarantined',
      'quarantined',
      'quarantined',
      'done',
    ]);
    expect(await shop.redis.hget(shop.keys.sku('TEA'), 'east')).toBe(`quarantined ${before}`);
  });

  test('leaves no event; a second time, or for an unknown item, it changes nothing', async () => {
    const shop = await givenShop('TEA@east=10');
    const sequence = shop.hot.head?.sequence;
    await shop.hot.quarantine('TEA', 'east');
    const before = await shop.engine.dump();
    await shop.hot.quarantine('TEA', 'east');
    await shop.hot.quarantine('TEA', 'west');
    expect(await shop.engine.dump()).toBe(before);
    expect(shop.hot.head?.sequence).toBe(sequence);
  });

  test('BR-003: keeps its holds, whatever their deadline, until it is let out', async () => {
    const shop = await givenShop('TEA@east=10');
    await shop.reserve('held', 'TEA@east=2', 60);
    const before = (await shop.redis.hget(shop.keys.sku('TEA'), 'east')) ?? '';
    await shop.hot.quarantine('TEA', 'east');
    await shop.wait(60_000);
    await shop.sweepAll();
    expect((await shop.reservation('held')).status).toBe('ACTIVE');
    await breakItem(shop, 'TEA', before);
    await shop.wait(60_000);
    await shop.sweepAll();
    expect(await shop.figures('TEA@east')).toBe('10 = 10 available + 0 reserved + 0 sold');
  });

  test('takes effect within the batch: earlier commands are decided, later ones refused', async () => {
    const shop = await givenShop('TEA@east=10');
    const [first, , second] = await Promise.all([
      shop.reserve('order-1', 'TEA@east=1'),
      shop.hot.quarantine('TEA', 'east'),
      shop.reserve('order-2', 'TEA@east=2'),
    ]);
    expect([first, second].map(outcome)).toEqual(['done', 'quarantined']);
    expect(await shop.redis.hget(shop.keys.sku('TEA'), 'east')).toMatch(/^quarantined 10 9 1 0 /);
  });

  // reserve.lua keeps the items of equal orders of a batch (`command.items`); they may have been set apart meanwhile.
  test('nor by an order with the same content as one that came before', async () => {
    const shop = await givenShop('TEA@east=10');
    const [first, , second] = await Promise.all([
      shop.reserve('order-1', 'TEA@east=1'),
      shop.hot.quarantine('TEA', 'east'),
      shop.reserve('order-2', 'TEA@east=1'),
    ]);
    expect([first, second].map(outcome)).toEqual(['done', 'quarantined']);
  });
});

test('an item is sold from exactly where its text is one this program can have written', async () => {
  const shop = await givenShop('');
  const figure = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 9 }).map(String) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', '-1', '1.5', '1e3', '0x9', 'nan', 'inf', ' 5', '1000000001', 'ä'),
    },
  );
  const word = fc.tuple(figure, figure, figure, figure, figure, fc.constantFrom('0', '1', '2', ''));
  const text = fc.oneof(
    word.map(([available, reserved, sold, version, safetyStock, isLow]) => {
      const total = Number(available) + Number(reserved) + Number(sold);
      return `${total} ${available} ${reserved} ${sold} ${version} ${safetyStock} ${isLow}`;
    }),
    word.map((words) => `9 ${words.join(' ')}`),
    fc.string(),
  );
  let order = 0;
  await fc.assert(
    fc.asyncProperty(text, async (stored) => {
      await breakItem(shop, 'TEA', stored);
      const match = /^(\d+) (\d+) (\d+) (\d+) (\d+) (\d+) ([01])$/.exec(stored);
      const [total, available, reserved, sold] = (match ?? []).slice(1).map(Number);
      const adds = total === Number(available) + Number(reserved) + Number(sold);
      const isSound = match !== null && adds && Number(total) <= QUANTITY_MAX;
      const decided = outcome(await shop.reserve(`order-${++order}`, 'TEA@east=1'));
      if (isSound) expect(decided).toBe(Number(available) > 0 ? 'done' : 'insufficient-stock');
      else {
        expect(decided).toBe('quarantined');
        expect(await shop.redis.hget(shop.keys.sku('TEA'), 'east')).toBe(stored);
      }
    }),
    { numRuns: HISTORIES },
  );
});

describe('a reservation that cannot be read', () => {
  const TEXTS = [
    '',
    'nonsense',
    'ACTIVE 1 1',
    'ACTIVE 1 1 TEA@east=0',
    'ACTIVE 1 x TEA@east=1',
    'ACTIVE 1 1 TEA@east=1 x',
  ];

  test.each(TEXTS)('%j is refused for every command, and is left as it is', async (text) => {
    const shop = await givenShop('TEA@east=10');
    const key = shop.keys.reservation('order-1');
    await shop.redis.set(key, text);
    const before = await shop.figures('TEA@east');
    const decided = await Promise.all([
      shop.reserve('order-1', 'TEA@east=1'),
      shop.confirm('order-1'),
      shop.release('order-1', 'TEA=1'),
      shop.extend('order-1', 60),
      shop.hot.reservation('order-1'),
      shop.reserve('order-2', 'TEA@east=0001'),
    ]);
    expect(decided.map(outcome)).toEqual([...Array.from({ length: 5 }, () => 'quarantined'), 'done']);
    expect(await shop.redis.get(key)).toBe(text);
    await shop.release('order-2');
    expect(await shop.figures('TEA@east')).toBe(before);
  });

  test('does not block the return of the holds that are due with it', async () => {
    const shop = await givenShop('TEA@east=10');
    await Promise.all([1, 2, 3].map((i) => shop.reserve(`order-${i}`, 'TEA@east=1', 60)));
    await shop.redis.set(shop.keys.reservation('order-2'), 'nonsense');
    await shop.wait(60_000);
    await shop.sweepAll();
    expect(await shop.figures('TEA@east')).toBe('10 = 9 available + 1 reserved + 0 sold');
    expect(await shop.redis.get(shop.keys.reservation('order-2'))).toBe('nonsense');
  });

  test('that holds more than its item has reserved is not settled', async () => {
    const shop = await givenShop('TEA@east=10');
    await shop.reserve('order-1', 'TEA@east=1');
    await shop.redis.set(shop.keys.reservation('forged'), `ACTIVE ${shop.nowMs} 60000 TEA@east=2`);
    const decided = await Promise.all([shop.confirm('forged'), shop.release('forged')]);
    expect(decided.map(outcome)).toEqual(['quarantined', 'quarantined']);
    expect(await shop.figures('TEA@east')).toBe('10 = 9 available + 1 reserved + 0 sold');
  });

  test('because of an unknown status is refused like the others', async () => {
    const shop = await givenShop('TEA@east=10');
    await shop.redis.set(shop.keys.reservation('order-1'), `BOUGHT ${shop.nowMs} 60000 TEA@east=1`);
    expect(outcome(await shop.confirm('order-1'))).toBe('quarantined');
  });
});
