/**
 * What happened to the stock. Events are the ledger's content and the only thing that moves state.
 * This table is the one declaration of an event. From it follow its type here, its text (hotpath/codec/event-codec.ts), its
 * columns in the ledger, the worker's checks, what it does to an item and its row of the glossary.
 * Promises: every event line raises its item's version by one.
 */
import type { StockLine } from './lines.ts';

export const RELEASE_CAUSES = ['cancelled', 'expired', 'remainder', 'shortfall'] as const;
/**
 * Why a hold ended: the order was cancelled; it was not paid in time; a partial confirm left this over; a count found no goods
 * for it (BR-007).
 */
export type ReleaseCause = (typeof RELEASE_CAUSES)[number];

/** What a field of an event holds; its text form is in hotpath/codec/event-codec.ts. */
interface FieldValues {
  readonly id: string;
  readonly 'optional id': string | undefined;
  /** Any text; '' for none. */
  readonly reason: string;
  /** Units, 0 or more. */
  readonly units: number;
  /** Milliseconds since 1970, by the store's clock; of a sale by the shop's. */
  readonly 'instant ms': number;
  /** The name under which a repeat is recognized, as fingerprint.ts spells it; '-' for none. */
  readonly operation: string;
  readonly cause: ReleaseCause;
  /** The canonical text of a request, as fingerprint.ts spells it. */
  readonly fingerprint: string;
}
export type FieldKind = keyof FieldValues;

/** What one unit of a line does to the counters of its item. */
export type Effect =
  /** The quantity is the new total. */
  | 'set total'
  /** The event says what each counter is from now on. */
  | 'set counters'
  | {
      readonly total?: 1 | -1;
      readonly available?: 1 | -1;
      readonly reserved?: 1 | -1;
      readonly sold?: 1 | -1;
    };

/** Which record besides its items an event is a step of. */
export type RecordKind =
  | 'reservation'
  | 'movement'
  | 'stocktake'
  | 'transfer'
  | 'sale'
  /** Written into the ledger by a person's command. The hot path never decides it, and its stream cannot say it. */
  | 'repair'
  | 'none';

export interface EventRow {
  /** The field that names the record it is a step of; `optional id` where an event may have none, undefined where no event has one. */
  readonly subject: Readonly<Record<string, 'id' | 'optional id'>> | undefined;
  readonly record: RecordKind;
  /** `units` move and are at least 1; `levels` name a figure, which may be 0; `none`: the event has no lines. */
  readonly lines: 'units' | 'levels' | 'none';
  /** Its further fields in the order of its text. */
  readonly fields: Readonly<Record<string, FieldKind>>;
  readonly effect: Effect;
  /** BR-007: whether it may happen to an item while that is counted. */
  readonly isAllowedUnderLock: boolean;
  /** For the glossary. */
  readonly en: string;
  readonly zh: string;
}

