/**
 * The way from a route to the ledger, whose readers are handed in. Promises: a bounded number of questions at once; an
 * outage of the ledger is an answer of its own (503) and touches no route that does not ask it.
 * Refuses to know: what is asked.
 */
import type { FastifyBaseLogger } from 'fastify';
import type { LedgerQueries } from './readers.ts';

/** Long enough for a Postgres that restarts, short enough for a person who waits. */
const RETRY_SECONDS = 2;

/** The ledger cannot be asked now; the message is for the caller, what happened is in the log. */
export class LedgerAway extends Error {
  readonly retryAfterSeconds = RETRY_SECONDS;
  /** What was to be written may have been: no answer came that says so. */
  readonly mayHaveRun: boolean;
  constructor(message: string, mayHaveRun = false) {
    super(message);
    this.name = 'LedgerAway';
    this.mayHaveRun = mayHaveRun;
  }
}

/** @template R what is handed in to be asked */
export class LedgerClient<R = LedgerQueries> {
  /** Whether this process has a ledger at all. */
  readonly isThere: boolean;
  readonly #readers: R | undefined;
  readonly #log: FastifyBaseLogger;
  readonly #readsMax: number;
  #reads = 0;

  constructor(readers: R | undefined, log: FastifyBaseLogger, readsMax: number) {
    this.isThere = readers !== undefined;
    this.#readers = readers;
    this.#log = log;
    this.#readsMax = readsMax;
  }

  /** @throws {LedgerAway} where there is no ledger, it does not answer, or too many ask it already */
  query<T>(question: (readers: R) => Promise<T>): Promise<T> {
    return this.#pass(question, false);
  }

  /** As {@link query}, for what writes: where the ledger goes away meanwhile, it may have been written. */
  execute<T>(message: (readers: R) => Promise<T>): Promise<T> {
    return this.#pass(message, true);
  }

  async #pass<T>(question: (readers: R) => Promise<T>, writes: boolean): Promise<T> {
    if (!this.#readers) throw new LedgerAway('This process was started without a ledger.');
    if (this.#reads >= this.#readsMax) {
      throw new LedgerAway(`${this.#readsMax} reads of the ledger are under way already.`);
    }
    this.#reads++;
    try {
      return await question(this.#readers);
    } catch (error) {
      this.#log.warn({ err: error }, 'the ledger does not answer');
      throw new LedgerAway('The ledger does not answer.', writes);
    } finally {
      this.#reads--;
    }
  }
}
