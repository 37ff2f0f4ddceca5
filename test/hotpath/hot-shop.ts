/**
 * The engine on a real Redis, with the same short sentences as the shop of the reference model; time stands still until the
 * test sets it. Promises: figures come from what Redis keeps, not from what a command answered.
 */
import { onTestFinished } from 'vitest';
import type { Warehouse } from '../../src/domain/geography.ts';
import type { MovementInput, ReceiveTransferInput } from '../../src/domain/inputs/goods.ts';
import type { ConfirmInput, ReserveInput } from '../../src/domain/inputs/orders.ts';
import type { InventoryItem } from '../../src/domain/inventory-item.ts';
import {
  type Decision,
  encodeId,
  type ItemView,
  type MovementKind,
  type ReservationView,
  type SaleView,
  type StockEvent,
  type StocktakeLine,
  type TransferView,
} from '../../src/domain/language.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import { type Control, encodeControl } from '../../src/hotpath/codec/control-codec.ts';
import { decodeItem } from '../../src/hotpath/codec/item-codec.ts';
import { decodeReservation } from '../../src/hotpath/codec/reservation-codec.ts';
import { readStream, type StreamEntry } from '../../src/hotpath/codec/stream-codec.ts';
import {
  type HotInventory,
  type HotInventoryOptions,
  openHotInventory,
} from '../../src/hotpath/hot-inventory.ts';
import type { PartitionKeys } from '../../src/hotpath/keys.ts';
import { readControl } from '../../src/hotpath/partition.ts';
import {
  answer,
  figures,
  lines,
  movement,
  named,
  parts,
  route,
  START_MS,
  sale as saleInput,
  type Terms,
} from '../domain/sentences.ts';
import { type TestEngine, TURNED_CLOCK, testEngine, testRedisUrl } from '../services.ts';

/** More entries than any test writes. */
const ENTRIES_MAX = 100_000;

/** Movements made up so far: each receipt is one of its own where the test does not say. */
let movements = 0;

