/**
 * The way from a route to the ledger. Promises: a bounded number of questions at once; an outage of the ledger is an
 * answer of its own (503) and touches no route that does not need the ledger. Refuses to know: the questions.
 */
import type { FastifyBaseLogger } from 'fastify';
import type { LedgerApi, LedgerHandle } from '../ledger/handle.ts';

/** Long enough for a Postgres that restarts, short enough for a person who waits. */
const RETRY_SECONDS = 2;

/** The ledger cannot be reached now. The message is for the caller; the cause is in the log. */
export class LedgerAway extends Error {
  readonly retryAfterSeconds = RETRY_SECONDS;
  /** A write may have been committed: no answer came that says whether. */
  readonly mayHaveRun: boolean;
  constructor(message: string, mayHaveRun = false) {
    super(message);
    this.name = 'LedgerAway';
    this.mayHaveRun = mayHaveRun;
  }
}

/** Bounds the questions to a ledger, and translates its outages. */
export class LedgerClient {
  /** Whether this process has a ledger at all. */
  readonly isThere: boolean;
  readonly #handle: LedgerHandle | undefined;
  readonly #log: FastifyBaseLogger;
  readonly #questionsMax: number;
  #questions = 0;

  /**
   * @param handle left out where this process has no ledger
   * @param questionsMax under way at once; one more is refused
   */
  constructor(handle: LedgerHandle | undefined, log: FastifyBaseLogger, questionsMax: number) {
    this.isThere = handle !== undefined;
    this.#handle = handle;
    this.#log = log;
    this.#questionsMax = questionsMax;
  }

  /** Reads. @throws {LedgerAway} where there is no ledger, it does not answer, or too many questions are under way */
  query<T>(question: (ledger: LedgerApi) => Promise<T>): Promise<T> {
    return this.#pass(question, false);
  }

  /** Writes; as {@link query}, but where the ledger goes away meanwhile, the write may have been committed. */
  execute<T>(message: (ledger: LedgerApi) => Promise<T>): Promise<T> {
    return this.#pass(message, true);
  }

  async #pass<T>(question: (ledger: LedgerApi) => Promise<T>, writes: boolean): Promise<T> {
    if (!this.#handle) throw new LedgerAway('This process was started without a ledger.');
    if (this.#questions >= this.#questionsMax) {
      throw new LedgerAway(`${this.#questionsMax} questions to the ledger are under way already.`);
    }
    this.#questions++;
    try {
      return await question(await this.#handle.open());
    } catch (error) {
      this.#log.warn({ err: error }, 'the ledger does not answer');
      throw new LedgerAway('The ledger does not answer.', writes);
    } finally {
      this.#questions--;
    }
  }
}
