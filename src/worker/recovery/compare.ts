/**
 * Compares the history in Redis with the ledger's, link by link (H11): does the one continue the other, does an entry lack, or
 * are they two? Promises: it only reads. A sequence alone never counts: two histories can have the same numbers.
 */

import { NOTHING } from '../../hotpath/codec/words.ts';
import type { RedisConnection } from '../../hotpath/hot-inventory.ts';
import type { PartitionKeys } from '../../hotpath/keys.ts';
import { type ChainLink, type Control, readChain } from '../../hotpath/partition.ts';
import type { LedgerCursor } from '../../ledger/cursor.ts';
import type { Ledger } from '../../ledger/ledger.ts';

/** A place in a history. */
export interface Place {
  readonly sequence: number;
  readonly link: string;
}

/**
 * `follows`: Redis continues the ledger's history, or is where it is. `entries-missing`: nothing contradicts that, but the stream
 * lacks entries that the ledger needs. `forked`: from `at` on Redis has another history, or less; `fromId` is its first stream
 * entry that the ledger does not have, undefined where it has none.
 */
export type Comparison =
  | { readonly kind: 'follows' }
  | { readonly kind: 'entries-missing'; readonly detail: string }
  | { readonly kind: 'forked'; readonly at: Place | undefined; readonly fromId: string | undefined };

export interface ComparedStores {
  readonly redis: RedisConnection;
  readonly keys: PartitionKeys;
  readonly ledger: Pick<Ledger, 'knownLinks'>;
}

/** Compares where both stores are. @throws an outage */
export async function compareHistories(
  { redis, keys, ledger }: ComparedStores,
  cursor: LedgerCursor,
  control: Control,
): Promise<Comparison> {
  const end: Place = { sequence: cursor.sequence, link: cursor.link ?? NOTHING };
  if (control.sequence === end.sequence && control.link === end.link) return { kind: 'follows' };
  const known = new Map<number, string>();
  for (const { sequence, link } of await ledger.knownLinks(keys.partition, 0)) known.set(sequence, link);
  known.set(end.sequence, end.link);
  const walk = new ChainWalk(end, known, control);
  for await (const page of readChain(redis, keys, '-')) for (const entry of page) walk.pass(entry);
  return walk.end();
}

/** Passes the stream once, oldest entry first. */
class ChainWalk {
  readonly #end: Place;
  readonly #known: ReadonlyMap<number, string>;
  readonly #oldestKnown: number;
  readonly #control: Place;
  /** The newest entry that both have. */
  #common: Place | undefined;
  #foreignId: string | undefined;
  #last: ChainLink | undefined;
  /** The first entry after the ledger's end does not come right after it, or one in between is gone. */
  #gap: string | undefined;

  constructor(end: Place, known: ReadonlyMap<number, string>, control: Place) {
    this.#control = control;
    this.#end = end;
    this.#known = known;
    // One by one: the ledger keeps more links than a call may have arguments.
    let oldest = end.sequence;
    for (const sequence of known.keys()) oldest = Math.min(oldest, sequence);
    this.#oldestKnown = oldest;
  }

  pass(entry: ChainLink): void {
    // While the partition sells, entries come that the control record as it was read does not count yet.
    if (entry.sequence > this.#control.sequence) return;
    const last = this.#last;
    this.#last = entry;
    if (entry.sequence <= this.#end.sequence) {
      // What is older than the links that the ledger keeps cannot be compared. It was verified when it was newer.
      const link = this.#known.get(entry.sequence);
      const isCommon = link === undefined ? entry.sequence < this.#oldestKnown : link === entry.link;
      if (isCommon && this.#foreignId === undefined) this.#common = entry;
      else if (link !== undefined || this.#foreignId !== undefined) this.#foreignId ??= entry.id;
      return;
    }
    const before = last && last.sequence > this.#end.sequence ? last : this.#end;
    if (entry.sequence !== before.sequence + 1) this.#gap ??= `${before.sequence} is followed by ${entry.id}`;
    else if (entry.before !== before.link) {
      if (before === this.#end) this.#foreignId ??= entry.id;
      else this.#gap ??= `${entry.id} does not continue the entry before it`;
    }
  }

  end(): Comparison {
    const control = this.#control;
    const last: Place = this.#last ?? { sequence: 0, link: NOTHING };
    if (this.#foreignId !== undefined) return this.#forked(this.#foreignId);
    if (control.sequence < this.#end.sequence) {
      const link = this.#known.get(control.sequence);
      const isPrefix = link === undefined || link === control.link;
      return isPrefix ? { kind: 'forked', at: control, fromId: undefined } : this.#forked(undefined);
    }
    if (control.sequence === this.#end.sequence) return this.#forked(undefined);
    if (this.#gap !== undefined) return { kind: 'entries-missing', detail: this.#gap };
    const isWhole = last.sequence === control.sequence && last.link === control.link;
    if (isWhole) return { kind: 'follows' };
    const detail = `the control record is at ${control.sequence}, the stream ends at ${last.sequence}`;
    return { kind: 'entries-missing', detail };
  }

  #forked(fromId: string | undefined): Comparison {
    return { kind: 'forked', at: this.#common, fromId };
  }
}
