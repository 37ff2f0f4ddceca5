/**
 * How far, and in which order: known distances, and what no warehouse may do to the others.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Coordinates,
  distanceKm,
  distanceToKm,
  isOnEarth,
  rankWarehouses,
  type Warehouse,
} from '../../src/domain/geography.ts';
import { HISTORIES } from './histories.ts';

const TAIPEI = { latitude: 25.03, longitude: 121.56 };
const KAOHSIUNG = { latitude: 22.63, longitude: 120.3 };
const place = fc.record({
  latitude: fc.double({ min: -90, max: 90, noNaN: true }),
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
});
const at = (id: string, where?: Coordinates): Warehouse => ({ id, name: id, ...where });

describe('a distance', () => {
  test.each([
    ['Taipei to Kaohsiung', TAIPEI, KAOHSIUNG, 296],
    [
      'Paris to New York',
      { latitude: 48.86, longitude: 2.35 },
      { latitude: 40.71, longitude: -74.01 },
      5_837,
    ],
    [
      'over the date line, one degree',
      { latitude: 0, longitude: 179.5 },
      { latitude: 0, longitude: -179.5 },
      111,
    ],
    ['pole to pole', { latitude: 90, longitude: 0 }, { latitude: -90, longitude: 77 }, 20_015],
  ])('%s', (_, a, b, km) => {
    expect(Math.round(distanceKm(a, b))).toBe(km);
  });

  test('is the same there and back, nothing to itself, and never more than half round the earth', () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        expect(distanceKm(a, b)).toBeCloseTo(distanceKm(b, a), 6);
        expect(distanceKm(a, a)).toBe(0);
        expect(distanceKm(a, b)).toBeLessThanOrEqual(Math.PI * 6_371);
      }),
      { numRuns: HISTORIES },
    );
  });

  test('to a warehouse is unknown if one of its coordinates is missing', () => {
    expect(distanceToKm(at('a'), TAIPEI)).toBeUndefined();
    expect(distanceToKm({ ...at('a'), latitude: 25 }, TAIPEI)).toBeUndefined();
    expect(distanceToKm({ ...at('a'), longitude: 121 }, TAIPEI)).toBeUndefined();
    expect(distanceToKm(at('a', TAIPEI), TAIPEI)).toBe(0);
  });
});

describe('a place', () => {
  test.each<[latitude: number, longitude: number, isOne: boolean]>([
    [0, 0, true],
    [90, 180, true],
    [-90, -180, true],
    [90.001, 0, false],
    [-91, 0, false],
    [0, 180.001, false],
    [0, -181, false],
    [Number.NaN, 0, false],
    [0, Number.POSITIVE_INFINITY, false],
  ])('%d, %d is on earth: %s', (latitude, longitude, isOne) => {
    expect(isOnEarth({ latitude, longitude })).toBe(isOne);
  });

  test('is two numbers, whatever a caller without types sends', () => {
    expect(isOnEarth({ latitude: '25', longitude: 121 } as never)).toBe(false);
    expect(isOnEarth({ latitude: 25 } as never)).toBe(false);
  });
});

describe('the order in which warehouses are tried', () => {
  const south = at('south', KAOHSIUNG);
  const north = at('north', TAIPEI);

  test('is nearest first', () => {
    expect(rankWarehouses([south, north], TAIPEI, 9)).toEqual(['north', 'south']);
    expect(rankWarehouses([south, north], KAOHSIUNG, 9)).toEqual(['south', 'north']);
  });

  test('puts warehouses without coordinates last, by name, and leaves none out', () => {
    expect(rankWarehouses([at('b'), at('a'), south, north], TAIPEI, 9)).toEqual(['north', 'south', 'a', 'b']);
  });

  test('goes by name for equal distances', () => {
    expect(rankWarehouses([at('z', TAIPEI), at('a', TAIPEI)], KAOHSIUNG, 9)).toEqual(['a', 'z']);
  });

  test('is cut at the limit, keeping the nearest', () => {
    expect(rankWarehouses([at('a'), south, north], TAIPEI, 2)).toEqual(['north', 'south']);
  });

  test('does not depend on the order of the input', () => {
    const some = fc.uniqueArray(
      fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), where: fc.option(place) }),
      {
        selector: ({ id }) => id,
      },
    );
    fc.assert(
      fc.property(some, place, (all, shipTo) => {
        const warehouses = all.map(({ id, where }) => at(id, where ?? undefined));
        const ranked = rankWarehouses(warehouses, shipTo, 9);
        expect(rankWarehouses(warehouses.toReversed(), shipTo, 9)).toEqual(ranked);
        const km = ranked.map(
          (id) =>
            distanceToKm(warehouses.find((w) => w.id === id) as Warehouse, shipTo) ??
            Number.POSITIVE_INFINITY,
        );
        expect(km).toEqual(km.toSorted((a, b) => a - b));
      }),
      { numRuns: HISTORIES },
    );
  });
});
