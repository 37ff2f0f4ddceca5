/**
 * The engine: a command in, a decision out. The only way to the hot path; HTTP is one of its callers.
 * Promises: Redis decides, and a decision is as durable as the acknowledgement level says; a refusal is a value; a fault
 * says whether the command can have run. Refuses to know: the ledger.
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
import type { InventoryItem } from '../domain/inventory-item.ts';
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
import { AcknowledgementLog } from './acknowledgements.ts';
import { Batcher, type BatcherCounts, type BatcherOptions, type BatchHead } from './batcher.ts';
import { encodeCommand, type Lookup } from './codec/command-codec.ts';
import { decodeItem, decodeItemView, decodeSkuView, type SkuView } from './codec/item-codec.ts';
import { decodeRefusal } from './codec/refusal-codec.ts';
import { decodeReservationView } from './codec/reservation-codec.ts';
import { decodeSaleView } from './codec/sale-codec.ts';
import { decodeStocktakeLine, decodeStocktakeSheet } from './codec/stocktake-codec.ts';
import { decodeTransferView } from './codec/transfer-codec.ts';
import { Unreadable } from './codec/words.ts';
import { connectRedis, openConnection } from './connection.ts';
import { Fault } from './fault.ts';
import { type PartitionKeys, partitionKeys } from './keys.ts';
import { type Epoch, readControl } from './partition.ts';
import { hasMsetex, loadProgram, type Program } from './program.ts';
import type { AckLevel, Durability } from './redis-check.ts';
import { StoreWatch } from './store-watch.ts';
import { WarehousePlaces } from './warehouse-places.ts';

export type { SkuView } from './codec/item-codec.ts';
export { connectRedis, openConnection, type RedisConnection } from './connection.ts';

export interface HotInventoryOptions {
  /** `redis://user:password@host:port/db`, or one of the other shapes of redis-url.ts: TLS, Sentinels, a socket. */
  readonly redisUrl: string;
  /** When a command is answered (D11); default `fsync`, compared with Redis's settings on every connection. */
  readonly ack?: AckLevel | undefined;
  /** How many replicas must have a command before it is answered; default 1 at the level `replica`, else 0. */
  readonly replicas?: number | undefined;
  /** What a service promises that shows no settings; undefined: CONFIG must tell. */
  readonly durability?: Durability | undefined;
  /** The prefix of this shop's keys in a shared Redis; default `hf`. */
  readonly prefix?: string | undefined;
  /** The partition, from 0 on (D12); default 0. A caller that opens several decides which order goes to which. */
  readonly partition?: number | undefined;
  /** How long a command may take, then it is a fault with the outcome `unknown`; default 5,000. */
  readonly timeoutMs?: number | undefined;
  readonly limits?: Partial<BatchLimits> | undefined;
  /** For tests that set the time: Lua in place of lua/clock.lua, and the clock of this process to compare it with. */
  readonly clock?: { readonly lua: string; readonly witnessMs: () => number } | undefined;
  /** False for a program without fast paths: for tests that compare the two. */
  readonly fastPaths?: boolean | undefined;
  /** Whether to keep what was acknowledged until the ledger has it, for whoever reports what is lost; default false. */
  readonly keepsAcknowledgements?: boolean | undefined;
}
/** The limits of batches and of the queue that a user may set. */
export type BatchLimits = Omit<
  BatcherOptions,
  'redis' | 'program' | 'keys' | 'witnessMs' | 'epoch' | 'replicas' | 'gate' | 'onError' | 'acknowledgements'
>;

/** The limits of an engine that sets none. */
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
 * Opens the engine and checks that Redis is set up for the acknowledgement level.
 * It opens also while the partition is not ready (D10); commands then get the fault `not-ready`.
 * @throws {WrongRedisSettings} with all problems at once
 * @throws {Fault} if Redis cannot be reached within the time-out
 * @example
 * const hot = await openHotInventory({ redisUrl: 'redis://127.0.0.1:6379' });
 * const decision = await hot.reserve({ orderId: 'A-1001', lines: [{ sku: 'TEA-1', quantity: 2 }] });
 * if (decision.outcome === 'refused') console.log(decision.refusal.code);
 */
