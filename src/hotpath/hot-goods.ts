/**
 * The engine's door for goods: movements, counts, transfers, sales, and looking at a SKU. The way of every command through
 * the batcher to a decision stands here too, for the orders' half of the door to use.
 */
import type {
  Decision,
  ItemView,
  MovementKind,
  SaleView,
  StocktakeLine,
  TransferView,
} from '../domain/language.ts';
import { receiptOperation } from '../domain/language.ts';
import { readId } from '../domain/validate.ts';
import {
  type CancelStocktakeInput,
  type CancelTransferInput,
  type CloseSaleInput,
  type CompleteStocktakeInput,
  type DispatchTransferInput,
  type MovementInput,
  type ReceiveTransferInput,
  readCancelStocktake,
  readCancelTransfer,
  readCloseSale,
  readCompleteStocktake,
  readDispatchTransfer,
  readMovement,
  readReceiveTransfer,
  readSafetyStock,
  readScheduleSale,
  readStartStocktake,
  type SafetyStockInput,
  type ScheduleSaleInput,
  type StartStocktakeInput,
} from '../domain/validate-stock.ts';
import type { Batcher, BatchHead } from './batcher.ts';
import {
  readSaleView,
  readStocktakeLine,
  readStocktakeSheet,
  readTransferView,
} from './codec/document-codec.ts';
import { encodeReason } from './codec/event-codec.ts';
import { itemView, type SkuView, skuView, Unreadable } from './codec/record-codec.ts';
import { readRefusal } from './codec/refusal-codec.ts';
import type { PartitionKeys } from './keys.ts';

export class HotGoods {
  readonly keys: PartitionKeys;
  protected readonly batcher: Batcher;

  constructor(keys: PartitionKeys, batcher: Batcher) {
    this.keys = keys;
    this.batcher = batcher;
  }

  /** One SKU over all its warehouses, as it stands now. */
  item(sku: string): Promise<Decision<SkuView>> {
    const key = this.keys.sku(readId('sku', sku));
    return this.submit(key, `look-item ${sku}`, [key], false, sku, (text) => skuView(sku, text));
  }

  /** Goods come in, leave, are shipped, come back or are corrected, under an id of their own (BR-006). */
  move(kind: MovementKind, input: MovementInput): Promise<Decision<ItemView>> {
    const command = readMovement(kind, input);
    const { movementId, sku, warehouse, quantity, reason, actor } = command;
    let text = `${kind} ${sku}@${warehouse}=${quantity} ${encodeReason(reason)} ${actor}`;
    if (command.kind === 'correct') text += ` ${command.expectedVersion}`;
    else if (command.kind !== 'receive' && command.kind !== 'issue') text += ` ${command.orderId ?? '-'}`;
    return this.submit(this.keys.movement(movementId), text, [this.keys.sku(sku)], true, movementId, (item) =>
      itemView(sku, warehouse, item),
    );
  }

  /** Goods came in; the first receipt makes the item. */
  receive(input: MovementInput): Promise<Decision<ItemView>> {
    return this.move('receive', input);
  }

  /** BR-005: the line under which the low-stock alert fires; 0 switches it off. */
  setSafetyStock(input: SafetyStockInput): Promise<Decision<ItemView>> {
    const { sku, warehouse, quantity, actor } = readSafetyStock(input);
    const key = this.keys.sku(sku);
    const text = `set-safety-stock ${sku}@${warehouse} ${quantity} ${actor}`;
    return this.submit(key, text, [key], false, sku, (item) => itemView(sku, warehouse, item));
  }

  /** BR-007: locks an item under a count sheet; until the lock ends nothing is deducted from it. */
  startStocktake(input: StartStocktakeInput): Promise<Decision<StocktakeLine>> {
    const { stocktakeId, sku, warehouse, leaseMs, actor } = readStartStocktake(input);
    const text = `start-stocktake ${sku}@${warehouse} ${leaseMs} ${actor}`;
    return this.#count(stocktakeId, sku, warehouse, text, [], true);
  }

  /** BR-007: the item was counted: its total is what was found, and the lock is off. */
  completeStocktake(input: CompleteStocktakeInput): Promise<Decision<StocktakeLine>> {
    const command = readCompleteStocktake(input);
    const { stocktakeId, sku, warehouse, counted, reason, releasable, actor } = command;
    const text = `complete-stocktake ${sku}@${warehouse} ${counted} ${encodeReason(reason)} ${releasable.join(',') || '-'} ${actor}`;
    const holds = releasable.map((orderId) => this.keys.reservation(orderId));
    return this.#count(stocktakeId, sku, warehouse, text, holds, false);
  }

