/**
 * Event lines as rows of the ledger. COPY, because it costs Postgres two thirds of the same rows by unnest (the figures
 * stand beside the table, in the migration). Refuses to know: whether the rows are right; they were judged.
 */
import type pg from 'pg';
import type { StockEvent } from '../domain/language.ts';
import { copyCell, copyIn, instantText, textInSteps } from './bulk-text.ts';
import type { LedgerChunk, LedgerRow } from './chunk.ts';

const COPY_LEDGER = `COPY ledger (at, version, sequence, epoch, quantity, available_before, reserved_before, sold_before,
  available_change, reserved_change, sold_change, type, partition, sku, warehouse, actor,
  order_id, movement_id, expires_at, cause, operation, safety_stock, reason) FROM STDIN`;

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

/** What one type of event has and others have not: order_id, movement_id, expires_at, cause, operation, safety_stock, reason. */
function ownCells(event: StockEvent): string {
  switch (event.type) {
    case 'InventoryReserved':
    case 'ReservationExtended':
      return `${event.orderId}\t\\N\t${instantText(event.expiresAtMs)}\t\\N\t\\N\t\\N\t\\N`;
    case 'InventoryDeducted':
      return `${event.orderId}\t\\N\t\\N\t\\N\t${copyCell(event.operation)}\t\\N\t\\N`;
    case 'InventoryReleased':
      return `${event.orderId}\t\\N\t\\N\t${event.cause}\t${operationCell(event.operation)}\t\\N\t\\N`;
    case 'InventoryReceived':
      return `\\N\t${event.movementId}\t\\N\t\\N\t\\N\t\\N\t${copyCell(event.reason || undefined)}`;
    case 'LowStockAlertTriggered':
      return `\\N\t\\N\t\\N\t\\N\t\\N\t${event.safetyStock}\t\\N`;
    case 'SafetyStockSet':
      return '\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N';
    default: {
      const never: never = event;
      throw new Error(`no such event: ${JSON.stringify(never)}`);
    }
  }
}

/** What time and a partial confirm return has no operation of its own: the stream writes "-". */
function operationCell(operation: string): string | number {
  return operation === '-' ? '\\N' : copyCell(operation);
}
