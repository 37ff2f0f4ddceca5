/**
 * The engine: a command in, a decision out. The only door to the hot path; HTTP is one of its callers.
 * Promises: a decision is Redis's and as durable as the acknowledgement level says; a refusal is a value; a fault says
 * whether the command can have run. Refuses to know: the ledger.
 */
import type { Redis } from 'ioredis';
import { type Coordinates, rankWarehouses } from '../domain/geography.ts';
import {
  CANDIDATES_MAX,
  confirmOperation,
  type Decision,
  type ItemView,
  linesText,
  type MovementKind,
  type OrderLine,
  partsText,
  type ReservationView,
  receiptOperation,
  releaseOperation,
  type SaleView,
  type StocktakeLine,
  type TransferView,
} from '../domain/language.ts';
import {
  type ConfirmInput,
  type ExtendInput,
  type ReleaseInput,
  type ReserveInput,
  readConfirm,
  readExtend,
  readId,
  readRelease,
  readReserve,
} from '../domain/validate.ts';
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
import { Batcher, type BatcherCounts, type BatcherOptions, type BatchHead } from './batcher.ts';
import { causeOf, connectRedis } from './connection.ts';
import { readSaleView, readStocktakeLine, readStocktakeSheet, readTransferView } from './document-texts.ts';
import { encodeReason } from './event-texts.ts';
import { Fault } from './fault.ts';
import { type PartitionKeys, partitionKeys } from './keys.ts';
import { readControl } from './partition.ts';
import { loadProgram } from './program.ts';
import { type AckLevel, checkRedis } from './redis-check.ts';
import { readRefusal } from './refusal-texts.ts';
import { itemView, readReservationView, type SkuView, skuView, Unreadable } from './texts.ts';
import { WarehousePlaces } from './warehouse-places.ts';

export { connectRedis, type RedisConnection } from './connection.ts';
export type { SkuView } from './texts.ts';

export interface HotInventoryOptions {
  /** Where Redis is, `redis://user:password@host:port/db`. */
  readonly redisUrl: string;
  /** What an answer means (D11); default `fsync`, checked against Redis's settings when the engine opens. */
  readonly ack?: AckLevel | undefined;
  /** Names this shop's keys in a shared Redis. */
  readonly prefix?: string | undefined;
  /** An answer that takes longer is a fault with the outcome `unknown`. */
  readonly timeoutMs?: number | undefined;
  readonly limits?: Partial<BatchLimits> | undefined;
  /** Lua in the place of lua/clock.lua and a witness for it: for tests that turn the clock. */
  readonly clock?: { readonly lua: string; readonly witnessMs: () => number } | undefined;
}
export type BatchLimits = Omit<BatcherOptions, 'redis' | 'program' | 'keys' | 'witnessMs' | 'epoch'>;

export const BATCH_LIMITS_DEFAULT: BatchLimits = {
  batchCommandsMax: 256,
  batchLinesMax: 1_024,
  batchesInFlightMax: 2,
  queueCommandsMax: 20_000,
  queueWaitMsMax: 2_000,
  backlogEventsMax: 5_000_000,
  dueHoldsMax: 32,
  tombstoneMs: 24 * 60 * 60 * 1_000,
};

/**
 * Opens the engine and checks that Redis keeps what the acknowledgement level promises.
 * It opens also while the partition is not ready (D10); commands then meet the fault `not-ready`.
 * @throws {WrongRedisSettings} | {Fault} where Redis cannot be reached within the time-out
 */
