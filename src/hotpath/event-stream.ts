/**
 * The outbox (D6): reads the partition's stream of decided batches and turns its texts into the domain's events.
 * Promises: entries come in sequence without a gap, or the reader is told; versions are spelled out per event line.
 */
import type { Redis } from 'ioredis';
import {
  type EventLine,
  parseLines,
  RELEASE_CAUSES,
  type ReleaseCause,
  type StockEvent,
  type StockLine,
} from '../domain/language.ts';
import type { PartitionKeys } from './keys.ts';
import { type HotItem, readItem, Unreadable } from './texts.ts';

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
  if (fields.length !== 8 || fields[0] !== 'at' || fields[2] !== 'count' || fields[4] !== 'events' || fields[6] !== 'items') {
    throw new Unreadable('a stream entry', `${id} ${fields.join(' ')}`);
  }
  const atMs = Number(fields[1]);
  const items = (fields[7] as string).split('\n').map((text) => {
    const at = text.indexOf('@');
    const space = text.indexOf(' ');
    return readItem(text.slice(0, at), text.slice(at + 1, space), text.slice(space + 1));
  });
  const parsed = (fields[5] as string).split('\n').map((text) => parseEvent(text, atMs));
  return {
    epoch: Number(id.slice(0, dash)),
    sequence: Number(id.slice(dash + 1)),
    atMs,
    eventsTotal: Number(fields[3]),
    events: withVersions(parsed, items),
    items,
  };
}

type Unversioned<E> = E extends StockEvent ? Omit<E, 'lines'> & { lines: readonly StockLine[] } : never;

// Orders of a flash sale repeat the same lines: each text is parsed once. Bounded, because baskets do not repeat.
const linesByText = new Map<string, readonly StockLine[]>();
const LINES_REMEMBERED_MAX = 10_000;

function linesOf(text: string): readonly StockLine[] {
  let lines = linesByText.get(text);
  if (!lines) {
    if (linesByText.size >= LINES_REMEMBERED_MAX) linesByText.clear();
    lines = parseLines(text);
    linesByText.set(text, lines);
  }
  return lines;
}

function causeOf(text: string): ReleaseCause {
  const cause = RELEASE_CAUSES.find((known) => known === text);
  if (!cause) throw new Unreadable('a release', text);
  return cause;
}

/** One line of the `events` field: "Type id actor lines ...", as the command files of lua/ emit it. */
function parseEvent(text: string, atMs: number): Unversioned<StockEvent> {
  const words = text.split(' ');
  const [type, id, actor, linesText, first, second] = words;
  if (!type || !id || !actor || !linesText) throw new Unreadable('an event', text);
  const base = { atMs, actor };
  switch (type) {
    case 'InventoryReserved': {
      if (!first || !second) break;
      const asked = second === '-' ? `${first};${linesText}` : second;
      return { type, orderId: id, lines: linesOf(linesText), expiresAtMs: atMs + Number(first), asked, ...base };
    }
    case 'InventoryDeducted':
      if (!first) break;
      return { type, orderId: id, lines: linesOf(linesText), operation: first, ...base };
    case 'InventoryReleased':
      if (!first || !second) break;
      return { type, orderId: id, lines: linesOf(linesText), cause: causeOf(first), operation: second, ...base };
    case 'ReservationExtended':
      if (!first) break;
      return { type, orderId: id, lines: linesOf(linesText), expiresAtMs: Number(first), ...base };
    case 'InventoryReceived':
      if (!first) break;
      return { type, movementId: id, lines: linesOf(linesText), reason: decodeReason(first), ...base };
    case 'SafetyStockSet':
      return { type, lines: linesOf(linesText), ...base };
    case 'LowStockAlertTriggered':
      if (!first) break;
      return { type, lines: linesOf(linesText), safetyStock: Number(first), ...base };
  }
  throw new Unreadable('an event', text);
}

/** A reason travels as one word: percent-encoded, "-" where there is none. */
export function encodeReason(reason: string): string {
  return reason === '' ? '-' : `=${encodeURIComponent(reason)}`;
}
function decodeReason(text: string): string {
  return text === '-' ? '' : decodeURIComponent(text.slice(1));
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
