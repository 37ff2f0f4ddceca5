/**
 * What the aggregate would not have allowed (D8): the item it concerns stops with the evidence, all others go on, somebody
 * gets a finding. The stream and Redis are tampered with by hand; the engine itself decides nothing wrong.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { Drift } from '../../src/ledger/read/queries.ts';
import type { LedgerItem } from '../../src/ledger/read/worker-queries.ts';
import { until } from '../holdfast.ts';
import { expectExact, Room, type TestWorker } from '../ledger/room.ts';

let room: Room;
beforeEach(async () => {
  room = await Room.open();
  const { hot } = room.engine;
  for (const sku of ['bad', 'good']) {
    await hot.receive({ movementId: `stock-${sku}`, sku, warehouse: 'W', quantity: 100 });
  }
});
afterEach(async () => {
  await room.close();
});

type Fields = Record<'at' | 'count' | 'link' | 'events' | 'items', string>;

/** Writes the stream anew with one entry changed. */
async function tamper(sequence: number, change: (fields: Fields) => Fields): Promise<void> {
  const { redis, hot } = room.engine;
  const rows = await redis.xrange(hot.keys.events, '-', '+');
  await redis.del(hot.keys.events);
  for (const [id, flat] of rows) {
    const [, at = '', , count = '', , link = '', , events = '', , items = ''] = flat;
    const fields = { at, count, link, events, items };
    const written = id === `1-${sequence}` ? change(fields) : fields;
    await redis.xadd(hot.keys.events, id, ...Object.entries(written).flat());
  }
}

/** The number of the batch that decided last. */
async function lastSequence(): Promise<number> {
  return Number((await room.engine.redis.get(room.engine.hot.keys.control))?.split(' ')[3]);
}

async function reserve(orderId: string, ...lines: [sku: string, quantity: number][]): Promise<number> {
  const decision = await room.engine.hot.reserve({
    orderId,
    lines: lines.map(([sku, quantity]) => ({ sku, quantity })),
  });
  expect(decision).toMatchObject({ outcome: 'done' });
  return lastSequence();
}

async function carryAll(): Promise<TestWorker> {
  const worker = await room.worker();
  await worker.writeBehind.drained();
  return worker;
}

async function itemOf(ledger: Ledger, sku: string): Promise<LedgerItem> {
  const item = await ledger.read.item(sku, 'W');
  if (!item) throw new Error(`no ${sku}`);
  return item;
}

const drifts = (ledger: Ledger): Promise<Drift[]> => ledger.read.drifts({ limit: 100 });

/** `bad` is as of `version`, in quarantine; `good` has gone on to the end; the ledger is sound. */
async function expectOnlyBadStopped(worker: TestWorker, version: number): Promise<Drift> {
  const { ledger } = worker;
  const bad = await itemOf(ledger, 'bad');
  expect(bad.item.version).toBe(version);
  expect(bad.quarantine).toBeDefined();
  const good = await itemOf(ledger, 'good');
  expect(good.quarantine).toBeUndefined();
  const hot = await room.engine.hot.item('good');
  expect(hot).toMatchObject({ value: { available: good.item.available, reserved: good.item.reserved } });
  const entries = await ledger.read.entries({ sku: 'bad', warehouse: 'W', limit: 100 });
  expect(entries.entries.map((entry) => entry.version)).toEqual(
    Array.from({ length: version }, (_, i) => version - i),
  );
  const found = await drifts(ledger);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({ sku: 'bad', warehouse: 'W' });
  expect(worker.findings).toHaveLength(1);
  return found[0] as Drift;
}

