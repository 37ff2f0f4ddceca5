/** The refusals of the program: every row of the table, whatever the ids. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeId,
  itemName,
  type MemberKind,
  type NamedItem,
  REFUSALS,
  type RefusalRow,
  STOCKTAKE_STATUSES,
} from '../../../src/domain/language.ts';
import { decodeRefusal } from '../../../src/hotpath/codec/refusal-codec.ts';
import { encodeReservation } from '../../../src/hotpath/codec/reservation-codec.ts';
import { encodeTransfer } from '../../../src/hotpath/codec/transfer-codec.ts';
import { Unreadable } from '../../../src/hotpath/codec/words.ts';
import { anyId } from '../../domain/ids.ts';
import { instantMs, NEWER, NO_RECORDS, RUNS, units } from './values.ts';

type Written = readonly [value: unknown, text: string];
const some = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: 1, maxLength: 3 });
const item = fc.record({ sku: anyId, warehouse: anyId });
const named: fc.Arbitrary<NamedItem> = fc.oneof(item, fc.record({ sku: anyId }));
const nameOf = ({ sku, warehouse }: NamedItem) =>
  warehouse === undefined ? `${encodeId(sku)}@*` : itemName({ sku, warehouse });
const numbers = units.map((value): Written => [value, String(value)]);

/** Random members of each kind, as Lua writes them. */
const WRITTEN: { readonly [K in MemberKind]: fc.Arbitrary<Written> } = {
  units: numbers,
  version: numbers,
  time: instantMs.map((value) => [value, String(value)]),
  items: fc.array(named, { maxLength: 3 }).map((all) => [all, all.map(nameOf).join(',') || '-']),
  shortages: some(fc.tuple(named, units, units)).map((all) => [
    all.map(([one, requested, available]) => ({ ...one, requested, available })),
    all.map(([one, requested, available]) => `${nameOf(one)}=${requested}:${available}`).join(','),
  ]),
  excess: some(fc.record({ sku: anyId, requested: units, held: units })).map((all) => [
    all,
    all.map(({ sku, requested, held }) => `${encodeId(sku)}=${requested}:${held}`).join(','),
  ]),
  locks: some(fc.tuple(item, anyId, instantMs)).map((all) => [
    all.map(([one, stocktakeId, untilMs]) => ({ ...one, stocktakeId, untilMs })),
    all.map(([one, id, untilMs]) => `${itemName(one)}=${encodeId(id)}:${untilMs}`).join(','),
  ]),
  reservation: some(
    fc.record({ sku: anyId, warehouse: anyId, quantity: fc.integer({ min: 1, max: 9 }) }),
  ).map((lines) => {
    const view = { orderId: 'A-1', status: 'EXPIRED' as const, lines, reservedAtMs: 1, expiresAtMs: 60_001 };
    const text = encodeReservation({ ...view, fingerprint: '', operations: [], resolvedAtMs: 2 });
    return [{ ...view, resolvedAtMs: 2 }, text];
  }),
  transfer: fc.tuple(anyId, anyId, anyId).map(([sku, from, to]) => {
    const counts = { quantity: 5, received: 0, rejected: 0, returned: 5 };
    const view = { transferId: 'A-1', status: 'CANCELLED' as const, sku, from, to, ...counts };
    return [view, encodeTransfer({ ...view, operations: [] })];
  }),
  countStatus: fc.constantFrom(...STOCKTAKE_STATUSES).map((status) => [status, status]),
};

describe('a refusal', () => {
  test.each(Object.entries<RefusalRow>(REFUSALS))('%s is decoded with all its members', (code, row) => {
    const members = Object.entries(row.members ?? {});
    fc.assert(
      fc.property(fc.tuple(...members.map(([, { kind }]) => WRITTEN[kind])), (written) => {
        const text = [code, ...written.map(([, word]) => word)].join(' ');
        const values = members.map(([name], i) => [name, written[i]?.[0]]);
        expect(decodeRefusal(text, 'A-1')).toEqual({ code, ...Object.fromEntries(values) });
      }),
      RUNS,
    );
  });

  test('about a SKU with a colon names the SKU and its figures', () => {
    expect(decodeRefusal('insufficient-stock a:b@w:1=3:2', 'o')).toEqual({
      code: 'insufficient-stock',
      shortages: [{ sku: 'a:b', warehouse: 'w:1', requested: 3, available: 2 }],
    });
  });

  test('that shows a record of a newer release names it as such in the error', () => {
    expect(() => decodeRefusal('already-released v2 RELEASED 1 60000 A@w=1', 'o')).toThrow(NEWER);
    expect(() => decodeRefusal('transfer-ended v2 CANCELLED A w x 5 0 0 5 -', 'T')).toThrow(NEWER);
  });

  test.each([
    ...NO_RECORDS,
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
  ])('is not decoded from %j', (text) => {
    expect(() => decodeRefusal(text, 'order-1')).toThrow(Unreadable);
  });
});
