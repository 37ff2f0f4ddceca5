/**
 * Every business word of Holdfast: ids, quantities, limits, commands, events, refusals.
 * Promises: a word that is spelled here is spelled the same in lua/, in SQL and over HTTP.
 * Refuses to know: keys, tables, status codes, clocks.
 */

/** Order, SKU, warehouse, movement, actor ...: what a caller may name a thing (design, section 5). */
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
/** The most units any counter may show. Far below 10^14, where Lua 5.1 stops writing numbers exactly. */
export const QUANTITY_MAX = 1_000_000_000;
/** The most lines in one order: it bounds the time one command may take inside the script. */
export const LINES_MAX = 100;
/** BR-003: a hold that is not paid in this time returns. */
export const HOLD_SECONDS_DEFAULT = 1_800;
export const HOLD_SECONDS_MIN = 1;
/** The longest interval one reserve or extend may ask for: 4 hours. */
export const HOLD_SECONDS_MAX = 14_400;
/** BR-003: the longest a hold may live in all, however often it is extended: 24 hours. */
export const LIFETIME_SECONDS_MAX = 86_400;
/** The most partial releases of one hold; each leaves its name on the reservation so that a repeat is known. */
export const PARTIAL_RELEASES_MAX = 20;
/** A free text that goes into the ledger beside a movement. */
export const REASON_LENGTH_MAX = 200;
/** Who acts when the caller does not say. */
export const ACTOR_DEFAULT = 'order-service';
/** Who acts when nobody does: time itself. */
export const ACTOR_CLOCK = 'clock';

/** A quantity of one SKU in one warehouse. */
export interface StockLine {
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
}

/** A quantity of one SKU as an order asks for it; without a warehouse the engine chooses one. */
export interface OrderLine {
  readonly sku: string;
  readonly warehouse?: string | undefined;
  readonly quantity: number;
}

/** A quantity of one SKU of a reservation, whichever warehouse holds it. */
export interface PartLine {
  readonly sku: string;
  readonly quantity: number;
}

export const RESERVATION_STATUSES = ['ACTIVE', 'CONFIRMED', 'RELEASED', 'EXPIRED'] as const;
export type ReservationStatus = (typeof RESERVATION_STATUSES)[number];

// Commands -----------------------------------------------------------------------------------------------

export interface Reserve {
  readonly kind: 'reserve';
  readonly orderId: string;
  readonly lines: readonly OrderLine[];
  /** How long the hold lasts, an interval by the store's clock. */
  readonly holdMs: number;
  readonly actor: string;
}
export interface Confirm {
  readonly kind: 'confirm';
  readonly orderId: string;
  /** What is paid; left out means all that is held. The rest returns at once and the hold closes. */
  readonly lines?: readonly PartLine[] | undefined;
  readonly actor: string;
}
export interface Release {
  readonly kind: 'release';
  readonly orderId: string;
  /** What returns; left out means all that is held. The rest stays held. */
  readonly lines?: readonly PartLine[] | undefined;
  /** Tells two equal partial releases of one order apart; without it the same lines are a repeat. */
  readonly releaseId?: string | undefined;
  readonly actor: string;
}
export interface Extend {
  readonly kind: 'extend';
  readonly orderId: string;
  /** The hold lasts this long from now on; it never gets shorter by an extension. */
  readonly holdMs: number;
  readonly actor: string;
}
export interface Receive {
  readonly kind: 'receive';
  readonly movementId: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  readonly reason: string;
  readonly actor: string;
}
export interface SetSafetyStock {
  readonly kind: 'set-safety-stock';
  readonly sku: string;
  readonly warehouse: string;
  /** BR-005: the alert fires when *available* falls under this line. 0 switches it off. */
  readonly quantity: number;
  readonly actor: string;
}
export type Command = Reserve | Confirm | Release | Extend | Receive | SetSafetyStock;

// Events -------------------------------------------------------------------------------------------------

