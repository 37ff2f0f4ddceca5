/**
 * InventoryItem: the aggregate root, the stock of one SKU in one warehouse, and the readable statement of its rules.
 * Each rule keeps its number. Twin of `change`, `watch_stock` and the command files in lua/; the worker runs every event
 * through `evolveItem` before it is written (D8). Refuses to know: other items, stores, and what time it is.
 */
import { strict as assert } from 'node:assert';
import { type EventLine, type ItemView, QUANTITY_MAX, type StockEvent } from './language.ts';

export interface InventoryItem extends ItemView {
  /** The low-stock alert is out and not yet re-armed (BR-005). */
  readonly isLow: boolean;
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

/** Whether this many units more keep the item's counters in their range. */
export function canReceive(item: InventoryItem, quantity: number): boolean {
  return item.total + quantity <= QUANTITY_MAX;
}

/** BR-005: whether the alert is to fire now. It fires at the crossing, once. */
export function crossesSafetyStock(item: InventoryItem): boolean {
  return item.available < item.safetyStock && !item.isLow;
}

/** What holds after every change. A broken one is a defect: asserted, never answered. */
export function assertInvariants(item: InventoryItem): void {
  const name = `${item.sku}@${item.warehouse} at version ${item.version}`;
  assert(item.available >= 0, `BR-001: available of ${name} is ${item.available}`);
  assert(item.reserved >= 0 && item.sold >= 0, `BR-001: reserved or sold of ${name} is negative`);
  assert(
    item.total === item.available + item.reserved + item.sold,
    `BR-004: ${name}: total ${item.total} is not ${item.available} + ${item.reserved} + ${item.sold}`,
  );
  assert(item.total <= QUANTITY_MAX && Number.isSafeInteger(item.total), `total of ${name} is out of range`);
}

/** What an event does to the four counters of an item. */
export interface StockChange {
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
}

export function changeOf(event: StockEvent, quantity: number): StockChange {
  switch (event.type) {
    case 'InventoryReserved':
      return { total: 0, available: -quantity, reserved: quantity, sold: 0 };
    case 'InventoryDeducted':
      return { total: 0, available: 0, reserved: -quantity, sold: quantity };
    case 'InventoryReleased':
      return { total: 0, available: quantity, reserved: -quantity, sold: 0 };
    case 'InventoryReceived':
      return { total: quantity, available: quantity, reserved: 0, sold: 0 };
    case 'ReservationExtended':
    case 'SafetyStockSet':
    case 'LowStockAlertTriggered':
      return { total: 0, available: 0, reserved: 0, sold: 0 };
    default: {
      const never: never = event;
      throw new Error(`no such event: ${JSON.stringify(never)}`);
    }
  }
}

/**
 * The item after one line of an event. Asserts what the aggregate would not have allowed: a version gap, a reservation
 * beyond what is available, an alert that was not due, a counter out of its range.
 */
export function evolveItem(item: InventoryItem, event: StockEvent, line: EventLine): InventoryItem {
  assert(
    line.sku === item.sku && line.warehouse === item.warehouse && line.version === item.version + 1,
    `version gap: ${line.sku}@${line.warehouse} goes from ${item.version} to ${line.version}`,
  );
  const { quantity } = line;
  // Only a safety stock and what is left at an alert may be 0; nothing moves less than one unit.
  const isLevel = event.type === 'SafetyStockSet' || event.type === 'LowStockAlertTriggered';
  assert(
    Number.isInteger(quantity) && quantity >= (isLevel ? 0 : 1) && quantity <= QUANTITY_MAX,
    `BR-001: a quantity of ${quantity} in ${event.type} is out of range`,
  );
  if (event.type === 'InventoryReserved') {
    assert(canReserve(item, quantity), `BR-002: ${quantity} reserved of ${item.available} available`);
  }
  if (event.type === 'LowStockAlertTriggered') {
    assert(
      crossesSafetyStock(item) && quantity === item.available && event.safetyStock === item.safetyStock,
      `BR-005: an alert at ${quantity} of ${event.safetyStock} that was not due`,
    );
    return { ...item, version: line.version, isLow: true };
  }
  const change = changeOf(event, quantity);
  const available = item.available + change.available;
  const safetyStock = event.type === 'SafetyStockSet' ? quantity : item.safetyStock;
  const next: InventoryItem = {
    sku: item.sku,
    warehouse: item.warehouse,
    total: item.total + change.total,
    available,
    reserved: item.reserved + change.reserved,
    sold: item.sold + change.sold,
    safetyStock,
    version: line.version,
    // BR-005: re-armed when available is back at the line.
    isLow: item.isLow && available < safetyStock,
  };
  assertInvariants(next);
  return next;
}
