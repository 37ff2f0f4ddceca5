/**
 * How far a warehouse is from where an order is shipped, and in which order warehouses are tried.
 * Promises: nearest first; a warehouse without coordinates comes last but is not left out; equal distances go by id, so the
 * order is always the same. Refuses to know: stock.
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

/** Whether both are numbers in range; takes what a caller without types could send. */
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

/** Distance along the surface in kilometres, by the haversine formula, which is exact for near places too. */
export function distanceKm(a: Coordinates, b: Coordinates): number {
  const half = (degrees: number) => Math.sin((degrees * RADIANS) / 2) ** 2;
  const h =
    half(b.latitude - a.latitude) +
    Math.cos(a.latitude * RADIANS) * Math.cos(b.latitude * RADIANS) * half(b.longitude - a.longitude);
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** Distance from a warehouse to a place in kilometres; undefined if the warehouse has no coordinates. */
export function distanceToKm({ latitude, longitude }: Warehouse, place: Coordinates): number | undefined {
  return latitude === undefined || longitude === undefined
    ? undefined
    : distanceKm({ latitude, longitude }, place);
}

/**
 * Ids of the warehouses in the order in which an order to this place tries them.
 * @example rankWarehouses(warehouses, { latitude: 25, longitude: 121.5 }, CANDIDATES_MAX) // ['taipei', 'tainan']
 */
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
