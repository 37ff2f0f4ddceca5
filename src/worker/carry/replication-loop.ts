/**
 * The replication loop: copies the stream to the ledger from the ledger's cursor on, chunk by chunk, until something fails
 * or it is to stop. While one chunk is being committed the next is read and validated; commits stay in order.
 * Promises: when {@link ReplicationLoop.run} ends, nothing of it is under way. Refuses to know: what to do about failures;
 * the states are in write-behind.ts.
 */
import { isReservationEvent } from '../../domain/language.ts';
import { NOTHING } from '../../hotpath/codec/words.ts';
import type { PartitionKeys } from '../../hotpath/keys.ts';
import type { Epoch } from '../../hotpath/partition.ts';
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
import { type TrimLimits, Trimmer, type TrimTarget } from './trimmer.ts';

/** Every step between which a test can stop the worker; the steps within a commit are the ledger's. */
export const WRITE_BEHIND_CHECKPOINTS = [
  'lease-taken',
  'cursor-read',
  'entries-read',
  'chunk-validated',
  'chunk-committed',
  'stream-trimmed',
] as const;
export type WriteBehindCheckpoint = (typeof WRITE_BEHIND_CHECKPOINTS)[number];

export interface ReplicationLimits extends ValidatorLimits, ThrottleLimits, TrimLimits {
  /** Event lines in one transaction. */
  readonly chunkLinesMax: number;
  /** The longest pause of an idle worker before it reads again. */
  readonly idleWaitMsMax: number;
}

export interface ReplicationParts {
  readonly ledger: Pick<
    Ledger,
    | 'cursor'
    | 'commit'
    | 'pruneLinks'
    | 'tryBecomeWorker'
    | 'loadItems'
    | 'loadReservations'
    | 'loadTransfers'
    | 'movementRecords'
  >;
  readonly hot: TrimTarget & { readonly keys: PartitionKeys };
  /** A connection of its own, so that reading never waits for a batch. */
  readonly streamRedis: StreamRedis;
  readonly partition: number;
  /** Awaited at every checkpoint. Does nothing outside of tests. */
  readonly checkpoint?: ((name: WriteBehindCheckpoint) => Promise<void> | void) | undefined;
}

/** What the loop reports to its owner. */
export interface ReplicationListener {
  /** The ledger's cursor, as found at the start. */
  started(cursor: StreamPosition, epoch: Epoch): void;
  committed(chunk: PreparedChunk, to: StreamPosition, atMs: number | undefined): void;
  /** Everything decided before the read with this number is in the ledger. */
  caughtUp(read: number): void;
  /** Whether a caller waits for the ledger: then there are no pauses to gather or to give way. */
  isAwaited(): boolean;
  trimFailed(error: unknown): void;
}

/** How often an active worker checks its lease. Safety does not rest on it: the cursor decides (D7). */
const LEASE_VERIFY_MS = 2_000;
const IDLE_WAIT_MS_MIN = 1;
const PRUNE_EVERY_MS = 30_000;

/** Copies one partition; one run at a time. */
export class ReplicationLoop {
  readonly reader: StreamReader;
  /** Reads of the stream so far. */
  reads = 0;
  readonly #parts: ReplicationParts;
  readonly #limits: ReplicationLimits;
  readonly #listener: ReplicationListener;
  readonly #validator: EventValidator;
  readonly #trimmer: Trimmer;
  readonly #poison = new PoisonIsolation();
  readonly #throttle: Throttle;
  #nonce = '';
  #prunedMs = Number.NEGATIVE_INFINITY;
  /** Ends the pause under way. */
  #pausing: AbortController | undefined;
  /** {@link wake} was called since the last read began. */
  #isWoken = false;

