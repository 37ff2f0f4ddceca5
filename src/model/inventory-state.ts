/**
 * Part of the executable specification: the whole state of a shop, and the only place where an event changes it.
 * Promises: the state follows from the events alone, in their order; an event that an aggregate would not allow fails an
 * assertion. Refuses to know: commands.
 */
import {
  assertInvariants,
  changeOf,
  crossesSafetyStock,
  evolveItem,
  type InventoryItem,
  itemViewOf,
  newItem,
} from '../domain/inventory-item.ts';
import {
  ACTOR_CLOCK,
  type EventLine,
  type EventOf,
  type ItemView,
  isReservationEvent,
  itemName,
  type ReservationEvent,
  STOCKTAKE_EXTENSION_SECONDS,
  STOCKTAKE_GRACE_SECONDS,
  type StockEvent,
  type StockLine,
  type StocktakeLine,
} from '../domain/language.ts';
import { evolveReservation, isDue, type Reservation } from '../domain/reservation.ts';
import { countIn, countQuota, NO_QUOTA, type Quota, type Sale, type SaleCount } from '../domain/sale.ts';
import { evolveTransfer, type Transfer } from '../domain/transfer.ts';

/** An event before its lines have their versions. `Omit` alone would not keep the members of the union apart. */
export type WithoutVersions<E> = E extends StockEvent
  ? Omit<E, 'lines'> & { readonly lines: readonly StockLine[] }
  : never;

/** When a hold expires or the lock of an item ends. */
interface Deadline {
  readonly atMs: number;
  readonly orderId?: string;
  readonly item?: { readonly sku: string; readonly warehouse: string };
}

/** Items, reservations, count sheets, transfers and sales as the events so far left them. */
export class InventoryState {
  readonly items = new Map<string, InventoryItem>();
  readonly reservations = new Map<string, Reservation>();
  /** Movements done: the fingerprint of the request and its first answer, by movement id. */
  readonly movements = new Map<string, { readonly fingerprint: string; readonly answer: ItemView }>();
  /** Lines of count sheets, by stocktake id, then by item name. */
  readonly sheets = new Map<string, Map<string, StocktakeLine>>();
  readonly transfers = new Map<string, Transfer>();
  readonly sales = new Map<string, Sale>();
  /** What customers hold and have bought, by sale id, then by customer id. */
  readonly quotas = new Map<string, Map<string, Quota>>();
  /** Every event so far, in order. */
  readonly events: StockEvent[] = [];
  #deadlines: Deadline[] = [];

  item(line: { readonly sku: string; readonly warehouse: string }): InventoryItem | undefined {
    return this.items.get(itemName(line));
  }

  /** The event that scheduled a sale; undefined if there was none. */
  saleScheduled(saleId: string): EventOf<'SaleScheduled'> | undefined {
    return this.events.find(
      (event): event is EventOf<'SaleScheduled'> => event.type === 'SaleScheduled' && event.saleId === saleId,
    );
  }

  itemsOf(sku: string): InventoryItem[] {
    return [...this.items.values()].filter((item) => item.sku === sku);
  }

  quota(saleId: string, customerId: string): Quota {
    return this.quotas.get(saleId)?.get(customerId) ?? NO_QUOTA;
  }

  itemView(line: { readonly sku: string; readonly warehouse: string }): ItemView {
    const item = this.item(line);
    if (!item) throw new Error(`item ${itemName(line)} does not exist after its own command`);
    return itemViewOf(item);
  }

  /** BR-003, BR-007: expires holds and ends locks whose time has come, by deadline, then by when the deadline was set. */
  returnDue(nowMs: number): void {
    const due = this.#deadlines.filter((deadline) => deadline.atMs <= nowMs);
    this.#deadlines = this.#deadlines.filter((deadline) => deadline.atMs > nowMs);
    due.sort((a, b) => a.atMs - b.atMs);
    for (const { atMs, orderId, item } of due) {
      if (orderId !== undefined) {
        const reservation = this.reservations.get(orderId);
        // A hold that was extended has a later deadline as well, and expires by that one.
        if (reservation && reservation.expiresAtMs <= atMs) this.expireWhenDue(reservation, nowMs);
      } else if (item) this.#lapseLock(item, atMs, nowMs);
    }
  }

