/**
 * Books parked events late: each goes through the aggregate and its transfer as it would have then, and those that the rules
 * do not allow are left out. What is left out makes a gap, so the others are counted anew. Pure.
 */
import { evolveItem, type InventoryItem } from '../../domain/inventory-item.ts';
import { type EventLine, isTransferEvent, type StockEvent } from '../../domain/language.ts';
import type { Parked } from '../../ledger/read/parked.ts';
import type { ItemName } from '../../ledger/read/worker-queries.ts';
import type { LedgerRow } from '../../ledger/write/chunk.ts';
import type { TransferDocument } from '../../ledger/write/documents.ts';
import type { RepairFound } from '../../ledger/write/repair.ts';
import { DocumentDraft, leavesDocument } from '../carry/document-draft.ts';
import { fieldProblemOf, transferAfter } from '../carry/event-checks.ts';
import { messageOf } from '../carry/failure.ts';
import type { TransferState } from '../carry/state-cache.ts';

/** A parked event that is not booked, and why. */
export interface LeftOut {
  readonly parked: Parked;
  readonly why: string;
}

/** An item from its last sound state on. */
export class Replay {
  item: InventoryItem;
  readonly rows: LedgerRow[] = [];
  readonly booked: Parked[] = [];
  readonly leftOut: LeftOut[] = [];
  /** Whether every event was the next of its item, so that nothing was lost between them. */
  isGapless = true;
  readonly #movements: Set<string>;
  readonly #documents = new DocumentDraft();
  readonly #transfers = new Map<string, TransferState>();
  #hasDocuments = false;

  constructor(found: Pick<RepairFound, 'item' | 'parked' | 'booked' | 'transfers'>) {
    this.item = found.item.item;
    this.#movements = new Set(found.booked);
    for (const [transferId, transfer] of found.transfers) {
      this.#transfers.set(transferId, { transferId, transfer, next: transfer, chunk: 0, stored: transfer });
    }
    for (const parked of found.parked) {
      try {
        this.isGapless &&= parked.version === this.item.version + 1;
        this.#book(parked);
        this.booked.push(parked);
      } catch (error) {
        this.leftOut.push({ parked, why: messageOf(error) });
      }
    }
  }

  /** Adds an event of the repair itself, with one line of this quantity. @throws where the aggregate does not allow it */
  add(event: StockEvent, quantity: number, epoch: number, sequence: number): void {
    const passedOver = event.type === 'InventoryRealigned' ? quantity : 0;
    const line = { ...nameOf(this.item), quantity, version: this.item.version + 1 + passedOver };
    this.#apply({ ...event, lines: [line] }, line, epoch, sequence);
  }

  /** What the events leave in documents; undefined where that is nothing. */
  documents(): ReturnType<DocumentDraft['finish']> | undefined {
    const changed = [...this.#transfers.values()].filter(({ transfer, stored }) => transfer !== stored);
    return this.#hasDocuments ? this.#documents.finish(changed) : undefined;
  }

  /** @throws where it is not allowed; then nothing has changed */
  #book({ event: told, epoch, sequence }: Parked): void {
    const problem = fieldProblemOf(told);
    if (problem !== undefined) throw new Error(problem);
    const movementId = 'movementId' in told ? told.movementId : undefined;
    if (movementId !== undefined && this.#movements.has(movementId)) {
      throw new Error(`BR-006: movement ${movementId} is in the ledger already`);
    }
    const [first] = told.lines;
    if (!first) throw new Error(`${told.type} has no line`);
    const line: EventLine = { ...first, version: this.item.version + 1 };
    this.#apply({ ...told, lines: [line] }, line, epoch, sequence);
    if (movementId !== undefined) this.#movements.add(movementId);
  }

  #apply(event: StockEvent, line: EventLine, epoch: number, sequence: number): void {
    const after = evolveItem(this.item, event, line);
    if (isTransferEvent(event)) {
      const { transferId } = event;
      const known = this.#transfers.get(transferId);
      const transfer: TransferDocument = transferAfter(known?.transfer, event);
      const state = known ?? {
        transferId,
        transfer: undefined,
        next: undefined,
        chunk: 0,
        stored: undefined,
      };
      state.transfer = transfer;
      this.#transfers.set(transferId, state);
    }
    this.rows.push({ sequence, epoch, event, line, before: this.item, after });
    this.item = after;
    if (!leavesDocument(event)) return;
    this.#hasDocuments = true;
    this.#documents.add(event, [line]);
  }
}

function nameOf({ sku, warehouse }: ItemName): ItemName {
  return { sku, warehouse };
}
