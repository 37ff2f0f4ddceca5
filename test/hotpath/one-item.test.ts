/**
 * Goal: goods move in one warehouse, and only that item of the SKU is read; whatever else the batch does with the SKU
 * sees them. Method: a movement and then everything that looks at the whole SKU, in one script call.
 */
import { expect, test } from 'vitest';
import { answer, outcome } from '../domain/sentences.ts';
import { givenShop } from './hot-shop.ts';

test('a receipt into a known or a new warehouse is seen by all later commands of the batch', async () => {
  const shop = await givenShop('TEA@east=2,TEA@west=3');
  const before = shop.hot.counts.batches;
  const [, , held, split, item] = await Promise.all([
    shop.receive('TEA@east=5'),
    shop.receive('TEA@north=10'),
    shop.reserve('order-1', 'TEA=10'), // only the new warehouse has so many
    shop.reserve('order-2', 'TEA=10', undefined, { allocation: 'split' }), // all that is left
    shop.hot.item('TEA'),
  ]);
  expect(shop.hot.counts.batches - before).toBe(1);
  expect(answer(held).lines).toEqual([{ sku: 'TEA', warehouse: 'north', quantity: 10 }]);
  expect(answer(split).lines).toHaveLength(2);
  expect(answer(item)).toMatchObject({ total: 20, available: 0, reserved: 20 });
  for (const [name, figures] of [
    ['TEA@east', '7 = 0 available + 7 reserved + 0 sold'],
    ['TEA@west', '3 = 0 available + 3 reserved + 0 sold'],
    ['TEA@north', '10 = 0 available + 10 reserved + 0 sold'],
  ] as const) {
    expect(await shop.figures(name)).toBe(figures);
  }
});

test('several movements of one item in a batch follow from each other, before and after the whole SKU was read', async () => {
  const shop = await givenShop('TEA@east=5,TEA@west=1');
  const before = shop.hot.counts.batches;
  const decisions = await Promise.all<{ outcome: string }>([
    shop.move('issue', 'TEA@east=4', { reason: 'broken' }),
    shop.move('issue', 'TEA@east=4', { reason: 'broken' }),
    shop.move('issue', 'TEA@south=1', { reason: 'broken' }),
    shop.receive('TEA@south=1'),
    shop.reserve('order-1', 'TEA@east=1'),
    shop.move('issue', 'TEA@east=1', { reason: 'broken' }),
    shop.receive('TEA@east=2'),
    shop.move('issue', 'TEA@south=1', { reason: 'broken' }),
  ]);
  expect(shop.hot.counts.batches - before).toBe(1);
  expect(decisions.map((decision) => outcome(decision as never))).toEqual([
    'done',
    'insufficient-stock',
    'unknown-item',
    'done',
    'done',
    'insufficient-stock',
    'done',
    'done',
  ]);
  expect(await shop.figures('TEA@east')).toBe('3 = 2 available + 1 reserved + 0 sold');
  expect(await shop.figures('TEA@south')).toBe('0 = 0 available + 0 reserved + 0 sold');
});
