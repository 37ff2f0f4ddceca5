/**
 * Choosing a warehouse, by examples and by properties: one for all lines if one can serve them, ranked ones first, none
 * left out, locked ones skipped, and a split that takes no more than requested.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SKIPPED_MAX } from '../../src/domain/language.ts';
import { allocate, type Stock, warehousesInOrder } from '../../src/model/allocation.ts';
import { HISTORIES } from './histories.ts';
import { lines, spelled } from './sentences.ts';

/** Stock such as `TEA@east=5`, nothing of what is not named; `locked` names items under a stocktake. */
function stock(text: string, locked: readonly string[] = []): Stock {
  const left = new Map(lines(text).map((line) => [`${line.sku}@${line.warehouse}`, line.quantity]));
  return (sku, warehouse) => {
    const name = `${sku}@${warehouse}`;
    const units = left.get(name);
    return units === undefined ? undefined : { left: units, isLocked: locked.includes(name) };
  };
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

describe('an order that is not split', () => {
  test('the first warehouse that can serve the whole order serves it, even if an earlier one could serve one line', () => {
    const { served, skipped } = allocate(
      lines('TEA=2,RICE=1'),
      ['east', 'west'],
      stock('TEA@east=9,TEA@west=2,RICE@west=1'),
      false,
    );
    expect(spelled(served)).toBe('TEA@west=2,RICE@west=1');
    // East does not carry the rice: there is nothing to say about it.
    expect(skipped).toEqual([]);
  });

  test('if none can, each line goes to the first warehouse that has enough of it', () => {
    const left = stock('TEA@east=1,TEA@west=2,RICE@east=1');
    const { served, short, skipped } = allocate(lines('TEA=2,RICE=1'), ['east', 'west'], left, false);
    expect(spelled(served)).toBe('TEA@west=2,RICE@east=1');
    expect(short).toEqual([]);
    expect(skipped).toEqual([{ sku: 'TEA', warehouse: 'east', reason: 'short' }]);
  });

  test('a short line is refused with the largest quantity that one warehouse has, never below zero', () => {
    const left: Stock = (sku, warehouse) => ({
      left: sku === 'RICE' ? -3 : warehouse === 'east' ? 2 : 3,
      isLocked: false,
    });
    expect(allocate(lines('TEA=4,RICE=1'), ['east', 'west'], left, false).short).toEqual([
      { sku: 'TEA', requested: 4, available: 3 },
      { sku: 'RICE', requested: 1, available: 0 },
    ]);
  });
});

describe('an order that may be split', () => {
  test('takes all that the first warehouse has, and from the next only what is missing', () => {
    const left = stock('TEA@east=2,TEA@north=0,TEA@west=9');
    const { served, skipped } = allocate(lines('TEA=5'), ['east', 'north', 'west'], left, true);
    expect(spelled(served)).toBe('TEA@east=2,TEA@west=3');
    expect(skipped).toEqual([{ sku: 'TEA', warehouse: 'north', reason: 'short' }]);
  });

  test('is refused with what all warehouses have together, never below zero', () => {
    const left: Stock = (_, warehouse) => ({
      left: { east: 2, north: -4, west: 1 }[warehouse] ?? 0,
      isLocked: false,
    });
    expect(allocate(lines('TEA=4'), ['east', 'north', 'west'], left, true)).toMatchObject({
      served: [],
      short: [{ sku: 'TEA', requested: 4, available: 3 }],
    });
  });
});

describe('BR-007: a warehouse under a stocktake', () => {
  test.each([false, true])('is skipped if another can serve (split: %s)', (isSplit) => {
    const left = stock('TEA@east=9,TEA@west=2', ['TEA@east']);
    const { served, locked, skipped } = allocate(lines('TEA=2'), ['east', 'west'], left, isSplit);
    expect(spelled(served)).toBe('TEA@west=2');
    expect(locked).toEqual([]);
    expect(skipped).toEqual([{ sku: 'TEA', warehouse: 'east', reason: 'locked' }]);
  });

  test('is named only if it alone keeps the order from being served', () => {
    const left = stock('TEA@east=9,TEA@west=2', ['TEA@east']);
    expect(allocate(lines('TEA=3'), ['east', 'west'], left, false)).toMatchObject({
      locked: [{ sku: 'TEA', warehouse: 'east' }],
      short: [],
    });
    expect(allocate(lines('TEA=10'), ['east', 'west'], left, false)).toMatchObject({
      locked: [],
      short: [{ sku: 'TEA', requested: 10, available: 2 }],
    });
    expect(allocate(lines('TEA=11'), ['east', 'west'], left, true)).toMatchObject({
      locked: [{ sku: 'TEA', warehouse: 'east' }],
      short: [],
    });
  });
});

test(`an answer names at most ${SKIPPED_MAX} skipped warehouses`, () => {
  const order = Array.from({ length: SKIPPED_MAX + 9 }, (_, i) => `w${i}`);
  const left: Stock = (_, warehouse) => ({ left: warehouse === order.at(-1) ? 1 : 0, isLocked: false });
  for (const isSplit of [false, true]) {
    const { served, skipped } = allocate(lines('TEA=1'), order, left, isSplit);
    expect(served).toHaveLength(1);
    expect(skipped.map((passed) => passed.warehouse)).toEqual(order.slice(0, SKIPPED_MAX));
  }
});

describe('whatever there is', () => {
  const skus = ['A', 'B', 'C'];
  const warehouses = ['n', 's', 'w'];
  const shelf = fc.array(fc.record({ left: fc.integer({ min: 0, max: 4 }), isLocked: fc.boolean() }), {
    minLength: 9,
    maxLength: 9,
  });
  const wanted = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 });

  test.each([false, true])('every line is served, short or locked (split: %s)', (isSplit) => {
    fc.assert(
      fc.property(shelf, wanted, (cells, quantities) => {
        const stock: Stock = (sku, warehouse) => cells[skus.indexOf(sku) * 3 + warehouses.indexOf(warehouse)];
        const open = (sku: string) =>
          warehouses.map((warehouse) => {
            const cell = stock(sku, warehouse);
            return cell && !cell.isLocked ? cell.left : 0;
          });
        const most = (units: readonly number[]) =>
          isSplit ? units.reduce((sum, n) => sum + n, 0) : Math.max(...units);
        const order = quantities.map((quantity, i) => ({ sku: skus[i] ?? '', quantity }));
        const plan = allocate(order, warehouses, stock, isSplit);
        for (const { sku, quantity } of order) {
          const parts = plan.served.filter((line) => line.sku === sku);
          const short = plan.short.find((line) => line.sku === sku);
          const isServed = most(open(sku)) >= quantity;
          expect(parts.reduce((sum, part) => sum + part.quantity, 0)).toBe(isServed ? quantity : 0);
          for (const part of parts) {
            const there = stock(sku, part.warehouse);
            expect(there?.isLocked).toBe(false);
            expect(there?.left).toBeGreaterThanOrEqual(part.quantity);
          }
          const waits = most(warehouses.map((warehouse) => stock(sku, warehouse)?.left ?? 0)) >= quantity;
          expect(plan.locked.some((line) => line.sku === sku)).toBe(!isServed && waits);
          expect(short).toEqual(
            isServed || waits ? undefined : { sku, requested: quantity, available: most(open(sku)) },
          );
        }
      }),
      { numRuns: HISTORIES },
    );
  });
});
