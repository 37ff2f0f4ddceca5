/**
 * How long to wait before trying again: longer each time, bounded, and never in step with others who wait.
 */
export class Backoff {
  readonly #waitMsMin: number;
  readonly #waitMsMax: number;
  #tries = 0;

  constructor(waitMsMin: number, waitMsMax: number) {
    this.#waitMsMin = waitMsMin;
    this.#waitMsMax = waitMsMax;
  }

  /** Milliseconds: at most twice the wait before and the bound, at least half of that, at random between. */
  next(): number {
    const waitMs = Math.min(this.#waitMsMax, this.#waitMsMin * 2 ** Math.min(this.#tries++, 30));
    return waitMs * (0.5 + Math.random() / 2);
  }

  /** It worked: the next trouble is the first again. */
  reset(): void {
    this.#tries = 0;
  }
}
