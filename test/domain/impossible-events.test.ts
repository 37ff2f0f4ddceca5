/**
 * Events that the rules would not have allowed fail an assertion, as the worker checks them (D8): items and reservations.
 * Each test applies one impossible event.
 */
import { AssertionError } from 'node:assert';
import { describe, expect, test } from 'vitest';
import {
  assertInvariants,
  evolveItem,
  type InventoryItem,
  newItem,
} from '../../src/domain/inventory-item.ts';
import {
  type EventLine,
  LIFETIME_SECONDS_MAX,
  QUANTITY_MAX,
  type ReservationEvent,
  type StockEvent,
} from '../../src/domain/language.ts';
import { evolveReservation } from '../../src/domain/reservation.ts';
import { START_MS } from './sentences.ts';
import { given, type Shop } from './shop.ts';

/** 10 = 6 available + 3 reserved + 1 sold, safety stock 2. */
const ITEM: InventoryItem = {
  ...newItem('TEA', 'east'),
  total: 10,
  available: 6,
  reserved: 3,
  sold: 1,
  safetyStock: 2,
  version: 7,
};
const base = { lines: [], atMs: START_MS, actor: 'web' };
const order = { ...base, orderId: 'order-1' };
const reserved: StockEvent = {
  ...order,
  type: 'InventoryReserved',
  expiresAtMs: START_MS + 1,
  fingerprint: '1;TEA@east=1',
};
const deducted: StockEvent = { ...order, type: 'InventoryDeducted', operation: 'c*' };
const released: StockEvent = { ...order, type: 'InventoryReleased', cause: 'cancelled', operation: 'r*' };
const received: StockEvent = { ...base, type: 'InventoryReceived', movementId: 'M-1', reason: '' };
const safetyStockSet: StockEvent = { ...base, type: 'SafetyStockSet' };
const alerted = (safetyStock: number): StockEvent => ({
  ...base,
  type: 'LowStockAlertTriggered',
  safetyStock,
});

const line = (quantity: number, lie: Partial<EventLine> = {}): EventLine => ({
  sku: 'TEA',
  warehouse: 'east',
  quantity,
  version: 8,
  ...lie,
});

describe('an item', () => {
  test('a possible event is applied', () => {
    expect(evolveItem(ITEM, reserved, line(6))).toMatchObject({ available: 0, reserved: 9, version: 8 });
    expect(evolveItem({ ...ITEM, available: 1, total: 5 }, alerted(2), line(1)).isLow).toBe(true);
  });

  test.each<[lie: string, event: StockEvent, line: EventLine, says: RegExp]>([
    ['a version is left out', received, line(1, { version: 9 }), /version gap/],
    ['a version comes twice', received, line(1, { version: 7 }), /version gap/],
    ['the line is of another SKU', received, line(1, { sku: 'RICE' }), /version gap/],
    ['the line is of another warehouse', received, line(1, { warehouse: 'west' }), /version gap/],
    ['BR-002: more is reserved than is available', reserved, line(7), /BR-002/],
    ['BR-001: more is sold than is reserved', deducted, line(4), /BR-001/],
    ['BR-001: more returns than is reserved', released, line(4), /BR-001/],
    ['BR-001: fewer than none come in', received, line(-7), /BR-001/],
    ['more comes in than a counter may show', received, line(QUANTITY_MAX), /range/],
    ['a part of a unit comes in', received, line(0.5), /range/],
    ['a quantity is no number', received, line(Number.NaN), /BR-00[14]/],
    ['BR-005: the alert fires above the line', alerted(2), line(6), /BR-005/],
    ['BR-005: the alert names another line', alerted(7), line(6), /BR-005/],
  ])('asserts where %s', (_, event, told, says) => {
    expect(() => evolveItem(ITEM, event, told)).toThrow(says);
    expect(() => evolveItem(ITEM, event, told)).toThrow(AssertionError);
  });

  test('BR-005: an alert fires once and names the available quantity', () => {
    const low = { ...ITEM, total: 5, available: 1 };
    expect(() => evolveItem({ ...low, isLow: true }, alerted(2), line(1))).toThrow(/BR-005/);
    expect(() => evolveItem(low, alerted(2), line(0))).toThrow(/BR-005/);
  });

  test.each<[lie: string, event: StockEvent, line: EventLine]>([
    // The sums alone would not show it: with 3 reserved, a reservation of -1 leaves all of them in range.
    ['fewer than none are reserved', reserved, line(-1)],
    ['none are reserved', reserved, line(0)],
    ['none are sold', deducted, line(0)],
    ['none come in', received, line(0)],
    ['the safety stock is below zero', safetyStockSet, line(-1)],
    ['the safety stock is beyond what a counter may show', safetyStockSet, line(QUANTITY_MAX + 1)],
  ])('asserts where %s', (_, event, told) => {
    expect(() => evolveItem(ITEM, event, told)).toThrow(AssertionError);
  });

  test.each([
    ['BR-001', { available: -1, total: 3 }],
    ['BR-001', { reserved: -1, total: 6 }],
    ['BR-001', { sold: -1, total: 8 }],
    ['BR-004', { total: 11 }],
    ['range', { total: QUANTITY_MAX + 1, available: QUANTITY_MAX - 3 }],
  ] as const)('the invariants hold: %s against %j', (says, lie) => {
    expect(() => assertInvariants(ITEM)).not.toThrow();
    expect(() => assertInvariants({ ...ITEM, ...lie })).toThrow(new RegExp(says));
  });
});

