/**
 * The kinds of orders whose time in Redis is measured, and what each may cost compared with another of the same run.
 * Promises: all orders of a kind cost the same, from the first to the last, except the split, which moves from one
 * warehouse to the next as a sale does.
 */
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { LINE, receive, SKU, WAREHOUSE } from './hot-sku.ts';

export interface Work {
  readonly name: string;
  /** Orders in a batch. */
  readonly size: number;
  /** The most microseconds of Redis that an order may cost. */
  readonly usMax?: number;
  /** The kind it is compared with, by {@link keyOf}, and the most times of that it may cost. */
  readonly against?: { readonly key: string; readonly timesMax?: number };
  /** Called once before anything is measured. @param orders that follow */
  prepare?(hot: HotInventory, orders: number): Promise<void>;
  /** Not measured: what is done for the same orders before the call that is. */
  first?(hot: HotInventory, orderId: string): Promise<unknown>;
  /** @param n number of the order, from 0 on */
  call(hot: HotInventory, orderId: string, n: number): Promise<{ outcome: string }>;
}

/** A full batch. */
export const FULL = 256;
const TARGET_FROM = 100;
const TARGET_US = 3.8;
const WAREHOUSE_TIMES_MAX = 2;
const SALE_TIMES_MAX = 1.5;
const END_TIMES_MAX = 1;

export const keyOf = ({ name, size }: Pick<Work, 'name' | 'size'>): string => `${name}, batches of ${size}`;

const reserveOne = (hot: HotInventory, orderId: string) => hot.reserve({ orderId, lines: [LINE] });
const RESERVE = { key: keyOf({ name: 'reserve', size: FULL }) };
const full = { size: FULL, against: RESERVE };

export const reserveIn = (size: number): Work => ({
  name: 'reserve',
  size,
  ...(size >= TARGET_FROM ? { usMax: TARGET_US } : {}),
  call: reserveOne,
});

// Many SKUs ------------------------------------------------------------------------------------------------

const line = (sku: string, quantity = 1) => ({ sku, warehouse: WAREHOUSE, quantity });
const THREE_SKUS = ['BASKET-1', 'BASKET-2', 'BASKET-3'];
const MANY_SKUS = Array.from({ length: 1_000 }, (_, i) => `MANY-${i}`);
const receiveAll = async (hot: HotInventory, skus: readonly string[]) => {
  await Promise.all(skus.map((sku) => receive(hot, sku)));
};

const basket: Work = {
  ...full,
  name: 'reserve of 3 lines',
  prepare: (hot) => receiveAll(hot, THREE_SKUS),
  call: (hot, orderId) => hot.reserve({ orderId, lines: THREE_SKUS.map((sku) => line(sku)) }),
};
export const manySkusIn = (size: number): Work => ({
  name: 'reserve, each of another SKU of 1,000',
  size,
  against: { key: keyOf({ name: 'reserve', size }) },
  prepare: (hot) => receiveAll(hot, MANY_SKUS),
  call: (hot, orderId, n) => hot.reserve({ orderId, lines: [line(MANY_SKUS[n % MANY_SKUS.length] ?? '')] }),
});

// Many warehouses ------------------------------------------------------------------------------------------

const WAREHOUSES = Array.from({ length: 10 }, (_, i) => ({
  id: `W-${i}`,
  name: `warehouse ${i}`,
  latitude: 22 + i / 4,
  longitude: 121,
}));
const LAST = WAREHOUSES.length - 1;
const SHIP_TO = { latitude: 22, longitude: 121 };
const FAR_SKU = 'FAR-1';
const APART = ['APART-1', 'APART-2'];
const SPLIT_QUANTITY = 3;
const PLENTY = 100_000_000;

export const anywhere: Work = {
  ...full,
  name: 'reserve, no warehouse named, one there',
  call: (hot, orderId) => hot.reserve({ orderId, lines: [{ sku: SKU, quantity: 1 }] }),
};

/** Ten warehouses with stock of the SKU, the nearest first. @param unitsOf 0: known there, and sold out */
async function stock(hot: HotInventory, unitsOf: (warehouse: number) => number): Promise<void> {
  for (const [i, warehouse] of WAREHOUSES.entries()) {
    const units = unitsOf(i);
    await hot.places.put(warehouse);
    await receive(hot, FAR_SKU, { warehouse: warehouse.id, quantity: Math.max(1, units) });
    if (units > 0) continue;
    const issue = { movementId: `issue-${i}`, sku: FAR_SKU, warehouse: warehouse.id, reason: 'sold out' };
    const { outcome } = await hot.move('issue', { ...issue, quantity: 1 });
    if (outcome !== 'done') throw new Error(`${warehouse.id} still has stock`);
  }
}

