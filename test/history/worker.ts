/**
 * A worker of the model: it verifies, rebuilds and carries in atomic steps, and may die or freeze between any two of them.
 *
 * step        does                                                              then
 * standby     takes the lease, if it is free                                    look
 * look        reads control and INFO                                            compare; standby without the lease
 * compare     reads the cursor, then the stream; finds what the stores need     row; close; carry-read; person
 * row         writes the epochs row                                             set
 * set         opens Redis under it, if it is what was compared                  complete; look
 * complete    completes the row                                                 carry-read
 * close       takes the incarnation away, so that nothing more is decided       look
 * fork        writes down what Redis holds beyond the fork point                rebuild-row
 * rebuild-row writes the epochs row                                             fence
 * fence       replaces the control by what the rebuild intends                  clear
 * clear, fill empty Redis and fill it from the ledger                           open
 * open        opens Redis under the row's epoch                                 complete
 * carry-read  reads the next entries                                            carry-commit; trim; look
 * carry-commit commits them                                                     trim; look
 * trim        trims the stream below the cursor                                 carry-read
 * person      does nothing: only a person can decide                            look
 */
import { whyNotReady } from './api.ts';
import type { Flaw } from './flaws.ts';
import {
  type Control,
  type Entry,
  type Epoch,
  FULL_SHELF,
  type Ledger,
  type Node,
  sameControl,
  sameEpoch,
  shelfAfter,
  TAIL,
} from './stores.ts';

/** What a worker needs to know of the world around it. */
export interface Workshop {
  readonly flaw: Flaw | undefined;
  newNonce(): string;
  primary(): Node;
  /** A worker has compared this primary with its ledger. */
  verified(replid: string): void;
  carried(ledger: Ledger, entries: number): void;
  wroteEpoch(epoch: Epoch): void;
  /** From here on the stream has no tail below the cursor. */
  rebuilds(ledger: Ledger): void;
  /** The stream of this node is about to be dropped. */
  discards(ledger: Ledger, entries: readonly Entry[]): void;
  /** Entries up to this sequence were cut under this epoch. */
  trimmed(ledger: Ledger, sequence: number, epoch: Epoch): void;
}

type Step =
  | 'standby'
  | 'look'
  | 'compare'
  | 'row'
  | 'set'
  | 'complete'
  | 'close'
  | 'fork'
  | 'rebuild-row'
  | 'fence'
  | 'clear'
  | 'fill'
  | 'open'
  | 'carry-read'
  | 'carry-commit'
  | 'trim'
  | 'person';

interface Seen {
  readonly control: Control;
  readonly role: 'master' | 'replica';
  readonly replid: string;
}

/** What the comparison of both stores asks for. */
type Need = 'verify' | 'rebuild' | 'person';

/** Entries read at once. */
const CHUNK = 4;
/** Turns that a worker stands down for, after another ledger's worker took the partition. */
const STAND_DOWN_TURNS = 12;

/** One worker process. */
export class Worker {
  readonly name: string;
  ledger: Ledger;
  node: Node;
  step: Step = 'standby';
  /** Why only a person can go on. */
  question = '';
  /** Under which it carries. */
  epoch: Epoch | undefined;
  #lives = 0;
  #seen: Seen | undefined;
  #cursor = { sequence: 0, link: '' };
  #next: Epoch | undefined;
  /** Where Redis was opened under it. */
  #firstSequence = 0;
  #fence: Control | undefined;
  #discarded: readonly Entry[] = [];
  #chunk: readonly Entry[] = [];
  #restTurns = 0;
  /** Another ledger's worker took the partition while this process held its lease. */
  #wasDeposed = false;
  readonly #workshop: Workshop;

  constructor(name: string, ledger: Ledger, workshop: Workshop) {
    this.name = name;
    this.ledger = ledger;
    this.#workshop = workshop;
    this.node = workshop.primary();
  }

  /** Its process ends, and a new one starts. */
  die(): void {
    this.freeze();
    this.step = 'standby';
    this.epoch = undefined;
    this.#restTurns = 0;
    this.#wasDeposed = false;
    this.#connect();
  }

