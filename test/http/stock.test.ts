/**
 * Goal: every answer of the stock routes in the contract's table, each once, on a real Redis.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenServer, openServer, problemOf } from './open-server.ts';

let server: OpenServer;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.close());

const receipt = { movementId: 'M-1', sku: 'S-1', warehouse: 'TPE', quantity: 7, reason: 'delivery 4711 茶' };

test('goods come in once, however often it is said (BR-006)', async () => {
  const first = await server.call('POST', '/v1/stock/receive', receipt);
  expect(first.status).toBe(201);
  expect(first.body).toEqual({
    sku: 'S-1',
    warehouse: 'TPE',
    total: 7,
    available: 7,
    reserved: 0,
    sold: 0,
    safetyStock: 0,
    version: 1,
  });
  const again = await server.call('POST', '/v1/stock/receive', receipt);
  expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
  expect(again.body).toEqual(first.body);
  const other = await server.call('POST', '/v1/stock/receive', { ...receipt, quantity: 8 });
  expect([other.status, other.body.code]).toEqual([422, 'movement-conflict']);
});

test('an item shows its warehouses and their sum', async () => {
  await server.stock('S-2', 3, 'TPE');
  await server.stock('S-2', 4, 'KHH');
  const { status, body } = await server.call('GET', '/v1/items/S-2');
  expect(status).toBe(200);
  expect(body).toMatchObject({ sku: 'S-2', total: 7, available: 7, reserved: 0, sold: 0 });
  expect(body.warehouses).toMatchObject([
    { warehouse: 'KHH', total: 4 },
    { warehouse: 'TPE', total: 3 },
  ]);
});

test('an unknown item is named', async () => {
  const look = await server.call('GET', '/v1/items/S-none');
  expect([look.status, look.body.code, look.body.items]).toEqual([404, 'unknown-item', [{ sku: 'S-none' }]]);
  const line = await server.call('PUT', '/v1/items/S-none/warehouses/TPE/safety-stock', { quantity: 5 });
  expect([line.status, line.body.items]).toEqual([404, [{ sku: 'S-none', warehouse: 'TPE' }]]);
});

test('the safety stock is set, and set again is a repeat (BR-005)', async () => {
  await server.stock('S-3', 3);
  const url = '/v1/items/S-3/warehouses/TPE/safety-stock';
  const first = await server.call('PUT', url, { quantity: 5 }, { 'holdfast-actor': 'planner' });
  expect(first.status).toBe(200);
  expect(first.body).toMatchObject({ safetyStock: 5, available: 3 });
  expect(await server.dump()).toContain('LowStockAlertTriggered - planner S-3@TPE=3 5');
  const again = await server.call('PUT', url, { quantity: 5 });
  expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
});

test('an item has a largest size', async () => {
  await server.stock('S-4', 1_000_000_000);
  const more = { movementId: 'M-4', sku: 'S-4', warehouse: 'TPE', quantity: 1 };
  const { status, body } = await server.call('POST', '/v1/stock/receive', more);
  expect([status, body.code, body.total]).toEqual([409, 'quantity-limit-exceeded', 1_000_000_000]);
});

describe('goods that go and come back', () => {
  let movements = 0;
  /** A movement of units of `sku` in TPE, under a fresh id unless `more` names one. */
  const move = (kind: string, sku: string, more: object) =>
    server.call('POST', `/v1/stock/${kind}`, {
      movementId: `move-${++movements}`,
      sku,
      warehouse: 'TPE',
      ...more,
    });
  const figures = async (sku: string) => {
    const { total, available, reserved, sold } = (await server.call('GET', `/v1/items/${sku}`)).body;
    return { total, available, reserved, sold };
  };
  async function sold(sku: string, quantity: number): Promise<void> {
    const orderId = `order-of-${sku}`;
    await server.call('POST', '/v1/reservations', { orderId, lines: [{ sku, quantity }] });
    expect((await server.call('POST', `/v1/reservations/${orderId}/confirm`)).status).toBe(200);
  }

  test('issue takes what is available, once, and never what is held', async () => {
    await server.stock('G-1', 10);
    await server.call('POST', '/v1/reservations', { orderId: 'G-1', lines: [{ sku: 'G-1', quantity: 4 }] });
    const broken = { movementId: 'G-1-broken', quantity: 2, reason: 'water damage' };
    const first = await move('issue', 'G-1', broken);
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({ sku: 'G-1', warehouse: 'TPE', total: 8, available: 4, reserved: 4 });
    const again = await move('issue', 'G-1', broken);
    expect([again.status, again.headers['idempotent-replayed'], again.body]).toEqual([
      200,
      'true',
      first.body,
    ]);
    const other = await move('issue', 'G-1', { ...broken, reason: 'theft' });
    expect(problemOf(other)).toEqual({ status: 422, code: 'movement-conflict' });
    const tooMany = await move('issue', 'G-1', { quantity: 5, reason: 'theft' });
    const shortages = [{ sku: 'G-1', warehouse: 'TPE', requested: 5, available: 4 }];
    expect(problemOf(tooMany)).toEqual({ status: 409, code: 'insufficient-stock', shortages });
    expect(await figures('G-1')).toEqual({ total: 8, available: 4, reserved: 4, sold: 0 });
  });

  test('ship takes what was sold, and no more', async () => {
    await server.stock('G-2', 10);
    await sold('G-2', 3);
    const first = await move('ship', 'G-2', { quantity: 2, orderId: 'order-of-G-2' });
    expect([first.status, first.body.total, first.body.sold]).toEqual([201, 8, 1]);
    const tooMany = await move('ship', 'G-2', { quantity: 2 });
    expect(problemOf(tooMany)).toEqual({ status: 409, code: 'exceeds-sold', sold: 1 });
    expect(await figures('G-2')).toEqual({ total: 8, available: 7, reserved: 0, sold: 1 });
  });

  test('a return goes on sale again, or is written off and moves nothing', async () => {
    await server.stock('G-3', 5);
    await sold('G-3', 2);
    await move('ship', 'G-3', { quantity: 2 });
    const back = await move('return', 'G-3', {
      quantity: 1,
      orderId: 'order-of-G-3',
      disposition: 'restock',
    });
    expect([back.status, back.body.total, back.body.available]).toEqual([201, 4, 4]);
    const torn = await move('return', 'G-3', { quantity: 1, disposition: 'write-off', reason: 'torn' });
    expect([torn.status, torn.body.total, torn.body.available]).toEqual([201, 4, 4]);
    const dump = await server.dump();
    expect(dump).toContain('InventoryReturned move-');
    expect(dump).toContain('ReturnWrittenOff move-');
    expect((await move('return', 'G-3', { quantity: 1 })).body.total).toBe(5);
  });

  test('a correction is taken at the version its corrector saw, and never below what is promised', async () => {
    await server.stock('G-4', 10);
    await sold('G-4', 3);
    const [item] = (await server.call('GET', '/v1/items/G-4')).body.warehouses as { version: number }[];
    const seen = item?.version ?? 0;
    const reason = 'two boxes behind the shelf';
    const stale = await move('correct', 'G-4', { total: 12, expectedVersion: seen - 1, reason });
    expect(problemOf(stale)).toEqual({ status: 409, code: 'version-conflict', version: seen });
    const low = await move('correct', 'G-4', { total: 2, expectedVersion: seen, reason });
    expect(problemOf(low)).toEqual({
      status: 409,
      code: 'count-below-committed',
      ...{ counted: 2, reserved: 0, sold: 3 },
    });
    const right = await move('correct', 'G-4', { total: 12, expectedVersion: seen, reason });
    expect(right.status).toBe(201);
    expect(right.body).toMatchObject({ total: 12, available: 9, sold: 3, version: seen + 1 });
  });

  test.each([
    ['issue', { quantity: 1, reason: 'lost' }],
    ['ship', { quantity: 1 }],
    ['return', { quantity: 1 }],
    ['return', { quantity: 1, disposition: 'write-off', reason: 'torn' }],
    ['correct', { total: 1, expectedVersion: 1, reason: 'found' }],
  ])('%s of what was never there names it', async (kind, more) => {
    const items = [{ sku: 'G-none', warehouse: 'TPE' }];
    expect(problemOf(await move(kind, 'G-none', more))).toEqual({ status: 404, code: 'unknown-item', items });
  });
});
