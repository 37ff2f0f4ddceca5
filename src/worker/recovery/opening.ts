/**
 * What verification and rebuild have in common when they open a partition: the name of the new epoch, how late deadlines are,
 * and which sequences are gone.
 */
import { type Control, type Epoch, randomNonce } from '../../hotpath/codec/control-codec.ts';
import type { LedgerCursor } from '../../ledger/cursor.ts';

/** Deadlines that fell into a time in which nothing was decided are late by its length, and by no more than this. */
export const PAUSE_MS_MAX = 5 * 60_000;
/** A shorter interruption moves no deadline. */
const PAUSE_MS_MIN = 1_000;

/** How late deadlines are after the partition was closed from this instant on. @param sinceMs undefined: not known */
export function pauseSince(
  sinceMs: number | undefined,
  nowMs: number,
): { readonly lengthMs: number; readonly untilMs: number } | undefined {
  const closedMs = sinceMs === undefined ? 0 : nowMs - sinceMs;
  if (closedMs < PAUSE_MS_MIN) return undefined;
  const lengthMs = Math.min(closedMs, PAUSE_MS_MAX);
  return { lengthMs, untilMs: nowMs + lengthMs };
}

/** A new epoch: above those of both stores. */
export function nextEpoch(control: Control | undefined, cursor: LedgerCursor | undefined): Epoch {
  return { number: Math.max(control?.epoch.number ?? 0, cursor?.epoch ?? 0) + 1, nonce: randomNonce() };
}

/** Sequences that were seen in Redis and are in neither store now. */
export interface LostRange {
  readonly from: number;
  readonly to: number;
}

/** Sequences that this worker saw and that are gone. @param seen the last control record it read */
export function lostRange(
  seen: Control | undefined,
  control: Pick<Control, 'sequence'> | undefined,
  cursor: LedgerCursor | undefined,
): LostRange | undefined {
  const left = Math.max(control?.sequence ?? 0, cursor?.sequence ?? 0);
  return seen && seen.sequence > left ? { from: left + 1, to: seen.sequence } : undefined;
}
