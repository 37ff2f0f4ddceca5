/**
 * A payment that came after the deadline, by examples: BR-003 lets nothing be revived behind a buyer's back, so the caller
 * says whether the stock is to be taken again; where there is none, people are told once.
 */
import { expect, test } from 'vitest';
import { answer, outcome, refusal, spelled } from '../domain/sentences.ts';
import { type EitherShop, eventsOf, type Given, onBoth } from './both.ts';

const again = { reacquire: true };
async function withExpired(given: Given, stock: string, order: string, more = {}): Promise<EitherShop> {
  const shop = await given(stock);
  answer(await shop.reserve('order-1', order, 60, more));
  await shop.wait(60_000);
  await shop.sweepAll();
  return shop;
}

onBoth('a payment that came too late', (given) => {
  test('BR-003: hears that the hold has expired, where nobody asked to take the stock again', async () => {
    const shop = await withExpired(given, 'TEA@east=5', 'TEA@east=2');
    expect(outcome(await shop.confirm('order-1'))).toBe('reservation-expired');
    expect(outcome(await shop.confirm('order-1', undefined, { reacquire: false }))).toBe(
      'reservation-expired',
    );
    expect(await shop.figures('TEA@east')).toBe('5 = 5 available + 0 reserved + 0 sold');
  });

  test('takes the stock again and is sold in the same step', async () => {
    const shop = await withExpired(given, 'TEA@east=5,RICE@east=5', 'TEA@east=2,RICE@east=1');
    const sold = answer(await shop.confirm('order-1', undefined, again));
    expect(sold).toMatchObject({ status: 'CONFIRMED', resolvedAtMs: shop.nowMs });
    expect(spelled(sold.lines)).toBe('RICE@east=1,TEA@east=2');
    expect(await shop.figures('TEA@east')).toBe('5 = 3 available + 0 reserved + 2 sold');
    expect((await shop.happened()).at(-1)).toMatchObject({
      type: 'InventoryReacquired',
      orderId: 'order-1',
      operation: 'c*',
    });
  });

  test('BR-003: finds the hold over by itself, also where nobody has swept it', async () => {
    const shop = await given('TEA@east=5');
    await shop.reserve('order-1', 'TEA@east=2', 60);
    await shop.wait(60_000);
    expect(outcome(await shop.confirm('order-1', undefined, again))).toBe('done');
    expect((await shop.eventTypes()).slice(-2)).toEqual(['InventoryReleased', 'InventoryReacquired']);
  });

  test('BR-006: told twice is sold once; another payment for it is told that it is sold', async () => {
    const shop = await withExpired(given, 'TEA@east=5', 'TEA@east=2');
    await shop.confirm('order-1', undefined, again);
    expect(outcome(await shop.confirm('order-1', undefined, again))).toBe('replayed');
    expect(outcome(await shop.confirm('order-1'))).toBe('replayed');
    expect(outcome(await shop.confirm('order-1', 'TEA=1', again))).toBe('already-confirmed');
    expect((await shop.item('TEA@east')).sold).toBe(2);
  });

  test('may be for a part, and for no more than was held', async () => {
    const shop = await withExpired(given, 'TEA@east=5,RICE@east=5', 'TEA@east=2,RICE@east=1');
    expect(refusal(await shop.confirm('order-1', 'TEA=3', again))).toEqual({
      code: 'exceeds-reservation',
      excess: [{ sku: 'TEA', requested: 3, held: 2 }],
    });
    expect(spelled(answer(await shop.confirm('order-1', 'TEA=1', again)).lines)).toBe('TEA@east=1');
    expect(await shop.figures('RICE@east')).toBe('5 = 5 available + 0 reserved + 0 sold');
  });

  test('changes nothing for a payment in time, and revives no order that was cancelled', async () => {
    const shop = await given('TEA@east=5');
    await shop.reserve('in-time', 'TEA@east=2');
    expect(outcome(await shop.confirm('in-time', undefined, again))).toBe('done');
    expect((await shop.happened()).at(-1)?.type).toBe('InventoryDeducted');
    await shop.reserve('cancelled', 'TEA@east=2');
    await shop.release('cancelled');
    expect(outcome(await shop.confirm('cancelled', undefined, again))).toBe('already-released');
    expect(outcome(await shop.confirm('nobody', undefined, again))).toBe('unknown-reservation');
  });
});

