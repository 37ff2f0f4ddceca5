/**
 * Sums that hold after every random history: no unit is lost, invented or counted twice.
 */
import { expect } from 'vitest';
import {
  type EventType,
  itemName as nameOf,
  type SaleView,
  type StockEvent,
} from '../../src/domain/language.ts';
import { leftIn } from '../../src/domain/sale.ts';
import { inTransit } from '../../src/domain/transfer.ts';
import { unitsOf } from '../../src/model/inventory-state.ts';
import type { ReferenceModel } from '../../src/model/reference-model.ts';
import { always, play, sumOf } from './play.ts';

/** Units that counts and corrections added to the total of an item, and units that they removed. */
function differencesOf(events: readonly StockEvent[], itemName: string): { found: number; missing: number } {
  const differences = { found: 0, missing: 0 };
  let total = 0;
  for (const event of events) {
    for (const { sku, warehouse, quantity } of event.lines) {
      if (nameOf({ sku, warehouse }) !== itemName) continue;
      if (event.type === 'StocktakeCompleted' || event.type === 'InventoryCorrected') {
        differences.found += Math.max(0, quantity - total);
        differences.missing += Math.max(0, total - quantity);
        total = quantity;
      } else total += quantity * (COMES.includes(event.type) ? 1 : GOES.includes(event.type) ? -1 : 0);
    }
  }
  return differences;
}
function differenceOf(events: readonly StockEvent[], itemName: string): number {
  const { found, missing } = differencesOf(events, itemName);
  return found - missing;
}
const COMES: readonly EventType[] = [
  'InventoryReceived',
  'InventoryReturned',
  'TransferReceived',
  'TransferCancelled',
];
const GOES: readonly EventType[] = ['InventoryIssued', 'InventoryShipped', 'TransferDispatched'];

always(
  'the total of an item is what came in, minus what went out, plus the differences of counts',
  (steps) => {
    const { events, items } = play(steps);
    for (const [name, item] of items) {
      expect(item.total).toBe(
        sumOf(events, COMES, name) - sumOf(events, GOES, name) + differenceOf(events, name),
      );
    }
  },
);

always(
  'over all warehouses: total + in transit = received - issued - shipped + returned + counted differences',
  (steps) => {
    const { events, items, transfers } = play(steps);
    for (const sku of new Set([...items.values()].map((item) => item.sku))) {
      const names = [...items].filter(([, item]) => item.sku === sku).map(([name]) => name);
      const sum = (...types: EventType[]) => names.reduce((all, name) => all + sumOf(events, types, name), 0);
      const onTheWay = [...transfers.values()]
        .filter((transfer) => transfer.sku === sku)
        .reduce((all, transfer) => all + inTransit(transfer), 0);
      const total = names.reduce((all, name) => all + (items.get(name)?.total ?? 0), 0);
      const found = names.reduce((all, name) => all + differenceOf(events, name), 0);
      expect(total + onTheWay).toBe(
        sum('InventoryReceived') -
          sum('InventoryIssued') -
          sum('InventoryShipped') +
          sum('InventoryReturned') +
          found,
      );
    }
  },
);

always(
  'the units of a transfer are in transit, received, rejected or returned, each of them once',
  (steps) => {
    play(steps, ({ inventory, isChanged }) => {
      if (!isChanged) return;
      for (const transfer of inventory.transfers.values()) {
        const { transferId, sku, from, to, quantity, received, rejected, returned, status } = transfer;
        const its = inventory.events.filter(
          (event) => 'transferId' in event && event.transferId === transferId,
        );
        expect([
          sumOf(its, ['TransferDispatched'], nameOf({ sku, warehouse: from })),
          sumOf(its, ['TransferReceived'], nameOf({ sku, warehouse: to })),
          sumOf(its, ['InventoryIssued'], nameOf({ sku, warehouse: to })),
          sumOf(its, ['TransferCancelled'], nameOf({ sku, warehouse: from })),
        ]).toEqual([quantity, received + rejected, rejected, returned]);
        const isOver = inTransit(transfer) === 0 ? (returned > 0 ? 'CANCELLED' : 'RECEIVED') : 'IN_TRANSIT';
        expect([status, inTransit(transfer) >= 0]).toEqual([isOver, true]);
      }
    });
  },
);

