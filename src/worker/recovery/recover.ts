/**
 * What to do where hot path and ledger do not follow from each other: which cases a rebuild from the ledger puts right by
 * itself, and which a person must look at, because it would throw away decisions that were acknowledged.
 */
import { type Control, readControl } from '../../hotpath/partition.ts';
import type { LedgerCursor } from '../../ledger/cursor.ts';
import type { NotReadyCause } from '../carry/stream-reader.ts';
import { type RebuildOutcome, type RebuildParts, rebuild } from './rebuild.ts';

export type Remedy =
  | { readonly kind: 'none' }
  | { readonly kind: 'rebuild'; readonly why: string }
  | { readonly kind: 'ask-a-person'; readonly why: string };

/** @param reason what the worker met; undefined where nothing was met and the partition is only looked at */
export function remedyFor(
  control: Control | undefined,
  cursor: LedgerCursor | undefined,
  reason: NotReadyCause | undefined,
): Remedy {
  if (!control)
    return { kind: 'rebuild', why: cursor ? 'Redis has forgotten the partition' : 'the partition is new' };
  if (!cursor) {
    const why =
      "Redis holds a partition that this ledger never saw: is it the right database, or another shop's Redis?";
    return { kind: 'ask-a-person', why };
  }
  if (control.epoch > cursor.epoch) {
    const why = `Redis is at epoch ${control.epoch}, the ledger only at ${cursor.epoch}: was the ledger restored from a backup?`;
    return { kind: 'ask-a-person', why };
  }
  if (control.epoch < cursor.epoch)
    return { kind: 'rebuild', why: 'Redis is at an older epoch than the ledger' };
  if (control.sequence < cursor.sequence)
    return { kind: 'rebuild', why: 'Redis lacks decisions that the ledger has' };
  if (reason === 'sequence-gap') {
    const why =
      'decisions that were acknowledged are missing from the stream: compare before anything is rebuilt';
    return { kind: 'ask-a-person', why };
  }
  // A rebuild that died, or a person, left the fence; what Redis had decided is carried over before it is emptied.
  const isDrained = control.sequence === cursor.sequence;
  if (control.state === 'fenced' && isDrained) return { kind: 'rebuild', why: 'the partition is fenced' };
  return { kind: 'none' };
}

/** Thrown where only a person can decide. */
export class ManualInterventionRequired extends Error {}

/** Looks, and rebuilds where that is safe. @throws {NeedsPerson}, or where a store is away */
export async function recover(
  parts: RebuildParts,
  reason: NotReadyCause | undefined,
): Promise<(RebuildOutcome & { readonly why: string }) | undefined> {
  // In this order: the ledger follows Redis, so a cursor read first is never ahead of a Redis that is well. The other way
  // round, or both at once, a chunk committed between the two reads looks like a Redis that lost it, and selling Redis
  // would be emptied with all that was not carried over yet.
  const cursor = await parts.ledger.cursor(parts.keys.partition);
  const control = await readControl(parts.redis, parts.keys);
  const remedy = remedyFor(control, cursor, reason);
  if (remedy.kind === 'none') return undefined;
  if (remedy.kind === 'ask-a-person') throw new ManualInterventionRequired(remedy.why);
  return { ...(await rebuild(parts)), why: remedy.why };
}
