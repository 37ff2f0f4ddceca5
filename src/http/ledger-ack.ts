/**
 * The acknowledgement level `ledger` (D11), asked for by a request: its answer waits until Postgres has what was decided.
 * Promises: one question to the ledger at a time however many wait; who waits too long hears that the outcome is decided
 * but not yet in the ledger, which a repeat under the same id tells. The worker gathers for some 25 ms, and in a rush the
 * ledger may be up to some seconds behind (src/worker/carry/throttle.ts): so much longer such an answer takes. Refuses to know: what
 * was decided.
 */
import type { HotInventory } from '../hotpath/hot-inventory.ts';
import type { LedgerHandle } from '../ledger/handle.ts';

/** The header by which a request asks for it; its only value is `ledger`. */
export const ACK_HEADER = 'Holdfast-Ack';
/** The longest an answer waits for the ledger. */
export const LEDGER_ACK_MS_MAX = 5_000;
/** Answers waiting at once; one more is not waited for. */
const WAITING_MAX = 10_000;

interface Waiting {
  readonly epoch: number;
  readonly sequence: number;
  readonly untilMs: number;
  readonly resolve: (isThere: boolean) => void;
}

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

  /** Waits for the newest of those that wait; what it has then, all before it have too. */
  async #ask(handle: LedgerHandle): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const asked = this.#waiting;
      this.#waiting = [];
      const newest = asked.reduce((a, b) =>
        b.epoch > a.epoch || (b.epoch === a.epoch && b.sequence > a.sequence) ? b : a,
      );
      const leftMs = Math.max(1, (asked[0] as Waiting).untilMs - performance.now());
      const isThere = await handle
        .open()
        .then((ledger) =>
          ledger.waitForSequence(this.#hot.keys.partition, newest.epoch, newest.sequence, leftMs),
        )
        .catch(() => false);
      for (const waiting of asked) waiting.resolve(isThere);
    }
    this.#isAsking = false;
  }
}
