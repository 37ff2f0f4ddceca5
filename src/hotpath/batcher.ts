/**
 * Many callers, few script calls (D1): while batches are in flight the next one fills, so an idle engine adds no delay and a
 * busy one forms large batches of all kinds of commands.
 * Promises: every command gets an answer, or a fault that says whether it can have run; queue, batch size and waiting time
 * are bounded.
 *
 * | a batch is | from                                               | until                                              |
 * |------------|----------------------------------------------------|----------------------------------------------------|
 * | queued     | `submit`, unless the queue is full                 | the event loop turns and the batch may be sent     |
 * | in flight  | its script call is sent                            | the reply or an error arrives, or the time-out     |
 * | retried    | Redis was out of memory, so nothing ran (D13)      | as in flight; without commands that need memory    |
 * | answered   | the reply has an answer for each command           | end                                                |
 * | failed     | any other error; a command waited too long         | end: each caller gets the {@link Fault}            |
 */
import type { Redis } from 'ioredis';
import type { AcknowledgementLog } from './acknowledgements.ts';
import { answerAt, answerCount, BATCH_COMMANDS_MAX, packTexts } from './codec/batch-codec.ts';
import type { CommandText } from './codec/command-codec.ts';
import { decodeEpoch, type Epoch, encodeEpoch, isSameEpoch, randomLink } from './codec/control-codec.ts';
import { Fault, faultOf, isOutOfMemory } from './fault.ts';
import type { PartitionKeys } from './keys.ts';
import { isNotReadyReason, NOT_READY, type NotReadyReason } from './not-ready.ts';
import { type Program, runScript, type Script } from './program.ts';
import type { Gate } from './store-watch.ts';

/** The state of the partition, at the head of every reply. */
export interface BatchHead {
  readonly epoch: number;
  /** Of the epoch, see {@link Epoch}. */
  readonly nonce: string;
  readonly sequence: number;
  /** Of the last batch that changed something: with the sequence it names a place in the history (H11). */
  readonly link: string;
  /** When the whole batch was decided, by Redis's clock, in milliseconds since 1970. */
  readonly nowMs: number;
  /** Events so far, and how many of them the ledger has. */
  readonly eventsTotal: number;
  readonly carriedTotal: number;
  /** Events that the ledger has not committed yet. */
  readonly backlogEvents: number;
  /** More holds may be due than this batch expired. */
  readonly moreDue: boolean;
  /** `behind`: Redis's clock went back, so time waits for it (D4). */
  readonly clock: 'steady' | 'behind';
}

export interface BatcherOptions {
  readonly redis: Redis;
  readonly program: Program;
  readonly keys: PartitionKeys;
  /** The most commands in one script call. 256 take about 1 ms in Redis; a batch may block it for 2 ms. */
  readonly batchCommandsMax: number;
  /** The most lines in one script call: an order of 100 lines costs more than one of a single line. */
  readonly batchLinesMax: number;
  /** The most batches in flight: one that Redis runs, one on its way there. */
  readonly batchesInFlightMax: number;
  /** The most commands that wait; further callers get the fault `overloaded` at once. */
  readonly queueCommandsMax: number;
  /** A command that has waited longer is not sent, because its caller has given up. */
  readonly queueWaitMsMax: number;
  /** The most events that the ledger may lag behind before reserves are refused (D13). */
  readonly backlogEventsMax: number;
  /** The most due holds that each batch expires before its commands. */
  readonly dueHoldsMax: number;
  /** How long the record of a resolved reservation is kept. */
  readonly tombstoneMs: number;
  /** This process's clock, in milliseconds since 1970: only to detect jumps of Redis's clock (D4). */
  readonly witnessMs: () => number;
  /** Replicas that must have a batch before it is answered (D11); 0: waits for none. */
  readonly replicas: number;
  /** The epoch to begin with; the batcher learns of another one from Redis's refusal (H11). */
  readonly epoch: Epoch | undefined;
  /** Says why nothing may be sent, as far as the connection tells. */
  readonly gate?: Gate | undefined;
  /** Is told each error of a batch; the owner of the connection looks for the primary again where that may help. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Gets what was acknowledged, to report what a failover takes back. */
  readonly acknowledgements?: AcknowledgementLog | undefined;
}

/** How long to wait for replicas; after it the fault `unavailable` with the outcome `unknown`. */
const REPLICA_WAIT_MS = 1_000;

/** A smaller batch waits while another is in flight: it grows meanwhile, which saves round trips. */
const SHARE_COMMANDS_MIN = 64;
/** How often a batch that Redis did not begin is sent: a new epoch, a doubted clock, and one more. */
const ATTEMPTS_MAX = 4;
const NO_EPOCH: Epoch = { number: 0, nonce: '-' };

