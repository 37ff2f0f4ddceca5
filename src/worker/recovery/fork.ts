/**
 * Writes into the ledger what Redis has and the ledger does not, before Redis is emptied (H11): a person can then see which
 * orders were acknowledged in a history that does not go on.
 */

import { NOTHING } from '../../hotpath/codec/words.ts';
import { type Control, readChain } from '../../hotpath/partition.ts';
import type { LedgerCursor } from '../../ledger/cursor.ts';
import { type Comparison, compareHistories } from './compare.ts';
import type { RebuildParts } from './rebuild.ts';

/** More entries are counted, not kept. */
const ENTRIES_MAX = 100_000;
const ENTRIES_PAGE = 500;

export type Forked = Extract<Comparison, { kind: 'forked' }>;

/**
 * What a rebuild would discard: another history, or what continues the ledger's and is not carried. Undefined where there is nothing.
 */
export async function beyondLedger(
  { redis, keys, ledger }: Pick<RebuildParts, 'redis' | 'keys' | 'ledger'>,
  cursor: LedgerCursor,
  control: Control,
): Promise<Forked | undefined> {
  const comparison = await compareHistories({ redis, keys, ledger }, cursor, control);
  if (comparison.kind === 'forked') return comparison.fromId === undefined ? undefined : comparison;
  if (control.sequence <= cursor.sequence) return undefined;
  const at = { sequence: cursor.sequence, link: cursor.link ?? NOTHING };
  for await (const page of readChain(redis, keys, '-')) {
    const first = page.find((entry) => entry.sequence > cursor.sequence);
    if (first) return { kind: 'forked', at, fromId: first.id };
  }
  return { kind: 'forked', at, fromId: undefined };
}

/** @returns the number of the fork in the ledger */
export async function recordFork(
  { redis, keys, ledger }: RebuildParts,
  cursor: LedgerCursor,
  control: Control,
  { at, fromId }: Forked,
): Promise<number> {
  const entries: { entryId: string; atMs: number; link: string; events: string }[] = [];
  let start = fromId;
  while (start !== undefined && entries.length < ENTRIES_MAX) {
    const rows = await redis.xrange(keys.events, start, '+', 'COUNT', ENTRIES_PAGE);
    for (const [id, fields] of rows) {
      const field = (name: string) => fields[fields.indexOf(name) + 1] ?? '';
      const [link = ''] = fields.includes('link') ? field('link').split(' ') : [];
      entries.push({ entryId: id, atMs: Number(field('at')) || 0, link, events: field('events') });
    }
    const last = rows.at(-1);
    start = rows.length === ENTRIES_PAGE && last ? `(${last[0]}` : undefined;
  }
  const isCut = start !== undefined;
  return ledger.recordFork({
    partition: keys.partition,
    kind: fromId === undefined ? 'redis-went-back' : 'redis-forked',
    atSequence: at?.sequence,
    atLink: at?.link,
    redisSequence: control.sequence,
    ledgerSequence: cursor.sequence,
    detail:
      `Redis was at ${control.sequence}, the ledger at ${cursor.sequence}; ` +
      `${at ? `both have everything up to ${at.sequence}` : 'where the two part is not known'}` +
      (isCut ? `; only the first ${ENTRIES_MAX} entries are kept` : ''),
    entries,
  });
}
