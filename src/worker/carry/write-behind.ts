/**
 * The write-behind worker (D7, D8, D13): copies what Redis decided to the ledger, exactly once and in order.
 * Promises: one active worker per partition, the others stand by; an outage of Postgres or Redis means waiting, not failing;
 * what the domain would not have allowed stops one item, not the partition. Refuses to know: HTTP, how a rebuild is done.
 *
 * state       entered when                                      left when
 * STANDBY     it starts; the lease is held elsewhere or lost    it gets the lease -> COPYING; stop() -> STOPPED
 * COPYING     it has the lease; a pause or a retry wait ended   nothing left to read -> IDLE; a chunk is done -> PAUSED;
 *                                                               a step fails -> RETRYING; the lease is lost -> STANDBY
 * PAUSED      a chunk was small, or orders come in (throttle)   the time is over, or drained() or stop() wake it -> COPYING
 * IDLE        the ledger has everything, the stream is trimmed  the poll wait is over, or it is woken -> COPYING
 * RETRYING    a store is away, or the cursor moved: waits,      the wait is over -> COPYING, or STANDBY without the lease
 *             growing; SQL refused a chunk: no wait
 * NOT READY   stream and ledger do not follow from each other:  onNotReady has ended and a wait is over -> COPYING
 *             onNotReady is called, with growing waits
 * STOPPED     stop() was called: chunks in hand are committed,  never
 *             the lease is released
 *
 * COPYING is a pipeline of two chunks: one is read and validated while the one before is committed (replication-loop.ts).
 */
import type { Logger } from 'pino';
import { NOTHING } from '../../hotpath/codec/words.ts';
import type { Control, Epoch } from '../../hotpath/partition.ts';
import { CursorMoved } from '../../ledger/errors.ts';
import type { WorkerLease } from '../../ledger/lease.ts';
import { type Finding, REUSED_KINDS } from '../../ledger/write/chunk.ts';
import { pause, Retry } from '../../timing/retry.ts';
import { messageOf } from './failure.ts';
import { ValidateAgain } from './poison-isolation.ts';
import { type ReplicationLimits, ReplicationLoop, type ReplicationParts } from './replication-loop.ts';
import { NotReady, type NotReadyCause, type StreamPosition } from './stream-reader.ts';
import { STREAM_KEEP_EVENTS_DEFAULT } from './trimmer.ts';

export interface WriteBehindLimits extends ReplicationLimits {
  /** The longest wait between two attempts while a store is away. */
  readonly retryWaitMsMax: number;
  /** How often a standby asks for the lease. */
  readonly standbyPollMs: number;
}

/**
 * Chunks of 4,000 lines take Postgres some 40 ms; larger ones gain nothing and make the ledger late.
 * An idle worker polls, after 25 ms and then every 50. XREAD BLOCK would wake it a little sooner, but the same connection
 * must show within 50 ms that Redis forgot the partition or fell behind the ledger, and blocking conflicts with the client's
 * time-outs; polling an idle partition costs Redis 40 tiny commands a second.
 * Gathering for 25 ms, at 5,000 orders a second over 1,000 SKUs, reduces the cost of an order in the worker and in Postgres
 * to two fifths; 100 ms would save another fifth, and make `Holdfast-Ack: ledger` wait as long.
 */
export const WRITE_BEHIND_LIMITS_DEFAULT: WriteBehindLimits = {
  chunkLinesMax: 4_000,
  itemsCachedMax: 50_000,
  reservationsCachedMax: 20_000,
  parkedEventsPerItemMax: 10_000,
  idleWaitMsMax: 50,
  gatherMs: 25,
  giveWayLagMs: 1_000,
  fullSpeedLagMs: 3_000,
  trimEveryMs: 250,
  trimEventsMax: 20_000,
  keepEvents: STREAM_KEEP_EVENTS_DEFAULT,
  retryWaitMsMax: 5_000,
  standbyPollMs: 500,
};
const RETRY_WAIT_MS_MIN = 20;

