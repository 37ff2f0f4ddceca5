/** Histories written by hand, as the owner of the tables: also those that no worker would write. */
import type pg from 'pg';
import type { EventType, ReleaseCause } from '../../src/domain/language.ts';

/** When version 1 of every history was decided; each further version is a second later unless it says otherwise. */
export const FIRST_MS = Date.UTC(2025, 10, 11, 0, 0, 1);

export interface Step {
  readonly type: EventType;
  readonly quantity: number;
  /** What is added to available, reserved and sold; nothing where left out. */
  readonly change?: readonly [available: number, reserved: number, sold: number];
  readonly atMs?: number;
  readonly orderId?: string;
  readonly movementId?: string;
  readonly stocktakeId?: string;
  readonly cause?: ReleaseCause;
  readonly expiresAtMs?: number;
  readonly safetyStock?: number;
}

export interface ItemRow {
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  readonly version: number;
  readonly safetyStock: number;
  readonly stocktakeId: string | null;
  readonly stocktakeUntilMs: number | null;
  readonly quarantineReason: string | null;
}

const ITEM_AT_FIRST: ItemRow = {
  available: 0,
  reserved: 0,
  sold: 0,
  version: 0,
  safetyStock: 0,
  stocktakeId: null,
  stocktakeUntilMs: null,
  quarantineReason: null,
};

/** The entries of an item from its version 1 on, and its row as they leave it but for `otherwise`. */
export async function book(
  owner: pg.Client,
  name: string,
  steps: readonly Step[],
  otherwise: Partial<ItemRow> = {},
): Promise<void> {
  const [sku, warehouse] = name.split('@');
  let item = ITEM_AT_FIRST;
  for (const step of steps) {
    const [available, reserved, sold] = step.change ?? [0, 0, 0];
    const version = item.version + 1;
    await owner.query(
      `INSERT INTO ledger (at, version, sequence, epoch, quantity, available_before, reserved_before, sold_before,
         available_change, reserved_change, sold_change, type, partition, sku, warehouse, actor, order_id, movement_id,
         stocktake_id, cause, expires_at, safety_stock)
       VALUES (to_timestamp($1::float8), $2, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, 'tester', $13, $14, $15,
         $16, to_timestamp($17::float8), $18)`,
      [
        (step.atMs ?? FIRST_MS + (version - 1) * 1_000) / 1_000,
        version,
        step.quantity,
        item.available,
        item.reserved,
        item.sold,
        available,
        reserved,
        sold,
        step.type,
        sku,
        warehouse,
        step.orderId,
        step.movementId,
        step.stocktakeId,
        step.cause,
        step.expiresAtMs === undefined ? null : step.expiresAtMs / 1_000,
        step.safetyStock,
      ],
    );
    item = {
      ...item,
      version,
      available: item.available + available,
      reserved: item.reserved + reserved,
      sold: item.sold + sold,
      safetyStock: step.type === 'SafetyStockSet' ? step.quantity : item.safetyStock,
    };
  }
  await setItem(owner, name, { ...item, ...otherwise });
}

async function setItem(owner: pg.Client, name: string, item: ItemRow): Promise<void> {
  const [sku, warehouse] = name.split('@');
  const { available, reserved, sold, version, safetyStock, stocktakeId, stocktakeUntilMs, quarantineReason } =
    item;
  await owner.query(
    `INSERT INTO items (sku, warehouse, total, available, reserved, sold, safety_stock, is_low, version, updated_at,
       stocktake_id, stocktake_until, quarantined_at, quarantine_reason)
     VALUES ($1, $2, $3, $4, $5, $6, $7, false, $8, now(), $9, to_timestamp($10::float8),
       CASE WHEN $11::text IS NOT NULL THEN now() END, $11)`,
    [
      sku,
      warehouse,
      available + reserved + sold,
      available,
      reserved,
      sold,
      safetyStock,
      version,
      stocktakeId,
      stocktakeUntilMs === null ? null : stocktakeUntilMs / 1_000,
      quarantineReason,
    ],
  );
}

