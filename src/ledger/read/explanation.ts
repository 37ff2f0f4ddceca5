/**
 * An explanation of an item's figures: its parts, whether they come to the whole, and one sentence that says so.
 * Refuses to know: where the parts come from.
 */
import type { EventType, ItemView, ReleaseCause } from '../../domain/language.ts';
import type { Counters, LedgerEntry } from './ledger-entry.ts';
import type { OpenHold } from './queries.ts';

/** All entries of one kind. */
export interface EntrySum {
  readonly type: EventType;
  /** Only of InventoryReleased. */
  readonly cause: ReleaseCause | undefined;
  readonly entries: number;
  /** Units the entries name; undefined where they name a level, such as a safety stock. */
  readonly quantity: number | undefined;
  readonly change: Counters;
}

export interface HoldsThen {
  /** Orders, and their units, whether listed or not. */
  readonly count: number;
  readonly quantity: number;
  /** The latest deadlines first. */
  readonly list: readonly OpenHold[];
}

/** Where the sums begin. */
export interface Opening extends Counters {
  readonly version: number;
  /** Undefined at version 0, where nothing was there. */
  readonly atMs: number | undefined;
}

/** Whether opening and sums come to the item, and its holds to what is reserved; in words as well. */
export interface ExplanationCheck {
  readonly matches: boolean;
  readonly text: string;
}

export interface Explanation {
  readonly item: ItemView;
  /** The last entry; undefined where there is none because the first event was set apart (D8). */
  readonly entry: LedgerEntry | undefined;
  readonly opening: Opening;
  readonly sums: readonly EntrySum[];
  readonly holds: HoldsThen;
  readonly check: ExplanationCheck;
}

const COUNTERS = ['total', 'available', 'reserved', 'sold'] as const;

/** @param isQuarantined the ledger has stopped following the item (D8), while its holds go on */
export function checkOf(
  item: ItemView,
  opening: Opening,
  sums: readonly EntrySum[],
  holds: HoldsThen,
  isQuarantined: boolean,
): ExplanationCheck {
  const entries = sums.reduce((count, sum) => count + sum.entries, 0);
  const wrong = COUNTERS.flatMap((name) => {
    const reached = sums.reduce((value, { change }) => value + change[name], opening[name]);
    return reached === item[name] ? [] : [`${name} ${reached} instead of ${item[name]}`];
  });
  const steps = item.version - opening.version;
  if (entries !== steps) wrong.push(`entries ${entries} instead of ${steps}`);
  const areHoldsRight = holds.quantity === item.reserved;
  const begun = opening.version === 0 ? '' : `version ${opening.version} and `;
  const figures =
    (wrong.length === 0 ? 'follow from ' : 'do not follow from ') +
    `${begun}${counted(entries, 'entry', 'entries')}${wrong.length === 0 ? '' : ` (${wrong.join(', ')})`}`;
  const reserved =
    (areHoldsRight ? 'follows from ' : `(${item.reserved}) does not follow from `) +
    `${counted(holds.count, 'open hold', 'open holds')} of ${counted(holds.quantity, 'unit', 'units')}`;
  const aside = isQuarantined
    ? '; the item is in quarantine, so what came later waits beside the ledger'
    : '';
  const text = `The figures of version ${item.version} ${figures}, and what is reserved ${reserved}${aside}.`;
  return { matches: wrong.length === 0 && areHoldsRight, text };
}

function counted(count: number, one: string, many: string): string {
  return `${count === 0 ? 'no' : count} ${count === 1 ? one : many}`;
}
