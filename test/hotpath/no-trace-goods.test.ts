/**
 * Refusals leave no trace, and a batch that fails has failed before its first write (D2): as no-trace.test.ts, for count
 * sheets, transfers, sales and their quotas. Every key of the partition is compared before and after.
 */
import { describe, expect, test } from 'vitest';
import { type Decision, QUANTITY_MAX, REFUSAL_CODES, type RefusalCode } from '../../src/domain/language.ts';
import { outcome } from '../domain/sentences.ts';
import { faultOf } from './faults.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

const ann = { saleId: 'flash', customerId: 'ann' };

/** A shop with something of every kind about which a command can be refused. */
async function givenBusyShop(): Promise<HotShop> {
  const shop = await givenShop('TEA@east=20,TEA@west=20,RICE@east=9,SALT@east=9');
  await shop.setSafetyStock('TEA@east', 5);
  await shop.reserve('late', 'TEA@east=2', 1);
  await shop.wait(1_000);
  await shop.schedule('flash', 'TEA=10', { limitPerCustomer: 2 });
  await shop.schedule('future', 'TEA=5', { opensInMs: 60_000 });
  await shop.schedule('closed', 'TEA=1');
  await shop.closeSale('closed');
  await shop.reserve('anns', 'TEA@east=1', undefined, ann);
  await shop.reserve('sold', 'TEA@east=2');
  await shop.confirm('sold');
  await shop.reserve('held', 'TEA@east=2,RICE@east=1');
  await shop.dispatch('way', 'TEA@west>east=3');
  await shop.dispatch('arrived', 'TEA@west>east=1');
  await shop.land('arrived', 1);
  await shop.startCount('count', 'SALT@east', 3_600);
  await shop.startCount('ended', 'RICE@east');
  await shop.cancelCount('ended', 'RICE@east');
  await shop.move('receive', 'TEA@east=1', { movementId: 'M-1' });
  return shop;
}
type Call = (shop: HotShop) => Promise<Decision<unknown>>;
const REFUSED: [code: RefusalCode, call: Call][] = [
  ['insufficient-stock', (shop) => shop.move('issue', 'TEA@east=99')],
  ['insufficient-stock', (shop) => shop.dispatch('T', 'TEA@east>west=99')],
  ['insufficient-stock', (shop) => shop.schedule('more', 'TEA=99')],
  ['insufficient-stock', (shop) => shop.reserve('order', 'TEA=30', undefined, { allocation: 'split' })],
  ['unknown-item', (shop) => shop.move('issue', 'TEA@north=1')],
  ['unknown-item', (shop) => shop.dispatch('T', 'TEA@north>west=1')],
  ['unknown-item', (shop) => shop.startCount('count', 'TEA@north')],
  ['unknown-item', (shop) => shop.schedule('more', 'OIL=1')],
  ['movement-conflict', (shop) => shop.move('issue', 'TEA@east=1', { movementId: 'M-1' })],
  ['quantity-limit-exceeded', (shop) => shop.move('return', `TEA@east=${QUANTITY_MAX}`)],
  ['exceeds-sold', (shop) => shop.move('ship', 'TEA@east=3')],
  ['version-conflict', (shop) => shop.move('correct', 'TEA@east=9', { expectedVersion: 1 })],
  [
    'count-below-committed',
    async (shop) =>
      shop.move('correct', 'TEA@east=1', { expectedVersion: (await shop.item('TEA@east')).version }),
  ],
  ['stocktake-in-progress', (shop) => shop.reserve('order', 'SALT=1')],
  ['stocktake-in-progress', (shop) => shop.move('write-off', 'SALT@east=1')],
  ['stocktake-in-progress', (shop) => shop.dispatch('T', 'SALT@east>west=1')],
  ['stocktake-in-progress', (shop) => shop.startCount('another', 'SALT@east')],
  ['unknown-stocktake', (shop) => shop.completeCount('another', 'SALT@east', 9)],
  ['unknown-stocktake', (shop) => shop.cancelCount('count', 'TEA@east')],
  ['unknown-stocktake', (shop) => shop.hot.stocktake('another')],
  ['stocktake-ended', (shop) => shop.startCount('ended', 'RICE@east')],
  ['stocktake-ended', (shop) => shop.completeCount('ended', 'RICE@east', 9)],
  ['unknown-transfer', (shop) => shop.land('T', 1)],
  ['unknown-transfer', (shop) => shop.turnBack('T')],
  ['unknown-transfer', (shop) => shop.hot.transfer('T')],
  ['transfer-conflict', (shop) => shop.dispatch('way', 'TEA@west>east=4')],
  ['transfer-ended', (shop) => shop.land('arrived', 2)],
  ['transfer-ended', (shop) => shop.turnBack('arrived')],
  ['exceeds-transit', (shop) => shop.land('way', 3, { rejected: 1 })],
  ['unknown-sale', (shop) => shop.reserve('order', 'TEA=1', undefined, { saleId: 'none' })],
  ['unknown-sale', (shop) => shop.closeSale('none')],
  ['unknown-sale', (shop) => shop.hot.sale('none')],
  ['sale-conflict', (shop) => shop.schedule('flash', 'TEA=9')],
  ['sale-not-open', (shop) => shop.reserve('order', 'TEA=1', undefined, { saleId: 'future' })],
  ['sale-closed', (shop) => shop.reserve('order', 'TEA=1', undefined, { saleId: 'closed' })],
  ['sale-closed', (shop) => shop.schedule('more', 'TEA=1', { opensInMs: -9, lastsMs: 9 })],
  ['customer-required', (shop) => shop.reserve('order', 'TEA=1', undefined, { saleId: 'flash' })],
  ['purchase-limit-exceeded', (shop) => shop.reserve('order', 'TEA=2', undefined, ann)],
  ['exceeds-reservation', (shop) => shop.confirm('late', 'TEA=3', { reacquire: true })],
];

