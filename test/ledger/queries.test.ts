/**
 * Queries of the ledger: entries in pages by key, items at a version, holds, pages for a rebuild.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InventoryItem } from '../../src/domain/inventory-item.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import type { LedgerEntry } from '../../src/ledger/read/ledger-entry.ts';
import type { EntriesQuery } from '../../src/ledger/read/queries.ts';
import { AT_MS, commit, itemWith, newEpoch, received, reserved, row } from './chunks.ts';
import { migratedDatabase } from './room.ts';

const VERSIONS = 40;

let database: Awaited<ReturnType<typeof migratedDatabase>>;
let ledger: Ledger;
beforeAll(async () => {
  database = await migratedDatabase();
  ledger = await openLedger({ databaseUrl: database.url });
  await ledger.beginEpoch(0, newEpoch(1));
  // Two SKUs in two warehouses each take turns; every fourth version of an item is of the order `regular`.
  const items = ['A@east', 'A@west', 'B@east', 'B@west'].map((name): InventoryItem => {
    const [sku = '', warehouse = ''] = name.split('@');
    return itemWith({ sku, warehouse });
  });
  const rows = [];
  for (let version = 1; version <= VERSIONS; version++) {
    for (const [i, item] of items.entries()) {
      const orderId = version % 4 === 0 ? 'regular' : `o${version}`;
      const name = `${item.sku}-${item.warehouse}`;
      const made = version === 1 ? received(1_000, 1, `first-${name}`) : reserved(orderId, 1, version);
      const { sku, warehouse } = item;
      const lines = [{ sku, warehouse, quantity: version === 1 ? 1_000 : 1, version }];
      const written = row({ ...made, lines }, item);
      rows.push(written);
      items[i] = written.after;
    }
  }
  await commit(ledger, 0, { rows });
});
afterAll(async () => {
  await ledger.close();
  await database.drop();
});

/** All pages of a query, and how many they were. */
async function pages(query: Omit<EntriesQuery, 'limit'>, limit: number) {
  const entries: LedgerEntry[] = [];
  let after: number | undefined;
  let count = 0;
  do {
    const page = await ledger.read.entries({ ...query, after, limit });
    expect(page.entries.length).toBeLessThanOrEqual(limit);
    entries.push(...page.entries);
    after = page.next ?? undefined;
    count++;
  } while (after !== undefined);
  return { entries, count };
}

describe('entries', () => {
  test('come newest first and each once for any page size', async () => {
    for (const limit of [1, 7, 40, 1_000]) {
      const { entries, count } = await pages({}, limit);
      expect(entries).toHaveLength(VERSIONS * 4);
      expect(entries.map(({ id }) => id)).toEqual(entries.map(({ id }) => id).sort((a, b) => b - a));
      expect(new Set(entries.map(({ id }) => id)).size).toBe(VERSIONS * 4);
      expect(count).toBe(Math.ceil((VERSIONS * 4) / limit));
    }
  });

  test('of one item come by version, newest first', async () => {
    const { entries } = await pages({ sku: 'A', warehouse: 'west' }, 9);
    expect(entries.map(({ version }) => version)).toEqual(
      Array.from({ length: VERSIONS }, (_, i) => VERSIONS - i),
    );
    expect(entries.every(({ sku, warehouse }) => sku === 'A' && warehouse === 'west')).toBe(true);
  });

  test('are found by SKU, by order, by movement and by type', async () => {
    expect((await pages({ sku: 'B' }, 11)).entries).toHaveLength(VERSIONS * 2);
    expect((await pages({ orderId: 'regular' }, 11)).entries).toHaveLength((VERSIONS / 4) * 4);
    expect((await pages({ orderId: 'regular', sku: 'B', warehouse: 'east' }, 3)).entries).toHaveLength(
      VERSIONS / 4,
    );
    expect((await pages({ movementId: 'first-A-west' }, 3)).entries).toMatchObject([
      { version: 1, sku: 'A' },
    ]);
    expect((await pages({ type: 'InventoryReceived' }, 3)).entries).toHaveLength(4);
    expect((await pages({ orderId: 'nobody' }, 3)).entries).toEqual([]);
  });

  test('have the counters before and after, and the change', async () => {
    const { entries } = await ledger.read.entries({ sku: 'A', warehouse: 'east', limit: 1 });
    expect(entries[0]).toMatchObject({
      type: 'InventoryReserved',
      before: { total: 1_000, available: 962, reserved: 38, sold: 0 },
      change: { total: 0, available: -1, reserved: 1, sold: 0 },
      after: { total: 1_000, available: 961, reserved: 39, sold: 0 },
      orderId: 'regular',
      movementId: undefined,
      expiresAtMs: AT_MS + 1_800_000,
      actor: 'tester',
      atMs: AT_MS,
    });
  });

  test('in a page of less than 1 or more than 1000 are refused', async () => {
    for (const limit of [0, -1, 1_001, 1.5, Number.NaN]) {
      await expect(ledger.read.entries({ limit })).rejects.toThrow(RangeError);
    }
  });

  test('after an entry of another item do not start from the newest', async () => {
    const foreign = (await ledger.read.entries({ sku: 'B', warehouse: 'west', limit: 5 })).entries.at(-1)?.id;
    const page = await ledger.read.entries({ sku: 'A', warehouse: 'west', after: foreign, limit: 1_000 });
    expect(page.entries.every(({ id }) => id < (foreign ?? 0))).toBe(true);
    expect(page.entries[0]?.version).toBe(VERSIONS - 4);
  });
});

