/** The words that all texts in Redis consist of. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeDigits,
  decodeIdWord,
  decodeOperations,
  decodeOptionalId,
  decodeReason,
  encodeOperations,
  encodeOptionalId,
  encodeReason,
  RECORD_FORMAT,
  Unreadable,
} from '../../../src/hotpath/codec/words.ts';
import { anyId } from '../../domain/ids.ts';
import { maybe, NEWER, RUNS } from './values.ts';

const WORD = /^[!-~]+$/;

describe('a word', () => {
  test('of an id that may be absent is decoded to what was encoded', () => {
    fc.assert(
      fc.property(maybe(anyId), (id) => {
        const word = encodeOptionalId(id);
        expect(word).toMatch(WORD);
        expect(decodeOptionalId('a test', word)).toBe(id);
      }),
      RUNS,
    );
  });

  test('of a reason is decoded to what was encoded', () => {
    const reason = fc.string({ unit: 'grapheme', maxLength: 40 });
    fc.assert(
      fc.property(reason, (written) => {
        const word = encodeReason(written);
        expect(word).toMatch(WORD);
        expect(decodeReason(word)).toBe(written);
      }),
      RUNS,
    );
    expect([encodeReason(''), encodeReason('-')]).toEqual(['-', '=-']);
  });

  test('of operations is decoded to what was encoded', () => {
    for (const written of [[], ['c*'], ['rA=1', 'r#%2D', 'short']]) {
      expect(decodeOperations(encodeOperations(written))).toEqual(written);
    }
  });

  test.each(['', '-1', '1.5', '1e3', ' 1', '0x1', '1'.repeat(16), undefined])('%j is no number', (word) => {
    expect(() => decodeDigits('a test', word)).toThrow(Unreadable);
  });

  test.each(['', '-', '*', 'a b', 'a@b', '%41', '%2f', undefined])('%j is no id', (word) => {
    expect(() => decodeIdWord('a test', word)).toThrow(Unreadable);
  });

  test.each(['', 'new', '=%', '=%ff'])('%j is no reason', (word) => {
    expect(() => decodeReason(word)).toThrow(Unreadable);
  });
});

describe('the error about a text', () => {
  test('of a newer release names both formats', () => {
    const { message } = new Unreadable('an item', 'v2 10 10');
    expect(message).toMatch(NEWER);
    expect(message).toContain(`reads format ${RECORD_FORMAT}`);
  });

  test('of any other kind shows the text, cut after 200 characters', () => {
    expect(new Unreadable('an item', 'v2').message).toBe('an item cannot be read: "v2"');
    expect(new Unreadable('an item', 'x'.repeat(999)).message.length).toBeLessThan(250);
  });
});
