/**
 * The write-behind worker (D7, D8, D13): carries what Redis decided into the ledger, exactly once and in order.
 * Promises: one active worker a partition, others stand by; Postgres or Redis away means waiting, not failing; what the
 * aggregate would not have allowed stops one item, not the partition. Refuses to know: HTTP, and how a rebuild is done.
 */
import type { Logger } from 'pino';
import { CursorMoved } from '../../ledger/errors.ts';
import type { WorkerLease } from '../../ledger/lease.ts';
import type { Finding } from '../../ledger/write/chunk.ts';
import { pause, Retry } from '../../timing/retry.ts';
import { messageOf } from './failure.ts';
import { ValidateAgain } from './poison-isolation.ts';
import { type CarryingLimits, type CarryingParts, ReplicationLoop } from './replication-loop.ts';
import { NotReady, type NotReadyCause, type StreamPosition } from './stream-reader.ts';

export interface WriteBehindLimits extends CarryingLimits {
  /** The longest wait between two tries while a store is away. */
  readonly retryWaitMsMax: number;
  /** How often a standby asks for the partition. */
  readonly standbyPollMs: number;
}

/**
 * Chunks of 4,000 lines take Postgres some 40 ms; larger ones gain nothing and make the ledger late.
 * Idle means polling, after 25 ms and then every 50. XREAD BLOCK would wake a little sooner, but the same connection must
 * tell within 50 ms that Redis forgot the partition or fell behind the ledger, and blocking fights with the client's
 * time-outs; a poll of an idle partition costs Redis 40 tiny commands a second.
 * Gathering for 25 ms, at 5,000 orders a second over 1,000 SKUs, makes an order cost two fifths of what a chunk at a time
 * costs in the worker and in Postgres; 100 ms would save a fifth more, and make `Holdfast-Ack: ledger` wait as long.
 */
export const WRITE_BEHIND_LIMITS_DEFAULT: WriteBehindLimits = {
  chunkLinesMax: 4_000,
  itemsCachedMax: 50_000,
  reservationsCachedMax: 20_000,
  parkedEventsPerItemMax: 10_000,
  idleWaitMsMax: 50,
  gatherMs: 25,
  giveWayLagMs: 1_000,
  hurryLagMs: 3_000,
  trimEveryMs: 250,
  trimEventsMax: 20_000,
  retryWaitMsMax: 5_000,
  standbyPollMs: 500,
};
const RETRY_WAIT_MS_MIN = 20;

export interface WriteBehindOptions extends CarryingParts {
  readonly limits?: Partial<WriteBehindLimits> | undefined;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Hears of every finding once it is in the ledger. */
  readonly onDrift?: ((finding: Finding) => void) | undefined;
  /**
   * Hot path and ledger do not follow from each other. The worker waits for it, still holding the partition, looks again,
   * and calls it again if that did not help, with growing pauses.
   */
  readonly onNotReady?: ((problem: NotReady) => Promise<void> | void) | undefined;
}

export interface WriteBehindStatus {
  /** False while another worker has the partition, or Postgres cannot be asked. */
  readonly active: boolean;
  /** Where the ledger stands, as far as this worker knows; 0 before it was active. */
  readonly epoch: number;
  readonly sequence: number;
  /** Events decided and not in the ledger yet, as of the last look. */
  readonly lagEvents: number;
  /** Between the newest batch decided and the newest in the ledger, by Redis's clock. */
  readonly lagMs: number;
  readonly notReady: NotReadyCause | undefined;
  /** Of the trouble it is in; undefined while all is well. */
  readonly lastError: string | undefined;
  /** Since this worker started. */
  readonly committedEvents: number;
  readonly findings: number;
}

interface DrainWaiter {
  readonly sequence: number | undefined;
  readonly sinceLook: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Starts at once. It runs until {@link WriteBehind.stop}, whatever happens to the stores. */
export function startWriteBehind(options: WriteBehindOptions): WriteBehind {
  return new WriteBehind(options);
}

export class WriteBehind {
  readonly #options: WriteBehindOptions;
  readonly #limits: WriteBehindLimits;
  readonly #loop: ReplicationLoop;
  readonly #retry: Retry;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #isActive = false;
  /** What the ledger is known to have. */
  #committed: StreamPosition = { epoch: 0, sequence: 0, eventsTotal: 0 };
  #committedAtMs: number | undefined;
  #committedEvents = 0;
  #findings = 0;
  #lastError: string | undefined;
  #notReady: NotReadyCause | undefined;
  #waiters: DrainWaiter[] = [];

