/**
 * The judge (D8): every event passes the aggregate before it is written, and the script's own account of each item must
 * be what the aggregate comes to. Promises: what the rules would not have allowed never reaches the ledger; the item it
 * concerns is put in quarantine with the evidence, all others go on. Refuses to know: Redis, transactions, retries.
 */
import { setImmediate } from 'node:timers/promises';
import { evolveItem } from '../domain/inventory-item.ts';
import type { EventLine, StockEvent } from '../domain/language.ts';
import { evolveReservation, isReservationEvent, type ReservationEvent } from '../domain/reservation.ts';
import type { StreamEntry } from '../hotpath/event-stream.ts';
import type { DriftKind, LedgerChunk } from '../ledger/chunk.ts';
import type { ItemName } from '../ledger/judged-state.ts';
import { ChunkDraft } from './chunk-draft.ts';
import { asTold, differenceOf, evidenceOf, isSame, namesIn, parkedText, problemOf } from './event-checks.ts';
import { type CacheLimits, type ItemState, itemName, type JudgeLedger, StateCache } from './state-cache.ts';
import { isReadable, type ReadEntry, type StreamPosition, type UnreadableEntry } from './stream-reader.ts';

export interface JudgeLimits extends CacheLimits {
  /** Event lines of one item in quarantine that are kept; the rest is counted. */
  readonly parkedEventsPerItemMax: number;
}

/**
 * How much the judge takes for granted. `none`: an order reserved for the first time here is new, a movement has not
 * been booked; asking the ledger for each would cost more than all the rest, and its unique indexes catch the one that
 * is not. `strict`: it asks. `condemned`: SQL refused these entries even so, and their items go into quarantine.
 */
export type Caution =
  | { readonly mode: 'none' }
  | { readonly mode: 'strict' }
  | { readonly mode: 'condemned'; readonly refusal: string };

/** Event lines between two breaths, about a millisecond: the chunk before is being committed meanwhile. */
const STEP_LINES = 256;

interface Failure {
  readonly kind: DriftKind;
  readonly detail: string;
  readonly event?: StockEvent | undefined;
  readonly orderId?: string | undefined;
  readonly evidence?: Readonly<Record<string, unknown>>;
}

export class Judge {
  readonly #ledger: JudgeLedger;
  readonly #partition: number;
  readonly #limits: JudgeLimits;
  readonly #cache: StateCache;
  /** The item asked for last. */
  #lastState: ItemState | undefined;
  #chunks = 0;
  #committed = 0;
  /** Movements the ledger has, and those of this chunk; undefined where nobody asks. */
  #movements: Set<string> | undefined;

  constructor(ledger: JudgeLedger, partition: number, limits: JudgeLimits) {
    this.#ledger = ledger;
    this.#partition = partition;
    this.#limits = limits;
    this.#cache = new StateCache(ledger, limits);
  }

  /**
   * What these entries come to, beginning behind `from`. Chunks are judged in order; one more may be judged while the
   * one before is being committed. @throws an outage of the ledger; then {@link reset}
   */
  async judge(entries: readonly ReadEntry[], from: StreamPosition, caution: Caution): Promise<LedgerChunk> {
    await this.#load(entries, caution.mode !== 'none');
    const draft = new ChunkDraft(++this.#chunks, this.#partition, from);
    let to = from;
    let lines = 0;
    for (const entry of entries) {
      if (lines > STEP_LINES) {
        lines = 0;
        await setImmediate();
      }
      lines += isReadable(entry) ? entry.events.length : 1;
      to = entry;
      draft.sequence = entry.sequence;
      if (!isReadable(entry)) this.#passBy(draft, entry);
      else if (caution.mode === 'condemned') this.#condemn(draft, entry, caution.refusal);
      else this.#judgeEntry(draft, entry);
    }
    return draft.finish(to);
  }

  /** The oldest chunk that was not committed yet now is. */
  committed(): void {
    this.#cache.forget(++this.#committed);
  }

  /** Forgets all it believed about the ledger. */
  reset(): void {
    this.#cache.clear();
    this.#lastState = undefined;
    this.#committed = this.#chunks;
  }

  async #load(entries: readonly ReadEntry[], isStrict: boolean): Promise<void> {
    const names = new Map<string, ItemName>();
    const orderIds = new Set<string>();
    const movementIds = new Set<string>();
    for (const entry of entries) {
      for (const item of isReadable(entry) ? entry.items : namesIn(entry.raw))
        names.set(itemName(item), item);
      if (!isReadable(entry)) continue;
      for (const event of entry.events) {
        const isAsked = isReservationEvent(event) && (isStrict || event.type !== 'InventoryReserved');
        if (isAsked) orderIds.add(event.orderId);
        if (isStrict && event.type === 'InventoryReceived') movementIds.add(event.movementId);
      }
    }
    await this.#cache.load(names, orderIds);
    this.#lastState = undefined;
    this.#movements = isStrict ? new Set(await this.#ledger.knownMovements([...movementIds])) : undefined;
  }

  // One entry ----------------------------------------------------------------------------------------------

