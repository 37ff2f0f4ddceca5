/**
 * Flash sales by examples: a quantity is set aside for the orders of the sale from now until it closes, the rest stays for
 * others. Scheduling stands in schedule-sale.test.ts, what one customer may have in purchase-limit.test.ts.
 */
import { expect, test } from 'vitest';
import { answer, MINUTE_MS, outcome, refusal, START_MS } from '../domain/sentences.ts';
import { type EitherShop, eventsOf, type Given, onBoth } from './both.ts';

const HOUR_MS = 60 * MINUTE_MS;
const inSale = (saleId: string, customerId?: string) => ({ saleId, customerId });

/** Ten in two warehouses, of which four are set aside for a sale that is open for an hour. */
async function withSale(given: Given): Promise<EitherShop> {
  const shop = await given('TEA@east=6,TEA@west=4,RICE@east=5');
  answer(await shop.schedule('flash', 'TEA=4'));
  return shop;
}

onBoth('what a sale sets aside', (given) => {
  test('is kept for its orders; others share the rest, from whichever warehouse', async () => {
    const shop = await withSale(given);
    expect(refusal(await shop.reserve('order-1', 'TEA@east=4,TEA@west=3'))).toEqual({
      code: 'insufficient-stock',
      shortages: [{ sku: 'TEA', requested: 7, available: 6 }],
    });
    expect(outcome(await shop.reserve('order-2', 'TEA@east=6'))).toBe('done');
    expect(outcome(await shop.reserve('order-3', 'TEA=1'))).toBe('insufficient-stock');
    expect(outcome(await shop.reserve('order-4', 'TEA=4', undefined, inSale('flash')))).toBe('done');
    expect(await shop.figures('TEA@west')).toBe('4 = 0 available + 4 reserved + 0 sold');
  });

  test('is all that its orders get, whatever else there is', async () => {
    const shop = await withSale(given);
    expect(outcome(await shop.reserve('order-1', 'TEA=3', undefined, inSale('flash')))).toBe('done');
    expect(refusal(await shop.reserve('order-2', 'TEA=2', undefined, inSale('flash')))).toEqual({
      code: 'insufficient-stock',
      shortages: [{ sku: 'TEA', requested: 2, available: 1 }],
    });
    expect(outcome(await shop.reserve('order-3', 'TEA=2'))).toBe('done');
  });

  test('is used up by what is sold as well as by what is held', async () => {
    const shop = await withSale(given);
    answer(await shop.reserve('order-1', 'TEA=2', undefined, inSale('flash')));
    answer(await shop.confirm('order-1'));
    expect(outcome(await shop.reserve('order-2', 'TEA=2', undefined, inSale('flash')))).toBe('done');
    expect(outcome(await shop.reserve('order-3', 'TEA=1', undefined, inSale('flash')))).toBe(
      'insufficient-stock',
    );
    expect(outcome(await shop.reserve('order-4', 'TEA=4'))).toBe('done');
  });

  test('is told in a refusal, which names every short line and the most that an order could get of it', async () => {
    const shop = await withSale(given);
    await shop.schedule('rice', 'RICE=4');
    const short = async (order: string, more = {}) => {
      const refused = refusal(await shop.reserve('order-1', order, undefined, more));
      if (refused.code !== 'insufficient-stock') throw new Error(refused.code);
      return refused.shortages.map((s) => `${s.sku}@${s.warehouse ?? '*'} ${s.requested} of ${s.available}`);
    };
    expect(await short('TEA@east=6,TEA@west=1,RICE@east=2')).toEqual(['RICE@* 2 of 1', 'TEA@* 7 of 6']);
    // What is short on the shelf too is told with what sales leave of it.
    expect(await short('TEA@east=6,RICE@east=9')).toEqual(['RICE@east 9 of 1']);
    expect(await short('TEA=99,RICE=2', { allocation: 'split' })).toEqual(['TEA@* 99 of 6', 'RICE@* 2 of 1']);
    expect(await short('TEA@west=9,RICE=9', inSale('flash'))).toEqual(['TEA@west 9 of 4', 'RICE@* 9 of 1']);
  });

  // Seed 767645167 of twins.test.ts: that there was no such sale was remembered beyond the moment there was one.
  test('is there for orders of the moment in which the sale is scheduled, from then on', async () => {
    const shop = await given('TEA@east=5');
    const decisions = [
      shop.reserve('order-1', 'TEA@east=1', undefined, inSale('flash')),
      shop.schedule('flash', 'TEA=1'),
      shop.reserve('order-2', 'TEA@east=1', undefined, inSale('flash')),
      shop.reserve('order-3', 'TEA@east=1', undefined, inSale('flash')),
    ];
    const outcomes = (await Promise.all(decisions)).map((decision) => outcome(decision));
    expect(outcomes).toEqual(['unknown-sale', 'done', 'done', 'insufficient-stock']);
  });

  test('is kept before the sale opens too', async () => {
    const shop = await given('TEA@east=5');
    await shop.schedule('flash', 'TEA=4', { opensInMs: 1_000 });
    expect(outcome(await shop.reserve('order-1', 'TEA=2'))).toBe('insufficient-stock');
    expect(outcome(await shop.reserve('order-1', 'TEA=1'))).toBe('done');
  });

  test('is no matter for other SKUs of the order, each of which is held to its own', async () => {
    const shop = await withSale(given);
    expect(outcome(await shop.reserve('order-1', 'TEA=2,RICE=5', undefined, inSale('flash')))).toBe('done');
    expect(outcome(await shop.reserve('order-2', 'TEA=1,RICE=1', undefined, inSale('flash')))).toBe(
      'insufficient-stock',
    );
    expect((await shop.sale('flash')).reserved).toBe(2);
  });

  test('is there for everybody again when the sale closes at its time', async () => {
    const shop = await withSale(given);
    await shop.reserve('order-1', 'TEA=6');
    await shop.wait(HOUR_MS - 1);
    expect(outcome(await shop.reserve('order-2', 'TEA@west=1'))).toBe('done'); // order-1 has expired
    expect(outcome(await shop.reserve('order-3', 'TEA=6', undefined, { allocation: 'split' }))).toBe(
      'insufficient-stock',
    );
    await shop.wait(1);
    expect(outcome(await shop.reserve('order-3', 'TEA=6', undefined, { allocation: 'split' }))).toBe('done');
    expect((await shop.sale('flash')).left).toBe(0);
  });

  test('is there for everybody again when somebody closes the sale early; what its orders hold stays held', async () => {
    const shop = await withSale(given);
    await shop.reserve('order-1', 'TEA@west=1', undefined, inSale('flash'));
    const closed = answer(await shop.closeSale('flash'));
    expect(closed).toMatchObject({ closesAtMs: START_MS, left: 0, reserved: 1 });
    expect((await shop.happened()).at(-1)).toMatchObject({
      type: 'SaleClosed',
      saleId: 'flash',
      sku: 'TEA',
      lines: [],
    });
    expect(outcome(await shop.closeSale('flash'))).toBe('replayed');
    expect(await eventsOf(shop, 'SaleClosed')).toHaveLength(1);
    expect(outcome(await shop.reserve('order-2', 'TEA@east=6,TEA@west=3'))).toBe('done');
    expect(outcome(await shop.confirm('order-1'))).toBe('done');
  });

  test('of several sales of a SKU is kept for each', async () => {
    const shop = await withSale(given);
    await shop.schedule('second', 'TEA=5');
    expect(refusal(await shop.reserve('order-1', 'TEA@east=2'))).toMatchObject({
      shortages: [{ available: 1 }],
    });
    expect(outcome(await shop.reserve('order-2', 'TEA=4', undefined, inSale('flash')))).toBe('done');
    expect(refusal(await shop.reserve('order-3', 'TEA=1', undefined, inSale('flash')))).toMatchObject({
      shortages: [{ available: 0 }],
    });
    const third = { ...inSale('second'), allocation: 'split' } as const;
    expect(outcome(await shop.reserve('order-3', 'TEA=5', undefined, third))).toBe('done');
    expect([(await shop.sale('flash')).reserved, (await shop.sale('second')).reserved]).toEqual([4, 5]);
  });
});