export type ShopOptions = Partial<HotInventoryOptions> & {
  /** A server other than the run's Redis. */
  readonly serverUrl?: string;
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

  /** Lets time pass. */
  async wait(ms: number): Promise<void> {
    this.nowMs += ms;
    await this.engine.setTime(this.nowMs);
  }

  receive(line: string, movementId = `receipt-${++movements}`): Promise<Decision<ItemView>> {
    return this.move('receive', line, { movementId });
  }

  move(kind: MovementKind, line: string, more: Partial<MovementInput> = {}): Promise<Decision<ItemView>> {
    const movementId = more.movementId ?? `movement-${++movements}`;
    return this.hot.move(kind, movement(kind, line, { ...more, movementId }));
  }

  place(warehouse: Warehouse): Promise<void> {
    return this.hot.places.put(warehouse);
  }

  reserve(
    orderId: string,
    order: string,
    holdSeconds?: number,
    more: Partial<ReserveInput> = {},
  ): Promise<Decision<ReservationView>> {
    return this.hot.reserve({ orderId, lines: lines(order), holdSeconds, ...more });
  }

  confirm(
    orderId: string,
    paid?: string,
    more: Partial<ConfirmInput> = {},
  ): Promise<Decision<ReservationView>> {
    return this.hot.confirm({ orderId, lines: parts(paid), ...more });
  }

  release(orderId: string, cancelled?: string, releaseId?: string): Promise<Decision<ReservationView>> {
    return this.hot.release({ orderId, lines: parts(cancelled), releaseId });
  }

  extend(orderId: string, holdSeconds: number, actor?: string): Promise<Decision<ReservationView>> {
    return this.hot.extend({ orderId, holdSeconds, actor });
  }

  setSafetyStock(name: string, quantity: number): Promise<Decision<ItemView>> {
    return this.hot.setSafetyStock({ ...named(name), quantity });
  }

  startCount(stocktakeId: string, name: string, leaseSeconds?: number): Promise<Decision<StocktakeLine>> {
    return this.hot.startStocktake({ stocktakeId, ...named(name), leaseSeconds });
  }

  completeCount(
    stocktakeId: string,
    name: string,
    counted: number,
    releasable?: readonly string[],
  ): Promise<Decision<StocktakeLine>> {
    return this.hot.completeStocktake({ stocktakeId, ...named(name), counted, releasable });
  }

  cancelCount(stocktakeId: string, name: string): Promise<Decision<StocktakeLine>> {
    return this.hot.cancelStocktake({ stocktakeId, ...named(name) });
  }

  dispatch(transferId: string, goods: string): Promise<Decision<TransferView>> {
    return this.hot.dispatchTransfer({ transferId, ...route(goods) });
  }

  land(
    transferId: string,
    received: number,
    more: Partial<ReceiveTransferInput> = {},
  ): Promise<Decision<TransferView>> {
    return this.hot.receiveTransfer({ transferId, received, ...more });
  }

  turnBack(transferId: string): Promise<Decision<TransferView>> {
    return this.hot.cancelTransfer({ transferId });
  }

  schedule(saleId: string, units: string, terms?: Terms): Promise<Decision<SaleView>> {
    return this.hot.scheduleSale(saleInput(saleId, units, this.nowMs, terms));
  }

  closeSale(saleId: string): Promise<Decision<SaleView>> {
    return this.hot.closeSale({ saleId });
  }

  async transfer(transferId: string): Promise<TransferView> {
    return answer(await this.hot.transfer(transferId));
  }

  async sale(saleId: string): Promise<SaleView> {
    return answer(await this.hot.sale(saleId));
  }

  async sheet(stocktakeId: string): Promise<readonly StocktakeLine[]> {
    return answer(await this.hot.stocktake(stocktakeId));
  }

  /** Returns all that is due, sweep by sweep. */
  async sweepAll(dueHoldsMax = 1_000): Promise<number> {
    let sweeps = 1;
    while ((await this.hot.sweep(dueHoldsMax)).moreDue) sweeps++;
    return sweeps;
  }

  /** The item as Redis keeps it. @throws where there is none */
  async item(name: string | { readonly sku: string; readonly warehouse: string }): Promise<InventoryItem> {
    const { sku, warehouse } = typeof name === 'string' ? named(name) : name;
    const text = await this.redis.hget(this.keys.sku(sku), encodeId(warehouse));
    return decodeItem(sku, warehouse, text ?? 'nothing');
  }

  /** `5 = 3 available + 2 reserved + 0 sold`, as Redis keeps it. */
  async figures(name: string): Promise<string> {
    return figures(await this.item(name));
  }

  /** The reservation as Redis keeps it. @throws where there is none */
  async reservation(orderId: string): Promise<Reservation> {
    return decodeReservation(orderId, (await this.redis.get(this.keys.reservation(orderId))) ?? 'nothing');
  }

  /** Once, before the test ends or when it does. */
  close(): Promise<void> {
    this.#closed ??= this.engine.close();
    return this.#closed;
  }

  /** Changes the control record by hand. */
  async changeControl(change: Partial<Control>): Promise<void> {
    const control = await readControl(this.redis, this.keys);
    if (!control) throw new Error('there is no control record');
    await this.redis.set(this.keys.control, encodeControl({ ...control, ...change }));
  }

  entries(epoch = 1): Promise<StreamEntry[]> {
    return readStream(this.redis, this.keys, epoch, 0, ENTRIES_MAX);
  }

  async events(): Promise<StockEvent[]> {
    return (await this.entries()).flatMap((entry) => entry.events);
  }

  /** The events after the first `skip`. */
  async happened(skip = 0): Promise<readonly StockEvent[]> {
    return (await this.events()).slice(skip);
  }

  /** The types of the events after the first `skip`. */
  async eventTypes(skip = 0): Promise<string[]> {
    return (await this.happened(skip)).map((event) => event.type);
  }
}

/** An engine with this stock received, such as `TEA@east=5,RICE@east=2`; gone when the test ends. */
export async function givenShop(stock: string, options: ShopOptions = {}): Promise<HotShop> {
  const { realClock, ...rest } = options;
  const clock = realClock ? {} : { turnedClockMs: START_MS };
  // Patient, where a test does not say otherwise: a busy machine is no outage.
  const engine = await testEngine({ ack: 'memory', timeoutMs: 30_000, ...clock, ...rest });
  const shop = new HotShop(engine);
  onTestFinished(() => shop.close());
  for (const line of stock.split(',').filter((text) => text !== '')) await shop.receive(line);
  return shop;
}
