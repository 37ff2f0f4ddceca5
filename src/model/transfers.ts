/**
 * Part of the executable specification: transfers (調撥) are dispatched, received in whole or in parts, or cancelled back to
 * their source. Twin: lua/transfer.lua.
 */

import { canReceive, newItem } from '../domain/inventory-item.ts';
import {
  type CancelTransfer,
  type Decision,
  type DispatchTransfer,
  REJECTED_REASON,
  type ReceiveTransfer,
  type Refusal,
  receiptOperation,
  type StockEvent,
  TRANSFER_RECEIPTS_MAX,
  type TransferView,
} from '../domain/language.ts';
import { inTransit, type Transfer, transferView } from '../domain/transfer.ts';
import type { InventoryState, WithoutVersions } from './inventory-state.ts';
import { refused } from './orders.ts';
import { refuseLocked } from './stock.ts';

/** Takes units out of their source; until they are received they are in transit, in no item. */
export function dispatchTransfer(
  state: InventoryState,
  command: DispatchTransfer,
  nowMs: number,
): Decision<TransferView> {
  const { transferId, sku, from, to, quantity, reason, actor } = command;
  const before = state.transfers.get(transferId);
  if (before) {
    const isSame =
      before.sku === sku && before.from === from && before.to === to && before.quantity === quantity;
    return isSame ? done(state, transferId, true) : refused({ code: 'transfer-conflict' });
  }
  const source = state.item({ sku, warehouse: from });
  if (!source) return refused({ code: 'unknown-item', items: [{ sku, warehouse: from }] });
  const lock = refuseLocked(source);
  if (lock) return refused(lock);
  const { available } = source;
  if (quantity > available) {
    const shortage = { sku, warehouse: from, requested: quantity, available };
    return refused({ code: 'insufficient-stock', shortages: [shortage] });
  }
  const lines = [{ sku, warehouse: from, quantity }];
  state.record({ type: 'TransferDispatched', transferId, to, lines, reason, atMs: nowMs, actor });
  return done(state, transferId, false);
}

/** Units in transit arrive. Rejected units are received and issued again in the same step. */
export function receiveTransfer(
  state: InventoryState,
  command: ReceiveTransfer,
  nowMs: number,
): Decision<TransferView> {
  const { transferId, rejected, actor } = command;
  const operation = receiptOperation(command);
  const open = openTransfer(state, transferId, (transfer) => transfer.operations.includes(operation));
  if ('outcome' in open) return open;
  if (open.operations.length >= TRANSFER_RECEIPTS_MAX) return refused({ code: 'too-many-receipts' });
  const quantity = command.received + rejected;
  if (quantity > inTransit(open)) return refused({ code: 'exceeds-transit', inTransit: inTransit(open) });
  const line = { sku: open.sku, warehouse: open.to, quantity };
  const refusal = refuseArrival(state, line);
  if (refusal) return refused(refusal);
  const base = { transferId, atMs: nowMs, actor };
  state.record({ type: 'TransferReceived', lines: [line], rejected, operation, ...base });
  if (rejected > 0) {
    const lines = [{ ...line, quantity: rejected }];
    const issued: WithoutVersions<StockEvent> = {
      type: 'InventoryIssued',
      lines,
      reason: REJECTED_REASON,
      ...base,
    };
    state.record(issued);
  }
  return done(state, transferId, false);
}

/** Returns what is still in transit to the source. */
export function cancelTransfer(
  state: InventoryState,
  command: CancelTransfer,
  nowMs: number,
): Decision<TransferView> {
  const { transferId, actor } = command;
  const open = openTransfer(state, transferId, (transfer) => transfer.status === 'CANCELLED');
  if ('outcome' in open) return open;
  const line = { sku: open.sku, warehouse: open.from, quantity: inTransit(open) };
  const refusal = refuseArrival(state, line);
  if (refusal) return refused(refusal);
  state.record({ type: 'TransferCancelled', transferId, lines: [line], atMs: nowMs, actor });
  return done(state, transferId, false);
}

/** Why an item, which may be new, cannot take these units now; undefined if it can. */
function refuseArrival(
  state: InventoryState,
  line: { sku: string; warehouse: string; quantity: number },
): Refusal | undefined {
  const item = state.item(line) ?? newItem(line.sku, line.warehouse);
  const lock = refuseLocked(item);
  if (lock) return lock;
  return canReceive(item, line.quantity) ? undefined : { code: 'quantity-limit-exceeded', total: item.total };
}

/** The transfer of a command, if it is still in transit; else the decision about the command. */
function openTransfer(
  state: InventoryState,
  transferId: string,
  isRepeated: (transfer: Transfer) => boolean,
): Transfer | Decision<TransferView> {
  const transfer = state.transfers.get(transferId);
  if (!transfer) return refused({ code: 'unknown-transfer' });
  if (isRepeated(transfer)) return done(state, transferId, true);
  if (transfer.status === 'IN_TRANSIT') return transfer;
  return refused({ code: 'transfer-ended', transfer: transferView(transfer) });
}

function done(state: InventoryState, transferId: string, replayed: boolean): Decision<TransferView> {
  const transfer = state.transfers.get(transferId);
  if (!transfer) throw new Error(`transfer ${transferId} does not exist after its own command`);
  return { outcome: 'done', replayed, value: transferView(transfer) };
}
