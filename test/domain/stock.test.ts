/**
 * Receiving, the equation of BR-004, safety stock and its alert (BR-005), by examples.
 */
import { describe, expect, test } from 'vitest';
import { QUANTITY_MAX } from '../../src/domain/language.ts';
import { answer, outcome, refusal } from './sentences.ts';
import { given, Shop } from './shop.ts';

describe('receive', () => {
  test('the first receipt creates the item, the next adds to it', () => {
    const shop = new Shop();
    shop.receive('TEA@east=5');
    expect(shop.item('TEA@east').version).toBe(1);
    const item = answer(shop.receive('TEA@east=2'));
    expect(item).toEqual({
      sku: 'TEA',
      warehouse: 'east',
      total: 7,
      available: 7,
      reserved: 0,
      sold: 0,
      safetyStock: 0,
      version: 2,
    });
  });

  test('the same SKU in another warehouse is another item', () => {
    const shop = given('TEA@east=5,TEA@west=1');
    expect(shop.figures('TEA@east')).toBe('5 = 5 available + 0 reserved + 0 sold');
    expect(shop.figures('TEA@west')).toBe('1 = 1 available + 0 reserved + 0 sold');
  });

  test('BR-006: a repeated receipt counts once and gets the first answer, whatever happened since', () => {
    const shop = new Shop();
    const first = answer(shop.receive('TEA@east=5', 'M-1'));
    shop.reserve('order-1', 'TEA@east=2');
    const again = shop.receive('TEA@east=5', 'M-1');
    expect(outcome(again)).toBe('replayed');
    expect(answer(again)).toEqual(first);
    expect(shop.item('TEA@east').total).toBe(5);
  });

  test('BR-006: other content under the same movement is refused', () => {
    const shop = new Shop();
    shop.receive('TEA@east=5', 'M-1');
    expect(outcome(shop.receive('TEA@east=6', 'M-1'))).toBe('movement-conflict');
    expect(outcome(shop.receive('TEA@west=5', 'M-1'))).toBe('movement-conflict');
    expect(shop.item('TEA@east').total).toBe(5);
  });

  test('no counter exceeds its limit, and the refusal has the current total', () => {
    const shop = given(`TEA@east=${QUANTITY_MAX - 1}`);
    expect(refusal(shop.receive('TEA@east=2'))).toEqual({
      code: 'quantity-limit-exceeded',
      total: QUANTITY_MAX - 1,
    });
    expect(outcome(shop.receive('TEA@east=1'))).toBe('done');
    expect(shop.item('TEA@east').total).toBe(QUANTITY_MAX);
  });
});

test('BR-004: total = available + reserved + sold after every kind of step', () => {
  const shop = given('TEA@east=10');
  const seen = [shop.figures('TEA@east')];
  const step = (decision: Parameters<typeof outcome>[0]): void => {
    expect(outcome(decision)).toBe('done');
    seen.push(shop.figures('TEA@east'));
  };
  step(shop.reserve('order-1', 'TEA@east=4'));
  step(shop.release('order-1', 'TEA=1'));
  step(shop.extend('order-1', 3_600));
  step(shop.confirm('order-1', 'TEA=2'));
  step(shop.setSafetyStock('TEA@east', 9));
  step(shop.receive('TEA@east=5'));
  expect(seen).toEqual([
    '10 = 10 available + 0 reserved + 0 sold',
    '10 = 6 available + 4 reserved + 0 sold',
    '10 = 7 available + 3 reserved + 0 sold',
    '10 = 7 available + 3 reserved + 0 sold',
    '10 = 8 available + 0 reserved + 2 sold',
    '10 = 8 available + 0 reserved + 2 sold',
    '15 = 13 available + 0 reserved + 2 sold',
  ]);
});