/** An open hold. @param lines `sku@warehouse=quantity,...` */
export async function hold(
  owner: pg.Client,
  orderId: string,
  lines: string,
  reservedAtMs: number,
  expiresAtMs: number,
): Promise<void> {
  await owner.query(
    `INSERT INTO reservations (order_id, status, reserved_at, expires_at, lines)
     VALUES ($1, 'ACTIVE', to_timestamp($2::float8), to_timestamp($3::float8), $4)`,
    [orderId, reservedAtMs / 1_000, expiresAtMs / 1_000, lines],
  );
}

export const MINUTE_MS = 60_000;
/** When a version of a history by hand was decided. */
export const at = (version: number) => FIRST_MS + (version - 1) * 1_000;
export const reserved = (orderId: string, quantity: number, deadline = 0): Step => ({
  type: 'InventoryReserved',
  quantity,
  change: [-quantity, quantity, 0],
  orderId,
  expiresAtMs: FIRST_MS + 30 * MINUTE_MS + deadline,
});
export const released = (orderId: string, quantity: number, cause: 'cancelled' | 'expired'): Step => ({
  type: 'InventoryReleased',
  quantity,
  change: [quantity, -quantity, 0],
  orderId,
  cause,
});
export const received = (quantity: number, movementId: string): Step => ({
  type: 'InventoryReceived',
  quantity,
  change: [quantity, 0, 0],
  movementId,
});

/** One of everything; 100 units came, 2 were counted away, and of those 5 are held, 4 sold, and the item is locked. */
export const HISTORY: readonly Step[] = [
  received(100, 'first'),
  { type: 'SafetyStockSet', quantity: 7 },
  reserved('o1', 4),
  reserved('o2', 3),
  reserved('o3', 2),
  { type: 'InventoryDeducted', quantity: 4, change: [0, -4, 4], orderId: 'o1' },
  released('o2', 1, 'cancelled'),
  {
    type: 'ReservationExtended',
    quantity: 2,
    orderId: 'o2',
    expiresAtMs: FIRST_MS + 90 * MINUTE_MS,
  },
  reserved('o4', 6),
  released('o4', 6, 'expired'),
  { type: 'StocktakeStarted', quantity: 100, stocktakeId: 'count', expiresAtMs: FIRST_MS + 5 * MINUTE_MS },
  { type: 'StocktakeCompleted', quantity: 98, change: [-2, 0, 0], stocktakeId: 'count' },
  { type: 'SafetyStockSet', quantity: 9 },
  reserved('o5', 1, -1_000),
  { type: 'StocktakeStarted', quantity: 98, stocktakeId: 'again', expiresAtMs: FIRST_MS + 9 * MINUTE_MS },
];
export const ITEM = { sku: 'TEA', warehouse: 'east' };
export const LOCK = { stocktakeId: 'again', untilMs: FIRST_MS + 9 * MINUTE_MS };

/** Writes {@link HISTORY} as that of {@link ITEM}, with the holds it leaves open and some of other items. */
export async function bookHistory(owner: pg.Client): Promise<void> {
  await book(owner, 'TEA@east', HISTORY, {
    stocktakeId: LOCK.stocktakeId,
    stocktakeUntilMs: LOCK.untilMs,
  });
  await hold(owner, 'o2', 'TEA@east=2', at(4), FIRST_MS + 90 * MINUTE_MS);
  await hold(owner, 'o3', 'TEA@east=2,TEA@west=50', at(5), FIRST_MS + 30 * MINUTE_MS);
  await hold(owner, 'o5', 'ICETEA@east=70,TEA@east=1', at(14), FIRST_MS + 30 * MINUTE_MS - 1_000);
  // None of these is a hold of TEA in the east.
  await hold(owner, 'o6', 'ICETEA@east=5', at(14), FIRST_MS + 30 * MINUTE_MS);
  await hold(owner, 'o7', 'TEA@eastern=5', at(14), FIRST_MS + 30 * MINUTE_MS);
}