interface Waiting {
  readonly command: CommandText;
  readonly enqueuedAtMs: number;
  readonly decode: (answer: string, head: BatchHead) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Counts since the batcher was made. */
export interface BatcherCounts {
  batches: number;
  commands: number;
  faults: number;
  /** Batches whose outcome stayed unknown. */
  unknown: number;
}

/** Collects commands into batches; {@link Batcher.submit} sends one, {@link Batcher.close} waits for all. */
export class Batcher {
  readonly counts: BatcherCounts = { batches: 0, commands: 0, faults: 0, unknown: 0 };
  /** Of the last reply; undefined before the first. */
  head: BatchHead | undefined;
  readonly #options: BatcherOptions;
  #program: Program;
  #queue: Waiting[] = [];
  #next = 0;
  #inFlight = 0;
  #flushIsDue = false;
  #isClosed = false;
  #epoch: Epoch;
  /** The highest sequence that Redis answered in this epoch. */
  #sequence = 0;
  #idle: (() => void)[] = [];

  constructor(options: BatcherOptions) {
    if (options.batchCommandsMax > BATCH_COMMANDS_MAX) {
      throw new Error(`batchCommandsMax ${options.batchCommandsMax}: use at most ${BATCH_COMMANDS_MAX}`);
    }
    this.#options = options;
    this.#program = options.program;
    this.#epoch = options.epoch ?? NO_EPOCH;
  }

  /** Commands that wait, without those in flight. */
  get queued(): number {
    return this.#queue.length - this.#next;
  }