/** One item's part in an event. Versions of an item are gapless: each event line raises its item by one. */
export interface EventLine extends StockLine {
  readonly version: number;
}
interface EventBase {
  readonly lines: readonly EventLine[];
  /** When it was decided, by the store's clock, in milliseconds since 1970. */
  readonly atMs: number;
  readonly actor: string;
}
/** The seed's 庫存已預留: available falls, reserved rises. */
export interface InventoryReserved extends EventBase {
  readonly type: 'InventoryReserved';
  readonly orderId: string;
  readonly expiresAtMs: number;
  /** The canonical text of what was asked, by which a repeat is known from a conflict (BR-006). */
  readonly asked: string;
}
/** The seed's 庫存已扣減: reserved becomes sold. */
export interface InventoryDeducted extends EventBase {
  readonly type: 'InventoryDeducted';
  readonly orderId: string;
  readonly operation: string;
}
export const RELEASE_CAUSES = ['cancelled', 'expired', 'remainder'] as const;
export type ReleaseCause = (typeof RELEASE_CAUSES)[number];
/** The seed's 庫存已釋放: reserved returns to available; `remainder` is what a partial confirm left over. */
export interface InventoryReleased extends EventBase {
  readonly type: 'InventoryReleased';
  readonly orderId: string;
  readonly cause: ReleaseCause;
  readonly operation: string;
}
/** A live hold lasts longer; its lines name what it holds, no quantity moves. */
export interface ReservationExtended extends EventBase {
  readonly type: 'ReservationExtended';
  readonly orderId: string;
  readonly expiresAtMs: number;
}
/** Goods came in: total and available rise. The first one makes the item. */
export interface InventoryReceived extends EventBase {
  readonly type: 'InventoryReceived';
  readonly movementId: string;
  readonly reason: string;
}
/** The line's quantity is the new safety stock. */
export interface SafetyStockSet extends EventBase {
  readonly type: 'SafetyStockSet';
}
/** The seed's 低庫存告警 (BR-005): the line's quantity is what is available. */
export interface LowStockAlertTriggered extends EventBase {
  readonly type: 'LowStockAlertTriggered';
  readonly safetyStock: number;
}
export type StockEvent =
  | InventoryReserved
  | InventoryDeducted
  | InventoryReleased
  | ReservationExtended
  | InventoryReceived
  | SafetyStockSet
  | LowStockAlertTriggered;
export type EventType = StockEvent['type'];
export const EVENT_TYPES = [
  'InventoryReserved',
  'InventoryDeducted',
  'InventoryReleased',
  'ReservationExtended',
  'InventoryReceived',
  'SafetyStockSet',
  'LowStockAlertTriggered',
] as const satisfies readonly EventType[];

// Answers ------------------------------------------------------------------------------------------------

/** One short line: `available` is the most that one order could get of it now. */
export interface Shortage {
  readonly sku: string;
  readonly warehouse?: string | undefined;
  readonly requested: number;
  readonly available: number;
}

/** An expected no. A value, never thrown. */
export type Refusal =
  | { readonly code: 'insufficient-stock'; readonly shortages: readonly Shortage[] }
  | {
      readonly code: 'unknown-item';
      readonly items: readonly { sku: string; warehouse?: string | undefined }[];
    }
  | { readonly code: 'order-conflict' }
  | { readonly code: 'movement-conflict' }
  | { readonly code: 'unknown-reservation' }
  | { readonly code: 'reservation-expired'; readonly reservation: ReservationView }
  | { readonly code: 'already-released'; readonly reservation: ReservationView }
  | { readonly code: 'already-confirmed'; readonly reservation: ReservationView }
  | {
      readonly code: 'exceeds-reservation';
      readonly excess: readonly { sku: string; requested: number; held: number }[];
    }
  | { readonly code: 'lifetime-exceeded'; readonly latestExpiresAtMs: number }
  | { readonly code: 'too-many-partial-releases' }
  | { readonly code: 'quantity-limit-exceeded'; readonly total: number }
  | { readonly code: 'ledger-backlog' }
  | {
      readonly code: 'quarantined';
      readonly items: readonly { sku: string; warehouse?: string | undefined }[];
    };
export type RefusalCode = Refusal['code'];
export const REFUSAL_CODES = [
  'insufficient-stock',
  'unknown-item',
  'order-conflict',
  'movement-conflict',
  'unknown-reservation',
  'reservation-expired',
  'already-released',
  'already-confirmed',
  'exceeds-reservation',
  'lifetime-exceeded',
  'too-many-partial-releases',
  'quantity-limit-exceeded',
  'ledger-backlog',
  'quarantined',
] as const satisfies readonly RefusalCode[];

