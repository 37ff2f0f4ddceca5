/**
 * One aggregate with a clock of its own, for tests that read: given this stock, when this is asked, then that.
 * Promises: every command goes the whole way from input to decision, and what is due has returned before, as in the engine.
 */
import { Inventory } from '../../src/domain/inventory.ts';
import type { InventoryItem } from '../../src/domain/inventory-item.ts';
import type { Decision, ItemView, ReservationView, StockEvent } from '../../src/domain/language.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import {
  readConfirm,
  readExtend,
  readReceive,
  readRelease,
  readReserve,
  readSafetyStock,
} from '../../src/domain/validate.ts';
import { figures, lines, named, parts, START_MS } from './sentences.ts';

export class Shop {
  readonly inventory = new Inventory();
  nowMs = START_MS;

  /** Time passes, and nobody does anything. */
  wait(ms: number): void {
    this.nowMs += ms;
  }

  receive(line: string, movementId = `M-${this.inventory.events.length}`): Decision<ItemView> {
    const [read] = lines(line);
    if (!read?.warehouse) throw new Error(`a receipt names a warehouse: ${line}`);
    const { sku, warehouse, quantity } = read;
    return this.#decide(readReceive({ movementId, sku, warehouse, quantity }));
  }

  reserve(orderId: string, order: string, holdSeconds?: number): Decision<ReservationView> {
    return this.#decide(readReserve({ orderId, lines: lines(order), holdSeconds }));
  }

  confirm(orderId: string, paid?: string): Decision<ReservationView> {
    return this.#decide(readConfirm({ orderId, lines: parts(paid) }));
  }

  release(orderId: string, cancelled?: string, releaseId?: string): Decision<ReservationView> {
    return this.#decide(readRelease({ orderId, lines: parts(cancelled), releaseId }));
  }

  extend(orderId: string, holdSeconds: number): Decision<ReservationView> {
    return this.#decide(readExtend({ orderId, holdSeconds }));
  }

  setSafetyStock(name: string, quantity: number): Decision<ItemView> {
    return this.#decide(readSafetyStock({ ...named(name), quantity }));
  }

  item(name: string): InventoryItem {
    const item = this.inventory.items.get(name);
    if (!item) throw new Error(`there is no item ${name}`);
    return item;
  }

  /** `5 = 3 available + 2 reserved + 0 sold`. */
  figures(name: string): string {
    return figures(this.item(name));
  }

  reservation(orderId: string): Reservation {
    const reservation = this.inventory.reservations.get(orderId);
    if (!reservation) throw new Error(`there is no reservation ${orderId}`);
    return reservation;
  }

  get events(): readonly StockEvent[] {
    return this.inventory.events;
  }

  /** The kinds of the events behind the first `skip`. */
  eventTypes(skip = 0): string[] {
    return this.events.slice(skip).map((event) => event.type);
  }

  #decide<T>(command: Parameters<Inventory['decide']>[0]): Decision<T> {
    this.inventory.returnDue(this.nowMs);
    return this.inventory.decide(command, this.nowMs) as Decision<T>;
  }
}

/** A shop with this stock received, such as `TEA@east=5,RICE@east=2`. */
export function given(stock: string): Shop {
  const shop = new Shop();
  for (const line of stock.split(',')) shop.receive(line);
  return shop;
}
