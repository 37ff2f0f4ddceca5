/**
 * How far a warehouse is from where an order goes, and in which order warehouses are tried.
 * Promises: nearest first; one whose place is not known comes last, not away; equals go by name, so the order is always
 * the same. Refuses to know: what a warehouse has.
 */

/** A place in degrees; latitude -90 to 90, longitude -180 to 180. */
export interface Coordinates {
  readonly latitude: number;
  readonly longitude: number;
}

/** A building with stock. Without coordinates its distance to anything is not known. */
export interface Warehouse {
  readonly id: string;
  readonly name: string;
  /** Degrees; both or none. */
  readonly latitude?: number | undefined;
  readonly longitude?: number | undefined;
}

export function isOnEarth({ latitude, longitude }: Coordinates): boolean {
  return (
    Number.isFinite(latitude) &&
    Number.isFinite(longitude) &&
    Math.abs(latitude) <= 90 &&
    Math.abs(longitude) <= 180
  );
}

/** Mean radius, in kilometres. */
const EARTH_RADIUS_KM = 6_371;
const RADIANS = Math.PI / 180;

/** Along the surface, in kilometres (haversine: exact enough for near places, and never outside of asin). */
export function distanceKm(a: Coordinates, b: Coordinates): number {
  const half = (degrees: number) => Math.sin((degrees * RADIANS) / 2) ** 2;
  const h =
    half(b.latitude - a.latitude) +
    Math.cos(a.latitude * RADIANS) * Math.cos(b.latitude * RADIANS) * half(b.longitude - a.longitude);
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** From a warehouse to a place, in kilometres; undefined where nobody said where the warehouse stands. */
export function distanceToKm({ latitude, longitude }: Warehouse, place: Coordinates): number | undefined {
  return latitude === undefined || longitude === undefined
    ? undefined
    : distanceKm({ latitude, longitude }, place);
}

/** The warehouses as an order to this place tries them, at most `countMax`. */
export function rankWarehouses(
  warehouses: readonly Warehouse[],
  shipTo: Coordinates,
  countMax: number,
): string[] {
  return warehouses
    .map((warehouse) => ({
      id: warehouse.id,
      km: distanceToKm(warehouse, shipTo) ?? Number.POSITIVE_INFINITY,
    }))
    .sort((a, b) => (a.km === b.km ? (a.id < b.id ? -1 : 1) : a.km - b.km))
    .slice(0, countMax)
    .map(({ id }) => id);
}
