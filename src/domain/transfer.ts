/**
 * A transfer: goods on the way between two warehouses are in neither. Nothing is in two places or in none:
 * quantity = in transit + received + rejected + returned. Twin: lua/transfer.lua.
 */
import { strict as assert } from 'node:assert';
import type { TransferEvent } from './events.ts';
import type { TransferView } from './views.ts';

export interface Transfer extends TransferView {
  /** Receipts done, so that a repeat is known. */
  readonly operations: readonly string[];
}

export function inTransit(transfer: TransferView): number {
  return transfer.quantity - transfer.received - transfer.rejected - transfer.returned;
}

export function transferView(transfer: Transfer): TransferView {
  const { operations: _, ...view } = transfer;
  return view;
}

/** The transfer after an event. Asserts what would put goods in two places or in none. */
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
    `transfer ${event.transferId} lands ${line.quantity} of ${rest} in transit`,
  );
  return {
    ...before,
    status: line.quantity === rest ? 'RECEIVED' : 'IN_TRANSIT',
    received: before.received + line.quantity - event.rejected,
    rejected: before.rejected + event.rejected,
    operations: [...before.operations, event.operation],
  };
}
