/** The record of a reservation, and the answer about an order. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { QUANTITY_MAX, RESERVATION_STATUSES, requestFingerprint } from '../../../src/domain/language.ts';
import {
  decodeReservation,
  decodeReservationView,
  encodeReservation,
} from '../../../src/hotpath/codec/reservation-codec.ts';
import { Unreadable } from '../../../src/hotpath/codec/words.ts';
import { anyId } from '../../domain/ids.ts';
import { instantMs, maybe, NEWER, NO_RECORDS, RUNS } from './values.ts';

const line = fc.record({ sku: anyId, warehouse: anyId, quantity: fc.integer({ min: 1, max: QUANTITY_MAX }) });
const lines = fc.array(line, { minLength: 1, maxLength: 5 });
const reservation = fc
  .record({
    orderId: anyId,
    status: fc.constantFrom(...RESERVATION_STATUSES),
    lines,
    reservedAtMs: instantMs,
    heldForMs: fc.nat({ max: 86_400_000 }),
    requested: lines,
    customerId: maybe(anyId),
    saleId: maybe(anyId),
    resolvedAtMs: maybe(instantMs),
    operations: fc.array(fc.constantFrom('c*', 'r*', 'rTEA=1', 'r#%2D', 'short'), { maxLength: 3 }),
  })
  .map(({ heldForMs, requested, ...rest }) => ({
    ...rest,
    expiresAtMs: rest.reservedAtMs + heldForMs,
    fingerprint: requestFingerprint(heldForMs, requested, rest),
  }));

describe('a reservation', () => {
  test('is decoded to what was encoded, whatever the ids', () => {
    fc.assert(
      fc.property(reservation, (written) => {
        expect(decodeReservation(written.orderId, encodeReservation(written))).toEqual(written);
      }),
      RUNS,
    );
  });

  test('leaves out a fingerprint that follows from its other words', () => {
    fc.assert(
      fc.property(reservation, (written) => {
        const { lines, customerId, saleId } = written;
        const heldForMs = written.expiresAtMs - written.reservedAtMs;
        const fingerprint = requestFingerprint(heldForMs, lines, { customerId, saleId });
        const text = encodeReservation({ ...written, fingerprint });
        expect(text).not.toContain(fingerprint);
        expect(decodeReservation(written.orderId, text).fingerprint).toBe(fingerprint);
      }),
      RUNS,
    );
  });

  test('of a newer release is named as such in the error', () => {
    expect(() => decodeReservation('o', 'v2 ACTIVE 1 60000 TEA@east=1')).toThrow(NEWER);
  });

  test.each([
    ...NO_RECORDS,
    'ACTIVE 1 60000',
    'ACTIVE 1 60000 ',
    'BOUGHT 1 60000 TEA@east=1',
    'active 1 60000 TEA@east=1',
    'ACTIVE 1 60000 TEA@east=1 -',
    'ACTIVE 1 60000 TEA@east=1 - -',
    'ACTIVE 1 60000 TEA@east=1 - - - -',
    'ACTIVE 1 60000 TEA@east=1 - - - ann flash more',
    'ACTIVE 1 60000 TEA@east=1 - - - %41 -',
    'ACTIVE x 60000 TEA@east=1',
    'ACTIVE 1 x TEA@east=1',
    'ACTIVE 1 -5 TEA@east=1',
    'ACTIVE 1e3 60000 TEA@east=1',
    'CONFIRMED 1 60000 TEA@east=1 - x c*',
    'ACTIVE 1 60000 TEA',
    'ACTIVE 1 60000 TEA@east',
    'ACTIVE 1 60000 TEA@*=1',
    'ACTIVE 1 60000 TEA@east=0',
    'ACTIVE 1 60000 TEA@east=9999999999',
  ])('is not decoded from %j', (text) => {
    expect(() => decodeReservation('order-1', text)).toThrow(Unreadable);
  });
});

describe('the answer about an order', () => {
  test('names the skipped warehouses, whatever their ids', () => {
    const { skipped } = decodeReservationView('o', 'ACTIVE 1 60000 A@w=1\nA@%2A=short,%E8%8C%B6@b:c=locked');
    expect(skipped).toEqual([
      { sku: 'A', warehouse: '*', reason: 'short' },
      { sku: '茶', warehouse: 'b:c', reason: 'locked' },
    ]);
  });

  test('has the id of its own order, also if the text is the same as of the order before', () => {
    const text = 'ACTIVE 1 60000 A@w=1';
    expect(decodeReservationView('one', text).orderId).toBe('one');
    expect(decodeReservationView('two', text).orderId).toBe('two');
  });

  test.each(['', 'TEA@east', 'TEA@east=far', 'TEA=short', '@east=short', 'TEA@east=short,'])(
    'is not decoded if the skipped warehouses are %j',
    (text) => {
      expect(() => decodeReservationView('o', `ACTIVE 1 60000 TEA@east=1\n${text}`)).toThrow(Unreadable);
    },
  );
});