export interface WriteBehindOptions extends ReplicationParts {
  readonly limits?: Partial<WriteBehindLimits> | undefined;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Called with every finding once it is in the ledger. */
  readonly onDrift?: ((finding: Finding) => void) | undefined;
  /** Called when this worker has got the lease, before it reads anything. An error ends the lease, and it is tried again. */
  readonly onLease?: (() => Promise<void>) | undefined;
  /**
   * Called when stream and ledger do not follow from each other. The worker awaits it, keeps the lease, reads again, and
   * calls it again if that did not help, with growing waits.
   */
  readonly onNotReady?: ((problem: NotReady) => Promise<void> | void) | undefined;
}

export interface WriteBehindStatus {
  /** False while another worker has the lease or Postgres does not answer. */
  readonly active: boolean;
  /** The epoch under which this worker carries; 0 before it was active. */
  readonly epoch: number;
  /** The ledger's cursor, as far as this worker knows. */
  readonly sequence: number;
  /** Events decided and not in the ledger yet, as of the last read. */
  readonly lagEvents: number;
  /** Milliseconds between the newest batch decided and the newest in the ledger, by Redis's clock. */
  readonly lagMs: number;
  readonly notReady: NotReadyCause | undefined;
  /** Undefined while all is well. */
  readonly lastError: string | undefined;
  /** Since this worker started. */
  readonly committedEvents: number;
  readonly findings: number;
}

