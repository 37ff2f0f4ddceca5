/**
 * The compiled check of an input and its schema are two readings of one declaration: they accept the same values, whatever
 * is sent; what they refuse is named.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { declare, type Input, issuesOf, strict } from '../../src/domain/inputs/declare.ts';
import { id, whole } from '../../src/domain/inputs/fields.ts';
import * as goods from '../../src/domain/inputs/goods.ts';
import * as orders from '../../src/domain/inputs/orders.ts';
import { HISTORIES } from './histories.ts';
import { anyId } from './ids.ts';

const EXPORTS: readonly (readonly [string, unknown])[] = Object.entries({ ...orders, ...goods });
const INPUTS = EXPORTS.filter(([name]) => name.endsWith('Input')) as [string, Input][];

/** A value that is often right for its field, and often nearly so. */
const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: anyId },
  { weight: 4, arbitrary: fc.constantFrom(0, 1, 2, 900, -1, 1.5, 1e9, 1e9 + 1, Number.NaN, 2 ** 53) },
  { weight: 2, arbitrary: fc.constantFrom(undefined, null, true, 'single', 'split', '', ' a', {}, []) },
  {
    weight: 4,
    arbitrary: fc.array(
      fc.record(
        { sku: anyId, quantity: fc.constantFrom(1, 2, 0, 1e9), warehouse: anyId, more: fc.anything() },
        { requiredKeys: [] },
      ),
      { maxLength: 3 },
    ),
  },
  { weight: 2, arbitrary: fc.array(anyId, { maxLength: 2 }) },
  {
    weight: 2,
    arbitrary: fc.record(
      { latitude: fc.constantFrom(25, 91, '25'), longitude: fc.constantFrom(121, -181, Number.NaN) },
      { requiredKeys: [] },
    ),
  },
  fc.anything(),
);

const part = fc.record({ sku: anyId, quantity: fc.constantFrom(1, 2, 1e9) });
/** Values that are right for a field of this name, those at its bounds among them; all other fields are ids. */
const RIGHT: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  lines: fc.array(part, { minLength: 1, maxLength: 3 }),
  quantity: fc.constantFrom(1, 1e9),
  counted: fc.constantFrom(0, 1e9),
  received: fc.constantFrom(0, 1, 1e9),
  rejected: fc.constantFrom(undefined, 0, 1),
  limitPerCustomer: fc.constantFrom(undefined, 0, 1),
  holdSeconds: fc.constantFrom(1, 14_400),
  leaseSeconds: fc.constantFrom(undefined, 1, 14_400),
  expectedVersion: fc.constantFrom(0, Number.MAX_SAFE_INTEGER),
  opensAtMs: fc.constantFrom(1, 2),
  closesAtMs: fc.constantFrom(2, 253_402_300_799_999),
  reason: fc.constantFrom('torn', '雙11 進貨', 'x'.repeat(200)),
  reacquire: fc.boolean(),
  allocation: fc.constantFrom(undefined, 'single', 'split'),
  shipTo: fc.record({ latitude: fc.constantFrom(-90, 90), longitude: fc.constantFrom(-180, 180) }),
  releasable: fc.array(anyId, { maxLength: 2 }),
};

test('there are declared inputs to be tested', () => {
  expect(INPUTS.length).toBe(18);
});

test.each(INPUTS)('the compiled check of %s agrees with its schema', (_name, input) => {
  const fields = Object.keys(input.schema.shape);
  const mostly = (field: string) =>
    fc.oneof({ weight: 12, arbitrary: RIGHT[field] ?? anyId }, { weight: 1, arbitrary: value });
  const known = Object.fromEntries(fields.map((field) => [field, mostly(field)]));
  const right = fc.record<Record<string, unknown>>(
    { ...known, unknown: fc.constant(1) },
    { requiredKeys: fields },
  );
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: fc.anything() }),
      (sent) => {
        const issues = input.issues(sent);
        expect(issues.length === 0).toBe(issuesOf(input.schema, sent, true).length === 0);
        const isWhole = issues.length === 0 && input.knowsAllOf(sent);
        expect(isWhole).toBe(input.schema.safeParse(sent).success);
        if (isWhole) accepted++;
        for (const { message } of issues) expect(message).toMatch(/^[a-z]/);
      },
    ),
    { numRuns: Math.max(HISTORIES, 400) },
  );
  expect(accepted).toBeGreaterThan(4);
});

test('a list with a hole in it is refused', () => {
  const holes: unknown[] = [{ sku: 'A', quantity: 1 }];
  holes[2] = { sku: 'B', quantity: 1 };
  expect(orders.reserveInput.issues({ orderId: 'o', lines: holes })).toMatchObject([{ path: 'lines[1]' }]);
});

test('a rule between fields is checked where each of them is right', () => {
  const range = declare(
    strict({ from: whole(0, 9), to: whole(0, 9), name: id('What.', 'A') }).refine(
      ({ from, to }) => from < to,
      {
        path: ['to'],
        message: 'must be above `from`',
      },
    ),
  );
  expect(range.issues({ from: 1, to: 2, name: 'A' })).toEqual([]);
  expect(range.issues({ from: 2, to: 2, name: 'A' })).toEqual([
    { path: 'to', message: 'must be above `from`' },
  ]);
  expect(range.issues({ from: 9, to: 10, name: 'A' })).toMatchObject([{ path: 'to' }]);
  expect(range.read({ from: 1, to: 2, name: 'A', more: 1 })).toMatchObject({ from: 1 });
  expect(range.knowsAllOf({ from: 1, to: 2, name: 'A', more: 1 })).toBe(false);
});
