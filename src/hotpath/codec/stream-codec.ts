/**
 * The outbox (D6): one entry of the partition's stream for each batch that changed something.
 * Format: id `<epoch>-<sequence>`; fields `at` (ms), `count` (events so far), `link` (`<own> <of the entry before>`), `events`
 * (one text a line) and `items` (`sku@warehouse item` a line: each changed item after the batch, the checkpoint). Entries of
 * the release before have no `link`.
 * Promises: every event line gets its version; any other text throws.
 */
import type { Redis } from 'ioredis';
import type { InventoryItem } from '../../domain/inventory-item.ts';
import { decodeItemName, type EventLine, itemName, type StockEvent } from '../../domain/language.ts';
import type { PartitionKeys } from '../keys.ts';
import { decodeEvents, type Unversioned } from './event-codec.ts';
import { decodeItem } from './item-codec.ts';
import { decodeDigits, NOTHING, Unreadable } from './words.ts';

/** The events of one batch, and the items they changed. */
export interface StreamEntry {
  readonly epoch: number;
  readonly sequence: number;
  readonly atMs: number;
  /** Events so far, including those of this entry. */
  readonly eventsTotal: number;
  /** What tells this entry from every other, and the link of the entry before (H11); `-` in one of the release before. */
  readonly link: string;
  readonly linkBefore: string;
  readonly events: readonly StockEvent[];
  /** The changed items after the batch; the worker's own result must be equal. */
  readonly items: readonly InventoryItem[];
}

/** Entries after `sequence`, oldest first, at most `countMax`; empty if there are none. @throws {Unreadable} */
export async function readStream(
  redis: Redis,
  keys: PartitionKeys,
  epoch: number,
  sequence: number,
  countMax: number,
): Promise<StreamEntry[]> {
  const rows = await redis.xrange(keys.events, `${epoch}-${sequence + 1}`, '+', 'COUNT', countMax);
  return rows.map(([id, fields]) => decodeEntry(id, fields));
}

const LINKS = /^(\S+) (\S+)$/;
const UNLINKED = ['', NOTHING, NOTHING] as const;

/** Decodes one entry. @throws {Unreadable} */
export function decodeEntry(id: string, fields: readonly string[]): StreamEntry {
  const dash = id.indexOf('-');
  const isLinked = fields[4] === 'link';
  const [at, atText, count, countText] = fields;
  const [events, eventsText = '', items, itemsText = ''] = fields.slice(isLinked ? 6 : 4);
  const link = isLinked ? LINKS.exec(fields[5] ?? '') : UNLINKED;
  const isWhole = fields.length === (isLinked ? 10 : 8) && link !== null;
  if (!isWhole || at !== 'at' || count !== 'count' || events !== 'events' || items !== 'items') {
    throw new Unreadable('a stream entry', `${id} ${fields.join(' ')}`);
  }
  const atMs = decodeDigits('a time', atText);
  const checkpoint = itemsText === '' ? [] : itemsText.split('\n').map(decodeCheckpoint);
  const unversioned: Unversioned<StockEvent>[] = [];
  for (const text of eventsText.split('\n')) decodeEvents(text, atMs, unversioned);
  return {
    epoch: Number(id.slice(0, dash)),
    sequence: Number(id.slice(dash + 1)),
    atMs,
    eventsTotal: decodeDigits('a count', countText),
    link: link[1] as string,
    linkBefore: link[2] as string,
    events: withVersions(unversioned, checkpoint),
    items: checkpoint,
  };
}

function decodeCheckpoint(text: string): InventoryItem {
  const space = text.indexOf(' ');
  const name = decodeItemName(text.slice(0, space));
  if (!name) throw new Unreadable('a checkpoint', text);
  return decodeItem(name.sku, name.warehouse, text.slice(space + 1));
}

/** The version of each event line follows from the checkpoint: it has the last version of an item, and each line adds one. */
function withVersions(
  events: readonly Unversioned<StockEvent>[],
  items: readonly InventoryItem[],
): StockEvent[] {
  const next = new Map<string, number>();
  for (const item of items) next.set(itemName(item), item.version + 1);
  for (const event of events) {
    for (const line of event.lines) {
      const name = itemName(line);
      next.set(name, (next.get(name) ?? Number.NaN) - 1);
    }
  }
  return events.map((event) => {
    const lines: EventLine[] = [];
    for (const { sku, warehouse, quantity } of event.lines) {
      const name = itemName({ sku, warehouse });
      const version = next.get(name) as number;
      if (Number.isNaN(version)) throw new Unreadable('a stream entry without its item', name);
      next.set(name, version + 1);
      lines.push({ sku, warehouse, quantity, version });
    }
    return { ...event, lines } as StockEvent;
  });
}
