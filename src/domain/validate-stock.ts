/**
 * Turns what warehouse people and sellers hand in into commands, or says which field is wrong and what would be right.
 * Promises: as validate.ts, which does the same for orders.
 */
import { Reader } from './input-reader.ts';
import {
  type CancelStocktake,
  type CancelTransfer,
  type CloseSale,
  type CompleteStocktake,
  type DispatchTransfer,
  LEASE_SECONDS_DEFAULT,
  LEASE_SECONDS_MAX,
  LEASE_SECONDS_MIN,
  type Movement,
  type MovementKind,
  QUANTITY_MAX,
  type ReceiveTransfer,
  type ScheduleSale,
  type SetSafetyStock,
  SHORTFALL_RELEASES_MAX,
  type StartStocktake,
} from './language.ts';

interface Acted {
  readonly actor?: string | undefined;
}
interface OfAnItem extends Acted {
  readonly sku: string;
  readonly warehouse: string;
}
export interface MovementInput extends OfAnItem {
  readonly movementId: string;
  /** Units moved; of a correction the new total. */
  readonly quantity: number;
  /** Required of an issue, a write-off and a correction. */
  readonly reason?: string | undefined;
  /** Of ship, return and write-off. */
  readonly orderId?: string | undefined;
  /** Of a correction: the version of the item its corrector saw. */
  readonly expectedVersion?: number | undefined;
}
export interface SafetyStockInput extends OfAnItem {
  readonly quantity: number;
}
export interface StartStocktakeInput extends OfAnItem {
  readonly stocktakeId: string;
  readonly leaseSeconds?: number | undefined;
}
export interface CompleteStocktakeInput extends OfAnItem {
  readonly stocktakeId: string;
  readonly counted: number;
  readonly reason?: string | undefined;
  /** Order ids, in the order in which they may be released where the count is below what is committed. */
  readonly releasable?: readonly string[] | undefined;
}
export interface CancelStocktakeInput extends OfAnItem {
  readonly stocktakeId: string;
}
export interface DispatchTransferInput extends Acted {
  readonly transferId: string;
  readonly sku: string;
  readonly from: string;
  readonly to: string;
  readonly quantity: number;
  readonly reason?: string | undefined;
}
export interface ReceiveTransferInput extends Acted {
  readonly transferId: string;
  readonly received: number;
  readonly rejected?: number | undefined;
  readonly receiptId?: string | undefined;
}
export interface CancelTransferInput extends Acted {
  readonly transferId: string;
}
export interface ScheduleSaleInput extends Acted {
  readonly saleId: string;
  readonly sku: string;
  /** Milliseconds since 1970. */
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly quantity: number;
  /** Left out or 0: no limit. */
  readonly limitPerCustomer?: number | undefined;
}
export interface CloseSaleInput extends Acted {
  readonly saleId: string;
}

const NEEDS_REASON: ReadonlySet<MovementKind> = new Set(['issue', 'write-off', 'correct']);
/** The last instant JavaScript and Postgres can both write in four digits of a year. */
const INSTANT_MS_MAX = 253_402_300_799_999;

/** @throws {InvalidCommand}, as all readers here. */
export function readMovement(kind: MovementKind, input: MovementInput): Movement {
  const read = new Reader();
  const base = {
    movementId: read.id('movementId', input.movementId),
    sku: read.id('sku', input.sku),
    warehouse: read.id('warehouse', input.warehouse),
    quantity: read.whole('quantity', input.quantity, kind === 'correct' ? 0 : 1, QUANTITY_MAX),
    reason: read.reason(input.reason, NEEDS_REASON.has(kind)),
    actor: read.actor(input.actor),
  };
  const orderId = read.optionalId('orderId', input.orderId);
  const expectedVersion =
    kind === 'correct' ? read.whole('expectedVersion', input.expectedVersion, 0, Number.MAX_SAFE_INTEGER) : 0;
  read.done();
  switch (kind) {
    case 'receive':
    case 'issue':
      return { kind, ...base };
    case 'ship':
    case 'return':
    case 'write-off':
      return { kind, ...base, orderId };
    case 'correct':
      return { kind, ...base, expectedVersion };
  }
}

export function readSafetyStock(input: SafetyStockInput): SetSafetyStock {
  const read = new Reader();
  const command: SetSafetyStock = {
    kind: 'set-safety-stock',
    ...itemOf(read, input),
    quantity: read.whole('quantity', input.quantity, 0, QUANTITY_MAX),
    actor: read.actor(input.actor),
  };
  read.done();
  return command;
}

