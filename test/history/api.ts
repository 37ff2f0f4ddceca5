/**
 * An API process of the model, and the program that Redis runs for it: batches are sent, run and answered in steps of their
 * own, so that anything can happen between them.
 */
import type { Flaw } from './flaws.ts';
import {
  type Acknowledgement,
  type Change,
  type Control,
  type Data,
  type Entry,
  type Epoch,
  type Ledger,
  type Node,
  sameEpoch,
  shelfAfter,
} from './stores.ts';

/** What an API needs to know of the world around it. */
export interface Surroundings {
  readonly flaw: Flaw | undefined;
  readonly level: 'fsync' | 'replica';
  /** Replicas that can be promoted. */
  readonly promotable: number;
  newLink(): string;
  primary(): Node;
  replicasOf(node: Node): Node[];
  /** A batch was decided on this node; `entry` is what it changed. */
  decided(node: Node, entry: Entry | undefined): void;
  /** A buyer was told. */
  told(api: Api, acknowledgement: Acknowledgement): void;
  /** An API says that the ledger has it. */
  settled(ledger: Ledger, acknowledgement: Acknowledgement, by: 'wait' | 'drop'): void;
  /** An API lists it as lost. */
  lost(acknowledgement: Acknowledgement): void;
  violated(what: string): never;
}

type Refusal = 'fenced' | 'read-only' | 'unverified' | 'stale-epoch' | 'behind';
type Result = Change['to'] | 'refused';
type Reply =
  | { readonly kind: 'decided'; readonly control: Control; readonly result: Result; readonly writes: number }
  | { readonly kind: 'not-ready'; readonly reason: Refusal; readonly epoch: Epoch };

/** The first check that fails, in the order of the program. */
export function whyNotReady(
  node: Node,
  flaw: Flaw | undefined,
): 'fenced' | 'read-only' | 'unverified' | undefined {
  const { control } = node.data;
  if (control.state !== 'open') return 'fenced';
  const isAllowed = node.role === 'master' || (flaw === 'role-not-checked' && node.isWritable);
  if (!isAllowed) return 'read-only';
  if (control.incarnation !== node.replid && flaw !== 'no-incarnation-check') return 'unverified';
  return undefined;
}

/** What the batch of one command changes; undefined for a repeat and for a refusal. */
function decide({ orders, available }: Data, { id, to }: Change): { result: Result; changes: boolean } {
  if (to === 'moved') return { result: 'moved', changes: true };
  const now = orders.get(id);
  if (now === to || now === 'confirmed') return { result: now, changes: false };
  if (to === 'confirmed') return now ? { result: to, changes: true } : { result: 'refused', changes: false };
  return available > 0 ? { result: to, changes: true } : { result: 'refused', changes: false };
}

/** Runs a batch, in one atomic step. */
function run(node: Node, batch: Batch, around: Surroundings): Reply {
  const { flaw } = around;
  const { data } = node;
  const { control } = data;
  const reason = whyNotReady(node, flaw);
  if (reason) return { kind: 'not-ready', reason, epoch: control.epoch };
  if (!batch.epoch || !sameEpoch(batch.epoch, control.epoch, flaw))
    return { kind: 'not-ready', reason: 'stale-epoch', epoch: control.epoch };
  if (control.sequence < batch.floor && flaw !== 'behind-not-noticed') {
    node.write({ ...data, control: { ...control, incarnation: '-' } });
    return { kind: 'not-ready', reason: 'behind', epoch: control.epoch };
  }
  const { result, changes } = decide(data, batch.change);
  if (!changes) {
    around.decided(node, undefined);
    // At level `replica` such a batch writes the control record, so that there is something to wait for.
    const writes = flaw === 'repeat-waits-for-nothing' ? 0 : node.log.length - 1;
    return { kind: 'decided', control, result, writes };
  }
  const { id, to } = batch.change;
  const sequence = control.sequence + 1;
  const entry: Entry = {
    sequence,
    epoch: control.epoch,
    link: around.newLink(),
    before: control.link,
    change: { id, to },
  };
  const next = { ...control, sequence, link: entry.link };
  node.write({ control: next, stream: [...data.stream, entry], ...shelfAfter(data, entry.change) });
  around.decided(node, entry);
  return { kind: 'decided', control: next, result, writes: node.log.length - 1 };
}

interface Batch {
  readonly change: Change;
  epoch: Epoch | undefined;
  floor: number;
  node: Node;
  /** Of the node when it was sent: behind a connection that broke nobody answers. */
  readonly lives: number;
  sentAgain: boolean;
  reply: Reply | undefined;
}

/** Batches that an API has on their way. */
const IN_FLIGHT_MAX = 2;

/** One API process. */
export class Api {
  readonly name: string;
  node: Node;
  epoch: Epoch | undefined;
  floor = 0;
  inFlight: Batch[] = [];
  acknowledged: Acknowledgement[] = [];
  /** Raised by each death: what was acknowledged before is known to nobody. */
  life = 0;
  /** Of the last answer. */
  last: 'decided' | Refusal | 'gone' = 'gone';
  #quorum: number;
  readonly #around: Surroundings;

  constructor(name: string, around: Surroundings) {
    this.name = name;
    this.#around = around;
    this.node = around.primary();
    this.#quorum = around.replicasOf(this.node).length;
  }

