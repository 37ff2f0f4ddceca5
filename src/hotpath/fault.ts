/**
 * Faults of the hot path: outages, as opposed to refusals, which are values.
 * Promises: every fault says whether anything can have happened, which is what a caller must know to go on.
 */

export type FaultCode = 'not-ready' | 'unavailable' | 'overloaded';

/**
 * `nothing-happened`: the command did not run and did not change anything.
 * `unknown`: no answer came; it may have run. Repeat it under the same id: repeating is always safe (BR-006).
 */
export type FaultOutcome = 'nothing-happened' | 'unknown';

export class Fault extends Error {
  readonly code: FaultCode;
  readonly outcome: FaultOutcome;
  /** How long a caller does well to wait before it repeats. */
  readonly retryAfterMs: number;
  constructor(
    code: FaultCode,
    outcome: FaultOutcome,
    message: string,
    retryAfterMs = 1_000,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Fault';
    this.code = code;
    this.outcome = outcome;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Redis answers these before the first line of a script that opens with `#!lua`: nothing ran. */
const REFUSED_BEFORE_START =
  /^(OOM|BUSY|LOADING|MISCONF|READONLY|NOREPLICAS|NOSCRIPT|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOAUTH|NOPERM|WRONGPASS)\b/;

/** Redis has reached `maxmemory` and took nothing of a script that may write. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('OOM');
}

/** What an error of the client or the server means for the commands of a batch. */
export function faultOf(error: unknown, wasSent: boolean): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  const outcome = !wasSent || REFUSED_BEFORE_START.test(message) ? 'nothing-happened' : 'unknown';
  const what =
    outcome === 'unknown' ? 'no answer from Redis, the outcome is unknown' : 'Redis did not take the command';
  return new Fault('unavailable', outcome, `${what}: ${message}`, 1_000, error);
}
