/**
 * Transfers by examples (調撥): goods on their way are in neither warehouse, arrive whole or in parts, sound or not, or turn
 * round; nothing is in two places or in none.
 */
import { expect, test } from 'vitest';
import { QUANTITY_MAX, TRANSFER_RECEIPTS_MAX } from '../../src/domain/language.ts';
import { answer, outcome, refusal } from '../domain/sentences.ts';
import { type EitherShop, eventsOf, type Given, onBoth } from './both.ts';

/** Five of ten are on their way from east to west, which carries none yet. */
async function withTransfer(given: Given): Promise<EitherShop> {
  const shop = await given('TEA@east=10');
  answer(await shop.dispatch('T-1', 'TEA@east>west=5'));
  return shop;
}
const view = {
  transferId: 'T-1',
  status: 'IN_TRANSIT',
  sku: 'TEA',
  from: 'east',
  to: 'west',
  quantity: 5,
  received: 0,
  rejected: 0,
  returned: 0,
};

onBoth('dispatching', (given) => {
  test('takes goods from the source; they are on the way and nowhere else', async () => {
    const shop = await withTransfer(given);
    expect(await shop.figures('TEA@east')).toBe('5 = 5 available + 0 reserved + 0 sold');
    expect(await shop.transfer('T-1')).toEqual(view);
    expect((await shop.happened()).at(-1)).toMatchObject({
      type: 'TransferDispatched',
      transferId: 'T-1',
      to: 'west',
      lines: [{ sku: 'TEA', warehouse: 'east', quantity: 5, version: 2 }],
    });
    expect(outcome(await shop.reserve('order-1', 'TEA@west=1'))).toBe('unknown-item');
  });

  test('BR-001: takes nothing that is promised', async () => {
    const shop = await given('TEA@east=10');
    await shop.reserve('held', 'TEA@east=4');
    expect(refusal(await shop.dispatch('T-1', 'TEA@east>west=7'))).toEqual({
      code: 'insufficient-stock',
      shortages: [{ sku: 'TEA', warehouse: 'east', requested: 7, available: 6 }],
    });
    expect(outcome(await shop.dispatch('T-1', 'TEA@east>west=6'))).toBe('done');
  });

  test('needs an item to take from', async () => {
    const shop = await given('TEA@east=10');
    expect(refusal(await shop.dispatch('T-1', 'TEA@west>east=1'))).toEqual({
      code: 'unknown-item',
      items: [{ sku: 'TEA', warehouse: 'west' }],
    });
  });

  test('BR-006: told twice sends once, and shows the transfer as it stands', async () => {
    const shop = await withTransfer(given);
    await shop.land('T-1', 2);
    const again = await shop.dispatch('T-1', 'TEA@east>west=5');
    expect([outcome(again), answer(again).received]).toEqual(['replayed', 2]);
    expect((await shop.item('TEA@east')).total).toBe(5);
  });

  test.each(['TEA@east>west=4', 'TEA@east>north=5', 'TEA@west>east=5', 'RICE@east>west=5'])(
    'BR-006: other goods under the same id are refused: %s',
    async (goods) => {
      const shop = await withTransfer(given);
      await shop.receive('TEA@west=9');
      await shop.receive('RICE@east=9');
      expect(refusal(await shop.dispatch('T-1', goods))).toEqual({ code: 'transfer-conflict' });
    },
  );
});

