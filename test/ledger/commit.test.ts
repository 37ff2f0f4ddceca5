/**
 * The transaction (D7, D8): the cursor moves once and only from where it is, and the optimistic lock holds for every row.
 * A refused chunk leaves no trace.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  EVENTS,
  type EventRow,
  type EventType,
  type FieldKind,
  type StockEvent,
} from '../../src/domain/language.ts';
import type { Reservation } from '../../src/domain/reservation.ts';
import { ConcurrentModification, CursorMoved } from '../../src/ledger/errors.ts';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import type { LedgerEntry } from '../../src/ledger/read/ledger-entry.ts';
import { AT_MS, commit, itemWith, NONCE, newEpoch, received, reserved, row } from './chunks.ts';
import { allEntries, migratedDatabase } from './room.ts';

let database: Awaited<ReturnType<typeof migratedDatabase>>;
let ledger: Ledger;
beforeEach(async () => {
  database = await migratedDatabase();
  ledger = await openLedger({ databaseUrl: database.url });
  await ledger.beginEpoch(0, newEpoch(1));
});
afterEach(async () => {
  await ledger.close();
  await database.drop();
});

const write = (item: ReturnType<typeof itemWith>, expectedVersion: number | undefined) => ({
  item,
  expectedVersion,
  atMs: AT_MS,
  quarantineReason: undefined,
  parkedEvents: 0,
});

/** The figures of the one item that was given. */
const figures = async () => (await ledger.read.item('S', 'W'))?.item;

describe('the cursor', () => {
  async function troubleOf(attempt: Promise<unknown>): Promise<CursorMoved> {
    const error = await attempt.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CursorMoved);
    return error as CursorMoved;
  }

  test('moves in the transaction of its chunk', async () => {
    await commit(ledger, 0, { toSequence: 4, eventsTotal: 9 });
    expect(await ledger.cursor(0)).toEqual({
      epoch: 1,
      nonce: NONCE,
      sequence: 4,
      link: undefined,
      eventsTotal: 9,
    });
    expect(await ledger.cursor(1)).toBeUndefined();
  });

  test('refuses a chunk that it has passed', async () => {
    await commit(ledger, 0, { rows: [row(received(5, 1), itemWith())] });
    const again = commit(ledger, 0, { rows: [row(received(5, 2), itemWith())] });
    expect(await troubleOf(again)).toMatchObject({ trouble: 'duplicate', found: { epoch: 1, sequence: 1 } });
    expect(await allEntries(ledger)).toHaveLength(1);
  });

  test('refuses a chunk that begins after it', async () => {
    expect(await troubleOf(commit(ledger, 3))).toMatchObject({ trouble: 'gap', found: { sequence: 0 } });
  });

  test('refuses a chunk of an older or a newer epoch, or of another with the same number', async () => {
    await ledger.beginEpoch(0, newEpoch(5));
    const under = (number: number, nonce?: string) => commit(ledger, 0, { verifiedEpoch: { number, nonce } });
    expect(await troubleOf(under(4, NONCE))).toMatchObject({ trouble: 'stale-epoch' });
    expect(await troubleOf(under(6, NONCE))).toMatchObject({ trouble: 'future-epoch' });
    // A zombie of another database, or of the release before.
    expect(await troubleOf(under(5, 'another1'))).toMatchObject({ trouble: 'stale-epoch' });
    expect(await troubleOf(under(5))).toMatchObject({ trouble: 'stale-epoch' });
    await under(5, '00000005');
  });

  test('refuses a chunk of another history, and takes its link from the one it moves to', async () => {
    await commit(ledger, 0, { toSequence: 2, toLink: 'link-2', links: ['link-1', 'link-2'] });
    for (const fromLink of ['link-1', undefined]) {
      const trouble = await troubleOf(commit(ledger, 2, { fromLink }));
      expect(trouble).toMatchObject({ trouble: 'other-history', found: { link: 'link-2' } });
    }
    await commit(ledger, 2, { fromLink: 'link-2', toLink: 'link-3', links: ['link-3'] });
    expect(await ledger.cursor(0)).toMatchObject({ sequence: 3, link: 'link-3' });
  });

  test('refuses a chunk of a partition without an epoch', async () => {
    const error = await troubleOf(commit(ledger, 0, { partition: 7 }));
    expect(error).toMatchObject({ trouble: 'unknown-partition', found: undefined });
  });

  test('of two workers lets one commit the chunk', async () => {
    const other = await openLedger({ databaseUrl: database.url });
    const commitTo = (to: Ledger, movementId: string) =>
      commit(to, 0, { rows: [row(received(5, 1, movementId), itemWith())] });
    const outcomes = await Promise.allSettled([commitTo(ledger, 'mine'), commitTo(other, 'yours')]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(refused?.reason).toMatchObject({ name: 'CursorMoved', trouble: 'duplicate' });
    expect(await allEntries(ledger)).toHaveLength(1);
    await other.close();
  });
});

