/**
 * Items and open reservations as the ledger has them plus what has been judged since: so that a hot item is not loaded
 * again for every chunk. Promises: what a chunk under way has touched is never dropped; memory is bounded.
 * It may be trusted only while this worker alone moves the cursor: on any error it is cleared.
 */
import { type InventoryItem, newItem } from '../../domain/inventory-item.ts';
import type { Reservation } from '../../domain/reservation.ts';
import type { ItemName, LedgerItem } from '../../ledger/read/worker-queries.ts';
import type { TransferDocument } from '../../ledger/write/documents.ts';

/** What the judge asks of the ledger. */
export interface ValidatorLedger {
  loadItems(names: readonly ItemName[]): Promise<LedgerItem[]>;
  loadReservations(orderIds: readonly string[]): Promise<Reservation[]>;
  loadTransfers(transferIds: readonly string[]): Promise<TransferDocument[]>;
  knownMovements(movementIds: readonly string[]): Promise<string[]>;
}

/** One item while it is judged. Changed in place: there is one of each, and thousands of events a chunk. */
export interface ItemState {
  readonly name: string;
  item: InventoryItem;
  isInLedger: boolean;
  isQuarantined: boolean;
  /** Parked or counted since the quarantine began. */
  parkedEvents: number;
  /** When its last event was decided. */
  atMs: number;
  /** The chunk that touched it last, and what concerns that chunk alone. */
  chunk: number;
  expectedVersion: number | undefined;
  quarantineReason: string | undefined;
  parkedInChunk: number;
  /** The entry that touched it last, and how it stood before that: an entry counts whole for an item, or not at all. */
  entry: number;
  itemBeforeEntry: InventoryItem;
}

export interface ReservationState {
  reservation: Reservation | undefined;
  /** The chunk that touched it last, and what the ledger had before that. */
  chunk: number;
  stored: Reservation | undefined;
}

export interface TransferState {
  transfer: TransferDocument | undefined;
  /** The chunk that touched it last, and what the ledger had before that. */
  chunk: number;
  stored: TransferDocument | undefined;
  /** The entry that touched it last, and how it stood before that. */
  entry: number;
  transferBeforeEntry: TransferDocument | undefined;
}

/** Transfers come in tens, not in thousands. */
const TRANSFERS_CACHED_MAX = 1_000;

export interface CacheLimits {
  readonly itemsCachedMax: number;
  /** Few, for they come once and again after minutes: to load one costs Postgres 3 us, to keep it costs Node as much. */
  readonly reservationsCachedMax: number;
}

export function itemName(of: ItemName): string {
  return `${of.sku}@${of.warehouse}`;
}

export class StateCache {
  readonly #ledger: ValidatorLedger;
  readonly #limits: CacheLimits;
  readonly #items = new Map<string, ItemState>();
  /** The item asked for last. */
  #lastItem: ItemState | undefined;
  readonly #reservations = new Map<string, ReservationState>();
  readonly #transfers = new Map<string, TransferState>();

  constructor(ledger: ValidatorLedger, limits: CacheLimits) {
    this.#ledger = ledger;
    this.#limits = limits;
  }

  /** Fetches what is not here yet. What the ledger has not either stands as new. */
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
    for (const known of items) this.#add(known.item, known);
    for (const name of missing) {
      if (!this.#items.has(itemName(name))) this.#add(newItem(name.sku, name.warehouse), undefined);
    }
    for (const reservation of reservations) {
      this.#reservations.set(reservation.orderId, { reservation, chunk: 0, stored: undefined });
    }
    for (const transfer of transfers) this.#addTransfer(transfer.transferId, transfer);
  }

  #add(item: InventoryItem, known: LedgerItem | undefined): void {
    const name = itemName(item);
    this.#items.set(name, {
      name,
      item,
      isInLedger: known !== undefined,
      isQuarantined: known?.quarantine !== undefined,
      parkedEvents: known?.parkedEvents ?? 0,
      atMs: known?.updatedAtMs ?? 0,
      chunk: 0,
      expectedVersion: undefined,
      quarantineReason: undefined,
      parkedInChunk: 0,
      entry: 0,
      itemBeforeEntry: item,
    });
  }

  /** Undefined unless it was loaded. */
  item(name: string): ItemState | undefined {
    return this.#items.get(name);
  }

  /** @throws where it was not loaded: a defect */
  itemOf(name: ItemName): ItemState {
    const last = this.#lastItem;
    // A flash sale asks for the same item thousands of times: then its name need not be put together.
    if (last && last.item.sku === name.sku && last.item.warehouse === name.warehouse) return last;
    const state = this.#items.get(itemName(name));
    // The reader spells out versions from the entry's own items, so every line has its item among those loaded.
    if (!state) throw new Error(`${itemName(name)} was not loaded`);
    this.#lastItem = state;
    return state;
  }

  /** A state without a reservation where none was loaded: the order is new. */
  reservation(orderId: string): ReservationState {
    let state = this.#reservations.get(orderId);
    if (!state) {
      state = { reservation: undefined, chunk: 0, stored: undefined };
      this.#reservations.set(orderId, state);
    }
    return state;
  }

  /** A state without a transfer where none was loaded: it is new. */
  transfer(transferId: string): TransferState {
    return this.#transfers.get(transferId) ?? this.#addTransfer(transferId, undefined);
  }

  #addTransfer(transferId: string, transfer: TransferDocument | undefined): TransferState {
    const state = { transfer, chunk: 0, stored: undefined, entry: 0, transferBeforeEntry: undefined };
    this.#transfers.set(transferId, state);
    return state;
  }

  /** Everything up to this chunk is in the ledger: what is beyond the bounds may go. */
  forget(chunk: number): void {
    dropOldest(this.#items, this.#limits.itemsCachedMax, chunk);
    this.#lastItem = undefined;
    dropOldest(this.#reservations, this.#limits.reservationsCachedMax, chunk);
    dropOldest(this.#transfers, TRANSFERS_CACHED_MAX, chunk);
  }

  clear(): void {
    this.#items.clear();
    this.#lastItem = undefined;
    this.#reservations.clear();
    this.#transfers.clear();
  }
}

/** First in, first out; a hot item that goes is loaded again with the next chunk. Those of a later chunk stay. */
function dropOldest(states: Map<string, { readonly chunk: number }>, countMax: number, chunk: number): void {
  for (const [name, state] of states) {
    if (states.size <= countMax) return;
    if (state.chunk <= chunk) states.delete(name);
  }
}
