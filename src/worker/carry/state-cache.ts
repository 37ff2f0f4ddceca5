/**
 * The validator's copy of the ledger: items, reservations and transfers as they will be once every chunk validated so far
 * is committed. It saves loading a hot item again for every chunk, and notes what each chunk changes.
 * Promises: what an uncommitted chunk has changed is never dropped; memory is bounded. It is valid only while this worker
 * alone moves the cursor: after any error it is cleared.
 */
import { type InventoryItem, newItem } from '../../domain/inventory-item.ts';
import { itemName } from '../../domain/lines.ts';
import type { Reservation } from '../../domain/reservation.ts';
import type { MovementRecord } from '../../ledger/read/movements.ts';
import type { ItemName, LedgerItem } from '../../ledger/read/worker-queries.ts';
import type { TransferDocument } from '../../ledger/write/documents.ts';
import type { Failure } from './failure.ts';

/** The queries the validator needs. Each answers only what exists, in any order. */
export interface ValidatorLedger {
  loadItems(names: readonly ItemName[]): Promise<LedgerItem[]>;
  loadReservations(orderIds: readonly string[]): Promise<Reservation[]>;
  loadTransfers(transferIds: readonly string[]): Promise<TransferDocument[]>;
  /** Those of these movements that the ledger has. */
  movementRecords(movementIds: readonly string[]): Promise<BookedMovement[]>;
}

/** What makes a movement the same as another. */
export type BookedMovement = Pick<
  MovementRecord,
  'movementId' | 'type' | 'sku' | 'warehouse' | 'quantity' | 'reason' | 'orderId'
>;

/** One item. Mutable, because thousands of events a chunk change the same few items. */
export interface ItemState {
  /** After the last applied entry. */
  item: InventoryItem;
  isInLedger: boolean;
  isQuarantined: boolean;
  /** Event lines parked or counted since the quarantine began. */
  parkedEvents: number;
  /** When its last event was decided. */
  atMs: number;

  /** The entry being checked (its sequence), and the item after those of its events that were checked. */
  entry: number;
  next: InventoryItem;
  /** Why an entry stops it, which is for good: applying the entry puts it in quarantine. */
  failure: Failure | undefined;

  /** The chunk that changed it last; what follows concerns that chunk alone. */
  chunk: number;
  expectedVersion: number | undefined;
  quarantineReason: string | undefined;
  parkedInChunk: number;
}

/** The reservation of one order; undefined before its first event. */
export interface ReservationState {
  reservation: Reservation | undefined;
  /** The chunk that changed it last, and what the ledger has before that chunk. */
  chunk: number;
  stored: Reservation | undefined;
}

/** One transfer; undefined before its dispatch. */
export interface TransferState {
  readonly transferId: string;
  /** After the last applied entry. */
  transfer: TransferDocument | undefined;
  /** After those events of the entry being checked that count. */
  next: TransferDocument | undefined;
  /** The chunk that changed it last, and what the ledger has before that chunk. */
  chunk: number;
  stored: TransferDocument | undefined;
}

/** They come in tens and are loaded again for each chunk: lifting a quarantine books transfers without this worker. */
const TRANSFERS_CACHED_MAX = 0;

export interface CacheLimits {
  readonly itemsCachedMax: number;
  /** Few: an order comes back once, minutes later; loading it costs Postgres 3 us, keeping it costs Node as much. */
  readonly reservationsCachedMax: number;
}

/** The key of an item in maps of this process: cheaper than its escaped name, and as unambiguous, for no id has a line break. */
export function keyOf({ sku, warehouse }: ItemName): string {
  return `${sku}\n${warehouse}`;
}

/** Filled by {@link StateCache.load}, changed chunk by chunk. */
export class StateCache {
  readonly #ledger: ValidatorLedger;
  readonly #limits: CacheLimits;
  readonly #items = new Map<string, ItemState>();
  /** The item looked up last: a flash sale looks up the same item thousands of times. */
  #lastItem: ItemState | undefined;
  readonly #reservations = new Map<string, ReservationState>();
  readonly #transfers = new Map<string, TransferState>();
  #chunk = 0;
  /** Changed by the current chunk. */
  changedItems: ItemState[] = [];
  changedReservations: ReservationState[] = [];
  changedTransfers: TransferState[] = [];

  constructor(ledger: ValidatorLedger, limits: CacheLimits) {
    this.#ledger = ledger;
    this.#limits = limits;
  }

