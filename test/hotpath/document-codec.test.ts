/**
 * The texts of count sheets, transfers, sales and refusals: what was written is read back as it was, and nothing else is
 * taken for one.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { STOCKTAKE_STATUSES, TRANSFER_STATUSES } from '../../src/domain/language.ts';
import { decodeRefusal } from '../../src/hotpath/codec/refusal-codec.ts';
import { decodeReservationView } from '../../src/hotpath/codec/reservation-codec.ts';
import { decodeSaleView, encodeSale } from '../../src/hotpath/codec/sale-codec.ts';
import {
  decodeStocktakeLine,
  decodeStocktakeSheet,
  encodeStocktakeLine,
} from '../../src/hotpath/codec/stocktake-codec.ts';
import { decodeTransferView, encodeTransfer } from '../../src/hotpath/codec/transfer-codec.ts';
import { Unreadable } from '../../src/hotpath/codec/words.ts';
import { HISTORIES } from '../domain/histories.ts';
import { START_MS } from '../domain/sentences.ts';

const units = fc.nat({ max: 1_000_000_000 });
const ms = fc.nat({ max: 253_402_300_799_999 });
const name = fc.constantFrom('TEA', 'a.b:c-d_e', '0');
const runs = { numRuns: HISTORIES };

describe('what TypeScript wrote is read back as it was', () => {
  test('lines of count sheets', () => {
    const line = fc.record({
      stocktakeId: fc.constant('count-1'),
      sku: name,
      warehouse: name,
      status: fc.constantFrom(...STOCKTAKE_STATUSES),
      untilMs: ms,
      before: units,
    });
    fc.assert(
      fc.property(line, fc.option(units, { nil: undefined }), (begun, counted) => {
        const written = counted === undefined ? begun : { ...begun, counted };
        const { sku, warehouse } = written;
        expect(decodeStocktakeLine('count-1', sku, warehouse, encodeStocktakeLine(written))).toEqual(written);
      }),
      runs,
    );
  });

  test('transfers', () => {
    const transfer = fc.record({
      transferId: fc.constant('T-1'),
      status: fc.constantFrom(...TRANSFER_STATUSES),
      sku: name,
      from: name,
      to: name,
      quantity: units,
      received: units,
      rejected: units,
      returned: units,
    });
    fc.assert(
      fc.property(transfer, fc.array(fc.constantFrom('2:0', '#a')), (written, operations) => {
        const text = encodeTransfer({ ...written, operations });
        expect(decodeTransferView('T-1', text)).toEqual(written);
        expect(text.split(' ').at(-1)).toBe(operations.join(';') || '-');
      }),
      runs,
    );
  });

  test('sales, whose rest follows from their figures and the time', () => {
    const sale = fc.record({
      saleId: fc.constant('flash'),
      sku: name,
      opensAtMs: ms,
      closesAtMs: ms,
      quantity: units,
      limitPerCustomer: units,
      reserved: units,
      sold: units,
      released: units,
      expired: units,
    });
    fc.assert(
      fc.property(sale, ms, (written, nowMs) => {
        const { left, ...read } = decodeSaleView('flash', `${written.sku} ${encodeSale(written)}`, nowMs);
        expect(read).toEqual(written);
        const rest = Math.max(0, written.quantity - written.reserved - written.sold);
        expect(left).toBe(written.closesAtMs <= nowMs ? 0 : rest);
      }),
      runs,
    );
  });
});

test('a sheet is read line by line, and names the holds that a count released', () => {
  expect(decodeStocktakeSheet('c', 'TEA@a COUNTING 5 9 -,TEA@b COUNTED 5 9 7')).toEqual([
    { stocktakeId: 'c', sku: 'TEA', warehouse: 'a', status: 'COUNTING', untilMs: 5, before: 9 },
    { stocktakeId: 'c', sku: 'TEA', warehouse: 'b', status: 'COUNTED', untilMs: 5, before: 9, counted: 7 },
  ]);
  expect(decodeStocktakeLine('c', 'TEA', 'a', 'COUNTED 5 9 7 order-1,order-2').released).toEqual([
    'order-1',
    'order-2',
  ]);
  expect(decodeStocktakeLine('c', 'TEA', 'a', 'COUNTED 5 9 7 -').released).toBeUndefined();
});

describe('anything else is unreadable', () => {
  const WORDS = ['', ' ', 'nothing', 'null', '1 2 3', '{}', 'ACTIVE', '庫存'];

  test.each([
    ...WORDS,
    'COUNTING',
    'COUNTING 5',
    'COUNTING 5 9',
    'COUNTING soon 9 -',
    'COUNTING 5 nine -',
    'COUNTED 5 9 1e3',
    'counting 5 9 -',
    'LOST 5 9 -',
  ])('as a line of a count sheet: %j', (text) => {
    expect(() => decodeStocktakeLine('c', 'TEA', 'east', text)).toThrow(Unreadable);
    expect(() => decodeStocktakeSheet('c', `TEA@east ${text}`)).toThrow(Unreadable);
  });

  test.each(['COUNTING 5 9 -', 'TEA COUNTING 5 9 -', '@east COUNTING 5 9 -', 'TEA@east'])(
    'as a line of a sheet that names its item: %j',
    (text) => {
      expect(() => decodeStocktakeSheet('c', text)).toThrow(Unreadable);
    },
  );

  test.each([
    ...WORDS,
    'IN_TRANSIT TEA east west 5 0 0 0',
    'IN_TRANSIT TEA east west 5 0 0 0 - -',
    'IN_TRANSIT TEA east west five 0 0 0 -',
    'IN_TRANSIT TEA east west 5 -1 0 0 -',
    'IN_TRANSIT TEA east west 5 0 0.5 0 -',
    'LOST TEA east west 5 0 0 0 -',
    'IN_TRANSIT  east west 5 0 0 0 -',
  ])('as a transfer: %j', (text) => {
    expect(() => decodeTransferView('T-1', text)).toThrow(Unreadable);
  });

  test.each([
    ...WORDS,
    'TEA 1 2 3 4 5 6 7',
    'TEA 1 2 3 4 5 6 7 8 9',
    'TEA 1 2 3 4 5 6 7 -8',
    'TEA 1 2 3 4 5 6 7 1e3',
    ' 1 2 3 4 5 6 7 8',
  ])('as a sale: %j', (text) => {
    expect(() => decodeSaleView('flash', text, START_MS)).toThrow(Unreadable);
  });

  test.each(['', 'TEA@east', 'TEA@east=far', 'TEA=short', '@east=short', 'TEA@east=short,'])(
    'as what was passed by: %j',
    (text) => {
      expect(() => decodeReservationView('order-1', `ACTIVE 1 60000 TEA@east=1\n${text}`)).toThrow(
        Unreadable,
      );
    },
  );

  test.each([
    ...WORDS,
    'sold-out',
    'insufficient-stock nonsense=',
    'reservation-expired ACTIVE',
    'invalid-command',
    'transfer-ended IN_TRANSIT',
    'stocktake-ended OVER',
    'stocktake-in-progress TEA@east',
    'stocktake-in-progress TEA@east=count-1',
    'stocktake-in-progress TEA=count-1:5',
    'stocktake-in-progress TEA@east=count-1:soon',
  ])('as a refusal: %j', (text) => {
    expect(() => decodeRefusal(text, 'order-1')).toThrow(Unreadable);
  });

  test.each([
    'insufficient-stock TEA@east',
    'exceeds-reservation TEA',
    'lifetime-exceeded soon',
    'paid-but-short TEA@east',
    'exceeds-sold',
    'version-conflict 1e3',
    'quantity-limit-exceeded',
    'count-below-committed 1 2',
    'count-below-committed 1 2 3 4',
    'exceeds-transit -',
    'sale-not-open',
    'sale-closed never',
    'purchase-limit-exceeded 3 2',
  ])('as a refusal that lacks its figures: %j', (text) => {
    expect(() => decodeRefusal(text, 'order-1')).toThrow(Unreadable);
  });
});