test('an item is read at any of its versions', async () => {
  expect(await ledger.read.itemAtVersion('A', 'east', 1)).toEqual({
    version: 1,
    total: 1_000,
    available: 1_000,
    reserved: 0,
    sold: 0,
    atMs: AT_MS,
  });
  expect(await ledger.read.itemAtVersion('A', 'east', 40)).toMatchObject({ available: 961, reserved: 39 });
  expect(await ledger.read.itemAtVersion('A', 'east', 41)).toBeUndefined();
});

describe('reservations', () => {
  const lines = [
    { sku: 'A', warehouse: 'east', quantity: 2 },
    { sku: 'AA', warehouse: 'east', quantity: 3 },
  ];
  const hold = (orderId: string, n: number): Reservation => ({
    orderId,
    status: 'ACTIVE',
    lines,
    reservedAtMs: AT_MS + n,
    expiresAtMs: AT_MS + n + 60_000,
    fingerprint: '60000;A@east=2,AA@east=3',
    resolvedAtMs: undefined,
    operations: [],
  });
  const open = Array.from({ length: 25 }, (_, n) => hold(`open-${n}`, n));
  const settled = Array.from(
    { length: 25 },
    (_, n): Reservation => ({
      ...hold(`settled-${n}`, n),
      status: 'EXPIRED',
      resolvedAtMs: AT_MS + 100_000 + n,
    }),
  );
  const all = async (stream: AsyncGenerator<Reservation[]>) => {
    const found: Reservation[] = [];
    for await (const page of stream) {
      expect(page.length).toBeLessThanOrEqual(4);
      found.push(...page);
    }
    return found.sort((a, b) => a.reservedAtMs - b.reservedAtMs);
  };
  beforeAll(async () => {
    await commit(ledger, 1, { newReservations: [...open, ...settled] });
  });

  test('that are open come in pages', async () => {
    expect(await all(ledger.past.openReservations(4))).toEqual(open);
  });

  test('that were resolved since a time come in pages', async () => {
    expect(await all(ledger.past.resolvedSince(AT_MS + 100_010, 4))).toEqual(settled.slice(10));
  });

  test('whose pages are not read to the end release their connection', async () => {
    const narrow = await openLedger({ databaseUrl: database.url, poolMax: 1 });
    for (let i = 0; i < 3; i++) {
      for await (const page of narrow.past.openReservations(4)) {
        expect(page).toHaveLength(4);
        break;
      }
    }
    expect(await narrow.cursor(0)).toMatchObject({ sequence: 2 });
    await narrow.close();
  });

  test('are listed as the holds of an item, in pages', async () => {
    const first = await ledger.read.openHolds('A', 'east', undefined, 20);
    const rest = await ledger.read.openHolds('A', 'east', first.at(-1)?.orderId, 20);
    expect([...first, ...rest].map(({ orderId }) => orderId)).toEqual(
      open.map(({ orderId }) => orderId).sort(),
    );
    expect(first[0]).toMatchObject({ quantity: 2, reservedAtMs: AT_MS, expiresAtMs: AT_MS + 60_000 });
    expect((await ledger.read.openHolds('AA', 'east', undefined, 1))[0]?.quantity).toBe(3);
    expect(await ledger.read.openHolds('A', 'west', undefined, 1)).toEqual([]);
  });
});

describe('warehouses', () => {
  test('are created, updated, and listed by id', async () => {
    expect(await ledger.putWarehouse({ id: 'w2', name: 'West', latitude: 25.03, longitude: 121.56 })).toBe(
      'created',
    );
    expect(await ledger.putWarehouse({ id: 'w1', name: 'Nowhere' })).toBe('created');
    expect(await ledger.putWarehouse({ id: 'w2', name: 'West II' })).toBe('updated');
    expect(await ledger.warehouses()).toEqual([
      { id: 'w1', name: 'Nowhere', latitude: undefined, longitude: undefined },
      { id: 'w2', name: 'West II', latitude: undefined, longitude: undefined },
    ]);
  });

  test('with coordinates not on earth, or only one of them, are refused', async () => {
    await expect(ledger.putWarehouse({ id: 'w', name: 'x', latitude: 91, longitude: 0 })).rejects.toThrow(
      'on_earth',
    );
    await expect(ledger.putWarehouse({ id: 'w', name: 'x', latitude: 1 })).rejects.toThrow(
      'both_coordinates',
    );
  });
});
