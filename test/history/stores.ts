/**
 * The stores of the model: Redis nodes that replicate in order and can be put back to a copy, and ledgers that can too.
 * Everything a store holds is immutable, so a copy is a reference.
 */
import type { Flaw } from './flaws.ts';

export interface Epoch {
  readonly number: number;
  readonly nonce: string;
}

export type OrderState = 'held' | 'confirmed';

/** What a batch changed. `moved` is a stock movement: it changes something and takes no unit. */
export interface Change {
  readonly id: string;
  readonly to: OrderState | 'moved';
}

/** An entry of the stream. Links are unique over all histories, so an entry is known by its own. */
export interface Entry {
  readonly sequence: number;
  readonly epoch: Epoch;
  readonly link: string;
  readonly before: string;
  readonly change: Change;
}

export interface Control {
  readonly epoch: Epoch;
  readonly sequence: number;
  readonly link: string;
  /** The name of the primary that a worker has verified; `-` for none. */
  readonly incarnation: string;
  readonly state: 'open' | 'fenced';
}

/** What one Redis holds. */
export interface Data {
  readonly control: Control;
  readonly stream: readonly Entry[];
  readonly orders: ReadonlyMap<string, OrderState>;
  /** Units that can still be sold, as the item's figures say. */
  readonly available: number;
}

/** Units of the one item at the beginning. */
export const STOCK = 3;
/** Entries below the cursor that stay in the stream. */
export const TAIL = 2;

export const sameEpoch = (a: Epoch, b: Epoch, flaw?: Flaw): boolean =>
  a.number === b.number && (a.nonce === b.nonce || flaw === 'epoch-without-nonce');

export const sameControl = (a: Control, b: Control): boolean =>
  sameEpoch(a.epoch, b.epoch) &&
  a.sequence === b.sequence &&
  a.link === b.link &&
  a.incarnation === b.incarnation &&
  a.state === b.state;

/** Orders, and the units that are left. */
export type Shelf = Pick<Data, 'orders' | 'available'>;

export const FULL_SHELF: Shelf = { orders: new Map(), available: STOCK };

/** The shelf after a change. */
export function shelfAfter({ orders, available }: Shelf, { id, to }: Change): Shelf {
  if (to === 'moved') return { orders, available };
  return { orders: new Map(orders).set(id, to), available: available - (orders.has(id) ? 0 : 1) };
}

/** One Redis server. */
export class Node {
  readonly name: string;
  isAlive = true;
  /** Raised by each start: connections of the life before are broken. */
  lives = 1;
  role: 'master' | 'replica' = 'master';
  /** `master_replid`: new after each start and promotion; a replica shows its primary's. */
  replid: string;
  data: Data;
  /** Every state since it became primary or started: its replicas follow it in this order. */
  log: Data[];
  /** Of a replica: whom it follows, and up to where. */
  source: Node | undefined;
  at = 0;
  isSynced = false;
  /** `replica-read-only no`. */
  isWritable = false;
  copies: Data[] = [];
  snapshots: { data: Data; replid: string }[] = [];

  constructor(name: string, replid: string, data: Data) {
    this.name = name;
    this.replid = replid;
    this.data = data;
    this.log = [data];
  }

  write(data: Data): void {
    this.data = data;
    this.log.push(data);
  }

  /** Starts with this data, as a primary of a new name. */
  start(data: Data, replid: string): void {
    this.isAlive = true;
    this.lives++;
    this.data = data;
    this.promote(replid);
  }

  promote(replid: string): void {
    this.role = 'master';
    this.source = undefined;
    this.isSynced = false;
    this.replid = replid;
    this.log = [this.data];
  }

  /** Full synchronization with a primary. */
  attach(source: Node): void {
    this.role = 'replica';
    this.source = source;
    this.isSynced = true;
    this.at = source.log.length - 1;
    this.data = source.data;
    this.replid = source.replid;
  }

  get isFollowing(): boolean {
    return this.isAlive && this.isSynced && this.source?.isAlive === true && this.source.role === 'master';
  }

  /** Receives the next write of its primary. */
  replicate(): void {
    const next = this.isFollowing ? this.source?.log[this.at + 1] : undefined;
    if (!next) return;
    this.at++;
    this.data = next;
  }
}

/** A place in a history. */
export interface Place {
  readonly sequence: number;
  readonly link: string;
}

/** A row of `epochs`. */
export interface EpochRow {
  readonly epoch: Epoch;
  /** Where Redis was when it was opened under this epoch; undefined until the row is completed. */
  readonly firstSequence: number | undefined;
}

/** An order that an API acknowledged, and where. */
export interface Acknowledgement {
  readonly epoch: Epoch;
  readonly sequence: number;
  readonly link: string;
  readonly change: Change;
}

/** What one Postgres holds. */
export interface LedgerData {
  /** Of the newest epoch written. */
  readonly epoch: Epoch;
  readonly epochs: readonly EpochRow[];
  /** Entry n has sequence n + 1: the cursor is the last one. */
  readonly carried: readonly Entry[];
  readonly forks: ReadonlySet<string>;
  readonly lost: readonly Acknowledgement[];
}

export const FIRST_LINK = 'origin';

/** One Postgres server. */
export class Ledger {
  readonly name: string;
  isAlive = true;
  data: LedgerData;
  copies: LedgerData[] = [];
  /** The worker that holds the lease. */
  lease: object | undefined;

  constructor(name: string, data: LedgerData) {
    this.name = name;
    this.data = data;
  }

  get cursor(): Place {
    const last = this.data.carried.at(-1);
    return last ?? { sequence: 0, link: FIRST_LINK };
  }

  linkAt(sequence: number): string | undefined {
    return sequence === 0 ? FIRST_LINK : this.data.carried[sequence - 1]?.link;
  }

  knows(epoch: Epoch, flaw: Flaw | undefined): boolean {
    return this.data.epochs.some((row) => sameEpoch(row.epoch, epoch, flaw));
  }

  /** False where another process wrote this number or a later one, or moved the cursor that was compared. */
  beginEpoch(epoch: Epoch, cursor: Place, flaw?: Flaw): boolean {
    const isMoved = this.cursor.sequence !== cursor.sequence || this.cursor.link !== cursor.link;
    if (epoch.number <= this.data.epoch.number || (isMoved && flaw !== 'cursor-moved-unseen')) return false;
    const row = { epoch, firstSequence: undefined };
    this.data = { ...this.data, epoch, epochs: [...this.data.epochs, row] };
    return true;
  }

  completeEpoch(epoch: Epoch, firstSequence: number): void {
    const epochs = this.data.epochs.map((row) =>
      sameEpoch(row.epoch, epoch) ? { ...row, firstSequence } : row,
    );
    this.data = { ...this.data, epochs };
  }

  /** Appends a chunk, where the cursor is still where the worker read it. */
  carry(epoch: Epoch, from: Place, entries: readonly Entry[], flaw?: Flaw): boolean {
    const { sequence, link } = this.cursor;
    const isMine =
      sameEpoch(epoch, this.data.epoch, flaw) && sequence === from.sequence && link === from.link;
    if (isMine) this.data = { ...this.data, carried: [...this.data.carried, ...entries] };
    return isMine;
  }
}