describe('the optimistic lock', () => {
  beforeEach(async () => {
    await commit(ledger, 0, { items: [write(itemWith({ available: 5, version: 1 }), undefined)] });
  });

  test('lets an item change from the version that the worker started from', async () => {
    await commit(ledger, 1, { items: [write(itemWith({ available: 4, reserved: 1, version: 2 }), 1)] });
    expect(await figures()).toMatchObject({ available: 4, reserved: 1, version: 2 });
  });

  test.each([
    ['older', 6],
    ['newer', 0],
  ])(
    'refuses an item that is at an %s version in the ledger, and the whole chunk with it',
    async (_, expected) => {
      const stale = commit(ledger, 1, {
        rows: [row(reserved('o', 1, 2), itemWith({ available: 5 }))],
        items: [write(itemWith({ available: 3, version: expected + 1 }), expected)],
      });
      await expect(stale).rejects.toThrow(ConcurrentModification);
      expect(await figures()).toMatchObject({ available: 5, version: 1 });
      expect(await allEntries(ledger)).toEqual([]);
      expect(await ledger.cursor(0)).toMatchObject({ sequence: 1 });
    },
  );

  test('refuses a new item that exists', async () => {
    const attempt = commit(ledger, 1, { items: [write(itemWith({ available: 9, version: 1 }), undefined)] });
    await expect(attempt).rejects.toThrow(ConcurrentModification);
    expect(await figures()).toMatchObject({ available: 5 });
  });

  test('refuses a change of an item that does not exist', async () => {
    const attempt = commit(ledger, 1, {
      items: [write(itemWith({ sku: 'T', available: 9, version: 2 }), 1)],
    });
    await expect(attempt).rejects.toThrow(ConcurrentModification);
  });

  test('leaves the connection usable after refusals', async () => {
    for (let i = 0; i < 10; i++) await expect(commit(ledger, 9)).rejects.toThrow(CursorMoved);
    await commit(ledger, 1);
    expect(await ledger.cursor(0)).toMatchObject({ sequence: 2 });
  });
});

describe('reservations', () => {
  const hold: Reservation = {
    orderId: 'NULL',
    status: 'ACTIVE',
    lines: [
      { sku: 'S', warehouse: 'W', quantity: 1 },
      { sku: 'T', warehouse: 'W', quantity: 2 },
    ],
    reservedAtMs: AT_MS,
    expiresAtMs: AT_MS + 1_800_001,
    fingerprint: '1800001;S@W=1,T@*=2',
    resolvedAtMs: undefined,
    operations: [],
  };
  const derivable: Reservation = { ...hold, orderId: 'plain', fingerprint: '1800001;S@W=1,T@W=2' };
  const stored = async (orderId: string) => (await ledger.loadReservations([orderId]))[0];

  beforeEach(async () => {
    await commit(ledger, 0, { newReservations: [hold, derivable] });
  });

  test('are read as they were written, with a fingerprint derived where it can be', async () => {
    expect(await stored('NULL')).toEqual(hold);
    expect(await ledger.read.reservation('plain')).toEqual(derivable);
    const { rows } = await database.owner.query('SELECT order_id, asked FROM reservations ORDER BY asked');
    expect(rows).toEqual([
      { order_id: 'NULL', asked: hold.fingerprint },
      { order_id: 'plain', asked: null },
    ]);
    expect(await ledger.loadReservations(['unknown', 'plain', 'null'])).toEqual([derivable]);
  });

  test('are updated as a whole or only in their end', async () => {
    const settled: Reservation = {
      ...derivable,
      status: 'CONFIRMED',
      resolvedAtMs: AT_MS + 5,
      operations: ['c*'],
    };
    const changed: Reservation = {
      ...hold,
      lines: [{ sku: 'S', warehouse: 'W', quantity: 1 }],
      expiresAtMs: AT_MS + 3_600_000,
      operations: ['rT=2', 'r#"x"\\'],
    };
    await commit(ledger, 1, { settledReservations: [settled], changedReservations: [changed] });
    expect(await stored('plain')).toEqual(settled);
    expect(await stored('NULL')).toEqual(changed);
  });

  test('BR-006: resolve once; only a new reservation replaces a resolved one', async () => {
    const settled: Reservation = {
      ...derivable,
      status: 'RELEASED',
      resolvedAtMs: AT_MS + 5,
      operations: ['r*'],
    };
    await commit(ledger, 1, { settledReservations: [settled] });
    const again = { ...settled, status: 'CONFIRMED' as const };
    await expect(commit(ledger, 2, { settledReservations: [again] })).rejects.toThrow(ConcurrentModification);
    await expect(commit(ledger, 2, { changedReservations: [again] })).rejects.toThrow(ConcurrentModification);
    await expect(commit(ledger, 2, { reusedReservations: [hold] })).rejects.toThrow(ConcurrentModification);
    await commit(ledger, 2, { reusedReservations: [derivable] });
    expect(await stored('plain')).toEqual(derivable);
  });
});

