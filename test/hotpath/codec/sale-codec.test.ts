/** The records of a flash sale. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeId } from '../../../src/domain/language.ts';
import {
  decodeSaleView,
  encodeQuota,
  encodeSale,
  encodeSaleTerms,
  saleField,
} from '../../../src/hotpath/codec/sale-codec.ts';
import { Unreadable } from '../../../src/hotpath/codec/words.ts';
import { anyId } from '../../domain/ids.ts';
import { instantMs, NO_RECORDS, RUNS, units } from './values.ts';

const sale = fc.record({
  saleId: anyId,
  sku: anyId,
  opensAtMs: instantMs,
  closesAtMs: instantMs,
  quantity: units,
  limitPerCustomer: units,
  reserved: units,
  sold: units,
  released: units,
  expired: units,
});

test('the figures of a sale are decoded to what was encoded; what is left follows from them and the time', () => {
  fc.assert(
    fc.property(sale, instantMs, (written, nowMs) => {
      const text = `${encodeId(written.sku)} ${encodeSale(written)}`;
      const { left, ...decoded } = decodeSaleView(written.saleId, text, nowMs);
      expect(decoded).toEqual(written);
      const rest = Math.max(0, written.quantity - written.reserved - written.sold);
      expect(left).toBe(written.closesAtMs <= nowMs ? 0 : rest);
    }),
    RUNS,
  );
});

test('the field of a sale is no field of a warehouse, whatever the ids', () => {
  fc.assert(
    fc.property(anyId, anyId, (saleId, warehouse) => {
      expect(saleField(saleId)).not.toBe(encodeId(warehouse));
    }),
    RUNS,
  );
});

test('terms and quotas are written as the program reads them', () => {
  const terms = { sku: '茶', opensAtMs: 1, closesAtMs: 2, quantity: 3, limitPerCustomer: 4 };
  expect(encodeSaleTerms(terms)).toBe('%E8%8C%B6 1 2 3 4');
  expect(encodeQuota({ held: 1, bought: 2 })).toBe('1 2');
});

describe('a sale', () => {
  test.each([
    ...NO_RECORDS,
    'TEA 1 2 3 4 5 6 7',
    'TEA 1 2 3 4 5 6 7 8 9',
    'TEA 1 2 3 4 5 6 7 -8',
    'TEA 1 2 3 4 5 6 7 1e3',
    ' 1 2 3 4 5 6 7 8',
    '* 1 2 3 4 5 6 7 8',
  ])('is not decoded from %j', (text) => {
    expect(() => decodeSaleView('flash', text, 0)).toThrow(Unreadable);
  });
});
