/**
 * Reserving by examples: BR-001, BR-002 and BR-006 on the aggregate. The engine is held to the same by test/agreement.
 */
import { describe, expect, test } from 'vitest';
import { HOLD_SECONDS_DEFAULT } from '../../src/domain/language.ts';
import { answer, outcome, refusal, START_MS, spelled } from './sentences.ts';
import { given } from './shop.ts';

describe('one line', () => {
  test('a reservation moves units from available to reserved and leaves the total', () => {
    const shop = given('TEA@east=5');
    const held = answer(shop.reserve('order-1', 'TEA@east=2'));
    expect(held).toEqual({
      orderId: 'order-1',
      status: 'ACTIVE',
      lines: [{ sku: 'TEA', warehouse: 'east', quantity: 2 }],
      reservedAtMs: START_MS,
      expiresAtMs: START_MS + HOLD_SECONDS_DEFAULT * 1_000,
      resolvedAtMs: undefined,
    });
    expect(shop.figures('TEA@east')).toBe('5 = 3 available + 2 reserved + 0 sold');
  });

  test('BR-002: the last unit can be reserved, and one more cannot', () => {
    const shop = given('TEA@east=5');
    expect(outcome(shop.reserve('order-1', 'TEA@east=5'))).toBe('done');
    expect(refusal(shop.reserve('order-2', 'TEA@east=1'))).toEqual({
      code: 'insufficient-stock',
      shortages: [{ sku: 'TEA', warehouse: 'east', requested: 1, available: 0 }],
    });
  });

  test('BR-001: available stays at zero or above, however often too much is requested', () => {
    const shop = given('TEA@east=3');
    const asked = ['2', '2', '1', '1'].map((n, i) => outcome(shop.reserve(`order-${i}`, `TEA@east=${n}`)));
    expect(asked).toEqual(['done', 'insufficient-stock', 'done', 'insufficient-stock']);
    expect(shop.figures('TEA@east')).toBe('3 = 0 available + 3 reserved + 0 sold');
  });

  test('a refusal leaves no event and no reservation', () => {
    const shop = given('TEA@east=1');
    const before = shop.events.length;
    shop.reserve('order-1', 'TEA@east=2');
    shop.reserve('order-2', 'COFFEE@east=1');
    expect(shop.events.length).toBe(before);
    expect(shop.inventory.reservations.size).toBe(0);
  });
});

describe('several lines', () => {
  test('BR-002: an order is all or nothing', () => {
    const shop = given('TEA@east=5,RICE@east=1');
    shop.reserve('order-1', 'TEA@east=2,RICE@east=2');
    expect(shop.figures('TEA@east')).toBe('5 = 5 available + 0 reserved + 0 sold');
    expect(shop.figures('RICE@east')).toBe('1 = 1 available + 0 reserved + 0 sold');
  });

  test('a refusal names every short line with the available quantity', () => {
    const shop = given('TEA@east=5,RICE@east=1,SALT@west=1,OIL@east=2');
    expect(refusal(shop.reserve('order-1', 'TEA@east=2,RICE@east=2,SALT@west=9,OIL@east=2'))).toEqual({
      code: 'insufficient-stock',
      shortages: [
        { sku: 'RICE', warehouse: 'east', requested: 2, available: 1 },
        { sku: 'SALT', warehouse: 'west', requested: 9, available: 1 },
      ],
    });
  });

  test('a refusal names every unknown item, before any short line', () => {
    const shop = given('TEA@east=1');
    expect(refusal(shop.reserve('order-1', 'TEA@east=2,TEA@west=1,COFFEE=1'))).toEqual({
      code: 'unknown-item',
      items: [{ sku: 'COFFEE' }, { sku: 'TEA', warehouse: 'west' }],
    });
  });

  test('BR-002: two lines of one SKU are added up before the check: 2 and 2 with 3 available', () => {
    const shop = given('TEA@east=3');
    expect(refusal(shop.reserve('order-1', 'TEA@east=2,TEA@east=2'))).toEqual({
      code: 'insufficient-stock',
      shortages: [{ sku: 'TEA', warehouse: 'east', requested: 4, available: 3 }],
    });
    expect(spelled(answer(shop.reserve('order-2', 'TEA@east=2,TEA@east=1')).lines)).toBe('TEA@east=3');
  });

  test('BR-002: a line that names a warehouse and one that does not are not both served from the same units', () => {
    const shop = given('TEA@east=3');
    expect(refusal(shop.reserve('order-1', 'TEA@east=2,TEA=2'))).toEqual({
      code: 'insufficient-stock',
      shortages: [{ sku: 'TEA', requested: 2, available: 1 }],
    });
    expect(spelled(answer(shop.reserve('order-2', 'TEA@east=2,TEA=1')).lines)).toBe('TEA@east=3');
  });
});