describe('a refusal leaves no trace', () => {
  test.each(REFUSED)('%s: %s', async (code, call) => {
    const shop = await givenBusyShop();
    const before = await shop.engine.dump();
    expect(outcome(await call(shop))).toBe(code);
    expect(await shop.engine.dump()).toBe(before);
  });

  test('all of them together, in one batch', async () => {
    const shop = await givenBusyShop();
    const before = await shop.engine.dump();
    const decided = await Promise.all(REFUSED.map(([, call]) => call(shop)));
    expect(decided.map(outcome)).toEqual(REFUSED.map(([code]) => code));
    expect(await shop.engine.dump()).toBe(before);
  });

  test('nor does the second refusal of a late payment; the first was recorded', async () => {
    const shop = await givenBusyShop();
    await shop.move('correct', 'TEA@east=7', { expectedVersion: (await shop.item('TEA@east')).version });
    await shop.reserve('rest', 'TEA@east=1');
    const pay = () => shop.confirm('late', undefined, { reacquire: true });
    expect(outcome(await pay())).toBe('paid-but-short');
    const before = await shop.engine.dump();
    expect(outcome(await pay())).toBe('paid-but-short');
    expect(await shop.engine.dump()).toBe(before);
  });

  test('every code is here, or in a test of its own', () => {
    const elsewhere: RefusalCode[] = [
      // reserve, confirm, release, extend: test/domain and test/agreement compare events and figures
      'order-conflict',
      'unknown-reservation',
      'reservation-expired',
      'already-released',
      'already-confirmed',
      'lifetime-exceeded',
      'too-many-partial-releases',
      // need many records: stocktakes, transfers and sales of test/agreement
      'stocktake-full',
      'too-many-receipts',
      'too-many-sales',
      // backlog.test.ts and quarantine-goods.test.ts
      'ledger-backlog',
      'quarantined',
      // above
      'paid-but-short',
    ];
    const here = REFUSED.map(([code]) => code);
    expect(new Set([...here, ...elsewhere])).toEqual(new Set(REFUSAL_CODES));
    expect(elsewhere.filter((code) => here.includes(code))).toEqual([]);
  });
});

/** Each call ends in a fault, and no key of the partition has changed. */
async function expectNoTrace(shop: HotShop, ...calls: (() => Promise<unknown>)[]): Promise<void> {
  const before = await shop.engine.dump();
  for (const fault of await Promise.all(calls.map((call) => faultOf(call())))) {
    expect(fault).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
  }
  expect(await shop.engine.dump()).toBe(before);
}

