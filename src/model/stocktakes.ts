/**
 * Part of the executable specification: stocktakes (BR-007) lock, count, adjust and unlock items one by one under a sheet.
 * Units that are sold but not shipped are still in the building, so a count is compared with the total, which no command
 * changes under the lock. Twin: lua/lock.lua, stocktake.lua.
 */

import { committedOf, type InventoryItem } from '../domain/inventory-item.ts';
import {
  type CancelStocktake,
  type CompleteStocktake,
  type Decision,
  STOCKTAKE_LINES_MAX,
  type StartStocktake,
  type StocktakeLine,
} from '../domain/language.ts';
import { itemName } from '../domain/lines.ts';
import type { Reservation } from '../domain/reservation.ts';
import type { InventoryState } from './inventory-state.ts';
import { refused } from './orders.ts';
import { refuseCount, refuseLocked } from './stock.ts';

/** Locks an item and adds it to the sheet. */
export function startStocktake(
  state: InventoryState,
  command: StartStocktake,
  nowMs: number,
): Decision<StocktakeLine> {
  const { stocktakeId, sku, warehouse, actor } = command;
  const sheet = state.sheets.get(stocktakeId);
  const line = sheet?.get(itemName(command));
  if (line) {
    if (line.status === 'COUNTING') return { outcome: 'done', replayed: true, value: line };
    return refused({ code: 'stocktake-ended', countStatus: line.status });
  }
  const item = state.item(command);
  if (!item) return refused({ code: 'unknown-item', items: [{ sku, warehouse }] });
  const lock = refuseLocked(item);
  if (lock) return refused(lock);
  if ((sheet?.size ?? 0) >= STOCKTAKE_LINES_MAX) return refused({ code: 'stocktake-full' });
  state.record({
    type: 'StocktakeStarted',
    stocktakeId,
    untilMs: nowMs + command.leaseMs,
    lines: [{ sku, warehouse, quantity: item.total }],
    atMs: nowMs,
    actor,
  });
  return { outcome: 'done', replayed: false, value: lineOf(state, command) };
}

/** Sets the total to what was counted and ends the lock; may release named holds if the count is below what is committed. */
export function completeStocktake(
  state: InventoryState,
  command: CompleteStocktake,
  nowMs: number,
): Decision<StocktakeLine> {
  const { stocktakeId, sku, warehouse, counted, reason, actor } = command;
  const item = countedItem(state, command, (line) => line.status === 'COUNTED' && line.counted === counted);
  if ('outcome' in item) return item;
  const released: string[] = [];
  const refusal = refuseCount(item, counted);
  if (refusal) {
    const holds = holdsToRelease(state, command, item);
    if (!holds) return refused(refusal);
    for (const { orderId, lines } of holds) {
      state.record({
        type: 'InventoryReleased',
        orderId,
        lines,
        cause: 'shortfall',
        operation: '-',
        atMs: nowMs,
        actor,
      });
      released.push(orderId);
    }
  }
  const lines = [{ sku, warehouse, quantity: counted }];
  state.record({ type: 'StocktakeCompleted', stocktakeId, lines, reason, atMs: nowMs, actor });
  const value = lineOf(state, command);
  return { outcome: 'done', replayed: false, value: released.length > 0 ? { ...value, released } : value };
}

/** The first of the named holds whose release brings the committed units down to the count; undefined if all are not enough. */
function holdsToRelease(
  state: InventoryState,
  command: CompleteStocktake,
  item: InventoryItem,
): Reservation[] | undefined {
  const holds: Reservation[] = [];
  let missing = committedOf(item) - command.counted;
  for (const orderId of new Set(command.releasable)) {
    if (missing <= 0) break;
    const reservation = state.reservations.get(orderId);
    if (reservation?.status !== 'ACTIVE') continue;
    const line = reservation.lines.find((held) => held.sku === item.sku && held.warehouse === item.warehouse);
    if (!line) continue;
    holds.push(reservation);
    missing -= line.quantity;
  }
  return missing <= 0 ? holds : undefined;
}

/** Ends the lock without a count. */
export function cancelStocktake(
  state: InventoryState,
  command: CancelStocktake,
  nowMs: number,
): Decision<StocktakeLine> {
  const { stocktakeId, sku, warehouse, actor } = command;
  const item = countedItem(state, command, (line) => line.status === 'CANCELLED');
  if ('outcome' in item) return item;
  const lines = [{ sku, warehouse, quantity: item.total }];
  state.record({ type: 'StocktakeCancelled', stocktakeId, lines, atMs: nowMs, actor });
  return { outcome: 'done', replayed: false, value: lineOf(state, command) };
}

/** The item that is being counted under this sheet; or, if it is not, the decision about the command. */
function countedItem(
  state: InventoryState,
  command: CompleteStocktake | CancelStocktake,
  isRepeated: (line: StocktakeLine) => boolean,
): InventoryItem | Decision<StocktakeLine> {
  const line = state.sheets.get(command.stocktakeId)?.get(itemName(command));
  if (!line) return refused({ code: 'unknown-stocktake' });
  if (line.status !== 'COUNTING') {
    if (isRepeated(line)) return { outcome: 'done', replayed: true, value: line };
    return refused({ code: 'stocktake-ended', countStatus: line.status });
  }
  const item = state.item(command);
  if (!item) throw new Error(`item ${itemName(command)} is counted but does not exist`);
  return item;
}

function lineOf(
  state: InventoryState,
  command: { stocktakeId: string; sku: string; warehouse: string },
): StocktakeLine {
  const line = state.sheets.get(command.stocktakeId)?.get(itemName(command));
  if (!line) throw new Error(`${itemName(command)} is not on sheet ${command.stocktakeId}`);
  return line;
}
