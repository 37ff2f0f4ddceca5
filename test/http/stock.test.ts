/**
 * Goal: every answer of the stock routes in the contract's table, each once, on a real Redis.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenServer, openServer } from './open-server.ts';

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
