/**
 * As impossible-events.test.ts, for locks, late payments and transfers (D8).
 */
import { AssertionError } from 'node:assert';
import { describe, expect, test } from 'vitest';
import { evolveItem, type InventoryItem, newItem } from '../../src/domain/inventory-item.ts';
import {
  type EventLine,
  type EventType,
  LIFETIME_SECONDS_MAX,
  type ReservationEvent,
  STOCKTAKE_EXTENSION_SECONDS,
  STOCKTAKE_GRACE_SECONDS,
  STREAM_EVENT_TYPES,
  type StockEvent,
  type TransferEvent,
} from '../../src/domain/language.ts';
import { evolveReservation } from '../../src/domain/reservation.ts';
import { evolveTransfer, type Transfer } from '../../src/domain/transfer.ts';
import { START_MS } from './sentences.ts';
import { given, type Shop } from './shop.ts';

const untilMs = START_MS + 60_000;
/** 10 = 6 available + 3 reserved + 1 sold, at version 7. */
const ITEM: InventoryItem = {
  ...newItem('TEA', 'east'),
  total: 10,
  available: 6,
  reserved: 3,
  sold: 1,
  version: 7,
};
const LOCKED: InventoryItem = { ...ITEM, stocktake: { stocktakeId: 'count-1', untilMs } };
const line = (quantity: number): EventLine => ({ sku: 'TEA', warehouse: 'east', quantity, version: 8 });

/** The fields of an event type other than its lines; an item ignores them. */
const event = (type: EventType, more: object = {}): StockEvent =>
  ({
    type,
    lines: [],
    atMs: START_MS,
    actor: 'web',
    stocktakeId: 'count-1',
    untilMs,
    cause: 'cancelled',
    ...more,
  }) as never;

describe('an item under a stocktake', () => {
  const MAY: readonly EventType[] = [
    'InventoryReleased',
    'ReservationExtended',
    'PaymentCameShort',
    'ReturnWrittenOff',
    'SafetyStockSet',
    'StocktakeCompleted',
    'StocktakeCancelled',
  ];
  const touching = STREAM_EVENT_TYPES.filter((type) => !/^Sale|Lapsed|Alert/.test(type));

  test.each(touching.filter((type) => MAY.includes(type)))('BR-007: %s may happen to it', (type) => {
    expect(evolveItem(LOCKED, event(type), line(type === 'StocktakeCompleted' ? 10 : 1)).version).toBe(8);
  });

  test.each(touching.filter((type) => !MAY.includes(type)))(
    'BR-007: asserts where %s happens to it',
    (type) => {
      expect(() => evolveItem(LOCKED, event(type), line(1))).toThrow(/BR-007/);
      expect(evolveItem(ITEM, event(type), line(type === 'InventoryCorrected' ? 10 : 1)).version).toBe(8);
    },
  );

  test('BR-007: no hold on it expires, nor within the grace after it', () => {
    const expired = event('InventoryReleased', { cause: 'expired', atMs: untilMs });
    expect(() => evolveItem(LOCKED, expired, line(1))).toThrow(/BR-007/);
    expect(evolveItem(LOCKED, event('InventoryReleased', { cause: 'shortfall' }), line(1)).reserved).toBe(2);
    const after = { ...ITEM, holdsUntilMs: untilMs + 1 };
    expect(() => evolveItem(after, expired, line(1))).toThrow(/BR-007/);
    expect(evolveItem({ ...ITEM, holdsUntilMs: untilMs }, expired, line(1)).reserved).toBe(2);
  });

  test('BR-007: keeps holds for the grace after the end of the lock', () => {
    const graceMs = STOCKTAKE_GRACE_SECONDS * 1_000;
    const cancelled = evolveItem(LOCKED, event('StocktakeCancelled', { atMs: START_MS + 5 }), line(10));
    expect(cancelled.holdsUntilMs).toBe(START_MS + 5 + graceMs);
    const lapsed = evolveItem(LOCKED, event('StocktakeLapsed', { atMs: untilMs + 999_999 }), line(10));
    expect(lapsed.holdsUntilMs).toBe(untilMs + graceMs);
    const locked = evolveItem(cancelled, event('StocktakeStarted'), { ...line(10), version: 9 });
    expect([locked.holdsUntilMs, locked.stocktake?.stocktakeId]).toEqual([undefined, 'count-1']);
  });

  test.each<[lie: string, item: InventoryItem, told: StockEvent]>([
    ['a count begins twice', LOCKED, event('StocktakeStarted', { stocktakeId: 'count-2' })],
    ['a lease ends before it begins', ITEM, event('StocktakeStarted', { untilMs: START_MS })],
    ['a count ends that never began', ITEM, event('StocktakeCompleted')],
    ['another count ends', LOCKED, event('StocktakeCompleted', { stocktakeId: 'count-2' })],
    ['another count is cancelled', LOCKED, event('StocktakeCancelled', { stocktakeId: 'count-2' })],
    ['a lease lapses before its time', LOCKED, event('StocktakeLapsed', { atMs: untilMs - 1 })],
  ])('BR-007: asserts where %s', (_, item, told) => {
    expect(() => evolveItem(item, told, line(10))).toThrow(/BR-007/);
  });
});

