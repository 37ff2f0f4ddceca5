/**
 * Ids that were used again when the hot path had forgotten them (BR-006). Redis has moved the goods, so the ledger follows, or
 * the item would have to stop; under the id stands what was first. The same content is a repeat, which must count once: what
 * takes it back is noted in the finding, and repair/repeats.ts does it. Other content was promised to somebody, and stays.
 */
import { type EventType, itemName, type StockEvent, type TransferEvent } from '../../domain/language.ts';
import type { TakeBack } from '../../ledger/write/chunk.ts';
import type { TransferDocument } from '../../ledger/write/documents.ts';
import { evidenceOf, type Failure } from './failure.ts';
import type { BookedMovement } from './state-cache.ts';

/** A movement under an id that is booked already. */
export interface Reuse {
  /** What is booked: the same without its id, which the first one has. */
  readonly booked: StockEvent;
  readonly item: { readonly sku: string; readonly warehouse: string };
  readonly note: Failure;
}

const OPPOSITE: Partial<Record<EventType, 'issue' | 'receive'>> = {
  InventoryReceived: 'issue',
  InventoryReturned: 'issue',
  InventoryIssued: 'receive',
};

/** Judges a movement by what is booked under its id. */
export function reuseOfMovement(event: StockEvent, second: BookedMovement, first: BookedMovement): Reuse {
  const { movementId: id, type, sku, warehouse, quantity } = second;
  const isRepeat =
    first.type === type &&
    first.sku === sku &&
    first.warehouse === warehouse &&
    first.quantity === quantity &&
    first.reason === second.reason &&
    first.orderId === second.orderId;
  const by = OPPOSITE[type];
  const takeBack: TakeBack | undefined = isRepeat && by ? { by, id, sku, warehouse, quantity } : undefined;
  // TypeScript cannot know that an entry of the ledger may lack the id that its event has.
  const booked = { ...event, movementId: undefined } as unknown as StockEvent;
  const detail = `BR-006: movement ${id} of ${itemName(second)} is in the ledger already, ${whatNow(type, isRepeat, takeBack)}`;
  const evidence = { event: evidenceOf(event), first, takeBack };
  return { booked, item: { sku, warehouse }, note: { kind: 'movement-id-reused', detail, evidence } };
}

function whatNow(type: EventType, isRepeat: boolean, takeBack: TakeBack | undefined): string {
  if (takeBack) return `with the same content: the repeat is taken back by ${takeBack.by}`;
  if (!isRepeat) return 'with other content: both are booked, and the caller should use another id';
  if (type === 'ReturnWrittenOff') return 'with the same content, which moves no unit';
  return (
    'with the same content, and was counted twice: put the item right with npm run quarantine -- close, then lift ' +
    '--to-ledger with --total and --sold'
  );
}

/** Judges a dispatch by the transfer under its id: undefined where that is open, or for any other step. */
export function reuseOfTransfer(event: TransferEvent, first: TransferDocument): Failure | undefined {
  if (event.type !== 'TransferDispatched' || first.status === 'IN_TRANSIT') return undefined;
  const [line] = event.lines;
  const isRepeat =
    line?.sku === first.sku &&
    line.warehouse === first.from &&
    event.to === first.to &&
    line.quantity === first.quantity;
  const takeBack: TakeBack | undefined = isRepeat
    ? { by: 'cancel-transfer', id: event.transferId }
    : undefined;
  const detail =
    `BR-006: transfer ${event.transferId}, ${first.status} before, is dispatched again ` +
    (isRepeat
      ? 'with the same content: the repeat is cancelled'
      : 'with other content: it is a new transfer');
  return { kind: 'transfer-id-reused', detail, evidence: { event: evidenceOf(event), first, takeBack } };
}
