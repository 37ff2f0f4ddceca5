/**
 * InventoryItem: the aggregate root for the stock of one SKU in one warehouse, and the readable form of its rules. Each rule
 * keeps its number. Twin of `change`, `watch_stock` and the command files in lua/; the worker runs every event through
 * `evolveItem` before it is written (D8). Refuses to know: other items, stores and the time.
 */
import { strict as assert } from 'node:assert';
import { type Effect, EVENTS, type EventLine, type EventOf, type StockEvent } from './events.ts';
import { QUANTITY_MAX, STOCKTAKE_GRACE_SECONDS } from './limits.ts';
import type { ItemView } from './views.ts';

/** The stock of one SKU in one warehouse, in units. */
export interface InventoryItem extends ItemView {
  /** The low-stock alert has fired and is not re-armed yet (BR-005). */
  readonly isLow: boolean;
  /** BR-007: after a stocktake, the time until which no hold on the item expires. */
  readonly holdsUntilMs?: number | undefined;
}

/** The fields of an item that answers show. */
export function itemViewOf({ isLow: _, holdsUntilMs: __, ...view }: InventoryItem): ItemView {
  return view;
}

/** An item before its first event. */
export function newItem(sku: string, warehouse: string): InventoryItem {
  return {
    sku,
    warehouse,
    total: 0,
    available: 0,
    reserved: 0,
    sold: 0,
    safetyStock: 0,
    version: 0,
    isLow: false,
  };
}

/** BR-002: whether an order may hold this many units of the item. */
export function canReserve(item: InventoryItem, quantity: number): boolean {
  return quantity <= item.available;
}

/** Whether the total stays in its range with this many units more. */
export function canReceive(item: InventoryItem, quantity: number): boolean {
  return item.total + quantity <= QUANTITY_MAX;
}

/** The units below which the total cannot fall: reserved, or sold and not shipped yet. */
export function committedOf(item: InventoryItem): number {
  return item.reserved + item.sold;
}

/** BR-005: whether the low-stock alert fires now. It fires once, when available falls below the safety stock. */
export function crossesSafetyStock(item: InventoryItem): boolean {
  return item.available < item.safetyStock && !item.isLow;
}

/** For people, in messages that are made for every line of every event: not escaped, which would take longer. */
function nameOf({ sku, warehouse }: Pick<InventoryItem, 'sku' | 'warehouse'>): string {
  return `${sku}@${warehouse}`;
}

/** Asserts what is true after every change (BR-001, BR-004). @throws {AssertionError} a defect, never an answer to a caller */
export function assertInvariants(item: InventoryItem): void {
  const name = `${nameOf(item)} at version ${item.version}`;
  assert(item.available >= 0, `BR-001: available of ${name} is ${item.available}`);
  assert(item.reserved >= 0 && item.sold >= 0, `BR-001: reserved or sold of ${name} is negative`);
  assert(
    item.total === item.available + item.reserved + item.sold,
    `BR-004: ${name}: total ${item.total} is not ${item.available} + ${item.reserved} + ${item.sold}`,
  );
  assert(item.total <= QUANTITY_MAX && Number.isSafeInteger(item.total), `total of ${name} is out of range`);
}

/** By how much an event changes the four counters of an item, in units. */
export interface StockChange {
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
}

const NO_CHANGE: StockChange = { total: 0, available: 0, reserved: 0, sold: 0 };

/**
 * How an event changes the counters of an item.
 * @param quantity of the event's line about this item, in units
 * @param item before the event: one that sets the total changes it by the difference
 */
export function changeOf(event: StockEvent, quantity: number, item: InventoryItem): StockChange {
  const effect: Effect = EVENTS[event.type].effect;
  if (event.type === 'InventoryRealigned') {
    const [available, reserved, sold] = [
      event.available - item.available,
      event.reserved - item.reserved,
      event.sold - item.sold,
    ];
    return { total: available + reserved + sold, available, reserved, sold };
  }
  if (effect === 'set total') {
    const difference = quantity - item.total;
    return { ...NO_CHANGE, total: difference, available: difference };
  }
  if (typeof effect === 'string') throw new Error(`${event.type} has a counter effect of its own`);
  const { total = 0, available = 0, reserved = 0, sold = 0 } = effect;
  return {
    total: total * quantity,
    available: available * quantity,
    reserved: reserved * quantity,
    sold: sold * quantity,
  };
}

function isStocktakeEnd(
  event: StockEvent,
): event is EventOf<'StocktakeCompleted' | 'StocktakeCancelled' | 'StocktakeLapsed'> {
  return EVENTS[event.type].record === 'stocktake' && event.type !== 'StocktakeStarted';
}

