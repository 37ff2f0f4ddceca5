/**
 * Choosing a warehouse by examples and by properties: one for all where one can, the ranked ones first, none dropped.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allocate, warehousesInOrder } from '../../src/domain/allocation.ts';
import { HISTORIES } from './histories.ts';
import { lines, spelled } from './sentences.ts';

/** Stock such as `TEA@east=5`; nothing of what is not named. */
function stock(text: string) {
  const left = new Map(lines(text).map((line) => [`${line.sku}@${line.warehouse}`, line.quantity]));
  return (sku: string, warehouse: string) => left.get(`${sku}@${warehouse}`) ?? 0;
}

describe('the order in which warehouses are tried', () => {
  test('the ranked ones first, once each, then the others by name', () => {
    expect(warehousesInOrder(['far', 'near', 'far'], ['west', 'near', 'east', 'west'])).toEqual([
      'far',
      'near',
      'east',
      'west',
    ]);
  });
});

describe('allocation', () => {
  test('the first warehouse that can serve the whole order serves it, though an earlier one could serve a line', () => {
    const { served } = allocate(
      lines('TEA=2,RICE=1'),
      ['east', 'west'],
      stock('TEA@east=9,TEA@west=2,RICE@west=1'),
    );
    expect(spelled(served)).toBe('TEA@west=2,RICE@west=1');
  });

  test('where none can, each line goes to the first that has enough of it', () => {
    const left = stock('TEA@east=1,TEA@west=2,RICE@east=1');
    const { served, short } = allocate(lines('TEA=2,RICE=1'), ['east', 'west'], left);
    expect(spelled(served)).toBe('TEA@west=2,RICE@east=1');
    expect(short).toEqual([]);
  });

  test('a line nobody can serve is named with the most that one warehouse has, never below zero', () => {
    const { short } = allocate(lines('TEA=4,RICE=1'), ['east', 'west'], (sku, warehouse) =>
      sku === 'RICE' ? -3 : warehouse === 'east' ? 2 : 3,
    );
    expect(short).toEqual([
      { sku: 'TEA', requested: 4, available: 3 },
      { sku: 'RICE', requested: 1, available: 0 },
    ]);
  });

  test('every line is served by a warehouse that has enough, or is short; none is forgotten', () => {
    const skus = ['A', 'B', 'C'];
    const warehouses = ['n', 's', 'w'];
    const shelf = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 9, maxLength: 9 });
    const wanted = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(shelf, wanted, (units, quantities) => {
        const left = (sku: string, warehouse: string) =>
          units[skus.indexOf(sku) * 3 + warehouses.indexOf(warehouse)] ?? 0;
        const order = quantities.map((quantity, i) => ({ sku: skus[i] ?? '', quantity }));
        const { served, short } = allocate(order, warehouses, left);
        for (const line of served)
          expect(left(line.sku, line.warehouse)).toBeGreaterThanOrEqual(line.quantity);
        for (const line of short) {
          for (const warehouse of warehouses) expect(left(line.sku, warehouse)).toBeLessThan(line.requested);
        }
        expect([...served, ...short].map((line) => line.sku).sort()).toEqual(order.map((line) => line.sku));
      }),
      { numRuns: HISTORIES },
    );
  });
});
