/**
 * All stores and processes of the model, what can happen to them, and what must hold whatever happens.
 * A schedule is a list of happenings; one that cannot happen at its turn does nothing.
 */
import { Api, type Surroundings, whyNotReady } from './api.ts';
import type { Flaw } from './flaws.ts';
import {
  type Acknowledgement,
  type Control,
  type Data,
  type Entry,
  type Epoch,
  FIRST_LINK,
  FULL_SHELF,
  Ledger,
  Node,
  type Shelf,
  STOCK,
  sameEpoch,
  shelfAfter,
  TAIL,
} from './stores.ts';
import { Worker, type Workshop } from './worker.ts';

/** What a schedule is about: the level of acknowledgement, and what may happen. */
export interface Profile {
  readonly level: 'fsync' | 'replica';
  /** How often each happening is chosen. */
  readonly weights: Readonly<Partial<Record<HappeningKind, number>>>;
}

export type HappeningKind =
  | 'buy'
  | 'send'
  | 'arrive'
  | 'answer'
  | 'replicate'
  | 'replicate-all'
  | 'work'
  | 'work-on'
  | 'failover'
  | 'swap'
  | 'split'
  | 'kill'
  | 'start'
  | 'demote'
  | 'attach'
  | 'reconnect'
  | 'copy-redis'
  | 'restore-redis'
  | 'snapshot-redis'
  | 'resume-redis'
  | 'copy-ledger'
  | 'restore-ledger'
  | 'split-ledger'
  | 'worker-dies'
  | 'worker-freezes'
  | 'api-dies'
  | 'report'
  | 'wait';

/** `x` and `y` choose among whatever there is at its turn. */
export type Happening = readonly [kind: HappeningKind, x: number, y: number];

/** An invariant does not hold. */
export class Violation extends Error {}
/** Only a person can go on, and the schedule did what entitles the mechanism to ask one. */
export class PersonNeeded extends Error {}

const REPLICAS = 2;
const HEAL_TURNS_UNDER_LOAD = 60;
const HEAL_TURNS = 150;
const ORDERS = 7;

interface Told {
  readonly api: Api;
  readonly life: number;
  readonly one: Acknowledgement;
  isSettled: boolean;
}

const pick = <T>(from: readonly T[], at: number): T | undefined => from[at % Math.max(1, from.length)];

/** A world, and what was seen of it. */
export class World {
  readonly nodes: readonly Node[];
  readonly workers: readonly Worker[];
  readonly apis: readonly Api[];
  readonly ledgers: Ledger[];
  readonly log: string[] = [];
  /** Of Sentinel. */
  #primary: Node;
  #names = 0;
  readonly #flaw: Flaw | undefined;
  readonly #profile: Profile;
  readonly #entries = new Map<string, Entry>();
  /** The shelf as the history up to a link leaves it. */
  readonly #shelves = new Map<string, Shelf>([[FIRST_LINK, FULL_SHELF]]);
  readonly #verified = new Set<string>();
  readonly #epochsWritten = new Set<string>();
  readonly #told: Told[] = [];
  readonly #had = new Set<HappeningKind>();
  /** Below it the stream may be gone: a ledger that went back further needs a person. */
  #tailFrom = 0;
  #mayAskPerson = false;

  constructor(profile: Profile, flaw: Flaw | undefined) {
    this.#profile = profile;
    this.#flaw = flaw;
    const epoch: Epoch = { number: 1, nonce: 'first' };
    const control: Control = { epoch, sequence: 0, link: FIRST_LINK, incarnation: 'A1', state: 'open' };
    const data: Data = { control, stream: [], ...FULL_SHELF };
    this.nodes = ['A', 'B', 'C'].map((name) => new Node(name, `${name}1`, data));
    const [primary, ...replicas] = this.nodes as [Node, ...Node[]];
    this.#primary = primary;
    for (const replica of replicas) replica.attach(primary);
    this.#verified.add('A1');
    this.#epochsWritten.add(nameOf(epoch));
    const epochs = [{ epoch, firstSequence: 0 }];
    this.ledgers = [new Ledger('P1', { epoch, epochs, carried: [], forks: new Set(), lost: [] })];
    const around = this.#surroundings();
    this.apis = ['api-1', 'api-2'].map((name) => new Api(name, around));
    const workshop = this.#workshop();
    this.workers = ['worker-1', 'worker-2'].map((name) => new Worker(name, this.#main, workshop));
  }

  /** The ledger that counts: after a split the promoted one. */
  get #main(): Ledger {
    return this.ledgers.at(-1) as Ledger;
  }

  get #isSplit(): boolean {
    return this.#had.has('split');
  }