describe('an event that was tampered with stops its item alone', () => {
  test('a quantity', async () => {
    const sequence = await reserve('o1', ['bad', 1]);
    await reserve('o2', ['good', 2]);
    await reserve('o3', ['bad', 1]);
    await reserve('o4', ['good', 2]);
    await tamper(sequence, (f) => ({ ...f, events: f.events.replace('bad@W=1', 'bad@W=7') }));
    const worker = await carryAll();
    const drift = await expectOnlyBadStopped(worker, 1);
    expect(drift.kind).toBe('checkpoint-mismatch');
    expect(drift.detail).toContain('available 99 instead of 93');
    expect(drift.evidence).toMatchObject({
      item: { version: 1 },
      expected: { available: 93 },
      found: { available: 99 },
    });
    // What came of it and after it is kept, not lost.
    const parked = await worker.ledger.read.parkedEvents('bad', 'W', 0, 10);
    expect(parked.map((event) => event.version)).toEqual([2, 3]);
    expect(parked[1]?.event).toMatchObject({ type: 'InventoryReserved', orderId: 'o3' });
    expect((await itemOf(worker.ledger, 'bad')).parkedEvents).toBe(2);
  });

  test('a quantity beyond what is available', async () => {
    const sequence = await reserve('o1', ['bad', 1]);
    await tamper(sequence, (f) => ({ ...f, events: f.events.replace('bad@W=1', 'bad@W=700') }));
    const worker = await carryAll();
    const drift = await expectOnlyBadStopped(worker, 1);
    expect(drift.kind).toBe('not-allowed');
    expect(drift.detail).toContain('BR-002');
    expect(drift.evidence).toMatchObject({ event: { type: 'InventoryReserved', orderId: 'o1' } });
  });

  test('a version', async () => {
    const sequence = await reserve('o1', ['bad', 1]);
    await reserve('o2', ['good', 1]);
    await tamper(sequence, (f) => ({
      ...f,
      items: f.items.replace('bad@W 100 99 1 0 2', 'bad@W 100 99 1 0 5'),
    }));
    const drift = await expectOnlyBadStopped(await carryAll(), 1);
    expect(drift.kind).toBe('version-gap');
  });

  test('an alert that was not due', async () => {
    const sequence = await reserve('o1', ['bad', 1]);
    await tamper(sequence, (f) => ({
      ...f,
      events: `${f.events}\nLowStockAlertTriggered - x bad@W=99 10`,
      items: f.items.replace('1 0 2 0 0', '1 0 3 0 1'),
    }));
    const drift = await expectOnlyBadStopped(await carryAll(), 1);
    expect(drift.detail).toContain('BR-005');
  });

  test.each(['o1;drop', '%00', '%6F1', '茶'])('an id that no codec writes: %j', async (word) => {
    const sequence = await reserve('o1', ['bad', 1]);
    await tamper(sequence, (f) => ({ ...f, events: f.events.replace(' o1 ', ` ${word} `) }));
    const drift = await expectOnlyBadStopped(await carryAll(), 1);
    expect(drift).toMatchObject({ kind: 'unreadable-entry' });
  });

  test('a number in Redis', async () => {
    const { hot, redis } = room.engine;
    const worker = await carryAll();
    await redis.hset(hot.keys.sku('bad'), 'W', '105 105 0 0 1 0 0');
    await reserve('o1', ['bad', 1]);
    await reserve('o2', ['good', 1]);
    await worker.writeBehind.drained();
    const drift = await expectOnlyBadStopped(worker, 1);
    expect(drift.kind).toBe('checkpoint-mismatch');
    expect(drift.detail).toContain('total 105 instead of 100');
  });

  test('an event that is missing', async () => {
    await reserve('o0', ['good', 1]);
    const sequence = await reserve('o1', ['bad', 1], ['good', 1]);
    await reserve('o2', ['bad', 1]);
    await reserve('o3', ['good', 1]);
    // The event of the first reservation is turned into one of the other item alone.
    await tamper(sequence, (f) => ({
      ...f,
      events: f.events.replace('bad@W=1,', ''),
      items: f.items
        .split('\n')
        .filter((item) => !item.startsWith('bad'))
        .join('\n'),
    }));
    const drift = await expectOnlyBadStopped(await carryAll(), 1);
    expect(drift.kind).toBe('version-gap');
  });
});

