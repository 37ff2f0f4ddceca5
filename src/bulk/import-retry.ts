/**
 * What an import does about outages: the same again under the same id, which is always safe (BR-006). Promises: when there
 * was no progress at all for some minutes, the import ends and says why.
 */
import { setMaxListeners } from 'node:events';
import type { Decision } from '../domain/language.ts';
import { Fault } from '../hotpath/fault.ts';
import { RefusedBySql, SchemaOutdated, WrongPostgresSettings } from '../ledger/errors.ts';
import { Retry } from '../timing/retry.ts';

const WAIT_MS_MIN = 50;
const WAIT_MS_MAX = 2_000;
/** A restart of a store or a failover takes less. */
const GIVE_UP_AFTER_MS = 120_000;

/** The engine takes nothing new until the ledger has caught up (D13). */
class LedgerBacklog extends Error {}

/** Errors of a ledger query that repeating cannot cure; the last two are defects. */
const LASTING = [RefusedBySql, SchemaOutdated, WrongPostgresSettings, TypeError, RangeError];

/** Shared by all rows of one import. */
export class ImportRetry {
  readonly #retry: Retry;
  readonly #signal: AbortSignal;

  /** @param signal ends all waiting with its reason */
  constructor(signal: AbortSignal, giveUpAfterMs = GIVE_UP_AFTER_MS) {
    setMaxListeners(0, signal); // every row that waits listens to it
    this.#signal = signal;
    this.#retry = new Retry({ waitMsMin: WAIT_MS_MIN, waitMsMax: WAIT_MS_MAX, totalMsMax: giveUpAfterMs });
  }

  /** What is waited for now; undefined while all is well. */
  get trouble(): string | undefined {
    return this.#retry.trouble;
  }

  /** There was progress: the next trouble is a new one. */
  progressed(): void {
    this.#retry.progressed();
  }

  /** A decision of the engine; each is progress. @throws {GaveUp} */
  async decision<T>(ask: () => Promise<Decision<T>>): Promise<Decision<T>> {
    const decision = await this.#retry.run(
      async () => {
        const answer = await ask();
        if (answer.outcome === 'refused' && answer.refusal.code === 'ledger-backlog')
          throw new LedgerBacklog(
            'the ledger is too far behind to take more (ledger-backlog): is a worker running?',
          );
        return answer;
      },
      (error) => error instanceof Fault || error instanceof LedgerBacklog,
      this.#signal,
    );
    this.progressed();
    return decision;
  }

  /** An answer of a store, whose errors are outages unless they are known to last. @throws {GaveUp} */
  query<T>(ask: () => Promise<T>): Promise<T> {
    return this.#retry.run(ask, (error) => !LASTING.some((kind) => error instanceof kind), this.#signal);
  }

  /** Waits before looking again. @param trouble in words for a person @throws {GaveUp} */
  wait(trouble: string): Promise<void> {
    return this.#retry.wait(trouble, this.#signal);
  }
}
