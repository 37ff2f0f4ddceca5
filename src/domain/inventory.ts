/**
 * Inventory: many items deciding one command together, the rules in full on plain values. An order over several items
 * is all or nothing, and a refusal names every short line. Twin of the Lua program: random commands must give the same
 * decisions, events and state on both (D9). Refuses to know: stores; time comes in with the command.
 */
import { allocate, warehousesInOrder } from './allocation.ts';
import {
  canReceive,
  canReserve,
  changeOf,
  crossesSafetyStock,
  evolveItem,
  type InventoryItem,
  newItem,
} from './inventory-item.ts';
import {
  ACTOR_CLOCK,
  askedText,
  type Command,
  type Confirm,
  canonicalLines,
  confirmOperation,
  type Decision,
  type EventLine,
  type Extend,
  type ItemView,
  LIFETIME_SECONDS_MAX,
  linesText,
  PARTIAL_RELEASES_MAX,
  type Receive,
  type Refusal,
  type Release,
  type ReservationView,
  type Reserve,
  releaseOperation,
  type SetSafetyStock,
  type Shortage,
  type StockEvent,
  type StockLine,
} from './language.ts';
import {
  evolveReservation,
  isDue,
  isReservationEvent,
  type Reservation,
  splitLines,
  viewOf,
} from './reservation.ts';

/** Stands for Omit over a union, member by member. */
type WithoutVersions<E> = E extends StockEvent
  ? Omit<E, 'lines'> & { readonly lines: readonly StockLine[] }
  : never;

const refused = (refusal: Refusal): { outcome: 'refused'; refusal: Refusal } => ({
  outcome: 'refused',
  refusal,
});

function itemName(line: { sku: string; warehouse: string }): string {
  return `${line.sku}@${line.warehouse}`;
}

export class Inventory {
  readonly items = new Map<string, InventoryItem>();
  readonly reservations = new Map<string, Reservation>();
  /** Movements done, with what was asked and the first answer. */
  readonly movements = new Map<string, { readonly asked: string; readonly answer: ItemView }>();
  /** Every event so far, in order. */
  readonly events: StockEvent[] = [];

  /** What a command comes to at this time; state and events move with it. What is due has returned before. */
  decide(command: Command, nowMs: number): Decision<ReservationView | ItemView> {
    switch (command.kind) {
      case 'reserve':
        return this.#reserve(command, nowMs);
      case 'confirm':
        return this.#confirm(command, nowMs);
      case 'release':
        return this.#release(command, nowMs);
      case 'extend':
        return this.#extend(command, nowMs);
      case 'receive':
        return this.#receive(command, nowMs);
      case 'set-safety-stock':
        return this.#setSafetyStock(command, nowMs);
      default: {
        const never: never = command;
        throw new Error(`no such command: ${JSON.stringify(never)}`);
      }
    }
  }

  /** BR-003: returns what is not confirmed in time, in the order of deadlines and of when they were set. */
  returnDue(nowMs: number): void {
    const due = [...this.reservations.values()].filter((reservation) => isDue(reservation, nowMs));
    due.sort((a, b) => a.expiresAtMs - b.expiresAtMs);
    for (const reservation of due) this.#expireWhenDue(reservation, nowMs);
  }

