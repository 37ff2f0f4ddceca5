/**
 * What to do when a worker takes the lease, or stream and ledger do not follow from each other (D10, H11): which cases are
 * verified, which a rebuild from the ledger corrects, and which a person must decide, because the ledger would lose what Redis
 * alone has. Promises: what a forked Redis has beyond the ledger is written down before anything is emptied.
 */
import type { Logger } from 'pino';
import { type Control, decodeControl, isSameEpoch } from '../../hotpath/codec/control-codec.ts';
import { decodeEntry } from '../../hotpath/codec/stream-codec.ts';
import { NOTHING, Unreadable } from '../../hotpath/codec/words.ts';
import {
  type ControlRecord,
  fencePartition,
  type Incarnation,
  isVerified,
  readClockMs,
  readIncarnation,
} from '../../hotpath/partition.ts';
import type { LedgerCursor } from '../../ledger/cursor.ts';
import { messageOf } from '../carry/failure.ts';
import type { NotReadyCause } from '../carry/stream-reader.ts';
import { compareHistories } from './compare.ts';
import { type Forked, recordFork } from './fork.ts';
import { type RebuildOutcome, type RebuildParts, rebuild } from './rebuild.ts';
import { readTrust } from './trust.ts';
import { type Verification, verify } from './verify.ts';

/** Why a worker recovers: it took the lease, or what stopped it. */
export type RecoveryReason = 'lease' | NotReadyCause;

/** What was done; `none`: nothing is wrong, or carrying goes on first. */
export type Recovery =
  | { readonly did: 'none' }
  | ({ readonly did: 'verified' } & Verification)
  | ({ readonly did: 'rebuilt'; readonly why: string; readonly fork: number | undefined } & RebuildOutcome);

/** Only a person can decide; the message says between what, and the command that ends it. */
export class ManualInterventionRequired extends Error {}

/** What a recovery works on. */
export interface RecoveryParts extends RebuildParts {
  readonly log: Pick<Logger, 'error'>;
  /** What this process remembers: whether a worker of another ledger has taken the partition from it. */
  readonly memory?: { wasDeposed: boolean } | undefined;
}

/** Redis's clock and this process's may differ by so much; the program closes the partition at the same difference (D4). */
const CLOCKS_DIFFER_MS_MAX = 10_000;
const NONE: Recovery = { did: 'none' };

/** Does what the state of both stores asks for. @throws {ManualInterventionRequired}, or where a store is away or changed meanwhile */
export async function recover(parts: RecoveryParts, reason: RecoveryReason): Promise<Recovery> {
  const { redis, keys, ledger } = parts;
  // In this order: the ledger follows Redis, so a cursor that is read first is never ahead of a sound Redis. In the other
  // order a chunk committed between the two reads would look like a loss of Redis, which would be emptied while it sells.
  const cursor = await ledger.cursor(keys.partition);
  const incarnation = await readIncarnation(redis);
  if (!incarnation.isPrimary) throw new Error('Redis is a replica now; the primary is looked for');
  const control = await readOrRepair(parts);
  if (!control) {
    const why = cursor ? 'Redis has forgotten the partition' : 'the partition is new';
    return { did: 'rebuilt', why, fork: undefined, ...(await rebuild(parts)) };
  }
  if (!cursor) {
    throw new ManualInterventionRequired(
      'Redis holds a partition that this ledger never saw. Is it the right database, and the right HOLDFAST_PREFIX? ' +
        'Where it is, `npm run import-from-redis` brings the partition into this ledger.',
    );
  }
  const comparison = isOlderRelease(control, cursor)
    ? ({ kind: 'forked', at: undefined, fromId: undefined } as const)
    : await compareHistories(parts, cursor, control);
  switch (comparison.kind) {
    case 'follows':
      return follow(parts, reason, cursor, control, incarnation);
    case 'entries-missing':
      throw new ManualInterventionRequired(
        `decisions that were acknowledged are in Redis alone, and the stream no longer has them (${comparison.detail}): ` +
          '`npm run import-from-redis` brings them into the ledger, and selling goes on meanwhile.',
      );
    case 'forked':
      return leaveFork(parts, cursor, control, incarnation, comparison);
  }
}

/** A partition of the release before began its sequences anew with each epoch: one of an older epoch is another history. */
function isOlderRelease(control: Control, cursor: LedgerCursor): boolean {
  return !control.isLinked && control.epoch.number < cursor.epoch;
}

/** Redis continues the ledger: it is opened, or filled anew where it was closed for that. */
async function follow(
  parts: RecoveryParts,
  reason: RecoveryReason,
  cursor: LedgerCursor,
  control: ControlRecord,
  incarnation: Incarnation,
): Promise<Recovery> {
  if (control.state === 'fenced' || control.state === 'clock') {
    // What was decided before is carried first.
    if (control.sequence > cursor.sequence) return NONE;
    if (control.state === 'clock') await expectClocksToAgree(parts);
    const why =
      control.state === 'clock'
        ? "Redis's clock leapt, so records may have expired"
        : 'the partition is fenced';
    return { did: 'rebuilt', why, fork: undefined, ...(await rebuild(parts)) };
  }
  const isOurs = isSameEpoch(control.epoch, { number: cursor.epoch, nonce: cursor.nonce ?? NOTHING });
  if (reason === 'other-epoch' && !isOurs && !(await isKnown(parts, control))) {
    if (parts.memory) parts.memory.wasDeposed = true;
    throw new ManualInterventionRequired(
      `a worker of another ledger has verified this partition (epoch ${control.epoch.number} is not in this ledger). ` +
        'Two databases follow one Redis: stop the workers of the one that is no longer in use, then start this one again.',
    );
  }
  if (reason !== 'lease' && isOurs && isVerified(control, incarnation)) return NONE;
  return { did: 'verified', ...(await verify(parts, cursor, control, incarnation)) };
}

