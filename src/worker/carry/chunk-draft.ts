/**
 * A chunk of the ledger while it is being judged: what has changed against the ledger, and from what.
 * Promises: many events of one item or order become one row each for where they end.
 */
import type { InventoryItem } from '../../domain/inventory-item.ts';
import type { EventLine, StockEvent } from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import type {
  DriftKind,
  Finding,
  ItemWrite,
  LedgerChunk,
  LedgerRow,
  ParkedEvent,
} from '../../ledger/write/chunk.ts';
import { DocumentDraft } from './document-draft.ts';
import type { ItemState, ReservationState, TransferState } from './state-cache.ts';
import type { StreamPosition } from './stream-reader.ts';

/** What is not wrong, or is explained by a quarantine, is told this often in a chunk and then only counted. */
const MINOR_FINDINGS_MAX = 100;

export class ChunkDraft {
  readonly number: number;
  readonly rows: LedgerRow[] = [];
  readonly #partition: number;
  readonly #from: StreamPosition;
  readonly #items: ItemState[] = [];
  readonly #reservations: ReservationState[] = [];
  readonly #findings: Finding[] = [];
  readonly #parked: ParkedEvent[] = [];
  #documents: DocumentDraft | undefined;
  #minorFindings = 0;
  /** The entry that is being judged. */
  sequence: number;

  /** @param number grows with every chunk of a worker */
  constructor(number: number, partition: number, from: StreamPosition) {
    this.number = number;
    this.#partition = partition;
    this.#from = from;
    this.sequence = from.sequence;
  }

  /** To be called before an item changes; notes how the ledger has it. */
  touchItem(state: ItemState): void {
    if (state.chunk === this.number) return;
    state.chunk = this.number;
    state.expectedVersion = state.isInLedger ? state.item.version : undefined;
    state.quarantineReason = undefined;
    state.parkedInChunk = 0;
    state.isInLedger = true;
    this.#items.push(state);
  }

  /** To be called before a reservation changes. */
  touchReservation(state: ReservationState): void {
    if (state.chunk === this.number) return;
    state.chunk = this.number;
    state.stored = state.reservation;
    this.#reservations.push(state);
  }

  /** To be called before a transfer changes. */
  touchTransfer(state: TransferState): void {
    if (state.chunk === this.number) return;
    state.chunk = this.number;
    state.stored = state.transfer;
    this.documents().addTransfer(state);
  }

  /** The chunk's documents; most chunks have none. */
  documents(): DocumentDraft {
    this.#documents ??= new DocumentDraft();
    return this.#documents;
  }

  addRow(event: StockEvent, line: EventLine, before: InventoryItem, after: InventoryItem): void {
    this.rows.push({ sequence: this.sequence, event, line, before, after });
  }

  /** Takes back the rows of an item from this one on: its entry does not count. */
  dropRows(firstRow: number, { sku, warehouse }: InventoryItem): void {
    const kept = this.rows
      .slice(firstRow)
      .filter(({ line }) => line.sku !== sku || line.warehouse !== warehouse);
    this.rows.length = firstRow;
    this.rows.push(...kept);
  }

  quarantine(state: ItemState, reason: string): void {
    this.touchItem(state);
    state.isQuarantined = true;
    state.quarantineReason ??= reason;
  }

  /** Keeps an event line of an item in quarantine, or beyond the bound only counts it. */
  park(state: ItemState, line: EventLine, text: () => string, parkedMax: number): void {
    this.touchItem(state);
    if (state.parkedEvents < parkedMax) {
      const { sku, warehouse, version } = line;
      this.#parked.push({ sku, warehouse, version, sequence: this.sequence, event: text() });
    }
    state.parkedEvents++;
    state.parkedInChunk++;
  }

  find(kind: DriftKind, finding: Omit<Finding, 'kind' | 'partition' | 'epoch' | 'sequence'>): void {
    const { epoch } = this.#from;
    this.#findings.push({ kind, ...finding, partition: this.#partition, epoch, sequence: this.sequence });
  }

  /** As {@link find}, for what may come in masses. */
  findMinor(kind: DriftKind, finding: Omit<Finding, 'kind' | 'partition' | 'epoch' | 'sequence'>): void {
    if (this.#minorFindings++ < MINOR_FINDINGS_MAX) this.find(kind, finding);
  }

  finish(to: StreamPosition): LedgerChunk {
    const items: ItemWrite[] = this.#items.map((state) => ({
      item: state.item,
      expectedVersion: state.expectedVersion,
      atMs: state.atMs,
      quarantineReason: state.quarantineReason,
      parkedEvents: state.parkedInChunk,
    }));
    const newReservations: Reservation[] = [];
    const settledReservations: Reservation[] = [];
    const changedReservations: Reservation[] = [];
    const paidLateReservations: Reservation[] = [];
    const reusedReservations: Reservation[] = [];
    for (const { reservation, stored } of this.#reservations) {
      if (!reservation || reservation === stored) continue;
      if (!stored) newReservations.push(reservation);
      else if (isPaidLate(stored, reservation)) paidLateReservations.push(reservation);
      else if (stored.status !== 'ACTIVE') reusedReservations.push(reservation);
      else if (isSettledWhole(stored, reservation)) settledReservations.push(reservation);
      else changedReservations.push(reservation);
    }
    return {
      partition: this.#partition,
      epoch: this.#from.epoch,
      fromSequence: this.#from.sequence,
      toSequence: to.sequence,
      eventsTotal: to.eventsTotal,
      rows: this.rows,
      items,
      newReservations,
      settledReservations,
      changedReservations,
      paidLateReservations,
      reusedReservations,
      documents: this.#documents?.finish(),
      findings: this.#findings,
      parked: this.#parked,
    };
  }
}

/** Whether a payment came after its end: the same life of the order, and not a new one. */
function isPaidLate(before: Reservation, after: Reservation): boolean {
  return (
    before.status === 'EXPIRED' && after.status !== 'ACTIVE' && after.reservedAtMs === before.reservedAtMs
  );
}

/** Whether it ended with the lines and the deadline it had. */
function isSettledWhole(before: Reservation, after: Reservation): boolean {
  return (
    after.status !== 'ACTIVE' &&
    after.expiresAtMs === before.expiresAtMs &&
    after.lines.length === before.lines.length &&
    after.lines.every((line, i) => {
      const other = before.lines[i];
      return (
        line.sku === other?.sku && line.warehouse === other.warehouse && line.quantity === other.quantity
      );
    })
  );
}
