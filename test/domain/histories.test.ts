/**
 * The rules as properties that hold after every random history.
 */
import { expect } from 'vitest';
import type { InventoryItem } from '../../src/domain/inventory-item.ts';
import {
  ACTOR_CLOCK,
  itemName,
  LIFETIME_SECONDS_MAX,
  STOCKTAKE_EXTENSION_SECONDS,
  STOCKTAKE_GRACE_SECONDS,
} from '../../src/domain/language.ts';
import { ReferenceModel } from '../../src/model/reference-model.ts';
import { commandOf } from './histories.ts';
import { always, play } from './play.ts';

always(
  'BR-001 and BR-004: after every step, available >= 0 and total = available + reserved + sold',
  (steps) => {
    play(steps, ({ inventory }) => {
      const wrong = [...inventory.items.values()].filter(
        ({ total, available, reserved, sold }) =>
          Math.min(available, reserved, sold) < 0 || total !== available + reserved + sold,
      );
      expect(wrong).toEqual([]);
    });
  },
);

always('BR-002: reserved of an item is the sum of its ACTIVE reservations', (steps) => {
  play(steps, ({ inventory, isChanged }) => {
    if (!isChanged) return;
    const held = new Map<string, number>();
    for (const reservation of inventory.reservations.values()) {
      if (reservation.status !== 'ACTIVE') continue;
      for (const { sku, warehouse, quantity } of reservation.lines) {
        const name = itemName({ sku, warehouse });
        held.set(name, (held.get(name) ?? 0) + quantity);
      }
    }
    const shown = [...inventory.items].filter(([, { reserved }]) => reserved > 0);
    expect(new Map(shown.map(([name, { reserved }]) => [name, reserved]))).toEqual(held);
  });
});

always('BR-003: after every step no ACTIVE reservation is past its deadline', (steps) => {
  play(steps, ({ inventory, nowMs }) => {
    const open = [...inventory.reservations.values()].filter(({ status }) => status === 'ACTIVE');
    expect(open.filter(({ expiresAtMs }) => expiresAtMs <= nowMs)).toEqual([]);
  });
});

always('BR-005: after every step exactly the items below their safety stock have an alert', (steps) => {
  play(steps, ({ inventory }) => {
    const wrong = [...inventory.items.values()].filter((i) => i.isLow !== i.available < i.safetyStock);
    expect(wrong).toEqual([]);
  });
});

always(
  'BR-005: an alert directly follows the event that brought its item below the safety stock',
  (steps) => {
    const { events } = play(steps);
    for (const [i, event] of events.entries()) {
      if (event.type !== 'LowStockAlertTriggered') continue;
      const [line] = event.lines;
      const before = events
        .slice(0, i)
        .findLast((other) => other.lines.some((l) => l.sku === line?.sku && l.warehouse === line.warehouse));
      const its = before?.lines.find((l) => l.sku === line?.sku && l.warehouse === line.warehouse);
      expect(its?.version).toBe((line?.version ?? 0) - 1);
      expect([before?.atMs, before?.actor]).toEqual([event.atMs, event.actor]);
      expect(line?.quantity).toBeLessThan(event.safetyStock);
    }
  },
);

always('BR-006: a command repeated at once changes nothing and gets the same answer', (steps) => {
  play(steps, ({ inventory, input, decision, nowMs }) => {
    const events = inventory.events.length;
    const again = inventory.decide(commandOf(input), nowMs);
    expect(inventory.events.length).toBe(events);
    if (decision.outcome === 'refused') {
      expect(again).toEqual(decision);
      return;
    }
    // Skipped warehouses and released orders are in the first answer only.
    const value: Record<string, unknown> = { ...(decision.value as object), skipped: undefined };
    if (input.kind === 'complete-stocktake') value.released = undefined;
    expect(again).toEqual({ outcome: 'done', replayed: true, value });
  });
});

always(
  'BR-006: an order is reserved once, resolved once, and confirmed after its expiry only by a late payment',
  (steps) => {
    // One letter an event: Reserved, Cancelled, eXtended, Deducted, reMainder, Expired, Shortfall, came short (P), Again.
    const letters = new Map<string, string>();
    for (const event of play(steps).events) {
      if (!('orderId' in event) || event.orderId === undefined || 'movementId' in event) continue;
      const letter = {
        InventoryReserved: 'R',
        InventoryDeducted: 'D',
        InventoryReleased:
          'cause' in event
            ? { cancelled: 'C', remainder: 'M', expired: 'E', shortfall: 'S' }[event.cause]
            : '',
        ReservationExtended: 'X',
        InventoryReacquired: 'A',
        PaymentCameShort: 'P',
      }[event.type as 'InventoryReserved'];
      letters.set(event.orderId, (letters.get(event.orderId) ?? '') + letter);
    }
    for (const life of letters.values()) expect(life).toMatch(/^R[CX]*(DM?|S|EP?A?)?$/);
  },
);

