/**
 * What to do where stream and ledger do not follow from each other: which cases a rebuild from the ledger corrects by
 * itself, and which a person must decide, because a rebuild would discard acknowledged decisions.
 */
import { type Control, readControl } from '../../hotpath/partition.ts';
import type { LedgerCursor } from '../../ledger/cursor.ts';
import type { NotReadyCause } from '../carry/stream-reader.ts';
import { type RebuildOutcome, type RebuildParts, rebuild } from './rebuild.ts';

/** `ask-a-person`: a rebuild would discard acknowledged decisions, or the stores do not belong together. */
export type Remedy =
  | { readonly kind: 'none' }
  | { readonly kind: 'rebuild'; readonly why: string }
  | { readonly kind: 'ask-a-person'; readonly why: string };

/**
 * Which remedy the state of both stores asks for.
 * @param control of Redis; undefined where it has no partition
 * @param cursor of the ledger; undefined where it does not know the partition
 * @param reason why the worker stopped; undefined where it did not
 */
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
  // A rebuild that died, or a person, left the fence; what Redis had decided is copied to the ledger before it is emptied.
  const isDrained = control.sequence === cursor.sequence;
  if (control.state === 'fenced' && isDrained) return { kind: 'rebuild', why: 'the partition is fenced' };
  return { kind: 'none' };
}

/** Only a person can decide; the message says between what. */
export class ManualInterventionRequired extends Error {}

/** Rebuilds where that is needed and safe; undefined where nothing is wrong. @throws {ManualInterventionRequired}, or where a store is away */
export async function recover(
  parts: RebuildParts,
  reason: NotReadyCause | undefined,
): Promise<(RebuildOutcome & { readonly why: string }) | undefined> {
  // In this order: the ledger follows Redis, so a cursor that is read first is never ahead of a sound Redis. In the other
  // order a chunk committed between the two reads would look like a loss of Redis, which would be emptied while it sells.
  const cursor = await parts.ledger.cursor(parts.keys.partition);
  const control = await readControl(parts.redis, parts.keys);
  const remedy = remedyFor(control, cursor, reason);
  if (remedy.kind === 'none') return undefined;
  if (remedy.kind === 'ask-a-person') throw new ManualInterventionRequired(remedy.why);
  return { ...(await rebuild(parts)), why: remedy.why };
}
