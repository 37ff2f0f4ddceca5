/**
 * Why these warehouses serve an order: the distance of each, and the warehouses that were skipped.
 * Promises: an order without `shipTo` pays nothing for it. Refuses to know: how warehouses are chosen.
 */
import { type Coordinates, distanceToKm, type Warehouse } from '../domain/geography.ts';
import type { ReservationView } from '../domain/language.ts';
import type { WarehousePlaces } from '../hotpath/warehouse-places.ts';
import type { AllocationBody } from './bodies.ts';

/** A tenth of a kilometre: distances along great circles are no more exact than that between streets. */
const PARTS_OF_KM = 10;

/** Knows the places of warehouses as of the last refresh. */
export class AllocationExplainer {
  readonly #places: WarehousePlaces;
  #known: readonly Warehouse[] = [];
  #byId = new Map<string, Warehouse>();

  constructor(places: WarehousePlaces) {
    this.#places = places;
  }

  /** Undefined where there is nothing to explain: no destination, and no warehouse was skipped. */
  explain(view: ReservationView, shipTo: Coordinates | undefined): AllocationBody | undefined {
    if (shipTo === undefined && !view.skipped?.length) return undefined;
    const { lines, skipped = [] } = view;
    const distanceKm = (warehouse: string) => this.#distanceKm(warehouse, shipTo);
    return {
      lines: lines.map(({ sku, warehouse }) => ({ sku, warehouse, distanceKm: distanceKm(warehouse) })),
      passedBy: skipped.map((passed) => ({ ...passed, distanceKm: distanceKm(passed.warehouse) })),
    };
  }

  #distanceKm(id: string, shipTo: Coordinates | undefined): number | undefined {
    if (shipTo === undefined) return undefined;
    const known = this.#places.warehouses();
    if (known !== this.#known) {
      this.#known = known;
      this.#byId = new Map(known.map((warehouse) => [warehouse.id, warehouse]));
    }
    const warehouse = this.#byId.get(id);
    const km = warehouse && distanceToKm(warehouse, shipTo);
    return km === undefined ? undefined : Math.round(km * PARTS_OF_KM) / PARTS_OF_KM;
  }
}
