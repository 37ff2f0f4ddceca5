/**
 * How much of a sale one customer may have, by examples: over all orders, with what is held counted, and given back with
 * what returns.
 */
import { expect, test } from 'vitest';
import { answer, outcome, refusal } from '../domain/sentences.ts';
import { type EitherShop, type Given, onBoth } from './both.ts';

/** Twenty are there and ten set aside, of which a customer may have three. */
async function withLimit(given: Given): Promise<EitherShop> {
  const shop = await given('TEA@east=10,TEA@west=10,RICE@east=10');
  answer(await shop.schedule('flash', 'TEA=10', { limitPerCustomer: 3 }));
  return shop;
}
const ann = { saleId: 'flash', customerId: 'ann' };
const bob = { saleId: 'flash', customerId: 'bob' };
/** Whether ann could have so many more, found out by asking and giving back. */
async function annMayHave(shop: EitherShop): Promise<number> {
  const told = refusal(await shop.reserve('too-many', 'TEA=99', undefined, ann));
  if (told.code !== 'purchase-limit-exceeded') throw new Error(told.code);
  return told.limit - told.held - told.bought;
}

onBoth('a purchase limit', (given) => {
  test('holds over all orders of a customer, those not paid included, and the refusal tells both', async () => {
    const shop = await withLimit(given);
    await shop.reserve('paid', 'TEA=1', undefined, ann);
    await shop.confirm('paid');
    await shop.reserve('held', 'TEA=1', undefined, ann);
    expect(refusal(await shop.reserve('order-3', 'TEA=2', undefined, ann))).toEqual({
      code: 'purchase-limit-exceeded',
      limit: 3,
      held: 1,
      bought: 1,
    });
    expect(outcome(await shop.reserve('order-3', 'TEA=1', undefined, ann))).toBe('done');
    expect(outcome(await shop.reserve('order-4', 'TEA=1', undefined, ann))).toBe('purchase-limit-exceeded');
  });

  test('is asked for at once, within one order too', async () => {
    const shop = await withLimit(given);
    expect(refusal(await shop.reserve('order-1', 'TEA=4', undefined, ann))).toMatchObject({
      held: 0,
      bought: 0,
    });
    expect(outcome(await shop.reserve('order-1', 'TEA=3', undefined, ann))).toBe('done');
  });

  test('counts the lines of its SKU together, and no others', async () => {
    const shop = await withLimit(given);
    expect(outcome(await shop.reserve('order-1', 'TEA@east=2,TEA@west=2', undefined, ann))).toBe(
      'purchase-limit-exceeded',
    );
    expect(outcome(await shop.reserve('order-1', 'TEA@east=1,TEA@west=1,TEA=1,RICE=9', undefined, ann))).toBe(
      'done',
    );
    expect(await annMayHave(shop)).toBe(0);
  });

  test('is of each customer by himself', async () => {
    const shop = await withLimit(given);
    await shop.reserve('order-1', 'TEA=3', undefined, ann);
    expect(outcome(await shop.reserve('order-2', 'TEA=3', undefined, bob))).toBe('done');
    expect(outcome(await shop.reserve('order-3', 'TEA=3', undefined, { ...ann, customerId: 'Ann' }))).toBe(
      'done',
    );
  });

  test('is of each sale by itself, and of no order outside of it', async () => {
    const shop = await withLimit(given);
    await shop.schedule('second', 'TEA=5', { limitPerCustomer: 2 });
    await shop.reserve('order-1', 'TEA=3', undefined, ann);
    expect(outcome(await shop.reserve('order-2', 'TEA=2', undefined, { ...ann, saleId: 'second' }))).toBe(
      'done',
    );
    expect(outcome(await shop.reserve('order-3', 'TEA=5', undefined, { customerId: 'ann' }))).toBe('done');
    expect(refusal(await shop.reserve('order-4', 'TEA=1', undefined, ann))).toMatchObject({
      held: 3,
      bought: 0,
    });
  });

  test('asks for the customer, where there is one', async () => {
    const shop = await withLimit(given);
    expect(refusal(await shop.reserve('order-1', 'TEA=1', undefined, { saleId: 'flash' }))).toEqual({
      code: 'customer-required',
    });
    await shop.schedule('open', 'TEA=5');
    expect(outcome(await shop.reserve('order-1', 'TEA=5', undefined, { saleId: 'open' }))).toBe('done');
  });

  const RETURNS: [what: string, left: number, step: (shop: EitherShop) => Promise<unknown>][] = [
    ['a cancellation', 3, async (shop) => shop.release('order-1')],
    ['a cancellation of a part', 2, async (shop) => shop.release('order-1', 'TEA=2')],
    ['a payment of a part', 2, async (shop) => shop.confirm('order-1', 'TEA=1')],
    ['a hold that expires', 3, async (shop) => shop.wait(60_000)],
    [
      'a count that finds no goods for the hold',
      3,
      async (shop) => {
        await shop.startCount('count', 'TEA@east');
        answer(await shop.completeCount('count', 'TEA@east', 0, ['order-1']));
      },
    ],
  ];
  test.each(RETURNS)('gives back by %s', async (_, left, step) => {
    const shop = await withLimit(given);
    answer(await shop.reserve('order-1', 'TEA@east=3', 60, ann));
    expect(await annMayHave(shop)).toBe(0);
    await step(shop);
    expect(await annMayHave(shop)).toBe(left);
  });

  test('gives nothing back for what is bought, shipped or sent back', async () => {
    const shop = await withLimit(given);
    await shop.reserve('order-1', 'TEA@east=3', undefined, ann);
    await shop.confirm('order-1');
    await shop.move('ship', 'TEA@east=3', { orderId: 'order-1' });
    await shop.move('return', 'TEA@east=3', { orderId: 'order-1' });
    expect(refusal(await shop.reserve('order-2', 'TEA=1', undefined, ann))).toMatchObject({
      held: 0,
      bought: 3,
    });
  });

  test('BR-006: a repeat counts once, and is a repeat also at the limit', async () => {
    const shop = await withLimit(given);
    await shop.reserve('order-1', 'TEA=3', undefined, ann);
    expect(outcome(await shop.reserve('order-1', 'TEA=3', undefined, ann))).toBe('replayed');
    await shop.release('order-1', 'TEA=1');
    await shop.release('order-1', 'TEA=1');
    expect(await annMayHave(shop)).toBe(1);
  });

  test('is not gone beyond by orders of the same moment', async () => {
    const shop = await withLimit(given);
    const orders = Array.from({ length: 10 }, (_, i) =>
      shop.reserve(`order-${i}`, 'TEA=1', undefined, i % 2 ? ann : bob),
    );
    const done = (await Promise.all(orders)).filter((decision) => outcome(decision) === 'done');
    expect(done).toHaveLength(6);
    expect((await shop.sale('flash')).reserved).toBe(6);
  });

  test('is not checked again for a late payment, which is bought all the same', async () => {
    const shop = await withLimit(given);
    await shop.reserve('late', 'TEA=3', 60, ann);
    await shop.wait(60_000);
    await shop.reserve('order-2', 'TEA=3', undefined, ann);
    expect(outcome(await shop.confirm('late', undefined, { reacquire: true }))).toBe('done');
    expect(refusal(await shop.reserve('order-3', 'TEA=1', undefined, ann))).toMatchObject({
      limit: 3,
      held: 3,
      bought: 3,
    });
  });
});
