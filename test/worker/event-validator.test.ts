/**
 * The validator by itself, on a ledger of maps: what it loads, what it remembers between chunks, which chunks it makes.
 */
import { describe, expect, test } from 'vitest';
import type { InventoryItem } from '../../src/domain/inventory-item.ts';
import type { StockEvent } from '../../src/domain/language.ts';
import { RefusedBySql } from '../../src/ledger/errors.ts';
import { fieldProblemOf, namesIn } from '../../src/worker/carry/event-checks.ts';
import { EventValidator } from '../../src/worker/carry/event-validator.ts';
import { PoisonIsolation, ValidateAgain } from '../../src/worker/carry/poison-isolation.ts';
import type { ReadEntry, StreamPosition } from '../../src/worker/carry/stream-reader.ts';
import { MapLedger } from './map-ledger.ts';

const START: StreamPosition = { epoch: 1, sequence: 0, link: '-', eventsTotal: 0 };
const EPOCH = { number: 1, nonce: '00000001' };
const NONE = { kind: 'none' } as const;
const AT_MS = 1_762_819_200_000;

function itemAt(version: number, available: number, reserved = 0): InventoryItem {
  const total = available + reserved;
  const figures = { total, available, reserved, sold: 0, safetyStock: 0, isLow: false };
  return { sku: 'S', warehouse: 'W', version, ...figures };
}

function entry(sequence: number, events: readonly StockEvent[], ...items: InventoryItem[]): ReadEntry {
  const links = { link: `link${sequence}`, linkBefore: `link${sequence - 1}` };
  return { epoch: 1, sequence, atMs: AT_MS, eventsTotal: sequence, ...links, events, items };
}

const base = { atMs: AT_MS, actor: 'tester' };
const at = (version: number, quantity: number) => [{ sku: 'S', warehouse: 'W', quantity, version }];
const receive = (version: number, quantity: number, movementId = `m${version}`): StockEvent => ({
  type: 'InventoryReceived',
  movementId,
  reason: '',
  lines: at(version, quantity),
  ...base,
});
const reserve = (version: number, orderId: string): StockEvent => ({
  type: 'InventoryReserved',
  orderId,
  expiresAtMs: AT_MS + 1_000,
  fingerprint: '1000;S@W=1',
  lines: at(version, 1),
  ...base,
});
const release = (version: number, orderId: string): StockEvent => ({
  type: 'InventoryReleased',
  orderId,
  cause: 'cancelled',
  operation: 'r*',
  lines: at(version, 1),
  ...base,
});

function validatorOn(ledger: MapLedger, cachedMax = 1_000): EventValidator {
  return new EventValidator(ledger, 0, {
    itemsCachedMax: cachedMax,
    reservationsCachedMax: cachedMax,
    parkedEventsPerItemMax: 10,
  });
}

describe('the fields of an event', () => {
  test.each([
    'o1',
    'ann@shop.example',
    '茶 葉/綠茶 "大"',
    'gid://shopify/ProductVariant/1',
    '=SUM(A1)',
    '😀'.repeat(128),
  ])('are sound with the id %j', (id) => {
    expect(fieldProblemOf({ ...reserve(1, id), actor: id })).toBeUndefined();
  });

  test.each<[string, StockEvent]>([
    ['orderId "" is not an id', reserve(1, '')],
    [`orderId "a\\u0000b" is not an id`, reserve(1, 'a\u0000b')],
    ['actor "x\\ny" is not an id', { ...reserve(1, 'o'), actor: 'x\ny' }],
    ['movementId "mm', receive(1, 1, 'm'.repeat(257))],
    ['expiresAtMs 0 is not a time', { ...reserve(1, 'o'), expiresAtMs: 0 } as StockEvent],
    ['customerId "" is not an id', { ...reserve(1, 'o'), customerId: '' } as StockEvent],
  ])('with %s are a problem', (problem, event) => {
    expect(fieldProblemOf(event)).toContain(problem);
  });

  test('that cannot be read still show the items they name, escaped ids included', () => {
    const raw = 'Nonsense o1 x S@W=1,%E8%8C%B6%2FA@%E6%9D%B1=2\nS@W 1 1 0 0 1 0 0\nlower%2f@W=1,a@b@c=1,x@y';
    expect(namesIn(raw)).toEqual([
      { sku: 'S', warehouse: 'W' },
      { sku: '茶/A', warehouse: '東' },
      { sku: 'b', warehouse: 'c' },
    ]);
  });
});