  constructor(parts: ReplicationParts, limits: ReplicationLimits, listener: ReplicationListener) {
    this.#parts = parts;
    this.#limits = limits;
    this.#listener = listener;
    this.reader = new StreamReader(parts.streamRedis, parts.hot.keys);
    this.#validator = new EventValidator(parts.ledger, parts.partition, limits);
    this.#throttle = new Throttle(limits);
    this.#trimmer = new Trimmer(
      parts.hot,
      limits,
      async (tail) => {
        await this.#pruneLinks(tail);
        await this.#parts.checkpoint?.('stream-trimmed');
      },
      (error) => listener.trimFailed(error),
    );
  }

  /** Ends the pause under way, so that the stream is read at once. */
  wake(): void {
    this.#isWoken = true;
    this.#pausing?.abort();
  }

  /** Runs until it is to stop or the lease is lost. @throws what ended it otherwise: {@link NotReady}, a refusal, an outage */
  async run(lease: WorkerLease, stopping: AbortSignal): Promise<void> {
    const { ledger, partition, checkpoint } = this.#parts;
    const cursor = await ledger.cursor(partition);
    await checkpoint?.('cursor-read');
    if (!cursor) throw new NotReady('unknown-partition', undefined, this.reader.head);
    const epoch: Epoch = { number: cursor.epoch, nonce: cursor.nonce ?? NOTHING };
    if (epoch.nonce !== this.#nonce) this.#poison.clear();
    this.#nonce = epoch.nonce;
    const { sequence, link = NOTHING, eventsTotal } = cursor;
    let from: StreamPosition = { epoch: undefined, sequence, link, eventsTotal };
    this.reader.begin(from, epoch);
    this.#trimmer.begin(epoch.nonce);
    this.#listener.started(from, epoch);
    let commit: Promise<void> = Promise.resolve();
    let idleWaitMs = 0;
    let verifiedMs = performance.now();
    try {
      while (!stopping.aborted && lease.isHeld) {
        const read = ++this.reads;
        const beganMs = performance.now();
        this.#isWoken = false;
        const entries = await this.reader.next(
          this.#poison.linesMax(from.sequence, this.#limits.chunkLinesMax),
        );
        this.#throttle.observe(this.reader.head);
        await checkpoint?.('entries-read');
        const last = entries.at(-1);
        if (last) {
          const to: StreamPosition = {
            epoch: last.epoch,
            sequence: last.sequence,
            link: last.link,
            eventsTotal: last.eventsTotal,
          };
          const atMs = entries.findLast(isReadable)?.atMs;
          const mode = this.#poison.modeFor(from.sequence + 1);
          // Strict validation queries the ledger, which must have everything that came before.
          if (mode.kind !== 'none') await commit;
          const chunk = await prepareChunk(await this.#validator.validate(entries, from, epoch, mode));
          await checkpoint?.('chunk-validated');
          await commit;
          commit = this.#commit(chunk, to, atMs, mode);
          // It is awaited one chunk later; until then a failure must not count as unhandled.
          commit.catch(() => {});
          from = to;
          idleWaitMs = 0;
          if (!this.#listener.isAwaited()) {
            const pausesPerWork = hasOrders(entries) ? this.#throttle.pausesPerWork(atMs) : 0;
            // To give way, one thing is done at a time, and the commit counts as work.
            if (pausesPerWork > 0) await commit;
            const workMs = performance.now() - beganMs;
            const pauseMs = this.#throttle.pauseMs(workMs, pausesPerWork, !this.reader.isAtEnd);
            await this.#pause(pauseMs, stopping);
          }
        } else {
          await commit;
          await this.#trimmer.flush();
          this.#listener.caughtUp(read);
          const { head } = this.reader;
          // Now the partition can be filled from the ledger and opened.
          if (head?.state === 'fenced' || head?.state === 'clock') throw new NotReady(head.state, from, head);
          const { idleWaitMsMax, gatherMs } = this.#limits;
          idleWaitMs = Math.min(idleWaitMsMax, Math.max(IDLE_WAIT_MS_MIN, gatherMs, idleWaitMs * 2));
          await this.#pause(idleWaitMs, stopping);
        }
        if (performance.now() - verifiedMs > LEASE_VERIFY_MS) {
          await lease.verify();
          verifiedMs = performance.now();
        }
      }
      await commit;
      if (lease.isHeld) await this.#trimmer.flush();
    } finally {
      await commit.catch(() => {});
      await this.#trimmer.reset();
      this.#validator.reset();
    }
  }

  /** Links below the stream's tail say nothing any more. */
  async #pruneLinks(tail: StreamPosition | undefined): Promise<void> {
    if (!tail || performance.now() - this.#prunedMs < PRUNE_EVERY_MS) return;
    this.#prunedMs = performance.now();
    await this.#parts.ledger.pruneLinks(this.#parts.partition, tail.sequence);
  }

  async #pause(ms: number, stopping: AbortSignal): Promise<void> {
    if (ms <= 0 || this.#isWoken || stopping.aborted) return;
    this.#pausing = new AbortController();
    await pause(ms, this.#pausing.signal);
    this.#pausing = undefined;
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
    this.#trimmer.request(to);
  }
}

/** Whether there are orders among them: an import is as fast as the ledger and need not give way to itself. */
function hasOrders(entries: readonly ReadEntry[]): boolean {
  return entries.some((entry) => isReadable(entry) && entry.events.some(isReservationEvent));
}
