/**
 * Opens a partition whose history was compared (H11): the ledger is written first, then Redis by a compare-and-set, then the
 * ledger says from where on the new epoch counts. A death in between leaves a closed partition and an epoch that never opened;
 * the next verification begins anew. Promises: in Redis nothing else changes.
 */
import { encodeControl, type NewControl } from '../../hotpath/codec/control-codec.ts';
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
import { lostRange, nextEpoch, pauseSince } from './opening.ts';
import type { RebuildParts } from './rebuild.ts';
import { readTrust } from './trust.ts';

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
  const after: NewControl = {
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
