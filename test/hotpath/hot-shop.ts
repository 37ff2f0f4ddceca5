/**
 * The real engine on the real Redis, spoken to in the same short sentences as the aggregate's shop; time stands still
 * until the test turns it. Promises: figures come from what Redis keeps, not from what a command answered.
 */
import { onTestFinished } from 'vitest';
import type { Decision, ItemView, ReservationView, StockEvent } from '../../src/domain/language.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import { readStream, type StreamEntry } from '../../src/hotpath/event-stream.ts';
import {
  type HotInventory,
  type HotInventoryOptions,
  openHotInventory,
} from '../../src/hotpath/hot-inventory.ts';
import type { PartitionKeys } from '../../src/hotpath/keys.ts';
import { type HotItem, readItem, readReservation } from '../../src/hotpath/texts.ts';
import { figures, lines, named, parts, START_MS } from '../domain/sentences.ts';
import { type TestEngine, TURNED_CLOCK, testEngine, testRedisUrl } from '../services.ts';

/** More entries than any test writes. */
const ENTRIES_MAX = 100_000;

/** Movements made up so far: each receipt is one of its own where the test does not say. */
let movements = 0;

export type ShopOptions = Partial<HotInventoryOptions> & {
  /** Redis's own time instead of one the test turns. */
  readonly realClock?: true;
};

export class HotShop {
  readonly engine: TestEngine;
  readonly hot: HotInventory;
  readonly redis: TestEngine['redis'];
  readonly keys: PartitionKeys;
  nowMs = START_MS;
  #closed: Promise<void> | undefined;

  constructor(engine: TestEngine) {
    this.engine = engine;
    this.hot = engine.hot;
    this.redis = engine.redis;
    this.keys = engine.hot.keys;
  }

  /** Another engine on the same partition, as another process would have one. */
  async another(options: Partial<HotInventoryOptions> = {}): Promise<HotShop> {
    const hot = await openHotInventory({
      redisUrl: testRedisUrl(),
      prefix: this.engine.prefix,
      ack: 'memory',
      clock: { lua: TURNED_CLOCK, witnessMs: () => this.nowMs },
      ...options,
    });
    onTestFinished(() => hot.close());
    return new HotShop({ ...this.engine, hot });
  }

  /** Time passes, and nobody does anything. */
  async wait(ms: number): Promise<void> {
    this.nowMs += ms;
    await this.engine.setTime(this.nowMs);
  }

  receive(line: string, movementId = `receipt-${++movements}`): Promise<Decision<ItemView>> {
    const [read] = lines(line);
    if (!read?.warehouse) throw new Error(`a receipt names a warehouse: ${line}`);
    const { sku, warehouse, quantity } = read;
    return this.hot.receive({ movementId, sku, warehouse, quantity });
  }

  reserve(orderId: string, order: string, holdSeconds?: number): Promise<Decision<ReservationView>> {
    return this.hot.reserve({ orderId, lines: lines(order), holdSeconds });
  }

  confirm(orderId: string, paid?: string): Promise<Decision<ReservationView>> {
    return this.hot.confirm({ orderId, lines: parts(paid) });
  }

  release(orderId: string, cancelled?: string, releaseId?: string): Promise<Decision<ReservationView>> {
    return this.hot.release({ orderId, lines: parts(cancelled), releaseId });
  }

  extend(orderId: string, holdSeconds: number): Promise<Decision<ReservationView>> {
    return this.hot.extend({ orderId, holdSeconds });
  }

  setSafetyStock(name: string, quantity: number): Promise<Decision<ItemView>> {
    return this.hot.setSafetyStock({ ...named(name), quantity });
  }

  /** Returns all that is due, sweep by sweep. */
  async sweepAll(dueHoldsMax = 1_000): Promise<number> {
    let sweeps = 1;
    while ((await this.hot.sweep(dueHoldsMax)).moreDue) sweeps++;
    return sweeps;
  }

  /** The item as Redis keeps it. @throws where there is none */
  async item(name: string): Promise<HotItem> {
    const { sku, warehouse } = named(name);
    return readItem(sku, warehouse, (await this.redis.hget(this.keys.sku(sku), warehouse)) ?? 'nothing');
  }

  /** `5 = 3 available + 2 reserved + 0 sold`, as Redis keeps it. */
  async figures(name: string): Promise<string> {
    return figures(await this.item(name));
  }

  /** The reservation as Redis keeps it. @throws where there is none */
  async reservation(orderId: string): Promise<Reservation> {
    return readReservation(orderId, (await this.redis.get(this.keys.reservation(orderId))) ?? 'nothing');
  }

  /** Once, before the test ends or when it does. */
  close(): Promise<void> {
    this.#closed ??= this.engine.close();
    return this.#closed;
  }

  entries(epoch = 1): Promise<StreamEntry[]> {
    return readStream(this.redis, this.keys, epoch, 0, ENTRIES_MAX);
  }

  async events(): Promise<StockEvent[]> {
    return (await this.entries()).flatMap((entry) => entry.events);
  }
}

/** An engine with this stock received, such as `TEA@east=5,RICE@east=2`; gone when the test ends. */
export async function givenShop(stock: string, options: ShopOptions = {}): Promise<HotShop> {
  const { realClock, ...rest } = options;
  const clock = realClock ? {} : { turnedClockMs: START_MS };
  const engine = await testEngine({ ack: 'memory', ...clock, ...rest });
  const shop = new HotShop(engine);
  onTestFinished(() => shop.close());
  for (const line of stock.split(',').filter((text) => text !== '')) await shop.receive(line);
  return shop;
}