  /**
   * Sends a command with the next batch.
   * @param decode reads the answer; the promise rejects with what it throws
   * @throws {Fault} `overloaded` if the queue is full or the command waited too long; otherwise see {@link faultOf}
   */
  submit<T>(command: CommandText, decode: (answer: string, head: BatchHead) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#isClosed) {
        reject(new Fault('unavailable', 'nothing-happened', 'the engine is closed'));
        return;
      }
      const fault = this.#faultAtGate(command.isFigures === true);
      if (fault) {
        this.counts.faults++;
        reject(fault);
        return;
      }
      if (this.queued >= this.#options.queueCommandsMax) {
        this.counts.faults++;
        reject(new Fault('overloaded', 'nothing-happened', `${this.queued} commands are waiting`));
        return;
      }
      const waiting: Waiting = {
        command,
        enqueuedAtMs: performance.now(),
        decode,
        resolve: resolve as (value: unknown) => void,
        reject,
      };
      this.#queue.push(waiting);
      this.#flushSoon();
    });
  }

  /** Batches sent from now on run this program: behind a new connection may be another server. */
  use(program: Program): void {
    this.#program = program;
  }

  /**
   * Runs a batch without commands, outside the queue and its limits: expires due holds and returns the head.
   * @throws {Fault}
   */
  async sweep(dueHoldsMax: number): Promise<BatchHead> {
    const fault = this.#faultAtGate(false);
    if (fault) throw fault;
    const wasSent = this.#options.redis.status === 'ready';
    try {
      return this.#read(await this.#run([], dueHoldsMax, this.#program.withoutMemory));
    } catch (error) {
      this.#options.onError?.(error);
      throw faultOf(error, wasSent);
    }
  }

  /** Refuses new commands and waits until all earlier ones have their answers. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#inFlight === 0 && this.queued === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Waits for the end of this turn of the event loop, so that all its commands share a batch. */
  #flushSoon(): void {
    if (this.#flushIsDue || this.#inFlight >= this.#options.batchesInFlightMax) return;
    this.#flushIsDue = true;
    setImmediate(() => {
      this.#flushIsDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#maySend()) {
      const batch = this.#take();
      if (batch.length > 0) void this.#send(batch);
    }
    if (this.#isClosed && this.#inFlight === 0 && this.queued === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #maySend(): boolean {
    if (this.queued === 0 || this.#inFlight >= this.#options.batchesInFlightMax) return false;
    return this.#inFlight === 0 || this.queued >= SHARE_COMMANDS_MIN;
  }

  #take(): Waiting[] {
    const { batchesInFlightMax, batchLinesMax, queueWaitMsMax } = this.#options;
    // The queue is divided among the batches that may be in flight, so that Redis runs one while this process fills or
    // answers the other. A few commands are not worth two round trips.
    const share = Math.ceil(this.queued / (batchesInFlightMax - this.#inFlight));
    const batchCommandsMax = Math.min(this.#options.batchCommandsMax, Math.max(share, SHARE_COMMANDS_MIN));
    const oldest = performance.now() - queueWaitMsMax;
    const batch: Waiting[] = [];
    let lines = 0;
    while (this.#next < this.#queue.length && batch.length < batchCommandsMax) {
      const waiting = this.#queue[this.#next] as Waiting;
      if (waiting.enqueuedAtMs < oldest) {
        this.#next++;
        this.counts.faults++;
        waiting.reject(
          new Fault('overloaded', 'nothing-happened', `waited ${queueWaitMsMax} ms and was not sent`),
        );
        continue;
      }
      lines += waiting.command.keys.length;
      if (lines > batchLinesMax && batch.length > 0) break;
      this.#next++;
      batch.push(waiting);
    }
    // The queue is read from the front; the part already read is dropped once it is long enough to be worth a copy.
    if (this.#next === this.#queue.length) {
      this.#queue = [];
      this.#next = 0;
    } else if (this.#next > 4_096) {
      this.#queue = this.#queue.slice(this.#next);
      this.#next = 0;
    }
    return batch;
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    this.#inFlight++;
    this.counts.batches++;
    this.counts.commands += batch.length;
    const wasSent = this.#options.redis.status === 'ready';
    try {
      let reply: string[];
      try {
        reply = await this.#run(batch, this.#options.dueHoldsMax, this.#program);
      } finally {
        this.#endFlight();
      }
      this.#answer(batch, reply);
    } catch (error) {
      this.#options.onError?.(error);
      const retried = isOutOfMemory(error) ? batch.filter(({ command }) => !command.needsMemory) : [];
      const failed = retried.length > 0 ? batch.filter(({ command }) => command.needsMemory) : batch;
      this.#fail(failed, faultOf(error, wasSent));
      if (retried.length > 0) await this.#retryWithoutMemory(retried, wasSent);
    }
  }

  /** Sends the next batch before the answers of this one are read, so that Redis runs it meanwhile. */
  #endFlight(): void {
    this.#inFlight--;
    this.#flush();
  }

  /** Runs the commands that free memory or need no more of it, after Redis refused their batch unread (D13). */
  async #retryWithoutMemory(batch: readonly Waiting[], wasSent: boolean): Promise<void> {
    try {
      const { dueHoldsMax } = this.#options;
      this.#answer(batch, await this.#run(batch, dueHoldsMax, this.#program.withoutMemory));
    } catch (error) {
      this.#fail(batch, faultOf(error, wasSent));
    }
  }

  #fail(batch: readonly Waiting[], fault: Fault): void {
    this.counts.faults += batch.length;
    if (fault.outcome === 'unknown') this.counts.unknown++;
    for (const waiting of batch) waiting.reject(fault);
  }

  /** Gives each caller its answer. @throws {Fault} if the reply is not one for this batch; then no caller has an answer */
  #answer(batch: readonly Waiting[], reply: readonly string[]): void {
    const before = this.#sequence;
    const head = this.#read(reply);
    const answered = answerCount(reply);
    if (answered !== batch.length) {
      throw new Fault('unavailable', 'unknown', `${answered} answers for ${batch.length} commands`);
    }
    // What changed nothing takes nothing back when it is lost.
    const changed: string[] | undefined =
      this.#options.acknowledgements && head.sequence > before ? [] : undefined;
    for (let i = 0; i < batch.length; i++) {
      const { command, decode, resolve, reject } = batch[i] as Waiting;
      try {
        const answer = answerAt(reply, i);
        if (changed && isChange(command, answer)) changed.push(command.key);
        resolve(decode(answer, head));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    }
    if (changed && changed.length > 0) this.#options.acknowledgements?.add(head, changed);
  }

  /** Runs a batch. @throws {Fault} `not-ready` where the partition decides nothing; an error of Redis or of the connection */
  async #run(batch: readonly Waiting[], dueHoldsMax: number, script: Script): Promise<string[]> {
    const isOfFigures = batch.length > 0 && batch.every(({ command }) => command.isFigures);
    // The connection may have changed since a command was queued.
    const fault = this.#faultAtGate(isOfFigures);
    if (fault) throw fault;
    const { keys, redis, replicas } = this.#options;
    const allKeys = [keys.control, keys.events, keys.due];
    const argv: (string | number)[] = [batch.length];
    const otherKeys = new Set<string>();
    for (const { command } of batch) {
      allKeys.push(command.key);
      for (const key of command.keys) otherKeys.add(key);
    }
    argv.push(...packTexts(batch.map(({ command }) => command.text)));
    for (const key of otherKeys) allKeys.push(key);
    for (const { command } of batch) if (command.customer !== undefined) argv.push(command.customer);
    // Figures promise nothing, so nobody waits for replicas on account of them, or of a sweep.
    const isReplicated = replicas > 0 && batch.length > 0 && !isOfFigures;
    for (let attempt = 1; ; attempt++) {
      const epoch = this.#epoch;
      const before = this.#argumentsBefore(dueHoldsMax, isReplicated ? 'write' : '-');
      const reply = await runScript(redis, script, allKeys, [...before, ...argv]);
      const [head = '', current] = reply;
      if (!head.startsWith('NOT_READY ')) {
        if (isReplicated) await this.#awaitReplicas(replicas);
        return reply;
      }
      const reason = head.slice('NOT_READY '.length);
      const mayHelp = attempt < ATTEMPTS_MAX;
      if (reason === 'stale-epoch' && mayHelp) this.#adopt(epoch, current);
      else if (reason === 'clock-doubted' && mayHelp) await this.#confirmClock(script);
      else throw notReady(isNotReadyReason(reason) ? reason : 'clock');
    }
  }

  /** What every call begins with; see lua/batch.lua. */
  #argumentsBefore(dueHoldsMax: number, asks: '-' | 'write' | 'confirm'): (string | number)[] {
    const { witnessMs, backlogEventsMax, tombstoneMs } = this.#options;
    return [
      encodeEpoch(this.#epoch),
      this.#sequence,
      Math.round(witnessMs()),
      backlogEventsMax,
      dueHoldsMax,
      tombstoneMs,
      randomLink(),
      asks,
    ];
  }

  /** The partition was verified under another epoch: what was answered in the one before says nothing about it (H11). */
  #adopt(before: Epoch, text: string | undefined): void {
    const epoch = decodeEpoch(text);
    // Another batch may have adopted it meanwhile.
    if (!epoch || !isSameEpoch(before, this.#epoch)) return;
    this.#epoch = epoch;
    this.#sequence = 0;
    this.#options.acknowledgements?.epochChanged();
  }

  /** Compares the clocks again, at once: a batch that waited long on its way looks like a leap. */
  async #confirmClock(script: Script): Promise<void> {
    const { keys, redis } = this.#options;
    const argv = [...this.#argumentsBefore(0, 'confirm'), 0, ...packTexts([])];
    await runScript(redis, script, [keys.control, keys.events, keys.due], argv);
  }

  /** Why nothing may be sent now, as far as the connection tells; questions about figures need no replicas. */
  #faultAtGate(isOfFigures: boolean): Fault | undefined {
    const problem = this.#options.gate?.problem;
    if (!problem || (problem.reason === 'too-few-replicas' && isOfFigures)) return undefined;
    return notReady(problem.reason, problem.message);
  }

  /** The decisions are in Redis even if this fails; a caller repeats its command, and the repeat waits again. */
  async #awaitReplicas(replicas: number): Promise<void> {
    const have = await this.#options.redis.wait(replicas, REPLICA_WAIT_MS);
    if (have < replicas) {
      throw new Fault(
        'unavailable',
        'unknown',
        `${have} of ${replicas} replicas have the batch after ${REPLICA_WAIT_MS} ms`,
      );
    }
  }

  /** Reads the head of a reply and remembers its sequence: by that a Redis that went back is recognized (H11). */
  #read(reply: readonly string[]): BatchHead {
    const words = (reply[0] ?? '').split(' ');
    if (words[0] !== 'OK' || words.length !== 10) {
      throw new Fault('unavailable', 'unknown', `the reply cannot be read: ${reply[0]}`);
    }
    const [eventsTotal, carriedTotal] = [Number(words[6]), Number(words[7])];
    const head: BatchHead = {
      epoch: Number(words[1]),
      nonce: words[2] as string,
      sequence: Number(words[3]),
      link: words[4] as string,
      nowMs: Number(words[5]),
      eventsTotal,
      carriedTotal,
      backlogEvents: eventsTotal - carriedTotal,
      moreDue: words[8] === '1',
      clock: words[9] as BatchHead['clock'],
    };
    // An answer from before a new epoch may come after the first one of that epoch.
    const isCurrent = head.nonce === this.#epoch.nonce && head.epoch === this.#epoch.number;
    if (isCurrent && head.sequence > this.#sequence) this.#sequence = head.sequence;
    this.head = head;
    this.#options.acknowledgements?.carried(head);
    return head;
  }
}

function notReady(reason: NotReadyReason, message?: string): Fault {
  const { wrong, remedy } = NOT_READY[reason];
  const text = `the partition is not ready (${reason}): ${message ?? `${wrong}; ${remedy}`}`;
  return new Fault('not-ready', 'nothing-happened', text, 1_000, undefined, reason);
}

/** Whether an answer acknowledges a change that this batch made: no question, no refusal, no repeat. */
function isChange({ text }: CommandText, answer: string): boolean {
  return !(text.startsWith('look') || answer.startsWith('REFUSED ') || answer.startsWith('REPLAYED '));
}
