/**
 * One round of carrying: from the ledger's cursor on, chunk after chunk, until something is wrong or it is time to stop.
 * While one chunk is being committed the next is read and judged; commits follow each other in order.
 * Promises: when a round is over nothing of it is under way. Refuses to know: what to do about trouble.
 */
import { isReservationEvent } from '../../domain/language.ts';
import type { PartitionKeys } from '../../hotpath/keys.ts';
import { RefusedBySql } from '../../ledger/errors.ts';
import type { WorkerLease } from '../../ledger/lease.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { type PreparedChunk, prepareChunk } from '../../ledger/write/commit.ts';
import { pause } from '../../timing/retry.ts';
import { EventValidator, type ValidationMode, type ValidatorLimits } from './event-validator.ts';
import { PoisonIsolation } from './poison-isolation.ts';
import {
  isReadable,
  NotReady,
  type ReadEntry,
  type StreamPosition,
  StreamReader,
  type StreamRedis,
} from './stream-reader.ts';
import { Throttle, type ThrottleLimits } from './throttle.ts';
import { type TrimLimits, Trimmer, type Trims } from './trimmer.ts';

/** Every place where the worker can be stopped between two steps; those within a commit are the ledger's. */
export const WRITE_BEHIND_CHECKPOINTS = [
  'lease-taken',
  'cursor-read',
  'entries-read',
  'chunk-judged',
  'chunk-committed',
  'stream-trimmed',
] as const;
export type WriteBehindCheckpoint = (typeof WRITE_BEHIND_CHECKPOINTS)[number];

export interface CarryingLimits extends ValidatorLimits, ThrottleLimits, TrimLimits {
  /** Event lines in one transaction. */
  readonly chunkLinesMax: number;
  /** The longest an idle worker waits before it looks again. */
  readonly idleWaitMsMax: number;
}

export interface CarryingParts {
  readonly ledger: Pick<
    Ledger,
    | 'cursor'
    | 'commit'
    | 'tryBecomeWorker'
    | 'loadItems'
    | 'loadReservations'
    | 'loadTransfers'
    | 'knownMovements'
  >;
  readonly hot: Trims & { readonly keys: PartitionKeys };
  /** A connection on which nobody waits for a batch. */
  readonly streamRedis: StreamRedis;
  readonly partition: number;
  /** Awaited at every checkpoint. Does nothing outside of tests. */
  readonly checkpoint?: ((name: WriteBehindCheckpoint) => Promise<void> | void) | undefined;
}

/** What a round tells its owner. */
export interface CarryingListener {
  /** The ledger's cursor, as found when the round began. */
  begun(cursor: StreamPosition): void;
  committed(chunk: PreparedChunk, to: StreamPosition, atMs: number | undefined): void;
  /** Everything decided before the look with this number is in the ledger. */
  caughtUp(look: number): void;
  /** Whether somebody waits for the ledger: then nothing is gathered, and no way given. */
  isAwaited(): boolean;
  trimFailed(error: unknown): void;
}

/** How often an active worker asks whether it still is one. Safety does not rest on it (D7). */
const LEASE_VERIFY_MS = 2_000;
const IDLE_WAIT_MS_MIN = 1;

export class ReplicationLoop {
  readonly reader: StreamReader;
  /** Grows with every look at the stream. */
  looks = 0;
  readonly #parts: CarryingParts;
  readonly #limits: CarryingLimits;
  readonly #listener: CarryingListener;
  readonly #validator: EventValidator;
  readonly #trimmer: Trimmer;
  readonly #poison = new PoisonIsolation();
  readonly #throttle: Throttle;
  #epoch = 0;
  #resting: AbortController | undefined;
  /** Somebody asked for haste since the last look began. */
  #isHurried = false;

