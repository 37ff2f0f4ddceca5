/**
 * Transfer: an aggregate of its own; goods on the way between two warehouses, counted in neither of them.
 * Promises: no unit is lost or counted twice: quantity = in transit + received + rejected + returned. Twin: lua/transfer.lua.
 */
import { strict as assert } from 'node:assert';
import type { TransferEvent } from './events.ts';
import type { TransferView } from './views.ts';

/** The whole state of a transfer; {@link TransferView} is what answers show of it. */
export interface Transfer extends TransferView {
  /** Names of the receipts already done, so that a repeat is recognized. */
  readonly operations: readonly string[];
}

/** Units that have left the source and are not received, rejected or returned yet. */
export function inTransit(transfer: TransferView): number {
  return transfer.quantity - transfer.received - transfer.rejected - transfer.returned;
}

/** The fields of a transfer that answers show. */
export function transferView(transfer: Transfer): TransferView {
  const { operations: _, ...view } = transfer;
  return view;
}

/**
 * The transfer after an event.
 * @param before undefined before its first event
 * @throws {AssertionError} if units would be lost or counted twice, or the transfer has ended
 */
export function evolveTransfer(before: Transfer | undefined, event: TransferEvent): Transfer {
  const [line] = event.lines;
  assert(line && event.lines.length === 1, `${event.type} has one line`);
  if (event.type === 'TransferDispatched') {
    assert(before === undefined, `transfer ${event.transferId} is dispatched a second time`);
    return {
      transferId: event.transferId,
      status: 'IN_TRANSIT',
      sku: line.sku,
      from: line.warehouse,
      to: event.to,
      quantity: line.quantity,
      received: 0,
      rejected: 0,
      returned: 0,
      operations: [],
    };
  }
  assert(before, `${event.type} of transfer ${event.transferId}, which was not dispatched`);
  assert(
    before.status === 'IN_TRANSIT',
    `${event.type} of transfer ${event.transferId}, which is ${before.status}`,
  );
  const rest = inTransit(before);
  assert(line.sku === before.sku, `transfer ${event.transferId} carries ${before.sku}, not ${line.sku}`);
  if (event.type === 'TransferCancelled') {
    assert(
      line.quantity === rest && line.warehouse === before.from,
      `transfer ${event.transferId} returns ${line.quantity} of ${rest} in transit`,
    );
    return { ...before, status: 'CANCELLED', returned: rest };
  }
  assert(
    line.quantity <= rest && event.rejected <= line.quantity && line.warehouse === before.to,
    `transfer ${event.transferId} receives ${line.quantity} of ${rest} in transit`,
  );
  return {
    ...before,
    status: line.quantity === rest ? 'RECEIVED' : 'IN_TRANSIT',
    received: before.received + line.quantity - event.rejected,
    rejected: before.rejected + event.rejected,
    operations: [...before.operations, event.operation],
  };
}
