/** The record of an item. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeItem,
  decodeItemView,
  decodeSkuView,
  encodeItem,
  encodeQuarantinedItem,
} from '../../../src/hotpath/codec/item-codec.ts';
import { Unreadable } from '../../../src/hotpath/codec/words.ts';
import { anyId } from '../../domain/ids.ts';
import { instantMs, NEWER, NO_RECORDS, RUNS, units } from './values.ts';

const counters = {
  total: units,
  available: units,
  reserved: units,
  sold: units,
  version: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  safetyStock: units,
  isLow: fc.boolean(),
};
const lock = fc.oneof(
  fc.constant({}),
  fc.record({ stocktake: fc.record({ stocktakeId: anyId, untilMs: instantMs }) }),
  fc.record({ holdsUntilMs: instantMs }),
);
const item = fc
  .tuple(fc.record({ sku: anyId, warehouse: anyId, ...counters }), lock)
  .map(([plain, locked]) => ({ ...plain, ...locked }));

describe('an item', () => {
  test('is decoded to what was encoded, whatever the ids', () => {
    fc.assert(
      fc.property(item, (written) => {
        expect(decodeItem(written.sku, written.warehouse, encodeItem(written))).toEqual(written);
      }),
      RUNS,
    );
  });

  test('in quarantine is unreadable as an item and shows its figures to people', () => {
    fc.assert(
      fc.property(item, (written) => {
        const text = encodeQuarantinedItem(written);
        expect(text).toBe(`quarantined ${encodeItem(written)}`);
        expect(() => decodeItem(written.sku, written.warehouse, text)).toThrow(Unreadable);
      }),
      RUNS,
    );
  });

  test('of a newer release is named as such in the error', () => {
    expect(() => decodeItem('TEA', 'east', 'v2 10 10 0 0 1 0 0')).toThrow(NEWER);
  });

  test.each([
    ...NO_RECORDS,
    '10 10 0 0 1 0',
    '10 10 0 0 1 0 2',
    '10 10 0 0 1 0 0 0',
    '-1 10 0 0 1 0 0',
    '10 1e1 0 0 1 0 0',
    '10 10.0 0 0 1 0 0',
    ' 10 10 0 0 1 0 0',
    '10 10 0 0 1 0 0\n',
    '10  10 0 0 1 0 0',
    '10 10 0 0 1 0 0 count-1',
    '10 10 0 0 1 0 0 count-1 soon',
    '10 10 0 0 1 0 0 count-1 1e9',
    '10 10 0 0 1 0 0 count-1 9 9',
    '10 10 0 0 1 0 0 -',
    '10 10 0 0 1 0 0 a@b 9',
    '10 10 0 0 1 0 0 %41 9',
  ])('is not decoded from %j', (text) => {
    expect(() => decodeItem('TEA', 'east', text)).toThrow(Unreadable);
    expect(() => decodeItemView('TEA', 'east', text)).toThrow(Unreadable);
  });
});

describe('a SKU', () => {
  test('is the sum of its warehouses, whose ids are decoded', () => {
    expect(decodeSkuView('茶', '%2A 5 3 2 0 4 0 0,a%2Cb 7 6 0 1 9 2 0')).toEqual({
      sku: '茶',
      total: 12,
      available: 9,
      reserved: 2,
      sold: 1,
      warehouses: [
        { warehouse: '*', total: 5, available: 3, reserved: 2, sold: 0, version: 4, safetyStock: 0 },
        { warehouse: 'a,b', total: 7, available: 6, reserved: 0, sold: 1, version: 9, safetyStock: 2 },
      ],
    });
  });

  test.each(['', 'east', 'east 5 5', '* 5 5 0 0 1 0 0', 'east 5 5 0 0 1 0 0,', '%41 5 5 0 0 1 0 0'])(
    'is not decoded from %j',
    (text) => {
      expect(() => decodeSkuView('TEA', text)).toThrow(Unreadable);
    },
  );
});