describe('an item', () => {
  test.each<[lie: string, told: StockEvent, quantity: number, says: RegExp]>([
    ['BR-001: more leaves than is available', event('InventoryIssued'), 7, /BR-001/],
    ['BR-001: more is sent away than is available', event('TransferDispatched'), 7, /BR-001/],
    ['BR-001: more is shipped than is sold', event('InventoryShipped'), 2, /BR-001/],
    ['BR-001: a correction goes below what is promised', event('InventoryCorrected'), 3, /BR-001/],
    ['BR-002: a late payment takes more than is available', event('InventoryReacquired'), 7, /BR-002/],
    ['goods arrive that are none', event('TransferReceived'), 0, /out of range/],
    ['goods turn round that are none', event('TransferCancelled'), 0, /out of range/],
    ['a part of a unit comes back', event('InventoryReturned'), 0.5, /out of range/],
    ['a count finds fewer than none', event('InventoryCorrected'), -1, /out of range/],
    ['more comes back than a counter may show', event('InventoryReturned'), 1_000_000_000, /range/],
  ])('asserts where %s', (_, told, quantity, says) => {
    expect(() => evolveItem(ITEM, told, line(quantity))).toThrow(says);
    expect(() => evolveItem(ITEM, told, line(quantity))).toThrow(AssertionError);
  });

  test('BR-001: a count cannot go below what is committed', () => {
    expect(() => evolveItem(LOCKED, event('StocktakeCompleted'), line(3))).toThrow(/BR-001/);
    expect(evolveItem(LOCKED, event('StocktakeCompleted'), line(4)).available).toBe(0);
  });
});

describe('a reservation', () => {
  /** order-1 holds 3 of TEA until START_MS + 60,000. */
  function givenHold(): Shop {
    const shop = given('TEA@east=5');
    shop.reserve('order-1', 'TEA@east=3', 60);
    return shop;
  }
  const held = [{ sku: 'TEA', warehouse: 'east', quantity: 3, version: 3 }];
  const at = (atMs: number, lines = held) => ({ orderId: 'order-1', lines, atMs, actor: 'web' });
  const tell = (shop: Shop, told: ReservationEvent) => () =>
    evolveReservation(shop.inventory.reservations.get('order-1'), told);
  const extended = (atMs: number, expiresAtMs: number, actor = 'clock'): ReservationEvent => ({
    ...at(atMs),
    actor,
    type: 'ReservationExtended',
    expiresAtMs,
  });
  const stepMs = (STOCKTAKE_EXTENSION_SECONDS + STOCKTAKE_GRACE_SECONDS) * 1_000;

  test('BR-007: a hold that is due is extended by one step at most', () => {
    const dueMs = START_MS + 60_000;
    expect(tell(givenHold(), extended(dueMs, dueMs + stepMs))()).toMatchObject({
      expiresAtMs: dueMs + stepMs,
    });
    expect(tell(givenHold(), extended(dueMs, dueMs + stepMs + 1))).toThrow(/BR-003/);
  });

  test('BR-003: a caller with the actor of the clock gets no longer hold than others', () => {
    const latestMs = START_MS + LIFETIME_SECONDS_MAX * 1_000;
    expect(tell(givenHold(), extended(START_MS, latestMs))()).toMatchObject({ expiresAtMs: latestMs });
    expect(tell(givenHold(), extended(START_MS, latestMs + 1))).toThrow(/BR-003/);
    expect(tell(givenHold(), extended(START_MS + 60_000, latestMs, 'web'))).toThrow(/BR-003/);
  });

  test('BR-007: a count releases a hold as a whole, also one that is due', () => {
    const shortfall = (lines = held): ReservationEvent => ({
      ...at(START_MS + 60_000, lines),
      type: 'InventoryReleased',
      cause: 'shortfall',
      operation: '-',
    });
    expect(tell(givenHold(), shortfall())()).toMatchObject({ status: 'RELEASED', operations: [] });
    const part = [{ sku: 'TEA', warehouse: 'east', quantity: 2, version: 3 }];
    expect(tell(givenHold(), shortfall(part))).toThrow(/BR-007/);
  });

  const reacquired: ReservationEvent = {
    ...at(START_MS + 90_000),
    type: 'InventoryReacquired',
    operation: 'c*',
  };
  const cameShort: ReservationEvent = { ...at(START_MS + 90_000), type: 'PaymentCameShort' };

  test('BR-006: a late payment cannot take stock for an order that has not expired', () => {
    for (const told of [reacquired, cameShort]) {
      expect(tell(givenHold(), told)).toThrow(/BR-006/);
      for (const how of ['confirm', 'release'] as const) {
        const shop = givenHold();
        shop[how]('order-1');
        expect(tell(shop, told)).toThrow(/BR-006/);
      }
      expect(() => evolveReservation(undefined, told)).toThrow(/not reserved/);
    }
  });

  test('BR-006: a late payment cannot be sold twice, or come short twice', () => {
    const shop = givenHold();
    shop.wait(90_000);
    shop.sweepAll();
    const short = tell(shop, cameShort)();
    expect(() => evolveReservation(short, cameShort)).toThrow(/second time/);
    const sold = evolveReservation(short, reacquired);
    expect(sold).toMatchObject({ status: 'CONFIRMED', operations: ['short', 'c*'] });
    expect(() => evolveReservation(sold, reacquired)).toThrow(/BR-006/);
    expect(() => evolveReservation(sold, cameShort)).toThrow(/BR-006/);
  });
});

