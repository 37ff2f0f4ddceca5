/**
 * What holds after every history, whatever was asked in whatever order: the aggregate by properties.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Inventory } from '../../src/domain/inventory.ts';
import type { Command, Decision, StockEvent } from '../../src/domain/language.ts';
import {
  readConfirm,
  readExtend,
  readReceive,
  readRelease,
  readReserve,
  readSafetyStock,
} from '../../src/domain/validate.ts';
import { type Asked, HISTORIES, history, type Step } from './histories.ts';
import { START_MS } from './sentences.ts';

function commandOf(asked: Asked): Command {
  switch (asked.kind) {
    case 'reserve':
      return readReserve(asked);
    case 'confirm':
      return readConfirm(asked);
    case 'release':
      return readRelease(asked);
    case 'extend':
      return readExtend(asked);
    case 'receive':
      return readReceive(asked);
    case 'safety-stock':
      return readSafetyStock(asked);
  }
}

/** One decision of a history and what it was decided on. */
interface Moment {
  readonly inventory: Inventory;
  readonly asked: Asked;
  readonly decision: Decision<unknown>;
  readonly nowMs: number;
  /** Events there were when it was asked, what had fallen due included. */
  readonly eventsBefore: number;
}

/** Plays a history and looks at the inventory after every decision. */
function play(steps: readonly Step[], look: (moment: Moment) => void = () => undefined): Inventory {
  const inventory = new Inventory();
  let nowMs = START_MS;
  for (const asked of steps) {
    if (asked.kind === 'wait') {
      nowMs += asked.ms;
      continue;
    }
    inventory.returnDue(nowMs);
    const eventsBefore = inventory.events.length;
    look({ inventory, asked, decision: inventory.decide(commandOf(asked), nowMs), nowMs, eventsBefore });
  }
  return inventory;
}

function always(name: string, holds: (steps: readonly Step[]) => void): void {
  test(name, () => {
    fc.assert(fc.property(history, holds), { numRuns: HISTORIES });
  });
}

/** Sums quantities by item name over what `linesOf` picks of each event. */
function sumOf(events: readonly StockEvent[], type: StockEvent['type'], itemName: string): number {
  return events
    .filter((event) => event.type === type)
    .flatMap((event) => event.lines)
    .filter((line) => `${line.sku}@${line.warehouse}` === itemName)
    .reduce((sum, line) => sum + line.quantity, 0);
}

always(
  'BR-001 and BR-004: after every step, available >= 0 and total = available + reserved + sold',
  (steps) => {
    play(steps, ({ inventory }) => {
      for (const item of inventory.items.values()) {
        expect(Math.min(item.available, item.reserved, item.sold)).toBeGreaterThanOrEqual(0);
        expect(item.total).toBe(item.available + item.reserved + item.sold);
      }
    });
  },
);

always('BR-002: what an item shows as reserved is what its ACTIVE reservations hold', (steps) => {
  play(steps, ({ inventory }) => {
    const held = new Map<string, number>();
    for (const reservation of inventory.reservations.values()) {
      if (reservation.status !== 'ACTIVE') continue;
      for (const { sku, warehouse, quantity } of reservation.lines) {
        const name = `${sku}@${warehouse}`;
        held.set(name, (held.get(name) ?? 0) + quantity);
      }
    }
    for (const [name, item] of inventory.items) expect(item.reserved).toBe(held.get(name) ?? 0);
  });
});

always('BR-003: after every step no ACTIVE reservation is past its deadline', (steps) => {
  play(steps, ({ inventory, nowMs }) => {
    for (const reservation of inventory.reservations.values()) {
      if (reservation.status === 'ACTIVE') expect(reservation.expiresAtMs).toBeGreaterThan(nowMs);
    }
  });
});

always('BR-005: after every step the alert is out exactly for the items under their line', (steps) => {
  play(steps, ({ inventory }) => {
    for (const item of inventory.items.values()) expect(item.isLow).toBe(item.available < item.safetyStock);
  });
});

always('BR-006: what is asked again at once changes nothing and hears the same', (steps) => {
  play(steps, ({ inventory, asked, decision, nowMs }) => {
    const events = inventory.events.length;
    const again = inventory.decide(commandOf(asked), nowMs);
    expect(inventory.events.length).toBe(events);
    expect(again).toEqual(decision.outcome === 'done' ? { ...decision, replayed: true } : decision);
  });
});

always('the versions of every item begin at 1 and have no gap', (steps) => {
  const { events, items } = play(steps);
  const versions = new Map<string, number>();
  for (const line of events.flatMap((event) => event.lines)) {
    const name = `${line.sku}@${line.warehouse}`;
    expect(line.version).toBe((versions.get(name) ?? 0) + 1);
    versions.set(name, line.version);
  }
  for (const [name, item] of items) expect(item.version).toBe(versions.get(name));
});

always('replaying the events gives the same items and reservations', (steps) => {
  const told = play(steps);
  const replayed = new Inventory();
  for (const event of told.events) replayed.apply(event);
  expect(replayed.items).toEqual(told.items);
  expect(replayed.reservations).toEqual(told.reservations);
  expect(replayed.events).toEqual(told.events);
});

always('no more is ever sold of an item than was received of it', (steps) => {
  const { events, items } = play(steps);
  for (const [name, item] of items) {
    const received = sumOf(events, 'InventoryReceived', name);
    expect(item.total).toBe(received);
    expect(sumOf(events, 'InventoryDeducted', name)).toBe(item.sold);
    expect(item.sold).toBeLessThanOrEqual(received);
  }
});

always('what is reserved is sold, returned, or still held: nothing is lost on the way', (steps) => {
  const { events, items } = play(steps);
  for (const [name, item] of items) {
    const left = sumOf(events, 'InventoryDeducted', name) + sumOf(events, 'InventoryReleased', name);
    expect(sumOf(events, 'InventoryReserved', name)).toBe(left + item.reserved);
  }
});

always('an order is reserved once, sold at most once, and ends at most once', (steps) => {
  const { events } = play(steps);
  const seen = new Set<string>();
  for (const event of events) {
    if (event.type !== 'InventoryReserved' && event.type !== 'InventoryDeducted') continue;
    const name = `${event.type} ${event.orderId}`;
    expect(seen.has(name)).toBe(false);
    seen.add(name);
  }
});

always('a refusal or a repeat leaves no event', (steps) => {
  play(steps, ({ inventory, decision, eventsBefore }) => {
    if (decision.outcome === 'done' && !decision.replayed) {
      expect(inventory.events.length).toBeGreaterThan(eventsBefore);
    } else expect(inventory.events.length).toBe(eventsBefore);
  });
});
