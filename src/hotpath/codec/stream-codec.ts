/**
 * The outbox (D6): reads the partition's stream of decided batches and turns its texts into the domain's events.
 * Promises: entries come in sequence without a gap, or the reader is told; versions are spelled out per event line.
 */
import type { Redis } from 'ioredis';
import type { EventLine, StockEvent } from '../../domain/language.ts';
import type { PartitionKeys } from '../keys.ts';
import { parseEvents, type Unversioned } from './event-codec.ts';
import { type HotItem, readDigits, readItem, Unreadable } from './record-codec.ts';

/** What one batch decided. */
export interface StreamEntry {
  readonly epoch: number;
  readonly sequence: number;
  readonly atMs: number;
  /** Events since the epoch began, this entry's included. */
  readonly eventsTotal: number;
  readonly events: readonly StockEvent[];
  /** The items this entry changed, as the script left them: what the aggregate must come to as well. */
  readonly items: readonly HotItem[];
}

/** Entries behind `sequence`, oldest first, at most `countMax`; empty where there is nothing new. */
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

/** @throws {Unreadable} for an entry this program did not write */
export function decodeEntry(id: string, fields: readonly string[]): StreamEntry {
  const dash = id.indexOf('-');
  if (
    fields.length !== 8 ||
    fields[0] !== 'at' ||
    fields[2] !== 'count' ||
    fields[4] !== 'events' ||
    fields[6] !== 'items'
  ) {
    throw new Unreadable('a stream entry', `${id} ${fields.join(' ')}`);
  }
  const atMs = readDigits('a time', fields[1]);
  const itemTexts = fields[7] === '' ? [] : (fields[7] as string).split('\n');
  const items = itemTexts.map((text) => {
    const at = text.indexOf('@');
    const space = text.indexOf(' ');
    return readItem(text.slice(0, at), text.slice(at + 1, space), text.slice(space + 1));
  });
  const parsed: Unversioned<StockEvent>[] = [];
  for (const text of (fields[5] as string).split('\n')) parseEvents(text, atMs, parsed);
  return {
    epoch: Number(id.slice(0, dash)),
    sequence: Number(id.slice(dash + 1)),
    atMs,
    eventsTotal: readDigits('a count', fields[3]),
    events: withVersions(parsed, items),
    items,
  };
}

/** The checkpoint says where each item ended; every event line raised it by one; so each line's version is known. */
function withVersions(events: readonly Unversioned<StockEvent>[], items: readonly HotItem[]): StockEvent[] {
  const next = new Map<string, number>();
  for (const item of items) next.set(`${item.sku}@${item.warehouse}`, item.version + 1);
  for (const event of events) {
    for (const line of event.lines) {
      const name = `${line.sku}@${line.warehouse}`;
      next.set(name, (next.get(name) ?? Number.NaN) - 1);
    }
  }
  return events.map((event) => {
    const lines: EventLine[] = [];
    for (const { sku, warehouse, quantity } of event.lines) {
      const name = `${sku}@${warehouse}`;
      const version = next.get(name) as number;
      if (Number.isNaN(version)) throw new Unreadable('a stream entry without its item', name);
      next.set(name, version + 1);
      lines.push({ sku, warehouse, quantity, version });
    }
    return { ...event, lines } as StockEvent;
  });
}
