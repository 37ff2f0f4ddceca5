/**
 * The explanation of an item's figures: its parts, whether they add up, and one sentence that says so.
 * Refuses to know: where the parts come from.
 */
import type { EventType, ItemView, ReleaseCause } from '../../domain/language.ts';
import type { Counters, LedgerEntry } from './ledger-entry.ts';
import type { OpenHold } from './queries.ts';

/** The sum of all entries of one type and cause. */
export interface EntrySum {
  readonly type: EventType;
  /** Only of InventoryReleased. */
  readonly cause: ReleaseCause | undefined;
  readonly entries: number;
  /**
   * Units of the entries' lines; undefined where a line names a level, such as a safety stock. Of InventoryRealigned: the
   * versions that were passed over.
   */
  readonly quantity: number | undefined;
  readonly change: Counters;
}

/** The holds of an item at one moment. */
export interface HoldsThen {
  /** All orders and their units, whether listed or not. */
  readonly count: number;
  readonly quantity: number;
  /** The latest deadlines first. */
  readonly list: readonly OpenHold[];
}

/** The version after which the sums begin, with its counters. */
export interface Opening extends Counters {
  readonly version: number;
  /** Undefined at version 0, before the first entry. */
  readonly atMs: number | undefined;
}

/** Whether opening and sums add up to the item, and its holds to what is reserved; also as a sentence. */
export interface ExplanationCheck {
  readonly matches: boolean;
  readonly text: string;
}

/** An item with the parts that its figures follow from. */
export interface Explanation {
  readonly item: ItemView;
  /** The last entry; undefined where the item has none, because it was in quarantine from the beginning (D8). */
  readonly entry: LedgerEntry | undefined;
  readonly opening: Opening;
  readonly sums: readonly EntrySum[];
  readonly holds: HoldsThen;
  readonly check: ExplanationCheck;
}

const COUNTERS = ['total', 'available', 'reserved', 'sold'] as const;

/** Checks the parts against the item. @param isQuarantined the ledger no longer follows the item (D8), but its holds */
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
  const passedOver = sums.find(({ type }) => type === 'InventoryRealigned')?.quantity ?? 0;
  const steps = item.version - opening.version - passedOver;
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
    ? '; the item is in quarantine, so later events are parked and not in the ledger'
    : '';
  const text = `The figures of version ${item.version} ${figures}, and what is reserved ${reserved}${aside}.`;
  return { matches: wrong.length === 0 && areHoldsRight, text };
}

function counted(count: number, one: string, many: string): string {
  return `${count === 0 ? 'no' : count} ${count === 1 ? one : many}`;
}
