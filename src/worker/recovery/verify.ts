/**
 * Opens a partition whose history was compared (H11): the ledger is written first, then Redis by a compare-and-set, then the
 * ledger says from where on the new epoch counts. A death in between leaves a closed partition and an epoch that never opened;
 * the next verification begins anew. Promises: in Redis nothing else changes.
 */
import { type Control, encodeControl, randomNonce } from '../../hotpath/codec/control-codec.ts';
import { NOTHING } from '../../hotpath/codec/words.ts';
import {
  type ControlRecord,
  type Epoch,
  type Incarnation,
  isVerified,
  readClockMs,
  replaceControl,
} from '../../hotpath/partition.ts';
import type { LedgerCursor } from '../../ledger/cursor.ts';
import type { RebuildParts } from './rebuild.ts';
import { readTrust } from './trust.ts';

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

/** What a verification did. */
export interface Verification {
  readonly epoch: Epoch;
  readonly incarnation: string;
  /** Where the epoch begins. */
  readonly sequence: number;
}

/**
 * Opens the partition in this incarnation under a new epoch.
 * @param control as it was compared with the ledger's cursor
 * @throws where either store changed meanwhile, or an outage: the caller begins anew
 */
export async function verify(
  parts: RebuildParts,
  cursor: LedgerCursor,
  control: ControlRecord,
  incarnation: Incarnation,
): Promise<Verification> {
  const { redis, keys, ledger } = parts;
  const { partition } = keys;
  const isSelling = isVerified(control, incarnation);
  const trust = await readTrust(redis, keys);
  const compared = { sequence: control.sequence, link: control.link, eventsTotal: control.eventsTotal };
  if (trust && control.state === 'trusted' && trust.nonce === control.epoch.nonce) {
    // The ledger learns now who opened the partition without it.
    const { actor, reason, sequence, link } = trust;
    const id = await ledger.beginEpoch(partition, {
      epoch: control.epoch,
      incarnation: trust.incarnation,
      how: 'person',
      compared: { sequence, link, eventsTotal: trust.eventsTotal },
      actor,
      reason,
    });
    if (id !== undefined) await ledger.openEpoch(id, { sequence, link });
  }
  const epoch = nextEpoch(control, await ledger.cursor(partition));
  const lost = lostRange(parts.seen?.(), control, cursor);
  const id = await ledger.beginEpoch(partition, {
    epoch,
    incarnation: incarnation.id,
    how: 'verified',
    compared,
    cursor,
    ...(lost ? { lost } : {}),
  });
  if (id === undefined)
    throw new Error(`partition ${partition}: another process began a newer epoch, or carried meanwhile`);
  const nowMs = await readClockMs(redis);
  const after: Omit<Control, 'isLinked'> = {
    ...control,
    epoch,
    incarnation: incarnation.id,
    carriedTotal: cursor.eventsTotal,
    pause: isSelling ? control.pause : (pauseSince(control.clockMs, nowMs) ?? control.pause),
    state: 'open',
  };
  const { control: now, isReplaced } = await replaceControl(redis, keys, control, after, {
    incarnation: incarnation.id,
    whileSelling: isSelling,
  });
  if (!isReplaced || !now) {
    throw new Error(
      `partition ${partition} changed while it was verified: ${now?.text ?? NOTHING}, not ${encodeControl(after)}`,
    );
  }
  await ledger.openEpoch(id, { sequence: now.sequence, link: now.link });
  if (trust) await redis.del(keys.trust);
  return { epoch, incarnation: incarnation.id, sequence: now.sequence };
}