  /** BR-007: the lock is off and nothing was counted. */
  cancelStocktake(input: CancelStocktakeInput): Promise<Decision<StocktakeLine>> {
    const { stocktakeId, sku, warehouse, actor } = readCancelStocktake(input);
    return this.#count(
      stocktakeId,
      sku,
      warehouse,
      `cancel-stocktake ${sku}@${warehouse} ${actor}`,
      [],
      false,
    );
  }

  /** Every line of a count sheet. */
  stocktake(stocktakeId: string): Promise<Decision<readonly StocktakeLine[]>> {
    const key = this.keys.stocktake(readId('stocktakeId', stocktakeId));
    return this.submit(key, 'look-stocktake', [], false, stocktakeId, (text) =>
      readStocktakeSheet(stocktakeId, text),
    );
  }

  /** Goods leave their source and are in transit. */
  dispatchTransfer(input: DispatchTransferInput): Promise<Decision<TransferView>> {
    const { transferId, sku, from, to, quantity, reason, actor } = readDispatchTransfer(input);
    const text = `dispatch-transfer ${sku} ${from} ${to} ${quantity} ${encodeReason(reason)} ${actor}`;
    return this.#transfer(transferId, text, [this.keys.sku(sku)], true);
  }

  /** Goods in transit arrived, sound or not. */
  receiveTransfer(input: ReceiveTransferInput): Promise<Decision<TransferView>> {
    const command = readReceiveTransfer(input);
    const { transferId, received, rejected, actor } = command;
    const text = `receive-transfer ${received} ${rejected} ${receiptOperation(command)} ${actor}`;
    return this.#transfer(transferId, text, [], false);
  }

  /** What is still in transit stands in its source again. */
  cancelTransfer(input: CancelTransferInput): Promise<Decision<TransferView>> {
    const { transferId, actor } = readCancelTransfer(input);
    return this.#transfer(transferId, `cancel-transfer ${actor}`, [], false);
  }

  transfer(transferId: string): Promise<Decision<TransferView>> {
    return this.#transfer(readId('transferId', transferId), 'look-transfer', [], false);
  }

  /** Sets a quantity of a SKU aside for the orders of a sale until it closes. */
  scheduleSale(input: ScheduleSaleInput): Promise<Decision<SaleView>> {
    const { saleId, sku, opensAtMs, closesAtMs, quantity, limitPerCustomer, actor } = readScheduleSale(input);
    const text = `schedule-sale ${sku} ${opensAtMs} ${closesAtMs} ${quantity} ${limitPerCustomer} ${actor}`;
    return this.#sale(saleId, text, [this.keys.sku(sku), this.keys.quota(saleId)], true);
  }

  /** The sale closes now. */
  closeSale(input: CloseSaleInput): Promise<Decision<SaleView>> {
    const { saleId, actor } = readCloseSale(input);
    return this.#sale(saleId, `close-sale ${actor}`, [], false);
  }

  /** A sale with its live figures. */
  sale(saleId: string): Promise<Decision<SaleView>> {
    return this.#sale(readId('saleId', saleId), 'look-sale', [], false);
  }

  #count(
    stocktakeId: string,
    sku: string,
    warehouse: string,
    text: string,
    holds: readonly string[],
    needsMemory: boolean,
  ): Promise<Decision<StocktakeLine>> {
    const keys = [this.keys.sku(sku), ...holds];
    return this.submit(this.keys.stocktake(stocktakeId), text, keys, needsMemory, stocktakeId, (line) =>
      readStocktakeLine(stocktakeId, sku, warehouse, line),
    );
  }

  #transfer(
    transferId: string,
    text: string,
    keys: readonly string[],
    needsMemory: boolean,
  ): Promise<Decision<TransferView>> {
    return this.submit(this.keys.transfer(transferId), text, keys, needsMemory, transferId, (transfer) =>
      readTransferView(transferId, transfer),
    );
  }

  #sale(
    saleId: string,
    text: string,
    keys: readonly string[],
    needsMemory: boolean,
  ): Promise<Decision<SaleView>> {
    return this.submit(this.keys.sale(saleId), text, keys, needsMemory, saleId, (sale, { nowMs }) =>
      readSaleView(saleId, sale, nowMs),
    );
  }

  /**
   * Sends a command and reads its decision.
   * @param id what it is about, for refusals that show it
   * @param read the answer of a command that was done
   */
  protected submit<T>(
    key: string,
    text: string,
    skuKeys: readonly string[],
    needsMemory: boolean,
    id: string,
    read: (text: string, head: BatchHead) => T,
    customerId?: string,
  ): Promise<Decision<T>> {
    const decode = (answer: string, head: BatchHead): Decision<T> => {
      if (answer.startsWith('DONE '))
        return { outcome: 'done', replayed: false, value: read(answer.slice(5), head) };
      if (answer.startsWith('REPLAYED '))
        return { outcome: 'done', replayed: true, value: read(answer.slice(9), head) };
      if (answer.startsWith('REFUSED '))
        return { outcome: 'refused', refusal: readRefusal(answer.slice(8), id) };
      // The most frequent answers are the record as it is: of a reserve, and of an order that was settled as a whole.
      if (answer.startsWith('ACTIVE ') || answer.startsWith('CONFIRMED ') || answer.startsWith('RELEASED '))
        return { outcome: 'done', replayed: false, value: read(answer, head) };
      throw new Unreadable('an answer', answer);
    };
    return this.batcher.submit(key, text, skuKeys, needsMemory, decode, customerId);
  }
}