  constructor(options: WriteBehindOptions) {
    this.#options = options;
    this.#limits = { ...WRITE_BEHIND_LIMITS_DEFAULT, ...options.limits };
    this.#retry = new Retry({ waitMsMin: RETRY_WAIT_MS_MIN, waitMsMax: this.#limits.retryWaitMsMax });
    this.#loop = new ReplicationLoop(options, this.#limits, {
      begun: (cursor) => {
        this.#committed = cursor;
      },
      committed: (chunk, to, atMs) => {
        this.#committedEvents += Math.max(0, to.eventsTotal - this.#committed.eventsTotal);
        this.#committed = to;
        this.#committedAtMs = atMs ?? this.#committedAtMs;
        this.#isWell();
        for (const finding of chunk.findings) this.#tell(finding);
        this.#release((waiter) => waiter.sequence !== undefined && waiter.sequence <= to.sequence);
      },
      caughtUp: (look) => {
        this.#isWell();
        // Else the first event after a quiet night would seem to be late by all of it.
        this.#committedAtMs = this.#loop.reader.head?.clockMs ?? this.#committedAtMs;
        this.#release((waiter) => waiter.sequence === undefined && waiter.sinceLook < look);
      },
      isAwaited: () => this.#waiters.length > 0,
      trimFailed: (error) => this.#warn(error, 'the stream could not be trimmed, which is tried again'),
    });
    this.#done = this.#run();
  }

  status(): WriteBehindStatus {
    const { head } = this.#loop.reader;
    const isComparable = head !== undefined && head.epoch === this.#committed.epoch;
    const lagEvents = isComparable ? Math.max(0, head.eventsTotal - this.#committed.eventsTotal) : 0;
    const sinceMs = isComparable && lagEvents > 0 ? head.clockMs - (this.#committedAtMs ?? head.clockMs) : 0;
    return {
      active: this.#isActive,
      epoch: this.#committed.epoch,
      sequence: this.#committed.sequence,
      lagEvents,
      lagMs: Math.max(0, sinceMs),
      notReady: this.#notReady,
      lastError: this.#lastError,
      committedEvents: this.#committedEvents,
      findings: this.#findings,
    };
  }

  /**
   * Resolves when the ledger has everything up to this sequence of the epoch, or, without one, everything that was
   * decided before the call, and the stream is trimmed. Rejects where the worker stops before.
   */
  drained(sequence?: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (sequence !== undefined && this.#committed.sequence >= sequence) resolve();
      else if (this.#stopping.signal.aborted) reject(new Error('the worker is stopped'));
      else {
        this.#waiters.push({ sequence, sinceLook: this.#loop.looks, resolve, reject });
        this.#loop.hurry();
      }
    });
  }

  /** Finishes the chunks in hand, lets go of the partition, and resolves. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#loop.hurry();
    await this.#done;
  }

  /** Stands by until the partition is free, works for as long as it is ours, and so on until stopped. */
  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const lease = await this.#options.ledger.tryBecomeWorker(this.#options.partition);
        if (lease) await this.#work(lease, signal);
        else await pause(this.#limits.standbyPollMs, signal);
      } catch (error) {
        this.#warn(error, 'the ledger is away');
        await pause(this.#retry.nextWaitMs('the ledger is away'), signal);
      }
    }
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new Error('the worker stopped'));
  }

  async #work(lease: WorkerLease, signal: AbortSignal): Promise<void> {
    const { log, partition, checkpoint } = this.#options;
    log.info({ partition }, 'carrying the partition to the ledger');
    this.#isActive = true;
    try {
      await checkpoint?.('lease-taken');
      while (!signal.aborted && lease.isHeld) {
        try {
          await this.#loop.round(lease, signal);
        } catch (error) {
          if (!signal.aborted) await this.#endure(error, lease);
        }
      }
      if (!signal.aborted) log.warn({ partition }, 'the partition is no longer ours');
    } finally {
      this.#isActive = false;
      await lease.release();
    }
  }

  /** After a round ended by trouble: what it asks for, and the wait before the next round. @throws where Postgres is away */
  async #endure(error: unknown, lease: WorkerLease): Promise<void> {
    if (error instanceof ValidateAgain) {
      this.#warn(error, 'SQL refused a chunk, which is judged again with more care');
      return;
    }
    if (error instanceof NotReady) {
      // A first start comes this way as well; whether it is trouble, the attempt to mend it tells.
      this.#lastError = error.message;
      this.#options.log.info({ reason: error.reason }, 'hot path and ledger do not follow from each other');
    } else this.#warn(error, 'carrying was interrupted');
    if (error instanceof CursorMoved || error instanceof NotReady) {
      // Whoever looks at a stream or a cursor that somebody else moves on is a zombie, and must not cry wolf.
      if (!(await lease.verify())) return;
      const cursor = await this.#options.ledger.cursor(lease.partition);
      const { epoch, sequence } = this.#committed;
      if (cursor && (cursor.epoch !== epoch || cursor.sequence !== sequence)) return;
    }
    if (error instanceof NotReady) {
      this.#notReady = error.reason;
      try {
        await this.#options.onNotReady?.(error);
      } catch (failure) {
        this.#warn(failure, 'the partition is not ready, and the attempt to mend it failed');
      }
    }
    await pause(this.#retry.nextWaitMs(messageOf(error)), this.#stopping.signal);
  }

  #isWell(): void {
    this.#retry.progressed();
    this.#lastError = undefined;
    this.#notReady = undefined;
  }

  #warn(error: unknown, what: string): void {
    this.#lastError = error instanceof Error ? error.message : String(error);
    this.#options.log.warn({ err: error, partition: this.#options.partition }, what);
  }

  #tell(finding: Finding): void {
    this.#findings++;
    const { kind, sku, warehouse, orderId, sequence, detail } = finding;
    const isMinor = kind === 'order-id-reused';
    this.#options.log[isMinor ? 'warn' : 'error'](
      { kind, sku, warehouse, orderId, sequence },
      `drift: ${detail}`,
    );
    try {
      this.#options.onDrift?.(finding);
    } catch (error) {
      this.#warn(error, 'whoever was told of drift failed');
    }
  }

  #release(isDue: (waiter: DrainWaiter) => boolean): void {
    const due = this.#waiters.filter(isDue);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter));
    for (const waiter of due) waiter.resolve();
  }
}