  /** It stops for so long that its lease ends; it goes on where it was. */
  freeze(): void {
    if (this.ledger.lease === this) this.ledger.lease = undefined;
  }

  turn(): void {
    if (this.#restTurns > 0) {
      this.#restTurns--;
      return;
    }
    if (!this.ledger.isAlive) {
      this.die();
      return;
    }
    this.step = this.#steps[this.step]();
  }

  readonly #steps: Readonly<Record<Step, () => Step>> = {
    standby: () => {
      if (this.ledger.lease) return 'standby';
      this.ledger.lease = this;
      this.epoch = undefined;
      return 'look';
    },
    look: () => this.#look(),
    compare: () => this.#compare(),
    row: () => {
      const isFirst = this.#flaw === 'redis-before-ledger';
      return isFirst || this.#beginEpoch() ? 'set' : 'look';
    },
    set: () => this.#set(),
    complete: () => {
      const epoch = this.#next as Epoch;
      if (this.#flaw === 'redis-before-ledger') this.#beginEpoch();
      this.ledger.completeEpoch(epoch, this.#firstSequence);
      this.epoch = epoch;
      return 'carry-read';
    },
    close: () => {
      const { control } = this.node.data;
      if (this.#isUsable() && sameEpoch(control.epoch, this.#seenControl.epoch))
        this.node.write({ ...this.node.data, control: { ...control, incarnation: '-' } });
      return 'look';
    },
    fork: () => {
      if (this.#flaw !== 'forks-after-emptying') this.#writeForks();
      return 'rebuild-row';
    },
    'rebuild-row': () => (this.#beginEpoch() ? 'fence' : 'look'),
    fence: () => {
      if (!this.#isUsable() || !this.#isAsCompared()) return 'look';
      const { control } = this.node.data;
      const intended = { ...this.#cursor, epoch: this.#next as Epoch };
      this.#fence = {
        ...control,
        ...(this.#flaw === 'fence-keeps-position' ? {} : intended),
        state: 'fenced',
      };
      this.node.write({ ...this.node.data, control: this.#fence });
      this.#workshop.rebuilds(this.ledger);
      return 'clear';
    },
    clear: () => {
      if (!this.#isFenced()) return 'look';
      this.#workshop.discards(this.ledger, this.node.data.stream);
      this.node.write({ control: this.node.data.control, stream: [], orders: new Map(), available: 0 });
      return 'fill';
    },
    fill: () => {
      if (!this.#isFenced()) return 'look';
      if (this.#flaw === 'forks-after-emptying') this.#writeForks();
      const history = this.ledger.data.carried.slice(0, this.#cursor.sequence);
      const shelf = history.reduce((before, { change }) => shelfAfter(before, change), FULL_SHELF);
      this.node.write({ ...this.node.data, ...shelf });
      return 'open';
    },
    open: () => {
      const isFenced = this.#flaw === 'set-without-comparing' || this.#isFenced();
      if (!this.#isUsable() || !isFenced) return 'look';
      const { replid, data } = this.node;
      const intended = { ...this.#cursor, epoch: this.#next as Epoch };
      this.#workshop.verified(replid);
      this.#firstSequence = this.#cursor.sequence;
      this.node.write({ ...data, control: { ...intended, incarnation: replid, state: 'open' } });
      return 'complete';
    },
    'carry-read': () => this.#carryRead(),
    'carry-commit': () => {
      const epoch = this.epoch as Epoch;
      if (!this.ledger.carry(epoch, this.#cursor, this.#chunk, this.#flaw)) return 'look';
      this.#workshop.carried(this.ledger, this.#chunk.length);
      this.#cursor = this.ledger.cursor;
      return 'trim';
    },
    trim: () => {
      this.#trim();
      return 'carry-read';
    },
    person: () => 'look',
  };

  get #flaw(): Flaw | undefined {
    return this.#workshop.flaw;
  }

  get #seenControl(): Control {
    return (this.#seen as Seen).control;
  }

  #connect(): void {
    this.node = this.#workshop.primary();
    this.#lives = this.node.lives;
  }

  get #isConnected(): boolean {
    return this.node.isAlive && this.node.lives === this.#lives;
  }

  #look(): Step {
    if (this.ledger.lease !== this) return 'standby';
    if (!this.#isConnected || this.node.role !== 'master') this.#connect();
    if (!this.node.isAlive) return 'look';
    const { role, replid, data } = this.node;
    this.#seen = { control: data.control, role, replid };
    return role === 'master' ? 'compare' : 'look';
  }

  #compare(): Step {
    if (!this.#isConnected) return 'look';
    const { control, replid } = this.#seen as Seen;
    this.#cursor = { sequence: this.ledger.cursor.sequence, link: this.ledger.cursor.link };
    const isOurs = this.ledger.knows(control.epoch, this.#flaw);
    if (this.epoch && !isOurs) {
      this.#wasDeposed = true;
      this.epoch = undefined;
      this.ledger.lease = undefined;
      this.#restTurns = STAND_DOWN_TURNS;
      return 'standby';
    }
    const need = this.#need(control, this.node.data.stream, isOurs);
    if (need === 'person') return 'person';
    if (need === 'rebuild') {
      if (control.state === 'open' && control.incarnation !== '-') return 'close';
      return 'fork';
    }
    const isOpen = control.incarnation === replid && sameEpoch(control.epoch, this.ledger.data.epoch);
    if (this.#flaw === 'lease-raises-nothing' && isOpen) {
      this.epoch = control.epoch;
      return 'carry-read';
    }
    return 'row';
  }

  /** Compares the chain from the cursor to the control that was seen. */
  #need(control: Control, stream: readonly Entry[], isOurs: boolean): Need {
    this.#discarded = [];
    if (control.state === 'fenced') {
      // A rebuild died. Its fence says where it would have opened: this ledger has that, whoever set it.
      const isIntended = this.ledger.linkAt(control.sequence) === control.link;
      if (isIntended) return 'rebuild';
      return this.#ask('a rebuild from a ledger that had more than this one');
    }
    if (this.#flaw === 'rebuild-instead-of-verifying' && !sameEpoch(control.epoch, this.ledger.data.epoch)) {
      this.#discarded = stream.filter(({ link, sequence }) => this.ledger.linkAt(sequence) !== link);
      return 'rebuild';
    }
    const { sequence, link } = this.#cursor;
    const links = this.#flaw !== 'no-link-comparison';
    const ahead = stream.filter((entry) => entry.sequence > sequence && entry.sequence <= control.sequence);
    if (control.sequence > sequence && ahead[0]?.sequence !== sequence + 1)
      return this.#ask('the ledger lacks entries that the stream no longer has');
    if (control.sequence >= sequence) {
      const follows = control.sequence === sequence ? control.link : ahead[0]?.before;
      if (follows === link || !links) return 'verify';
    }
    const isKnown = (entry: Entry) =>
      this.#flaw === 'sequence-alone'
        ? this.ledger.linkAt(entry.sequence) !== undefined
        : this.ledger.linkAt(entry.sequence) === entry.link;
    this.#discarded = stream.filter((entry) => !isKnown(entry));
    // A ledger that went back does not know the epoch either; but then nobody has verified what is there.
    const isNobodys = control.incarnation !== this.#seen?.replid && !this.#wasDeposed;
    const mayDiscard = isOurs || isNobodys || this.#flaw === 'deposed-ledger-rebuilds';
    if (this.#discarded.length > 0 && !mayDiscard)
      return this.#ask('the partition was verified by another ledger, and is another history');
    return 'rebuild';
  }

  #ask(question: string): 'person' {
    this.question = question;
    return 'person';
  }

  #beginEpoch(): boolean {
    const isLate = this.#flaw === 'redis-before-ledger' && this.step === 'complete';
    if (!isLate) this.#nameEpoch();
    const epoch = this.#next as Epoch;
    const isWritten = this.ledger.beginEpoch(epoch, this.#cursor, this.#flaw);
    if (isWritten) this.#workshop.wroteEpoch(epoch);
    return isWritten;
  }

  #nameEpoch(): void {
    const number = Math.max(this.ledger.data.epoch.number, this.#seenControl.epoch.number) + 1;
    this.#next = { number, nonce: this.#workshop.newNonce() };
  }

  /** The steps that write to Redis ask this in the same atomic step. */
  #isUsable(): boolean {
    const { role, replid } = this.node;
    return this.#isConnected && role === 'master' && replid === this.#seen?.replid;
  }

  /** The control is the one that was compared. */
  #isAsCompared(): boolean {
    return this.#flaw === 'set-without-comparing' || sameControl(this.node.data.control, this.#seenControl);
  }

  /** Or what the verified primary decided since follows from it. */
  #followsFromCompared(): boolean {
    if (this.#isAsCompared()) return true;
    if (this.#flaw === 'text-must-stand-still') return false;
    const { control, stream } = this.node.data;
    const seen = this.#seenControl;
    const isSame =
      sameEpoch(control.epoch, seen.epoch, this.#flaw) &&
      control.incarnation === seen.incarnation &&
      control.state === seen.state;
    return isSame && stream.find(({ sequence }) => sequence === seen.sequence + 1)?.before === seen.link;
  }

  #set(): Step {
    if (this.#flaw === 'redis-before-ledger') this.#nameEpoch();
    if (!this.#isUsable() || !this.#followsFromCompared()) return 'look';
    const { data, replid } = this.node;
    const at = this.#flaw === 'set-without-comparing' ? this.#seenControl : data.control;
    const control: Control = { ...at, epoch: this.#next as Epoch, incarnation: replid, state: 'open' };
    this.#workshop.verified(replid);
    this.#firstSequence = control.sequence;
    this.node.write({ ...data, control });
    return 'complete';
  }

  #isFenced(): boolean {
    if (!this.#isConnected) return false;
    if (this.#flaw === 'unguarded-fill') return true;
    return this.node.role === 'master' && sameControl(this.node.data.control, this.#fence as Control);
  }

  #writeForks(): void {
    const forks = new Set([...this.ledger.data.forks, ...this.#discarded.map(({ link }) => link)]);
    this.ledger.data = { ...this.ledger.data, forks };
  }

  #carryRead(): Step {
    if (!this.#isConnected || !this.epoch) return 'look';
    const { data } = this.node;
    if (whyNotReady(this.node, this.#flaw) || !sameEpoch(data.control.epoch, this.epoch, this.#flaw))
      return 'look';
    const { sequence, link } = this.ledger.cursor;
    this.#cursor = { sequence, link };
    this.#chunk = data.stream.filter((entry) => entry.sequence > sequence).slice(0, CHUNK);
    const [first] = this.#chunk;
    if (!first) {
      const isThere = data.control.sequence === sequence && data.control.link === link;
      if (!isThere && this.#flaw !== 'no-link-comparison') return 'look';
      return 'trim';
    }
    const follows = this.#flaw === 'no-link-comparison' || first.before === link;
    return follows && first.sequence === sequence + 1 ? 'carry-commit' : 'look';
  }

  /** A batch like any other: it is refused where the partition is not ready, or at another epoch. */
  #trim(): void {
    if (!this.#isConnected || whyNotReady(this.node, this.#flaw)) return;
    const { data } = this.node;
    const isMine = sameEpoch(data.control.epoch, this.epoch as Epoch, this.#flaw);
    if (!isMine && this.#flaw !== 'trim-without-epoch') return;
    const to = this.#cursor.sequence - (this.#flaw === 'no-tail' ? 0 : TAIL);
    if ((data.stream[0]?.sequence ?? Number.POSITIVE_INFINITY) > to) return;
    this.#workshop.trimmed(this.ledger, to, data.control.epoch);
    this.node.write({ ...data, stream: data.stream.filter(({ sequence }) => sequence > to) });
  }
}