export async function openHotInventory(options: HotInventoryOptions): Promise<HotInventory> {
  const redis = connectRedis(options.redisUrl, options.timeoutMs);
  const keys = partitionKeys(options.prefix, options.partition);
  const { ack = 'fsync', durability } = options;
  const replicas = options.replicas ?? (ack === 'replica' ? 1 : 0);
  // A clock that a test turns is no witness.
  const witnessMs = options.clock ? undefined : Date.now;
  const watch = new StoreWatch({ redis, keys, ack, durability, replicas, witnessMs });
  try {
    await openConnection(redis).catch((error: Error) => {
      throw new Fault('unavailable', 'nothing-happened', error.message, undefined, error);
    });
    await watch.start();
    // The program finds out by itself what is not read here because of a problem that will pass.
    const isOpen = !['read-only', 'setting', 'database'].includes(watch.problem?.reason ?? '');
    const control = isOpen ? await readControl(redis, keys) : undefined;
    const msetex = isOpen && (await hasMsetex(redis, keys.control));
    const hot = new HotInventory(redis, options, control?.epoch, watch, msetex);
    if (isOpen) await hot.places.refresh();
    return hot;
  } catch (error) {
    watch.close();
    redis.disconnect();
    throw error;
  }
}

/**
 * The engine of one partition. Made by {@link openHotInventory}.
 * Every command throws InvalidCommand before anything is sent if its input is wrong, and {@link Fault} for an outage. The ids
 * of orders, movements, stocktakes, transfers and sales make commands safe to repeat: a repeat gets `replayed: true`.
 */
export class HotInventory {
  readonly keys: PartitionKeys;
  /** Where warehouses are, so that the nearest is tried first. */
  readonly places: WarehousePlaces;
  /** Whether Redis may be sold from, as far as the connection tells; undefined: nobody watches. */
  readonly store: StoreWatch | undefined;
  /** What was acknowledged and is not in the ledger yet; undefined where it is not kept. */
  readonly acknowledgements: AcknowledgementLog | undefined;
  readonly #redis: Redis;
  readonly #batcher: Batcher;
  #usesMsetex: boolean;