/** Redis has another history or less than the ledger: what it has beyond is written down, then it is filled from the ledger. */
async function leaveFork(
  parts: RecoveryParts,
  cursor: LedgerCursor,
  control: ControlRecord,
  incarnation: Incarnation,
  comparison: Forked,
): Promise<Recovery> {
  if (!(await mayRebuild(parts, control, incarnation, comparison))) {
    throw new ManualInterventionRequired(
      `Redis has another history than this ledger, and another ledger has verified it (epoch ${control.epoch.number} is not in ` +
        'this one). Two databases follow one Redis, or the ledger was restored from a backup: where this ledger is the right one, ' +
        '`npm run import-from-redis` brings into it what only Redis has; `npm run rebuild -- --accept-loss` leaves that out.',
    );
  }
  const fork = await recordFork(parts, cursor, ...(await closedFork(parts, cursor, control, comparison)));
  const why = comparison.fromId
    ? 'Redis has another history than the ledger'
    : 'Redis lacks decisions that the ledger has';
  return { did: 'rebuilt', why, fork, ...(await rebuild(parts)) };
}

/** Closes the partition and compares again: what an open one decided meanwhile must be written down as well. */
async function closedFork(
  parts: RecoveryParts,
  cursor: LedgerCursor,
  control: ControlRecord,
  comparison: Forked,
): Promise<[Control, Forked]> {
  // A record of the release before, or a damaged one, decides nothing.
  if (!control.isLinked || control.epoch.nonce === NOTHING) return [control, comparison];
  const fenced = await fencePartition(parts.redis, parts.keys);
  const again = await compareHistories(parts, cursor, fenced);
  if (again.kind !== 'forked') throw new Error('Redis changed while it was compared with the ledger');
  return [fenced, again];
}

/** Whether this ledger may discard what Redis has beyond it. */
async function mayRebuild(
  parts: RecoveryParts,
  control: ControlRecord,
  incarnation: Incarnation,
  { at, fromId }: Forked,
): Promise<boolean> {
  if (await isKnown(parts, control)) return true;
  // A fence at a place that this ledger knows: nothing was decided after it.
  if (control.state === 'fenced' && fromId === undefined && at?.sequence === control.sequence) return true;
  // A ledger that was restored may lack the epoch. Only what a worker of another ledger has verified is not ours to discard.
  return !isVerified(control, incarnation) && !parts.memory?.wasDeposed;
}

/** Whether this ledger wrote the epoch of the control record, or a person vouched for it. */
async function isKnown(
  { redis, keys, ledger }: RebuildParts,
  { epoch, isLinked }: Control,
): Promise<boolean> {
  // The release before gave its epochs a number only, and a record that was damaged has none.
  if (!isLinked || epoch.nonce === NOTHING) return true;
  const known = await ledger.epochs(keys.partition, EPOCHS_MAX);
  if (known.some((row) => isSameEpoch(row.epoch, epoch))) return true;
  return (await readTrust(redis, keys))?.nonce === epoch.nonce;
}
const EPOCHS_MAX = 10_000;

async function expectClocksToAgree({ redis }: RebuildParts): Promise<void> {
  const differenceMs = (await readClockMs(redis)) - Date.now();
  if (Math.abs(differenceMs) <= CLOCKS_DIFFER_MS_MAX) return;
  const seconds = Math.round(differenceMs / 1_000);
  throw new Error(
    `Redis's clock is ${seconds} s away from this machine's: set both by NTP; the partition waits`,
  );
}

/**
 * The control record. One that cannot be read is made again from the last stream entry, which every change leaves.
 * @throws {ManualInterventionRequired} where there is no entry
 */
async function readOrRepair(parts: RecoveryParts): Promise<ControlRecord | undefined> {
  const { redis, keys, log } = parts;
  const text = await redis.get(keys.control);
  if (text === null) return undefined;
  try {
    return { ...decodeControl(text), text };
  } catch (error) {
    if (!(error instanceof Unreadable) || error.isNewer) throw error;
    log.error(
      { err: error },
      'the control record was damaged: it is made again from the last entry of the stream',
    );
    const [row] = await redis.xrevrange(keys.events, '+', '-', 'COUNT', 1);
    try {
      if (!row) throw new Error('the stream is empty');
      const { epoch, sequence, link, atMs, eventsTotal } = decodeEntry(row[0], row[1]);
      return {
        epoch: { number: epoch, nonce: NOTHING },
        sequence,
        link,
        clockMs: atMs,
        eventsTotal,
        carriedTotal: eventsTotal,
        incarnation: undefined,
        pause: undefined,
        state: 'open',
        isLinked: true,
        text,
      };
    } catch (failure) {
      throw new ManualInterventionRequired(
        `the control record of the partition is damaged, and the stream does not say where it was (${messageOf(failure)}): ` +
          '`npm run rebuild -- --accept-loss` fills Redis from the ledger.',
      );
    }
  }
}