onBoth('arriving', (given) => {
  test('puts the goods on sale in their destination, whose item is made by it', async () => {
    const shop = await withTransfer(given);
    expect(answer(await shop.land('T-1', 5))).toEqual({ ...view, status: 'RECEIVED', received: 5 });
    expect(await shop.figures('TEA@west')).toBe('5 = 5 available + 0 reserved + 0 sold');
    expect((await shop.item('TEA@west')).version).toBe(1);
    expect(outcome(await shop.reserve('order-1', 'TEA@west=5'))).toBe('done');
  });

  test('adds to what the destination has', async () => {
    const shop = await given('TEA@east=10,TEA@west=3');
    await shop.dispatch('T-1', 'TEA@east>west=5');
    await shop.land('T-1', 5);
    expect(await shop.figures('TEA@west')).toBe('8 = 8 available + 0 reserved + 0 sold');
  });

  test('in parts leaves the rest on its way', async () => {
    const shop = await withTransfer(given);
    expect(answer(await shop.land('T-1', 2))).toEqual({ ...view, received: 2 });
    expect(answer(await shop.land('T-1', 3))).toEqual({ ...view, status: 'RECEIVED', received: 5 });
    expect((await eventsOf(shop, 'TransferReceived')).map((event) => event.operation)).toEqual([
      '2:0',
      '3:0',
    ]);
  });

  test('BR-006: the same part told twice is one part; a receipt of its own makes it another', async () => {
    const shop = await withTransfer(given);
    await shop.land('T-1', 2);
    const again = await shop.land('T-1', 2);
    expect([outcome(again), answer(again).received]).toEqual(['replayed', 2]);
    expect(outcome(await shop.land('T-1', 2, { receiptId: 'second' }))).toBe('done');
    expect(outcome(await shop.land('T-1', 1, { receiptId: 'second' }))).toBe('replayed');
    expect(await shop.transfer('T-1')).toMatchObject({ received: 4, status: 'IN_TRANSIT' });
    expect(outcome(await shop.land('T-1', 1))).toBe('done');
    expect(outcome(await shop.land('T-1', 1, { receiptId: 'second' }))).toBe('replayed');
  });

  test('unfit goods land and leave again in the same step, so that both are told', async () => {
    const shop = await withTransfer(given);
    const events = (await shop.happened()).length;
    expect(answer(await shop.land('T-1', 3, { rejected: 2 }))).toEqual({
      ...view,
      status: 'RECEIVED',
      received: 3,
      rejected: 2,
    });
    expect(await shop.figures('TEA@west')).toBe('3 = 3 available + 0 reserved + 0 sold');
    expect((await shop.happened()).slice(events)).toMatchObject([
      { type: 'TransferReceived', rejected: 2, lines: [{ warehouse: 'west', quantity: 5, version: 1 }] },
      {
        type: 'InventoryIssued',
        transferId: 'T-1',
        reason: 'rejected',
        lines: [{ warehouse: 'west', quantity: 2, version: 2 }],
      },
    ]);
  });

  test('may be of nothing sound at all', async () => {
    const shop = await withTransfer(given);
    expect(answer(await shop.land('T-1', 0, { rejected: 5 }))).toMatchObject({
      status: 'RECEIVED',
      rejected: 5,
    });
    expect(await shop.figures('TEA@west')).toBe('0 = 0 available + 0 reserved + 0 sold');
  });

  test('of more than is on the way is refused with what is, sound and rejected together', async () => {
    const shop = await withTransfer(given);
    expect(refusal(await shop.land('T-1', 6))).toEqual({ code: 'exceeds-transit', inTransit: 5 });
    expect(refusal(await shop.land('T-1', 3, { rejected: 3 }))).toEqual({
      code: 'exceeds-transit',
      inTransit: 5,
    });
    await shop.land('T-1', 4);
    expect(refusal(await shop.land('T-1', 2))).toEqual({ code: 'exceeds-transit', inTransit: 1 });
    expect(await shop.figures('TEA@west')).toBe('4 = 4 available + 0 reserved + 0 sold');
  });

  test('after all of it arrived is over, and tells how', async () => {
    const shop = await withTransfer(given);
    await shop.land('T-1', 5);
    expect(refusal(await shop.land('T-1', 1))).toEqual({
      code: 'transfer-ended',
      transfer: { ...view, status: 'RECEIVED', received: 5 },
    });
    expect(outcome(await shop.land('T-1', 5))).toBe('replayed');
  });

  test('of what nobody sent is unknown', async () => {
    const shop = await withTransfer(given);
    expect(refusal(await shop.land('T-2', 1))).toEqual({ code: 'unknown-transfer' });
    expect(refusal(await shop.turnBack('T-2'))).toEqual({ code: 'unknown-transfer' });
  });

  test('does not take a counter beyond its limit: the goods stay on their way', async () => {
    const shop = await given(`TEA@east=10,TEA@west=${QUANTITY_MAX - 1}`);
    await shop.dispatch('T-1', 'TEA@east>west=5');
    expect(refusal(await shop.land('T-1', 2))).toEqual({
      code: 'quantity-limit-exceeded',
      total: QUANTITY_MAX - 1,
    });
    expect(outcome(await shop.land('T-1', 1))).toBe('done');
    await shop.receive(`TEA@east=${QUANTITY_MAX - 5}`);
    expect(refusal(await shop.turnBack('T-1'))).toEqual({
      code: 'quantity-limit-exceeded',
      total: QUANTITY_MAX,
    });
    expect(await shop.transfer('T-1')).toMatchObject({ status: 'IN_TRANSIT', received: 1 });
  });

  test(`in parts is remembered ${TRANSFER_RECEIPTS_MAX} times; then the rest can only turn round`, async () => {
    const shop = await given('TEA@east=99');
    await shop.dispatch('T-1', `TEA@east>west=${TRANSFER_RECEIPTS_MAX + 2}`);
    for (let i = 0; i < TRANSFER_RECEIPTS_MAX; i++) {
      expect(outcome(await shop.land('T-1', 1, { receiptId: `part-${i}` }))).toBe('done');
    }
    expect(outcome(await shop.land('T-1', 1, { receiptId: 'one-more' }))).toBe('too-many-receipts');
    expect(outcome(await shop.land('T-1', 1, { receiptId: 'part-0' }))).toBe('replayed');
    expect(answer(await shop.turnBack('T-1'))).toMatchObject({
      returned: 2,
      received: TRANSFER_RECEIPTS_MAX,
    });
  });
});