describe('BR-005: the low-stock alert', () => {
  const alertsOf = (shop: Shop): string[] =>
    shop.events.flatMap((event) =>
      event.type === 'LowStockAlertTriggered'
        ? event.lines.map(({ sku, quantity }) => `${sku} ${quantity} under ${event.safetyStock}`)
        : [],
    );

  function givenLine(): Shop {
    const shop = given('TEA@east=10');
    answer(shop.setSafetyStock('TEA@east', 5));
    return shop;
  }

  test('BR-005: available equal to the safety stock is not low', () => {
    const shop = givenLine();
    shop.reserve('order-1', 'TEA@east=5');
    expect(alertsOf(shop)).toEqual([]);
  });

  test('BR-005: it fires once when available falls below, however far it falls after that', () => {
    const shop = givenLine();
    shop.reserve('order-1', 'TEA@east=6');
    shop.reserve('order-2', 'TEA@east=1');
    shop.reserve('order-3', 'TEA@east=3');
    expect(alertsOf(shop)).toEqual(['TEA 4 under 5']);
  });

  test('BR-005: it is re-armed when available reaches the safety stock again, and not below', () => {
    const shop = givenLine();
    shop.reserve('order-1', 'TEA@east=8');
    shop.release('order-1', 'TEA=2', 'a');
    shop.reserve('order-2', 'TEA@east=1');
    expect(alertsOf(shop)).toEqual(['TEA 2 under 5']);
    shop.release('order-1', 'TEA=2', 'b');
    expect(shop.item('TEA@east')).toMatchObject({ available: 5, isLow: false });
    shop.reserve('order-3', 'TEA@east=1');
    expect(alertsOf(shop)).toEqual(['TEA 2 under 5', 'TEA 4 under 5']);
  });

  test('BR-005: it depends on available, so a sale of held units does not fire it again', () => {
    const shop = givenLine();
    shop.reserve('order-1', 'TEA@east=6');
    shop.confirm('order-1');
    expect(alertsOf(shop)).toEqual(['TEA 4 under 5']);
  });

  test('BR-005: an expired hold re-arms it too', () => {
    const shop = givenLine();
    shop.reserve('order-1', 'TEA@east=6', 60);
    shop.wait(60_000);
    shop.reserve('order-2', 'TEA@east=6');
    expect(alertsOf(shop)).toEqual(['TEA 4 under 5', 'TEA 4 under 5']);
  });

  test('BR-005: a safety stock above available fires it, a lower one re-arms it', () => {
    const shop = given('TEA@east=10');
    shop.setSafetyStock('TEA@east', 11);
    expect(alertsOf(shop)).toEqual(['TEA 10 under 11']);
    shop.setSafetyStock('TEA@east', 10);
    expect(shop.item('TEA@east').isLow).toBe(false);
    shop.setSafetyStock('TEA@east', 12);
    expect(alertsOf(shop)).toEqual(['TEA 10 under 11', 'TEA 10 under 12']);
  });

  test('BR-005: it names each item of an order that fell below its own safety stock', () => {
    const shop = given('TEA@east=2,RICE@east=2,SALT@east=9');
    for (const name of ['TEA@east', 'RICE@east', 'SALT@east']) shop.setSafetyStock(name, 2);
    shop.reserve('order-1', 'TEA@east=1,RICE@east=1,SALT@east=1');
    expect(alertsOf(shop)).toEqual(['RICE 1 under 2', 'TEA 1 under 2']);
  });

  test('BR-005: the alert has the version after the event that caused it', () => {
    const shop = givenLine();
    const before = shop.events.length;
    shop.reserve('order-1', 'TEA@east=6');
    expect(shop.eventTypes(before)).toEqual(['InventoryReserved', 'LowStockAlertTriggered']);
    expect(shop.events.slice(before).flatMap((event) => event.lines.map((line) => line.version))).toEqual([
      3, 4,
    ]);
  });

  test('setting the same safety stock again changes nothing; an unknown item is refused', () => {
    const shop = givenLine();
    const before = shop.events.length;
    expect(outcome(shop.setSafetyStock('TEA@east', 5))).toBe('replayed');
    expect(shop.events.length).toBe(before);
    expect(refusal(shop.setSafetyStock('TEA@west', 5))).toEqual({
      code: 'unknown-item',
      items: [{ sku: 'TEA', warehouse: 'west' }],
    });
  });
});