onBoth('where a late payment takes the stock', (given) => {
  test('is the warehouse that held it, whichever is nearer or first by name', async () => {
    const shop = await given('TEA@west=5');
    await shop.reserve('order-1', 'TEA=2', 60);
    await shop.receive('TEA@east=9');
    await shop.wait(60_000);
    expect(spelled(answer(await shop.confirm('order-1', undefined, again)).lines)).toBe('TEA@west=2');
  });

  test('is another one where the order named none and the first has too little now', async () => {
    const shop = await withExpired(given, 'TEA@east=3,TEA@west=5', 'TEA=2');
    await shop.reserve('another', 'TEA@east=2');
    expect(spelled(answer(await shop.confirm('order-1', undefined, again)).lines)).toBe('TEA@west=2');
    expect(await shop.figures('TEA@east')).toBe('3 = 1 available + 2 reserved + 0 sold');
  });

  test('is no other one where the order named it', async () => {
    const shop = await withExpired(
      given,
      'TEA@east=3,TEA@west=5,RICE@east=9,RICE@west=9',
      'TEA@east=2,RICE=1',
    );
    await shop.reserve('another', 'TEA@east=2');
    expect(refusal(await shop.confirm('order-1', undefined, again))).toEqual({
      code: 'paid-but-short',
      shortages: [{ sku: 'TEA', warehouse: 'east', requested: 2, available: 1 }],
    });
  });

  test('is several where the order might be split, and only then', async () => {
    const split = await withExpired(given, 'TEA@east=3,TEA@west=3', 'TEA=4', { allocation: 'split' });
    await split.reserve('another', 'TEA@east=1');
    expect(spelled(answer(await split.confirm('order-1', undefined, again)).lines)).toBe(
      'TEA@east=2,TEA@west=2',
    );
    const single = await withExpired(given, 'TEA@east=3,TEA@west=2', 'TEA=3');
    await single.reserve('another', 'TEA@east=1');
    expect(refusal(await single.confirm('order-1', undefined, again))).toEqual({
      code: 'paid-but-short',
      shortages: [{ sku: 'TEA', requested: 3, available: 2 }],
    });
  });

  test('is all or nothing: one short line takes none of the others', async () => {
    const shop = await withExpired(given, 'TEA@east=3,RICE@east=1', 'TEA@east=2,RICE@east=1');
    await shop.reserve('another', 'RICE@east=1');
    expect(refusal(await shop.confirm('order-1', undefined, again))).toEqual({
      code: 'paid-but-short',
      shortages: [{ sku: 'RICE', warehouse: 'east', requested: 1, available: 0 }],
    });
    expect(await shop.figures('TEA@east')).toBe('3 = 3 available + 0 reserved + 0 sold');
    expect(outcome(await shop.confirm('order-1', 'TEA=2', again))).toBe('done');
  });
});