onBoth('turning round', (given) => {
  test('puts all that is on the way back into the source', async () => {
    const shop = await withTransfer(given);
    expect(answer(await shop.turnBack('T-1'))).toEqual({ ...view, status: 'CANCELLED', returned: 5 });
    expect(await shop.figures('TEA@east')).toBe('10 = 10 available + 0 reserved + 0 sold');
    expect((await shop.happened()).at(-1)).toMatchObject({
      type: 'TransferCancelled',
      lines: [{ warehouse: 'east', quantity: 5 }],
    });
  });

  test('after a part has arrived leaves that part where it is', async () => {
    const shop = await withTransfer(given);
    await shop.land('T-1', 1, { rejected: 1 });
    expect(answer(await shop.turnBack('T-1'))).toEqual({
      ...view,
      status: 'CANCELLED',
      received: 1,
      rejected: 1,
      returned: 3,
    });
    expect(await shop.figures('TEA@east')).toBe('8 = 8 available + 0 reserved + 0 sold');
    expect(await shop.figures('TEA@west')).toBe('1 = 1 available + 0 reserved + 0 sold');
  });

  test('BR-006: told twice turns round once; nothing arrives after it, and what arrived before is still known', async () => {
    const shop = await withTransfer(given);
    await shop.land('T-1', 1);
    await shop.turnBack('T-1');
    expect(outcome(await shop.turnBack('T-1'))).toBe('replayed');
    expect(refusal(await shop.land('T-1', 2))).toMatchObject({
      code: 'transfer-ended',
      transfer: { status: 'CANCELLED', returned: 4 },
    });
    expect(outcome(await shop.land('T-1', 1))).toBe('replayed');
    expect((await shop.item('TEA@east')).total).toBe(9);
  });

  test('of what has arrived is too late', async () => {
    const shop = await withTransfer(given);
    await shop.land('T-1', 5);
    expect(refusal(await shop.turnBack('T-1'))).toMatchObject({
      code: 'transfer-ended',
      transfer: { status: 'RECEIVED' },
    });
    expect((await shop.item('TEA@east')).total).toBe(5);
  });
});

onBoth('a payment that proposes a transfer', (given) => {
  test('names where the goods should have come from, and moves nothing', async () => {
    const shop = await given('TEA@east=5,TEA@west=5');
    await shop.reserve('order-1', 'TEA@west=2');
    await shop.confirm('order-1', undefined, { proposeTransferTo: 'east' });
    expect(await eventsOf(shop, 'InventoryDeducted')).toMatchObject([
      { orderId: 'order-1', proposeTransferTo: 'east', lines: [{ warehouse: 'west', quantity: 2 }] },
    ]);
    expect(await shop.figures('TEA@east')).toBe('5 = 5 available + 0 reserved + 0 sold');
    // The same payment without the proposal is the same payment.
    expect(outcome(await shop.confirm('order-1'))).toBe('replayed');
  });
});
