/**
 * The engine: a command in, a decision out. The only door to the hot path; HTTP is one of its callers.
 * Promises: a decision is Redis's and as durable as the acknowledgement level says; a refusal is a value; a fault says
 * whether the command can have run. Refuses to know: the ledger.
 */
import { Redis } from 'ioredis';
import {
  confirmOperation,
  type Decision,
  type ItemView,
  linesText,
  type OrderLine,
  partsText,
  type Refusal,
  type ReservationView,
  releaseOperation,
} from '../domain/language.ts';
import {
  type ConfirmInput,
  type ExtendInput,
  type ReceiveInput,
  type ReleaseInput,
  type ReserveInput,
  readConfirm,
  readExtend,
  readId,
  readReceive,
  readRelease,
  readReserve,
  readSafetyStock,
  type SafetyStockInput,
} from '../domain/validate.ts';
import { Batcher, type BatcherCounts, type BatcherOptions, type BatchHead } from './batcher.ts';
import { encodeReason } from './event-stream.ts';
import { Fault } from './fault.ts';
import { type PartitionKeys, partitionKeys } from './keys.ts';
import { readControl } from './partition.ts';
import { loadProgram } from './program.ts';
import { type AckLevel, checkRedis } from './redis-check.ts';
import { readItem, readRefusal, readReservationView, Unreadable } from './texts.ts';

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
const TIMEOUT_MS_DEFAULT = 5_000;

/** The stock of one SKU over all its warehouses. */
export interface SkuView {
  readonly sku: string;
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  readonly warehouses: readonly Omit<ItemView, 'sku'>[];
}

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
    return new HotInventory(redis, options, control?.epoch ?? 0);
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

/** A connection to Redis, for rooms that only hand it on. */
export type RedisConnection = Redis;

/** ioredis tells only that the connection closed; why, it told before to whoever listened. */
function causeOf(redis: Redis, error: unknown): string {
  const heard = lastErrors.get(redis) ?? error;
  return heard instanceof Error ? heard.message : String(heard);
}
const lastErrors = new WeakMap<Redis, Error>();

/**
 * A connection that never re-sends by itself: ioredis' default turned one lost reply into two deductions (D11).
 * Not yet connected; the caller calls `connect()`.
 */
export function connectRedis(redisUrl: string, timeoutMs = TIMEOUT_MS_DEFAULT): Redis {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // One late answer is waited for; a connection that stays silent is given up, not asked again and again.
    socketTimeout: 2 * timeoutMs,
    retryStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 5), 1_000),
    noDelay: true,
  });
  // Every failed command carries its own error to its caller; without a listener ioredis prints to stderr.
  redis.on('error', (error: Error) => lastErrors.set(redis, error));
  return redis;
}

export class HotInventory {
  readonly keys: PartitionKeys;
  readonly #redis: Redis;
  readonly #batcher: Batcher;

  /** @param epoch of the partition, 0 where it is not known yet */
  constructor(redis: Redis, options: HotInventoryOptions, epoch: number) {
    this.#redis = redis;
    this.keys = partitionKeys(options.prefix);
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

  /** Holds stock for an order, all lines or none (BR-002, BR-006). @throws {InvalidCommand} | {Fault}, as all commands here */
  reserve(input: ReserveInput): Promise<Decision<ReservationView>> {
    const command = readReserve(input);
    const text = `reserve ${command.holdMs} ${linesText(command.lines)} ${command.actor} -`;
    return this.#order(command.orderId, text, this.#skuKeys(command.lines), true);
  }

  /** A payment turns the hold, or the named part of it, into a sale; the rest returns at once. */
  confirm(input: ConfirmInput): Promise<Decision<ReservationView>> {
    const command = readConfirm(input);
    return this.#order(command.orderId, `confirm ${confirmOperation(command).slice(1)} ${command.actor}`);
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

  /** Goods came in; the first receipt makes the item. */
  receive(input: ReceiveInput): Promise<Decision<ItemView>> {
    const { movementId, sku, warehouse, quantity, reason, actor } = readReceive(input);
    const text = `receive ${sku}@${warehouse}=${quantity} ${encodeReason(reason)} ${actor}`;
    return this.#submit(this.keys.movement(movementId), text, [this.keys.sku(sku)], true, '', (item) =>
      itemView(sku, warehouse, item),
    );
  }

  /** BR-005: the line under which the low-stock alert fires; 0 switches it off. */
  setSafetyStock(input: SafetyStockInput): Promise<Decision<ItemView>> {
    const { sku, warehouse, quantity, actor } = readSafetyStock(input);
    const key = this.keys.sku(sku);
    const text = `set-safety-stock ${sku}@${warehouse} ${quantity} ${actor}`;
    return this.#submit(key, text, [key], false, '', (item) => itemView(sku, warehouse, item));
  }

  /** One SKU over all its warehouses, as it stands now. */
  item(sku: string): Promise<Decision<SkuView>> {
    const key = this.keys.sku(readId('sku', sku));
    return this.#submit(key, `look-item ${sku}`, [key], false, '', (text) => skuView(sku, text));
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
    await this.#batcher.close();
    this.#redis.disconnect();
  }

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

  #submit<T>(
    key: string,
    text: string,
    skuKeys: readonly string[],
    needsMemory: boolean,
    orderId: string,
    read: (text: string) => T,
  ): Promise<Decision<T>> {
    return this.#batcher.submit<Decision<T>>(key, text, skuKeys, needsMemory, (answer) => {
      if (answer.startsWith('DONE '))
        return { outcome: 'done', replayed: false, value: read(answer.slice(5)) };
      if (answer.startsWith('REPLAYED '))
        return { outcome: 'done', replayed: true, value: read(answer.slice(9)) };
      if (answer.startsWith('REFUSED ')) {
        const refusal: Refusal = readRefusal(answer.slice(8), orderId);
        return { outcome: 'refused', refusal };
      }
      throw new Unreadable('an answer', answer);
    });
  }
}

function itemView(sku: string, warehouse: string, text: string): ItemView {
  const { isLow, ...view } = readItem(sku, warehouse, text);
  return view;
}

function skuView(sku: string, text: string): SkuView {
  const warehouses = text
    .split(',')
    .map((part) => {
      const space = part.indexOf(' ');
      return itemView(sku, part.slice(0, space), part.slice(space + 1));
    })
    .map(({ sku: _, ...rest }) => rest);
  const sum = { total: 0, available: 0, reserved: 0, sold: 0 };
  for (const item of warehouses) {
    sum.total += item.total;
    sum.available += item.available;
    sum.reserved += item.reserved;
    sum.sold += item.sold;
  }
  return { sku, ...sum, warehouses };
}
