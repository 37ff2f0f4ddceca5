/**
 * What holds after every history, whatever was asked in whatever order: the rules as properties of the aggregate.
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
      for (const { total, available, reserved, sold } of inventory.items.values()) {
        expect(Math.min(available, reserved, sold) >= 0 && total === available + reserved + sold).toBe(true);
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

always('BR-005: after every step the alert is out exactly for the items under their line', (steps) => {
  play(steps, ({ inventory }) => {
    const wrong = [...inventory.items.values()].filter((i) => i.isLow !== i.available < i.safetyStock);
    expect(wrong).toEqual([]);
  });
});

always(
  'BR-005: an alert directly follows, in the life of its item, what moved it across the line',
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

always('BR-006: what is asked again at once changes nothing and hears the same', (steps) => {
  play(steps, ({ inventory, input, decision, nowMs }) => {
    const events = inventory.events.length;
    const again = inventory.decide(commandOf(input), nowMs);
    expect(inventory.events.length).toBe(events);
    if (decision.outcome === 'refused') {
      expect(again).toEqual(decision);
      return;
    }
    // What was passed by or released on the way is told by the first answer only (language.ts).
    const value: Record<string, unknown> = { ...(decision.value as object), skipped: undefined };
    if (input.kind === 'complete-stocktake') value.released = undefined;
    expect(again).toEqual({ outcome: 'done', replayed: true, value });
  });
});

always('BR-006: an order is reserved once, resolved once, and revived only by a late payment', (steps) => {
  // One letter an event: Reserved, Cancelled, eXtended, Deducted, reMainder, Expired, Shortfall, came short (P), Again.
  const letters = new Map<string, string>();
  for (const event of play(steps).events) {
    if (!('orderId' in event) || event.orderId === undefined || 'movementId' in event) continue;
    const letter = {
      InventoryReserved: 'R',
      InventoryDeducted: 'D',
      InventoryReleased:
        'cause' in event ? { cancelled: 'C', remainder: 'M', expired: 'E', shortfall: 'S' }[event.cause] : '',
      ReservationExtended: 'X',
      InventoryReacquired: 'A',
      PaymentCameShort: 'P',
    }[event.type as 'InventoryReserved'];
    letters.set(event.orderId, (letters.get(event.orderId) ?? '') + letter);
  }
  for (const life of letters.values()) expect(life).toMatch(/^R[CX]*(DM?|S|EP?A?)?$/);
});

always(
  'BR-007: while an item is locked its total and what is sold stand, and nothing more is reserved',
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

always('BR-007: an item is locked exactly by the sheet on which it is being counted', (steps) => {
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
  'BR-003, BR-007: no hold expires while one of its items is locked, nor sooner than the grace after it',
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
  'BR-003, BR-007: a hold lives as long as was asked, and longer only step by step for a count',
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

always('replaying the events gives the same items, reservations and documents', (steps) => {
  const told = play(steps);
  const replayed = new ReferenceModel();
  for (const event of told.events) replayed.apply(event);
  for (const part of ['items', 'reservations', 'sheets', 'transfers', 'sales', 'quotas', 'events'] as const) {
    expect(replayed[part]).toEqual(told[part]);
  }
});

always(
  'a refusal or a repeat leaves no event, but for the late payment that people are told of once',
  (steps) => {
    play(steps, ({ inventory, decision, eventsBefore }) => {
      const left = inventory.events.slice(eventsBefore).map((event) => event.type);
      if (decision.outcome === 'done') {
        if (decision.replayed) expect(left).toEqual([]);
        else expect(left.length).toBeGreaterThan(0);
      } else if (decision.refusal.code === 'paid-but-short') {
        expect(['', 'PaymentCameShort']).toContain(left.join());
      } else expect(left).toEqual([]);
    });
  },
);
