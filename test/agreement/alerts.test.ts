/**
 * BR-005 by examples: the alert fires where available crosses the line, whichever command took it there, once; and is
 * re-armed by whichever command brings it back.
 */
import { expect, test } from 'vitest';
import { answer } from '../domain/sentences.ts';
import { alertsOf, type EitherShop, type Given, onBoth } from './both.ts';

/** 10 available, and the line at 5; then some preparation, which crosses nothing. */
async function withLine(given: Given, prepare?: (shop: EitherShop) => Promise<unknown>): Promise<EitherShop> {
  const shop = await given('TEA@east=10,TEA@west=10');
  answer(await shop.setSafetyStock('TEA@east', 5));
  await prepare?.(shop);
  expect(await alertsOf(shop)).toEqual([]);
  return shop;
}
type Step = (shop: EitherShop) => Promise<unknown>;
const correct = (to: number) => async (shop: EitherShop) => {
  const { version } = await shop.item('TEA@east');
  answer(await shop.move('correct', `TEA@east=${to}`, { expectedVersion: version }));
};
const count = (found: number) => async (shop: EitherShop) => {
  answer(await shop.startCount(`count-${shop.nowMs}`, 'TEA@east'));
  answer(await shop.completeCount(`count-${shop.nowMs}`, 'TEA@east', found));
};
const hold: Step = async (shop) => answer(await shop.reserve('held', 'TEA@east=4', 60));

/** What takes available from 10 to 4. */
const DOWN: [what: string, step: Step, prepare?: Step][] = [
  ['reserve', async (shop) => answer(await shop.reserve('order', 'TEA@east=6'))],
  ['reserve without a warehouse named', async (shop) => answer(await shop.reserve('order', 'TEA=6'))],
  [
    'a split order',
    async (shop) =>
      answer(await shop.reserve('order', 'TEA@east=5,TEA=1', undefined, { allocation: 'split' })),
  ],
  ['issue', async (shop) => answer(await shop.move('issue', 'TEA@east=6'))],
  ['correct', correct(4)],
  ['a count', count(4)],
  ['dispatch', async (shop) => answer(await shop.dispatch('T', 'TEA@east>west=6'))],
  [
    'a late payment',
    async (shop) => answer(await shop.confirm('held', undefined, { reacquire: true })),
    async (shop) => {
      await hold(shop);
      await shop.wait(60_000);
      await shop.sweepAll();
      answer(await shop.move('issue', 'TEA@east=2'));
    },
  ],
];

/** What brings available back to 5 or more from 4; each may prepare while the line is still far. */
const UP: [what: string, step: Step, prepare?: Step][] = [
  ['receive', async (shop) => answer(await shop.receive('TEA@east=1'))],
  ['release', async (shop) => answer(await shop.release('held')), hold],
  ['release of a part', async (shop) => answer(await shop.release('held', 'TEA=1')), hold],
  ['a payment of a part', async (shop) => answer(await shop.confirm('held', 'TEA=1')), hold],
  [
    'a hold that expires',
    async (shop) => {
      await shop.wait(60_000);
      await shop.sweepAll();
    },
    hold,
  ],
  ['return', async (shop) => answer(await shop.move('return', 'TEA@east=1'))],
  [
    'correct',
    async (shop) => {
      const { total } = await shop.item('TEA@east');
      await correct(total + 1)(shop);
    },
  ],
  [
    'a count',
    async (shop) => {
      const { total } = await shop.item('TEA@east');
      await count(total + 1)(shop);
    },
  ],
  [
    'goods that arrive',
    async (shop) => answer(await shop.land('T', 1)),
    async (shop) => answer(await shop.dispatch('T', 'TEA@west>east=1')),
  ],
  [
    'a transfer that turns round',
    async (shop) => answer(await shop.turnBack('T')),
    async (shop) => answer(await shop.dispatch('T', 'TEA@east>west=1')),
  ],
  ['a lower line', async (shop) => answer(await shop.setSafetyStock('TEA@east', 4))],
];

onBoth('BR-005: the alert', (given) => {
  test.each(DOWN)('BR-005: fires once by %s', async (_, step, prepare) => {
    const shop = await withLine(given, prepare);
    await step(shop);
    expect(await alertsOf(shop)).toEqual(['TEA 4 under 5']);
    expect(await shop.item('TEA@east')).toMatchObject({ available: 4, isLow: true });
    await shop.move('issue', 'TEA@east=1');
    expect(await alertsOf(shop)).toHaveLength(1);
  });

  test.each(DOWN)('BR-005: does not fire where %s stops at the line', async (_, step, prepare) => {
    const shop = await withLine(given, prepare);
    await shop.setSafetyStock('TEA@east', 4);
    await step(shop);
    expect(await alertsOf(shop)).toEqual([]);
  });

  test.each(UP)(
    'BR-005: is re-armed by %s, and fires again at the next crossing',
    async (_, step, prepare) => {
      const shop = await withLine(given, prepare);
      const { available } = await shop.item('TEA@east');
      await shop.move('issue', `TEA@east=${available - 4}`);
      expect(await alertsOf(shop)).toEqual(['TEA 4 under 5']);
      await step(shop);
      const now = await shop.item('TEA@east');
      expect(now.isLow).toBe(false);
      await shop.move('issue', `TEA@east=${now.available - now.safetyStock + 1}`);
      expect(await alertsOf(shop)).toHaveLength(2);
    },
  );

  test('BR-005: is re-armed by one of many equal cancellations of the same moment', async () => {
    const shop = await given('TEA@east=10');
    await shop.setSafetyStock('TEA@east', 5);
    const orders = ['order-1', 'order-2', 'order-3', 'order-4'];
    await Promise.all(orders.map((orderId) => shop.reserve(orderId, 'TEA@east=2')));
    expect(await alertsOf(shop)).toEqual(['TEA 4 under 5']);
    await Promise.all(orders.map((orderId) => shop.release(orderId)));
    expect(await shop.item('TEA@east')).toMatchObject({ available: 10, isLow: false });
    await shop.move('issue', 'TEA@east=7');
    expect(await alertsOf(shop)).toEqual(['TEA 4 under 5', 'TEA 3 under 5']);
  });

  test('BR-005: is not fired by what leaves available alone', async () => {
    const shop = await withLine(given);
    await shop.reserve('order', 'TEA@east=5');
    await shop.confirm('order');
    await shop.move('ship', 'TEA@east=5');
    await shop.move('write-off', 'TEA@east=5');
    await shop.startCount('count', 'TEA@east');
    await shop.cancelCount('count', 'TEA@east');
    expect(await alertsOf(shop)).toEqual([]);
    expect(await shop.figures('TEA@east')).toBe('5 = 5 available + 0 reserved + 0 sold');
  });

  test('BR-005: fires for each item of a late payment that crossed its own line, in the next versions', async () => {
    const shop = await given('TEA@east=4,RICE@east=4');
    await shop.setSafetyStock('TEA@east', 4);
    await shop.setSafetyStock('RICE@east', 3);
    await shop.reserve('held', 'TEA@east=1,RICE@east=1', 60);
    await shop.wait(60_000);
    await shop.sweepAll();
    const events = (await shop.happened()).length;
    await shop.confirm('held', undefined, { reacquire: true });
    expect(await shop.eventTypes(events)).toEqual(['InventoryReacquired', 'LowStockAlertTriggered']);
    expect((await alertsOf(shop)).at(-1)).toBe('TEA 3 under 4');
  });
});
