/**
 * Goal: an explanation is right for any item at any version: its parts add up, and where they do not, it says so.
 * Method: histories written by hand with known answers, and histories of random orders.
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import type { ExplainAnswer } from '../../src/ledger/read/explain.ts';
import {
  at,
  book,
  bookHistory,
  FIRST_MS,
  HISTORY,
  hold,
  ITEM,
  LOCK,
  MINUTE_MS,
  received,
  reserved,
} from './hand-written.ts';
import { migratedDatabase, Room } from './room.ts';
import { shop } from './shoppers.ts';

let database: Awaited<ReturnType<typeof migratedDatabase>>;
let owner: pg.Client;
let ledger: Ledger;
beforeAll(async () => {
  database = await migratedDatabase();
  owner = database.owner;
  ledger = await openLedger({ databaseUrl: database.url, role: 'holdfast_reader' });
  await bookHistory(owner);
});
afterAll(async () => {
  await ledger.close();
  await database.drop();
});

type Explained = Extract<ExplainAnswer, { outcome: 'explained' }>;
function explained(answer: ExplainAnswer): Explained {
  if (answer.outcome !== 'explained') throw new Error(answer.outcome);
  return answer;
}
const why = async (query: Partial<Parameters<Ledger['explain']>[0]> = {}) =>
  explained(await ledger.explain({ ...ITEM, holdsMax: 1_000, ...query }));

describe('the explanation of an item now', () => {
  test('has its opening, the sums by type, and its holds', async () => {
    const { item, entry, opening, sums, holds, check } = await why();
    expect(item).toMatchObject({
      ...ITEM,
      ...{ version: 15, total: 98, available: 89, reserved: 5, sold: 4, safetyStock: 9, stocktake: LOCK },
    });
    expect(entry).toMatchObject({ version: 15, type: 'StocktakeStarted', stocktakeId: 'again' });
    expect(opening).toEqual({ version: 0, atMs: undefined, total: 0, available: 0, reserved: 0, sold: 0 });
    const moved = (total: number, available: number, held: number, sold: number) => ({
      change: { total, available, reserved: held, sold },
    });
    expect(sums).toEqual([
      { type: 'InventoryReserved', cause: undefined, entries: 5, quantity: 16, ...moved(0, -16, 16, 0) },
      { type: 'InventoryDeducted', cause: undefined, entries: 1, quantity: 4, ...moved(0, 0, -4, 4) },
      { type: 'InventoryReleased', cause: 'cancelled', entries: 1, quantity: 1, ...moved(0, 1, -1, 0) },
      { type: 'InventoryReleased', cause: 'expired', entries: 1, quantity: 6, ...moved(0, 6, -6, 0) },
      { type: 'ReservationExtended', cause: undefined, entries: 1, quantity: 2, ...moved(0, 0, 0, 0) },
      { type: 'InventoryReceived', cause: undefined, entries: 1, quantity: 100, ...moved(100, 100, 0, 0) },
      { type: 'SafetyStockSet', cause: undefined, entries: 2, quantity: undefined, ...moved(0, 0, 0, 0) },
      { type: 'StocktakeStarted', cause: undefined, entries: 2, quantity: undefined, ...moved(0, 0, 0, 0) },
      {
        type: 'StocktakeCompleted',
        cause: undefined,
        entries: 1,
        quantity: undefined,
        ...moved(-2, -2, 0, 0),
      },
    ]);
    expect(holds).toEqual({
      count: 3,
      quantity: 5,
      list: [
        { orderId: 'o2', quantity: 2, reservedAtMs: at(4), expiresAtMs: FIRST_MS + 90 * MINUTE_MS },
        { orderId: 'o3', quantity: 2, reservedAtMs: at(5), expiresAtMs: FIRST_MS + 30 * MINUTE_MS },
        { orderId: 'o5', quantity: 1, reservedAtMs: at(14), expiresAtMs: FIRST_MS + 30 * MINUTE_MS - 1_000 },
      ],
    });
    expect(check).toEqual({
      matches: true,
      text: 'The figures of version 15 follow from 15 entries, and what is reserved follows from 3 open holds of 5 units.',
    });
  });

  test('lists at most holdsMax holds and counts all', async () => {
    const { holds, check } = await why({ holdsMax: 1 });
    expect(holds).toMatchObject({ count: 3, quantity: 5, list: [{ orderId: 'o2' }] });
    expect(check.matches).toBe(true);
    for (const holdsMax of [0, 1_001, 1.5]) await expect(why({ holdsMax })).rejects.toThrow(RangeError);
  });

  test('adds up from a version or a time on, whose counters are the opening', async () => {
    for (let version = 1; version <= HISTORY.length; version++) {
      const bySince = await why({ since: { version } });
      expect(bySince).toEqual(await why({ since: { atMs: at(version) } }));
      expect(bySince).toEqual(await why({ since: { atMs: at(version) + 999 } }));
      const then = await ledger.asOf(ITEM, { version });
      expect(then).toMatchObject({ outcome: 'found', entry: { version, atMs: at(version) } });
      const { version: _, atMs, ...counters } = bySince.opening;
      expect(then).toMatchObject({ item: { version, ...counters }, entry: { atMs } });
      expect(bySince.sums.reduce((sum, { entries }) => sum + entries, 0)).toBe(HISTORY.length - version);
      expect(bySince.check.matches).toBe(true);
    }
    const { opening, check } = await why({ since: { version: 12 } });
    expect(opening).toMatchObject({ version: 12, total: 98, available: 90, reserved: 4, sold: 4 });
    expect(check.text).toMatch(/^The figures of version 15 follow from version 12 and 3 entries, and /);
    expect(await why({ since: { version: 0 } })).toEqual(await why());
    expect(await why({ since: { atMs: at(1) - 1 } })).toEqual(await why());
    expect((await why({ since: { atMs: at(99) } })).sums).toEqual([]);
  });

  test('is refused from a version that does not exist', async () => {
    const answer = await ledger.explain({ ...ITEM, since: { version: 16 }, holdsMax: 1 });
    expect(answer).toEqual({ outcome: 'since-is-later', version: 15 });
  });
});

describe('the explanation of an item at a moment', () => {
  test('has the holds, safety stock and lock of that moment', async () => {
    const then = await why({ moment: { version: 11 } });
    expect(then.item).toEqual({
      ...{ ...ITEM, version: 11, total: 100, available: 92, reserved: 4, sold: 4, safetyStock: 7 },
      stocktake: { stocktakeId: 'count', untilMs: FIRST_MS + 5 * MINUTE_MS },
    });
    expect(then.entry).toMatchObject({ version: 11, type: 'StocktakeStarted' });
    expect(then.holds).toEqual({
      count: 2,
      quantity: 4,
      list: [
        { orderId: 'o2', quantity: 2, reservedAtMs: at(4), expiresAtMs: FIRST_MS + 90 * MINUTE_MS },
        { orderId: 'o3', quantity: 2, reservedAtMs: at(5), expiresAtMs: FIRST_MS + 30 * MINUTE_MS },
      ],
    });
    expect(then.check).toEqual({
      matches: true,
      text: 'The figures of version 11 follow from 11 entries, and what is reserved follows from 2 open holds of 4 units.',
    });
    expect(await why({ moment: { atMs: at(11) + 1 } })).toEqual(then);
    const first = await why({ moment: { version: 1 } });
    expect(first.item).toMatchObject({ safetyStock: 0, stocktake: undefined });
    expect(first.check.text).toBe(
      'The figures of version 1 follow from 1 entry, and what is reserved follows from no open holds of no units.',
    );
    const counted = await ledger.asOf(ITEM, { version: 12 });
    expect(counted).toMatchObject({ item: { safetyStock: 7, total: 98, stocktake: undefined } });
  });

  test('at the newest version is that of now', async () => {
    expect(await why()).toMatchObject(await why({ moment: { version: 15 } }));
  });

  test('finds a time at an entry, between two, and after the last', async () => {
    const versionAt = async (atMs: number) => {
      const then = await ledger.asOf(ITEM, { atMs });
      return then.outcome === 'found' ? then.item.version : then;
    };
    for (let version = 1; version <= HISTORY.length; version++) {
      expect(await versionAt(at(version))).toBe(version);
      expect(await versionAt(at(version) + 999)).toBe(version);
    }
    expect(await versionAt(at(9_999))).toBe(15);
    expect(await versionAt(at(1) - 1)).toEqual({ outcome: 'before-first-entry', firstAtMs: at(1) });
    // A batch has one time: the last of its entries is the item at that time.
    const atMs = at(3);
    const steps = [
      received(9, 'b1'),
      reserved('b', 1),
      reserved('b', 1),
      reserved('b', 1),
      received(1, 'b2'),
    ];
    await book(owner, 'BATCH@east', [
      ...steps.slice(0, 1),
      ...steps.slice(1, 4).map((step) => ({ ...step, atMs })),
      ...steps.slice(4),
    ]);
    const then = await ledger.asOf({ sku: 'BATCH', warehouse: 'east' }, { atMs });
    expect(then).toMatchObject({ item: { version: 4, available: 6, reserved: 3 } });
  });

  test('says why there is none: unknown item, before the first entry, no such version', async () => {
    const unknown = { sku: 'TEA', warehouse: 'north' };
    for (const moment of [{ version: 1 }, { atMs: at(3) }]) {
      expect(await ledger.asOf(unknown, moment)).toEqual({ outcome: 'unknown-item' });
      expect(await ledger.explain({ ...unknown, moment, holdsMax: 1 })).toEqual({ outcome: 'unknown-item' });
    }
    expect(await ledger.explain({ ...unknown, holdsMax: 1 })).toEqual({ outcome: 'unknown-item' });
    expect(await ledger.asOf(ITEM, { version: 16 })).toEqual({ outcome: 'no-such-version', newest: 15 });
    const late = { moment: { version: 5 }, since: { atMs: at(6) }, holdsMax: 1 };
    expect(await ledger.explain({ ...ITEM, ...late })).toEqual({ outcome: 'since-is-later', version: 5 });
  });
});

describe('a mismatch is reported', () => {
  test('of counters, with what the entries add up to', async () => {
    const steps = [received(10, 'x1'), reserved('x', 4)];
    await book(owner, 'OFF@east', steps, { available: 5 });
    await hold(owner, 'x', 'OFF@east=4', at(2), at(2) + MINUTE_MS);
    expect((await why({ sku: 'OFF' })).check).toEqual({
      matches: false,
      text:
        'The figures of version 2 do not follow from 2 entries (total 10 instead of 9, available 6 instead of 5), ' +
        'and what is reserved follows from 1 open hold of 4 units.',
    });
  });

  test('of holds, with what they add up to', async () => {
    await book(owner, 'LOST@east', [received(10, 'y1'), reserved('y', 4), reserved('z', 2)]);
    await hold(owner, 'z', 'LOST@east=2', at(3), at(3) + MINUTE_MS);
    expect((await why({ sku: 'LOST' })).check).toEqual({
      matches: false,
      text:
        'The figures of version 3 follow from 3 entries, ' +
        'and what is reserved (6) does not follow from 1 open hold of 2 units.',
    });
  });

  test('of missing entries, and of an item in quarantine', async () => {
    await book(owner, 'GAP@east', [received(10, 'g1')], { version: 3, quarantineReason: 'a version gap' });
    expect((await why({ sku: 'GAP' })).check).toEqual({
      matches: false,
      text:
        'The figures of version 3 do not follow from 1 entry (entries 1 instead of 3), and what is reserved follows ' +
        'from no open holds of no units; the item is in quarantine, so later events are parked and not in the ledger.',
    });
    await book(owner, 'NEW@east', [], { quarantineReason: 'its first event was not allowed' });
    expect(await why({ sku: 'NEW' })).toMatchObject({ item: { version: 0 }, entry: undefined, sums: [] });
  });
});

describe('after random orders', () => {
  let room: Room;
  beforeAll(async () => {
    room = await Room.open();
  });
  afterAll(() => room.close());

  test('every item is explained without mismatch, now and at each of its versions', async () => {
    await shop(room.engine.hot, 11, 250);
    const worker = await room.worker();
    await worker.writeBehind.drained();
    const items = await worker.ledger.read.items(undefined, 100);
    expect(items.length).toBeGreaterThan(3);
    let held = 0;
    for (const { item } of items) {
      const { sku, warehouse } = item;
      const { isLow: _, ...figures } = item;
      const now = explained(await worker.ledger.explain({ sku, warehouse, holdsMax: 1_000 }));
      expect(now.item).toMatchObject(figures);
      expect(now.check).toMatchObject({ matches: true });
      held += now.holds.count;
      const { entries } = await worker.ledger.read.entries({ sku, warehouse, limit: 1_000 });
      expect(entries).toHaveLength(item.version);
      for (const entry of entries) {
        const { version } = entry;
        const then = explained(
          await worker.ledger.explain({ sku, warehouse, moment: { version }, holdsMax: 1_000 }),
        );
        expect(then.item).toMatchObject({ ...entry.after, version });
        expect(then.check).toMatchObject({ matches: true });
        // The holds of the newest version, from its entries, are those of the reservations.
        if (version === item.version) expect(then.holds).toEqual(now.holds);
        const byTime = await worker.ledger.asOf({ sku, warehouse }, { atMs: entry.atMs });
        const last = entries.find(({ atMs }) => atMs === entry.atMs);
        expect(byTime).toMatchObject({ entry: { version: last?.version } });
      }
    }
    expect(held).toBeGreaterThan(5);
  });
});
