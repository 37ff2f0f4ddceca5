/**
 * The kinds of orders whose time in Redis is taken, and what each may cost against another in the same run. Promises:
 * every order of a kind comes to the same, from the first to the last, but for the split, which moves from one warehouse
 * to the next as a sale does.
 */
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { LINE, receive, SKU, WAREHOUSE } from './hot-sku.ts';

export interface Work {
  readonly name: string;
  /** Orders in a batch. */
  readonly size: number;
  /** The most microseconds of Redis that an order may cost. */
  readonly usMax?: number;
  /** What it is held against, by {@link keyOf}, and the most it may cost in times of that. */
  readonly against?: { readonly key: string; readonly timesMax?: number };
  /** Called once before anything is measured. @param orders that follow */
  prepare?(hot: HotInventory, orders: number): Promise<void>;
  /** Not measured, but done for the same orders before the call that is. */
  first?(hot: HotInventory, orderId: string): Promise<unknown>;
  /** @param n from 0 on, by order */
  call(hot: HotInventory, orderId: string, n: number): Promise<{ outcome: string }>;
}

export const SIZES = [16, 32, 64, 100, 256];
/** From batches of this size on, a reservation may cost this much. */
const TARGET_FROM = 100;
const TARGET_US = 3.8;
/** A full batch. */
export const FULL = 256;

export const keyOf = ({ name, size }: Pick<Work, 'name' | 'size'>): string => `${name}, batches of ${size}`;

const reserveOne = (hot: HotInventory, orderId: string) => hot.reserve({ orderId, lines: [LINE] });
const BASE = keyOf({ name: 'reserve', size: FULL });

export const reserveIn = (size: number): Work => ({
  name: 'reserve',
  size,
  ...(size >= TARGET_FROM ? { usMax: TARGET_US } : {}),
  call: reserveOne,
});

// Many articles --------------------------------------------------------------------------------------------

const THREE_SKUS = ['BASKET-1', 'BASKET-2', 'BASKET-3'];
const BASKET = THREE_SKUS.map((sku) => ({ sku, warehouse: WAREHOUSE, quantity: 1 }));
const MANY_SKUS = Array.from({ length: 1_000 }, (_, i) => `MANY-${i}`);

const receiveAll = async (hot: HotInventory, skus: readonly string[]) => {
  await Promise.all(skus.map((sku) => receive(hot, sku)));
};

const basket: Work = {
  name: 'reserve of 3 lines',
  size: FULL,
  against: { key: BASE },
  prepare: (hot) => receiveAll(hot, THREE_SKUS),
  call: (hot, orderId) => hot.reserve({ orderId, lines: BASKET }),
};
export const manySkusIn = (size: number): Work => ({
  name: 'reserve, each of another SKU of 1,000',
  size,
  against: { key: keyOf({ name: 'reserve', size }) },
  prepare: (hot) => receiveAll(hot, MANY_SKUS),
  call: (hot, orderId, n) =>
    hot.reserve({
      orderId,
      lines: [{ sku: MANY_SKUS[n % MANY_SKUS.length] ?? '', warehouse: WAREHOUSE, quantity: 1 }],
    }),
});

// Many warehouses ------------------------------------------------------------------------------------------

const WAREHOUSES = Array.from({ length: 10 }, (_, i) => ({
  id: `W-${i}`,
  name: `warehouse ${i}`,
  latitude: 22 + i / 4,
  longitude: 121,
}));
const SHIP_TO = { latitude: 22, longitude: 121 };
const FAR_SKU = 'FAR-1';
const FAR_TIMES_MAX = 2;
const SPLIT_QUANTITY = 3;

export const anywhere: Work = {
  name: 'reserve, no warehouse named, one there',
  size: FULL,
  against: { key: BASE },
  call: (hot, orderId) => hot.reserve({ orderId, lines: [{ sku: SKU, quantity: 1 }] }),
};

async function spread(hot: HotInventory, quantities: readonly number[]): Promise<void> {
  for (const [i, quantity] of quantities.entries()) {
    const warehouse = WAREHOUSES[i];
    if (!warehouse) throw new Error('more quantities than warehouses');
    await hot.places.put(warehouse);
    await receive(hot, FAR_SKU, { warehouse: warehouse.id, quantity: Math.max(1, quantity) });
    if (quantity > 0) continue;
    const issue = { movementId: `issue-${i}`, sku: FAR_SKU, warehouse: warehouse.id, reason: 'sold out' };
    const { outcome } = await hot.move('issue', { ...issue, quantity: 1 });
    if (outcome !== 'done') throw new Error(`${warehouse.id} still has stock`);
  }
}

const UNITS_OF_EACH = 100_000_000;
const empty = WAREHOUSES.slice(1).map(() => 0);
const far = { size: FULL, against: { key: keyOf(anywhere), timesMax: FAR_TIMES_MAX } };

