/**
 * What can be asked of the inventory. Each command carries the id its caller gave it, and may be repeated under it.
 * Promises: a kind that stands here is a verb of the program in lua/ and a case of `Inventory.decide`.
 * Refuses to know: what comes of it.
 */
import type { Allocation } from './limits.ts';
import type { OrderLine, PartLine } from './lines.ts';

// Reservations -------------------------------------------------------------------------------------------

export interface Reserve {
  readonly kind: 'reserve';
  readonly orderId: string;
  readonly lines: readonly OrderLine[];
  /** How long the hold lasts, an interval by the store's clock. */
  readonly holdMs: number;
  /** For whom; the purchase limit of a sale counts by it. */
  readonly customerId?: string | undefined;
  /** The sale this order takes part in: its lines of that sale's SKU draw from what the sale set aside. */
  readonly saleId?: string | undefined;
  readonly allocation: Allocation;
  /** Warehouses in the order in which they are tried, nearest first; all others come after them, by name. */
  readonly candidates: readonly string[];
  readonly actor: string;
}
export interface Confirm {
  readonly kind: 'confirm';
  readonly orderId: string;
  /** What is paid; left out means all that is held. The rest returns at once and the hold closes. */
  readonly lines?: readonly PartLine[] | undefined;
  /** A payment that came too late tries, in the same step, to take the stock again. */
  readonly reacquire: boolean;
  /** The warehouse that should have served: what others serve instead is proposed as a transfer to it (調撥). */
  readonly proposeTransferTo?: string | undefined;
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

// Stock movements ----------------------------------------------------------------------------------------

interface MovementBase {
  readonly movementId: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly quantity: number;
  readonly reason: string;
  readonly actor: string;
}
/** 入庫: goods came in. The first receipt makes the item. */
export interface Receive extends MovementBase {
  readonly kind: 'receive';
}
/** 出庫: goods left unsold, damaged or lost. The reason is required. */
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
/** The total is set, if the item still stands at the version its corrector saw. `quantity` is the new total. */
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
  /** BR-005: the alert fires when *available* falls under this line. 0 switches it off. */
  readonly quantity: number;
  readonly actor: string;
}

// Stocktakes (BR-007) ------------------------------------------------------------------------------------

/** Locks one item under a count sheet; a sheet grows by each item that is started under its id. */
export interface StartStocktake {
  readonly kind: 'start-stocktake';
  readonly stocktakeId: string;
  readonly sku: string;
  readonly warehouse: string;
  /** The lock is a lease: it ends by itself after this time. */
  readonly leaseMs: number;
  readonly actor: string;
}
export interface CompleteStocktake {
  readonly kind: 'complete-stocktake';
  readonly stocktakeId: string;
  readonly sku: string;
  readonly warehouse: string;
  /** Units found in the building, those held and sold but not shipped included. */
  readonly counted: number;
  readonly reason: string;
  /** Holds that may be released where the count is below what is committed, newest first; empty: refuse instead. */
  readonly releasable: readonly string[];
  readonly actor: string;
}
export interface CancelStocktake {
  readonly kind: 'cancel-stocktake';
  readonly stocktakeId: string;
  readonly sku: string;
  readonly warehouse: string;
  readonly actor: string;
}

// Transfers ----------------------------------------------------------------------------------------------

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
export interface ReceiveTransfer {
  readonly kind: 'receive-transfer';
  readonly transferId: string;
  /** Units that arrived sound. */
  readonly received: number;
  /** Units that arrived and cannot be sold: they land and are issued again in the same step. */
  readonly rejected: number;
  /** Tells two equal receipts of one transfer apart; without it the same figures are a repeat. */
  readonly receiptId?: string | undefined;
  readonly actor: string;
}
/** What is still in transit turns round and stands in its source again. */
export interface CancelTransfer {
  readonly kind: 'cancel-transfer';
  readonly transferId: string;
  readonly actor: string;
}

// Flash sales --------------------------------------------------------------------------------------------

export interface ScheduleSale {
  readonly kind: 'schedule-sale';
  readonly saleId: string;
  readonly sku: string;
  /** The only instants a caller may send, for they are the shop's; they are compared with the store's clock. */
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  /** Units of the SKU set aside for the sale until it closes; the rest stays for others. */
  readonly quantity: number;
  /** Units one customer may hold and buy in this sale over all orders; 0: no limit. */
  readonly limitPerCustomer: number;
  readonly actor: string;
}
/** The sale closes now; what it set aside and did not sell is there for everybody. */
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
