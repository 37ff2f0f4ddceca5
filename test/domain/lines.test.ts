/**
 * The text form of lines and parts, and the fingerprints by which a repeat is recognized (BR-006).
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalLines,
  canonicalParts,
  confirmOperation,
  decodeLines,
  encodeLines,
  encodeParts,
  QUANTITY_MAX,
  releaseOperation,
  requestFingerprint,
} from '../../src/domain/language.ts';
import { HISTORIES } from './histories.ts';
import { anyId } from './ids.ts';
import { lines } from './sentences.ts';

const quantity = fc.integer({ min: 1, max: QUANTITY_MAX });
const stockLine = fc.record({ sku: anyId, warehouse: anyId, quantity });
// Few names, so that lines meet.
const near = fc.record({
  sku: fc.constantFrom('A', 'B', 'a', 'A-1', 'A.1', 'A:1', '10', '9'),
  warehouse: fc.option(fc.constantFrom('w', 'W', 'w1', '0'), { nil: undefined }),
  quantity: fc.integer({ min: 1, max: 9 }),
});
const someLines = fc.array(near, { minLength: 1, maxLength: 12 });

const runs = { numRuns: HISTORIES };

describe('lines', () => {
  test('are decoded to what was encoded', () => {
    fc.assert(
      fc.property(fc.array(stockLine, { minLength: 1, maxLength: 10 }), (written) => {
        expect(decodeLines(encodeLines(written))).toEqual(written);
      }),
      runs,
    );
  });

  test('are not decoded from any other text', () => {
    const bad = [
      '',
      ',',
      'A',
      'A@w',
      'A@w=',
      'A@w=x',
      'A=1',
      '@w=1',
      'A@=1',
      'A@w=1,',
      ',A@w=1',
      'A@w=1;B@w=1',
    ];
    const numbers = ['A@w=1.5', 'A@w=-1', 'A@w=1e3', 'A@w=0x1', 'A@w= 1', 'A@w=12345678901', 'A@w=NaN'];
    for (const text of [...bad, ...numbers]) expect(() => decodeLines(text), text).toThrow();
  });

  test('canonical lines do not depend on the order they were given in', () => {
    fc.assert(
      fc.property(
        someLines.chain((given) => fc.tuple(fc.constant(given), shuffled(given))),
        ([given, mixed]) => {
          expect(canonicalLines(mixed)).toEqual(canonicalLines(given));
        },
      ),
      runs,
    );
  });

  test('canonical lines name each item once, in order, and lose no unit', () => {
    fc.assert(
      fc.property(someLines, (given) => {
        const canonical = canonicalLines(given);
        const names = canonical.map((line) => `${line.sku} ${line.warehouse ?? '*'}`);
        expect(new Set(names).size).toBe(names.length);
        expect(names).toEqual(names.toSorted());
        expect(total(canonical)).toBe(total(given));
        expect(canonicalLines(canonical)).toEqual(canonical);
      }),
      runs,
    );
  });

  test('requests have equal fingerprints exactly if their content is equal', () => {
    fc.assert(
      fc.property(someLines, someLines, fc.constantFrom(1_000, 10_000), (left, right, holdMs) => {
        const a = canonicalLines(left);
        const b = canonicalLines(right);
        expect(requestFingerprint(holdMs, a) === requestFingerprint(holdMs, b)).toBe(
          JSON.stringify(a) === JSON.stringify(b),
        );
        expect(requestFingerprint(holdMs, a)).not.toBe(requestFingerprint(holdMs + 1, a));
      }),
      runs,
    );
  });

  test('a line without a warehouse has a text that no warehouse id can have', () => {
    expect(encodeLines(lines('TEA=2,RICE@east=1'))).toBe('TEA@*=2,RICE@east=1');
    expect(encodeLines([{ sku: 'TEA', warehouse: '*', quantity: 1 }])).toBe('TEA@%2A=1');
  });
});

describe('parts', () => {
  test('encodeParts adds up and sorts, and does not look at warehouses', () => {
    expect(encodeParts(lines('TEA=2,RICE=1,TEA@east=3'))).toBe('RICE=1,TEA=5');
    expect(canonicalParts(lines('TEA@east=2'))).toEqual([{ sku: 'TEA', quantity: 2 }]);
  });

  test('the same parts in another order or cut otherwise are the same operation', () => {
    const confirm = (text: string) => confirmOperation({ lines: lines(text) });
    expect(confirm('TEA=2,RICE=1')).toBe(confirm('RICE=1,TEA=1,TEA=1'));
    expect(confirm('TEA=2')).not.toBe(confirm('TEA=3'));
  });

  test('no two kinds of operation share a name', () => {
    const names = [
      confirmOperation({}),
      confirmOperation({ lines: lines('TEA=1') }),
      releaseOperation({}),
      releaseOperation({ lines: lines('TEA=1') }),
      releaseOperation({ lines: lines('TEA=1'), releaseId: 'TEA' }),
    ];
    expect(new Set(names).size).toBe(names.length);
  });
});

function total(all: readonly { quantity: number }[]): number {
  return all.reduce((sum, line) => sum + line.quantity, 0);
}

function shuffled<T>(all: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...all], { minLength: all.length, maxLength: all.length });
}