  /**
   * @param epoch of the partition; undefined if it is not known yet
   * @param store a watch that has started; without it every answer is given at once
   * @param msetex whether this connection has MSETEX; checked again on every new connection
   */
  constructor(
    redis: Redis,
    options: HotInventoryOptions,
    epoch: Epoch | undefined,
    store?: StoreWatch,
    msetex = false,
  ) {
    this.acknowledgements = options.keepsAcknowledgements ? new AcknowledgementLog() : undefined;
    this.keys = partitionKeys(options.prefix, options.partition);
    this.places = new WarehousePlaces(redis, this.keys);
    this.store = store;
    this.#redis = redis;
    const programOf = (msetex: boolean): Program =>
      loadProgram({ clock: options.clock?.lua, fastPaths: options.fastPaths, msetex });
    this.#batcher = new Batcher({
      ...BATCH_LIMITS_DEFAULT,
      ...options.limits,
      redis,
      keys: this.keys,
      program: programOf(msetex),
      witnessMs: options.clock?.witnessMs ?? Date.now,
      epoch,
      replicas: store?.replicas ?? 0,
      gate: store,
      onError: store?.onError,
      acknowledgements: this.acknowledgements,
    });
    this.#usesMsetex = msetex;
    // Behind a new connection may be another server.
    if (store)
      store.prepare = async () => {
        this.#usesMsetex = await hasMsetex(redis, this.keys.control);
        this.#batcher.use(programOf(this.#usesMsetex));
      };
  }

  /** Counts of batches, commands and faults since the engine opened. */
  get counts(): Readonly<BatcherCounts> {
    return this.#batcher.counts;
  }
  /** Whether records are written with MSETEX, which is cheaper than a SET for each; see program.ts. */
  get usesMsetex(): boolean {
    return this.#usesMsetex;
  }
  /** Commands that wait for a batch. */
  get queued(): number {
    return this.#batcher.queued;
  }
  /** The head of the last answer; undefined before the first. */
  get head(): BatchHead | undefined {
    return this.#batcher.head;
  }

  // Orders ---------------------------------------------------------------------------------------------------

  /**
   * Holds stock for an order, all lines or none (BR-002, BR-006). A line without a warehouse is served by the warehouse
   * nearest to `shipTo` that can serve it.
   * @example await hot.reserve({ orderId: 'A-1001', lines: [{ sku: 'TEA-1', quantity: 2 }], holdSeconds: 900 })
   */
  reserve(input: ReserveInput): Promise<Decision<ReservationView>> {
    const command = readReserve(input, this.#nearest);
    const { customerId, saleId } = command;
    if (customerId === undefined && saleId === undefined) return this.#order(command);
    // The answer omits customer and sale: a repeat has the same ones, or is a conflict.
    return this.#decide(command, command.orderId, (text) => ({
      ...decodeReservationView(command.orderId, text),
      customerId,
      saleId,
    }));
  }

  /**
   * Turns the hold, or the named part of it, into a sale; the rest returns at once. With `reacquire` a payment after the
   * deadline takes the stock again; if it cannot, that is recorded for people to resolve.
   * @example await hot.confirm({ orderId: 'A-1001' })
   */
  confirm(input: ConfirmInput): Promise<Decision<ReservationView>> {
    return this.#order(readConfirm(input));
  }

  /**
   * Returns all that is held, or the named part of it while the rest stays held.
   * @example await hot.release({ orderId: 'A-1001', lines: [{ sku: 'TEA-1', quantity: 1 }], releaseId: 'cancel-7' })
   */
  release(input: ReleaseInput): Promise<Decision<ReservationView>> {
    return this.#order(readRelease(input));
  }

  /**
   * Lets a live hold last this long from now; a hold never gets shorter (BR-003).
   * @example await hot.extend({ orderId: 'A-1001', holdSeconds: 1_800 })
   */
  extend(input: ExtendInput): Promise<Decision<ReservationView>> {
    return this.#order(readExtend(input));
  }

  /** The reservation as it is now; one past its deadline shows as EXPIRED. */
  reservation(orderId: string): Promise<Decision<ReservationView>> {
    return this.#order({ kind: 'look-reservation', orderId: readId('orderId', orderId) });
  }

  // Stock ----------------------------------------------------------------------------------------------------

  /** The stock of one SKU in all its warehouses, as it is now. */
  item(sku: string): Promise<Decision<SkuView>> {
    const command = { kind: 'look-item', sku: readId('sku', sku) } as const;
    return this.#decide(command, sku, (text) => decodeSkuView(sku, text));
  }

  /**
   * Records that goods come in, leave, are shipped, come back or are corrected, once per movement id (BR-006).
   * @example await hot.move('ship', { movementId: 'S-1', sku: 'TEA-1', warehouse: 'taipei', quantity: 2 })
   */
  move(kind: MovementKind, input: MovementInput): Promise<Decision<ItemView>> {
    const command = readMovement(kind, input);
    const { movementId, sku, warehouse } = command;
    return this.#decide(command, movementId, (text) => decodeItemView(sku, warehouse, text));
  }

  /**
   * Records that goods came in; the first receipt creates the item.
   * @example await hot.receive({ movementId: 'R-1', sku: 'TEA-1', warehouse: 'taipei', quantity: 100 })
   */
  receive(input: MovementInput): Promise<Decision<ItemView>> {
    return this.move('receive', input);
  }

  /** Sets the number of available units below which the low-stock alert fires (BR-005); 0 switches it off. */
  setSafetyStock(input: SafetyStockInput): Promise<Decision<ItemView>> {
    const command = readSafetyStock(input);
    const { sku, warehouse } = command;
    return this.#decide(command, sku, (text) => decodeItemView(sku, warehouse, text));
  }

  // Stocktakes (BR-007) --------------------------------------------------------------------------------------

  /**
   * Locks an item for a count under a count sheet. Until the lock ends its units are neither reserved nor sold.
   * @example await hot.startStocktake({ stocktakeId: 'C-1', sku: 'TEA-1', warehouse: 'taipei', leaseSeconds: 900 })
   */
  startStocktake(input: StartStocktakeInput): Promise<Decision<StocktakeLine>> {
    return this.#count(readStartStocktake(input));
  }

  /** Sets the total of the item to the count and ends the lock. */
  completeStocktake(input: CompleteStocktakeInput): Promise<Decision<StocktakeLine>> {
    return this.#count(readCompleteStocktake(input));
  }

  /** Ends the lock without a count. */
  cancelStocktake(input: CancelStocktakeInput): Promise<Decision<StocktakeLine>> {
    return this.#count(readCancelStocktake(input));
  }

  /** Every line of a count sheet. */
  stocktake(stocktakeId: string): Promise<Decision<readonly StocktakeLine[]>> {
    const command = { kind: 'look-stocktake', stocktakeId: readId('stocktakeId', stocktakeId) } as const;
    return this.#decide(command, stocktakeId, (text) => decodeStocktakeSheet(stocktakeId, text));
  }

  // Transfers ------------------------------------------------------------------------------------------------

  /**
   * Takes goods out of their source; until they arrive they are in transit.
   * @example await hot.dispatchTransfer({ transferId: 'T-1', sku: 'TEA-1', from: 'taipei', to: 'tainan', quantity: 20 })
   */
  dispatchTransfer(input: DispatchTransferInput): Promise<Decision<TransferView>> {
    return this.#transfer(readDispatchTransfer(input));
  }

  /** Records that goods in transit arrived, fit for sale or not. */
  receiveTransfer(input: ReceiveTransferInput): Promise<Decision<TransferView>> {
    return this.#transfer(readReceiveTransfer(input));
  }

  /** Returns to the source what is still in transit. */
  cancelTransfer(input: CancelTransferInput): Promise<Decision<TransferView>> {
    return this.#transfer(readCancelTransfer(input));
  }

  /** A transfer as it is now. */
  transfer(transferId: string): Promise<Decision<TransferView>> {
    return this.#transfer({ kind: 'look-transfer', transferId: readId('transferId', transferId) });
  }

  // Flash sales ----------------------------------------------------------------------------------------------

  /** Sets units of a SKU aside for the orders of a flash sale until it closes. Times are in milliseconds since 1970. */
  scheduleSale(input: ScheduleSaleInput): Promise<Decision<SaleView>> {
    return this.#sale(readScheduleSale(input));
  }

  /** Closes the sale now. */
  closeSale(input: CloseSaleInput): Promise<Decision<SaleView>> {
    return this.#sale(readCloseSale(input));
  }

  /** A sale with its live figures. */
  sale(saleId: string): Promise<Decision<SaleView>> {
    return this.#sale({ kind: 'look-sale', saleId: readId('saleId', saleId) });
  }

  // Upkeep ---------------------------------------------------------------------------------------------------

  /** Expires due holds, at most this many, and returns the state of the partition. */
  sweep(dueHoldsMax: number): Promise<BatchHead> {
    return this.#batcher.sweep(dueHoldsMax);
  }

  /** Refuses all further commands about an item whose events the worker found wrong (D8); its figures are kept. */
  quarantine(sku: string, warehouse: string): Promise<void> {
    const command = { kind: 'quarantine', sku, warehouse } as const;
    return this.#batcher.submit(encodeCommand(this.keys, command), (answer) => {
      if (answer !== 'DONE' && !answer.startsWith('REFUSED unknown-item')) {
        throw new Unreadable('the answer to a quarantine', answer);
      }
    });
  }

  /**
   * Opens an item that is in quarantine, cannot be read or is missing, with these figures, which the ledger must have
   * already. @returns the item as it is now: another one where it was open before
   */
  lift(item: InventoryItem): Promise<InventoryItem> {
    const command = { kind: 'lift', item } as const;
    return this.#batcher.submit(encodeCommand(this.keys, command), (answer) => {
      const text = /^(?:DONE|REPLAYED) (.+)$/.exec(answer)?.[1];
      if (text === undefined) throw new Unreadable('the answer to a lift', answer);
      return decodeItem(item.sku, item.warehouse, text);
    });
  }

  /**
   * The ledger has so many events of the history (D7).
   * @param nonce of the epoch in which the caller verified the partition; another one is refused
   * @param keepFrom the oldest stream entry to keep; undefined: nothing is cut
   */
  trim(nonce: string, carriedTotal: number, keepFrom: string | undefined): Promise<void> {
    const command = { kind: 'trim', nonce, carriedTotal, keepFrom } as const;
    return this.#batcher.submit(encodeCommand(this.keys, command), (answer) => {
      if (answer !== 'DONE') throw new Unreadable('the answer to a trim', answer);
    });
  }

  /** Refuses new commands, waits for the answers to earlier ones, and closes the connection. */
  async close(): Promise<void> {
    this.places.close();
    await this.#batcher.close();
    this.store?.close();
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
   * Sends a command and decodes its decision.
   * @param id of the command's subject, for refusals that show it
   * @param decode reads the answer if the command was done
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
      // The most frequent answers are the record alone: after a reserve, and after an order was resolved as a whole.
      if (answer.startsWith('ACTIVE ') || answer.startsWith('CONFIRMED ') || answer.startsWith('RELEASED '))
        return { outcome: 'done', replayed: false, value: decode(answer, head) };
      throw new Unreadable('an answer', answer);
    });
  }
}

type OrderKind = 'reserve' | 'confirm' | 'release' | 'extend' | 'look-reservation';