export const EVENTS = {
  InventoryReserved: {
    subject: { orderId: 'id' },
    record: 'reservation',
    lines: 'units',
    fields: {
      expiresAtMs: 'instant ms',
      fingerprint: 'fingerprint',
      customerId: 'optional id',
      saleId: 'optional id',
    },
    effect: { available: -1, reserved: 1 },
    isAllowedUnderLock: false,
    en: 'An order holds stock: available falls, reserved rises.',
    zh: '庫存已預留：可用減少，預留增加。',
  },
  InventoryDeducted: {
    subject: { orderId: 'id' },
    record: 'reservation',
    lines: 'units',
    // proposeTransferTo: the warehouse to which what others serve is proposed as a transfer.
    fields: { operation: 'operation', proposeTransferTo: 'optional id' },
    effect: { reserved: -1, sold: 1 },
    isAllowedUnderLock: false,
    en: 'A payment turned a hold into a sale: reserved falls, sold rises.',
    zh: '庫存已扣減：預留轉為已銷售。',
  },
  InventoryReleased: {
    subject: { orderId: 'id' },
    record: 'reservation',
    lines: 'units',
    fields: { cause: 'cause', operation: 'operation' },
    effect: { reserved: -1, available: 1 },
    isAllowedUnderLock: true,
    en: 'Held stock returned: cancelled, expired, left over by a partial confirm, or not found by a count.',
    zh: '庫存已釋放：取消、逾時、部分確認的剩餘，或盤點短缺。',
  },
  ReservationExtended: {
    subject: { orderId: 'id' },
    record: 'reservation',
    lines: 'units',
    fields: { expiresAtMs: 'instant ms' },
    effect: {},
    isAllowedUnderLock: true,
    en: 'A live hold lasts longer. Actor `clock`: it became due while an item was counted.',
    zh: '預留已延長：有效的預留延後期限；操作者為 clock 時，表示在盤點期間到期。',
  },
  InventoryReacquired: {
    subject: { orderId: 'id' },
    record: 'reservation',
    lines: 'units',
    fields: { operation: 'operation' },
    effect: { available: -1, sold: 1 },
    isAllowedUnderLock: false,
    en: 'A late payment took the stock again: available becomes sold, the expired order is confirmed.',
    zh: '庫存已重新取得：逾期付款，可用轉為已銷售。',
  },
  PaymentCameShort: {
    subject: { orderId: 'id' },
    record: 'reservation',
    lines: 'units',
    fields: {},
    effect: {},
    isAllowedUnderLock: true,
    en: 'A late payment found no stock; a person has to resolve it. Its lines name what was paid.',
    zh: '付款短缺：逾期付款而已無庫存，須由人員處理。',
  },
  InventoryReceived: {
    subject: { movementId: 'id' },
    record: 'movement',
    lines: 'units',
    fields: { reason: 'reason' },
    effect: { total: 1, available: 1 },
    isAllowedUnderLock: false,
    en: 'Goods came in: total and available rise. The first receipt creates the item.',
    zh: '商品已入庫：總庫存與可用增加；第一次入庫產生庫存項。',
  },
  InventoryIssued: {
    subject: { movementId: 'optional id' },
    record: 'movement',
    lines: 'units',
    fields: { reason: 'reason', transferId: 'optional id' },
    effect: { total: -1, available: -1 },
    isAllowedUnderLock: false,
    en: 'Goods left unsold: total and available fall. By a movement, or rejected on arrival of a transfer.',
    zh: '商品已出庫：未經銷售而離開，或調撥拒收；總庫存與可用減少。',
  },
  InventoryShipped: {
    subject: { movementId: 'id' },
    record: 'movement',
    lines: 'units',
    fields: { reason: 'reason', orderId: 'optional id' },
    effect: { total: -1, sold: -1 },
    isAllowedUnderLock: false,
    en: 'Sold units left the building: total and sold fall.',
    zh: '商品已出貨：總庫存與已銷售減少。',
  },
  InventoryReturned: {
    subject: { movementId: 'id' },
    record: 'movement',
    lines: 'units',
    fields: { reason: 'reason', orderId: 'optional id' },
    effect: { total: 1, available: 1 },
    isAllowedUnderLock: false,
    en: 'Shipped units came back and are on sale again: total and available rise.',
    zh: '商品已退貨：重新上架，總庫存與可用增加。',
  },
  ReturnWrittenOff: {
    subject: { movementId: 'id' },
    record: 'movement',
    lines: 'units',
    fields: { reason: 'reason', orderId: 'optional id' },
    effect: {},
    isAllowedUnderLock: true,
    en: 'Shipped units came back unfit for sale: no counter changes.',
    zh: '退貨已報廢：退回而無法再售，數量不變。',
  },
  InventoryCorrected: {
    subject: { movementId: 'id' },
    record: 'movement',
    lines: 'levels',
    fields: { reason: 'reason' },
    effect: 'set total',
    isAllowedUnderLock: false,
    en: 'The total was set; available takes the difference.',
    zh: '庫存已更正：設定總庫存，差異計入可用。',
  },
  SafetyStockSet: {
    subject: undefined,
    record: 'none',
    lines: 'levels',
    fields: {},
    effect: {},
    isAllowedUnderLock: true,
    en: 'The safety stock was set (BR-005).',
    zh: '安全庫存已設定。',
  },
  LowStockAlertTriggered: {
    subject: undefined,
    record: 'none',
    lines: 'levels',
    fields: { safetyStock: 'units' },
    effect: {},
    isAllowedUnderLock: true,
    en: 'Available fell below the safety stock (BR-005); the line says what is available.',
    zh: '低庫存告警已觸發：可用低於安全庫存。',
  },
  StocktakeStarted: {
    subject: { stocktakeId: 'id' },
    record: 'stocktake',
    lines: 'levels',
    fields: { untilMs: 'instant ms' },
    effect: {},
    isAllowedUnderLock: false,
    en: 'An item is locked for a count (BR-007); the line is the book total at that moment.',
    zh: '盤點已開始：鎖定庫存項，並記下帳面數。',
  },
  StocktakeCompleted: {
    subject: { stocktakeId: 'id' },
    record: 'stocktake',
    lines: 'levels',
    fields: { reason: 'reason' },
    effect: 'set total',
    isAllowedUnderLock: true,
    en: 'The count is entered: the total becomes what was counted, available takes the difference, the lock ends.',
    zh: '盤點已完成：總庫存改為實盤數，差異（盤盈、盤虧）計入可用，解除鎖定。',
  },
  StocktakeCancelled: {
    subject: { stocktakeId: 'id' },
    record: 'stocktake',
    lines: 'levels',
    fields: {},
    effect: {},
    isAllowedUnderLock: true,
    en: 'The lock ended and nothing was counted.',
    zh: '盤點已取消：解除鎖定，數量不變。',
  },
  StocktakeLapsed: {
    subject: { stocktakeId: 'id' },
    record: 'stocktake',
    lines: 'levels',
    fields: {},
    effect: {},
    isAllowedUnderLock: true,
    en: 'The lock ran out before the count was entered.',
    zh: '盤點租期屆滿：解除鎖定，數量不變。',
  },
  TransferDispatched: {
    subject: { transferId: 'id' },
    record: 'transfer',
    lines: 'units',
    fields: { to: 'id', reason: 'reason' },
    effect: { total: -1, available: -1 },
    isAllowedUnderLock: false,
    en: 'Goods left their source warehouse and are in transit.',
    zh: '調撥已撥出：商品離開來源倉庫，在途中。',
  },
  TransferReceived: {
    subject: { transferId: 'id' },
    record: 'transfer',
    lines: 'units',
    // rejected: of the line's quantity; issued again in the same step.
    fields: { rejected: 'units', operation: 'operation' },
    effect: { total: 1, available: 1 },
    isAllowedUnderLock: false,
    en: 'Goods in transit arrived at the destination warehouse; what is rejected is issued right after.',
    zh: '調撥已撥入（點收）：商品到達目的倉庫，拒收者隨即出庫。',
  },
  TransferCancelled: {
    subject: { transferId: 'id' },
    record: 'transfer',
    lines: 'units',
    fields: {},
    effect: { total: 1, available: 1 },
    isAllowedUnderLock: false,
    en: 'What was still in transit is back in the source warehouse.',
    zh: '調撥已取消：在途數量退回來源倉庫。',
  },
  SaleScheduled: {
    subject: { saleId: 'id' },
    record: 'sale',
    lines: 'none',
    fields: {
      sku: 'id',
      opensAtMs: 'instant ms',
      closesAtMs: 'instant ms',
      quantity: 'units',
      limitPerCustomer: 'units',
    },
    effect: {},
    isAllowedUnderLock: true,
    en: 'A quantity of a SKU is set aside for a flash sale until it closes.',
    zh: '搶購活動已排定：保留一定數量直到活動結束。',
  },
  SaleClosed: {
    subject: { saleId: 'id' },
    record: 'sale',
    lines: 'none',
    fields: { sku: 'id' },
    effect: {},
    isAllowedUnderLock: true,
    en: 'A flash sale was closed before its time.',
    zh: '搶購活動已提前結束。',
  },
  InventoryRealigned: {
    subject: { orderId: 'optional id' },
    record: 'repair',
    // The quantity is how many versions it passes over: those that hot path and ledger could not agree on.
    lines: 'levels',
    fields: {
      available: 'units',
      reserved: 'units',
      sold: 'units',
      safetyStock: 'units',
      reason: 'reason',
      // Of a movement that only Redis knew: so that its id is known for good (BR-006).
      movementId: 'optional id',
    },
    effect: 'set counters',
    isAllowedUnderLock: true,
    en: 'Hot path and ledger disagreed, and a person decided: both go on from these figures. The line is how many versions are passed over.',
    zh: '庫存已重新對齊：熱路徑與帳本不一致，由人員裁定後兩邊自此數量繼續；數量為略過的版本數。',
  },
} as const satisfies Readonly<Record<string, EventRow>>;