always('reserved units are sold, returned or still held; sold units were held or taken again', (steps) => {
  const { events, items } = play(steps);
  for (const [name, item] of items) {
    const left = sumOf(events, ['InventoryDeducted', 'InventoryReleased'], name);
    expect(sumOf(events, ['InventoryReserved'], name)).toBe(left + item.reserved);
    const sold = sumOf(events, ['InventoryDeducted', 'InventoryReacquired'], name);
    expect(item.sold).toBe(sold - sumOf(events, ['InventoryShipped'], name));
  }
});

always('an item never sells more units than came in or were found by counts', (steps) => {
  const { events, items } = play(steps);
  for (const name of items.keys()) {
    const sold = sumOf(events, ['InventoryDeducted', 'InventoryReacquired'], name);
    const had = sumOf(events, COMES, name) + differencesOf(events, name).found;
    expect(sold).toBeLessThanOrEqual(had);
  }
});

/** Units of a sale's orders by what became of them, from the events alone. */
function countsOf(
  { events, reservations }: ReferenceModel,
  { saleId, sku }: SaleView | { saleId: string; sku: string },
) {
  const counts = { reserved: 0, sold: 0, released: 0, expired: 0 };
  for (const event of events) {
    if (!('orderId' in event) || event.orderId === undefined || 'movementId' in event) continue;
    if (reservations.get(event.orderId)?.saleId !== saleId) continue;
    const units = unitsOf(sku, event.lines);
    if (event.type === 'InventoryReserved') counts.reserved += units;
    else if (event.type === 'InventoryDeducted') {
      counts.reserved -= units;
      counts.sold += units;
    } else if (event.type === 'InventoryReleased') {
      counts.reserved -= units;
      counts[event.cause === 'expired' ? 'expired' : 'released'] += units;
    } else if (event.type === 'InventoryReacquired') {
      counts.expired -= units;
      counts.sold += units;
    }
  }
  return counts;
}

const reacquiredOf = (
  { events, reservations }: ReferenceModel,
  saleId: string,
  sku: string,
  customerId?: string,
) =>
  events
    .filter((event) => event.type === 'InventoryReacquired')
    .filter(({ orderId }) => {
      const reservation = reservations.get(orderId);
      return (
        reservation?.saleId === saleId && (customerId === undefined || reservation.customerId === customerId)
      );
    })
    .reduce((sum, event) => sum + unitsOf(sku, event.lines), 0);

always(
  'a sale counts its orders as the events do, and holds and sells at most what it set aside, late payments aside',
  (steps) => {
    play(steps, ({ inventory, isChanged }) => {
      if (!isChanged) return;
      for (const sale of inventory.sales.values()) {
        expect(sale).toMatchObject(countsOf(inventory, sale));
        const late = reacquiredOf(inventory, sale.saleId, sale.sku);
        expect(sale.reserved + sale.sold).toBeLessThanOrEqual(sale.quantity + late);
      }
    });
  },
);

always('a customer holds and buys at most the limit of a sale, late payments aside', (steps) => {
  play(steps, ({ inventory, isChanged }) => {
    if (!isChanged) return;
    for (const [saleId, quotas] of inventory.quotas) {
      const sale = inventory.sales.get(saleId);
      if (!sale) throw new Error(`a quota without its sale: ${saleId}`);
      for (const [customerId, { held, bought }] of quotas) {
        const theirs = [...inventory.reservations.values()].filter(
          (order) => order.saleId === saleId && order.customerId === customerId,
        );
        const units = (status: string) =>
          theirs.reduce(
            (sum, order) => sum + (order.status === status ? unitsOf(sale.sku, order.lines) : 0),
            0,
          );
        expect([held, bought]).toEqual([units('ACTIVE'), units('CONFIRMED')]);
        const late = reacquiredOf(inventory, saleId, sale.sku, customerId);
        expect(held + bought).toBeLessThanOrEqual(sale.limitPerCustomer + late);
      }
    }
  });
});

always('a reserve leaves to every other sale the units that it set aside', (steps) => {
  play(steps, ({ inventory, input, decision, nowMs }) => {
    if (input.kind !== 'reserve' || decision.outcome !== 'done' || decision.replayed) return;
    for (const sku of new Set(input.lines.map((line) => line.sku))) {
      const others = [...inventory.sales.values()].filter(
        (sale) => sale.sku === sku && sale.saleId !== input.saleId,
      );
      const left = others.reduce((sum, sale) => sum + leftIn(sale, nowMs), 0);
      const available = inventory.itemsOf(sku).reduce((sum, item) => sum + item.available, 0);
      expect(available).toBeGreaterThanOrEqual(left);
    }
  });
});