  #judgeEntry(draft: ChunkDraft, entry: StreamEntry): void {
    const firstRow = draft.rows.length;
    const failures = new Map<string, Failure>();
    let isAnyQuarantined = false;
    for (const event of entry.events) {
      const failure = this.#failureOf(event);
      if (failure) {
        for (const line of event.lines) failures.set(itemName(line), failure);
        continue;
      }
      if (isReservationEvent(event)) this.#judgeReservation(draft, event, failures);
      for (const line of event.lines) {
        const state = this.#stateOf(line);
        if (state.isQuarantined) isAnyQuarantined = true;
        else if (failures.size === 0 || !failures.has(state.name))
          this.#judgeLine(draft, event, line, state, failures);
      }
    }
    for (const hot of entry.items) {
      const state = this.#stateOf(hot);
      if (state.isQuarantined || failures.has(state.name) || isSame(state.item, hot)) continue;
      const detail = `the script left ${state.name} with ${differenceOf(hot, state.item)}`;
      failures.set(state.name, { kind: 'checkpoint-mismatch', detail, evidence: { found: hot } });
    }
    for (const [name, failure] of failures) this.#quarantine(draft, name, failure, firstRow);
    if (isAnyQuarantined || failures.size > 0) this.#parkLines(draft, entry);
  }

  #failureOf(event: StockEvent): Failure | undefined {
    const problem = problemOf(event);
    if (problem !== undefined) return { kind: 'not-allowed', detail: problem, event };
    if (!this.#movements || event.type !== 'InventoryReceived') return undefined;
    if (this.#movements.has(event.movementId)) {
      const detail = `BR-006: movement ${event.movementId} is in the ledger already`;
      return { kind: 'movement-repeated', detail, event };
    }
    this.#movements.add(event.movementId);
    return undefined;
  }

  #judgeLine(
    draft: ChunkDraft,
    event: StockEvent,
    line: EventLine,
    state: ItemState,
    failures: Map<string, Failure>,
  ): void {
    const before = state.item;
    draft.touchItem(state);
    if (state.entry !== draft.sequence) {
      state.entry = draft.sequence;
      state.itemBeforeEntry = before;
    }
    try {
      state.item = evolveItem(before, event, line);
    } catch (error) {
      // Whatever it was, the aggregate did not come to an answer: the item stops here.
      const kind = line.version === before.version + 1 ? 'not-allowed' : 'version-gap';
      failures.set(state.name, { kind, detail: messageOf(error), event });
      return;
    }
    state.atMs = event.atMs;
    draft.addRow(event, line, before, state.item);
  }

  #judgeReservation(draft: ChunkDraft, event: ReservationEvent, failures: Map<string, Failure>): void {
    const { orderId } = event;
    const state = this.#cache.reservation(orderId);
    draft.touchReservation(state);
    const before = state.reservation;
    const isReused = event.type === 'InventoryReserved' && before !== undefined && before.status !== 'ACTIVE';
    try {
      state.reservation = evolveReservation(isReused ? undefined : before, event);
    } catch (error) {
      state.reservation = asTold(before, event);
      const evidence = { reservation: before ?? null };
      const failure: Failure = {
        kind: 'reservation-not-allowed',
        detail: messageOf(error),
        event,
        orderId,
        evidence,
      };
      const isExplained = event.lines.some(
        (line) => this.#stateOf(line).isQuarantined || failures.has(itemName(line)),
      );
      if (!isExplained) {
        for (const line of event.lines) failures.set(itemName(line), failure);
      } else {
        const { kind, detail } = failure;
        draft.findMinor(kind, { orderId, detail, evidence: { event: evidenceOf(event), ...evidence } });
      }
      return;
    }
    if (isReused) {
      const detail = `order ${orderId}, ${before.status} before, is reserved again`;
      draft.findMinor('order-id-reused', { orderId, detail, evidence: { reservation: before } });
    }
  }

  // Quarantine ---------------------------------------------------------------------------------------------

  #quarantine(draft: ChunkDraft, name: string, failure: Failure, firstRow: number): void {
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

  #parkLines(draft: ChunkDraft, entry: StreamEntry): void {
    for (const event of entry.events) {
      for (const line of event.lines) {
        const state = this.#stateOf(line);
        if (!state.isQuarantined) continue;
        draft.park(state, line, () => parkedText(event, line), this.#limits.parkedEventsPerItemMax);
      }
    }
  }

  /** SQL refused this entry whatever the aggregate says: its items stop, and what it says of orders is not believed. */
  #condemn(draft: ChunkDraft, entry: StreamEntry, refusal: string): void {
    for (const item of entry.items) {
      this.#quarantine(draft, itemName(item), { kind: 'refused-by-sql', detail: refusal }, draft.rows.length);
    }
    this.#parkLines(draft, entry);
  }

  /** The items it still names stop here; those it does not show a version gap with their next event. */
  #passBy(draft: ChunkDraft, { raw, problem, sequence }: UnreadableEntry): void {
    const known = namesIn(raw).filter((name) => this.#cache.item(itemName(name))?.isInLedger);
    const detail = `entry ${sequence} cannot be read: ${problem}`;
    for (const name of known) {
      const failure: Failure = { kind: 'unreadable-entry', detail, evidence: { raw } };
      this.#quarantine(draft, itemName(name), failure, draft.rows.length);
    }
    if (known.length === 0) draft.find('unreadable-entry', { detail, evidence: { raw } });
  }

  #stateOf(name: ItemName): ItemState {
    const last = this.#lastState;
    // A flash sale asks for the same item thousands of times: then its name need not be put together.
    if (last && last.item.sku === name.sku && last.item.warehouse === name.warehouse) return last;
    const state = this.#cache.item(itemName(name));
    // The reader spells out versions from the entry's own items, so every line has its item among those loaded.
    if (!state) throw new Error(`${itemName(name)} was not loaded`);
    this.#lastState = state;
    return state;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
