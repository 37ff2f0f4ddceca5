/**
 * Decodes the event texts of the stream; stream-codec.ts adds the versions. The fields of each type and their order come from
 * the events table. Twin of every `emit` in lua/.
 * Format: `Type subject actor [lines] field ...`; equal events of consecutive orders share a text, the ids joined by `,`.
 * Promises: any other text throws; nothing is guessed.
 */
import {
  decodeLines,
  decodeOrderLines,
  EVENTS,
  type EventOf,
  type EventRow,
  type EventType,
  type FieldKind,
  type OrderLine,
  RELEASE_CAUSES,
  type ReleaseCause,
  requestFingerprint,
  type StockEvent,
  type StockLine,
} from '../../domain/language.ts';
import { decodeDigits, decodeIdWord, decodeOptionalId, decodeReason, NOTHING, Unreadable } from './words.ts';

/** An event whose lines do not have their versions yet. */
export type Unversioned<E> = E extends StockEvent
  ? Omit<E, 'lines'> & { lines: readonly StockLine[] }
  : never;
type AnyEvent = Unversioned<StockEvent>;

// Orders of a flash sale have the same lines: each text is decoded once. Bounded, because other orders differ.
const linesByText = new Map<string, readonly StockLine[]>();
const LINES_REMEMBERED_MAX = 10_000;

function linesOf(text: string): readonly StockLine[] {
  let lines = linesByText.get(text);
  if (!lines) {
    if (linesByText.size >= LINES_REMEMBERED_MAX) linesByText.clear();
    try {
      lines = decodeLines(text);
    } catch {
      throw new Unreadable('the lines of an event', text);
    }
    linesByText.set(text, lines);
  }
  return lines;
}

function causeOf(word: string): ReleaseCause {
  const cause = RELEASE_CAUSES.find((known) => known === word);
  if (!cause) throw new Unreadable('a release', word);
  return cause;
}

/** Decoders for one word of an event, by kind of field; undefined for an optional field that is absent. */
const DECODERS: Readonly<Record<Exclude<FieldKind, 'fingerprint'>, (word: string) => unknown>> = {
  id: (word) => decodeIdWord('an event', word),
  'optional id': (word) => decodeOptionalId('an event', word),
  reason: decodeReason,
  units: (word) => decodeDigits('an event', word),
  'instant ms': (word) => decodeDigits('an event', word),
  operation: (word) => word,
  cause: causeOf,
};

/** The parts of an event's text. */
interface EventText {
  readonly subject: string;
  readonly actor: string;
  readonly atMs: number;
  readonly words: readonly string[];
}

type Decoder = (text: EventText) => AnyEvent;

/** The decoder of an event type, made once from its row. */
function decoderOf(type: EventType, row: EventRow): Decoder {
  const [subjectField, subjectKind] = Object.entries(row.subject ?? {})[0] ?? [];
  const fields = Object.entries(row.fields).map(([name, kind]) => {
    if (kind === 'fingerprint') throw new Error(`${type} has a decoder of its own`);
    return { name, decode: DECODERS[kind] };
  });
  const first = row.lines === 'none' ? 0 : 1;
  const length = first + fields.length;
  return ({ subject, actor, atMs, words }) => {
    // The program writes all movements with one function, which leaves an empty word at the end of some.
    const isWhole = words.length === length || (words.length === length + 1 && words[length] === NOTHING);
    if (!isWhole) throw new Unreadable('an event', words.join(' '));
    const event: Record<string, unknown> = { type };
    if (subjectField !== undefined && (subjectKind === 'id' || subject !== NOTHING)) {
      event[subjectField] = decodeIdWord('an event', subject);
    }
    event.lines = first === 0 ? [] : linesOf(words[0] as string);
    for (let i = 0; i < fields.length; i++) {
      const { name, decode } = fields[i] as (typeof fields)[number];
      const value = decode(words[first + i] as string);
      if (value !== undefined) event[name] = value; // absent, not undefined, so that events can be compared
    }
    event.atMs = atMs;
    event.actor = actor;
    // The table defines the members of the type, which TypeScript cannot derive from this loop.
    return event as unknown as AnyEvent;
  };
}

const DECODER_OF: ReadonlyMap<string, Decoder> = new Map(
  (Object.entries(EVENTS) as [EventType, EventRow][])
    .filter(([type, { record }]) => type !== 'InventoryReserved' && record !== 'repair')
    .map(([type, row]) => [type, decoderOf(type, row)]),
);

/**
 * Fast path for the most frequent event: orders that reserved the same share everything except their ids and customers.
 * Format: `order[@customer],... actor lines hold_ms requested_lines|- sale|- split|-`.
 */
function decodeReserved({ subject, actor, atMs, words }: EventText, into: AnyEvent[]): void {
  const [linesText = '', holdText, requestedText = '', saleText, splitText] = words;
  if (words.length !== 5) throw new Unreadable('an event', words.join(' '));
  const lines = linesOf(linesText);
  const holdMs = decodeDigits('an event', holdText);
  const expiresAtMs = atMs + holdMs;
  const requested: readonly OrderLine[] = requestedText === NOTHING ? lines : requestedLines(requestedText);
  const saleId = decodeOptionalId('an event', saleText);
  const allocation = splitText === 'split' ? 'split' : 'single';
  const sale = saleId === undefined ? {} : { saleId };
  const common = requestFingerprint(holdMs, requested, { saleId, allocation });
  for (const who of subject.split(',')) {
    const at = who.indexOf('@');
    const orderId = decodeIdWord('an event', at < 0 ? who : who.slice(0, at));
    const event: Unversioned<EventOf<'InventoryReserved'>> = {
      type: 'InventoryReserved',
      orderId,
      lines,
      expiresAtMs,
      fingerprint: common,
      ...sale,
      atMs,
      actor,
    };
    if (at < 0) into.push(event);
    else {
      const customerId = decodeIdWord('an event', who.slice(at + 1));
      const fingerprint = requestFingerprint(holdMs, requested, { customerId, saleId, allocation });
      into.push({ ...event, fingerprint, customerId });
    }
  }
}

function requestedLines(text: string): OrderLine[] {
  try {
    return decodeOrderLines(text);
  } catch {
    throw new Unreadable('the lines of an order', text);
  }
}

/**
 * Decodes one line of the `events` field, which may be about many orders, and appends its events to `into`.
 * @param atMs when the batch was decided
 * @throws {Unreadable}
 */
export function decodeEvents(text: string, atMs: number, into: AnyEvent[]): void {
  const [type = '', subject, actorText, ...words] = text.split(' ');
  if (!subject || !actorText) throw new Unreadable('an event', text);
  const actor = decodeIdWord('an event', actorText);
  if (type === 'InventoryReserved') {
    decodeReserved({ subject, actor, atMs, words }, into);
    return;
  }
  const decode = DECODER_OF.get(type);
  if (!decode) throw new Unreadable('an event', text);
  for (const one of subject.split(',')) into.push(decode({ subject: one, actor, atMs, words }));
}