  #reserve(command: Reserve, nowMs: number): Decision<ReservationView> {
    const lines = canonicalLines(command.lines);
    const asked = askedText(command.holdMs, lines);
    const before = this.reservations.get(command.orderId);
    if (before) {
      // BR-006: the same order never deducts twice; other content under its id is refused.
      if (before.asked !== asked) return refused({ code: 'order-conflict' });
      this.#expireWhenDue(before, nowMs);
      return this.#done(command.orderId, true);
    }
    const plan = this.#plan(lines);
    if ('code' in plan) return refused(plan);
    this.#record({
      type: 'InventoryReserved',
      orderId: command.orderId,
      lines: plan.lines,
      expiresAtMs: nowMs + command.holdMs,
      asked,
      atMs: nowMs,
      actor: command.actor,
    });
    return this.#done(command.orderId, false);
  }

  /** The lines an order would hold; or the refusal that names every unknown or short line (BR-001, BR-002). */
  #plan(lines: Reserve['lines']): { lines: readonly StockLine[] } | Refusal {
    const unknown: { sku: string; warehouse?: string }[] = [];
    const short: Shortage[] = [];
    const pinned: StockLine[] = [];
    const unpinned: { sku: string; quantity: number }[] = [];
    const taken = new Map<string, number>();
    for (const { sku, warehouse, quantity } of lines) {
      if (warehouse === undefined) {
        if ([...this.items.values()].some((item) => item.sku === sku)) unpinned.push({ sku, quantity });
        else unknown.push({ sku });
        continue;
      }
      const line = { sku, warehouse, quantity };
      const item = this.items.get(itemName(line));
      if (!item) {
        unknown.push({ sku, warehouse });
        continue;
      }
      pinned.push(line);
      taken.set(itemName(line), quantity);
      if (!canReserve(item, quantity))
        short.push({ sku, warehouse, requested: quantity, available: item.available });
    }
    if (unknown.length > 0) return { code: 'unknown-item', items: unknown };
    if (unpinned.length > 0) {
      const skus = new Set(unpinned.map((line) => line.sku));
      const carrying = [...this.items.values()]
        .filter((item) => skus.has(item.sku))
        .map((item) => item.warehouse);
      const allocation = allocate(unpinned, warehousesInOrder([], carrying), (sku, warehouse) => {
        const name = itemName({ sku, warehouse });
        return (this.items.get(name)?.available ?? 0) - (taken.get(name) ?? 0);
      });
      pinned.push(...allocation.served);
      short.push(...allocation.short);
    }
    if (short.length > 0) return { code: 'insufficient-stock', shortages: short };
    return { lines: unpinned.length > 0 ? (canonicalLines(pinned) as readonly StockLine[]) : pinned };
  }

  #confirm(command: Confirm, nowMs: number): Decision<ReservationView> {
    const operation = confirmOperation(command);
    const open = this.#open(command.orderId, operation, nowMs);
    if ('outcome' in open) return open;
    const split = command.lines
      ? splitLines(open.lines, command.lines)
      : { named: [...open.lines], rest: [] };
    if ('excess' in split) return refused({ code: 'exceeds-reservation', excess: split.excess });
    const base = { orderId: command.orderId, atMs: nowMs, actor: command.actor };
    this.#record({ type: 'InventoryDeducted', lines: split.named, operation, ...base });
    if (split.rest.length > 0) {
      this.#record({
        type: 'InventoryReleased',
        lines: split.rest,
        cause: 'remainder',
        operation: '-',
        ...base,
      });
    }
    return this.#done(command.orderId, false);
  }

  #release(command: Release, nowMs: number): Decision<ReservationView> {
    const operation = releaseOperation(command);
    const open = this.#open(command.orderId, operation, nowMs);
    if ('outcome' in open) {
      const isBack = open.outcome === 'refused' && open.refusal.code === 'already-released' && !command.lines;
      return isBack ? this.#done(command.orderId, true) : open;
    }
    const split = command.lines
      ? splitLines(open.lines, command.lines)
      : { named: [...open.lines], rest: [] };
    if ('excess' in split) return refused({ code: 'exceeds-reservation', excess: split.excess });
    if (split.rest.length > 0 && open.operations.length >= PARTIAL_RELEASES_MAX) {
      return refused({ code: 'too-many-partial-releases' });
    }
    this.#record({
      type: 'InventoryReleased',
      orderId: command.orderId,
      lines: split.named,
      cause: 'cancelled',
      operation,
      atMs: nowMs,
      actor: command.actor,
    });
    return this.#done(command.orderId, false);
  }

  #extend(command: Extend, nowMs: number): Decision<ReservationView> {
    const open = this.#open(command.orderId, undefined, nowMs);
    if ('outcome' in open) return open;
    const expiresAtMs = nowMs + command.holdMs;
    if (expiresAtMs <= open.expiresAtMs) return this.#done(command.orderId, true);
    const latestExpiresAtMs = open.reservedAtMs + LIFETIME_SECONDS_MAX * 1_000;
    if (expiresAtMs > latestExpiresAtMs) return refused({ code: 'lifetime-exceeded', latestExpiresAtMs });
    this.#record({
      type: 'ReservationExtended',
      orderId: command.orderId,
      lines: open.lines,
      expiresAtMs,
      atMs: nowMs,
      actor: command.actor,
    });
    return this.#done(command.orderId, false);
  }

  #receive(command: Receive, nowMs: number): Decision<ItemView> {
    const { movementId, sku, warehouse, quantity, reason, actor } = command;
    const asked = `receive ${linesText([command])} ${reason}`;
    const before = this.movements.get(movementId);
    if (before) {
      if (before.asked !== asked) return refused({ code: 'movement-conflict' });
      return { outcome: 'done', replayed: true, value: before.answer };
    }
    const item = this.items.get(itemName(command)) ?? newItem(sku, warehouse);
    if (!canReceive(item, quantity)) return refused({ code: 'quantity-limit-exceeded', total: item.total });
    const lines = [{ sku, warehouse, quantity }];
    this.#record({ type: 'InventoryReceived', movementId, lines, reason, atMs: nowMs, actor });
    const answer = this.#itemView(command);
    this.movements.set(movementId, { asked, answer });
    return { outcome: 'done', replayed: false, value: answer };
  }

  #setSafetyStock(command: SetSafetyStock, nowMs: number): Decision<ItemView> {
    const { sku, warehouse, quantity, actor } = command;
    const item = this.items.get(itemName(command));
    if (!item) return refused({ code: 'unknown-item', items: [{ sku, warehouse }] });
    const replayed = item.safetyStock === quantity;
    if (!replayed)
      this.#record({ type: 'SafetyStockSet', lines: [{ sku, warehouse, quantity }], atMs: nowMs, actor });
    return { outcome: 'done', replayed, value: this.#itemView(command) };
  }

  /** The open reservation a command is about; or the decision that ends it: unknown, a repeat, or how it was resolved. */
  #open(
    orderId: string,
    operation: string | undefined,
    nowMs: number,
  ): Reservation | Decision<ReservationView> {
    const before = this.reservations.get(orderId);
    if (!before) return refused({ code: 'unknown-reservation' });
    if (operation !== undefined && before.operations.includes(operation)) return this.#done(orderId, true);
    const reservation = this.#expireWhenDue(before, nowMs);
    const view = viewOf(reservation);
    switch (reservation.status) {
      case 'ACTIVE':
        return reservation;
      case 'CONFIRMED':
        return refused({ code: 'already-confirmed', reservation: view });
      case 'RELEASED':
        return refused({ code: 'already-released', reservation: view });
      case 'EXPIRED':
        return refused({ code: 'reservation-expired', reservation: view });
    }
  }

  #expireWhenDue(reservation: Reservation, nowMs: number): Reservation {
    if (!isDue(reservation, nowMs)) return reservation;
    this.#record({
      type: 'InventoryReleased',
      orderId: reservation.orderId,
      lines: reservation.lines,
      cause: 'expired',
      operation: '-',
      atMs: nowMs,
      actor: ACTOR_CLOCK,
    });
    return this.reservations.get(reservation.orderId) ?? reservation;
  }

  #done(orderId: string, replayed: boolean): Decision<ReservationView> {
    const reservation = this.reservations.get(orderId);
    if (!reservation) throw new Error(`order ${orderId} was decided but is not there`);
    return { outcome: 'done', replayed, value: viewOf(reservation) };
  }

  #itemView(line: { sku: string; warehouse: string }): ItemView {
    const item = this.items.get(itemName(line));
    if (!item) throw new Error(`item ${itemName(line)} was decided but is not there`);
    const { isLow: _, ...view } = item;
    return view;
  }

  /** Gives each line its item's next version, moves the state, and lets BR-005 speak. */
  #record(event: WithoutVersions<StockEvent>): void {
    const lines: EventLine[] = event.lines.map((line) => {
      const item = this.items.get(itemName(line)) ?? newItem(line.sku, line.warehouse);
      return { sku: line.sku, warehouse: line.warehouse, quantity: line.quantity, version: item.version + 1 };
    });
    const versioned = { ...event, lines } as StockEvent;
    this.apply(versioned);
    if (versioned.type === 'LowStockAlertTriggered') return;
    const moves =
      versioned.type === 'SafetyStockSet' ||
      lines.some((l) => changeOf(versioned, l.quantity).available !== 0);
    if (!moves) return;
    for (const line of lines) {
      const item = this.items.get(itemName(line));
      if (!item || !crossesSafetyStock(item)) continue;
      this.#record({
        type: 'LowStockAlertTriggered',
        lines: [{ sku: item.sku, warehouse: item.warehouse, quantity: item.available }],
        safetyStock: item.safetyStock,
        atMs: event.atMs,
        actor: event.actor,
      });
    }
  }

  /** The state after an event that was decided elsewhere. Asserts as the aggregate and the entity do. */
  apply(event: StockEvent): void {
    for (const line of event.lines) {
      const item = this.items.get(itemName(line)) ?? newItem(line.sku, line.warehouse);
      this.items.set(itemName(line), evolveItem(item, event, line));
    }
    if (isReservationEvent(event)) {
      const next = evolveReservation(this.reservations.get(event.orderId), event);
      // An extension sets the deadline anew, and the map keeps the order in which deadlines were set.
      if (event.type === 'ReservationExtended') this.reservations.delete(event.orderId);
      this.reservations.set(event.orderId, next);
    }
    this.events.push(event);
  }
}
