/**
 * Part of the executable specification: stock movements (receive, issue, ship, return, write off, correct) and the safety
 * stock. Each movement has an id under which it happens once (BR-006). Twin: lua/movement.lua, safety-stock.lua.
 */

import { canReceive, committedOf, type InventoryItem, newItem } from '../domain/inventory-item.ts';
import type {
  Decision,
  ItemView,
  Movement,
  Refusal,
  SetSafetyStock,
  StockEvent,
} from '../domain/language.ts';
import { itemName } from '../domain/lines.ts';
import type { InventoryState, WithoutVersions } from './inventory-state.ts';
import { refused } from './orders.ts';

/** Changes the stock of one item by a movement, once. */
export function move(state: InventoryState, command: Movement, nowMs: number): Decision<ItemView> {
  const { movementId, sku, warehouse } = command;
  const fingerprint = movementFingerprint(command);
  const before = state.movements.get(movementId);
  if (before) {
    if (before.fingerprint !== fingerprint) return refused({ code: 'movement-conflict' });
    return { outcome: 'done', replayed: true, value: before.answer };
  }
  const known = state.item(command);
  if (!known && command.kind !== 'receive') {
    return refused({ code: 'unknown-item', items: [{ sku, warehouse }] });
  }
  const item = known ?? newItem(sku, warehouse);
  const refusal = refuseLocked(item) ?? refuseMovement(item, command);
  if (refusal) return refused(refusal);
  state.record(eventOf(command, nowMs));
  const answer = state.itemView(command);
  state.movements.set(movementId, { fingerprint, answer });
  return { outcome: 'done', replayed: false, value: answer };
}

/** BR-007: no movement of an item while it is counted. */
export function refuseLocked(item: InventoryItem): Refusal | undefined {
  const { sku, warehouse, stocktake } = item;
  return stocktake && { code: 'stocktake-in-progress', items: [{ sku, warehouse, ...stocktake }] };
}

function refuseMovement(item: InventoryItem, command: Movement): Refusal | undefined {
  const { quantity, sku, warehouse } = command;
  switch (command.kind) {
    case 'receive':
    case 'return':
      return canReceive(item, quantity) ? undefined : { code: 'quantity-limit-exceeded', total: item.total };
    case 'issue': {
      const { available } = item;
      if (quantity <= available) return undefined;
      return { code: 'insufficient-stock', shortages: [{ sku, warehouse, requested: quantity, available }] };
    }
    case 'ship':
      return quantity <= item.sold ? undefined : { code: 'exceeds-sold', sold: item.sold };
    case 'write-off':
      return undefined;
    case 'correct':
      if (item.version !== command.expectedVersion)
        return { code: 'version-conflict', version: item.version };
      return refuseCount(item, quantity);
  }
}

/** A total cannot fall below the units that are reserved or sold. */
export function refuseCount(item: InventoryItem, counted: number): Refusal | undefined {
  if (counted >= committedOf(item)) return undefined;
  return { code: 'count-below-committed', counted, reserved: item.reserved, sold: item.sold };
}

function eventOf(command: Movement, atMs: number): WithoutVersions<StockEvent> {
  const { movementId, sku, warehouse, quantity, reason, actor } = command;
  const base = { movementId, lines: [{ sku, warehouse, quantity }], reason, atMs, actor };
  switch (command.kind) {
    case 'receive':
      return { type: 'InventoryReceived', ...base };
    case 'issue':
      return { type: 'InventoryIssued', ...base };
    case 'ship':
      return { type: 'InventoryShipped', orderId: command.orderId, ...base };
    case 'return':
      return { type: 'InventoryReturned', orderId: command.orderId, ...base };
    case 'write-off':
      return { type: 'ReturnWrittenOff', orderId: command.orderId, ...base };
    case 'correct':
      return { type: 'InventoryCorrected', ...base };
  }
}

/** Movements with equal fingerprints are the same movement. */
function movementFingerprint(command: Movement): string {
  const { kind, quantity, reason } = command;
  const text = `${kind} ${itemName(command)}=${quantity} ${reason}`;
  if (command.kind === 'receive' || command.kind === 'issue') return text;
  return `${text} ${command.kind === 'correct' ? command.expectedVersion : command.orderId}`;
}

/** Sets the line under which the low-stock alert fires (BR-005). The value it has already counts as a repeat. */
export function setSafetyStock(
  state: InventoryState,
  command: SetSafetyStock,
  nowMs: number,
): Decision<ItemView> {
  const { sku, warehouse, quantity, actor } = command;
  const item = state.item(command);
  if (!item) return refused({ code: 'unknown-item', items: [{ sku, warehouse }] });
  const replayed = item.safetyStock === quantity;
  if (!replayed)
    state.record({ type: 'SafetyStockSet', lines: [{ sku, warehouse, quantity }], atMs: nowMs, actor });
  return { outcome: 'done', replayed, value: state.itemView(command) };
}
