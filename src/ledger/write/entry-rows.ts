/**
 * Event lines as rows of the ledger. COPY, because it costs Postgres two thirds of the same rows by unnest (the figures
 * stand beside the table, in the migration). Refuses to know: whether the rows are right; they were judged.
 */
import type pg from 'pg';
import type { StockEvent } from '../../domain/language.ts';
import { copyCell, copyIn, instantText, textInSteps } from './bulk-text.ts';
import type { LedgerChunk, LedgerRow } from './chunk.ts';

const COPY_LEDGER = `COPY ledger (at, version, sequence, epoch, quantity, available_before, reserved_before, sold_before,
  available_change, reserved_change, sold_change, type, partition, sku, warehouse, actor,
  order_id, movement_id, expires_at, cause, operation, safety_stock, reason, transfer_id, stocktake_id) FROM STDIN`;

/** The rows as COPY takes them, in order. Names and ids in them match the domain's pattern; reasons are any text. */
export function ledgerRowsText(chunk: LedgerChunk): Promise<Buffer> {
  return textInSteps(chunk.rows, (row) => rowText(row, chunk.epoch, chunk.partition));
}

export async function writeLedgerRows(client: pg.ClientBase, text: Buffer): Promise<void> {
  if (text.length > 0) await copyIn(client, COPY_LEDGER, text);
}

function rowText(
  { sequence, event, line, before, after }: LedgerRow,
  epoch: number,
  partition: number,
): string {
  return (
    `${instantText(event.atMs)}\t${line.version}\t${sequence}\t${epoch}\t${line.quantity}\t` +
    `${before.available}\t${before.reserved}\t${before.sold}\t${after.available - before.available}\t` +
    `${after.reserved - before.reserved}\t${after.sold - before.sold}\t${event.type}\t${partition}\t` +
    `${line.sku}\t${line.warehouse}\t${event.actor}\t${ownCells(event)}\n`
  );
}

/**
 * What one type of event has and others have not: order_id, movement_id, expires_at, cause, operation, safety_stock,
 * reason, transfer_id, stocktake_id. The most frequent are spelled out.
 */
function ownCells(event: StockEvent): string {
  switch (event.type) {
    case 'InventoryReserved':
    case 'ReservationExtended':
      return `${event.orderId}\t\\N\t${instantText(event.expiresAtMs)}\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N`;
    case 'InventoryDeducted':
      return `${event.orderId}\t\\N\t\\N\t\\N\t${copyCell(event.operation)}\t\\N\t\\N\t\\N\t\\N`;
    case 'InventoryReleased':
      return `${event.orderId}\t\\N\t\\N\t${event.cause}\t${operationCell(event.operation)}\t\\N\t\\N\t\\N\t\\N`;
    case 'InventoryReacquired':
      return cells({ orderId: event.orderId, operation: event.operation });
    case 'PaymentCameShort':
      return cells({ orderId: event.orderId });
    case 'InventoryReceived':
    case 'InventoryIssued':
    case 'InventoryShipped':
    case 'InventoryReturned':
    case 'ReturnWrittenOff':
    case 'InventoryCorrected':
    case 'TransferDispatched':
    case 'TransferReceived':
    case 'TransferCancelled':
    case 'StocktakeCompleted':
    case 'StocktakeCancelled':
    case 'StocktakeLapsed':
      return cells(event);
    case 'StocktakeStarted':
      return cells({ stocktakeId: event.stocktakeId, expiresAtMs: event.untilMs });
    case 'LowStockAlertTriggered':
      return cells({ safetyStock: event.safetyStock });
    case 'SafetyStockSet':
    // Sales have no lines, and so no rows; how they go is told by their orders.
    case 'SaleScheduled':
    case 'SaleClosed':
      return cells({});
    default: {
      const never: never = event;
      throw new Error(`no such event: ${JSON.stringify(never)}`);
    }
  }
}

interface OwnFields {
  readonly orderId?: string | undefined;
  readonly movementId?: string | undefined;
  readonly expiresAtMs?: number;
  readonly operation?: string;
  readonly safetyStock?: number;
  readonly reason?: string;
  readonly transferId?: string | undefined;
  readonly stocktakeId?: string;
}

function cells(own: OwnFields): string {
  const expiresAt = own.expiresAtMs === undefined ? '\\N' : instantText(own.expiresAtMs);
  const operation = own.operation === undefined ? '\\N' : copyCell(own.operation);
  return (
    `${own.orderId ?? '\\N'}\t${own.movementId ?? '\\N'}\t${expiresAt}\t\\N\t${operation}\t` +
    `${own.safetyStock ?? '\\N'}\t${copyCell(own.reason || undefined)}\t${own.transferId ?? '\\N'}\t` +
    `${own.stocktakeId ?? '\\N'}`
  );
}

/** What time and a partial confirm return has no operation of its own: the stream writes "-". */
function operationCell(operation: string): string | number {
  return operation === '-' ? '\\N' : copyCell(operation);
}