  /** The reservation at this time: a hold past its deadline is expired, or extended if an item of it is locked (BR-007). */
  expireWhenDue(reservation: Reservation, nowMs: number): Reservation {
    if (!isDue(reservation, nowMs)) return reservation;
    const { orderId, lines } = reservation;
    const base = { orderId, lines, atMs: nowMs, actor: ACTOR_CLOCK };
    for (const line of lines) this.#lapseLock(line, nowMs, nowMs);
    const expiresAtMs = Math.max(...lines.map((line) => livesUntilMs(this.item(line), nowMs)));
    if (expiresAtMs > nowMs) this.record({ type: 'ReservationExtended', expiresAtMs, ...base });
    else this.record({ type: 'InventoryReleased', cause: 'expired', operation: '-', ...base });
    return this.reservations.get(orderId) ?? reservation;
  }

  #lapseLock(name: { sku: string; warehouse: string }, atMs: number, nowMs: number): void {
    const { sku, warehouse } = name;
    const item = this.item(name);
    if (!item?.stocktake || item.stocktake.untilMs > atMs) return;
    this.record({
      type: 'StocktakeLapsed',
      stocktakeId: item.stocktake.stocktakeId,
      lines: [{ sku, warehouse, quantity: item.total }],
      atMs: nowMs,
      actor: ACTOR_CLOCK,
    });
  }

  /** Gives each line the next version of its item, applies the event, and raises the low-stock alerts that follow (BR-005). */
  record(event: WithoutVersions<StockEvent>): void {
    const lines: EventLine[] = event.lines.map((line) => {
      const item = this.item(line) ?? newItem(line.sku, line.warehouse);
      return { sku: line.sku, warehouse: line.warehouse, quantity: line.quantity, version: item.version + 1 };
    });
    const versioned = { ...event, lines } as StockEvent;
    const changed = lines.filter((line) => mayCrossSafetyStock(versioned, line, this.item(line)));
    this.apply(versioned);
    for (const line of changed) {
      const item = this.item(line);
      if (!item || !crossesSafetyStock(item)) continue;
      this.record({
        type: 'LowStockAlertTriggered',
        lines: [{ sku: item.sku, warehouse: item.warehouse, quantity: item.available }],
        safetyStock: item.safetyStock,
        atMs: event.atMs,
        actor: event.actor,
      });
    }
  }

  /** Applies an event, decided here or replayed. Asserts what the aggregates assert. */
  apply(event: StockEvent): void {
    for (const line of event.lines) {
      const item = this.item(line) ?? newItem(line.sku, line.warehouse);
      const next = evolveItem(item, event, line);
      assertInvariants(next);
      this.items.set(itemName(line), next);
    }
    if (isReservationEvent(event)) this.#applyToReservation(event);
    this.#applyToOtherRecords(event);
    this.events.push(event);
  }

  #applyToReservation(event: ReservationEvent): void {
    const before = this.reservations.get(event.orderId);
    const next = evolveReservation(before, event);
    this.reservations.set(event.orderId, next);
    if (event.type === 'InventoryReserved' || event.type === 'ReservationExtended') {
      this.#deadlines.push({ atMs: next.expiresAtMs, orderId: event.orderId });
    }
    const [from, to] = SALE_COUNTS[event.type];
    if (to) this.#countInSale(next, event.lines, from, to === 'released' ? releasedAs(event) : to);
  }

  #countInSale(
    { saleId, customerId }: Reservation,
    lines: readonly StockLine[],
    from: SaleCount | undefined,
    to: SaleCount,
  ): void {
    const sale = saleId === undefined ? undefined : this.sales.get(saleId);
    if (!sale) return;
    const units = unitsOf(sale.sku, lines);
    if (units === 0) return;
    this.sales.set(sale.saleId, countIn(sale, units, from, to));
    if (sale.limitPerCustomer === 0 || customerId === undefined) return;
    const quotas = this.quotas.get(sale.saleId) ?? new Map<string, Quota>();
    this.quotas.set(sale.saleId, quotas);
    quotas.set(customerId, countQuota(this.quota(sale.saleId, customerId), units, from, to));
  }

  #applyToOtherRecords(event: StockEvent): void {
    switch (event.type) {
      case 'StocktakeStarted':
        for (const { sku, warehouse } of event.lines) {
          this.#deadlines.push({ atMs: event.untilMs, item: { sku, warehouse } });
        }
        this.#setSheetLine(event, { status: 'COUNTING', untilMs: event.untilMs });
        break;
      case 'StocktakeCompleted':
        this.#setSheetLine(event, { status: 'COUNTED', counted: event.lines[0]?.quantity });
        break;
      case 'StocktakeCancelled':
        this.#setSheetLine(event, { status: 'CANCELLED' });
        break;
      case 'StocktakeLapsed':
        this.#setSheetLine(event, { status: 'LAPSED' });
        break;
      case 'TransferDispatched':
      case 'TransferReceived':
      case 'TransferCancelled':
        this.transfers.set(event.transferId, evolveTransfer(this.transfers.get(event.transferId), event));
        break;
      case 'SaleScheduled': {
        const { saleId, sku, opensAtMs, closesAtMs, quantity, limitPerCustomer } = event;
        const counts = { reserved: 0, sold: 0, released: 0, expired: 0 };
        this.sales.set(saleId, { saleId, sku, opensAtMs, closesAtMs, quantity, limitPerCustomer, ...counts });
        break;
      }
      case 'SaleClosed': {
        const sale = this.sales.get(event.saleId);
        if (sale) this.sales.set(event.saleId, { ...sale, closesAtMs: event.atMs });
        break;
      }
    }
  }

  #setSheetLine(
    event: StockEvent & { readonly stocktakeId: string },
    change: Pick<StocktakeLine, 'status'> & Partial<StocktakeLine>,
  ): void {
    const { stocktakeId } = event;
    const sheet = this.sheets.get(stocktakeId) ?? new Map<string, StocktakeLine>();
    this.sheets.set(stocktakeId, sheet);
    for (const { sku, warehouse, quantity } of event.lines) {
      const before = sheet.get(itemName({ sku, warehouse }));
      const begun = before ?? { stocktakeId, sku, warehouse, untilMs: 0, before: quantity };
      sheet.set(itemName({ sku, warehouse }), { ...begun, ...change });
    }
  }
}