describe('lines that name no warehouse', () => {
  test('one warehouse serves the whole order if one can', () => {
    const shop = given('TEA@east=5,TEA@west=5,RICE@west=1');
    expect(spelled(answer(shop.reserve('order-1', 'TEA=1,RICE=1')).lines)).toBe('RICE@west=1,TEA@west=1');
  });

  test('else each line is served by the first warehouse that has enough of it', () => {
    const shop = given('TEA@east=5,TEA@west=5,RICE@west=1,SALT@east=1');
    expect(spelled(answer(shop.reserve('order-1', 'TEA=1,RICE=1,SALT=1')).lines)).toBe(
      'RICE@west=1,SALT@east=1,TEA@east=1',
    );
  });

  test('a line is not split: the refusal names the largest quantity that one warehouse has', () => {
    const shop = given('TEA@east=2,TEA@west=3');
    expect(refusal(shop.reserve('order-1', 'TEA=4'))).toEqual({
      code: 'insufficient-stock',
      shortages: [{ sku: 'TEA', requested: 4, available: 3 }],
    });
  });
});

describe('a repeated order', () => {
  test('BR-006: a repeat with the same content holds nothing more and gets the first answer', () => {
    const shop = given('TEA@east=5');
    const first = answer(shop.reserve('order-1', 'TEA@east=2'));
    shop.wait(1_000);
    const again = shop.reserve('order-1', 'TEA@east=2');
    expect(outcome(again)).toBe('replayed');
    expect(answer(again)).toEqual(first);
    expect(shop.figures('TEA@east')).toBe('5 = 3 available + 2 reserved + 0 sold');
  });

  test('BR-006: lines in another order, or split into two, are the same content', () => {
    const shop = given('TEA@east=5,RICE@east=5');
    shop.reserve('order-1', 'TEA@east=2,RICE@east=1');
    expect(outcome(shop.reserve('order-1', 'RICE@east=1,TEA@east=1,TEA@east=1'))).toBe('replayed');
  });

  test('BR-006: other lines or another hold time under the same order id are refused and change nothing', () => {
    const shop = given('TEA@east=5');
    shop.reserve('order-1', 'TEA@east=2');
    const before = shop.events.length;
    expect(outcome(shop.reserve('order-1', 'TEA@east=3'))).toBe('order-conflict');
    expect(outcome(shop.reserve('order-1', 'TEA=2'))).toBe('order-conflict');
    expect(outcome(shop.reserve('order-1', 'TEA@east=2', 60))).toBe('order-conflict');
    expect(shop.events.length).toBe(before);
  });

  test('BR-006: a repeat shows how the order was resolved and holds nothing', () => {
    const shop = given('TEA@east=5');
    shop.reserve('paid', 'TEA@east=1');
    shop.confirm('paid');
    shop.reserve('cancelled', 'TEA@east=1');
    shop.release('cancelled');
    const repeats = ['paid', 'cancelled'].map((id) => answer(shop.reserve(id, 'TEA@east=1')).status);
    expect(repeats).toEqual(['CONFIRMED', 'RELEASED']);
    expect(shop.figures('TEA@east')).toBe('5 = 4 available + 0 reserved + 1 sold');
  });

  test('BR-006: an order that was refused may be tried again', () => {
    const shop = given('TEA@east=1');
    expect(outcome(shop.reserve('order-1', 'TEA@east=2'))).toBe('insufficient-stock');
    shop.receive('TEA@east=1');
    expect(outcome(shop.reserve('order-1', 'TEA@east=2'))).toBe('done');
  });
});
