/**
 * The acknowledgement level `ledger` (D11) of a request: its answer waits until Postgres has committed the decision.
 * Promises: one question to the ledger at a time, however many requests wait; a request that waits too long gets 503 with
 * the outcome `unknown`, and a repeat under the same id says what was decided. The wait is some 25 ms (the worker commits
 * in chunks), and up to seconds in a rush, when the ledger lags. Refuses to know: what was decided.
 */
import type { HotInventory } from '../hotpath/hot-inventory.ts';
import type { LedgerHandle } from '../ledger/handle.ts';

/** The header that asks for this level; its only value is `ledger`. */
export const ACK_HEADER = 'Holdfast-Ack';
/** The longest an answer waits for the ledger. */
export const LEDGER_ACK_MS_MAX = 5_000;
/** Requests that may wait at once; one more gets 503 right away. */
const WAITING_MAX = 10_000;

interface Waiting {
  readonly epoch: number;
  readonly sequence: number;
  readonly untilMs: number;
  readonly resolve: (isThere: boolean) => void;
}

/** All requests of a process that wait for the ledger. */
export class LedgerAck {
  readonly #hot: HotInventory;
  readonly #ledger: LedgerHandle | undefined;
  #waiting: Waiting[] = [];
  #isAsking = false;

  constructor(hot: HotInventory, ledger: LedgerHandle | undefined) {
    this.#hot = hot;
    this.#ledger = ledger;
  }

  /** Whether the ledger has, in time, everything this process has been answered by now. */
  reached(): Promise<boolean> {
    const { head } = this.#hot;
    const handle = this.#ledger;
    if (!handle || !head || this.#waiting.length >= WAITING_MAX) return Promise.resolve(false);
    const { epoch, sequence } = head;
    return new Promise((resolve) => {
      this.#waiting.push({ epoch, sequence, untilMs: performance.now() + LEDGER_ACK_MS_MAX, resolve });
      if (!this.#isAsking) void this.#ask(handle);
    });
  }

  /** Waits for the newest of the waiting sequences; older ones are in the ledger by then. */
  async #ask(handle: LedgerHandle): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const newest = batch.reduce((a, b) =>
        b.epoch > a.epoch || (b.epoch === a.epoch && b.sequence > a.sequence) ? b : a,
      );
      const leftMs = Math.max(1, (batch[0] as Waiting).untilMs - performance.now());
      const isThere = await handle
        .open()
        .then((ledger) =>
          ledger.waitForSequence(this.#hot.keys.partition, newest.epoch, newest.sequence, leftMs),
        )
        .catch(() => false);
      for (const waiting of batch) waiting.resolve(isThere);
    }
    this.#isAsking = false;
  }
}
