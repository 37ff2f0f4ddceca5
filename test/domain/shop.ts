/**
 * A reference model with a clock, for tests that read as given, when, then.
 * Promises: every command goes the whole way from input to decision, and what is due has returned before, as in the engine.
 */
import { rankWarehouses, type Warehouse } from '../../src/domain/geography.ts';
import {
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
} from '../../src/domain/inputs/goods.ts';
import {
  type ConfirmInput,
  type ReserveInput,
  readConfirm,
  readExtend,
  readRelease,
  readReserve,
} from '../../src/domain/inputs/orders.ts';
import type { InventoryItem } from '../../src/domain/inventory-item.ts';
import {
  CANDIDATES_MAX,
  type Decision,
  type ItemView,
  type MovementKind,
  type ReservationView,
  type SaleView,
  type StockEvent,
  type StocktakeLine,
  type TransferView,
} from '../../src/domain/language.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import { saleView } from '../../src/domain/sale.ts';
import { transferView } from '../../src/domain/transfer.ts';
import { ReferenceModel } from '../../src/model/reference-model.ts';
import {
  figures,
  lines,
  movement,
  named,
  parts,
  route,
  START_MS,
  sale as saleInput,
  type Terms,
} from './sentences.ts';

export class Shop {
  readonly inventory = new ReferenceModel();
  nowMs = START_MS;
  readonly #places: Warehouse[] = [];

  /** Lets time pass. */
  wait(ms: number): void {
    this.nowMs += ms;
  }

  /** Expires due holds and locks, as a sweep does. */
  sweepAll(): void {
    this.inventory.returnDue(this.nowMs);
  }

  place(warehouse: Warehouse): void {
    this.#places.push(warehouse);
  }

  receive(line: string, movementId = `movement-${this.inventory.events.length}`): Decision<ItemView> {
    return this.move('receive', line, { movementId });
  }

  move(kind: MovementKind, line: string, more: Partial<MovementInput> = {}): Decision<ItemView> {
    const movementId = `movement-${this.inventory.events.length}`;
    return this.#decide(readMovement(kind, movement(kind, line, { movementId, ...more })));
  }

  reserve(
    orderId: string,
    order: string,
    holdSeconds?: number,
    more: Partial<ReserveInput> = {},
  ): Decision<ReservationView> {
    const input = { orderId, lines: lines(order), holdSeconds, ...more };
    return this.#decide(readReserve(input, (shipTo) => rankWarehouses(this.#places, shipTo, CANDIDATES_MAX)));
  }

  confirm(orderId: string, paid?: string, more: Partial<ConfirmInput> = {}): Decision<ReservationView> {
    return this.#decide(readConfirm({ orderId, lines: parts(paid), ...more }));
  }

  release(orderId: string, cancelled?: string, releaseId?: string): Decision<ReservationView> {
    return this.#decide(readRelease({ orderId, lines: parts(cancelled), releaseId }));
  }

  extend(orderId: string, holdSeconds: number, actor?: string): Decision<ReservationView> {
    return this.#decide(readExtend({ orderId, holdSeconds, actor }));
  }

  setSafetyStock(name: string, quantity: number): Decision<ItemView> {
    return this.#decide(readSafetyStock({ ...named(name), quantity }));
  }

  startCount(stocktakeId: string, name: string, leaseSeconds?: number): Decision<StocktakeLine> {
    return this.#decide(readStartStocktake({ stocktakeId, ...named(name), leaseSeconds }));
  }

  completeCount(
    stocktakeId: string,
    name: string,
    counted: number,
    releasable?: readonly string[],
  ): Decision<StocktakeLine> {
    return this.#decide(readCompleteStocktake({ stocktakeId, ...named(name), counted, releasable }));
  }

  cancelCount(stocktakeId: string, name: string): Decision<StocktakeLine> {
    return this.#decide(readCancelStocktake({ stocktakeId, ...named(name) }));
  }

  dispatch(transferId: string, goods: string): Decision<TransferView> {
    return this.#decide(readDispatchTransfer({ transferId, ...route(goods) }));
  }

  land(
    transferId: string,
    received: number,
    more: Partial<ReceiveTransferInput> = {},
  ): Decision<TransferView> {
    return this.#decide(readReceiveTransfer({ transferId, received, ...more }));
  }

  turnBack(transferId: string): Decision<TransferView> {
    return this.#decide(readCancelTransfer({ transferId }));
  }

  schedule(saleId: string, units: string, terms?: Terms): Decision<SaleView> {
    return this.#decide(readScheduleSale(saleInput(saleId, units, this.nowMs, terms)));
  }

  closeSale(saleId: string): Decision<SaleView> {
    return this.#decide(readCloseSale({ saleId }));
  }

  item(name: string): InventoryItem {
    return known(this.inventory.items.get(name), name);
  }

  /** `5 = 3 available + 2 reserved + 0 sold`. */
  figures(name: string): string {
    return figures(this.item(name));
  }

  reservation(orderId: string): Reservation {
    return known(this.inventory.reservations.get(orderId), orderId);
  }

  // As in the engine, due holds are expired before anything is shown.
  transfer(transferId: string): TransferView {
    this.sweepAll();
    return transferView(known(this.inventory.transfers.get(transferId), transferId));
  }

  sale(saleId: string): SaleView {
    this.sweepAll();
    return saleView(known(this.inventory.sales.get(saleId), saleId), this.nowMs);
  }

  /** The lines of a count sheet, by item. */
  sheet(stocktakeId: string): readonly StocktakeLine[] {
    this.sweepAll();
    const sheet = known(this.inventory.sheets.get(stocktakeId), stocktakeId);
    return [...sheet].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
  }

  get events(): readonly StockEvent[] {
    return this.inventory.events;
  }

  /** The events after the first `skip`. */
  happened(skip = 0): readonly StockEvent[] {
    return this.events.slice(skip);
  }

  /** The types of the events after the first `skip`. */
  eventTypes(skip = 0): string[] {
    return this.happened(skip).map((event) => event.type);
  }

  #decide<T>(command: Parameters<ReferenceModel['decide']>[0]): Decision<T> {
    this.inventory.returnDue(this.nowMs);
    return this.inventory.decide(command, this.nowMs) as Decision<T>;
  }
}

function known<T>(thing: T | undefined, name: string): T {
  if (thing === undefined) throw new Error(`there is no ${name}`);
  return thing;
}

/** A shop with this stock received, such as `TEA@east=5,RICE@east=2`. */
export function given(stock: string): Shop {
  const shop = new Shop();
  for (const line of stock.split(',').filter((text) => text !== '')) shop.receive(line);
  return shop;
}