const ten = (name: string, rest: Omit<Work, 'name' | 'size'>): Work => ({
  name: `reserve, 10 warehouses, ${name}`,
  size: FULL,
  against: { key: keyOf(anywhere), timesMax: WAREHOUSE_TIMES_MAX },
  ...rest,
});
const shipFar: Work['call'] = (hot, orderId) =>
  hot.reserve({ orderId, lines: [{ sku: FAR_SKU, quantity: 1 }], shipTo: SHIP_TO });

export const farthest = ten('only the farthest serves', {
  prepare: (hot) => stock(hot, (i) => (i === LAST ? PLENTY : 0)),
  call: shipFar,
});
const nearest = ten('the nearest serves', { prepare: (hot) => stock(hot, () => PLENTY), call: shipFar });
const split = ten('split where one runs out', {
  // Never a whole number of orders in a warehouse: each order that empties one is split.
  prepare: (hot, orders) => {
    const tenth = Math.floor(orders / WAREHOUSES.length) * SPLIT_QUANTITY + 1;
    return stock(hot, (i) => (i === LAST ? PLENTY : tenth));
  },
  call: (hot, orderId) => {
    const lines = [{ sku: FAR_SKU, quantity: SPLIT_QUANTITY }];
    return hot.reserve({ orderId, lines, shipTo: SHIP_TO, allocation: 'split' });
  },
});
const apart: Work = {
  size: FULL,
  name: 'reserve of 2 lines, each of them in another of 10 warehouses',
  against: { key: keyOf(anywhere) },
  prepare: async (hot) => {
    for (const warehouse of WAREHOUSES) await hot.places.put(warehouse);
    for (const [i, sku] of APART.entries())
      await receive(hot, sku, { warehouse: WAREHOUSES[i * LAST]?.id ?? '', quantity: PLENTY });
  },
  call: (hot, orderId) =>
    hot.reserve({ orderId, lines: APART.map((sku) => ({ sku, quantity: 1 })), shipTo: SHIP_TO }),
};

// Customers and sales --------------------------------------------------------------------------------------

const SALE_MS = 3_600_000;
const sale = { saleId: 'SALE-1' };

/** @param limitPerCustomer 0: none, units of the sale are counted, but no customer's */
const schedule = (limitPerCustomer: number) => async (hot: HotInventory) => {
  const nowMs = Date.now();
  const open = { opensAtMs: nowMs - SALE_MS, closesAtMs: nowMs + SALE_MS };
  const units = { sku: SKU, quantity: PLENTY, limitPerCustomer };
  const { outcome } = await hot.scheduleSale({ ...sale, ...units, ...open });
  if (outcome !== 'done') throw new Error('the sale was not scheduled');
};
const buy =
  (more: { saleId?: string } = {}): Work['call'] =>
  (hot, orderId) =>
    hot.reserve({ orderId, lines: [LINE], customerId: `c-${orderId}`, ...more });
const customer: Work = { ...full, name: 'reserve with a customer', call: buy() };
const inOpenSale: Work = {
  ...full,
  name: 'reserve in a sale without a limit, each by another customer',
  prepare: schedule(0),
  call: buy(sale),
};
export const inSale: Work = {
  name: 'reserve in a sale with a limit, each by another customer',
  size: FULL,
  against: { key: keyOf(inOpenSale), timesMax: SALE_TIMES_MAX },
  prepare: schedule(2),
  call: buy(sale),
};
const besideSale: Work = {
  ...full,
  name: 'reserve of a SKU with a sale, not in the sale',
  prepare: schedule(2),
  call: reserveOne,
};

// The end of a hold ----------------------------------------------------------------------------------------

const ending = (name: 'confirm' | 'release'): Work => ({
  name,
  size: FULL,
  against: { ...RESERVE, timesMax: END_TIMES_MAX },
  first: reserveOne,
  call: (hot, orderId) => hot[name]({ orderId }),
});
export const confirm = ending('confirm');
export const release = ending('release');

export const WORKS: readonly Work[] = [
  ...[16, 64, 100, FULL].map(reserveIn),
  ...[anywhere, nearest, farthest, split, apart, basket],
  ...[64, FULL].map(manySkusIn),
  ...[customer, inOpenSale, inSale, besideSale, confirm, release],
];
