/** The lines of a count sheet. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { itemName, STOCKTAKE_STATUSES } from '../../../src/domain/language.ts';
import {
  decodeStocktakeLine,
  decodeStocktakeSheet,
  encodeStocktakeLine,
} from '../../../src/hotpath/codec/stocktake-codec.ts';
import { Unreadable } from '../../../src/hotpath/codec/words.ts';
import { anyId } from '../../domain/ids.ts';
import { instantMs, NEWER, NO_RECORDS, RUNS, units } from './values.ts';

const line = fc.record(
  {
    sku: anyId,
    warehouse: anyId,
    status: fc.constantFrom(...STOCKTAKE_STATUSES),
    untilMs: instantMs,
    before: units,
    counted: units,
  },
  { requiredKeys: ['sku', 'warehouse', 'status', 'untilMs', 'before'] },
);

test('a sheet is decoded line by line to what was encoded, whatever the ids', () => {
  fc.assert(
    fc.property(anyId, fc.array(line, { minLength: 1, maxLength: 4 }), (stocktakeId, lines) => {
      const written = lines.map((one) => ({ stocktakeId, ...one }));
      const text = written.map((one) => `${itemName(one)} ${encodeStocktakeLine(one)}`).join(',');
      expect(decodeStocktakeSheet(stocktakeId, text)).toEqual(written);
    }),
    RUNS,
  );
});

test('the answer to a count names the orders whose holds were released', () => {
  const decode = (text: string) => decodeStocktakeLine('c', 'TEA', 'a', text);
  expect(decode('COUNTED 5 9 7 order-1,a%40b').released).toEqual(['order-1', 'a@b']);
  expect(decode('COUNTED 5 9 7 -').released).toBeUndefined();
});

describe('a line', () => {
  test('of a newer release is named as such in the error', () => {
    expect(() => decodeStocktakeLine('c', 'TEA', 'east', 'v2 COUNTING 5 9 -')).toThrow(NEWER);
    expect(() => decodeStocktakeSheet('c', 'TEA@east v2 COUNTING 5 9 -')).toThrow(NEWER);
  });

  test.each([
    ...NO_RECORDS,
    'COUNTING',
    'COUNTING 5',
    'COUNTING 5 9',
    'COUNTING soon 9 -',
    'COUNTING 5 nine -',
    'COUNTED 5 9 1e3',
    'COUNTED 5 9 7 a@b',
    'COUNTED 5 9 7 - more',
    'counting 5 9 -',
    'LOST 5 9 -',
  ])('is not decoded from %j', (text) => {
    expect(() => decodeStocktakeLine('c', 'TEA', 'east', text)).toThrow(Unreadable);
    expect(() => decodeStocktakeSheet('c', `TEA@east ${text}`)).toThrow(Unreadable);
  });

  test.each([
    'COUNTING 5 9 -',
    'TEA COUNTING 5 9 -',
    '@east COUNTING 5 9 -',
    'TEA@east',
    'TEA@* COUNTING 5 9 -',
  ])('of a sheet is not decoded without its item, as in %j', (text) => {
    expect(() => decodeStocktakeSheet('c', text)).toThrow(Unreadable);
  });
});