/** A reservation as it stands: what every answer about an order shows. */
export interface ReservationView {
  readonly orderId: string;
  readonly status: ReservationStatus;
  /** What is held now; once CONFIRMED, what was sold; once RELEASED or EXPIRED, what returned last. */
  readonly lines: readonly StockLine[];
  readonly reservedAtMs: number;
  readonly expiresAtMs: number;
  readonly resolvedAtMs?: number | undefined;
}

/** One item's figures: always total = available + reserved + sold (BR-004). */
export interface ItemView {
  readonly sku: string;
  readonly warehouse: string;
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  readonly safetyStock: number;
  readonly version: number;
}

/** What a command comes to: done (now, or already by an earlier try) or refused. */
export type Decision<T> =
  | { readonly outcome: 'done'; readonly replayed: boolean; readonly value: T }
  | { readonly outcome: 'refused'; readonly refusal: Refusal };

// Canonical texts ----------------------------------------------------------------------------------------

/** Stands where an order names no warehouse. Not a valid id, so it cannot be one. */
export const ANY_WAREHOUSE = '*';

/** `sku@warehouse=quantity,...` in the order given: the one spelling of lines in Redis, ledger and stream. */
export function linesText(lines: readonly OrderLine[]): string {
  let text = '';
  for (const line of lines) {
    if (text !== '') text += ',';
    text += `${line.sku}@${line.warehouse ?? ANY_WAREHOUSE}=${line.quantity}`;
  }
  return text;
}

const LINE_TEXT = /^([^@,=]+)@([^@,=]+)=(\d{1,10})$/;

/** Reads {@link linesText} back. Throws on anything else: such text did not come from this program. */
export function parseLines(text: string): StockLine[] {
  return text.split(',').map((part) => {
    const match = LINE_TEXT.exec(part);
    const quantity = Number(match?.[3]);
    if (!match?.[1] || !match[2] || !(quantity <= QUANTITY_MAX)) {
      throw new Error(`not a stock line: ${JSON.stringify(part)}`);
    }
    return { sku: match[1], warehouse: match[2], quantity };
  });
}

function bySkuThenWarehouse(a: OrderLine, b: OrderLine): number {
  if (a.sku !== b.sku) return a.sku < b.sku ? -1 : 1;
  const left = a.warehouse ?? ANY_WAREHOUSE;
  const right = b.warehouse ?? ANY_WAREHOUSE;
  return left === right ? 0 : left < right ? -1 : 1;
}

/** Lines of the same item added up, in a fixed order: the same order asked in another order is the same order. */
export function canonicalLines<L extends OrderLine>(lines: readonly L[]): readonly L[] {
  if (lines.length === 1) return lines;
  const sum = new Map<string, L>();
  for (const line of lines) {
    const key = `${line.sku}@${line.warehouse ?? ANY_WAREHOUSE}`;
    const before = sum.get(key);
    sum.set(key, before ? { ...line, quantity: before.quantity + line.quantity } : line);
  }
  return [...sum.values()].sort(bySkuThenWarehouse);
}

/** What a reserve asks for, as one text: equal texts are the same request (BR-006). Takes canonical lines. */
export function askedText(holdMs: number, lines: readonly OrderLine[]): string {
  return `${holdMs};${linesText(lines)}`;
}

/** Names of the operations a reservation remembers, so that a repeat of one is known. */
export const CONFIRM_WHOLE = 'c*';
export const RELEASE_WHOLE = 'r*';
export function confirmOperation(command: Confirm): string {
  return command.lines ? `c${partsText(command.lines)}` : CONFIRM_WHOLE;
}
export function releaseOperation(command: Release): string {
  if (command.releaseId !== undefined) return `r#${command.releaseId}`;
  return command.lines ? `r${partsText(command.lines)}` : RELEASE_WHOLE;
}

/** `sku=quantity,...`, added up per SKU, in SKU order. */
export function partsText(lines: readonly PartLine[]): string {
  return canonicalParts(lines)
    .map((line) => `${line.sku}=${line.quantity}`)
    .join(',');
}

export function canonicalParts(lines: readonly PartLine[]): readonly PartLine[] {
  return canonicalLines(lines.map(({ sku, quantity }) => ({ sku, quantity })));
}
