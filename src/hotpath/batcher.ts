/**
 * Many callers, few script calls (D1): while batches are in flight the next one fills, so an idle engine adds no delay
 * and a busy one forms large batches. All kinds of commands travel together.
 * Promises: an answer for every command or a fault that says whether it can have run; queue, batch and waiting are bounded.
 */
import type { Redis } from 'ioredis';
import { answerAt, answerCount, BATCH_COMMANDS_MAX, packTexts } from './codec/batch-codec.ts';
import type { CommandText } from './codec/command-codec.ts';
import { Fault, faultOf, isOutOfMemory } from './fault.ts';
import type { PartitionKeys } from './keys.ts';
import { type Program, runScript, type Script } from './program.ts';

/** What the head of every answer says about the partition. */
export interface BatchHead {
  readonly epoch: number;
  readonly sequence: number;
  /** The one instant at which the whole batch was decided, by Redis's clock. */
  readonly nowMs: number;
  /** Events that the ledger has not committed yet. */
  readonly backlogEvents: number;
  /** More holds may be due than this batch returned. */
  readonly moreDue: boolean;
  readonly clock: 'steady' | 'frozen' | 'behind';
}

export interface BatcherOptions {
  readonly redis: Redis;
  readonly program: Program;
  readonly keys: PartitionKeys;
  /** Commands in one script call. 256 take about 1 ms in Redis, well below the 2 ms a batch may block it. */
  readonly batchCommandsMax: number;
  /** Lines in one script call, because an order of 100 lines is not one of a single line. */
  readonly batchLinesMax: number;
  /** Batches under way at once: one in Redis, one on its way there. */
  readonly batchesInFlightMax: number;
  /** Commands waiting; beyond it callers are told at once instead of late. */
  readonly queueCommandsMax: number;
  /** A command that waited longer is not sent: its caller has given up. */
  readonly queueWaitMsMax: number;
  /** The ledger may lag behind by this many events before reserves are refused (D13). */
  readonly backlogEventsMax: number;
  /** Holds looked at for expiry at the head of each batch. */
  readonly dueHoldsMax: number;
  /** How long a settled reservation still tells how it ended. */
  readonly tombstoneMs: number;
  /** The caller's own clock, a witness against leaps of Redis's clock (D4). Never decides anything else. */
  readonly witnessMs: () => number;
  /** Replicas that must have a batch before it is answered (D11); 0: none is waited for. */
  readonly replicas: number;
  /** The epoch to begin with; a newer one is learnt from Redis's refusal (D10). */
  readonly epoch: number;
}

/** How long a replica may take to have a batch; an answer that would take longer is a fault with the outcome unknown. */
const REPLICA_WAIT_MS = 1_000;

/** A batch of fewer commands does not fly beside another: it waits for it and grows, which costs fewer round trips. */
const SHARE_COMMANDS_MIN = 64;

interface Waiting {
  readonly command: CommandText;
  readonly enqueuedAtMs: number;
  readonly decode: (answer: string, head: BatchHead) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface BatcherCounts {
  batches: number;
  commands: number;
  faults: number;
  /** Batches whose outcome stayed unknown. */
  unknown: number;
}

export class Batcher {
  readonly counts: BatcherCounts = { batches: 0, commands: 0, faults: 0, unknown: 0 };
  /** Of the last answer; undefined before the first. */
  head: BatchHead | undefined;
  readonly #options: BatcherOptions;
  #queue: Waiting[] = [];
  #next = 0;
  #inFlight = 0;
  #flushIsDue = false;
  #isClosed = false;
  #epoch = 0;
  #sequence = 0;
  #idle: (() => void)[] = [];

  constructor(options: BatcherOptions) {
    if (options.batchCommandsMax > BATCH_COMMANDS_MAX) {
      throw new Error(`batchCommandsMax ${options.batchCommandsMax}: use at most ${BATCH_COMMANDS_MAX}`);
    }
    this.#options = options;
    this.#epoch = options.epoch;
  }

  /** Commands that wait, not counting those in flight. */
  get queued(): number {
    return this.#queue.length - this.#next;
  }

