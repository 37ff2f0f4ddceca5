/**
 * The acknowledgement level `ledger` (D11) of a request: its answer waits until Postgres has committed the decision.
 * Promises: one question to the ledger for each epoch at a time, however many requests wait; a request that waits too long gets 503 with
 * the outcome `unknown`, and a repeat under the same id says what was decided. The wait is some 25 ms (the worker commits
 * in chunks), and up to seconds in a rush, when the ledger lags. Refuses to know: what was decided.
 */
import type { HotInventory } from '../hotpath/hot-inventory.ts';
import type { AnsweredPlace } from '../ledger/cursor.ts';
import type { LedgerHandle } from '../ledger/handle.ts';

/** The header that asks for this level; its only value is `ledger`. */
export const ACK_HEADER = 'Holdfast-Ack';
/** The longest an answer waits for the ledger. */
export const LEDGER_ACK_MS_MAX = 5_000;
/** Requests that may wait at once; one more gets 503 right away. */
const WAITING_MAX = 10_000;

interface Waiting {
  readonly place: AnsweredPlace;
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
    const place = { epoch: head.epoch, nonce: head.nonce, sequence: head.sequence, link: head.link };
    return new Promise((resolve) => {
      this.#waiting.push({ place, untilMs: performance.now() + LEDGER_ACK_MS_MAX, resolve });
      if (!this.#isAsking) void this.#ask(handle);
    });
  }

  async #ask(handle: LedgerHandle): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const byEpoch = new Map<string, Waiting[]>();
      for (const waiting of this.#waiting.splice(0)) {
        const { epoch, nonce } = waiting.place;
        const name = `${epoch} ${nonce}`;
        const batch = byEpoch.get(name);
        if (batch) batch.push(waiting);
        else byEpoch.set(name, [waiting]);
      }
      await Promise.all([...byEpoch.values()].map((batch) => this.#askForNewest(handle, batch)));
    }
    this.#isAsking = false;
  }

  /**
   * Waits for the newest of these places, all of one epoch; the older ones are in the ledger by then. Places of two epochs
   * cannot stand for each other: a later epoch may have begun below an older place, whose decision is gone.
   */
  async #askForNewest(handle: LedgerHandle, batch: readonly Waiting[]): Promise<void> {
    const { place } = batch.reduce((a, b) => (b.place.sequence > a.place.sequence ? b : a));
    const leftMs = Math.max(1, (batch[0] as Waiting).untilMs - performance.now());
    const isThere = await handle
      .open()
      .then((ledger) => ledger.waitForSequence(this.#hot.keys.partition, place, leftMs))
      .catch(() => false);
    for (const waiting of batch) waiting.resolve(isThere);
  }
}