interface DrainWaiter {
  readonly sequence: number | undefined;
  readonly sinceRead: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Starts a worker. It runs until {@link WriteBehind.stop}, whatever happens to the stores.
 * @example const worker = startWriteBehind({ ledger, hot, streamRedis, partition: 0, log });
 */
export function startWriteBehind(options: WriteBehindOptions): WriteBehind {
  return new WriteBehind(options);
}

/** A running worker; see {@link startWriteBehind}. */
export class WriteBehind {
  readonly #options: WriteBehindOptions;
  readonly #limits: WriteBehindLimits;
  readonly #loop: ReplicationLoop;
  readonly #retry: Retry;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #isActive = false;
  /** What the ledger is known to have. */
  #committed: StreamPosition = { epoch: undefined, sequence: 0, link: NOTHING, eventsTotal: 0 };
  #epoch: Epoch | undefined;
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
      started: (cursor, epoch) => {
        this.#committed = cursor;
        this.#epoch = epoch;
      },
      committed: (chunk, to, atMs) => {
        this.#committedEvents += Math.max(0, to.eventsTotal - this.#committed.eventsTotal);
        this.#committed = to;
        this.#committedAtMs = atMs ?? this.#committedAtMs;
        this.#recovered();
        for (const finding of chunk.findings) this.#reportFinding(finding);
        this.#resolveWaiters((waiter) => waiter.sequence !== undefined && waiter.sequence <= to.sequence);
      },
      caughtUp: (read) => {
        this.#recovered();
        // Otherwise the first event after a quiet night would seem to be late by all of it.
        this.#committedAtMs = this.#loop.reader.head?.clockMs ?? this.#committedAtMs;
        this.#resolveWaiters((waiter) => waiter.sequence === undefined && waiter.sinceRead < read);
      },
      isAwaited: () => this.#waiters.length > 0,
      trimFailed: (error) => this.#warn(error, 'the stream could not be trimmed, which is tried again'),
    });
    this.#done = this.#run();
  }

  /** The last control record that was read; undefined before the first. */
  get seen(): Control | undefined {
    return this.#loop.reader.head;
  }

  /** Where the worker is, as of its last read. Never waits. */
  status(): WriteBehindStatus {
    const { head } = this.#loop.reader;
    const isComparable = head !== undefined && head.sequence >= this.#committed.sequence;
    const lagEvents = isComparable ? Math.max(0, head.eventsTotal - this.#committed.eventsTotal) : 0;
    const sinceMs = isComparable && lagEvents > 0 ? head.clockMs - (this.#committedAtMs ?? head.clockMs) : 0;
    return {
      active: this.#isActive,
      epoch: this.#epoch?.number ?? 0,
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
   * Resolves when the ledger has everything up to this sequence; without one, when it has everything decided
   * before the call and the stream is trimmed. @throws where the worker stops before
   */
  drained(sequence?: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (sequence !== undefined && this.#committed.sequence >= sequence) resolve();
      else if (this.#stopping.signal.aborted) reject(new Error('the worker is stopped'));
      else {
        this.#waiters.push({ sequence, sinceRead: this.#loop.reads, resolve, reject });
        this.#loop.wake();
      }
    });
  }

  /** Commits the chunks in hand, releases the lease, and resolves. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#loop.wake();
    await this.#done;
  }

  /** Takes the lease when it is free and works while it is held, until stopped. */
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
    log.info({ partition }, 'copying the partition to the ledger');
    this.#isActive = true;
    try {
      await checkpoint?.('lease-taken');
      await this.#options.onLease?.();
      while (!signal.aborted && lease.isHeld) {
        try {
          await this.#loop.run(lease, signal);
        } catch (error) {
          if (!signal.aborted) await this.#handleFailure(error, lease);
        }
      }
      if (!signal.aborted) log.warn({ partition }, 'the lease of the partition is lost');
    } finally {
      this.#isActive = false;
      await lease.release();
    }
  }

  /** Does what a failure asks for, and waits before the next run of the loop. @throws where Postgres is away */
  async #handleFailure(error: unknown, lease: WorkerLease): Promise<void> {
    if (error instanceof ValidateAgain) {
      this.#warn(error, 'SQL refused a chunk, which is validated again more strictly');
      return;
    }
    if (error instanceof NotReady) {
      // A first start comes this way as well; the attempt to recover shows whether it is a failure.
      this.#lastError = error.message;
      this.#options.log.info({ reason: error.reason }, 'stream and ledger do not follow from each other');
    } else this.#warn(error, 'copying to the ledger was interrupted');
    if (error instanceof CursorMoved || error instanceof NotReady) {
      // A worker whose cursor another one moves is a zombie: it must not raise an alarm.
      if (!(await lease.verify())) return;
      const cursor = await this.#options.ledger.cursor(lease.partition);
      const isSame =
        (cursor?.nonce ?? NOTHING) === this.#epoch?.nonce && cursor?.sequence === this.#committed.sequence;
      if (cursor && this.#epoch && !isSame) return;
    }
    if (error instanceof NotReady) {
      this.#notReady = error.reason;
      try {
        await this.#options.onNotReady?.(error);
      } catch (failure) {
        this.#warn(failure, 'the partition is not ready, and the attempt to recover it failed');
      }
    }
    await pause(this.#retry.nextWaitMs(messageOf(error)), this.#stopping.signal);
  }

  #recovered(): void {
    this.#retry.progressed();
    this.#lastError = undefined;
    this.#notReady = undefined;
  }

  #warn(error: unknown, what: string): void {
    this.#lastError = error instanceof Error ? error.message : String(error);
    this.#options.log.warn({ err: error, partition: this.#options.partition }, what);
  }

  #reportFinding(finding: Finding): void {
    this.#findings++;
    const { kind, sku, warehouse, orderId, sequence, detail } = finding;
    const isMinor = REUSED_KINDS.has(kind);
    this.#options.log[isMinor ? 'warn' : 'error'](
      { kind, sku, warehouse, orderId, sequence },
      `drift: ${detail}`,
    );
    try {
      this.#options.onDrift?.(finding);
    } catch (error) {
      this.#warn(error, 'the listener for drift failed');
    }
  }

  #resolveWaiters(isDue: (waiter: DrainWaiter) => boolean): void {
    const due = this.#waiters.filter(isDue);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter));
    for (const waiter of due) waiter.resolve();
  }
}
