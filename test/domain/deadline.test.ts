/**
 * BR-003 by examples: a hold that is not paid in time returns, whether anybody sweeps or not, and is never revived.
 */
import { describe, expect, test } from 'vitest';
import { HOLD_SECONDS_DEFAULT, HOLD_SECONDS_MAX, LIFETIME_SECONDS_MAX } from '../../src/domain/language.ts';
import { answer, MINUTE_MS, outcome, refusal, START_MS, spelled } from './sentences.ts';
import { given } from './shop.ts';

describe('a hold that is not paid', () => {
  test('BR-003: an unpaid hold returns after 30 minutes', () => {
    const shop = given('TEA@east=100');
    shop.reserve('order-1', 'TEA@east=5');
    expect(shop.figures('TEA@east')).toBe('100 = 95 available + 5 reserved + 0 sold');
    shop.wait(30 * MINUTE_MS);
    shop.inventory.returnDue(shop.nowMs);
    expect(shop.figures('TEA@east')).toBe('100 = 100 available + 0 reserved + 0 sold');
    expect(shop.reservation('order-1')).toMatchObject({ status: 'EXPIRED', resolvedAtMs: shop.nowMs });
    expect(shop.events.at(-1)).toMatchObject({
      type: 'InventoryReleased',
      cause: 'expired',
      actor: 'clock',
    });
  });

  test('BR-003: a hold is over at its deadline and not one millisecond earlier', () => {
    for (const [late, status] of [
      [-1, 'ACTIVE'],
      [0, 'EXPIRED'],
      [1, 'EXPIRED'],
    ] as const) {
      const shop = given('TEA@east=1');
      shop.reserve('order-1', 'TEA@east=1', 60);
      shop.wait(60_000 + late);
      shop.inventory.returnDue(shop.nowMs);
      expect(shop.reservation('order-1').status).toBe(status);
    }
  });

  test('BR-003: units of an expired hold can be reserved by another order', () => {
    const shop = given('TEA@east=1');
    shop.reserve('order-1', 'TEA@east=1');
    expect(outcome(shop.reserve('order-2', 'TEA@east=1'))).toBe('insufficient-stock');
    shop.wait(HOLD_SECONDS_DEFAULT * 1_000);
    expect(outcome(shop.reserve('order-2', 'TEA@east=1'))).toBe('done');
  });

  test('BR-003: holds return in the order of their deadlines', () => {
    const shop = given('TEA@east=3');
    shop.reserve('long', 'TEA@east=1', 90);
    shop.reserve('short', 'TEA@east=1', 30);
    shop.reserve('middle', 'TEA@east=1', 60);
    const before = shop.events.length;
    shop.wait(90_000);
    shop.inventory.returnDue(shop.nowMs);
    const returned = shop.events.slice(before).map((event) => ('orderId' in event ? event.orderId : ''));
    expect(returned).toEqual(['short', 'middle', 'long']);
  });

  test('BR-003: only what is still held returns after a partial release', () => {
    const shop = given('TEA@east=5');
    shop.reserve('order-1', 'TEA@east=5');
    shop.release('order-1', 'TEA=2');
    shop.wait(HOLD_SECONDS_DEFAULT * 1_000);
    shop.inventory.returnDue(shop.nowMs);
    expect(spelled(shop.events.at(-1)?.lines ?? [])).toBe('TEA@east=3');
    expect(shop.item('TEA@east').available).toBe(5);
  });
});

describe('after the deadline', () => {
  test.each(['confirm', 'release'] as const)(
    'BR-003: a late %s is refused because the hold has expired',
    (late) => {
      const shop = given('TEA@east=1');
      shop.reserve('order-1', 'TEA@east=1');
      shop.wait(HOLD_SECONDS_DEFAULT * 1_000);
      expect(refusal(shop[late]('order-1'))).toMatchObject({
        code: 'reservation-expired',
        reservation: { status: 'EXPIRED', orderId: 'order-1' },
      });
      expect(shop.figures('TEA@east')).toBe('1 = 1 available + 0 reserved + 0 sold');
    },
  );

  test('BR-003: a hold past its deadline is over even if no sweep has run', () => {
    const shop = given('TEA@east=1');
    shop.reserve('order-1', 'TEA@east=1');
    const late = START_MS + HOLD_SECONDS_DEFAULT * 1_000;
    const decided = shop.inventory.decide(
      { kind: 'confirm', orderId: 'order-1', reacquire: false, actor: 'order-service' },
      late,
    );
    expect(outcome(decided)).toBe('reservation-expired');
    expect(shop.item('TEA@east').available).toBe(1);
  });

  test('BR-006: the repeat of an expired order shows EXPIRED and holds nothing', () => {
    const shop = given('TEA@east=1');
    shop.reserve('order-1', 'TEA@east=1');
    shop.wait(HOLD_SECONDS_DEFAULT * 1_000);
    const again = shop.reserve('order-1', 'TEA@east=1');
    expect(outcome(again)).toBe('replayed');
    expect(answer(again).status).toBe('EXPIRED');
    expect(shop.item('TEA@east').available).toBe(1);
  });

  test('a payment repeated after the deadline is a repeat if the first was in time', () => {
    const shop = given('TEA@east=1');
    shop.reserve('order-1', 'TEA@east=1');
    shop.confirm('order-1');
    shop.wait(2 * HOLD_SECONDS_DEFAULT * 1_000);
    expect(outcome(shop.confirm('order-1'))).toBe('replayed');
    expect(shop.item('TEA@east').sold).toBe(1);
  });
});