describe('an entry that cannot be read', () => {
  test('stops the items it names; the worker passes it by', async () => {
    const sequence = await reserve('o1', ['bad', 1]);
    await reserve('o2', ['good', 1]);
    await tamper(sequence, (f) => ({ ...f, events: f.events.replace('InventoryReserved', 'Nonsense') }));
    const worker = await carryAll();
    const drift = await expectOnlyBadStopped(worker, 1);
    expect(drift.kind).toBe('unreadable-entry');
    expect(drift.evidence).toMatchObject({ raw: expect.stringContaining('Nonsense') });
  });

  test('that names nothing is kept as evidence; its items stop with their next event', async () => {
    const sequence = await reserve('o1', ['bad', 1]);
    await tamper(sequence, ({ link }) => ({
      at: 'x',
      count: 'y',
      link,
      events: '\u0000\\u0000 \t"{',
      items: 'z',
    }));
    await reserve('o2', ['bad', 1]);
    await reserve('o3', ['good', 1]);
    const worker = await carryAll();
    expect((await drifts(worker.ledger)).map(({ kind }) => kind)).toEqual([
      'version-gap',
      'unreadable-entry',
    ]);
    expect((await itemOf(worker.ledger, 'bad')).quarantine).toBeDefined();
    expect((await itemOf(worker.ledger, 'good')).item).toMatchObject({ reserved: 1, version: 2 });
  });

  test('leaves an item that is new to its next event', async () => {
    const { hot } = room.engine;
    await hot.receive({ movementId: 'n', sku: 'new', warehouse: 'W', quantity: 5 });
    await tamper(await lastSequence(), (f) => ({
      ...f,
      events: f.events.replace('InventoryReceived', 'Nonsense'),
    }));
    await reserve('o1', ['new', 1]);
    const worker = await carryAll();
    expect((await itemOf(worker.ledger, 'new')).quarantine).toBeDefined();
    expect((await itemOf(worker.ledger, 'new')).item).toMatchObject({ version: 0, total: 0 });
    expect((await itemOf(worker.ledger, 'good')).quarantine).toBeUndefined();
  });
});

describe('an entry of a newer release', () => {
  test('is waited for, after everything before it is in the ledger; nothing goes into quarantine', async () => {
    await reserve('o1', ['good', 1]);
    const sequence = await reserve('o2', ['bad', 1]);
    await tamper(sequence, (f) => ({ ...f, events: `v2 ${f.events}` }));
    const worker = await room.worker();
    await until(() => /newer release/.test(worker.writeBehind.status().lastError ?? ''));
    expect((await itemOf(worker.ledger, 'good')).item).toMatchObject({ reserved: 1 });
    expect(worker.writeBehind.status()).toMatchObject({ active: true, sequence: sequence - 1 });
    await tamper(sequence, (f) => ({ ...f, events: f.events.replace('v2 ', '') }));
    await worker.writeBehind.drained();
    expect(worker.findings).toEqual([]);
    expect((await itemOf(worker.ledger, 'bad')).item).toMatchObject({ reserved: 1 });
  });
});

