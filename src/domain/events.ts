/**
 * What happened to the stock. Events are the ledger's content and the only thing that moves state.
 * Promises: every event line raises its item's version by one; what an event does to the counters stands in `changeOf`.
 */
import type { StockLine } from './language.ts';

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

// Reservations -------------------------------------------------------------------------------------------

/** The seed's 庫存已預留: available falls, reserved rises. */
export interface InventoryReserved extends EventBase {
  readonly type: 'InventoryReserved';
  readonly orderId: string;
  readonly expiresAtMs: number;
  /** The canonical text of what was asked, by which a repeat is known from a conflict (BR-006). */
  readonly fingerprint: string;
  readonly customerId?: string | undefined;
  readonly saleId?: string | undefined;
}
/** The seed's 庫存已扣減: reserved becomes sold. */
export interface InventoryDeducted extends EventBase {
  readonly type: 'InventoryDeducted';
  readonly orderId: string;
  readonly operation: string;
  /** What its lines in other warehouses are proposed to be transferred to. */
  readonly proposeTransferTo?: string | undefined;
}
export const RELEASE_CAUSES = ['cancelled', 'expired', 'remainder', 'shortfall'] as const;
export type ReleaseCause = (typeof RELEASE_CAUSES)[number];
/**
 * The seed's 庫存已釋放: reserved returns to available. `remainder` is what a partial confirm left over, `shortfall` a
 * hold that a count found no goods for (BR-007).
 */
export interface InventoryReleased extends EventBase {
  readonly type: 'InventoryReleased';
  readonly orderId: string;
  readonly cause: ReleaseCause;
  readonly operation: string;
}
/** A live hold lasts longer; its lines name what it holds, no quantity moves. Actor `clock`: it fell due under a count. */
export interface ReservationExtended extends EventBase {
  readonly type: 'ReservationExtended';
  readonly orderId: string;
  readonly expiresAtMs: number;
}
/** A late payment took the stock again: available becomes sold, and the expired reservation is CONFIRMED. */
export interface InventoryReacquired extends EventBase {
  readonly type: 'InventoryReacquired';
  readonly orderId: string;
  readonly operation: string;
}
/** A late payment found no stock: people have to resolve it. Its lines name what was paid, no quantity moves. */
export interface PaymentCameShort extends EventBase {
  readonly type: 'PaymentCameShort';
  readonly orderId: string;
}

// Stock movements ----------------------------------------------------------------------------------------

