/**
 * What the doctor says of one thing that it looked at. Promises: whatever is not well comes with what to do.
 */

/** `warn`: it works and should be better. `fail`: it does not work, or breaks a promise. */
export type FindingState = 'ok' | 'warn' | 'fail';

/** One line of the doctor. */
export interface Finding {
  readonly check: string;
  readonly state: FindingState;
  readonly says: string;
  /** Missing where all is well, and where `says` has it already. */
  readonly remedy?: string;
}

/** All is well. */
export function ok(check: string, says: string): Finding {
  return { check, state: 'ok', says };
}

/** It works and should be better. */
export function warn(check: string, says: string, remedy?: string): Finding {
  return { check, state: 'warn', says, ...(remedy === undefined ? {} : { remedy }) };
}

/** It does not work, or breaks a promise. */
export function fail(check: string, says: string, remedy?: string): Finding {
  return { check, state: 'fail', says, ...(remedy === undefined ? {} : { remedy }) };
}

/** How far the clock of a store is ahead of this machine's, and how exactly that is known. */
export interface ClockReading {
  readonly aheadMs: number;
  readonly exactToMs: number;
}

/**
 * Reads a clock: the answer was made at some time between question and answer.
 * @param ask milliseconds since 1970 by the other clock
 */
export async function readClock(ask: () => Promise<number>): Promise<ClockReading> {
  const askedAtMs = Date.now();
  const theirsMs = await ask();
  const halfMs = (Date.now() - askedAtMs) / 2;
  return { aheadMs: theirsMs - (askedAtMs + halfMs), exactToMs: halfMs };
}
