/**
 * Goal: an id that Redis has forgotten moves no goods twice (BR-006). Method: a whole Holdfast; the record in Redis is deleted,
 * as its time-out would do it; the same call comes again, over HTTP and, without a ledger to ask, from the engine alone.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../holdfast.ts';
import { type Desk, openDesk } from './desk.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk?.close());

/** An item with 50 units available, 4 sold and an alert below 60 that has fired. */
async function givenItem(): Promise<{ sku: string; warehouse: string }> {
  const item = { sku: desk.fresh('SKU'), warehouse: 'TPE' };
  await desk.stock(item.sku, 54);
  const orderId = await desk.reserve(item.sku, 4);
  expect((await desk.call('POST', `/v1/reservations/${orderId}/confirm`, {})).status).toBe(200);
  return item;
}

const drained = () => desk.holdfast.working().writeBehind.drained();

/** Redis forgets all that it keeps for repeats alone. */
async function forget(...keys: string[]): Promise<void> {
  await drained();
  expect(await desk.holdfast.redis.del(...keys)).toBe(keys.length);
}

async function figures(sku: string): Promise<unknown> {
  const { body } = await desk.call('GET', `/v1/items/${sku}`);
  const { total, available, reserved, sold } = body;
  return { total, available, reserved, sold };
}

const KINDS: [route: string, more: object][] = [
  ['receive', { quantity: 5 }],
  ['issue', { quantity: 5, reason: 'broken' }],
  ['ship', { quantity: 2, orderId: 'any' }],
  ['return', { quantity: 1, reason: 'too large', disposition: 'restock' }],
  ['return', { quantity: 1, reason: 'burnt', disposition: 'write-off' }],
];

describe('over HTTP, an id that Redis has forgotten', () => {
  test.each(KINDS)(
    'of %s with %j: a repeat gets the first answer, other content is a conflict',
    async (route, more) => {
      const item = await givenItem();
      const movement = { movementId: desk.fresh('MOVE'), ...item, ...more };
      const first = await desk.call('POST', `/v1/stock/${route}`, movement);
      expect(first.status).toBe(201);
      await desk.stock(item.sku, 7);
      const before = await figures(item.sku);
      await forget(desk.holdfast.keys.movement(movement.movementId));
      const second = await desk.call('POST', `/v1/stock/${route}`, movement);
      expect([second.status, second.body]).toEqual([200, first.body]);
      const other = await desk.call('POST', `/v1/stock/${route}`, { ...movement, quantity: 3 });
      expect([other.status, other.body.code]).toEqual([422, 'movement-conflict']);
      expect(await figures(item.sku)).toEqual(before);
    },
  );

  test('of a correction: a repeat gets the first answer', async () => {
    const item = await givenItem();
    const { body } = await desk.call('GET', `/v1/items/${item.sku}`);
    const [{ version = 0 } = {}] = body.warehouses as { version: number }[];
    const movement = {
      movementId: desk.fresh('MOVE'),
      ...item,
      total: 60,
      expectedVersion: version,
      reason: 'recount',
    };
    const first = await desk.call('POST', '/v1/stock/correct', movement);
    expect(first.status).toBe(201);
    await forget(desk.holdfast.keys.movement(movement.movementId));
    const second = await desk.call('POST', '/v1/stock/correct', movement);
    expect([second.status, second.body]).toEqual([200, first.body]);
  });

  test('of a movement that fired an alert: the first answer is the item after the alert', async () => {
    const item = await givenItem();
    const path = `/v1/items/${item.sku}/warehouses/TPE/safety-stock`;
    expect((await desk.call('PUT', path, { quantity: 48 })).status).toBe(200);
    const movement = { movementId: desk.fresh('MOVE'), ...item, quantity: 5, reason: 'lost' };
    const first = await desk.call('POST', '/v1/stock/issue', movement);
    await forget(desk.holdfast.keys.movement(movement.movementId));
    const second = await desk.call('POST', '/v1/stock/issue', movement);
    expect([second.status, second.body]).toEqual([200, first.body]);
  });

  test('of a transfer that has ended: a repeat gets it as it stands, other content is a conflict', async () => {
    const { sku } = await givenItem();
    const transferId = desk.fresh('T');
    const dispatch = { transferId, sku, from: 'TPE', to: 'TNN', quantity: 6 };
    expect((await desk.call('POST', '/v1/transfers', dispatch)).status).toBe(201);
    const arrived = await desk.call('POST', `/v1/transfers/${transferId}/receive`, {
      received: 6,
      rejected: 0,
    });
    expect(arrived.status).toBe(200);
    const before = await figures(sku);
    await forget(desk.holdfast.keys.transfer(transferId));
    const second = await desk.call('POST', '/v1/transfers', dispatch);
    expect([second.status, second.body]).toMatchObject([
      200,
      { transferId, status: 'RECEIVED', received: 6 },
    ]);
    const other = await desk.call('POST', '/v1/transfers', { ...dispatch, quantity: 7 });
    expect([other.status, other.body.code]).toEqual([422, 'transfer-conflict']);
    expect(await figures(sku)).toEqual(before);
  });

  test('of a count that has ended: it has ended', async () => {
    const { sku } = await givenItem();
    const stocktakeId = desk.fresh('COUNT');
    const start = { stocktakeId, sku, warehouse: 'TPE' };
    expect((await desk.call('POST', '/v1/stocktakes', start)).status).toBe(201);
    expect((await desk.call('POST', `/v1/stocktakes/${stocktakeId}/complete`, { counted: 54 })).status).toBe(
      200,
    );
    await forget(desk.holdfast.keys.stocktake(stocktakeId));
    const second = await desk.call('POST', '/v1/stocktakes', start);
    expect([second.status, second.body.code]).toEqual([409, 'stocktake-ended']);
    expect((await desk.call('GET', `/v1/items/${sku}`)).body).not.toHaveProperty('warehouses.0.stocktake');
  });
});

