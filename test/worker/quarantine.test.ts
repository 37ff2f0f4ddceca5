/**
 * A person lifts the quarantine of an item, on real stores with the worker running: after each kind of damage the item sells
 * again, and hot path and ledger are compared in full. The damage is done by hand; the engine itself decides nothing wrong.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closeByHand, type LiftAnswer, type LiftParts, lift } from '../../src/worker/repair/lift.ts';
import type { LiftOrder } from '../../src/worker/repair/lift-plan.ts';
import { quarantineList, showQuarantine } from '../../src/worker/repair/show.ts';
import { type TestHoldfast, testHoldfast, until } from '../holdfast.ts';

let holdfast: TestHoldfast;
let parts: LiftParts;
const BAD = { sku: 'bad', warehouse: 'W' };
const WORD = { actor: 'ann', reason: 'a test' };

beforeEach(async () => {
  holdfast = await testHoldfast();
  const { hot, redis, ledger } = holdfast;
  parts = { hot, redis, ledger, tombstoneMs: 86_400_000, waitMs: 20_000 };
  for (const sku of ['bad', 'good']) {
    await hot.receive({ movementId: `stock-${sku}`, sku, warehouse: 'W', quantity: 100 });
  }
});
afterEach(async () => {
  await holdfast.close();
});

async function reserve(orderId: string, ...lines: [sku: string, quantity: number][]): Promise<void> {
  const decision = await holdfast.hot.reserve({
    orderId,
    lines: lines.map(([sku, quantity]) => ({ sku, warehouse: 'W', quantity })),
  });
  expect(decision).toMatchObject({ outcome: 'done' });
}

const liftBad = (order: Partial<LiftOrder> = {}): Promise<LiftAnswer> =>
  lift(parts, BAD, { right: undefined, total: undefined, ...WORD, ...order });

const hotText = () => holdfast.redis.hget(holdfast.keys.sku('bad'), 'W');
const setHotText = (text: string) => holdfast.redis.hset(holdfast.keys.sku('bad'), 'W', text);
const inLedger = async () => (await holdfast.ledger.read.item('bad', 'W')) ?? expect.fail('no item');

/** Until the worker has stopped the item in both stores. */
async function stopped(): Promise<void> {
  await until(async () => (await inLedger()).quarantine !== undefined);
  await until(async () => (await hotText())?.startsWith('quarantined ') ?? false);
}

/** The item sells, its life goes on in the ledger, and the stores agree. */
async function expectSound(): Promise<void> {
  await reserve('after', ['bad', 1], ['good', 1]);
  expect(await holdfast.hot.confirm({ orderId: 'after' })).toMatchObject({ outcome: 'done' });
  await holdfast.working().writeBehind.drained();
  expect((await inLedger()).quarantine).toBeUndefined();
  const { findings, verdict } = await holdfast.audit();
  expect(findings).toEqual([]);
  expect(verdict).toBe('agree');
  const explained = await holdfast.ledger.explain({ ...BAD, holdsMax: 10 });
  expect(explained).toMatchObject({ outcome: 'explained', check: { matches: true } });
  const { version } = (await inLedger()).item;
  const then = await holdfast.ledger.explain({ ...BAD, holdsMax: 10, moment: { version: version - 2 } });
  expect(then).toMatchObject({ outcome: 'explained', check: { matches: true } });
  const asOf = await holdfast.ledger.asOf(BAD, { atMs: Date.now() + 60_000 });
  expect(asOf).toMatchObject({ outcome: 'found', item: { version } });
  const first = await holdfast.ledger.asOf(BAD, { atMs: 0 });
  expect(first).toMatchObject({ outcome: 'before-first-entry' });
}

/** Somebody adds five units in Redis by hand; the next order shows it to the worker. */
async function figuresChangedByHand(): Promise<void> {
  await reserve('open', ['bad', 3]);
  await holdfast.working().writeBehind.drained();
  await setHotText('105 102 3 0 2 0 0');
  await reserve('shows-it', ['bad', 2]);
  await stopped();
}