describe('between chunks', () => {
  test('the validator builds on what is not committed yet, however small its cache is', async () => {
    const ledger = new MapLedger();
    const validator = validatorOn(ledger, 0);
    const first = [entry(1, [receive(1, 5), reserve(2, 'o')], itemAt(2, 4, 1))];
    const one = await validator.validate(first, START, EPOCH, NONE);
    const second = [entry(2, [release(3, 'o')], itemAt(3, 5))];
    const two = await validator.validate(second, { ...START, sequence: 1, eventsTotal: 1 }, EPOCH, NONE);
    expect(one.items).toMatchObject([{ expectedVersion: undefined, item: { version: 2 } }]);
    expect(one.newReservations).toMatchObject([{ orderId: 'o', status: 'ACTIVE' }]);
    expect(two.items).toMatchObject([{ expectedVersion: 2, item: { version: 3, available: 5 } }]);
    expect(two.settledReservations).toMatchObject([{ orderId: 'o', status: 'RELEASED' }]);
    // The first is committed while the second is not: what the second touched must stay.
    validator.committed();
    const third = [entry(3, [reserve(4, 'p')], itemAt(4, 4, 1))];
    const three = await validator.validate(third, { ...START, sequence: 2, eventsTotal: 2 }, EPOCH, NONE);
    expect(three.items).toMatchObject([{ expectedVersion: 3, item: { version: 4 } }]);
    expect([one, two, three].flatMap(({ findings }) => findings)).toEqual([]);
    expect(ledger.asked).toEqual([['S@W']]);
  });

  test('what is committed may be forgotten, and is then loaded again', async () => {
    const ledger = new MapLedger();
    const validator = validatorOn(ledger, 0);
    await validator.validate([entry(1, [receive(1, 5)], itemAt(1, 5))], START, EPOCH, NONE);
    const known = { item: itemAt(1, 5), updatedAtMs: AT_MS, quarantine: undefined, parkedEvents: 0 };
    ledger.items.set('S@W', known);
    validator.committed();
    const next = await validator.validate(
      [entry(2, [receive(2, 1)], itemAt(2, 6))],
      { ...START, sequence: 1 },
      EPOCH,
      NONE,
    );
    expect(next.items).toMatchObject([{ expectedVersion: 1 }]);
    expect(ledger.asked).toHaveLength(2);
  });

  test('after a failure everything is loaded again', async () => {
    const ledger = new MapLedger();
    const validator = validatorOn(ledger);
    const entries = [entry(1, [receive(1, 5)], itemAt(1, 5))];
    await validator.validate(entries, START, EPOCH, NONE);
    validator.reset();
    const again = await validator.validate(entries, START, EPOCH, NONE);
    expect(again.findings).toEqual([]);
    expect(again.items).toMatchObject([{ expectedVersion: undefined, item: { version: 1 } }]);
  });
});