describe('a transfer', () => {
  const goods = (warehouse: string, quantity: number, sku = 'TEA') => ({
    lines: [{ sku, warehouse, quantity, version: 1 }],
    transferId: 'T-1',
    atMs: START_MS,
    actor: 'web',
  });
  const dispatched: TransferEvent = {
    ...goods('east', 5),
    type: 'TransferDispatched',
    to: 'west',
    reason: '',
  };
  const arrived = (quantity: number, rejected = 0, of = goods('west', quantity)): TransferEvent => ({
    ...of,
    type: 'TransferReceived',
    rejected,
    operation: `${quantity}:${rejected}`,
  });
  const turned = (quantity: number, of = goods('east', quantity)): TransferEvent => ({
    ...of,
    type: 'TransferCancelled',
  });
  const transferOf = (...told: TransferEvent[]): Transfer =>
    told.reduce<Transfer | undefined>(
      (transfer, one) => evolveTransfer(transfer, one),
      undefined,
    ) as Transfer;

  test('possible events are applied', () => {
    expect(transferOf(dispatched, arrived(3, 1), turned(2))).toMatchObject({
      status: 'CANCELLED',
      received: 2,
      rejected: 1,
      returned: 2,
    });
    expect(transferOf(dispatched, arrived(3), arrived(2))).toMatchObject({
      status: 'RECEIVED',
      operations: ['3:0', '2:0'],
    });
  });

  test.each<[lie: string, told: readonly TransferEvent[]]>([
    ['it is dispatched twice', [dispatched, dispatched]],
    ['something arrives that was not sent', [arrived(1)]],
    ['something turns round that was not sent', [turned(1)]],
    ['more arrives than is on the way', [dispatched, arrived(3), arrived(3)]],
    ['more is rejected than arrives', [dispatched, arrived(2, 3)]],
    ['it arrives in another warehouse', [dispatched, arrived(5, 0, goods('north', 5))]],
    ['it arrives where it came from', [dispatched, arrived(5, 0, goods('east', 5))]],
    ['it arrives as something else', [dispatched, arrived(5, 0, goods('west', 5, 'RICE'))]],
    ['it arrives after all of it has', [dispatched, arrived(5), arrived(1)]],
    ['it arrives after it has turned round', [dispatched, turned(5), arrived(1)]],
    ['a part of it turns round', [dispatched, turned(4)]],
    ['more turns round than is on the way', [dispatched, arrived(2), turned(5)]],
    ['it turns round to another warehouse', [dispatched, turned(5, goods('west', 5))]],
    ['it turns round after it has arrived', [dispatched, arrived(5), turned(5)]],
    ['it has two lines', [{ ...dispatched, lines: [...dispatched.lines, ...dispatched.lines] }]],
    ['it has none', [{ ...dispatched, lines: [] }]],
  ])('asserts where %s', (_, told) => {
    expect(() => transferOf(...told)).toThrow(AssertionError);
  });
});
