/**
 * Pages by key: a later page costs no more than the first, and new rows shift nothing.
 * A query fetches one row more than a page shows: it says whether another page follows.
 */

/** The most rows of one page. */
export const PAGE_ROWS_MAX = 1_000;

/** Rows of one page, newest first. */
export interface PageQuery {
  /** The `next` of the page before. */
  readonly after?: number | undefined;
  /** 1 to {@link PAGE_ROWS_MAX}. */
  readonly limit: number;
}

/** The number of rows of a page. @throws {RangeError} where a page cannot have so many */
export function pageRows(limit: number): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_ROWS_MAX) {
    throw new RangeError(`a page has 1 to ${PAGE_ROWS_MAX} rows, not ${limit}`);
  }
  return limit;
}

/** Cuts off the row too many: what the page shows, and the key after which the next page goes on; null on the last. */
export function pageOf<R, K, V>(
  rows: readonly R[],
  limit: number,
  keyOf: (row: R) => K,
  read: (row: R) => V,
): { readonly shown: V[]; readonly next: K | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last !== undefined ? keyOf(last) : null;
  return { shown: shown.map(read), next };
}

/** The key of most tables: it grows with every row. */
export const byId = ({ id }: { readonly id: number }): number => id;