test('an item in quarantine keeps its first reason, and counts what was parked', async () => {
  const item = itemWith({ available: 5, version: 1 });
  await commit(ledger, 0, {
    items: [{ ...write(item, undefined), quarantineReason: 'first', parkedEvents: 2 }],
  });
  await commit(ledger, 1, { items: [{ ...write(item, 1), quarantineReason: 'second', parkedEvents: 3 }] });
  const found = await ledger.read.item('S', 'W');
  expect(found?.quarantine).toMatchObject({ reason: 'first' });
  expect(found?.parkedEvents).toBe(5);
});

test('times and texts are read as they were written', async () => {
  const reason = 'tab\there, line\nthere, back\\slash, "quotes", 櫃, \\N';
  const event = { ...received(5, 1, 'NULL'), reason } as ReturnType<typeof received>;
  await commit(ledger, 0, { rows: [row({ ...event, atMs: 1_762_819_200_007 }, itemWith())] });
  const [entry] = await allEntries(ledger);
  expect(entry).toMatchObject({ reason, movementId: 'NULL', atMs: 1_762_819_200_007, actor: 'tester' });
});

describe('an entry', () => {
  const VALUES: Readonly<Record<FieldKind, string | number>> = {
    id: '茶/\\N',
    'optional id': '{a,"b"}',
    reason: 'tab\there, \\N',
    units: 60,
    'instant ms': AT_MS + 7,
    operation: 'c茶%2F=1',
    cause: 'remainder',
    fingerprint: '-',
  };
  /** Fields that are kept elsewhere: in reservations and documents. */
  const ELSEWHERE = [
    ...['fingerprint', 'customerId', 'saleId', 'proposeTransferTo', 'to', 'rejected'],
    ...['available', 'reserved', 'sold'],
  ];
  const withLines = (Object.entries(EVENTS) as [EventType, EventRow][]).filter(
    ([, { lines }]) => lines !== 'none',
  );

  test.each(withLines)('keeps the fields of %s', async (type, { subject = {}, fields, effect }) => {
    const kinds = Object.entries({ ...subject, ...fields });
    const values = Object.fromEntries(kinds.map(([field, kind]) => [field, VALUES[kind]]));
    const lines = [{ sku: 'S', warehouse: 'W', quantity: 50, version: 1 }];
    const event = { type, ...values, lines, atMs: AT_MS, actor: 'tester' } as unknown as StockEvent;
    const before = effect === 'set total' ? { available: 90 } : { available: 90, reserved: 90, sold: 90 };
    await commit(ledger, 0, { rows: [row(event, itemWith(before))] });
    const { untilMs, ...rest } = values;
    const expected = Object.entries(rest).filter(([field]) => !ELSEWHERE.includes(field));
    const kept = {
      ...Object.fromEntries(expected),
      ...(untilMs === undefined ? {} : { expiresAtMs: untilMs }),
    };
    const [entry] = await allEntries(ledger);
    const {
      orderId,
      movementId,
      transferId,
      stocktakeId,
      cause,
      operation,
      expiresAtMs,
      safetyStock,
      reason,
    } = entry as LedgerEntry;
    const own = {
      orderId,
      movementId,
      transferId,
      stocktakeId,
      cause,
      operation,
      expiresAtMs,
      safetyStock,
      reason,
    };
    expect(own).toEqual({
      ...Object.fromEntries(Object.keys(own).map((name) => [name, undefined])),
      ...kept,
    });
  });

  test('has neither an operation nor a reason where the event has none', async () => {
    const released: StockEvent = {
      type: 'InventoryReleased',
      orderId: 'o',
      cause: 'expired',
      operation: '-',
      lines: [{ sku: 'S', warehouse: 'W', quantity: 1, version: 2 }],
      atMs: AT_MS,
      actor: 'clock',
    };
    await commit(ledger, 0, {
      rows: [row(received(5, 1), itemWith()), row(released, itemWith({ reserved: 1 }))],
    });
    const [first, second] = await allEntries(ledger);
    expect([first?.reason, second?.operation]).toEqual([undefined, undefined]);
  });
});
