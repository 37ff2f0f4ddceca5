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
import { type HotItem, readDigits, readItem, Unreadable } from './texts.ts';

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
  const items = (fields[7] as string).split('\n').map((text) => {
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

/**
 * One line of the `events` field, "Type id actor lines ...", as the command files of lua/ emit it. Orders that reserved
 * the same one after the other share a line: "InventoryReserved id,id,... actor lines hold_ms asked".
 */
function parseEvents(text: string, atMs: number, into: Unversioned<StockEvent>[]): void {
  const [type, id, actor, linesText, first, second] = text.split(' ');
  if (!type || !id || !actor || !linesText) throw new Unreadable('an event', text);
  const lines = linesOf(linesText);
  if (type === 'InventoryReserved' && first && second) {
    const expiresAtMs = atMs + readDigits('a hold', first);
    const asked = second === '-' ? `${first};${linesText}` : second;
    for (const orderId of id.split(',')) into.push({ type, orderId, lines, expiresAtMs, asked, atMs, actor });
  } else if (type === 'InventoryDeducted' && first) {
    into.push({ type, orderId: id, lines, operation: first, atMs, actor });
  } else if (type === 'InventoryReleased' && first && second) {
    into.push({ type, orderId: id, lines, cause: causeOf(first), operation: second, atMs, actor });
  } else if (type === 'ReservationExtended' && first) {
    into.push({ type, orderId: id, lines, expiresAtMs: readDigits('a deadline', first), atMs, actor });
  } else if (type === 'InventoryReceived' && first) {
    into.push({ type, movementId: id, lines, reason: decodeReason(first), atMs, actor });
  } else if (type === 'SafetyStockSet') {
    into.push({ type, lines, atMs, actor });
  } else if (type === 'LowStockAlertTriggered' && first) {
    into.push({ type, lines, safetyStock: readDigits('a safety stock', first), atMs, actor });
  } else {
    throw new Unreadable('an event', text);
  }
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
