/**
 * The chunk that the entries validated so far come to, and the one place where a verdict takes effect (D8): sound items
 * move on; an item that must stop keeps its state from before the entry, its finding is noted and its events are parked.
 * Promises: an entry counts whole for an item or not at all; many events of one item or order become one row each.
 */
import type { StockEvent } from '../../domain/language.ts';
import type { Reservation } from '../../domain/reservation.ts';
import { given } from '../../hotpath/codec/words.ts';
import type { Epoch } from '../../hotpath/partition.ts';
import type { Finding, LedgerChunk, LedgerRow, ParkedEvent } from '../../ledger/write/chunk.ts';
import { DocumentDraft } from './document-draft.ts';
import type { Verdict } from './entry-validator.ts';
import { evidenceOf, type Failure } from './failure.ts';
import type { ItemState, ReservationState, StateCache } from './state-cache.ts';
import type { StreamPosition } from './stream-reader.ts';

/** Minor findings of a chunk that are kept. */
const MINOR_FINDINGS_MAX = 100;

type EntryPlace = Pick<Verdict, 'epoch' | 'sequence'>;

/** One chunk; entries are applied in the order of the stream. */
export class ChunkDraft {
  readonly #cache: StateCache;
  readonly #partition: number;
  readonly #from: StreamPosition;
  readonly #verifiedEpoch: Epoch;
  readonly #parkedEventsPerItemMax: number;
  readonly #rows: LedgerRow[] = [];
  readonly #findings: Finding[] = [];
  readonly #parked: ParkedEvent[] = [];
  #documents: DocumentDraft | undefined;
  #minorFindings = 0;

  /**
   * @param verifiedEpoch under which this worker carries
   * @param cache on which the chunk has begun; from here on every change goes through {@link ChunkDraft.apply} */
  constructor(
    cache: StateCache,
    partition: number,
    from: StreamPosition,
    verifiedEpoch: Epoch,
    parkedEventsPerItemMax: number,
  ) {
    this.#cache = cache;
    this.#partition = partition;
    this.#from = from;
    this.#verifiedEpoch = verifiedEpoch;
    this.#parkedEventsPerItemMax = parkedEventsPerItemMax;
  }

  /** Adds an entry, as its verdict says. Entries come in the order of the stream. */
  apply(verdict: Verdict): void {
    const { atMs, items, rows, transfers, documents, notes } = verdict;
    for (const failure of notes) this.#note(verdict, failure);
    let isAnyQuarantined = false;
    for (const state of items) {
      if (state.isQuarantined || state.failure) {
        isAnyQuarantined = true;
        this.#quarantine(verdict, state);
      } else if (state.next !== state.item) {
        this.#cache.changeItem(state);
        state.item = state.next;
        state.atMs = atMs;
      }
    }
    for (const row of rows) if (!isAnyQuarantined || this.#isSound(row.line)) this.#rows.push(row);
    if (isAnyQuarantined) this.#park(verdict);
    for (const state of transfers) {
      if (state.next === state.transfer) continue;
      this.#cache.changeTransfer(state);
      state.transfer = state.next;
    }
    if (documents.length === 0) return;
    this.#documents ??= new DocumentDraft();
    for (const event of documents) {
      this.#documents.add(
        event,
        event.lines.filter((line) => this.#isSound(line)),
      );
    }
  }

  #isSound(line: StockEvent['lines'][number]): boolean {
    return !this.#cache.item(line).isQuarantined;
  }

  /** Stops an item that has not stopped before. */
  #quarantine(place: EntryPlace, state: ItemState): void {
    const { item, next, failure } = state;
    if (state.isQuarantined || !failure) return;
    this.#cache.changeItem(state);
    state.isQuarantined = true;
    state.quarantineReason = `${failure.kind}: ${failure.detail}`;
    this.#note(place, failure, state, { item, expected: next });
  }

  #note(
    { epoch, sequence }: EntryPlace,
    { kind, detail, event, evidence, isMinor }: Failure,
    state?: ItemState,
    figures?: { readonly [name: string]: unknown },
  ): void {
    if (isMinor && this.#minorFindings++ >= MINOR_FINDINGS_MAX) return;
    const { sku, warehouse } = state?.item ?? {};
    this.#findings.push({
      kind,
      sku,
      warehouse,
      orderId: event && 'orderId' in event ? event.orderId : undefined,
      detail,
      evidence: { event: event && evidenceOf(event), ...figures, ...evidence },
      partition: this.#partition,
      epoch,
      sequence,
    });
  }

  /** Keeps the event lines of items in quarantine; beyond the limit they are only counted. */
  #park({ epoch, sequence, events }: Verdict): void {
    for (const event of events) {
      for (const line of event.lines) {
        const state = this.#cache.item(line);
        if (!state.isQuarantined) continue;
        this.#cache.changeItem(state);
        if (state.parkedEvents < this.#parkedEventsPerItemMax) {
          const { sku, warehouse, version } = line;
          const text = JSON.stringify({ ...event, lines: [line] });
          this.#parked.push({ sku, warehouse, version, epoch, sequence, event: text });
        }
        state.parkedEvents++;
        state.parkedInChunk++;
      }
    }
  }

  /** The chunk from where it began up to this position. @param links of its entries in order */
  finish(to: StreamPosition, links: readonly string[]): LedgerChunk {
    const { changedItems, changedReservations, changedTransfers } = this.#cache;
    return {
      partition: this.#partition,
      verifiedEpoch: { number: this.#verifiedEpoch.number, nonce: given(this.#verifiedEpoch.nonce) },
      epoch: to.epoch ?? this.#verifiedEpoch.number,
      fromSequence: this.#from.sequence,
      fromLink: given(this.#from.link),
      toSequence: to.sequence,
      toLink: given(to.link),
      links,
      eventsTotal: to.eventsTotal,
      rows: this.#rows,
      items: changedItems.map((state) => ({
        item: state.item,
        expectedVersion: state.expectedVersion,
        atMs: state.atMs,
        quarantineReason: state.quarantineReason,
        parkedEvents: state.parkedInChunk,
      })),
      ...sorted(changedReservations),
      documents: this.#documents?.finish(changedTransfers),
      findings: this.#findings,
      parked: this.#parked,
    };
  }
}

type ReservationWrites = Pick<
  LedgerChunk,
  | 'newReservations'
  | 'settledReservations'
  | 'changedReservations'
  | 'paidLateReservations'
  | 'reusedReservations'
>;

/** Reservations by the statement that writes them. */
function sorted(states: readonly ReservationState[]): ReservationWrites {
  const newReservations: Reservation[] = [];
  const settledReservations: Reservation[] = [];
  const changedReservations: Reservation[] = [];
  const paidLateReservations: Reservation[] = [];
  const reusedReservations: Reservation[] = [];
  for (const { reservation, stored } of states) {
    if (!reservation || reservation === stored) continue;
    if (!stored) newReservations.push(reservation);
    else if (isPaidLate(stored, reservation)) paidLateReservations.push(reservation);
    else if (stored.status !== 'ACTIVE') reusedReservations.push(reservation);
    else if (isSettledWhole(stored, reservation)) settledReservations.push(reservation);
    else changedReservations.push(reservation);
  }
  return {
    newReservations,
    settledReservations,
    changedReservations,
    paidLateReservations,
    reusedReservations,
  };
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