/** Which counts of a sale lose and gain the units of an event. */
const SALE_COUNTS: Readonly<
  Record<ReservationEvent['type'], readonly [from?: SaleCount | undefined, to?: SaleCount | undefined]>
> = {
  InventoryReserved: [undefined, 'reserved'],
  InventoryDeducted: ['reserved', 'sold'],
  InventoryReleased: ['reserved', 'released'],
  InventoryReacquired: ['expired', 'sold'],
  ReservationExtended: [],
  PaymentCameShort: [],
};

function releasedAs(event: ReservationEvent): SaleCount {
  return (event as EventOf<'InventoryReleased'>).cause === 'expired' ? 'expired' : 'released';
}

/** BR-007: until when a hold that is due is kept because of this item; in the past if the item does not keep it. */
function livesUntilMs(item: InventoryItem | undefined, nowMs: number): number {
  if (!item?.stocktake) return item?.holdsUntilMs ?? 0;
  const lastMs = Math.min(item.stocktake.untilMs, nowMs + STOCKTAKE_EXTENSION_SECONDS * 1_000);
  return lastMs + STOCKTAKE_GRACE_SECONDS * 1_000;
}

/** Units of one SKU in these lines. */
export function unitsOf(sku: string, lines: readonly { sku: string; quantity: number }[]): number {
  return lines.reduce((sum, line) => (line.sku === sku ? sum + line.quantity : sum), 0);
}

/** BR-005: whether this line of an event can bring its item below the safety stock. */
function mayCrossSafetyStock(event: StockEvent, line: EventLine, item: InventoryItem | undefined): boolean {
  if (event.type === 'LowStockAlertTriggered') return false;
  if (event.type === 'SafetyStockSet') return true;
  const before = item ?? newItem(line.sku, line.warehouse);
  return changeOf(event, line.quantity, before).available !== 0;
}