export const farthest: Work = {
  ...far,
  name: 'reserve, 10 warehouses, only the farthest serves',
  prepare: (hot) => spread(hot, [...empty, UNITS_OF_EACH]),
  call: (hot, orderId) => hot.reserve({ orderId, lines: [{ sku: FAR_SKU, quantity: 1 }], shipTo: SHIP_TO }),
};
const nearest: Work = {
  ...far,
  name: 'reserve, 10 warehouses, the nearest serves',
  prepare: (hot) =>
    spread(
      hot,
      WAREHOUSES.map(() => UNITS_OF_EACH),
    ),
  call: farthest.call,
};
const split: Work = {
  ...far,
  name: 'reserve, 10 warehouses, split where one runs out',
  // A tenth of it in each, and never a whole number of orders: each order that empties a warehouse is split.
  prepare: (hot, orders) => {
    const tenth = Math.floor(orders / WAREHOUSES.length) * SPLIT_QUANTITY + 1;
    return spread(
      hot,
      WAREHOUSES.map((_, i) => (i === WAREHOUSES.length - 1 ? UNITS_OF_EACH : tenth)),
    );
  },
  call: (hot, orderId) =>
    hot.reserve({
      orderId,
      lines: [{ sku: FAR_SKU, quantity: SPLIT_QUANTITY }],
      shipTo: SHIP_TO,
      allocation: 'split',
    }),
};

const APART = ['APART-1', 'APART-2'];
const apart: Work = {
  size: FULL,
  name: 'reserve of 2 lines, each of them in another of 10 warehouses',
  against: { key: keyOf(anywhere) },
  prepare: async (hot) => {
    for (const warehouse of WAREHOUSES) await hot.places.put(warehouse);
    for (const [i, sku] of APART.entries()) {
      await receive(hot, sku, { warehouse: WAREHOUSES[i * 9]?.id ?? '', quantity: UNITS_OF_EACH });
    }
  },
  call: (hot, orderId) =>
    hot.reserve({ orderId, lines: APART.map((sku) => ({ sku, quantity: 1 })), shipTo: SHIP_TO }),
};

// Customers and sales --------------------------------------------------------------------------------------

const SALE_TIMES_MAX = 1.5;
const SALE_MS = 3_600_000;

async function schedule(hot: HotInventory, limitPerCustomer: number): Promise<void> {
  const nowMs = Date.now();
  const { outcome } = await hot.scheduleSale({
    saleId: 'SALE-1',
    sku: SKU,
    opensAtMs: nowMs - SALE_MS,
    closesAtMs: nowMs + SALE_MS,
    quantity: UNITS_OF_EACH,
    limitPerCustomer,
  });
  if (outcome !== 'done') throw new Error('the sale was not scheduled');
}

const customer: Work = {
  name: 'reserve with a customer',
  size: FULL,
  against: { key: BASE },
  call: (hot, orderId) => hot.reserve({ orderId, lines: [LINE], customerId: `c-${orderId}` }),
};
/** A sale without a limit counts its units, but nobody's quota. */
const inOpenSale: Work = {
  name: 'reserve in a sale without a limit, each by another customer',
  size: FULL,
  against: { key: BASE },
  prepare: (hot) => schedule(hot, 0),
  call: (hot, orderId) =>
    hot.reserve({ orderId, lines: [LINE], customerId: `c-${orderId}`, saleId: 'SALE-1' }),
};
export const inSale: Work = {
  name: 'reserve in a sale with a limit, each by another customer',
  size: FULL,
  against: { key: keyOf(inOpenSale), timesMax: SALE_TIMES_MAX },
  prepare: (hot) => schedule(hot, 2),
  call: (hot, orderId) =>
    hot.reserve({ orderId, lines: [LINE], customerId: `c-${orderId}`, saleId: 'SALE-1' }),
};
const besideSale: Work = {
  name: 'reserve beside a sale',
  size: FULL,
  against: { key: BASE },
  prepare: (hot) => schedule(hot, 2),
  call: reserveOne,
};

// The end of a hold ----------------------------------------------------------------------------------------

const END_TIMES_MAX = 1;

export const confirm: Work = {
  name: 'confirm',
  size: FULL,
  against: { key: BASE, timesMax: END_TIMES_MAX },
  first: reserveOne,
  call: (hot, orderId) => hot.confirm({ orderId }),
};
export const release: Work = {
  name: 'release',
  size: FULL,
  against: { key: BASE, timesMax: END_TIMES_MAX },
  first: reserveOne,
  call: (hot, orderId) => hot.release({ orderId }),
};

export const WORKS: readonly Work[] = [
  ...SIZES.map(reserveIn),
  anywhere,
  nearest,
  farthest,
  split,
  apart,
  basket,
  ...[64, FULL].map(manySkusIn),
  customer,
  inOpenSale,
  inSale,
  besideSale,
  confirm,
  release,
];