  /** Loads what is missing. What the ledger does not have either is new. @throws an outage of the ledger */
  async load(
    names: ReadonlyMap<string, ItemName>,
    orderIds: ReadonlySet<string>,
    transferIds: ReadonlySet<string>,
  ): Promise<void> {
    const missing = [...names].filter(([name]) => !this.#items.has(name)).map(([, of]) => of);
    const missingIds = [...orderIds].filter((orderId) => !this.#reservations.has(orderId));
    const missingTransfers = [...transferIds].filter((transferId) => !this.#transfers.has(transferId));
    const [items, reservations, transfers] = await Promise.all([
      this.#ledger.loadItems(missing),
      this.#ledger.loadReservations(missingIds),
      missingTransfers.length > 0 ? this.#ledger.loadTransfers(missingTransfers) : [],
    ]);
    for (const known of items) this.#addItem(known.item, known);
    for (const name of missing) {
      if (!this.#items.has(keyOf(name))) this.#addItem(newItem(name.sku, name.warehouse), undefined);
    }
    for (const reservation of reservations) {
      this.#reservations.set(reservation.orderId, { reservation, chunk: 0, stored: undefined });
    }
    for (const transfer of transfers) this.#addTransfer(transfer.transferId, transfer);
  }

  #addItem(item: InventoryItem, known: LedgerItem | undefined): void {
    this.#items.set(keyOf(item), {
      item,
      isInLedger: known !== undefined,
      isQuarantined: known?.quarantine !== undefined,
      parkedEvents: known?.parkedEvents ?? 0,
      atMs: known?.updatedAtMs ?? 0,
      entry: 0,
      next: item,
      failure: undefined,
      chunk: 0,
      expectedVersion: undefined,
      quarantineReason: undefined,
      parkedInChunk: 0,
    });
  }

  #addTransfer(transferId: string, transfer: TransferDocument | undefined): TransferState {
    const state = { transferId, transfer, next: transfer, chunk: 0, stored: undefined };
    this.#transfers.set(transferId, state);
    return state;
  }

  /** From here on changes belong to this chunk. @param chunk its number, which grows */
  beginChunk(chunk: number): void {
    this.#chunk = chunk;
    this.changedItems = [];
    this.changedReservations = [];
    this.changedTransfers = [];
  }

  /** @throws where the item was not loaded, which is a defect: every line's item is among those of its entry */
  item(name: ItemName): ItemState {
    const last = this.#lastItem;
    if (last && last.item.sku === name.sku && last.item.warehouse === name.warehouse) return last;
    const state = this.#items.get(keyOf(name));
    if (!state) throw new Error(`${itemName(name)} was not loaded`);
    this.#lastItem = state;
    return state;
  }

  /** Notes that the current chunk changes the item. To be called before the change. */
  changeItem(state: ItemState): void {
    if (state.chunk === this.#chunk) return;
    state.chunk = this.#chunk;
    state.expectedVersion = state.isInLedger ? state.item.version : undefined;
    state.quarantineReason = undefined;
    state.parkedInChunk = 0;
    state.isInLedger = true;
    this.changedItems.push(state);
  }

  /** The reservation of an order, to be changed by the current chunk; an order that was not loaded is new. */
  reservationToChange(orderId: string): ReservationState {
    let state = this.#reservations.get(orderId);
    if (!state) {
      state = { reservation: undefined, chunk: 0, stored: undefined };
      this.#reservations.set(orderId, state);
    }
    if (state.chunk !== this.#chunk) {
      state.chunk = this.#chunk;
      state.stored = state.reservation;
      this.changedReservations.push(state);
    }
    return state;
  }

  /** A transfer that was not loaded is new. */
  transfer(transferId: string): TransferState {
    return this.#transfers.get(transferId) ?? this.#addTransfer(transferId, undefined);
  }

  /** Notes that the current chunk changes the transfer. To be called before the change. */
  changeTransfer(state: TransferState): void {
    if (state.chunk === this.#chunk) return;
    state.chunk = this.#chunk;
    state.stored = state.transfer;
    this.changedTransfers.push(state);
  }

  /** The ledger has every chunk up to this one: what is beyond the limits may go. */
  forget(chunk: number): void {
    dropOldest(this.#items, this.#limits.itemsCachedMax, chunk);
    this.#lastItem = undefined;
    dropOldest(this.#reservations, this.#limits.reservationsCachedMax, chunk);
    dropOldest(this.#transfers, TRANSFERS_CACHED_MAX, chunk);
  }

  /** Forgets everything. */
  clear(): void {
    this.#items.clear();
    this.#lastItem = undefined;
    this.#reservations.clear();
    this.#transfers.clear();
  }
}

/** First in, first out; a hot item that is dropped is loaded again with the next chunk. Those of a later chunk stay. */
function dropOldest(states: Map<string, { readonly chunk: number }>, countMax: number, chunk: number): void {
  for (const [name, state] of states) {
    if (states.size <= countMax) return;
    if (state.chunk <= chunk) states.delete(name);
  }
}
