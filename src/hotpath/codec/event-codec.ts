/**
 * The event texts of the stream, read into the domain's events, but for their versions.
 * Twin of every `emit` in lua/. Promises: what cannot be read is a defect and throws; nothing is guessed.
 */
import {
  type EventType,
  fingerprintLines,
  type OrderLine,
  parseLines,
  RELEASE_CAUSES,
  type ReleaseCause,
  requestFingerprint,
  type StockEvent,
  type StockLine,
} from '../../domain/language.ts';
import { readDigits, Unreadable } from './record-codec.ts';

/** An event whose lines do not say their versions yet. */
export type Unversioned<E> = E extends StockEvent
  ? Omit<E, 'lines'> & { lines: readonly StockLine[] }
  : never;

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

/** A reason travels as one word: percent-encoded, "-" where there is none. */
export function encodeReason(reason: string): string {
  return reason === '' ? '-' : `=${encodeURIComponent(reason)}`;
}
function decodeReason(text: string): string {
  return text === '-' ? '' : decodeURIComponent(text.slice(1));
}

const given = (word: string | undefined): string | undefined => (word === '-' ? undefined : word);
/** A member only where there is something to say, so that events compare. */
function where<K extends string>(key: K, word: string | undefined): { readonly [P in K]?: string } {
  const value = given(word);
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: string };
}

/** What every event text begins with, "Type id actor", and the words behind it. */
interface Read {
  readonly id: string;
  readonly actor: string;
  readonly atMs: number;
  readonly words: readonly string[];
}
type One = Unversioned<StockEvent>;

function word(read: Read, i: number): string {
  const text = read.words[i];
  if (!text) throw new Unreadable('an event', `${read.id} ${read.words.join(' ')}`);
  return text;
}
function base(read: Read) {
  return { lines: linesOf(word(read, 0)), atMs: read.atMs, actor: read.actor };
}
function movement(read: Read) {
  return { movementId: read.id, ...base(read), reason: decodeReason(word(read, 1)) };
}
function number(read: Read, i: number): number {
  return readDigits('an event', word(read, i));
}

/** Orders that reserved the same one after the other: "order[@customer],... actor lines hold_ms asked_lines|- sale|- split|-". */
function parseReserved(read: Read, into: One[]): void {
  const { atMs, actor } = read;
  const lines = linesOf(word(read, 0));
  const holdMs = number(read, 1);
  const expiresAtMs = atMs + holdMs;
  const fingerprint = word(read, 2);
  const askedLines: readonly OrderLine[] = fingerprint === '-' ? lines : fingerprintLines(`;${fingerprint}`);
  const saleId = given(word(read, 3));
  const allocation = word(read, 4) === 'split' ? 'split' : 'single';
  const sale = where('saleId', saleId);
  const plain = requestFingerprint(holdMs, askedLines, { saleId, allocation });
  for (const who of read.id.split(',')) {
    const at = who.indexOf('@');
    const orderId = at < 0 ? who : who.slice(0, at);
    const customerId = at < 0 ? undefined : who.slice(at + 1);
    const text =
      customerId === undefined
        ? plain
        : requestFingerprint(holdMs, askedLines, { customerId, saleId, allocation });
    into.push({
      type: 'InventoryReserved',
      orderId,
      lines,
      expiresAtMs,
      fingerprint: text,
      ...where('customerId', customerId),
      ...sale,
      atMs,
      actor,
    });
  }
}

