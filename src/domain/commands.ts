/**
 * The commands of the inventory. Each carries an id from its caller, under which it may be repeated safely (BR-006).
 * Promises: every kind is a verb of the program in lua/ and a case of `ReferenceModel.decide`.
 * Refuses to know: how a command is decided.
 */
import type { Allocation } from './limits.ts';
import type { OrderLine, PartLine } from './lines.ts';

// Reservations -------------------------------------------------------------------------------------------

/** 預留: holds stock for an order, all lines or none (BR-002). */
export interface Reserve {
  readonly kind: 'reserve';
  readonly orderId: string;
  readonly lines: readonly OrderLine[];
  /** How long the hold lasts, by Redis's clock. */
  readonly holdMs: number;
  /** The purchase limit of a sale is counted per customer. */
  readonly customerId?: string | undefined;
  /** The sale that the order takes part in: lines of the sale's SKU use the units that the sale set aside. */
  readonly saleId?: string | undefined;
  readonly allocation: Allocation;
  /** Warehouses in the order in which they are tried; all others are tried after them, by name. */
  readonly candidates: readonly string[];
  readonly actor: string;
}
/** 確認: a payment turns the hold into a sale. */
export interface Confirm {
  readonly kind: 'confirm';
  readonly orderId: string;
  /** The paid part; undefined for everything held. The rest returns at once and the hold is closed. */
  readonly lines?: readonly PartLine[] | undefined;
  /** Whether a payment after the deadline takes the stock again, in the same step. */
  readonly reacquire: boolean;
  /** The warehouse that should have served: units that others serve are proposed as a transfer (調撥) to it. */
  readonly proposeTransferTo?: string | undefined;
  readonly actor: string;
}
/** 釋放: a cancellation returns held stock. */
export interface Release {
  readonly kind: 'release';
  readonly orderId: string;
  /** The part that returns; undefined for everything held. The rest stays held. */
  readonly lines?: readonly PartLine[] | undefined;
  /** Distinguishes two equal partial releases of one order; without it the same lines are a repeat. */
  readonly releaseId?: string | undefined;
  readonly actor: string;
}
/** 延長: a live hold gets a later deadline. */
export interface Extend {
  readonly kind: 'extend';
  readonly orderId: string;
  /** The hold lasts this long from now; an extension never makes it shorter. */
  readonly holdMs: number;
  readonly actor: string;
}

// Stock movements ----------------------------------------------------------------------------------------

interface MovementBase {
  readonly movementId: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  readonly reason: string;
  readonly actor: string;
}
/** 入庫: goods came in. The first receipt creates the item. */
export interface Receive extends MovementBase {
  readonly kind: 'receive';
}
/** 出庫: goods left without a sale, for example damaged. The reason is required. */
export interface Issue extends MovementBase {
  readonly kind: 'issue';
}
/** 出貨: sold units leave the building. */
export interface Ship extends MovementBase {
  readonly kind: 'ship';
  readonly orderId?: string | undefined;
}
/** 退貨: shipped units came back and go on sale again. */
export interface Return extends MovementBase {
  readonly kind: 'return';
  readonly orderId?: string | undefined;
}
/** Shipped units came back and cannot be sold again: recorded, no counter moves. */
export interface WriteOff extends MovementBase {
  readonly kind: 'write-off';
  readonly orderId?: string | undefined;
}
/** Sets the total to `quantity`, if the item still has the version that the person who corrects it saw. */
export interface Correct extends MovementBase {
  readonly kind: 'correct';
  readonly expectedVersion: number;
}
export type Movement = Receive | Issue | Ship | Return | WriteOff | Correct;
export type MovementKind = Movement['kind'];
export const MOVEMENT_KINDS = [
  'receive',
  'issue',
  'ship',
  'return',
  'write-off',
  'correct',
] as const satisfies readonly MovementKind[];

export interface SetSafetyStock {
  readonly kind: 'set-safety-stock';
  readonly sku: string;
  readonly warehouse: string;
  /** BR-005: the alert fires when available falls below this. 0 switches it off. */
  readonly quantity: number;
  readonly actor: string;
}

// Stocktakes (BR-007) ------------------------------------------------------------------------------------

/** Locks one item for a count and adds it to the count sheet with this id. */
export interface StartStocktake {
  readonly kind: 'start-stocktake';
  readonly stocktakeId: string;
  readonly sku: string;
  readonly warehouse: string;
  /** The lock ends by itself after this time. */
  readonly leaseMs: number;
  readonly actor: string;
}
/** Sets the total to the count and ends the lock. */
export interface CompleteStocktake {
  readonly kind: 'complete-stocktake';
  readonly stocktakeId: string;
  readonly sku: string;
  readonly warehouse: string;
  /** Units in the building, including those that are held and those that are sold but not shipped. */
  readonly counted: number;
  readonly reason: string;
  /** Orders whose holds may be released, in this order, if the count is below the committed units; empty: refuse instead. */
  readonly releasable: readonly string[];
  readonly actor: string;
}
/** Ends the lock without a count. */
export interface CancelStocktake {
  readonly kind: 'cancel-stocktake';
  readonly stocktakeId: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly actor: string;
}

// Transfers ----------------------------------------------------------------------------------------------

/** 撥出: goods leave their source and are in transit. */
export interface DispatchTransfer {
  readonly kind: 'dispatch-transfer';
  readonly transferId: string;
  readonly sku: string;
  readonly from: string;
  readonly to: string;
  readonly quantity: number;
  readonly reason: string;
  readonly actor: string;
}
/** 撥入: goods in transit arrive, all or a part. */
export interface ReceiveTransfer {
  readonly kind: 'receive-transfer';
  readonly transferId: string;
  /** Units that arrived fit for sale. */
  readonly received: number;
  /** Units that arrived unfit for sale: they are received and issued again in the same step. */
  readonly rejected: number;
  /** Distinguishes two equal receipts of one transfer; without it the same quantities are a repeat. */
  readonly receiptId?: string | undefined;
  readonly actor: string;
}
/** Units still in transit return to their source. */
export interface CancelTransfer {
  readonly kind: 'cancel-transfer';
  readonly transferId: string;
  readonly actor: string;
}

// Flash sales --------------------------------------------------------------------------------------------

/** Sets units of a SKU aside for the orders of a flash sale. */
export interface ScheduleSale {
  readonly kind: 'schedule-sale';
  readonly saleId: string;
  readonly sku: string;
  /** In milliseconds since 1970, compared with Redis's clock. No other command carries an instant. */
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  /** Units set aside for the sale until it closes. */
  readonly quantity: number;
  /** Units one customer may hold and buy in this sale, over all orders; 0: no limit. */
  readonly limitPerCustomer: number;
  readonly actor: string;
}
/** Closes the sale now; the units it did not sell are for everybody again. */
export interface CloseSale {
  readonly kind: 'close-sale';
  readonly saleId: string;
  readonly actor: string;
}

export type Command =
  | Reserve
  | Confirm
  | Release
  | Extend
  | Movement
  | SetSafetyStock
  | StartStocktake
  | CompleteStocktake
  | CancelStocktake
  | DispatchTransfer
  | ReceiveTransfer
  | CancelTransfer
  | ScheduleSale
  | CloseSale;
export type CommandKind = Command['kind'];