  die(): void {
    this.life++;
    this.epoch = undefined;
    this.floor = 0;
    this.inFlight = [];
    this.acknowledged = [];
    this.connect(this.#around.primary());
  }

  connect(node: Node): void {
    this.node = node;
    this.#quorum = this.#around.replicasOf(node).length;
  }

  send(change: Change): void {
    if (this.inFlight.length >= IN_FLIGHT_MAX) return;
    const { epoch, floor, node } = this;
    this.inFlight.push({ change, epoch, floor, node, lives: node.lives, sentAgain: false, reply: undefined });
  }

  /** Redis runs the oldest batch that has not been run. */
  arrive(): void {
    const batch = this.inFlight.find(({ reply }) => !reply);
    if (!batch) return;
    if (!batch.node.isAlive || batch.node.lives !== batch.lives) {
      this.#broken(batch);
      return;
    }
    batch.reply = run(batch.node, batch, this.#around);
  }

  /** The oldest reply arrives, if its quorum is there; otherwise the outcome is unknown. */
  answer(): void {
    const batch = this.inFlight[0];
    if (!batch?.reply) return;
    if (!batch.node.isAlive || batch.node.lives !== batch.lives) {
      this.#broken(batch);
      return;
    }
    this.inFlight.shift();
    const { reply } = batch;
    this.last = reply.kind === 'decided' ? 'decided' : reply.reason;
    if (reply.kind === 'decided') this.#open(batch, reply);
    else this.#refused(batch, reply);
  }

  #broken(batch: Batch): void {
    this.inFlight = this.inFlight.filter((other) => other !== batch);
    this.last = 'gone';
    if (this.node === batch.node) this.connect(this.#around.primary());
  }

  #open(batch: Batch, reply: Reply & { kind: 'decided' }): void {
    const { level, flaw } = this.#around;
    const { epoch, sequence, link } = reply.control;
    if (this.epoch && sameEpoch(this.epoch, epoch)) {
      if (batch.epoch && sameEpoch(batch.epoch, epoch) && sequence < batch.floor)
        this.#around.violated(`${this.name} was answered ${sequence} after ${batch.floor} in one epoch`);
      this.floor = Math.max(this.floor, sequence);
    }
    if (reply.result === 'refused') return;
    if (level === 'replica') {
      const { promotable } = this.#around;
      const quorum =
        flaw === 'quorum-at-start' ? this.#quorum : flaw === 'quorum-too-small' ? promotable - 1 : promotable;
      // `writes` counts within the life of a primary; behind another name nobody has it.
      if (batch.node.role !== 'master') return;
      const have = this.#around.replicasOf(batch.node).filter(({ at }) => at >= reply.writes).length;
      if (have < quorum) return;
    }
    const acknowledgement = { epoch, sequence, link, change: { id: batch.change.id, to: reply.result } };
    this.acknowledged.push(acknowledgement);
    this.#around.told(this, acknowledgement);
  }

  #refused(batch: Batch, { reason, epoch }: Reply & { kind: 'not-ready' }): void {
    const { flaw } = this.#around;
    if (reason === 'read-only') this.connect(this.#around.primary());
    if (reason !== 'stale-epoch') return;
    const isHigher = !this.epoch || epoch.number > this.epoch.number;
    if (flaw === 'lower-epochs-never-adopted' && !isHigher) return;
    if (!this.epoch || !sameEpoch(this.epoch, epoch, flaw)) {
      this.epoch = epoch;
      this.floor = 0;
    }
    if (batch.sentAgain) return;
    const { floor } = this;
    this.inFlight.unshift({ ...batch, epoch: this.epoch, floor, sentAgain: true, reply: undefined });
  }

  /** Looks at the ledger, and drops or reports what it acknowledged. */
  report(ledger: Ledger): void {
    if (!ledger.isAlive) return;
    this.acknowledged = this.acknowledged.filter((one) => {
      const verdict = judge(ledger, one, this.#around.flaw, 'drop');
      if (verdict === 'lost') {
        ledger.data = { ...ledger.data, lost: [...ledger.data.lost, one] };
        this.#around.lost(one);
      }
      if (verdict === 'kept') this.#around.settled(ledger, one, 'drop');
      return verdict === 'unknown';
    });
  }

  /** The acknowledgement level `ledger`: a caller is told that the ledger has it. */
  wait(ledger: Ledger, which: number): void {
    const one = this.acknowledged[which % Math.max(1, this.acknowledged.length)];
    if (one && ledger.isAlive && judge(ledger, one, this.#around.flaw, 'wait') === 'kept')
      this.#around.settled(ledger, one, 'wait');
  }
}

/** Whether the ledger has what was acknowledged, will never have it, or may still get it. */
function judge(
  ledger: Ledger,
  one: Acknowledgement,
  flaw: Flaw | undefined,
  use: 'wait' | 'drop',
): 'kept' | 'lost' | 'unknown' {
  const { epoch, sequence, link } = one;
  const isThere = ledger.cursor.sequence >= sequence;
  if (isThere && flaw === 'acknowledgement-by-sequence' && use === 'drop') return 'kept';
  if (isThere && flaw === 'wait-ignores-epochs' && use === 'wait') return 'kept';
  const { epochs } = ledger.data;
  const own = epochs.findIndex((row) => sameEpoch(row.epoch, epoch, flaw));
  // Only the newest: an epoch in between may have been opened on a server that lacked it, before one that has it came back.
  const newest = epochs.at(-1);
  const isLater = own < 0 ? (newest?.epoch.number ?? 0) > epoch.number : own < epochs.length - 1;
  const isCut = isLater && newest?.firstSequence !== undefined && newest.firstSequence < sequence;
  if (flaw === 'acknowledgement-by-epoch') return isCut ? 'lost' : isThere ? 'kept' : 'unknown';
  if (isThere) return ledger.linkAt(sequence) === link ? 'kept' : 'lost';
  return isCut ? 'lost' : 'unknown';
}