describe('from the engine alone, which has no ledger to ask, an id that Redis has forgotten', () => {
  const auditAgrees = async () => {
    const { findings, verdict } = await desk.holdfast.audit();
    expect(findings).toEqual([]);
    expect(verdict).toBe('agree');
  };
  const openRepeats = () => desk.holdfast.ledger.openRepeats(10);

  test.each([
    ['receive', {}, { total: 54, available: 50 }],
    ['issue', { reason: 'broken' }, { total: 54, available: 50 }],
    ['return', { reason: 'too large' }, { total: 54, available: 50 }],
  ] as const)('of %s: what was moved twice is taken back, and no item stops', async (kind, more, _) => {
    const { hot, keys, redis } = desk.holdfast;
    const item = await givenItem();
    const movement = { movementId: desk.fresh('MOVE'), ...item, quantity: 5, ...more };
    expect(await hot.move(kind, movement)).toMatchObject({ outcome: 'done', replayed: false });
    const once = await figures(item.sku);
    await forget(keys.movement(movement.movementId));
    expect(await hot.move(kind, movement)).toMatchObject({ outcome: 'done', replayed: false });
    await until(async () => JSON.stringify(await figures(item.sku)) === JSON.stringify(once));
    await drained();
    await until(async () => (await openRepeats()).length === 0);
    const { entries } = await desk.holdfast.ledger.read.entries({ ...item, limit: 1 });
    expect(entries).toMatchObject([
      { actor: 'holdfast', movementId: expect.stringMatching(/^holdfast-repeat-\d+$/) },
    ]);
    expect(await redis.hget(keys.sku(item.sku), 'TPE')).not.toContain('quarantined');
    await auditAgrees();
  });

  test('of a receipt whose units are sold meanwhile: it is taken back when there are units again', async () => {
    const { hot, keys } = desk.holdfast;
    const item = await givenItem();
    const movement = { movementId: desk.fresh('MOVE'), ...item, quantity: 5 };
    await hot.receive(movement);
    await forget(keys.movement(movement.movementId));
    await desk.holdfast.stopWorker();
    await hot.receive(movement);
    const orderId = await desk.reserve(item.sku, 60);
    await desk.holdfast.startWorker();
    await until(async () => (await openRepeats()).length === 1);
    await drained();
    expect(await figures(item.sku)).toMatchObject({ total: 64, available: 0 });
    expect((await desk.call('POST', `/v1/reservations/${orderId}/release`, {})).status).toBe(200);
    await until(async () => (await openRepeats()).length === 0);
    expect(await figures(item.sku)).toEqual({ total: 59, available: 55, reserved: 0, sold: 4 });
    await auditAgrees();
  });

  test('of a receipt with other content: both are booked, with a finding', async () => {
    const { hot, keys, ledger } = desk.holdfast;
    const item = await givenItem();
    const movement = { movementId: desk.fresh('MOVE'), ...item, quantity: 5 };
    await hot.receive(movement);
    await forget(keys.movement(movement.movementId));
    expect(await hot.receive({ ...movement, quantity: 6 })).toMatchObject({
      outcome: 'done',
      replayed: false,
    });
    await drained();
    expect(await figures(item.sku)).toMatchObject({ total: 65 });
    const [found] = await ledger.read.drifts({ limit: 1 });
    expect(found).toMatchObject({
      kind: 'movement-id-reused',
      detail: expect.stringContaining('other content'),
    });
    await auditAgrees();
  });

  test('of a shipment: it is booked, and the finding says how a person puts it right', async () => {
    const { hot, keys, ledger } = desk.holdfast;
    const item = await givenItem();
    const movement = { movementId: desk.fresh('MOVE'), ...item, quantity: 2 };
    await hot.move('ship', movement);
    await forget(keys.movement(movement.movementId));
    await hot.move('ship', movement);
    await drained();
    expect(await figures(item.sku)).toMatchObject({ total: 50, sold: 0 });
    const [found] = await ledger.read.drifts({ limit: 1 });
    expect(found).toMatchObject({ kind: 'movement-id-reused', detail: expect.stringContaining('--sold') });
    await auditAgrees();
  });

  test('of a dispatch: the repeat is cancelled', async () => {
    const { hot, keys } = desk.holdfast;
    const { sku } = await givenItem();
    const dispatch = { transferId: desk.fresh('T'), sku, from: 'TPE', to: 'TNN', quantity: 6 };
    await hot.dispatchTransfer(dispatch);
    await hot.receiveTransfer({ transferId: dispatch.transferId, received: 6, rejected: 0 });
    const once = await figures(sku);
    await forget(keys.transfer(dispatch.transferId));
    expect(await hot.dispatchTransfer(dispatch)).toMatchObject({ outcome: 'done', replayed: false });
    await until(async () => JSON.stringify(await figures(sku)) === JSON.stringify(once));
    await drained();
    await until(async () => (await openRepeats()).length === 0);
    await auditAgrees();
  });
});
