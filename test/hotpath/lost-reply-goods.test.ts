/**
 * As lost-reply.test.ts, for every kind of command: the answer is lost after Redis ran it, and the repeat under the same id
 * gets the answer of the first, and nothing happens twice (BR-006).
 */
import { expect, test } from 'vitest';
import type { CommandKind, Decision } from '../../src/domain/language.ts';
import { answer, outcome } from '../domain/sentences.ts';
import { givenProxy } from './fault-proxy.ts';
import { faultOf, untilReachable } from './faults.ts';
import { givenShop, type HotShop, type ShopOptions } from './hot-shop.ts';

/** Something of every kind has been done, at an instant that is the same in every shop. */
async function givenTrade(options: ShopOptions = {}): Promise<HotShop> {
  const shop = await givenShop('TEA@east=20,TEA@west=20,RICE@east=9', options);
  await shop.reserve('late', 'TEA@east=1', 1);
  await shop.wait(1_000);
  await shop.reserve('sold', 'TEA@east=3');
  await shop.confirm('sold');
  await shop.reserve('held', 'TEA=2', undefined, { customerId: 'ann' });
  await shop.dispatch('way', 'TEA@west>east=4');
  await shop.startCount('count', 'RICE@east');
  await shop.schedule('sale', 'TEA=5', { limitPerCustomer: 2 });
  return shop;
}

const CALLS: Readonly<Record<CommandKind | 'late payment', (shop: HotShop) => Promise<Decision<unknown>>>> = {
  reserve: (shop) => shop.reserve('order', 'TEA=2', undefined, { saleId: 'sale', customerId: 'ann' }),
  confirm: (shop) => shop.confirm('held', 'TEA=1', { proposeTransferTo: 'west' }),
  'late payment': (shop) => shop.confirm('late', undefined, { reacquire: true }),
  release: (shop) => shop.release('held', 'TEA=1'),
  extend: (shop) => shop.extend('held', 7_200),
  receive: (shop) => shop.receive('TEA@north=1', 'M-1'),
  issue: (shop) => shop.move('issue', 'TEA@east=1', { movementId: 'M-1' }),
  ship: (shop) => shop.move('ship', 'TEA@east=1', { movementId: 'M-1', orderId: 'sold' }),
  return: (shop) => shop.move('return', 'TEA@east=1', { movementId: 'M-1', orderId: 'sold' }),
  'write-off': (shop) => shop.move('write-off', 'TEA@east=1', { movementId: 'M-1' }),
  correct: (shop) => shop.move('correct', 'RICE@west=1', { movementId: 'M-1', expectedVersion: 1 }),
  'set-safety-stock': (shop) => shop.setSafetyStock('TEA@east', 30),
  'start-stocktake': (shop) => shop.startCount('count', 'TEA@east'),
  'complete-stocktake': (shop) => shop.completeCount('count', 'RICE@east', 7),
  'cancel-stocktake': (shop) => shop.cancelCount('count', 'RICE@east'),
  'dispatch-transfer': (shop) => shop.dispatch('T-1', 'TEA@east>west=2'),
  'receive-transfer': (shop) => shop.land('way', 2, { rejected: 1 }),
  'cancel-transfer': (shop) => shop.turnBack('way'),
  'schedule-sale': (shop) => shop.schedule('second', 'TEA=3'),
  'close-sale': (shop) => shop.closeSale('sale'),
};

test.each(Object.entries(CALLS))(
  'BR-006: %s whose answer was lost is done once, and its repeat gets the first answer',
  async (_, call) => {
    const other = await givenTrade();
    await other.receive('RICE@west=5');
    const first = await call(other);
    expect(outcome(first)).toBe('done');

    const proxy = await givenProxy();
    const shop = await givenTrade({ redisUrl: proxy.url });
    await shop.receive('RICE@west=5');
    const events = (await shop.events()).length;
    proxy.fate = ({ commands }) => (commands.length > 0 ? 'cut-after' : 'pass');
    expect(await faultOf(call(shop))).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    const ran = (await shop.events()).length;
    expect(ran).toBeGreaterThan(events);

    proxy.fate = () => 'pass';
    await untilReachable(shop);
    const again = await call(shop);
    expect([outcome(again), answer(again)]).toEqual(['replayed', answer(first)]);
    expect((await shop.events()).length).toBe(ran);
  },
);

test.each(Object.entries(CALLS))(
  'BR-006: %s that never reached Redis leaves no trace, and its repeat is done',
  async (_, call) => {
    const proxy = await givenProxy();
    const shop = await givenTrade({ redisUrl: proxy.url });
    await shop.receive('RICE@west=5');
    const before = await shop.engine.dump();
    proxy.fate = ({ commands }) => (commands.length > 0 ? 'cut-before' : 'pass');
    expect(await faultOf(call(shop))).toMatchObject({ outcome: 'unknown' });
    expect(await shop.engine.dump()).toBe(before);
    proxy.fate = () => 'pass';
    await untilReachable(shop);
    expect(outcome(await call(shop))).toBe('done');
  },
);