describe('a batch that fails changes nothing', () => {
  const another = (shop: HotShop) => () => shop.reserve('order', 'TEA@east=1');

  test('if the key of a count sheet has a string', async () => {
    for (const call of [
      (shop: HotShop) => shop.startCount('count', 'TEA@east'),
      (shop: HotShop) => shop.completeCount('count', 'SALT@east', 9),
      (shop: HotShop) => shop.cancelCount('count', 'SALT@east'),
      (shop: HotShop) => shop.hot.stocktake('count'),
    ]) {
      const shop = await givenBusyShop();
      await shop.redis.unlink(shop.keys.stocktake('count'));
      await shop.redis.set(shop.keys.stocktake('count'), 'no sheet');
      await expectNoTrace(shop, another(shop), () => call(shop));
    }
  });

  test('if the sheet of a lapsing lock is a string', async () => {
    const shop = await givenBusyShop();
    await shop.redis.unlink(shop.keys.stocktake('count'));
    await shop.redis.set(shop.keys.stocktake('count'), 'no sheet');
    await shop.wait(3_600_000);
    await expectNoTrace(shop, another(shop), () => shop.hot.sweep(100));
  });

  test('if the key of a quota has a string', async () => {
    const calls: ((shop: HotShop) => Promise<unknown>)[] = [
      (shop) => shop.reserve('order-2', 'TEA@east=1', undefined, ann),
      (shop) => shop.confirm('anns'),
      (shop) => shop.release('anns'),
    ];
    for (const call of calls) {
      const shop = await givenBusyShop();
      await shop.redis.unlink(shop.keys.quota('flash'));
      await shop.redis.set(shop.keys.quota('flash'), 'no quota');
      await expectNoTrace(shop, another(shop), () => call(shop));
    }
  });

  test('if the key of a new transfer or sale has a hash', async () => {
    const shop = await givenBusyShop();
    await shop.redis.hset(shop.keys.transfer('T'), 'no', 'text');
    await shop.redis.hset(shop.keys.sale('more'), 'no', 'text');
    await expectNoTrace(shop, another(shop), () => shop.dispatch('T', 'TEA@west>east=1'));
    await expectNoTrace(shop, another(shop), () => shop.schedule('more', 'TEA=1'));
    const before = await shop.engine.dump();
    const looked = [shop.land('T', 1), shop.turnBack('T'), shop.hot.transfer('T'), shop.closeSale('more')];
    expect((await Promise.all<Decision<unknown>>(looked)).map(outcome)).toEqual([
      'unknown-transfer',
      'unknown-transfer',
      'unknown-transfer',
      'unknown-sale',
    ]);
    expect(await shop.engine.dump()).toBe(before);
  });

  test('if the key of the SKU of a movement, a count, a transfer or a sale has a string', async () => {
    const shop = await givenBusyShop();
    await shop.redis.unlink(shop.keys.sku('TEA'));
    await shop.redis.set(shop.keys.sku('TEA'), 'no hash');
    const another = () => shop.reserve('order', 'RICE@east=1');
    await expectNoTrace(shop, another, () => shop.move('issue', 'TEA@east=1'));
    await expectNoTrace(shop, another, () => shop.startCount('count', 'TEA@east'));
    await expectNoTrace(shop, another, () => shop.dispatch('T', 'TEA@east>west=1'));
    await expectNoTrace(shop, another, () => shop.land('way', 3));
    await expectNoTrace(shop, another, () => shop.turnBack('way'));
    await expectNoTrace(shop, another, () => shop.schedule('more', 'TEA=1'));
    await expectNoTrace(shop, another, () => shop.closeSale('flash'));
    await expectNoTrace(shop, another, () => shop.confirm('late', undefined, { reacquire: true }));
  });

  test('if the stream is ahead of the control record, for a batch of many kinds', async () => {
    const shop = await givenBusyShop();
    await shop.redis.xadd(shop.keys.events, '1-999', 'somebody', 'else');
    await expectNoTrace(
      shop,
      () => shop.move('issue', 'TEA@east=1'),
      () => shop.startCount('count-2', 'TEA@east'),
      () => shop.completeCount('count', 'SALT@east', 5),
      () => shop.dispatch('T', 'TEA@west>east=1'),
      () => shop.turnBack('way'),
      () => shop.schedule('more', 'TEA=1'),
      () => shop.closeSale('flash'),
      () => shop.release('anns'),
    );
  });
});
