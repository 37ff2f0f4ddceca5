/**
 * What happens to an item that the ledger cannot follow (D8): it stops where it was sound, the evidence is kept, what
 * comes after is parked. Promises: an entry counts whole for an item or not at all.
 */
import type { StockEvent } from '../../domain/language.ts';
import { isReservationEvent } from '../../domain/reservation.ts';
import type { StreamEntry } from '../../hotpath/codec/stream-codec.ts';
import type { DriftKind } from '../../ledger/write/chunk.ts';
import type { ChunkDraft } from './chunk-draft.ts';
import { evidenceOf, namesIn, parkedText } from './event-checks.ts';
import { itemName, type StateCache } from './state-cache.ts';
import type { UnreadableEntry } from './stream-reader.ts';

/** What was not allowed, with its evidence. */
export interface Failure {
  readonly kind: DriftKind;
  readonly detail: string;
  readonly event?: StockEvent | undefined;
  readonly orderId?: string | undefined;
  readonly evidence?: Readonly<Record<string, unknown>>;
}

export class Quarantine {
  readonly #cache: StateCache;
  readonly #parkedEventsPerItemMax: number;

  constructor(cache: StateCache, parkedEventsPerItemMax: number) {
    this.#cache = cache;
    this.#parkedEventsPerItemMax = parkedEventsPerItemMax;
  }

  /** Stops an item; its rows from `firstRow` on, which are those of the entry in hand, do not count. */
  stop(draft: ChunkDraft, name: string, failure: Failure, firstRow: number): void {
    const state = this.#cache.item(name);
    if (!state || state.isQuarantined) return;
    const reached = state.item;
    if (state.entry === draft.sequence) {
      state.item = state.itemBeforeEntry;
      draft.dropRows(firstRow, state.item);
    }
    draft.quarantine(state, `${failure.kind}: ${failure.detail}`);
    const { sku, warehouse } = state.item;
    const { kind, detail, event, orderId, evidence } = failure;
    draft.find(kind, {
      sku,
      warehouse,
      orderId: orderId ?? (event && isReservationEvent(event) ? event.orderId : undefined),
      detail,
      evidence: { event: event && evidenceOf(event), item: state.item, expected: reached, ...evidence },
    });
  }

  /** Keeps the lines of an entry that belong to stopped items. */
  park(draft: ChunkDraft, entry: StreamEntry): void {
    for (const event of entry.events) {
      for (const line of event.lines) {
        const state = this.#cache.itemOf(line);
        if (!state.isQuarantined) continue;
        draft.park(state, line, () => parkedText(event, line), this.#parkedEventsPerItemMax);
      }
    }
  }

  /** SQL refused this entry whatever the aggregate says: its items stop, and what it says of orders is not believed. */
  condemn(draft: ChunkDraft, entry: StreamEntry, refusal: string): void {
    const failure: Failure = { kind: 'refused-by-sql', detail: refusal };
    for (const item of entry.items) this.stop(draft, itemName(item), failure, draft.rows.length);
    this.park(draft, entry);
    if (entry.items.length > 0) return;
    this.tell(draft, { ...failure, evidence: { events: entry.events.map(evidenceOf) } });
  }

  /** An entry that cannot be read: the items it still names stop; others show a version gap with their next event. */
  passBy(draft: ChunkDraft, { raw, problem, sequence }: UnreadableEntry): void {
    const known = namesIn(raw).filter((name) => this.#cache.item(itemName(name))?.isInLedger);
    const detail = `entry ${sequence} cannot be read: ${problem}`;
    for (const name of known) {
      const failure: Failure = { kind: 'unreadable-entry', detail, evidence: { raw } };
      this.stop(draft, itemName(name), failure, draft.rows.length);
    }
    if (known.length === 0) draft.find('unreadable-entry', { detail, evidence: { raw } });
  }

  /** Nothing stops, for no item is concerned; but it is told. */
  tell(draft: ChunkDraft, { kind, detail, event, evidence }: Failure): void {
    draft.find(kind, { detail, evidence: { event: event && evidenceOf(event), ...evidence } });
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