describe('figures that somebody changed in Redis', () => {
  test('are in the list, with their evidence', async () => {
    await figuresChangedByHand();
    expect(await quarantineList(holdfast.ledger, 10)).toMatchObject([
      { ...BAD, kind: 'checkpoint-mismatch', parkedEvents: 1 },
    ]);
    expect(await showQuarantine(parts, BAD)).toMatchObject({
      findings: [{ kind: 'checkpoint-mismatch' }],
      parked: [{ version: 3, event: { type: 'InventoryReserved', orderId: 'shows-it' } }],
      hotPath: { total: 105, available: 100, reserved: 5 },
      ledger: { total: 100, available: 97, reserved: 3 },
      orders: [],
    });
  });

  test('are not lifted until a person says which side is right', async () => {
    await figuresChangedByHand();
    const answer = await liftBad();
    expect(answer).toMatchObject({ outcome: 'refused' });
    expect(answer).toHaveProperty('why', expect.stringContaining('total 105 instead of 100'));
    expect((await inLedger()).quarantine).toBeDefined();
  });

  test('go on as the ledger says, orders of the meantime included', async () => {
    await figuresChangedByHand();
    const answer = await liftBad({ right: 'ledger' });
    expect(answer).toMatchObject({ outcome: 'lifted', booked: 1, item: { total: 100, available: 95 } });
    await expectSound();
  });

  test('go on as Redis says, by an entry with actor and reason', async () => {
    await figuresChangedByHand();
    expect(await liftBad({ right: 'hot-path' })).toMatchObject({ item: { total: 105, available: 100 } });
    const { entries } = await holdfast.ledger.read.entries({ ...BAD, limit: 1 });
    expect(entries).toMatchObject([
      { type: 'InventoryRealigned', ...WORD, change: { total: 5, available: 5, reserved: 0, sold: 0 } },
    ]);
    await expectSound();
  });

  test('go on from what somebody counted', async () => {
    await figuresChangedByHand();
    expect(await liftBad({ right: 'ledger', total: 4 })).toMatchObject({
      outcome: 'refused',
      why: expect.stringContaining('5 held by open orders'),
    });
    expect(await liftBad({ right: 'ledger', total: 50 })).toMatchObject({
      item: { total: 50, available: 45 },
    });
    await expectSound();
  });

  test('are lifted by a repeat, where the first try died between the two stores', async () => {
    await figuresChangedByHand();
    const checkpoint = () => Promise.reject(new Error('killed'));
    await expect(
      lift({ ...parts, checkpoint }, BAD, { right: 'hot-path', total: undefined, ...WORD }),
    ).rejects.toThrow('killed');
    expect((await inLedger()).quarantine).toBeUndefined();
    expect(await hotText()).toMatch(/^quarantined /);
    const before = (await inLedger()).item.version;
    expect(await liftBad({ right: 'hot-path' })).toMatchObject({ outcome: 'lifted', finished: true });
    expect((await inLedger()).item.version).toBe(before);
    await expectSound();
  });
});

describe('an item whose parked events are sound', () => {
  test('goes on without a side: they are booked late', async () => {
    const { ledger } = holdfast;
    await holdfast.working().writeBehind.drained();
    await ledger.quarantine(BAD, 'a defect of the worker: since corrected');
    await holdfast.stopWorker();
    await reserve('open', ['bad', 3]);
    await reserve('paid', ['bad', 2], ['good', 2]);
    await holdfast.hot.confirm({ orderId: 'paid' });
    await holdfast.hot.dispatchTransfer({ transferId: 'T', sku: 'bad', from: 'W', to: 'X', quantity: 10 });
    await holdfast.startWorker();
    await holdfast.working().writeBehind.drained();
    expect((await inLedger()).parkedEvents).toBe(4);
    expect(await liftBad()).toMatchObject({ outcome: 'lifted', booked: 4, item: { total: 90, sold: 2 } });
    // The worker has not seen the transfer before: its goods arrive all the same.
    await holdfast.hot.receiveTransfer({ transferId: 'T', received: 10, rejected: 0 });
    await expectSound();
    expect(await ledger.read.parkedEvents('bad', 'W', 0, 10)).toEqual([]);
  });
});