describe('orders over a stopped item and a sound one', () => {
  test('go on for the sound one, to the end of their lives', async () => {
    const { hot } = room.engine;
    await reserve('paid', ['bad', 2], ['good', 2]);
    await reserve('cancelled', ['bad', 2], ['good', 2]);
    const sequence = await reserve('o1', ['bad', 1]);
    await reserve('late', ['bad', 3], ['good', 3]);
    await hot.confirm({ orderId: 'paid' });
    await hot.release({ orderId: 'cancelled' });
    await tamper(sequence, (f) => ({ ...f, events: f.events.replace('bad@W=1', 'bad@W=2') }));
    const worker = await carryAll();
    await expectOnlyBadStopped(worker, 3);
    const { item } = await itemOf(worker.ledger, 'good');
    expect(item).toMatchObject({ available: 95, reserved: 3, sold: 2 });
    const status = async (orderId: string) => (await worker.ledger.read.reservation(orderId))?.status;
    expect(await status('paid')).toBe('CONFIRMED');
    expect(await status('cancelled')).toBe('RELEASED');
    expect(await status('late')).toBe('ACTIVE');
  });

  test('do not take the sound one with them when the hold itself was tampered with', async () => {
    const { hot } = room.engine;
    const sequence = await reserve('o1', ['bad', 1], ['good', 1]);
    await hot.confirm({ orderId: 'o1' });
    await tamper(sequence, (f) => ({ ...f, events: f.events.replace('bad@W=1', 'bad@W=0') }));
    const worker = await carryAll();
    const found = await drifts(worker.ledger);
    expect(found.map(({ kind }) => kind)).toEqual(['reservation-not-allowed', 'not-allowed']);
    expect(found[0]).toMatchObject({ orderId: 'o1', sku: undefined });
    const good = await itemOf(worker.ledger, 'good');
    expect(good.quarantine).toBeUndefined();
    expect(good.item).toMatchObject({ available: 99, reserved: 0, sold: 1 });
    expect((await worker.ledger.read.reservation('o1'))?.status).toBe('CONFIRMED');
  });
});

describe('what the hot path has forgotten and the ledger has not', () => {
  test('an order id used again after its tombstone is a new life, and worth a note', async () => {
    const { hot, redis } = room.engine;
    await reserve('again', ['good', 1]);
    await hot.confirm({ orderId: 'again' });
    const worker = await carryAll();
    await redis.del(hot.keys.reservation('again'));
    await reserve('again', ['good', 3]);
    await worker.writeBehind.drained();
    expect(await drifts(worker.ledger)).toMatchObject([{ kind: 'order-id-reused', orderId: 'again' }]);
    expect(await worker.ledger.read.reservation('again')).toMatchObject({
      status: 'ACTIVE',
      lines: [{ quantity: 3 }],
    });
    await hot.release({ orderId: 'again' });
    await worker.writeBehind.drained();
    expect((await itemOf(worker.ledger, 'good')).quarantine).toBeUndefined();
    await expectExact(room, worker.ledger);
  });

  test('an order id used again while its hold is open in the ledger stops the item', async () => {
    const { hot, redis } = room.engine;
    await reserve('twice', ['bad', 1]);
    const worker = await carryAll();
    await redis.del(hot.keys.reservation('twice'));
    await reserve('twice', ['bad', 2]);
    await reserve('o1', ['good', 1]);
    await worker.writeBehind.drained();
    const drift = await expectOnlyBadStopped(worker, 2);
    expect(drift).toMatchObject({ kind: 'reservation-not-allowed', orderId: 'twice' });
    expect(drift.detail).toContain('BR-006');
  });

  test('a movement received again after its tombstone is booked without its id, and worth a finding', async () => {
    const { hot, redis } = room.engine;
    const worker = await carryAll();
    await redis.del(hot.keys.movement('stock-bad'));
    await reserve('o1', ['good', 1]);
    await hot.receive({ movementId: 'stock-bad', sku: 'bad', warehouse: 'W', quantity: 100 });
    await reserve('o2', ['bad', 1]);
    await worker.writeBehind.drained();
    await expectReused(worker);
  });

  test('a movement received twice within one chunk as well', async () => {
    const { hot, redis } = room.engine;
    await redis.del(hot.keys.movement('stock-bad'));
    await hot.receive({ movementId: 'stock-bad', sku: 'bad', warehouse: 'W', quantity: 100 });
    await expectReused(await carryAll());
  });

  /** Both receipts are in the ledger, one under the id. */
  async function expectReused({ ledger }: TestWorker): Promise<void> {
    expect(await drifts(ledger)).toMatchObject([
      {
        kind: 'movement-id-reused',
        detail: expect.stringContaining('BR-006'),
        evidence: { takeBack: { by: 'issue', id: 'stock-bad', sku: 'bad', warehouse: 'W', quantity: 100 } },
      },
    ]);
    const { item, quarantine } = await itemOf(ledger, 'bad');
    expect(quarantine).toBeUndefined();
    expect(item).toMatchObject({ total: 200 });
    const { entries } = await ledger.read.entries({ sku: 'bad', warehouse: 'W', limit: 10 });
    const received = entries.filter(({ type }) => type === 'InventoryReceived');
    expect(received.map(({ movementId }) => movementId)).toEqual([undefined, 'stock-bad']);
    expect(await ledger.selfCheck(true)).toEqual([]);
  }
});