export async function openHotInventory(options: HotInventoryOptions): Promise<HotInventory> {
  const redis = connectRedis(options.redisUrl, options.timeoutMs);
  try {
    await redis.connect().catch((error: unknown) => {
      const { host, port } = redis.options;
      throw new Fault(
        'unavailable',
        'nothing-happened',
        `Redis at ${host}:${port} cannot be reached: ${causeOf(redis, error)}`,
      );
    });
    await checkRedis(redis, options.ack ?? 'fsync', partitionKeys(options.prefix));
    const control = await readControl(redis, partitionKeys(options.prefix));
    const hot = new HotInventory(redis, options, control?.epoch ?? 0);
    await hot.places.refresh();
    return hot;
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

export class HotInventory {
  readonly keys: PartitionKeys;
  /** Where warehouses stand, for the nearest to be tried first. */
  readonly places: WarehousePlaces;
  readonly #redis: Redis;
  readonly #batcher: Batcher;

  /** @param epoch of the partition, 0 where it is not known yet */
  constructor(redis: Redis, options: HotInventoryOptions, epoch: number) {
    this.#redis = redis;
    this.keys = partitionKeys(options.prefix);
    this.places = new WarehousePlaces(redis, this.keys);
    this.#batcher = new Batcher({
      ...BATCH_LIMITS_DEFAULT,
      ...options.limits,
      redis,
      keys: this.keys,
      program: loadProgram(options.clock?.lua),
      witnessMs: options.clock?.witnessMs ?? Date.now,
      epoch,
    });
  }

  get counts(): Readonly<BatcherCounts> {
    return this.#batcher.counts;
  }
  /** Commands waiting for a batch. */
  get queued(): number {
    return this.#batcher.queued;
  }
  /** The head of the last answer. */
  get head(): BatchHead | undefined {
    return this.#batcher.head;
  }

  /**
   * Holds stock for an order, all lines or none (BR-002, BR-006). Lines without a warehouse are served by the nearest to
   * `shipTo` that can. @throws {InvalidCommand} | {Fault}, as all commands here
   */
  reserve(input: ReserveInput): Promise<Decision<ReservationView>> {
    const command = readReserve(input, this.#nearest);
    const { orderId, holdMs, lines, actor, candidates, saleId, allocation, customerId } = command;
    const words = `${actor} ${candidates.join(',') || '-'} ${saleId ?? '-'} ${allocation}`;
    const text = `reserve ${holdMs} ${linesText(lines)} ${words}`;
    const keys = this.#skuKeys(lines);
    if (saleId !== undefined) keys.push(this.keys.quota(saleId));
    const key = this.keys.reservation(orderId);
    if (customerId === undefined && saleId === undefined) return this.#order(orderId, text, keys, true);
    // The answer leaves out what the caller knows; a repeat has the same customer and sale, or is a conflict.
    const read = (answer: string) => ({ ...readReservationView(orderId, answer), customerId, saleId });
    const asked = customerId === undefined ? text : `@${text}`;
    return this.#submit(key, asked, keys, true, orderId, read, customerId);
  }

  /**
   * A payment turns the hold, or the named part of it, into a sale; the rest returns at once. With `reacquire` a payment
   * that came too late takes the stock again, or is filed for people where it cannot.
   */
  confirm(input: ConfirmInput): Promise<Decision<ReservationView>> {
    const command = readConfirm(input);
    const words = `${command.reacquire ? 'reacquire' : '-'} ${command.proposeTransferTo ?? '-'}`;
    const text = `confirm ${confirmOperation(command).slice(1)} ${command.actor} ${words}`;
    return this.#order(command.orderId, text);
  }

  /** A cancellation returns all that is held, or the named part of it while the rest stays held. */
  release(input: ReleaseInput): Promise<Decision<ReservationView>> {
    const command = readRelease(input);
    const parts = command.lines ? partsText(command.lines) : '*';
    return this.#order(command.orderId, `release ${parts} ${releaseOperation(command)} ${command.actor}`);
  }

  /** A live hold lasts this long from now; it never gets shorter (BR-003). */
  extend(input: ExtendInput): Promise<Decision<ReservationView>> {
    const command = readExtend(input);
    return this.#order(command.orderId, `extend ${command.holdMs} ${command.actor}`);
  }

  /** The reservation as it stands now; a hold past its deadline has returned. */
  reservation(orderId: string): Promise<Decision<ReservationView>> {
    return this.#order(readId('orderId', orderId), 'look-reservation');
  }

  /** Goods come in, leave, are shipped, come back or are corrected, under an id of their own (BR-006). */
  move(kind: MovementKind, input: MovementInput): Promise<Decision<ItemView>> {
    const command = readMovement(kind, input);
    const { movementId, sku, warehouse, quantity, reason, actor } = command;
    let text = `${kind} ${sku}@${warehouse}=${quantity} ${encodeReason(reason)} ${actor}`;
    if (command.kind === 'correct') text += ` ${command.expectedVersion}`;
    else if (command.kind !== 'receive' && command.kind !== 'issue') text += ` ${command.orderId ?? '-'}`;
    return this.#submit(
      this.keys.movement(movementId),
      text,
      [this.keys.sku(sku)],
      true,
      movementId,
      (item) => itemView(sku, warehouse, item),
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
    return this.#submit(key, text, [key], false, sku, (item) => itemView(sku, warehouse, item));
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
    return this.#submit(key, 'look-stocktake', [], false, stocktakeId, (text) =>
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

  /** One SKU over all its warehouses, as it stands now. */
  item(sku: string): Promise<Decision<SkuView>> {
    const key = this.keys.sku(readId('sku', sku));
    return this.#submit(key, `look-item ${sku}`, [key], false, sku, (text) => skuView(sku, text));
  }

  /** Returns what is due, at most this many holds, and answers the head of the partition. */
  sweep(dueHoldsMax: number): Promise<BatchHead> {
    return this.#batcher.sweep(dueHoldsMax);
  }

  /** Stops all decisions about an item the ledger could not follow (D8); its figures are kept. */
  async quarantine(sku: string, warehouse: string): Promise<void> {
    const key = this.keys.sku(readId('sku', sku));
    const text = `quarantine ${sku}@${readId('warehouse', warehouse)}`;
    await this.#batcher.submit(key, text, [key], false, (answer) => {
      if (answer !== 'DONE' && !answer.startsWith('REFUSED unknown-item')) {
        throw new Unreadable('the answer to a quarantine', answer);
      }
    });
  }

  /** The ledger holds all events up to this sequence: the stream is cut below it (D7). */
  async trim(sequence: number, eventsTotal: number): Promise<void> {
    await this.#batcher.submit(this.keys.control, `trim ${sequence} ${eventsTotal}`, [], false, (answer) => {
      if (answer !== 'DONE') throw new Unreadable('the answer to a trim', answer);
    });
  }

  /** Takes no more commands, answers those taken, and closes the connection. */
  async close(): Promise<void> {
    this.places.close();
    await this.#batcher.close();
    this.#redis.disconnect();
  }

  readonly #nearest = (shipTo: Coordinates): readonly string[] =>
    rankWarehouses(this.places.warehouses(), shipTo, CANDIDATES_MAX);

  #skuKeys(lines: readonly OrderLine[]): string[] {
    const keys: string[] = [];
    for (const line of lines) keys.push(this.keys.sku(line.sku));
    return keys;
  }

  #order(
    orderId: string,
    text: string,
    skuKeys: readonly string[] = [],
    needsMemory = false,
  ): Promise<Decision<ReservationView>> {
    const key = this.keys.reservation(orderId);
    return this.#submit(key, text, skuKeys, needsMemory, orderId, (reservation) =>
      readReservationView(orderId, reservation),
    );
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
    return this.#submit(this.keys.stocktake(stocktakeId), text, keys, needsMemory, stocktakeId, (line) =>
      readStocktakeLine(stocktakeId, sku, warehouse, line),
    );
  }

  #transfer(
    transferId: string,
    text: string,
    keys: readonly string[],
    needsMemory: boolean,
  ): Promise<Decision<TransferView>> {
    return this.#submit(this.keys.transfer(transferId), text, keys, needsMemory, transferId, (transfer) =>
      readTransferView(transferId, transfer),
    );
  }

  #sale(
    saleId: string,
    text: string,
    keys: readonly string[],
    needsMemory: boolean,
  ): Promise<Decision<SaleView>> {
    return this.#submit(this.keys.sale(saleId), text, keys, needsMemory, saleId, (sale, { nowMs }) =>
      readSaleView(saleId, sale, nowMs),
    );
  }

  #submit<T>(
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
      throw new Unreadable('an answer', answer);
    };
    return this.#batcher.submit(key, text, skuKeys, needsMemory, decode, customerId);
  }
}
