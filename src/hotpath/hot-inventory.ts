/**
 * The engine: a command in, a decision out. The only door to the hot path; HTTP is one of its callers.
 * Promises: a decision is Redis's and as durable as the acknowledgement level says; a refusal is a value; a fault says
 * whether the command can have run. Refuses to know: the ledger.
 */
import type { Redis } from 'ioredis';
import { type Coordinates, rankWarehouses } from '../domain/geography.ts';
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
} from '../domain/inputs/goods.ts';
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
} from '../domain/inputs/orders.ts';
import {
  CANDIDATES_MAX,
  type CancelStocktake,
  type Command,
  type CompleteStocktake,
  type Decision,
  type ItemView,
  type MovementKind,
  type ReservationView,
  type SaleView,
  type StartStocktake,
  type StocktakeLine,
  type TransferView,
} from '../domain/language.ts';
import { Batcher, type BatcherCounts, type BatcherOptions, type BatchHead } from './batcher.ts';
import { encodeCommand, type Lookup } from './codec/command-codec.ts';
import { decodeItemView, decodeSkuView, type SkuView } from './codec/item-codec.ts';
import { decodeRefusal } from './codec/refusal-codec.ts';
import { decodeReservationView } from './codec/reservation-codec.ts';
import { decodeSaleView } from './codec/sale-codec.ts';
import { decodeStocktakeLine, decodeStocktakeSheet } from './codec/stocktake-codec.ts';
import { decodeTransferView } from './codec/transfer-codec.ts';
import { Unreadable } from './codec/words.ts';
import { causeOf, connectRedis } from './connection.ts';
import { Fault } from './fault.ts';
import { type PartitionKeys, partitionKeys } from './keys.ts';
import { readControl } from './partition.ts';
import { loadProgram } from './program.ts';
import { type AckLevel, checkRedis } from './redis-check.ts';
import { WarehousePlaces } from './warehouse-places.ts';

export type { SkuView } from './codec/item-codec.ts';
export { connectRedis, type RedisConnection } from './connection.ts';

export interface HotInventoryOptions {
  /** Where Redis is, `redis://user:password@host:port/db`. */
  readonly redisUrl: string;
  /** What an answer means (D11); default `fsync`, checked against Redis's settings when the engine opens. */
  readonly ack?: AckLevel | undefined;
  /** Names this shop's keys in a shared Redis. */
  readonly prefix?: string | undefined;
  /** Which partition decides, from 0 on (D12); who opens several says which order goes to which. */
  readonly partition?: number | undefined;
  /** An answer that takes longer is a fault with the outcome `unknown`. */
  readonly timeoutMs?: number | undefined;
  readonly limits?: Partial<BatchLimits> | undefined;
  /** Lua in the place of lua/clock.lua and a witness for it: for tests that turn the clock. */
  readonly clock?: { readonly lua: string; readonly witnessMs: () => number } | undefined;
}
export type BatchLimits = Omit<
  BatcherOptions,
  'redis' | 'program' | 'keys' | 'witnessMs' | 'epoch' | 'replicas'
>;

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
    const keys = partitionKeys(options.prefix, options.partition);
    const replicas = await checkRedis(redis, options.ack ?? 'fsync', keys);
    const control = await readControl(redis, keys);
    const hot = new HotInventory(redis, options, control?.epoch ?? 0, replicas);
    await hot.places.refresh();
    return hot;
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

export class HotInventory {
  readonly keys: PartitionKeys;
  /** Where warehouses are, for the nearest to be tried first. */
  readonly places: WarehousePlaces;
  readonly #redis: Redis;
  readonly #batcher: Batcher;

