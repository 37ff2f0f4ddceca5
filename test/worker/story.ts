/**
 * Events as the hot path would tell them, without one: each entry gets its versions and checkpoints from the aggregate's
 * own items. Transfers and reservations are not asked, so a story can tell what they would not allow.
 */
import { evolveItem, type InventoryItem, newItem } from '../../src/domain/inventory-item.ts';
import { decodeLines, type StockEvent } from '../../src/domain/language.ts';
import type { StreamEntry } from '../../src/hotpath/codec/stream-codec.ts';

/** An event with its lines as text, `S@W=1,...`; none for an event without. */
export type Told<E = StockEvent> = E extends StockEvent
  ? Omit<E, 'lines' | 'atMs' | 'actor'> & {
      readonly lines?: string;
      readonly atMs?: number;
      readonly actor?: string;
    }
  : never;

export const STORY_AT_MS = Date.UTC(2025, 10, 11);

export class Story {
  readonly items = new Map<string, InventoryItem>();
  /** Every entry so far. */
  readonly entries: StreamEntry[] = [];
  #eventsTotal = 0;
  /** The time of the next entry. */
  nowMs = STORY_AT_MS;

  item(name: string): InventoryItem {
    const [sku = '', warehouse = ''] = name.split('@');
    return this.items.get(name) ?? newItem(sku, warehouse);
  }

  /** One batch: its events with their versions, and its items as they stand behind it. */
  tell(...told: readonly Told[]): StreamEntry {
    const touched = new Set<string>();
    const events = told.map(({ lines, ...rest }) => {
      const event = { atMs: this.nowMs, actor: 'tester', ...rest, lines: [] } as StockEvent;
      const versioned = (lines ? decodeLines(lines) : []).map((line) => {
        const name = `${line.sku}@${line.warehouse}`;
        touched.add(name);
        const item = this.item(name);
        const eventLine = { ...line, version: item.version + 1 };
        this.items.set(name, evolveItem(item, event, eventLine));
        return eventLine;
      });
      return { ...event, lines: versioned };
    });
    this.#eventsTotal += events.length;
    const entry = {
      epoch: 1,
      sequence: this.entries.length + 1,
      atMs: this.nowMs,
      eventsTotal: this.#eventsTotal,
      link: `link${this.entries.length + 1}`,
      linkBefore: `link${this.entries.length}`,
      events,
      items: [...touched].map((name) => this.item(name)),
    };
    this.entries.push(entry);
    return entry;
  }
}
