/**
 * Event lines as rows of the ledger. COPY, because it costs Postgres two thirds of what the same rows cost by unnest (the
 * figures are in the first migration). Refuses to know: whether the rows are right; the worker checked.
 */
import type pg from 'pg';
import {
  EVENTS,
  type EventRow,
  type EventType,
  type FieldKind,
  type StockEvent,
} from '../../domain/language.ts';
import { copyCell, copyIn, instantText, textInSteps } from './bulk-text.ts';
import type { LedgerChunk, LedgerRow } from './chunk.ts';

/** Columns that some types of event fill and others leave empty, in the order in which they are written. */
const OWN_COLUMNS = [
  'order_id',
  'movement_id',
  'expires_at',
  'cause',
  'operation',
  'safety_stock',
  'reason',
  'transfer_id',
  'stocktake_id',
] as const;

type FieldsOf<R> = R extends undefined ? never : keyof R;
type FieldName = {
  [T in EventType]: FieldsOf<(typeof EVENTS)[T]['subject']> | FieldsOf<(typeof EVENTS)[T]['fields']>;
}[EventType];

/** Where the ledger keeps each field of an event; null where a reservation, a document or a line has it. */
const COLUMN_OF: Readonly<Record<FieldName, (typeof OWN_COLUMNS)[number] | null>> = {
  orderId: 'order_id',
  movementId: 'movement_id',
  transferId: 'transfer_id',
  stocktakeId: 'stocktake_id',
  expiresAtMs: 'expires_at',
  untilMs: 'expires_at',
  cause: 'cause',
  operation: 'operation',
  safetyStock: 'safety_stock',
  reason: 'reason',
  fingerprint: null,
  customerId: null,
  proposeTransferTo: null,
  to: null,
  rejected: null,
  saleId: null,
  sku: null,
  opensAtMs: null,
  closesAtMs: null,
  quantity: null,
  limitPerCustomer: null,
  available: null,
  reserved: null,
  sold: null,
};

const COPY_LEDGER = `COPY ledger (at, version, sequence, epoch, quantity, available_before, reserved_before, sold_before,
  available_change, reserved_change, sold_change, type, partition, sku, warehouse, actor, ${OWN_COLUMNS}) FROM STDIN`;

/** The rows of a chunk as COPY takes them, in order. */
export function ledgerRowsText(chunk: Pick<LedgerChunk, 'rows' | 'partition'>): Promise<Buffer> {
  return textInSteps(chunk.rows, (row) => rowText(row, chunk.partition));
}

/** Writes what {@link ledgerRowsText} made. */
export async function writeLedgerRows(client: pg.ClientBase, text: Buffer): Promise<void> {
  if (text.length > 0) await copyIn(client, COPY_LEDGER, text);
}

function rowText({ epoch, sequence, event, line, before, after }: LedgerRow, partition: number): string {
  return (
    `${instantText(event.atMs)}\t${line.version}\t${sequence}\t${epoch}\t${line.quantity}\t` +
    `${before.available}\t${before.reserved}\t${before.sold}\t${after.available - before.available}\t` +
    `${after.reserved - before.reserved}\t${after.sold - before.sold}\t${event.type}\t${partition}\t` +
    `${copyCell(line.sku)}\t${copyCell(line.warehouse)}\t${copyCell(event.actor)}\t${ownCells(event)}\n`
  );
}

/** The three most frequent types are spelled out: a loop over their fields would take half as long again. */
function ownCells(event: StockEvent): string {
  switch (event.type) {
    case 'InventoryReserved':
      return `${copyCell(event.orderId)}\t\\N\t${instantText(event.expiresAtMs)}\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N`;
    case 'InventoryDeducted':
      return `${copyCell(event.orderId)}\t\\N\t\\N\t\\N\t${CELLS.operation(event.operation)}\t\\N\t\\N\t\\N\t\\N`;
    case 'InventoryReleased':
      return `${copyCell(event.orderId)}\t\\N\t\\N\t${event.cause}\t${CELLS.operation(event.operation)}\t\\N\t\\N\t\\N\t\\N`;
    default:
      return OWN_CELLS_OF[event.type](event);
  }
}

type Value = string | number | undefined;
const plain = (value: Value) => copyCell(value);
const CELLS: Readonly<Record<FieldKind, (value: Value) => string | number>> = {
  id: plain,
  'optional id': plain,
  units: plain,
  cause: plain,
  fingerprint: plain,
  reason: (value) => copyCell(value || undefined),
  'instant ms': (value) => (value === undefined ? '\\N' : instantText(Number(value))),
  // A release by time or by a partial confirm has no operation of its own: the stream writes "-".
  operation: (value) => copyCell(value === '-' ? undefined : value),
};

function ownCellsOf({ subject = {}, fields }: EventRow): (event: StockEvent) => string {
  const all = Object.entries({ ...subject, ...fields }) as [FieldName, FieldKind][];
  const own = OWN_COLUMNS.map((column) => all.find(([field]) => COLUMN_OF[field] === column));
  // The table says which fields a type has; TypeScript cannot follow a loop over it.
  return (event) => {
    const values = event as unknown as Readonly<Record<FieldName, Value>>;
    return own.map((field) => (field ? CELLS[field[1]](values[field[0]]) : '\\N')).join('\t');
  };
}

const OWN_CELLS_OF = Object.fromEntries(
  Object.entries(EVENTS).map(([type, row]) => [type, ownCellsOf(row)]),
) as Readonly<Record<EventType, (event: StockEvent) => string>>;