  /**
   * @param epoch of the partition, 0 where it is not known yet
   * @param replicas that every answer waits for
   */
  constructor(redis: Redis, options: HotInventoryOptions, epoch: number, replicas: number) {
    this.keys = partitionKeys(options.prefix, options.partition);
    this.places = new WarehousePlaces(redis, this.keys);
    this.#redis = redis;
    this.#batcher = new Batcher({
      ...BATCH_LIMITS_DEFAULT,
      ...options.limits,
      redis,
      keys: this.keys,
      program: loadProgram({ clock: options.clock?.lua }),
      witnessMs: options.clock?.witnessMs ?? Date.now,
      epoch,
      replicas,
    });
  }

  get counts(): Readonly<BatcherCounts> {
    return this.#batcher.counts;
  }
  /** Commands waiting for a batch. */
  get queued(): number {
    return this.#batcher.queued;
  }
  /** The head of the last answer; undefined before the first. */
  get head(): BatchHead | undefined {
    return this.#batcher.head;
  }

  // Orders ---------------------------------------------------------------------------------------------------

  /**
   * Holds stock for an order, all lines or none (BR-002, BR-006). Lines without a warehouse are served by the nearest to
   * `shipTo` that can. All commands here throw {InvalidCommand} before anything is sent, and {Fault} for an outage.
   * @example await hot.reserve({ orderId: 'A-1001', lines: [{ sku: 'TEA-1', quantity: 2 }] })
   */
  reserve(input: ReserveInput): Promise<Decision<ReservationView>> {
    const command = readReserve(input, this.#nearest);
    const { customerId, saleId } = command;
    if (customerId === undefined && saleId === undefined) return this.#order(command);
    // The answer leaves out what the caller knows; a repeat has the same customer and sale, or is a conflict.
    return this.#decide(command, command.orderId, (text) => ({
      ...decodeReservationView(command.orderId, text),
      customerId,
      saleId,
    }));
  }

  /**
   * A payment turns the hold, or the named part of it, into a sale; the rest returns at once. With `reacquire` a payment
   * that came too late takes the stock again, or is recorded for people where it cannot.
   * @example await hot.confirm({ orderId: 'A-1001' })
   */
  confirm(input: ConfirmInput): Promise<Decision<ReservationView>> {
    return this.#order(readConfirm(input));
  }

  /** A cancellation returns all that is held, or the named part of it while the rest stays held. */
  release(input: ReleaseInput): Promise<Decision<ReservationView>> {
    return this.#order(readRelease(input));
  }

  /** A live hold lasts this long from now; it never gets shorter (BR-003). */
  extend(input: ExtendInput): Promise<Decision<ReservationView>> {
    return this.#order(readExtend(input));
  }

  /** The reservation as it is now; a hold past its deadline has returned. */
  reservation(orderId: string): Promise<Decision<ReservationView>> {
    return this.#order({ kind: 'look-reservation', orderId: readId('orderId', orderId) });
  }

  // Stock ----------------------------------------------------------------------------------------------------

  /** One SKU over all its warehouses, as it is now. */
  item(sku: string): Promise<Decision<SkuView>> {
    const command = { kind: 'look-item', sku: readId('sku', sku) } as const;
    return this.#decide(command, sku, (text) => decodeSkuView(sku, text));
  }

  /** Goods come in, leave, are shipped, come back or are corrected, under an id of their own (BR-006). */
  move(kind: MovementKind, input: MovementInput): Promise<Decision<ItemView>> {
    const command = readMovement(kind, input);
    const { movementId, sku, warehouse } = command;
    return this.#decide(command, movementId, (text) => decodeItemView(sku, warehouse, text));
  }

  /** Goods came in; the first receipt creates the item. */
  receive(input: MovementInput): Promise<Decision<ItemView>> {
    return this.move('receive', input);
  }

  /** BR-005: the line under which the low-stock alert fires; 0 switches it off. */
  setSafetyStock(input: SafetyStockInput): Promise<Decision<ItemView>> {
    const command = readSafetyStock(input);
    const { sku, warehouse } = command;
    return this.#decide(command, sku, (text) => decodeItemView(sku, warehouse, text));
  }

  // Stocktakes (BR-007) --------------------------------------------------------------------------------------

  /** Locks an item under a count sheet; until the lock ends nothing is deducted from it. */
  startStocktake(input: StartStocktakeInput): Promise<Decision<StocktakeLine>> {
    return this.#count(readStartStocktake(input));
  }

  /** The item was counted: its total becomes what was found, and the lock ends. */
  completeStocktake(input: CompleteStocktakeInput): Promise<Decision<StocktakeLine>> {
    return this.#count(readCompleteStocktake(input));
  }

  /** The lock ends and nothing was counted. */
  cancelStocktake(input: CancelStocktakeInput): Promise<Decision<StocktakeLine>> {
    return this.#count(readCancelStocktake(input));
  }

  /** Every line of a count sheet. */
  stocktake(stocktakeId: string): Promise<Decision<readonly StocktakeLine[]>> {
    const command = { kind: 'look-stocktake', stocktakeId: readId('stocktakeId', stocktakeId) } as const;
    return this.#decide(command, stocktakeId, (text) => decodeStocktakeSheet(stocktakeId, text));
  }

  // Transfers ------------------------------------------------------------------------------------------------

  /** Goods leave their source and are in transit. */
  dispatchTransfer(input: DispatchTransferInput): Promise<Decision<TransferView>> {
    return this.#transfer(readDispatchTransfer(input));
  }

  /** Goods in transit arrived, sound or not. */
  receiveTransfer(input: ReceiveTransferInput): Promise<Decision<TransferView>> {
    return this.#transfer(readReceiveTransfer(input));
  }

  /** What is still in transit returns to its source. */
  cancelTransfer(input: CancelTransferInput): Promise<Decision<TransferView>> {
    return this.#transfer(readCancelTransfer(input));
  }

  /** A transfer as it is now. */
  transfer(transferId: string): Promise<Decision<TransferView>> {
    return this.#transfer({ kind: 'look-transfer', transferId: readId('transferId', transferId) });
  }

  // Flash sales ----------------------------------------------------------------------------------------------

  /** Sets a quantity of a SKU aside for the orders of a sale until it closes. */
  scheduleSale(input: ScheduleSaleInput): Promise<Decision<SaleView>> {
    return this.#sale(readScheduleSale(input));
  }

  /** The sale closes now. */
  closeSale(input: CloseSaleInput): Promise<Decision<SaleView>> {
    return this.#sale(readCloseSale(input));
  }

  /** A sale with its live figures. */
  sale(saleId: string): Promise<Decision<SaleView>> {
    return this.#sale({ kind: 'look-sale', saleId: readId('saleId', saleId) });
  }

  // Upkeep ---------------------------------------------------------------------------------------------------

  /** Returns what is due, at most this many holds, and answers the head of the partition. */
  sweep(dueHoldsMax: number): Promise<BatchHead> {
    return this.#batcher.sweep(dueHoldsMax);
  }

  /** Stops all decisions about an item the ledger could not follow (D8); its figures are kept. */
  quarantine(sku: string, warehouse: string): Promise<void> {
    const command = { kind: 'quarantine', sku, warehouse } as const;
    return this.#batcher.submit(encodeCommand(this.keys, command), (answer) => {
      if (answer !== 'DONE' && !answer.startsWith('REFUSED unknown-item')) {
        throw new Unreadable('the answer to a quarantine', answer);
      }
    });
  }

  /** The ledger has all events up to this sequence: the stream is cut below it (D7). */
  trim(sequence: number, eventsTotal: number): Promise<void> {
    const command = { kind: 'trim', sequence, eventsTotal } as const;
    return this.#batcher.submit(encodeCommand(this.keys, command), (answer) => {
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

  #order(
    command: (Command | Lookup) & { readonly orderId: string; readonly kind: OrderKind },
  ): Promise<Decision<ReservationView>> {
    const { orderId } = command;
    return this.#decide(command, orderId, (text) => decodeReservationView(orderId, text));
  }

  #count(command: StartStocktake | CompleteStocktake | CancelStocktake): Promise<Decision<StocktakeLine>> {
    const { stocktakeId, sku, warehouse } = command;
    return this.#decide(command, stocktakeId, (text) =>
      decodeStocktakeLine(stocktakeId, sku, warehouse, text),
    );
  }

  #transfer(command: (Command | Lookup) & { readonly transferId: string }): Promise<Decision<TransferView>> {
    const { transferId } = command;
    return this.#decide(command, transferId, (text) => decodeTransferView(transferId, text));
  }

  #sale(
    command: Extract<Command | Lookup, { kind: 'schedule-sale' | 'close-sale' | 'look-sale' }>,
  ): Promise<Decision<SaleView>> {
    const { saleId } = command;
    return this.#decide(command, saleId, (text, { nowMs }) => decodeSaleView(saleId, text, nowMs));
  }

  /**
   * Sends a command and reads its decision.
   * @param id what the command is about, for refusals that show it
   * @param decode reads the answer of a command that was done
   */
  #decide<T>(
    command: Command | Lookup,
    id: string,
    decode: (text: string, head: BatchHead) => T,
  ): Promise<Decision<T>> {
    return this.#batcher.submit(encodeCommand(this.keys, command), (answer, head) => {
      if (answer.startsWith('DONE '))
        return { outcome: 'done', replayed: false, value: decode(answer.slice(5), head) };
      if (answer.startsWith('REPLAYED '))
        return { outcome: 'done', replayed: true, value: decode(answer.slice(9), head) };
      if (answer.startsWith('REFUSED '))
        return { outcome: 'refused', refusal: decodeRefusal(answer.slice(8), id) };
      // The most frequent answers are the record as it is: of a reserve, and of an order that was resolved as a whole.
      if (answer.startsWith('ACTIVE ') || answer.startsWith('CONFIRMED ') || answer.startsWith('RELEASED '))
        return { outcome: 'done', replayed: false, value: decode(answer, head) };
      throw new Unreadable('an answer', answer);
    });
  }
}

type OrderKind = 'reserve' | 'confirm' | 'release' | 'extend' | 'look-reservation';
