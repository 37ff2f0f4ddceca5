/**
 * What the HTTP room asks of the ledger about one item's history: how it stood, and why it stands at its figures.
 * Part of readers.ts, whose promises it shares.
 */
import type { EventType, ItemView, ReleaseCause } from '../domain/language.ts';
import type { EntryFigures, EntryView } from './readers.ts';

interface ItemName {
  readonly sku: string;
  readonly warehouse: string;
}

/** A version of an item, or a time. */
export type Moment = { readonly version: number } | { readonly atMs: number };

export interface ExplainQuery extends ItemName {
  /** Left out: as it stands. */
  readonly moment?: Moment | undefined;
  /** Only what came behind it is added up; left out: all. */
  readonly since?: Moment | undefined;
  /** Holds that are listed. */
  readonly holdsMax: number;
}

/** Why an item cannot be told as it stood then. */
export type NotThen =
  | { readonly outcome: 'unknown-item' }
  | { readonly outcome: 'before-first-entry'; readonly firstAtMs: number }
  | { readonly outcome: 'no-such-version'; readonly newest: number };

export interface ExplanationView {
  readonly item: ItemView;
  readonly entry: EntryView | undefined;
  readonly opening: EntryFigures & { readonly version: number; readonly atMs: number | undefined };
  readonly sums: readonly {
    readonly type: EventType;
    readonly cause: ReleaseCause | undefined;
    readonly entries: number;
    /** Undefined where the entries name a level. */
    readonly quantity: number | undefined;
    readonly change: EntryFigures;
  }[];
  readonly holds: {
    readonly count: number;
    readonly quantity: number;
    readonly list: readonly {
      readonly orderId: string;
      readonly quantity: number;
      readonly reservedAtMs: number;
      readonly expiresAtMs: number;
    }[];
  };
  readonly check: { readonly matches: boolean; readonly text: string };
}

export interface HistoryReaders {
  explain(query: ExplainQuery): Promise<
    | ({ readonly outcome: 'explained' } & ExplanationView)
    | NotThen
    /** The sums were to begin behind the version that is explained. */
    | { readonly outcome: 'since-is-later'; readonly version: number }
    | { readonly outcome: 'too-long'; readonly msMax: number }
  >;
  asOf(
    item: ItemName,
    moment: Moment,
  ): Promise<{ readonly outcome: 'found'; readonly item: ItemView; readonly entry: EntryView } | NotThen>;
}