describe('extend', () => {
  test('BR-003: an extended hold lasts the requested time from now', () => {
    const shop = given('TEA@east=1');
    shop.reserve('order-1', 'TEA@east=1', 60);
    shop.wait(59_999);
    const extended = answer(shop.extend('order-1', 120));
    expect(extended.expiresAtMs).toBe(shop.nowMs + 120_000);
    shop.wait(119_999);
    expect(outcome(shop.confirm('order-1'))).toBe('done');
  });

  test('BR-003: a hold never gets shorter by an extension', () => {
    const shop = given('TEA@east=1');
    const held = answer(shop.reserve('order-1', 'TEA@east=1', 120));
    const before = shop.events.length;
    for (const seconds of [60, 120]) {
      const same = shop.extend('order-1', seconds);
      expect(outcome(same)).toBe('replayed');
      expect(answer(same)).toEqual(held);
    }
    expect(shop.events.length).toBe(before);
  });

  test('BR-003: the lifetime of a hold is capped, and the refusal says how far it can go', () => {
    const shop = given('TEA@east=1');
    shop.reserve('order-1', 'TEA@east=1', HOLD_SECONDS_MAX);
    const latestExpiresAtMs = START_MS + LIFETIME_SECONDS_MAX * 1_000;
    while (shop.nowMs + HOLD_SECONDS_MAX * 1_000 <= latestExpiresAtMs) {
      answer(shop.extend('order-1', HOLD_SECONDS_MAX));
      shop.wait(HOLD_SECONDS_MAX * 1_000 - 1_000);
    }
    expect(refusal(shop.extend('order-1', HOLD_SECONDS_MAX))).toEqual({
      code: 'lifetime-exceeded',
      latestExpiresAtMs,
    });
    const rest = (latestExpiresAtMs - shop.nowMs) / 1_000;
    expect(outcome(shop.extend('order-1', rest))).toBe('done');
    expect(outcome(shop.extend('order-1', rest + 1))).toBe('lifetime-exceeded');
    shop.wait(1);
    expect(outcome(shop.extend('order-1', rest))).toBe('lifetime-exceeded');
  });

  test('BR-003: an expired hold is never revived: it expires, another buyer reserves, and extending is refused', () => {
    const shop = given('TEA@east=1');
    shop.reserve('order-1', 'TEA@east=1', 60);
    shop.wait(60_000);
    expect(outcome(shop.reserve('order-2', 'TEA@east=1'))).toBe('done');
    expect(outcome(shop.extend('order-1', 60))).toBe('reservation-expired');
    expect(shop.figures('TEA@east')).toBe('1 = 0 available + 1 reserved + 0 sold');
  });

  test('BR-003: an expired hold is not revived, even if its units are still available', () => {
    const shop = given('TEA@east=1');
    shop.reserve('order-1', 'TEA@east=1', 60);
    shop.wait(60_000);
    expect(outcome(shop.extend('order-1', 60))).toBe('reservation-expired');
    expect(shop.item('TEA@east').available).toBe(1);
  });

  test('an extension moves no units, and its event names what is held', () => {
    const shop = given('TEA@east=3');
    shop.reserve('order-1', 'TEA@east=2', 60);
    answer(shop.extend('order-1', 120));
    expect(shop.figures('TEA@east')).toBe('3 = 1 available + 2 reserved + 0 sold');
    expect(shop.events.at(-1)).toMatchObject({
      type: 'ReservationExtended',
      expiresAtMs: START_MS + 120_000,
    });
    expect(spelled(shop.events.at(-1)?.lines ?? [])).toBe('TEA@east=2');
  });
});