describe('a chunk', () => {
  test('has each item and order once, however often they changed, and every event line', async () => {
    const ledger = new MapLedger();
    const events = [receive(1, 5), reserve(2, 'o'), release(3, 'o'), reserve(4, 'p')];
    const chunk = await validatorOn(ledger).validate([entry(1, events, itemAt(4, 4, 1))], START, EPOCH, NONE);
    expect(
      chunk.rows.map(({ event, line, before, after }) => [
        event.type,
        line.version,
        before.available,
        after.available,
      ]),
    ).toEqual([
      ['InventoryReceived', 1, 0, 5],
      ['InventoryReserved', 2, 5, 4],
      ['InventoryReleased', 3, 4, 5],
      ['InventoryReserved', 4, 5, 4],
    ]);
    expect(chunk.items).toHaveLength(1);
    expect(chunk.newReservations.map(({ orderId, status }) => [orderId, status])).toEqual([
      ['o', 'RELEASED'],
      ['p', 'ACTIVE'],
    ]);
    expect(chunk.settledReservations).toEqual([]);
  });

  test('does not load an order that is reserved in it, unless it is validated strictly', async () => {
    const ledger = new MapLedger();
    const entries = [entry(1, [receive(1, 5), reserve(2, 'o')], itemAt(2, 4, 1))];
    await validatorOn(ledger).validate(entries, START, EPOCH, NONE);
    expect(ledger.asked).toEqual([['S@W']]);
    await validatorOn(ledger).validate(entries, START, EPOCH, { kind: 'strict' });
    expect(ledger.asked).toEqual([['S@W'], ['S@W'], ['o']]);
  });

  test('has a bounded number of findings for masses of reused orders', async () => {
    const ledger = new MapLedger();
    const events: StockEvent[] = [receive(1, 300)];
    for (let n = 0; n < 200; n++) {
      const orderId = `o${n}`;
      const lines = [{ sku: 'S', warehouse: 'W', quantity: 1 }];
      const life = {
        reservedAtMs: 1,
        expiresAtMs: 2,
        resolvedAtMs: 2,
        fingerprint: '1;S@W=1',
        operations: [],
      };
      ledger.reservations.set(orderId, { orderId, status: 'EXPIRED', lines, ...life });
      events.push(reserve(2 + n, orderId));
    }
    const chunk = await validatorOn(ledger).validate(
      [entry(1, events, itemAt(201, 100, 200))],
      START,
      EPOCH,
      {
        kind: 'strict',
      },
    );
    expect(chunk.reusedReservations).toHaveLength(200);
    expect(chunk.findings).toHaveLength(100);
    expect(chunk.items[0]?.quarantineReason).toBeUndefined();
  });
});

describe('a chunk that SQL refused', () => {
  const refusal = new RefusedBySql(Object.assign(new Error('no'), { code: '23514' }) as never);
  const refuse = (poison: PoisonIsolation, fromSequence: number, toSequence: number) =>
    poison.refused({ fromSequence, toSequence }, poison.modeFor(fromSequence + 1), refusal);

  test('is validated more strictly each time, down to the one entry that is condemned', () => {
    const poison = new PoisonIsolation();
    expect(poison.modeFor(11)).toEqual(NONE);
    expect(poison.linesMax(10, 4_000)).toBe(4_000);
    expect(refuse(poison, 10, 20)).toBeInstanceOf(ValidateAgain);
    expect(poison.modeFor(11)).toEqual({ kind: 'strict' });
    expect(poison.linesMax(10, 4_000)).toBe(4_000);
    expect(refuse(poison, 10, 20)).toBeInstanceOf(ValidateAgain);
    expect(poison.linesMax(10, 4_000)).toBe(1);
    poison.committed(11);
    expect(refuse(poison, 11, 12)).toBeInstanceOf(ValidateAgain);
    expect(poison.modeFor(12)).toMatchObject({
      kind: 'condemned',
      refusal: expect.stringContaining('23514'),
    });
    expect(refuse(poison, 11, 12)).toBe(refusal);
    poison.committed(12);
    expect(poison.modeFor(13)).toEqual({ kind: 'strict' });
    poison.committed(20);
    expect(poison.modeFor(21)).toEqual(NONE);
    expect(poison.linesMax(20, 4_000)).toBe(4_000);
  });
});
