/**
 * Transfers (調撥): dispatch, in transit, receive whole or in part, cancel back to the source. Twin: lua/transfer.lua.
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

export function dispatchTransfer(
  books: InventoryState,
  command: DispatchTransfer,
  nowMs: number,
): Decision<TransferView> {
  const { transferId, sku, from, to, quantity, reason, actor } = command;
  const before = books.transfers.get(transferId);
  if (before) {
    const isSame =
      before.sku === sku && before.from === from && before.to === to && before.quantity === quantity;
    return isSame ? done(books, transferId, true) : refused({ code: 'transfer-conflict' });
  }
  const source = books.item({ sku, warehouse: from });
  if (!source) return refused({ code: 'unknown-item', items: [{ sku, warehouse: from }] });
  const lock = refuseLocked(source);
  if (lock) return refused(lock);
  const { available } = source;
  if (quantity > available) {
    const shortage = { sku, warehouse: from, requested: quantity, available };
    return refused({ code: 'insufficient-stock', shortages: [shortage] });
  }
  const lines = [{ sku, warehouse: from, quantity }];
  books.record({ type: 'TransferDispatched', transferId, to, lines, reason, atMs: nowMs, actor });
  return done(books, transferId, false);
}

export function receiveTransfer(
  books: InventoryState,
  command: ReceiveTransfer,
  nowMs: number,
): Decision<TransferView> {
  const { transferId, rejected, actor } = command;
  const operation = receiptOperation(command);
  const open = openTransfer(books, transferId, (transfer) => transfer.operations.includes(operation));
  if ('outcome' in open) return open;
  if (open.operations.length >= TRANSFER_RECEIPTS_MAX) return refused({ code: 'too-many-receipts' });
  const quantity = command.received + rejected;
  if (quantity > inTransit(open)) return refused({ code: 'exceeds-transit', inTransit: inTransit(open) });
  const line = { sku: open.sku, warehouse: open.to, quantity };
  const refusal = refuseLanding(books, line);
  if (refusal) return refused(refusal);
  const base = { transferId, atMs: nowMs, actor };
  books.record({ type: 'TransferReceived', lines: [line], rejected, operation, ...base });
  if (rejected > 0) {
    const lines = [{ ...line, quantity: rejected }];
    const issued: WithoutVersions<StockEvent> = {
      type: 'InventoryIssued',
      lines,
      reason: REJECTED_REASON,
      ...base,
    };
    books.record(issued);
  }
  return done(books, transferId, false);
}

export function cancelTransfer(
  books: InventoryState,
  command: CancelTransfer,
  nowMs: number,
): Decision<TransferView> {
  const { transferId, actor } = command;
  const open = openTransfer(books, transferId, (transfer) => transfer.status === 'CANCELLED');
  if ('outcome' in open) return open;
  const line = { sku: open.sku, warehouse: open.from, quantity: inTransit(open) };
  const refusal = refuseLanding(books, line);
  if (refusal) return refused(refusal);
  books.record({ type: 'TransferCancelled', transferId, lines: [line], atMs: nowMs, actor });
  return done(books, transferId, false);
}

/** Whether goods may land in an item now, which need not be there yet. */
function refuseLanding(
  books: InventoryState,
  line: { sku: string; warehouse: string; quantity: number },
): Refusal | undefined {
  const item = books.item(line) ?? newItem(line.sku, line.warehouse);
  const lock = refuseLocked(item);
  if (lock) return lock;
  return canReceive(item, line.quantity) ? undefined : { code: 'quantity-limit-exceeded', total: item.total };
}

/** The transfer a command is about, still in transit; or the decision that ends it. */
function openTransfer(
  books: InventoryState,
  transferId: string,
  isRepeated: (transfer: Transfer) => boolean,
): Transfer | Decision<TransferView> {
  const transfer = books.transfers.get(transferId);
  if (!transfer) return refused({ code: 'unknown-transfer' });
  if (isRepeated(transfer)) return done(books, transferId, true);
  if (transfer.status === 'IN_TRANSIT') return transfer;
  return refused({ code: 'transfer-ended', transfer: transferView(transfer) });
}

function done(books: InventoryState, transferId: string, replayed: boolean): Decision<TransferView> {
  const transfer = books.transfers.get(transferId);
  if (!transfer) throw new Error(`transfer ${transferId} was decided but is not there`);
  return { outcome: 'done', replayed, value: transferView(transfer) };
}