  constructor(parts: CarryingParts, limits: CarryingLimits, listener: CarryingListener) {
    this.#parts = parts;
    this.#limits = limits;
    this.#listener = listener;
    this.reader = new StreamReader(parts.streamRedis, parts.hot.keys);
    this.#validator = new EventValidator(parts.ledger, parts.partition, limits);
    this.#throttle = new Throttle(limits);
    this.#trimmer = new Trimmer(
      parts.hot,
      limits,
      () => this.#parts.checkpoint?.('stream-trimmed'),
      (error) => listener.trimFailed(error),
    );
  }

  /** Ends the rest under way, and lets the worker look at once. */
  hurry(): void {
    this.#isHurried = true;
    this.#resting?.abort();
  }

  /** @throws whatever ended the round; returns where it is time to stop or the lease is lost */
  async round(lease: WorkerLease, stopping: AbortSignal): Promise<void> {
    const { ledger, partition, checkpoint } = this.#parts;
    const cursor = await ledger.cursor(partition);
    await checkpoint?.('cursor-read');
    if (!cursor) throw new NotReady('unknown-partition', undefined, this.reader.head);
    if (cursor.epoch !== this.#epoch) this.#poison.clear();
    this.#epoch = cursor.epoch;
    this.reader.begin(cursor);
    this.#listener.begun(cursor);
    let from: StreamPosition = cursor;
    let commit: Promise<void> = Promise.resolve();
    let idleWaitMs = 0;
    let verifiedMs = performance.now();
    try {
      while (!stopping.aborted && lease.isHeld) {
        const look = ++this.looks;
        const beganMs = performance.now();
        this.#isHurried = false;
        const entries = await this.reader.next(
          this.#poison.linesMax(from.sequence, this.#limits.chunkLinesMax),
        );
        this.#throttle.saw(this.reader.head);
        await checkpoint?.('entries-read');
        const last = entries.at(-1);
        if (last) {
          const to = { epoch: last.epoch, sequence: last.sequence, eventsTotal: last.eventsTotal };
          const atMs = entries.findLast(isReadable)?.atMs;
          const mode = this.#poison.modeFor(from.sequence + 1);
          // A judge who asks the ledger must find all that came before there.
          if (mode.kind !== 'none') await commit;
          const chunk = await prepareChunk(await this.#validator.validate(entries, from, mode));
          await checkpoint?.('chunk-judged');
          await commit;
          commit = this.#commit(chunk, to, atMs, mode);
          // It is awaited one chunk later; until then its failure must not count as one nobody hears of.
          commit.catch(() => {});
          from = to;
          idleWaitMs = 0;
          if (!this.#listener.isAwaited()) {
            const restsPerWork = hasOrders(entries) ? this.#throttle.restsPerWork(atMs) : 0;
            // Who gives way does one thing at a time, and counts the commit as work.
            if (restsPerWork > 0) await commit;
            const workMs = performance.now() - beganMs;
            await this.#rest(this.#throttle.restMs(workMs, restsPerWork, !this.reader.isAtEnd), stopping);
          }
        } else {
          await commit;
          await this.#trimmer.settle();
          this.#listener.caughtUp(look);
          const { idleWaitMsMax, gatherMs } = this.#limits;
          idleWaitMs = Math.min(idleWaitMsMax, Math.max(IDLE_WAIT_MS_MIN, gatherMs, idleWaitMs * 2));
          await this.#rest(idleWaitMs, stopping);
        }
        if (performance.now() - verifiedMs > LEASE_VERIFY_MS) {
          await lease.verify();
          verifiedMs = performance.now();
        }
      }
      await commit;
      if (lease.isHeld) await this.#trimmer.settle();
    } finally {
      await commit.catch(() => {});
      await this.#trimmer.abandon();
      this.#validator.reset();
    }
  }

  async #rest(ms: number, stopping: AbortSignal): Promise<void> {
    if (ms <= 0 || this.#isHurried || stopping.aborted) return;
    this.#resting = new AbortController();
    await pause(ms, this.#resting.signal);
    this.#resting = undefined;
  }

  async #commit(
    chunk: PreparedChunk,
    to: StreamPosition,
    atMs: number | undefined,
    mode: ValidationMode,
  ): Promise<void> {
    try {
      await this.#parts.ledger.commit(chunk);
    } catch (error) {
      throw error instanceof RefusedBySql ? this.#poison.refused(chunk, mode, error) : error;
    }
    await this.#parts.checkpoint?.('chunk-committed');
    this.#validator.committed();
    this.#poison.committed(chunk.toSequence);
    this.#listener.committed(chunk, to, atMs);
    this.#trimmer.soon(to);
  }
}

/** Whether somebody sells: an import is as fast as the ledger, and need not give way to itself. */
function hasOrders(entries: readonly ReadEntry[]): boolean {
  return entries.some((entry) => isReadable(entry) && entry.events.some(isReservationEvent));
}
