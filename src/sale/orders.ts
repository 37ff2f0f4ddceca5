/**
 * What the buyers of a demonstration want: one hot article, or the baskets of a real shop.
 * Promises: names are valid ids and belong to this run alone, so that a demonstration never touches other stock.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';

export interface WantedOrder {
  readonly orderId: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

export interface Wanted {
  readonly orders: readonly WantedOrder[];
  /** Units of each SKU that come in before the doors open. */
  readonly stock: ReadonlyMap<string, number>;
  /** Units asked for, by SKU. */
  readonly demand: ReadonlyMap<string, number>;
  /** What people call an article, by SKU. */
  readonly names: ReadonlyMap<string, string>;
}

/** Everybody wants one unit of the same article. */
export function hotArticle(run: string, stock: number, buyers: number): Wanted {
  const sku = `sale-${run}`;
  const orders = Array.from({ length: buyers }, () => ({
    orderId: randomUUID(),
    lines: [{ sku, quantity: 1 }],
  }));
  return {
    orders,
    stock: new Map([[sku, stock]]),
    demand: new Map([[sku, buyers]]),
    names: new Map([[sku, sku]]),
  };
}

/** The longest name that still leaves room for the run in an id of 64 characters. */
const NAME_LENGTH_MAX = 48;

/**
 * One order a line of the file, articles separated by commas; an article named twice is wanted twice.
 * @throws where the file cannot be read or a line has no article
 */
export async function basketsOf(file: string, run: string, stockEach: number): Promise<Wanted> {
  const text = await readFile(file, 'utf8');
  const names = new Map<string, string>();
  const demand = new Map<string, number>();
  const orders: WantedOrder[] = [];
  for (const [i, row] of text.split(/\r?\n/).entries()) {
    if (row.trim() === '') continue;
    const quantities = new Map<string, number>();
    for (const part of row.split(',')) {
      const name = part.trim();
      const slug = name
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-|-$/g, '')
        .slice(0, NAME_LENGTH_MAX);
      if (slug === '') throw new Error(`${file}, line ${i + 1}: an article without a name`);
      const sku = `${run}-${slug}`;
      names.set(sku, name);
      quantities.set(sku, (quantities.get(sku) ?? 0) + 1);
      demand.set(sku, (demand.get(sku) ?? 0) + 1);
    }
    const lines = [...quantities].map(([sku, quantity]) => ({ sku, quantity }));
    orders.push({ orderId: randomUUID(), lines });
  }
  if (orders.length === 0) throw new Error(`${file}: no baskets in it`);
  return { orders, stock: new Map([...names.keys()].map((sku) => [sku, stockEach])), demand, names };
}
