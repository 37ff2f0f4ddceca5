/**
 * Waiting and trying again. Promises: every wait has an upper limit and ends with its signal; waits grow for as long as the
 * trouble lasts and are random, so that callers that failed together do not come back together.
 * Refuses to know: what is tried, and which errors pass.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits, or less when the signal aborts; never rejects. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/**
 * Asks every `everyMs` until there is an answer. Answers undefined once `timeoutMs` have gone by or the signal aborts; it
 * asks at least once.
 * @example await poll(async () => (await isOpen()) || undefined, { everyMs: 20, timeoutMs: 5_000 })
 */
export async function poll<T>(
  ask: () => Promise<T | undefined>,
  {
    everyMs,
    timeoutMs,
    signal,
  }: { readonly everyMs: number; readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<T | undefined> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined || signal?.aborted || performance.now() > deadlineMs) return answer;
    await pause(everyMs, signal);
  }
}

export interface RetryLimits {
  readonly waitMsMin: number;
  readonly waitMsMax: number;
  /** Trouble that lasts longer is given up; left out, there is no end but the caller's. */
  readonly totalMsMax?: number | undefined;
}

/** The trouble lasted too long. What was done stays done. */
export class GaveUp extends Error {
  constructor(trouble: string, lastedMs: number) {
    super(`no progress for ${Math.round(lastedMs / 1_000)} s: ${trouble}`);
    this.name = 'GaveUp';
  }
}

/** One trouble at a time, which may be shared by many callers: they wait longer the longer it lasts. */
export class Retry {
  /** What is waited for now; undefined while all is well. */
  trouble: string | undefined;
  readonly #limits: RetryLimits;
  /** On the clock of `performance`. */
  #sinceMs: number | undefined;

  constructor(limits: RetryLimits) {
    this.#limits = limits;
  }

  /** There was progress: the next trouble is a new one. */
  progressed(): void {
    this.trouble = undefined;
    this.#sinceMs = undefined;
  }

  /**
   * Milliseconds to wait before the next attempt: at most as long as the trouble has lasted and `waitMsMax`, at least half
   * of that. @param trouble in words for a person @throws {GaveUp}
   */
  nextWaitMs(trouble: string): number {
    const nowMs = performance.now();
    this.#sinceMs ??= nowMs;
    this.trouble = trouble;
    const lastedMs = nowMs - this.#sinceMs;
    const { waitMsMin, waitMsMax, totalMsMax = Number.POSITIVE_INFINITY } = this.#limits;
    if (lastedMs > totalMsMax) throw new GaveUp(trouble, lastedMs);
    return Math.min(waitMsMax, Math.max(waitMsMin, lastedMs)) * (0.5 + Math.random() / 2);
  }

  /** Waits before the next attempt. @throws {GaveUp}, or the signal's reason */
  async wait(trouble: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await pause(this.nextWaitMs(trouble), signal);
    signal.throwIfAborted();
  }

  /**
   * Repeats an attempt until it succeeds. Success alone is no progress: who knows that there was some says so.
   * @param isPassing whether an error may pass by itself @throws the others, {@link GaveUp}, or the signal's reason
   */
  async run<T>(
    attempt: () => Promise<T>,
    isPassing: (error: unknown) => boolean,
    signal: AbortSignal,
  ): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!isPassing(error)) throw error;
        await this.wait(error instanceof Error ? error.message : String(error), signal);
      }
    }
  }
}