export function readStartStocktake(input: StartStocktakeInput): StartStocktake {
  const read = new Reader();
  const { leaseSeconds = LEASE_SECONDS_DEFAULT } = input;
  const command: StartStocktake = {
    kind: 'start-stocktake',
    stocktakeId: read.id('stocktakeId', input.stocktakeId),
    ...itemOf(read, input),
    leaseMs: read.whole('leaseSeconds', leaseSeconds, LEASE_SECONDS_MIN, LEASE_SECONDS_MAX) * 1_000,
    actor: read.actor(input.actor),
  };
  read.done();
  return command;
}

export function readCompleteStocktake(input: CompleteStocktakeInput): CompleteStocktake {
  const read = new Reader();
  const releasable = read.list('releasable', input.releasable ?? []).slice(0, SHORTFALL_RELEASES_MAX);
  const command: CompleteStocktake = {
    kind: 'complete-stocktake',
    stocktakeId: read.id('stocktakeId', input.stocktakeId),
    ...itemOf(read, input),
    counted: read.whole('counted', input.counted, 0, QUANTITY_MAX),
    reason: read.reason(input.reason, false),
    releasable: releasable.map((orderId, i) => read.id(`releasable[${i}]`, orderId)),
    actor: read.actor(input.actor),
  };
  read.done();
  return command;
}

export function readCancelStocktake(input: CancelStocktakeInput): CancelStocktake {
  const read = new Reader();
  const command: CancelStocktake = {
    kind: 'cancel-stocktake',
    stocktakeId: read.id('stocktakeId', input.stocktakeId),
    ...itemOf(read, input),
    actor: read.actor(input.actor),
  };
  read.done();
  return command;
}

export function readDispatchTransfer(input: DispatchTransferInput): DispatchTransfer {
  const read = new Reader();
  const command: DispatchTransfer = {
    kind: 'dispatch-transfer',
    transferId: read.id('transferId', input.transferId),
    sku: read.id('sku', input.sku),
    from: read.id('from', input.from),
    to: read.id('to', input.to),
    quantity: read.whole('quantity', input.quantity, 1, QUANTITY_MAX),
    reason: read.reason(input.reason, false),
    actor: read.actor(input.actor),
  };
  if (read.issues.length === 0 && command.from === command.to) {
    read.issues.push({ path: 'to', message: 'name another warehouse than the one in `from`' });
  }
  read.done();
  return command;
}

export function readReceiveTransfer(input: ReceiveTransferInput): ReceiveTransfer {
  const read = new Reader();
  const command: ReceiveTransfer = {
    kind: 'receive-transfer',
    transferId: read.id('transferId', input.transferId),
    received: read.whole('received', input.received, 0, QUANTITY_MAX),
    rejected: read.whole('rejected', input.rejected ?? 0, 0, QUANTITY_MAX),
    receiptId: read.optionalId('receiptId', input.receiptId),
    actor: read.actor(input.actor),
  };
  if (read.issues.length === 0 && command.received + command.rejected === 0) {
    read.issues.push({ path: 'received', message: 'say how many units arrived, sound or rejected' });
  }
  read.whole('received', command.received + command.rejected, 0, QUANTITY_MAX);
  read.done();
  return command;
}

export function readCancelTransfer(input: CancelTransferInput): CancelTransfer {
  const read = new Reader();
  const command: CancelTransfer = {
    kind: 'cancel-transfer',
    transferId: read.id('transferId', input.transferId),
    actor: read.actor(input.actor),
  };
  read.done();
  return command;
}

export function readScheduleSale(input: ScheduleSaleInput): ScheduleSale {
  const read = new Reader();
  const command: ScheduleSale = {
    kind: 'schedule-sale',
    saleId: read.id('saleId', input.saleId),
    sku: read.id('sku', input.sku),
    opensAtMs: read.whole('opensAt', input.opensAtMs, 1, INSTANT_MS_MAX),
    closesAtMs: read.whole('closesAt', input.closesAtMs, 1, INSTANT_MS_MAX),
    quantity: read.whole('quantity', input.quantity, 1, QUANTITY_MAX),
    limitPerCustomer: read.whole('limitPerCustomer', input.limitPerCustomer ?? 0, 0, QUANTITY_MAX),
    actor: read.actor(input.actor),
  };
  if (read.issues.length === 0 && command.closesAtMs <= command.opensAtMs) {
    read.issues.push({ path: 'closesAt', message: 'must be later than opensAt' });
  }
  read.done();
  return command;
}

export function readCloseSale(input: CloseSaleInput): CloseSale {
  const read = new Reader();
  const command: CloseSale = {
    kind: 'close-sale',
    saleId: read.id('saleId', input.saleId),
    actor: read.actor(input.actor),
  };
  read.done();
  return command;
}

function itemOf(read: Reader, input: OfAnItem): { sku: string; warehouse: string } {
  return { sku: read.id('sku', input.sku), warehouse: read.id('warehouse', input.warehouse) };
}
