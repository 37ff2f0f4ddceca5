/**
 * Faults of the hot path: outages, which are thrown; refusals are values.
 * Promises: every fault says whether the command can have run, which a caller must know to go on.
 */

import type { NotReadyReason } from './not-ready.ts';

/**
 * `not-ready`: the partition is closed while it is rebuilt (D10). `unavailable`: Redis did not answer or refused to run.
 * `overloaded`: too many commands wait.
 */
export type FaultCode = 'not-ready' | 'unavailable' | 'overloaded';

/**
 * `nothing-happened`: the command did not run.
 * `unknown`: there is no answer, and the command may have run. Repeat it under the same id: that is always safe (BR-006).
 */
export type FaultOutcome = 'nothing-happened' | 'unknown';

/**
 * An outage. Repeat the command after `retryAfterMs` under the same id.
 * @example
 * catch (error) {
 *   if (error instanceof Fault && error.outcome === 'unknown') await hot.reserve(sameInput);
 * }
 */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly outcome: FaultOutcome;
  /** How long a caller should wait before it repeats the command. */
  readonly retryAfterMs: number;
  /** Of the fault `not-ready`. */
  readonly reason: NotReadyReason | undefined;
  constructor(
    code: FaultCode,
    outcome: FaultOutcome,
    message: string,
    retryAfterMs = 1_000,
    cause?: unknown,
    reason?: NotReadyReason,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Fault';
    this.code = code;
    this.outcome = outcome;
    this.retryAfterMs = retryAfterMs;
    this.reason = reason;
  }
}

/** Errors that Redis answers before it runs the first line of a script with a `#!lua` header. */
const REFUSED_BEFORE_START =
  /^(OOM|BUSY|LOADING|MISCONF|READONLY|NOREPLICAS|NOSCRIPT|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOAUTH|NOPERM|WRONGPASS)\b/;

/** Whether Redis has reached `maxmemory` and refused a script that may write, before running it. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('OOM');
}

/**
 * The fault of a batch after an error of the client or of Redis.
 * @param wasSent false if the connection was not ready, so that nothing was sent
 */
export function faultOf(error: unknown, wasSent: boolean): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  const outcome = !wasSent || REFUSED_BEFORE_START.test(message) ? 'nothing-happened' : 'unknown';
  const what =
    outcome === 'unknown' ? 'no answer from Redis, the outcome is unknown' : 'Redis did not take the command';
  return new Fault('unavailable', outcome, `${what}: ${message}`, 1_000, error);
}