  /**
   * Sends one command with the next batch.
   * @param decode runs when the answer is there; what it throws, the caller gets
   * @throws {Fault} `overloaded` at once where the queue is full
   */
  submit<T>(command: CommandText, decode: (answer: string, head: BatchHead) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#isClosed) {
        reject(new Fault('unavailable', 'nothing-happened', 'the engine is closed'));
        return;
      }
      if (this.queued >= this.#options.queueCommandsMax) {
        this.counts.faults++;
        reject(new Fault('overloaded', 'nothing-happened', `${this.queued} commands are waiting already`));
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

  /** A batch without commands: returns what is due and reads the partition's head. Not queued, not counted in flight. @throws {Fault} */
  async sweep(dueHoldsMax: number): Promise<BatchHead> {
    const wasSent = this.#options.redis.status === 'ready';
    try {
      return this.#open(await this.#run([], dueHoldsMax, this.#options.program.withoutMemory));
    } catch (error) {
      throw faultOf(error, wasSent);
    }
  }

  /** Refuses new commands and waits until those taken have their answers. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#inFlight === 0 && this.queued === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Not at once: all that this turn of the event loop still brings travels together. */
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
    // A queue that would fit one batch is shared among those that may fly, so that Redis decides one while this
    // process fills and answers the other; a handful is not worth two round trips.
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
    // A queue that is read from the front: the read part is dropped when it is worth a copy.
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
        reply = await this.#run(batch, this.#options.dueHoldsMax, this.#options.program);
      } finally {
        this.#land();
      }
      this.#answer(batch, reply);
    } catch (error) {
      const settling = isOutOfMemory(error) ? batch.filter(({ command }) => !command.needsMemory) : [];
      const refused = settling.length > 0 ? batch.filter(({ command }) => command.needsMemory) : batch;
      this.#fail(refused, faultOf(error, wasSent));
      if (settling.length > 0) await this.#settle(settling, wasSent);
    }
  }

  /** A batch is back: the next one leaves before the answers are read, so that Redis decides it meanwhile. */
  #land(): void {
    this.#inFlight--;
    this.#flush();
  }

  /** Nothing ran. What settles orders is decided without those that would need more memory (D13). */
  async #settle(settling: readonly Waiting[], wasSent: boolean): Promise<void> {
    try {
      const { dueHoldsMax, program } = this.#options;
      this.#answer(settling, await this.#run(settling, dueHoldsMax, program.withoutMemory));
    } catch (error) {
      this.#fail(settling, faultOf(error, wasSent));
    }
  }

  #fail(batch: readonly Waiting[], fault: Fault): void {
    this.counts.faults += batch.length;
    if (fault.outcome === 'unknown') this.counts.unknown++;
    for (const waiting of batch) waiting.reject(fault);
  }

  /** Gives each caller its answer. @throws what the whole batch met; then nobody has been answered */
  #answer(batch: readonly Waiting[], reply: readonly string[]): void {
    const head = this.#open(reply);
    const answered = answerCount(reply);
    if (answered !== batch.length) {
      throw new Fault('unavailable', 'unknown', `${answered} answers for ${batch.length} commands`);
    }
    for (let i = 0; i < batch.length; i++) {
      const waiting = batch[i] as Waiting;
      try {
        waiting.resolve(waiting.decode(answerAt(reply, i), head));
      } catch (error) {
        waiting.reject(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  async #run(batch: readonly Waiting[], dueHoldsMax: number, script: Script): Promise<string[]> {
    const { keys, redis, witnessMs, backlogEventsMax, tombstoneMs, replicas } = this.#options;
    const allKeys = [keys.control, keys.events, keys.due];
    const argv: (string | number)[] = [
      this.#epoch,
      this.#sequence,
      Math.round(witnessMs()),
      backlogEventsMax,
      dueHoldsMax,
      tombstoneMs,
      batch.length,
    ];
    const otherKeys = new Set<string>();
    for (const { command } of batch) {
      allKeys.push(command.key);
      for (const key of command.keys) otherKeys.add(key);
    }
    argv.push(...packTexts(batch.map(({ command }) => command.text)));
    for (const key of otherKeys) allKeys.push(key);
    for (const { command } of batch) if (command.customer !== undefined) argv.push(command.customer);
    const reply = await runScript(redis, script, allKeys, argv);
    if (replicas > 0) await this.#awaitReplicas(replicas);
    return reply;
  }

  /** What is decided stands in Redis whatever comes of this; who hears nothing repeats, and the repeat waits anew. */
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

  /** Reads the head of an answer; keeps epoch and sequence, which a Redis that lost its memory cannot match (D10). */
  #open(reply: readonly string[]): BatchHead {
    const words = (reply[0] ?? '').split(' ');
    if (words[0] === 'NOT_READY') {
      const epoch = Number(words[2]);
      if (words[1] === 'stale-epoch' && epoch > this.#epoch) {
        // Rebuilt under a newer epoch. Whoever asked is told to repeat; the next command goes to the new one.
        this.#epoch = epoch;
        this.#sequence = 0;
      }
      throw new Fault('not-ready', 'nothing-happened', `the partition is not ready: ${words[1]}`);
    }
    if (words[0] !== 'OK' || words.length !== 7) {
      throw new Fault('unavailable', 'unknown', `an answer that cannot be read: ${reply[0]}`);
    }
    const head: BatchHead = {
      epoch: Number(words[1]),
      sequence: Number(words[2]),
      nowMs: Number(words[3]),
      backlogEvents: Number(words[4]),
      moreDue: words[5] === '1',
      clock: words[6] as BatchHead['clock'],
    };
    if (head.sequence > this.#sequence) this.#sequence = head.sequence;
    this.head = head;
    return head;
  }
}