/** BR-007: the lock after an event. Asserts that the event is allowed under the lock. */
function lockAfter(item: InventoryItem, event: StockEvent): ItemView['stocktake'] {
  const lock = item.stocktake;
  if (event.type === 'StocktakeStarted') {
    assert(!lock, `BR-007: a second stocktake of ${nameOf(item)}`);
    assert(event.untilMs > event.atMs, 'BR-007: a lock ends before it begins');
    return { stocktakeId: event.stocktakeId, untilMs: event.untilMs };
  }
  if (!isStocktakeEnd(event)) {
    assert(
      !lock || EVENTS[event.type].isAllowedUnderLock,
      `BR-007: ${event.type} under stocktake ${lock?.stocktakeId}`,
    );
    const isExpiry = event.type === 'InventoryReleased' && event.cause === 'expired';
    assert(!isExpiry || !lock, `BR-007: a hold expired under stocktake ${lock?.stocktakeId}`);
    assert(
      !isExpiry || (item.holdsUntilMs ?? 0) <= event.atMs,
      'BR-007: a hold expired within the grace after a stocktake',
    );
    return lock;
  }
  assert(
    lock?.stocktakeId === event.stocktakeId,
    `BR-007: ${event.type} of ${event.stocktakeId}, which does not hold the lock`,
  );
  assert(
    event.type !== 'StocktakeLapsed' || lock.untilMs <= event.atMs,
    'BR-007: a lock lapsed before its time',
  );
  return undefined;
}

/** BR-007: until when no hold on the item expires: new if the lock has just ended, else unchanged. */
function holdsUntilAfter(item: InventoryItem, event: StockEvent): number | undefined {
  if (!item.stocktake) return item.holdsUntilMs;
  return Math.min(item.stocktake.untilMs, event.atMs) + STOCKTAKE_GRACE_SECONDS * 1_000;
}

function safetyStockAfter(item: InventoryItem, event: StockEvent, quantity: number): number {
  if (event.type === 'InventoryRealigned') return event.safetyStock;
  return event.type === 'SafetyStockSet' ? quantity : item.safetyStock;
}

/**
 * The item after one line of an event.
 * @throws {AssertionError} if the aggregate would not have allowed it: a version gap, a reservation of more than is
 * available, an alert that was not due, a counter out of its range
 */
export function evolveItem(item: InventoryItem, event: StockEvent, line: EventLine): InventoryItem {
  const passedOver = event.type === 'InventoryRealigned' ? line.quantity : 0;
  assert(
    line.sku === item.sku &&
      line.warehouse === item.warehouse &&
      line.version === item.version + 1 + passedOver,
    `version gap: ${nameOf(line)} goes from ${item.version} to ${line.version}`,
  );
  const { quantity } = line;
  // Only a level may be 0; a movement has at least one unit.
  assert(
    Number.isInteger(quantity) &&
      quantity >= (EVENTS[event.type].lines === 'levels' ? 0 : 1) &&
      quantity <= QUANTITY_MAX,
    `BR-001: a quantity of ${quantity} in ${event.type} is out of range`,
  );
  if (event.type === 'InventoryReserved' || event.type === 'InventoryReacquired') {
    assert(canReserve(item, quantity), `BR-002: ${quantity} reserved of ${item.available} available`);
  }
  if (event.type === 'LowStockAlertTriggered') {
    assert(
      crossesSafetyStock(item) && quantity === item.available && event.safetyStock === item.safetyStock,
      `BR-005: an alert at ${quantity} of ${event.safetyStock} that was not due`,
    );
    return { ...item, version: line.version, isLow: true };
  }
  const stocktake = lockAfter(item, event);
  const holdsUntilMs = stocktake ? undefined : holdsUntilAfter(item, event);
  const change = changeOf(event, quantity, item);
  const available = item.available + change.available;
  const safetyStock = safetyStockAfter(item, event, quantity);
  const next: InventoryItem = {
    sku: item.sku,
    warehouse: item.warehouse,
    total: item.total + change.total,
    available,
    reserved: item.reserved + change.reserved,
    sold: item.sold + change.sold,
    safetyStock,
    version: line.version,
    // BR-005: re-armed when available reaches the safety stock again.
    isLow: item.isLow && available < safetyStock,
  };
  assertInvariants(next);
  // Hot code, run for every line of every event: most items have no lock and skip the copy.
  if (stocktake) return { ...next, stocktake };
  return holdsUntilMs === undefined ? next : { ...next, holdsUntilMs };
}