const PARSERS: Readonly<Record<Exclude<EventType, 'InventoryReserved'>, (read: Read) => One>> = {
  InventoryDeducted: (read) => ({
    type: 'InventoryDeducted',
    orderId: read.id,
    ...base(read),
    operation: word(read, 1),
    ...where('proposeTransferTo', word(read, 2)),
  }),
  InventoryReleased: (read) => ({
    type: 'InventoryReleased',
    orderId: read.id,
    ...base(read),
    cause: causeOf(word(read, 1)),
    operation: word(read, 2),
  }),
  ReservationExtended: (read) => ({
    type: 'ReservationExtended',
    orderId: read.id,
    ...base(read),
    expiresAtMs: number(read, 1),
  }),
  InventoryReacquired: (read) => ({
    type: 'InventoryReacquired',
    orderId: read.id,
    ...base(read),
    operation: word(read, 1),
  }),
  PaymentCameShort: (read) => ({ type: 'PaymentCameShort', orderId: read.id, ...base(read) }),
  InventoryReceived: (read) => ({ type: 'InventoryReceived', ...movement(read) }),
  InventoryIssued: (read) => ({
    type: 'InventoryIssued',
    ...where('movementId', read.id),
    ...where('transferId', word(read, 2)),
    ...base(read),
    reason: decodeReason(word(read, 1)),
  }),
  InventoryShipped: (read) => ({
    type: 'InventoryShipped',
    ...movement(read),
    ...where('orderId', word(read, 2)),
  }),
  InventoryReturned: (read) => ({
    type: 'InventoryReturned',
    ...movement(read),
    ...where('orderId', word(read, 2)),
  }),
  ReturnWrittenOff: (read) => ({
    type: 'ReturnWrittenOff',
    ...movement(read),
    ...where('orderId', word(read, 2)),
  }),
  InventoryCorrected: (read) => ({ type: 'InventoryCorrected', ...movement(read) }),
  SafetyStockSet: (read) => ({ type: 'SafetyStockSet', ...base(read) }),
  LowStockAlertTriggered: (read) => ({
    type: 'LowStockAlertTriggered',
    ...base(read),
    safetyStock: number(read, 1),
  }),
  StocktakeStarted: (read) => ({
    type: 'StocktakeStarted',
    stocktakeId: read.id,
    ...base(read),
    untilMs: number(read, 1),
  }),
  StocktakeCompleted: (read) => ({
    type: 'StocktakeCompleted',
    stocktakeId: read.id,
    ...base(read),
    reason: decodeReason(word(read, 1)),
  }),
  StocktakeCancelled: (read) => ({ type: 'StocktakeCancelled', stocktakeId: read.id, ...base(read) }),
  StocktakeLapsed: (read) => ({ type: 'StocktakeLapsed', stocktakeId: read.id, ...base(read) }),
  TransferDispatched: (read) => ({
    type: 'TransferDispatched',
    transferId: read.id,
    ...base(read),
    to: word(read, 1),
    reason: decodeReason(word(read, 2)),
  }),
  TransferReceived: (read) => ({
    type: 'TransferReceived',
    transferId: read.id,
    ...base(read),
    rejected: number(read, 1),
    operation: word(read, 2),
  }),
  TransferCancelled: (read) => ({ type: 'TransferCancelled', transferId: read.id, ...base(read) }),
  SaleScheduled: (read) => ({
    type: 'SaleScheduled',
    saleId: read.id,
    sku: word(read, 0),
    opensAtMs: number(read, 1),
    closesAtMs: number(read, 2),
    quantity: number(read, 3),
    limitPerCustomer: number(read, 4),
    lines: [],
    atMs: read.atMs,
    actor: read.actor,
  }),
  SaleClosed: (read) => ({
    type: 'SaleClosed',
    saleId: read.id,
    sku: word(read, 0),
    lines: [],
    atMs: read.atMs,
    actor: read.actor,
  }),
};

/** One line of the `events` field, which may stand for many orders. @throws {Unreadable} */
export function parseEvents(text: string, atMs: number, into: One[]): void {
  const [type = '', id, actor, ...words] = text.split(' ');
  if (!id || !actor) throw new Unreadable('an event', text);
  if (type === 'InventoryReserved') {
    parseReserved({ id, actor, atMs, words }, into);
    return;
  }
  const parse = Object.hasOwn(PARSERS, type) ? PARSERS[type as keyof typeof PARSERS] : undefined;
  if (!parse) throw new Unreadable('an event', text);
  // Orders to which the same happened one after the other share a line.
  for (const one of id.split(',')) into.push(parse({ id: one, actor, atMs, words }));
}