/** Goods came in: total and available rise. The first one makes the item. */
export interface InventoryReceived extends EventBase {
  readonly type: 'InventoryReceived';
  readonly movementId: string;
  readonly reason: string;
}
/** Goods left unsold: total and available fall. Of a movement, or what a transfer's receiver rejected. */
export interface InventoryIssued extends EventBase {
  readonly type: 'InventoryIssued';
  readonly movementId?: string | undefined;
  readonly transferId?: string | undefined;
  readonly reason: string;
}
/** Sold units left the building: total and sold fall. */
export interface InventoryShipped extends EventBase {
  readonly type: 'InventoryShipped';
  readonly movementId: string;
  readonly orderId?: string | undefined;
  readonly reason: string;
}
/** Shipped units are on sale again: total and available rise. */
export interface InventoryReturned extends EventBase {
  readonly type: 'InventoryReturned';
  readonly movementId: string;
  readonly orderId?: string | undefined;
  readonly reason: string;
}
/** Shipped units came back unfit: no counter moves. */
export interface ReturnWrittenOff extends EventBase {
  readonly type: 'ReturnWrittenOff';
  readonly movementId: string;
  readonly orderId?: string | undefined;
  readonly reason: string;
}
/** The line's quantity is the new total; available takes the difference. */
export interface InventoryCorrected extends EventBase {
  readonly type: 'InventoryCorrected';
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

// Stocktakes ---------------------------------------------------------------------------------------------

/** BR-007: the item is locked; the line's quantity is the total in the books, the snapshot of the count. */
export interface StocktakeStarted extends EventBase {
  readonly type: 'StocktakeStarted';
  readonly stocktakeId: string;
  readonly untilMs: number;
}
/** The line's quantity is what was counted; available takes the difference, which may be none. The lock is off. */
export interface StocktakeCompleted extends EventBase {
  readonly type: 'StocktakeCompleted';
  readonly stocktakeId: string;
  readonly reason: string;
}
/** The lock is off and nothing was counted; the line's quantity is the total. */
export interface StocktakeCancelled extends EventBase {
  readonly type: 'StocktakeCancelled';
  readonly stocktakeId: string;
}
/** The lease ran out; as a cancellation by the clock. */
export interface StocktakeLapsed extends EventBase {
  readonly type: 'StocktakeLapsed';
  readonly stocktakeId: string;
}

// Transfers ----------------------------------------------------------------------------------------------

/** The line is the source: total and available fall, and the units are in transit. */
export interface TransferDispatched extends EventBase {
  readonly type: 'TransferDispatched';
  readonly transferId: string;
  readonly to: string;
  readonly reason: string;
}
/** The line is the destination: total and available rise by all that arrived; what is rejected is issued right after. */
export interface TransferReceived extends EventBase {
  readonly type: 'TransferReceived';
  readonly transferId: string;
  /** Of the line's quantity. */
  readonly rejected: number;
  readonly operation: string;
}
/** The line is the source, where the rest in transit stands again. */
export interface TransferCancelled extends EventBase {
  readonly type: 'TransferCancelled';
  readonly transferId: string;
}

// Flash sales: no item moves, so they have no lines --------------------------------------------------------

export interface SaleScheduled extends EventBase {
  readonly type: 'SaleScheduled';
  readonly saleId: string;
  readonly sku: string;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly quantity: number;
  readonly limitPerCustomer: number;
}
/** Somebody closed the sale before its time. */
export interface SaleClosed extends EventBase {
  readonly type: 'SaleClosed';
  readonly saleId: string;
  readonly sku: string;
}

export type StockEvent =
  | InventoryReserved
  | InventoryDeducted
  | InventoryReleased
  | ReservationExtended
  | InventoryReacquired
  | PaymentCameShort
  | InventoryReceived
  | InventoryIssued
  | InventoryShipped
  | InventoryReturned
  | ReturnWrittenOff
  | InventoryCorrected
  | SafetyStockSet
  | LowStockAlertTriggered
  | StocktakeStarted
  | StocktakeCompleted
  | StocktakeCancelled
  | StocktakeLapsed
  | TransferDispatched
  | TransferReceived
  | TransferCancelled
  | SaleScheduled
  | SaleClosed;
export type EventType = StockEvent['type'];
export const EVENT_TYPES = [
  'InventoryReserved',
  'InventoryDeducted',
  'InventoryReleased',
  'ReservationExtended',
  'InventoryReacquired',
  'PaymentCameShort',
  'InventoryReceived',
  'InventoryIssued',
  'InventoryShipped',
  'InventoryReturned',
  'ReturnWrittenOff',
  'InventoryCorrected',
  'SafetyStockSet',
  'LowStockAlertTriggered',
  'StocktakeStarted',
  'StocktakeCompleted',
  'StocktakeCancelled',
  'StocktakeLapsed',
  'TransferDispatched',
  'TransferReceived',
  'TransferCancelled',
  'SaleScheduled',
  'SaleClosed',
] as const satisfies readonly EventType[];

/** Whose line may say 0: they name a level, not a movement. */
export const LEVEL_EVENTS: ReadonlySet<EventType> = new Set<EventType>([
  'SafetyStockSet',
  'LowStockAlertTriggered',
  'InventoryCorrected',
  'StocktakeStarted',
  'StocktakeCompleted',
  'StocktakeCancelled',
  'StocktakeLapsed',
]);