onBoth('a late payment that finds no stock', (given) => {
  const withShort = async (): Promise<EitherShop> => {
    const shop = await withExpired(given, 'TEA@east=2', 'TEA@east=2');
    await shop.reserve('another', 'TEA@east=1');
    return shop;
  };

  test('is told with the figures and filed for people, once, however often it is told', async () => {
    const shop = await withShort();
    const events = (await shop.happened()).length;
    for (let i = 0; i < 3; i++) {
      expect(refusal(await shop.confirm('order-1', undefined, again))).toEqual({
        code: 'paid-but-short',
        shortages: [{ sku: 'TEA', warehouse: 'east', requested: 2, available: 1 }],
      });
    }
    expect((await shop.happened()).slice(events)).toMatchObject([
      {
        type: 'PaymentCameShort',
        orderId: 'order-1',
        lines: [{ sku: 'TEA', warehouse: 'east', quantity: 2 }],
      },
    ]);
    expect((await shop.reservation('order-1')).status).toBe('EXPIRED');
    expect(await shop.figures('TEA@east')).toBe('2 = 1 available + 1 reserved + 0 sold');
  });

  test('can succeed later, under the same order', async () => {
    const shop = await withShort();
    await shop.confirm('order-1', undefined, again);
    await shop.receive('TEA@east=1');
    expect(answer(await shop.confirm('order-1', undefined, again)).status).toBe('CONFIRMED');
    expect((await shop.happened()).at(-1)?.type).toBe('InventoryReacquired');
    expect(await shop.figures('TEA@east')).toBe('3 = 0 available + 1 reserved + 2 sold');
    expect(outcome(await shop.confirm('order-1', undefined, again))).toBe('replayed');
  });

  test('is still told that it expired where nobody asks to take the stock again', async () => {
    const shop = await withShort();
    await shop.confirm('order-1', undefined, again);
    expect(outcome(await shop.confirm('order-1'))).toBe('reservation-expired');
    expect(outcome(await shop.reserve('order-1', 'TEA@east=2', 60))).toBe('replayed');
  });

  test('is not filed where a count is in the way: that passes', async () => {
    const shop = await withExpired(given, 'TEA@east=2', 'TEA@east=2');
    await shop.startCount('count', 'TEA@east', 60);
    expect(outcome(await shop.confirm('order-1', undefined, again))).toBe('stocktake-in-progress');
    expect(await eventsOf(shop, 'PaymentCameShort')).toEqual([]);
    await shop.wait(60_000);
    expect(outcome(await shop.confirm('order-1', undefined, again))).toBe('done');
  });
});

onBoth('a late payment of a sale', (given) => {
  /** Order-1 held two of the four that the sale set aside, and expired. */
  const withSaleOrder = async (): Promise<EitherShop> => {
    const shop = await given('TEA@east=6');
    await shop.schedule('flash', 'TEA=4');
    answer(await shop.reserve('order-1', 'TEA@east=2', 60, { saleId: 'flash' }));
    await shop.wait(60_000);
    await shop.sweepAll();
    return shop;
  };

  test('takes what the sale has left', async () => {
    const shop = await withSaleOrder();
    await shop.reserve('others', 'TEA@east=2');
    expect(outcome(await shop.confirm('order-1', undefined, again))).toBe('done');
    expect(await shop.sale('flash')).toMatchObject({ left: 2, sold: 2, expired: 0 });
  });

  test('takes what is there for everybody where the sale has sold out since, and counts as sold in it', async () => {
    const shop = await withSaleOrder();
    await shop.reserve('order-2', 'TEA@east=4', undefined, { saleId: 'flash' });
    expect(outcome(await shop.confirm('order-1', undefined, again))).toBe('done');
    expect(await shop.sale('flash')).toMatchObject({ left: 0, reserved: 4, sold: 2, expired: 0 });
    expect(await shop.figures('TEA@east')).toBe('6 = 0 available + 4 reserved + 2 sold');
  });

  test('takes what is there for everybody where the sale is closed', async () => {
    const shop = await withSaleOrder();
    await shop.closeSale('flash');
    await shop.reserve('others', 'TEA@east=5');
    expect(refusal(await shop.confirm('order-1', undefined, again))).toMatchObject({
      code: 'paid-but-short',
      shortages: [{ requested: 2, available: 1 }],
    });
    await shop.release('others');
    expect(outcome(await shop.confirm('order-1', undefined, again))).toBe('done');
  });

  test('takes nothing that other sales set aside, nor does one of no sale', async () => {
    const shop = await withSaleOrder();
    await shop.reserve('no-sale', 'TEA@east=2', 60);
    await shop.wait(60_000);
    await shop.closeSale('flash');
    await shop.schedule('second', 'TEA=5');
    for (const orderId of ['order-1', 'no-sale']) {
      expect(refusal(await shop.confirm(orderId, undefined, again))).toEqual({
        code: 'paid-but-short',
        shortages: [{ sku: 'TEA', requested: 2, available: 1 }],
      });
    }
  });
});