describe('a reservation', () => {
  /** order-1 holds 3 of TEA and 1 of RICE until START_MS + 60,000. */
  function givenHold(): Shop {
    const shop = given('TEA@east=5,RICE@east=5');
    shop.reserve('order-1', 'TEA@east=3,RICE@east=1', 60);
    return shop;
  }
  const held: EventLine[] = [
    { sku: 'RICE', warehouse: 'east', quantity: 1, version: 3 },
    { sku: 'TEA', warehouse: 'east', quantity: 3, version: 3 },
  ];
  const at = (atMs: number, lines = held) => ({ ...order, lines, atMs });
  const expired = (atMs: number, lines = held): ReservationEvent => ({
    ...at(atMs, lines),
    type: 'InventoryReleased',
    cause: 'expired',
    operation: '-',
  });
  const tell = (shop: Shop, event: ReservationEvent) => () =>
    evolveReservation(shop.inventory.reservations.get('order-1'), event);

  test('a possible event is applied', () => {
    expect(tell(givenHold(), expired(START_MS + 60_000))()).toMatchObject({ status: 'EXPIRED' });
  });

  test('BR-006: an order cannot be reserved a second time', () => {
    const again: ReservationEvent = {
      ...at(START_MS),
      type: 'InventoryReserved',
      expiresAtMs: START_MS + 60_000,
      fingerprint: '60000;RICE@east=1,TEA@east=3',
    };
    expect(tell(givenHold(), again)).toThrow(/BR-006.*second time/);
  });

  test('an order that was never reserved cannot change', () => {
    expect(() => evolveReservation(undefined, expired(START_MS))).toThrow(/not reserved/);
  });

  test('BR-006: a resolved order cannot be resolved again', () => {
    for (const how of ['confirm', 'release'] as const) {
      const shop = givenHold();
      shop[how]('order-1');
      expect(tell(shop, { ...at(START_MS), type: 'InventoryDeducted', operation: 'c*' })).toThrow(/BR-006/);
      expect(tell(shop, expired(START_MS + 60_000))).toThrow(/BR-006/);
    }
  });

  test('BR-003: a hold cannot expire before its deadline, first or extended', () => {
    expect(tell(givenHold(), expired(START_MS + 59_999))).toThrow(/BR-003/);
    const shop = givenHold();
    shop.extend('order-1', 120);
    expect(tell(shop, expired(START_MS + 60_000))).toThrow(/BR-003/);
  });

  test('an expired hold cannot return in part', () => {
    expect(tell(givenHold(), expired(START_MS + 60_000, held.slice(1)))).toThrow(/as a whole/);
  });

  test('a hold cannot lose more than it holds, or something it does not hold', () => {
    const more = [{ ...held[1], quantity: 4 }] as EventLine[];
    const other = [{ ...held[1], warehouse: 'west' }] as EventLine[];
    for (const lines of [more, other]) {
      const event = at(START_MS, lines);
      expect(tell(givenHold(), { ...event, type: 'InventoryDeducted', operation: 'c' })).toThrow(
        /more leaves/,
      );
      expect(
        tell(givenHold(), { ...event, type: 'InventoryReleased', cause: 'cancelled', operation: 'r' }),
      ).toThrow(/more leaves/);
    }
  });

  test('a remainder cannot return without its confirm, or later than it', () => {
    const remainder = (atMs: number): ReservationEvent => ({
      ...at(atMs, held.slice(1)),
      type: 'InventoryReleased',
      cause: 'remainder',
      operation: '-',
    });
    expect(tell(givenHold(), remainder(START_MS))).toThrow(/remainder/);
    const shop = givenHold();
    shop.confirm('order-1', 'RICE=1');
    expect(tell(shop, remainder(START_MS + 1))).toThrow(/remainder/);
  });

  test('BR-003: an extension cannot leave the deadline where it was or make it earlier', () => {
    for (const expiresAtMs of [START_MS + 1, START_MS + 60_000]) {
      expect(tell(givenHold(), { ...at(START_MS), type: 'ReservationExtended', expiresAtMs })).toThrow(
        /longer/,
      );
    }
  });

  const late = at(START_MS + 60_000);
  test.each<[lie: string, event: ReservationEvent]>([
    ['an expired hold is sold', { ...late, type: 'InventoryDeducted', operation: 'c*' }],
    [
      'an expired hold is cancelled',
      { ...late, type: 'InventoryReleased', cause: 'cancelled', operation: 'r*' },
    ],
    ['an expired hold is revived', { ...late, type: 'ReservationExtended', expiresAtMs: START_MS + 120_000 }],
    [
      'a hold outlives its cap',
      {
        ...at(START_MS),
        type: 'ReservationExtended',
        expiresAtMs: START_MS + LIFETIME_SECONDS_MAX * 1_000 + 1,
      },
    ],
  ])('BR-003: asserts where %s', (_, event) => {
    expect(tell(givenHold(), event)).toThrow(AssertionError);
  });
});
