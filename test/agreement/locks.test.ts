/**
 * BR-007 by examples: what waits while an item is counted, and what does not. How holds outlive a lock stands in
 * outliving.test.ts.
 */
import { expect, test } from 'vitest';
import { type Decision, MOVEMENT_KINDS } from '../../src/domain/language.ts';
import { answer, outcome, refusal, START_MS } from '../domain/sentences.ts';
import { type EitherShop, eventsOf, type Given, onBoth } from './both.ts';

/** Something of every kind has been done with TEA@east, and it is locked for five minutes. */
async function withEverything(given: Given): Promise<EitherShop> {
  const shop = await given('TEA@east=20,TEA@west=20,RICE@east=5');
  await shop.reserve('late', 'TEA@east=1', 1);
  await shop.wait(1_000);
  await shop.sweepAll();
  await shop.reserve('sold', 'TEA@east=3');
  await shop.confirm('sold');
  await shop.reserve('held', 'TEA@east=2,RICE@east=1');
  await shop.move('issue', 'TEA@east=1', { movementId: 'issued' });
  await shop.dispatch('to-east', 'TEA@west>east=4');
  await shop.dispatch('from-east', 'TEA@east>west=4');
  answer(await shop.startCount('count-1', 'TEA@east', 300));
  return shop;
}
const locked = {
  code: 'stocktake-in-progress',
  items: [{ sku: 'TEA', warehouse: 'east', stocktakeId: 'count-1', untilMs: START_MS + 1_000 + 300_000 }],
};

const FORBIDDEN: [
  what: string,
  step: (shop: EitherShop) => Decision<unknown> | Promise<Decision<unknown>>,
][] = [
  ['reserve', (shop) => shop.reserve('order-1', 'TEA@east=1')],
  ['reserve beside another item', (shop) => shop.reserve('order-1', 'TEA@east=1,RICE@east=1')],
  ['confirm', (shop) => shop.confirm('held')],
  ['confirm of the other item alone', (shop) => shop.confirm('held', 'RICE=1')],
  ['a late payment', (shop) => shop.confirm('late', undefined, { reacquire: true })],
  // A correction names a version as well, and has a test of its own.
  ...MOVEMENT_KINDS.filter((kind) => kind !== 'correct').map((kind): (typeof FORBIDDEN)[number] => [
    kind,
    (shop) => shop.move(kind, 'TEA@east=1', { movementId: 'M-1' }),
  ]),
  ['dispatch', (shop) => shop.dispatch('T-1', 'TEA@east>west=1')],
  ['arrival of a transfer', (shop) => shop.land('to-east', 4)],
  ['turning a transfer round', (shop) => shop.turnBack('from-east')],
  ['another count', (shop) => shop.startCount('count-2', 'TEA@east')],
];

onBoth('BR-007: while an item is counted', (given) => {
  test.each(FORBIDDEN)(
    'BR-007: %s waits, is told for whom and until when, and is done after the count',
    async (_, step) => {
      const shop = await withEverything(given);
      const [events, figures] = [(await shop.happened()).length, await shop.figures('TEA@east')];
      expect(refusal(await step(shop))).toEqual(locked);
      expect([(await shop.happened()).length, await shop.figures('TEA@east')]).toEqual([events, figures]);
      await shop.completeCount('count-1', 'TEA@east', 12);
      expect(outcome(await step(shop))).toBe('done');
    },
  );

  test('BR-007: a correction waits too, whatever version it names', async () => {
    const shop = await withEverything(given);
    const { version } = await shop.item('TEA@east');
    const correct = (expectedVersion: number) =>
      shop.move('correct', 'TEA@east=9', { expectedVersion, movementId: 'M-1' });
    expect(refusal(await correct(version))).toEqual(locked);
    expect(refusal(await correct(1))).toEqual(locked);
    await shop.cancelCount('count-1', 'TEA@east');
    expect(outcome(await correct(version))).toBe('version-conflict');
    expect(outcome(await correct(version + 1))).toBe('done');
  });

  test('BR-007: a cancellation does not wait, whole or in part, nor does an extension', async () => {
    const shop = await withEverything(given);
    expect(outcome(await shop.extend('held', 3_600))).toBe('done');
    expect(outcome(await shop.release('held', 'TEA=1'))).toBe('done');
    expect(outcome(await shop.release('held'))).toBe('done');
    expect((await shop.item('TEA@east')).reserved).toBe(0);
    expect((await shop.item('TEA@east')).stocktake).toBeDefined();
  });

  test('BR-007: the line of its alert can be moved', async () => {
    const shop = await withEverything(given);
    expect(outcome(await shop.setSafetyStock('TEA@east', 99))).toBe('done');
    expect(await eventsOf(shop, 'LowStockAlertTriggered')).toHaveLength(1);
  });

  test('BR-006, BR-007: what was done before is still known as a repeat', async () => {
    const shop = await withEverything(given);
    expect(outcome(await shop.reserve('held', 'TEA@east=2,RICE@east=1'))).toBe('replayed');
    expect(outcome(await shop.confirm('sold'))).toBe('replayed');
    expect(outcome(await shop.move('issue', 'TEA@east=1', { movementId: 'issued' }))).toBe('replayed');
    expect(outcome(await shop.dispatch('from-east', 'TEA@east>west=4'))).toBe('replayed');
  });

  test('BR-007: other items and other warehouses go on, and an end of a transfer that is not locked lands', async () => {
    const shop = await withEverything(given);
    expect(outcome(await shop.reserve('order-1', 'TEA@west=1,RICE@east=1'))).toBe('done');
    expect(outcome(await shop.land('from-east', 4))).toBe('done');
    expect(outcome(await shop.turnBack('to-east'))).toBe('done');
  });

  test('BR-007: a refusal names every locked line, and no short one', async () => {
    const shop = await withEverything(given);
    await shop.startCount('count-2', 'RICE@east', 60);
    const refused = refusal(await shop.reserve('order-1', 'TEA@east=1,RICE@east=1,TEA@west=99'));
    expect(refused).toMatchObject({
      code: 'stocktake-in-progress',
      items: [
        { sku: 'RICE', stocktakeId: 'count-2' },
        { sku: 'TEA', stocktakeId: 'count-1' },
      ],
    });
    expect(refusal(await shop.confirm('held'))).toMatchObject({
      items: [
        { sku: 'RICE', warehouse: 'east', stocktakeId: 'count-2', untilMs: shop.nowMs + 60_000 },
        { sku: 'TEA', warehouse: 'east', stocktakeId: 'count-1' },
      ],
    });
  });

  test('an unknown item is told before a locked one', async () => {
    const shop = await withEverything(given);
    expect(outcome(await shop.reserve('order-1', 'TEA@east=1,SALT@east=1'))).toBe('unknown-item');
  });
});