onBoth('an order that takes part in a sale', (given) => {
  test('names one that there is, of a SKU it asks for', async () => {
    const shop = await withSale(given);
    expect(refusal(await shop.reserve('order-1', 'TEA=1', undefined, inSale('flush')))).toEqual({
      code: 'unknown-sale',
    });
    expect(refusal(await shop.reserve('order-1', 'RICE=1', undefined, inSale('flash')))).toEqual({
      code: 'unknown-sale',
    });
    expect(refusal(await shop.closeSale('flush'))).toEqual({ code: 'unknown-sale' });
  });

  test('comes from the opening on, and before the close', async () => {
    const shop = await given('TEA@east=10');
    const { opensAtMs, closesAtMs } = answer(
      await shop.schedule('flash', 'TEA=4', { opensInMs: 1_000, lastsMs: 5_000 }),
    );
    await shop.wait(999);
    expect(refusal(await shop.reserve('order-1', 'TEA=1', undefined, inSale('flash')))).toEqual({
      code: 'sale-not-open',
      opensAtMs,
    });
    await shop.wait(1);
    expect(outcome(await shop.reserve('order-1', 'TEA=1', undefined, inSale('flash')))).toBe('done');
    await shop.wait(4_999);
    expect(outcome(await shop.reserve('order-2', 'TEA=1', undefined, inSale('flash')))).toBe('done');
    await shop.wait(1);
    expect(refusal(await shop.reserve('order-3', 'TEA=1', undefined, inSale('flash')))).toEqual({
      code: 'sale-closed',
      closesAtMs,
    });
  });

  test('is checked in this order: repeat, window, customer, limit, unknown item, stocktake, stock', async () => {
    const shop = await given('TEA@east=10');
    const { opensAtMs } = answer(
      await shop.schedule('flash', 'TEA=9', { opensInMs: 1_000, lastsMs: 5_000, limitPerCustomer: 5 }),
    );
    await shop.startCount('count', 'TEA@east', 600);
    const ask = async (order: string, customerId?: string) =>
      outcome(await shop.reserve('order-1', order, undefined, inSale('flash', customerId)));
    expect(await ask('TEA@east=99,SALT=1')).toBe('sale-not-open');
    await shop.wait(opensAtMs - shop.nowMs);
    expect(await ask('TEA@east=99,SALT=1')).toBe('customer-required');
    expect(await ask('TEA@east=99,SALT=1', 'ann')).toBe('purchase-limit-exceeded');
    expect(await ask('TEA@east=5,SALT=1', 'ann')).toBe('unknown-item');
    expect(await ask('TEA@east=5', 'ann')).toBe('stocktake-in-progress');
    await shop.completeCount('count', 'TEA@east', 4);
    expect(await ask('TEA@east=5', 'ann')).toBe('insufficient-stock');
    expect(await ask('TEA@east=4', 'ann')).toBe('done');
    await shop.closeSale('flash');
    await shop.wait(3_000);
    expect(await ask('TEA@east=4', 'ann')).toBe('replayed');
    expect(await ask('TEA@east=3', 'ann')).toBe('order-conflict');
  });

  test('BR-006: is another order with another sale or another customer, or with none', async () => {
    const shop = await withSale(given);
    await shop.schedule('second', 'TEA=1');
    await shop.reserve('order-1', 'TEA=1', undefined, inSale('flash', 'ann'));
    for (const other of [
      inSale('second', 'ann'),
      inSale('flash', 'bob'),
      inSale('flash'),
      { customerId: 'ann' },
      {},
    ]) {
      expect(outcome(await shop.reserve('order-1', 'TEA=1', undefined, other))).toBe('order-conflict');
    }
    const again = await shop.reserve('order-1', 'TEA=1', undefined, inSale('flash', 'ann'));
    expect(answer(again)).toMatchObject({ customerId: 'ann', saleId: 'flash' });
    expect((await shop.happened()).at(-1)).toMatchObject({
      type: 'InventoryReserved',
      customerId: 'ann',
      saleId: 'flash',
    });
  });

  test('counts in the sale through all of its life', async () => {
    const shop = await withSale(given);
    const counts = async () => {
      const { left, reserved, sold, released, expired } = await shop.sale('flash');
      return `${left} left, ${reserved} reserved, ${sold} sold, ${released} released, ${expired} expired`;
    };
    await shop.reserve('order-1', 'TEA=3', 60, inSale('flash'));
    expect(await counts()).toBe('1 left, 3 reserved, 0 sold, 0 released, 0 expired');
    await shop.release('order-1', 'TEA=1');
    expect(await counts()).toBe('2 left, 2 reserved, 0 sold, 1 released, 0 expired');
    await shop.confirm('order-1', 'TEA=1');
    expect(await counts()).toBe('3 left, 0 reserved, 1 sold, 2 released, 0 expired');
    await shop.reserve('order-2', 'TEA=2,RICE=1', 60, inSale('flash'));
    await shop.wait(60_000);
    expect(await counts()).toBe('3 left, 0 reserved, 1 sold, 2 released, 2 expired');
    await shop.reserve('order-3', 'TEA@west=1,TEA@east=1', 60, inSale('flash'));
    await shop.release('order-3');
    expect(await counts()).toBe('3 left, 0 reserved, 1 sold, 4 released, 2 expired');
  });

  test('counts as released where a count of its item found no goods for it', async () => {
    const shop = await withSale(given);
    await shop.reserve('order-1', 'TEA@east=3', undefined, inSale('flash'));
    await shop.startCount('count', 'TEA@east');
    await shop.completeCount('count', 'TEA@east', 2, ['order-1']);
    expect(await shop.sale('flash')).toMatchObject({ reserved: 0, released: 3 });
  });
});
