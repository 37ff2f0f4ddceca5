/**
 * Scheduling flash sales by examples: what a sale is told with, what refuses it, and that it touches no item.
 */
import { expect, test } from 'vitest';
import { SALE_AFTERLIFE_SECONDS, SALES_PER_SKU_MAX } from '../../src/domain/language.ts';
import { answer, MINUTE_MS, outcome, refusal, START_MS, sale as saleInput } from '../domain/sentences.ts';
import { type EitherShop, type Given, onBoth } from './both.ts';

const HOUR_MS = 60 * MINUTE_MS;

/** Ten in two warehouses, of which four are set aside for a sale that is open for an hour. */
async function withSale(given: Given): Promise<EitherShop> {
  const shop = await given('TEA@east=6,TEA@west=4,RICE@east=5');
  answer(await shop.schedule('flash', 'TEA=4'));
  return shop;
}

onBoth('scheduling a sale', (given) => {
  test('is told with its terms and its figures, and touches no item', async () => {
    const shop = await given('TEA@east=10');
    const before = await shop.item('TEA@east');
    expect(answer(await shop.schedule('flash', 'TEA=4', { opensInMs: 1_000, limitPerCustomer: 2 }))).toEqual({
      ...saleInput('flash', 'TEA=4', START_MS, { opensInMs: 1_000, limitPerCustomer: 2 }),
      left: 4,
      reserved: 0,
      sold: 0,
      released: 0,
      expired: 0,
    });
    expect(await shop.item('TEA@east')).toEqual(before);
    expect((await shop.happened()).at(-1)).toMatchObject({
      type: 'SaleScheduled',
      saleId: 'flash',
      sku: 'TEA',
      lines: [],
    });
  });

  test('of more than there is, or than other sales left, is refused with what there is', async () => {
    const shop = await withSale(given);
    expect(refusal(await shop.schedule('second', 'TEA=7'))).toEqual({
      code: 'insufficient-stock',
      shortages: [{ sku: 'TEA', requested: 7, available: 6 }],
    });
    expect(outcome(await shop.schedule('second', 'TEA=6'))).toBe('done');
    expect(outcome(await shop.schedule('third', 'TEA=1'))).toBe('insufficient-stock');
    expect(refusal(await shop.schedule('third', 'SALT=1'))).toEqual({
      code: 'unknown-item',
      items: [{ sku: 'SALT' }],
    });
  });

  test('BR-006: told twice is one sale, shown as it stands; other terms under its id are refused', async () => {
    const shop = await withSale(given);
    await shop.reserve('order-1', 'TEA=1', undefined, { saleId: 'flash' });
    const again = await shop.schedule('flash', 'TEA=4');
    expect([outcome(again), answer(again).left]).toEqual(['replayed', 3]);
    for (const [units, terms] of [
      ['TEA=3', {}],
      ['RICE=4', {}],
      ['TEA=4', { limitPerCustomer: 1 }],
      ['TEA=4', { opensInMs: 1, lastsMs: HOUR_MS - 1 }],
      ['TEA=4', { lastsMs: HOUR_MS + 1 }],
    ] as const) {
      expect(refusal(await shop.schedule('flash', units, terms)), units).toEqual({ code: 'sale-conflict' });
    }
    await shop.closeSale('flash');
    expect(outcome(await shop.schedule('flash', 'TEA=4'))).toBe('replayed');
  });

  test('that would be over already is refused', async () => {
    const shop = await given('TEA@east=10');
    const past = { opensInMs: -10, lastsMs: 10 };
    expect(refusal(await shop.schedule('flash', 'TEA=4', past))).toEqual({
      code: 'sale-closed',
      closesAtMs: START_MS,
    });
    expect(outcome(await shop.schedule('flash', 'TEA=4', { opensInMs: -10, lastsMs: 11 }))).toBe('done');
  });

  test(`a SKU has ${SALES_PER_SKU_MAX} sales at most; those long closed do not count`, async () => {
    const shop = await given('TEA@east=99,RICE@east=9');
    for (let i = 0; i < SALES_PER_SKU_MAX; i++)
      expect(outcome(await shop.schedule(`sale-${i}`, 'TEA=1'))).toBe('done');
    expect(outcome(await shop.schedule('one-more', 'TEA=1'))).toBe('too-many-sales');
    expect(outcome(await shop.schedule('another', 'RICE=1'))).toBe('done');
    await shop.closeSale('sale-0');
    expect(outcome(await shop.schedule('one-more', 'TEA=1'))).toBe('too-many-sales');
    await shop.wait(SALE_AFTERLIFE_SECONDS * 1_000);
    expect(outcome(await shop.schedule('one-more', 'TEA=1'))).toBe('done');
  });
});
