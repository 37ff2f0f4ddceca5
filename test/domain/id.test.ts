/** Valid ids, and their escaped form: it has one spelling and contains no separator. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareIds,
  decodeId,
  encodeId,
  ID_ESCAPED_BYTES_MAX,
  ID_LENGTH_MAX,
  ID_PATTERN_SOURCE,
  isId,
} from '../../src/domain/language.ts';
import { anyId, NASTY_IDS, NOT_IDS } from './ids.ts';

const ESCAPED_ALPHABET = /^[A-Za-z0-9%][A-Za-z0-9%._:-]*$/;

describe('an id', () => {
  test.each(NASTY_IDS)('%j is valid', (id) => {
    expect(isId(id)).toBe(true);
    expect(id).toMatch(new RegExp(ID_PATTERN_SOURCE, 'u'));
  });

  test.each(NOT_IDS)('%j is invalid', (text) => {
    expect(isId(text)).toBe(false);
  });

  test.each([undefined, null, 1, {}, ['a'], true])('%j is invalid, because it is no text', (value) => {
    expect(isId(value)).toBe(false);
  });

  test('has at most 128 characters, counted in code points', () => {
    expect(isId('😀'.repeat(ID_LENGTH_MAX))).toBe(true);
    expect(isId('😀'.repeat(ID_LENGTH_MAX + 1))).toBe(false);
  });
});

describe('the escaped form', () => {
  test('of an id of letters, digits and ._:- is the id itself', () => {
    for (const id of ['A', 'a:b', 'TEA-1', '9._:-', 'x'.repeat(128)]) expect(encodeId(id)).toBe(id);
  });

  test('writes other characters as their bytes', () => {
    expect(encodeId('茶/A')).toBe('%E8%8C%B6%2FA');
    expect(encodeId('-')).toBe('%2D');
    expect(encodeId('*')).toBe('%2A');
    expect(encodeId('a*b')).toBe('a%2Ab');
  });

  test('of any id is decoded to the id, contains no separator and has a limited length', () => {
    fc.assert(
      fc.property(anyId, (id) => {
        const text = encodeId(id);
        expect(text).toMatch(ESCAPED_ALPHABET);
        expect(text.length).toBeLessThanOrEqual(ID_ESCAPED_BYTES_MAX);
        expect(decodeId(text)).toBe(id);
      }),
      { numRuns: 2_000 },
    );
  });

  test('of 128 Chinese characters takes 1,152 bytes, and 1,536 is the most', () => {
    expect(encodeId('茶'.repeat(128))).toHaveLength(1_152);
    expect(encodeId('😀'.repeat(128))).toHaveLength(ID_ESCAPED_BYTES_MAX);
    expect(ID_ESCAPED_BYTES_MAX).toBe(1_536);
  });

  test.each([
    ['%41', 'a letter needs no escape'],
    ['%2f', 'hex digits are upper-case'],
    ['%E8%8C', 'half a character'],
    ['%FF', 'no UTF-8'],
    ['a%2Eb', 'a dot inside needs no escape'],
    ['-', 'stands for nothing'],
    ['*', 'stands for any warehouse'],
    ['a b', 'a blank'],
    ['a@b', 'a separator'],
    ['a%', 'no hex digits'],
    ['', 'nothing'],
  ])('%j is not accepted: %s', (text) => {
    expect(decodeId(text)).toBeUndefined();
  });

  test('of an id is the only text that is decoded to it', () => {
    const nearly = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc
        .array(fc.constantFrom('%', 'A', '4', '1', 'E', '8', '2', '-', '.', 'a'), { maxLength: 12 })
        .map((a) => a.join('')),
    );
    fc.assert(
      fc.property(nearly, (text) => {
        const id = decodeId(text);
        if (id !== undefined) expect(encodeId(id)).toBe(text);
      }),
      { numRuns: 5_000 },
    );
  });
});

test('ids are ordered as their escaped forms are, byte by byte', () => {
  fc.assert(
    fc.property(anyId, anyId, (a, b) => {
      expect(Math.sign(compareIds(a, b))).toBe(
        Buffer.compare(Buffer.from(encodeId(a)), Buffer.from(encodeId(b))),
      );
    }),
  );
});
