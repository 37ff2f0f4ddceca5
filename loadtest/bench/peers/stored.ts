/** Compares what a store has with what was acknowledged. Refuses to know which store it is. */

/** What is stored, over all SKUs. */
export interface Stored {
  readonly available: number;
  readonly reserved: number;
  /** Records of holds that have an expiry. */
  readonly holds: number;
}

/** Store and answers differ: no measurement is accepted after that. */
export class WrongStore extends Error {}

/**
 * What in the store differs from the answers; undefined where nothing does.
 * @param acknowledged orders that got a yes
 * @param stock at the beginning, of a peer that keeps stock
 */
export function problemIn(
  { available, reserved, holds }: Stored,
  stock: { readonly skus: readonly string[]; readonly units: number } | undefined,
  acknowledged: number,
): string | undefined {
  if (holds !== acknowledged) return `${acknowledged} orders got a yes, ${holds} holds are stored`;
  if (reserved !== holds) return `${reserved} units are reserved by ${holds} holds of one unit`;
  if (!stock) return undefined;
  const units = stock.units * stock.skus.length;
  if (available < 0 || available + reserved !== units)
    return `${available} available and ${reserved} reserved, of ${units} units at the beginning`;
  return undefined;
}