describe('what the aggregate allows and SQL does not', () => {
  test('stops the item after the entry was tried alone; the others go on', async () => {
    const { owner } = room.database;
    await owner.query(`ALTER TABLE ledger ADD CONSTRAINT test_only CHECK (sku <> 'bad' OR quantity <> 13)`);
    await reserve('o1', ['good', 1]);
    await reserve('o2', ['bad', 1]);
    await reserve('o3', ['bad', 13]);
    await reserve('o4', ['good', 1]);
    const worker = await carryAll();
    const drift = await expectOnlyBadStopped(worker, 2);
    expect(drift.kind).toBe('refused-by-sql');
    expect(drift.detail).toContain('test_only');
  });
});

describe('somebody else who writes', () => {
  test('is met by the optimistic lock, and then by the validator', async () => {
    const { owner } = room.database;
    const worker = await carryAll();
    await owner.query(`UPDATE items SET version = 9 WHERE sku = 'bad'`);
    await reserve('o1', ['bad', 1]);
    await reserve('o2', ['good', 1]);
    await worker.writeBehind.drained();
    const bad = await itemOf(worker.ledger, 'bad');
    expect(bad.quarantine).toBeDefined();
    expect((await itemOf(worker.ledger, 'good')).item).toMatchObject({ reserved: 1, version: 2 });
    expect(await drifts(worker.ledger)).toMatchObject([{ kind: 'version-gap', sku: 'bad' }]);
  });
});

describe('evidence', () => {
  test('is bounded: what is beyond is counted', async () => {
    const sequence = await reserve('o0', ['bad', 1]);
    for (let n = 1; n <= 9; n++) await reserve(`o${n}`, ['bad', 1]);
    await tamper(sequence, (f) => ({ ...f, events: f.events.replace('bad@W=1', 'bad@W=7') }));
    const worker = await room.worker({ limits: { parkedEventsPerItemMax: 4, chunkLinesMax: 3 } });
    await worker.writeBehind.drained();
    expect(await worker.ledger.read.parkedEvents('bad', 'W', 0, 100)).toHaveLength(4);
    expect((await itemOf(worker.ledger, 'bad')).parkedEvents).toBe(10);
  });

  test('survives the worker: the next one leaves the item where it is', async () => {
    const sequence = await reserve('o0', ['bad', 1]);
    await tamper(sequence, (f) => ({ ...f, events: f.events.replace('bad@W=1', 'bad@W=7') }));
    const first = await carryAll();
    await first.stop();
    await reserve('o1', ['bad', 1]);
    await reserve('o2', ['good', 1]);
    const second = await carryAll();
    expect(second.findings).toEqual([]);
    expect(await itemOf(second.ledger, 'bad')).toMatchObject({ item: { version: 1 }, parkedEvents: 2 });
    expect((await itemOf(second.ledger, 'good')).item.version).toBe(2);
  });

  test('a listener that fails harms nobody', async () => {
    const sequence = await reserve('o0', ['bad', 1]);
    await tamper(sequence, (f) => ({ ...f, events: f.events.replace('bad@W=1', 'bad@W=7') }));
    const worker = await room.worker({
      onDrift: () => {
        throw new Error('the pager is broken');
      },
    });
    await worker.writeBehind.drained();
    await reserve('o1', ['good', 1]);
    await worker.writeBehind.drained();
    await expectOnlyBadStopped(worker, 1);
  });
});
