/** What must stand in a store when orders are through. Refuses to know which store it is. */

/** What stands there, over all SKUs. */
export interface InventoryState {
  readonly available: number;
  readonly reserved: number;
  /** Records of holds that have an expiry. */
  readonly holds: number;
}

/** Orders that got a yes; where clients hung up, some more may have been decided. */
export interface Acknowledged {
  readonly orders: number;
  readonly orMore: number;
}

/** Not the same in the store and in the answers: what no measurement may be forgiven. */
export class WrongBooks extends Error {}

/**
 * What in the books is not as the answers were; undefined where all is well.
 * @param stock that there was before, of a peer that keeps any
 */
export function problemIn(
  books: InventoryState | undefined,
  stock: { readonly skus: readonly string[]; readonly units: number } | undefined,
  { orders, orMore }: Acknowledged,
): string | undefined {
  if (!books) return undefined;
  const { available, reserved, holds } = books;
  if (holds < orders || holds > orders + orMore)
    return `${orders} orders got a yes, ${holds} holds are stored`;
  if (reserved !== holds) return `${reserved} units are reserved by ${holds} holds of one unit`;
  if (!stock) return undefined;
  const units = stock.units * stock.skus.length;
  if (available < 0 || available + reserved !== units) {
    return `${available} available and ${reserved} reserved, of ${units} units there ever were`;
  }
  return undefined;
}
