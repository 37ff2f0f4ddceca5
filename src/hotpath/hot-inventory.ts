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
  linesText,
  type OrderLine,
  partsText,
  type ReservationView,
  releaseOperation,
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
import { Batcher, type BatcherCounts, type BatcherOptions, type BatchHead } from './batcher.ts';
import { readReservationView, Unreadable } from './codec/record-codec.ts';
import { causeOf, connectRedis } from './connection.ts';
import { Fault } from './fault.ts';
import { HotGoods } from './hot-goods.ts';
import { partitionKeys } from './keys.ts';
import { readControl } from './partition.ts';
import { loadProgram } from './program.ts';
import { type AckLevel, checkRedis } from './redis-check.ts';
import { WarehousePlaces } from './warehouse-places.ts';

export type { SkuView } from './codec/record-codec.ts';
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

export class HotInventory extends HotGoods {
  /** Where warehouses stand, for the nearest to be tried first. */
  readonly places: WarehousePlaces;
  readonly #redis: Redis;

  /**
   * @param epoch of the partition, 0 where it is not known yet
   * @param replicas that every answer waits for
   */
  constructor(redis: Redis, options: HotInventoryOptions, epoch: number, replicas: number) {
    const keys = partitionKeys(options.prefix, options.partition);
    super(
      keys,
      new Batcher({
        ...BATCH_LIMITS_DEFAULT,
        ...options.limits,
        redis,
        keys,
        program: loadProgram(options.clock?.lua),
        witnessMs: options.clock?.witnessMs ?? Date.now,
        epoch,
        replicas,
      }),
    );
    this.#redis = redis;
    this.places = new WarehousePlaces(redis, keys);
  }

  get counts(): Readonly<BatcherCounts> {
    return this.batcher.counts;
  }
  /** Commands waiting for a batch. */
  get queued(): number {
    return this.batcher.queued;
  }
  /** The head of the last answer. */
  get head(): BatchHead | undefined {
    return this.batcher.head;
  }

  /**
   * Holds stock for an order, all lines or none (BR-002, BR-006). Lines without a warehouse are served by the nearest to
   * `shipTo` that can. @throws {InvalidCommand} | {Fault}, as all commands here
   */
  reserve(input: ReserveInput): Promise<Decision<ReservationView>> {
    const command = readReserve(input, this.#nearest);
    const { orderId, holdMs, lines, actor, candidates, saleId, allocation, customerId } = command;
    const terms = `${holdMs} ${actor} ${candidates.join(',') || '-'} ${saleId ?? '-'} ${allocation}`;
    const text = `reserve ${linesText(lines)} ${terms}`;
    const keys = this.#skuKeys(lines);
    if (saleId !== undefined) keys.push(this.keys.quota(saleId));
    const key = this.keys.reservation(orderId);
    if (customerId === undefined && saleId === undefined) return this.#order(orderId, text, keys, true);
    // The answer leaves out what the caller knows; a repeat has the same customer and sale, or is a conflict.
    const read = (answer: string) => ({ ...readReservationView(orderId, answer), customerId, saleId });
    const asked = customerId === undefined ? text : `@${text}`;
    return this.submit(key, asked, keys, true, orderId, read, customerId);
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

  /** Returns what is due, at most this many holds, and answers the head of the partition. */
  sweep(dueHoldsMax: number): Promise<BatchHead> {
    return this.batcher.sweep(dueHoldsMax);
  }

  /** Stops all decisions about an item the ledger could not follow (D8); its figures are kept. */
  async quarantine(sku: string, warehouse: string): Promise<void> {
    const key = this.keys.sku(readId('sku', sku));
    const text = `quarantine ${sku}@${readId('warehouse', warehouse)}`;
    await this.batcher.submit(key, text, [key], false, (answer) => {
      if (answer !== 'DONE' && !answer.startsWith('REFUSED unknown-item')) {
        throw new Unreadable('the answer to a quarantine', answer);
      }
    });
  }

  /** The ledger holds all events up to this sequence: the stream is cut below it (D7). */
  async trim(sequence: number, eventsTotal: number): Promise<void> {
    await this.batcher.submit(this.keys.control, `trim ${sequence} ${eventsTotal}`, [], false, (answer) => {
      if (answer !== 'DONE') throw new Unreadable('the answer to a trim', answer);
    });
  }

  /** Takes no more commands, answers those taken, and closes the connection. */
  async close(): Promise<void> {
    this.places.close();
    await this.batcher.close();
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
    return this.submit(key, text, skuKeys, needsMemory, orderId, (reservation) =>
      readReservationView(orderId, reservation),
    );
  }
}
