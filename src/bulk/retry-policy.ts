/**
 * What an import does about outages: the same again under the same id, which is always safe (BR-006), with pauses.
 * Promises: pauses grow and are bounded, and so is all the waiting: when nothing at all has gone on for some minutes, the
 * import ends and says why.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision } from '../domain/language.ts';
import { Fault } from '../hotpath/fault.ts';
import { RefusedBySql, SchemaOutdated, WrongPostgresSettings } from '../ledger/errors.ts';

/** Nothing went on for too long. What was done stays done. */
export class GaveUp extends Error {
  constructor(trouble: string, waitedMs: number) {
    super(`nothing went on for ${Math.round(waitedMs / 1_000)} s: ${trouble}`);
    this.name = 'GaveUp';
  }
}

const WAIT_MS_MIN = 50;
const WAIT_MS_MAX = 2_000;
/** A restart of a store or a fail-over takes less. */
const PATIENCE_MS = 120_000;

export class RetryPolicy {
  /** What is waited for now; undefined while all is well. */
  trouble: string | undefined;
  readonly #giveUpAfterMs: number;
  readonly #signal: AbortSignal;
  #stillSinceMs = 0;

  /** @param signal ends all waiting with its reason */
  constructor(signal: AbortSignal, giveUpAfterMs = PATIENCE_MS) {
    this.#signal = signal;
    setMaxListeners(0, signal); // every row that waits listens to it
    this.#giveUpAfterMs = giveUpAfterMs;
  }

  /** Something went on: the next trouble is the first again. */
  moved(): void {
    this.trouble = undefined;
  }

  /** A decision of the engine; a ledger that lags too far behind is waited for (D13). @throws {GaveUp} */
  async decided<T>(ask: () => Promise<Decision<T>>): Promise<Decision<T>> {
    for (;;) {
      let trouble: string;
      try {
        const decision = await ask();
        if (decision.outcome === 'done' || decision.refusal.code !== 'ledger-backlog') {
          this.moved();
          return decision;
        }
        trouble = 'the ledger is too far behind to take more (ledger-backlog): is a worker running?';
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        trouble = error.message;
      }
      await this.pause(trouble);
    }
  }

  /** An answer of a store, whose errors are outages but for those that say they are not. @throws {GaveUp} */
  async answered<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (LASTING.some((kind) => error instanceof kind)) throw error;
        await this.pause(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** The longer nothing goes on, the longer the wait. @throws {GaveUp} */
  async pause(trouble: string): Promise<void> {
    this.#signal.throwIfAborted();
    if (this.trouble === undefined) this.#stillSinceMs = performance.now();
    this.trouble = trouble;
    const stillMs = performance.now() - this.#stillSinceMs;
    if (stillMs > this.#giveUpAfterMs) throw new GaveUp(trouble, stillMs);
    const longestMs = Math.min(WAIT_MS_MAX, Math.max(WAIT_MS_MIN, stillMs / 4));
    // At random between half and all of it, so that thousands of rows do not come back as one.
    await sleep(longestMs * (0.5 + Math.random() / 2), undefined, { signal: this.#signal });
  }
}

/** Errors that repeating cannot mend; the last two are defects. */
const LASTING = [RefusedBySql, SchemaOutdated, WrongPostgresSettings, TypeError, RangeError];