always(
  'BR-007: while an item is locked its total and sold stay the same, and reserved does not rise',
  (steps) => {
    let before = new Map<string, InventoryItem>();
    play(steps, ({ inventory, nowMs }) => {
      for (const [name, item] of inventory.items) {
        const { stocktake } = item;
        if (!stocktake) continue;
        expect(stocktake.untilMs).toBeGreaterThan(nowMs);
        const earlier = before.get(name);
        // The lock of an earlier look, not one that was set anew meanwhile.
        if (JSON.stringify(earlier?.stocktake) !== JSON.stringify(stocktake)) continue;
        expect([item.total, item.sold]).toEqual([earlier?.total, earlier?.sold]);
        expect(item.reserved).toBeLessThanOrEqual(earlier?.reserved ?? 0);
      }
      before = new Map(inventory.items);
    });
  },
);

always('BR-007: an item is locked by a sheet exactly while it is being counted on it', (steps) => {
  play(steps, ({ inventory }) => {
    const counting = [...inventory.sheets.values()]
      .flatMap((sheet) => [...sheet.values()])
      .filter((line) => line.status === 'COUNTING')
      .map((line) => `${itemName(line)} ${line.stocktakeId} ${line.untilMs} ${line.before}`);
    const locked = [...inventory.items].flatMap(([name, { stocktake, total }]) =>
      stocktake ? [`${name} ${stocktake.stocktakeId} ${stocktake.untilMs} ${total}`] : [],
    );
    expect(counting.sort()).toEqual(locked.sort());
  });
});

always(
  'BR-003, BR-007: no hold expires while one of its items is locked, or within the grace after the lock',
  (steps) => {
    const locks = new Map<string, number>();
    const freeFromMs = new Map<string, number>();
    for (const event of play(steps).events) {
      for (const { sku, warehouse } of event.lines) {
        const name = itemName({ sku, warehouse });
        if (event.type === 'StocktakeStarted') locks.set(name, event.untilMs);
        else if (/^Stocktake/.test(event.type)) {
          const endMs = Math.min(locks.get(name) ?? 0, event.atMs);
          locks.delete(name);
          freeFromMs.set(name, endMs + STOCKTAKE_GRACE_SECONDS * 1_000);
        } else if (event.type === 'InventoryReleased' && event.cause === 'expired') {
          expect(locks.has(name)).toBe(false);
          expect(event.atMs).toBeGreaterThanOrEqual(freeFromMs.get(name) ?? 0);
        }
      }
    }
  },
);

always(
  'BR-003, BR-007: a hold ends at its deadline, and is extended beyond the longest life only step by step for a count',
  (steps) => {
    const stepMs = (STOCKTAKE_EXTENSION_SECONDS + STOCKTAKE_GRACE_SECONDS) * 1_000;
    const dueMs = new Map<string, number>();
    const bornMs = new Map<string, number>();
    for (const event of play(steps).events) {
      if (event.type === 'InventoryReserved') {
        dueMs.set(event.orderId, event.expiresAtMs);
        bornMs.set(event.orderId, event.atMs);
      } else if (event.type === 'ReservationExtended') {
        const isDue = (dueMs.get(event.orderId) ?? 0) <= event.atMs;
        const capMs = (bornMs.get(event.orderId) ?? 0) + LIFETIME_SECONDS_MAX * 1_000;
        expect(event.expiresAtMs).toBeLessThanOrEqual(isDue ? event.atMs + stepMs : capMs);
        if (isDue) expect(event.actor).toBe(ACTOR_CLOCK);
        dueMs.set(event.orderId, event.expiresAtMs);
      } else if (event.type === 'InventoryReleased' && event.cause === 'expired') {
        expect(event.atMs).toBeGreaterThanOrEqual(dueMs.get(event.orderId) ?? 0);
      }
    }
  },
);

always('the versions of every item begin at 1 and have no gap', (steps) => {
  const { events, items } = play(steps);
  const versions = new Map<string, number>();
  for (const line of events.flatMap((event) => event.lines)) {
    const name = itemName(line);
    expect(line.version).toBe((versions.get(name) ?? 0) + 1);
    versions.set(name, line.version);
  }
  for (const [name, item] of items) expect(item.version).toBe(versions.get(name));
});

always('replaying the events gives the same items, reservations, sheets, transfers and sales', (steps) => {
  const played = play(steps);
  const replayed = new ReferenceModel();
  for (const event of played.events) replayed.apply(event);
  for (const part of ['items', 'reservations', 'sheets', 'transfers', 'sales', 'quotas', 'events'] as const) {
    expect(replayed[part]).toEqual(played[part]);
  }
});

always('a refusal or a repeat leaves no event, except the first refusal of a late payment', (steps) => {
  play(steps, ({ inventory, decision, eventsBefore }) => {
    const left = inventory.events.slice(eventsBefore).map((event) => event.type);
    if (decision.outcome === 'done') {
      if (decision.replayed) expect(left).toEqual([]);
      else expect(left.length).toBeGreaterThan(0);
    } else if (decision.refusal.code === 'paid-but-short') {
      expect(['', 'PaymentCameShort']).toContain(left.join());
    } else expect(left).toEqual([]);
  });
});