  get #ledgerWentBack(): boolean {
    return this.#had.has('restore-ledger') || this.#had.has('split-ledger');
  }

  #newName(prefix: string): string {
    this.#names++;
    return `${prefix}${this.#names}`;
  }

  #violated(what: string): never {
    throw new Violation(what);
  }

  #surroundings(): Surroundings {
    return {
      flaw: this.#flaw,
      level: this.#profile.level,
      promotable: REPLICAS,
      newLink: () => this.#newName('l'),
      primary: () => this.#primary,
      replicasOf: (node) => this.nodes.filter((other) => other.source === node && other.isFollowing),
      decided: (node, entry) => {
        if (entry) {
          this.#entries.set(entry.link, entry);
          this.#shelves.set(entry.link, shelfAfter(this.#shelfAt(entry.before), entry.change));
        }
        this.#checkDecision(node);
      },
      told: (api, one) => {
        this.#told.push({ api, life: api.life, one, isSettled: false });
        this.#checkTold(one);
      },
      settled: (ledger, one, by) => {
        if (ledger.linkAt(one.sequence) !== one.link)
          this.#violated(`${show(one)}: the ledger is said to have it (${by}), and has not`);
        if (by === 'wait') return;
        for (const told of this.#told) if (told.one === one) told.isSettled = true;
      },
      lost: (one) => {
        for (const told of this.#told) if (told.one === one) told.isSettled = true;
        const isVerified = whyNotReady(this.#primary, undefined) === undefined;
        const isBlurred = this.#isSplit || this.#had.has('resume-redis') || this.#ledgerWentBack;
        if (
          isVerified &&
          !isBlurred &&
          this.#history(this.#primary.data.control.link).some(({ link }) => link === one.link)
        )
          this.#violated(`${show(one)} is listed as lost, and is there`);
      },
      violated: (what) => this.#violated(what),
    };
  }

  #workshop(): Workshop {
    return {
      flaw: this.#flaw,
      newNonce: () => this.#newName('n'),
      primary: () => this.#primary,
      verified: (replid) => this.#verified.add(replid),
      carried: (ledger, entries) => this.#checkLedger(ledger, entries),
      wroteEpoch: (epoch) => this.#epochsWritten.add(nameOf(epoch)),
      rebuilds: (ledger) => {
        if (ledger !== this.#main && ledger.cursor.sequence > this.#main.cursor.sequence)
          this.#mayAskPerson = true;
        if (ledger === this.#main) this.#tailFrom = Math.max(this.#tailFrom, ledger.cursor.sequence);
      },
      discards: (ledger, entries) => {
        for (const { link, sequence } of entries) {
          if (ledger.linkAt(sequence) !== link && !ledger.data.forks.has(link))
            this.#violated(`entry ${sequence} (${link}) is discarded and stands in no fork`);
        }
      },
      trimmed: (ledger, sequence, epoch) => {
        for (const { ledger: other, epoch: its, name } of this.workers) {
          if (other === ledger || other.cursor.sequence >= sequence || !its || !sameEpoch(its, epoch))
            continue;
          this.#violated(
            `${ledger.name} cut up to ${sequence}, which ${other.name} has not, and ${name} has verified it`,
          );
        }
        // It went on until the promoted ledger's worker took over: that one is further behind than the tail.
        if (ledger !== this.#main && this.#main.cursor.sequence < sequence) this.#mayAskPerson = true;
      },
    };
  }

  #shelfAt(link: string): Shelf {
    return this.#shelves.get(link) ?? FULL_SHELF;
  }

  /** From the first entry on. */
  #history(link: string): Entry[] {
    const path: Entry[] = [];
    for (let entry = this.#entries.get(link); entry; entry = this.#entries.get(entry.before))
      path.push(entry);
    return path.reverse();
  }

  /** After each batch that was decided, repeats too. */
  #checkDecision(node: Node): void {
    const { control, orders, available } = node.data;
    const where = `${node.name} decided at ${control.sequence} (${control.link})`;
    if (node.role !== 'master') this.#violated(`${where}, and is a ${node.role}`);
    if (!this.#verified.has(node.replid))
      this.#violated(`${where}, and no worker has verified ${node.replid}`);
    if (!this.#epochsWritten.has(nameOf(control.epoch)))
      this.#violated(`${where}, under an epoch that no ledger has written`);
    const right = this.#shelfAt(control.link);
    const isRight = available === right.available && orders.size === right.orders.size;
    if (!isRight)
      this.#violated(`${where} with ${available} available; its history leaves ${right.available}`);
    if (!this.#isSplit && this.#had.has('resume-redis') === false) this.#checkUnion(control.link, where);
  }

  /** One unit must not be sold both in what is open and in what the ledger has. */
  #checkUnion(link: string, where: string): void {
    const here = this.#shelfAt(link).orders;
    let sold = here.size;
    for (const id of this.#shelfAt(this.#main.cursor.link).orders.keys()) if (!here.has(id)) sold++;
    if (sold > STOCK)
      this.#violated(`${where}: with the ledger's orders ${sold - STOCK} units are sold twice`);
  }

  #checkTold(one: Acknowledgement): void {
    if (this.#profile.level !== 'replica') return;
    const confirmed = new Set(
      this.#told
        .filter(({ one: { change } }) => change.to === 'confirmed')
        .map(({ one: { change } }) => change.id),
    );
    if (confirmed.size > STOCK)
      this.#violated(`${confirmed.size} buyers were told that ${STOCK} units are theirs`);
    this.#checkUnion(one.link, `told ${show(one)}`);
  }

  #checkLedger(ledger: Ledger, entries: number): void {
    const { carried } = ledger.data;
    for (let i = carried.length - entries; i < carried.length; i++) {
      const { before, sequence, link } = carried[i] as Entry;
      const last = i === 0 ? FIRST_LINK : carried[i - 1]?.link;
      if (before !== last || sequence !== i + 1)
        this.#violated(`${ledger.name} has two histories: ${link} follows ${last}, not ${before}`);
    }
    if (this.#shelfAt(ledger.cursor.link).available < 0)
      this.#violated(`${ledger.name} has units sold twice`);
  }

  /** One happening. @throws {Violation} */
  happen([kind, x, y]: Happening): void {
    const done = this.#happen(kind, x, y);
    if (done === undefined) return;
    this.#had.add(kind);
    this.log.push(`${kind}${done === '' ? '' : ` ${done}`}`);
  }

  #happen(kind: HappeningKind, x: number, y: number): string | undefined {
    const api = pick(this.apis, x >> 1) as Api;
    const worker = pick(this.workers, x) as Worker;
    const node = pick(this.nodes, x) as Node;
    const primary = this.#primary;
    switch (kind) {
      case 'buy':
      case 'send': {
        const { id, to } = this.#change(y);
        api.send({ id, to });
        if (kind === 'send') return `${api.name} ${id} ${to}`;
        for (let i = 0; i < 3; i++) {
          api.arrive();
          if (this.#profile.level === 'replica' && x % 2 === 0) this.#replicateAll();
          api.answer();
        }
        return `${api.name} ${id} ${to}: ${api.last}`;
      }
      case 'arrive':
        api.arrive();
        return api.name;
      case 'answer':
        api.answer();
        return `${api.name}: ${api.last}`;
      case 'replicate':
        node.replicate();
        return node.name;
      case 'replicate-all':
        this.#replicateAll();
        return '';
      case 'work':
      case 'work-on': {
        const from = worker.step;
        for (let i = 0; i < (kind === 'work' ? 1 : 4 + (y % 8)); i++) worker.turn();
        return `${worker.name} ${from} -> ${worker.step}`;
      }
      case 'failover': {
        const next = pick(
          this.nodes.filter((other) => other !== primary && other.isAlive),
          y,
        );
        if (!next) return undefined;
        primary.isAlive = false;
        return this.#promote(next);
      }
      case 'swap':
      case 'split': {
        const next = pick(
          this.nodes.filter((other) => other !== primary && other.isAlive),
          y,
        );
        if (!next) return undefined;
        if (kind === 'swap') this.#demote(primary, next, y);
        return this.#promote(next);
      }
      case 'kill':
        node.isAlive = false;
        return node.name;
      case 'start':
        if (node.isAlive) return undefined;
        this.#start(node);
        return node.name;
      case 'demote':
        if (node === primary || !node.isAlive || node.role !== 'master') return undefined;
        this.#demote(node, primary, y);
        return node.name;
      case 'attach':
        if (node === primary || !node.isAlive || !primary.isAlive || primary.role !== 'master')
          return undefined;
        node.attach(primary);
        return node.name;
      case 'reconnect':
        api.connect(primary);
        return api.name;
      case 'copy-redis':
        node.copies.push(node.data);
        return `${node.name} at ${node.data.control.sequence}`;
      case 'restore-redis': {
        const copy = pick(
          this.nodes.flatMap(({ copies }) => copies),
          y,
        );
        if (!copy) return undefined;
        this.#restart(primary, copy, this.#newName(primary.name));
        return `${primary.name} to ${copy.control.sequence} (${copy.control.link})`;
      }
      case 'snapshot-redis':
        primary.snapshots.push({ data: primary.data, replid: primary.replid });
        return primary.name;
      case 'resume-redis': {
        const copy = pick(primary.snapshots, y);
        if (!copy) return undefined;
        this.#restart(primary, copy.data, copy.replid);
        return `${primary.name} to ${copy.data.control.sequence} under ${copy.replid}`;
      }
      case 'copy-ledger':
        this.#main.copies.push(this.#main.data);
        return `at ${this.#main.cursor.sequence}`;
      case 'restore-ledger':
        return this.#restoreLedger(y);
      case 'split-ledger':
        return this.#splitLedger(y);
      case 'worker-dies':
        worker.die();
        return worker.name;
      case 'worker-freezes':
        worker.freeze();
        return worker.name;
      case 'api-dies':
        api.die();
        return api.name;
      case 'report':
        api.report(this.#main);
        return api.name;
      case 'wait':
        api.wait(this.#main, y);
        return api.name;
      default: {
        const never: never = kind;
        throw new Error(`no such happening: ${never}`);
      }
    }
  }

  /** Buyers repeat their ids; a fourth of all commands moves stock. */
  #change(y: number): Entry['change'] {
    const number = y % (4 * ORDERS);
    if (number >= 3 * ORDERS) return { id: `move-${number}`, to: 'moved' };
    return { id: `order-${number % ORDERS}`, to: number < ORDERS ? 'held' : 'confirmed' };
  }

  #replicateAll(): void {
    for (const node of this.nodes) {
      const target = node.isFollowing ? (node.source as Node).log.length : 0;
      for (let i = node.at; i < target; i++) node.replicate();
    }
  }

  #promote(next: Node): string {
    const from = this.#primary;
    next.promote(this.#newName(next.name));
    this.#primary = next;
    // What only the promoted ledger or only the old one has may be missing here: two histories, each with a ledger.
    if (this.ledgers.length > 1) this.#mayAskPerson = true;
    const at = `${next.data.control.sequence} of ${from.data.control.sequence}`;
    return `${from.name} -> ${next.name} (${at})`;
  }

  /** It still shows the name of its life as a primary, until it has synchronized. */
  #demote(node: Node, primary: Node, y: number): void {
    node.role = 'replica';
    node.source = primary;
    node.isSynced = false;
    node.isWritable = y % 2 === 0;
  }

  #start(node: Node): void {
    node.isAlive = true;
    node.lives++;
    if (node.role === 'replica') node.isSynced = false;
    else this.#restart(node, node.data, this.#newName(node.name));
  }

  #restart(node: Node, data: Data, replid: string): void {
    node.start(data, replid);
    for (const other of this.nodes) if (other.source === node) other.isSynced = false;
  }

  #restoreLedger(y: number): string | undefined {
    const ledger = this.#main;
    const { carried } = ledger.data;
    const copies = ledger.copies.filter((copy) => {
      const last = copy.carried.at(-1);
      return !last || carried[last.sequence - 1]?.link === last.link;
    });
    const copy = pick(copies, y);
    if (!copy) return undefined;
    this.#leaveTail(copy.carried.length);
    ledger.data = copy;
    ledger.lease = undefined;
    for (const worker of this.workers) if (worker.ledger === ledger) worker.die();
    return `to ${copy.carried.length}`;
  }

  #leaveTail(sequence: number): void {
    this.#tailFrom = Math.max(this.#tailFrom, this.#main.cursor.sequence - TAIL);
    if (sequence < this.#tailFrom) this.#mayAskPerson = true;
  }

  /** A standby, perhaps late, is promoted; the old primary lives on, with a worker of its own. */
  #splitLedger(y: number): string | undefined {
    if (this.ledgers.length > 1) return undefined;
    const from = this.#main;
    const behind = y % 5;
    const carried = from.data.carried.slice(0, Math.max(0, from.data.carried.length - behind));
    // What was written later than the last entry kept is missing as well.
    const epochs = y % 2 === 0 ? from.data.epochs : from.data.epochs.slice(0, 1);
    const epoch = (epochs.at(-1) ?? { epoch: from.data.epoch }).epoch;
    this.#leaveTail(carried.length);
    this.ledgers.push(new Ledger('P2', { ...from.data, carried, epochs, epoch }));
    const worker = this.workers[1] as Worker;
    worker.freeze();
    worker.ledger = this.#main;
    worker.die();
    return `at ${carried.length} of ${from.cursor.sequence}`;
  }

  /** No more faults: what is left must find its way, and be true at the end. @throws {Violation}, {@link PersonNeeded} */
  heal(): void {
    this.log.push('--- no more faults');
    const main = this.#main;
    for (const ledger of this.ledgers) ledger.isAlive = ledger === main;
    for (const worker of this.workers) {
      if (worker.ledger === main) continue;
      worker.ledger = main;
      worker.die();
    }
    const primary = this.#primary;
    if (!primary.isAlive) this.#start(primary);
    for (const node of this.nodes) {
      if (!node.isAlive) this.#start(node);
      if (node === primary) continue;
      if (node.role === 'master') this.#demote(node, primary, 0);
      if (node.source !== primary || !node.isFollowing) node.attach(primary);
    }
    for (let turn = 0; turn < HEAL_TURNS_UNDER_LOAD && !(turn > 8 && this.#isWell()); turn++)
      this.#healTurn(turn, true);
    if (!this.#isWell()) this.#stuck('under load');
    for (let turn = 0; turn < HEAL_TURNS; turn++) {
      this.#healTurn(turn, false);
      if (this.#isWell() && this.#isSettled()) break;
    }
    if (!this.#isWell() || !this.#isSettled()) this.#stuck('at rest');
    this.#checkEnd();
  }

  /** Under load a batch is decided between any two steps of a worker. */
  #healTurn(turn: number, isLoaded: boolean): void {
    for (const worker of this.workers) {
      worker.turn();
      if (worker.step === 'person' && this.#mayAskPerson) throw new PersonNeeded(worker.question);
      for (const api of this.apis) {
        if (isLoaded) api.send({ id: `load-${turn}-${worker.name}-${api.name}`, to: 'moved' });
        else if (turn < 4) api.send({ id: 'order-0', to: 'held' });
        for (let i = 0; i < 2; i++) {
          api.arrive();
          this.#replicateAll();
          api.answer();
        }
        if (!isLoaded && turn % 8 === 0) api.report(this.#main);
      }
    }
  }

  #isWell(): boolean {
    const { control } = this.#primary.data;
    const isActive = this.workers.some(
      ({ ledger, epoch, step }) => ledger.lease !== undefined && epoch !== undefined && step !== 'person',
    );
    return (
      isActive &&
      whyNotReady(this.#primary, undefined) === undefined &&
      control.state === 'open' &&
      this.apis.every(({ last }) => last === 'decided')
    );
  }

  #isSettled(): boolean {
    const { control } = this.#primary.data;
    const isCarried = this.#main.cursor.link === control.link;
    return (
      isCarried &&
      this.apis.every(({ inFlight, acknowledged }) => inFlight.length === 0 && acknowledged.length === 0)
    );
  }

  #stuck(when: string): never {
    const { control } = this.#primary.data;
    const steps = this.workers.map(
      ({ name, step, question }) => `${name} ${step} ${step === 'person' ? question : ''}`,
    );
    const apis = this.apis.map(
      ({ name, last, acknowledged }) => `${name} ${last}, ${acknowledged.length} unsettled`,
    );
    this.#violated(
      `stuck ${when}: ${[...steps, ...apis].join('; ')}; Redis ${control.state} at ${control.sequence}, the ledger at ${this.#main.cursor.sequence}`,
    );
  }

  #checkEnd(): void {
    this.#checkLedger(this.#main, this.#main.data.carried.length);
    const { orders } = this.#primary.data;
    const isThere = ({ sequence, link, change: { id, to } }: Acknowledgement) =>
      to === 'moved'
        ? this.#main.linkAt(sequence) === link
        : orders.get(id) === to || orders.get(id) === 'confirmed';
    const goesBack = ['restore-redis', 'resume-redis'] as const;
    const keepsAll = this.#profile.level === 'replica' && !goesBack.some((kind) => this.#had.has(kind));
    const listed = new Set(this.#main.data.lost.map(({ change }) => `${change.id} ${change.to}`));
    for (const { api, life, one, isSettled } of this.#told) {
      if (isThere(one)) continue;
      if (keepsAll) this.#violated(`${show(one)} was acknowledged and is lost`);
      const isListed = listed.has(`${one.change.id} ${one.change.to}`);
      if (isSettled && this.#ledgerWentBack) continue;
      if (api.life === life && !isListed)
        this.#violated(`${show(one)} is lost, and ${api.name}, which lives, listed it nowhere`);
    }
  }
}

const nameOf = ({ number, nonce }: Epoch): string => `${number} ${nonce}`;

function show({ change: { id, to }, epoch, sequence, link }: Acknowledgement): string {
  return `${id} ${to} at ${epoch.number}-${sequence} (${link})`;
}