export type EventType = keyof typeof EVENTS;
export const EVENT_TYPES = Object.keys(EVENTS) as readonly EventType[];
/** The events that the hot path decides. */
export const STREAM_EVENT_TYPES = EVENT_TYPES.filter((type) => EVENTS[type].record !== 'repair');

/** One item's part in an event. Versions of an item are gapless: each event line raises its item by one. */
export interface EventLine extends StockLine {
  readonly version: number;
}

type Optional<F> = { [K in keyof F]: F[K] extends 'optional id' ? K : never }[keyof F];
type Fields<F extends Readonly<Record<string, FieldKind>>> = {
  readonly [K in Exclude<keyof F, Optional<F>>]: FieldValues[F[K]];
} & { readonly [K in Optional<F>]?: FieldValues[F[K]] };
type Subject<S> = S extends Readonly<Record<string, FieldKind>> ? Fields<S> : unknown;

/** An event of one type, with the fields of its row. */
export type EventOf<T extends EventType> = {
  [E in T]: {
    readonly type: E;
    readonly lines: readonly EventLine[];
    /** When it was decided, by the store's clock, in milliseconds since 1970. */
    readonly atMs: number;
    readonly actor: string;
  } & Subject<(typeof EVENTS)[E]['subject']> &
    Fields<(typeof EVENTS)[E]['fields']>;
}[T];
export type StockEvent = EventOf<EventType>;

type TypesOf<R extends RecordKind> = {
  [T in EventType]: (typeof EVENTS)[T]['record'] extends R ? T : never;
}[EventType];
/** The steps of a reservation's life. */
export type ReservationEvent = EventOf<TypesOf<'reservation'>>;
/** The steps of a transfer: between them its goods are in no item. */
export type TransferEvent = EventOf<TypesOf<'transfer'>>;

/** Whether an event is a step of a reservation. */
export function isReservationEvent(event: StockEvent): event is ReservationEvent {
  return EVENTS[event.type].record === 'reservation';
}

/** Whether an event is a step of a transfer. */
export function isTransferEvent(event: StockEvent): event is TransferEvent {
  return EVENTS[event.type].record === 'transfer';
}