describe('events that the rules do not allow', () => {
  test('are left out on the side of the ledger, and the others are booked', async () => {
    await holdfast.working().writeBehind.drained();
    await holdfast.stopWorker();
    // Redis has 900 units that nobody received, and sells 600 of them.
    await setHotText('1000 1000 0 0 1 0 0');
    await reserve('impossible', ['bad', 600]);
    await reserve('possible', ['bad', 60]);
    await holdfast.startWorker();
    await holdfast.working().writeBehind.drained();
    await stopped();
    const answer = await liftBad({ right: 'ledger' });
    expect(answer).toMatchObject({ outcome: 'refused', why: expect.stringContaining('660 held') });
    expect(await liftBad({ right: 'ledger', total: 700 })).toMatchObject({
      outcome: 'lifted',
      booked: 1,
      leftOut: [{ why: expect.stringContaining('BR-002') }],
      item: { total: 700, available: 40, reserved: 660 },
    });
    await expectSound();
  });

  test('an order that lost its record in Redis and was made again: as Redis has it', async () => {
    await reserve('twice', ['bad', 1]);
    await holdfast.working().writeBehind.drained();
    await holdfast.redis.del(holdfast.keys.reservation('twice'));
    await reserve('twice', ['bad', 2]);
    await stopped();
    expect(await showQuarantine(parts, BAD)).toMatchObject({ orders: [{ orderId: 'twice' }] });
    expect(await liftBad({ right: 'hot-path' })).toMatchObject({ item: { total: 100, reserved: 2 } });
    await expectSound();
  });

  test('an order that lost its record in Redis and was made again: as the ledger has it', async () => {
    await reserve('twice', ['bad', 1]);
    await holdfast.working().writeBehind.drained();
    await holdfast.redis.del(holdfast.keys.reservation('twice'));
    await reserve('twice', ['bad', 2]);
    await stopped();
    expect(await liftBad({ right: 'ledger' })).toMatchObject({ item: { reserved: 1 }, orders: ['twice'] });
    expect(await holdfast.hot.reservation('twice')).toMatchObject({ value: { lines: [{ quantity: 1 }] } });
    await expectSound();
  });
});

describe('an entry of the stream that cannot be read', () => {
  test('its orders are taken from Redis', async () => {
    const { redis, keys, hot } = holdfast;
    await holdfast.working().writeBehind.drained();
    await holdfast.stopWorker();
    await reserve('unread', ['bad', 7]);
    const [row] = await redis.xrevrange(keys.events, '+', '-', 'COUNT', 1);
    const [id = '', fields = []] = row ?? [];
    const damaged = fields.map((text, i) => (fields[i - 1] === 'events' ? `Nonsense ${text}` : text));
    await redis.del(keys.events);
    await redis.xadd(keys.events, id, ...damaged);
    await holdfast.startWorker();
    await stopped();
    expect(await liftBad({ right: 'hot-path' })).toMatchObject({ item: { reserved: 7, available: 93 } });
    expect(await hot.confirm({ orderId: 'unread' })).toMatchObject({ outcome: 'done' });
    await expectSound();
  });
});

describe('a record in Redis', () => {
  test('that cannot be read is written again from the ledger', async () => {
    await reserve('open', ['bad', 3]);
    await holdfast.working().writeBehind.drained();
    await setHotText('what is this');
    expect(await holdfast.hot.receive({ movementId: 'm', ...BAD, quantity: 1 })).toMatchObject({
      refusal: { code: 'quarantined' },
    });
    expect(await liftBad({ right: 'hot-path' })).toMatchObject({ outcome: 'refused' });
    expect(await liftBad({ right: 'ledger' })).toMatchObject({ item: { total: 100, reserved: 3 } });
    await expectSound();
  });

  test('of a stocktake that locks the item is ended on both sides', async () => {
    const { hot } = holdfast;
    await hot.startStocktake({ stocktakeId: 'C', ...BAD });
    await holdfast.working().writeBehind.drained();
    expect(await closeByHand(parts, BAD, 'ann', 'looks odd')).toBeUndefined();
    expect(await liftBad({ right: 'ledger' })).toMatchObject({ outcome: 'lifted' });
    expect(await hot.stocktake('C')).toMatchObject({ value: [{ status: 'CANCELLED' }] });
    await expectSound();
  });
});

describe('an item that is sound', () => {
  test('is not lifted', async () => {
    await holdfast.working().writeBehind.drained();
    expect(await liftBad({ right: 'ledger' })).toMatchObject({
      outcome: 'refused',
      why: expect.stringContaining('not in quarantine'),
    });
    expect(
      await lift(parts, { sku: 'no', warehouse: 'W' }, { right: undefined, total: undefined, ...WORD }),
    ).toMatchObject({ outcome: 'refused', why: expect.stringContaining('does not know') });
  });

  test('sells on while the other one is lifted', async () => {
    await figuresChangedByHand();
    const selling = (async () => {
      for (let n = 0; n < 80; n++) await reserve(`n${n}`, ['good', 1]);
    })();
    expect(await liftBad({ right: 'ledger' })).toMatchObject({ outcome: 'lifted' });
    await selling;
    await expectSound();
  });
});
