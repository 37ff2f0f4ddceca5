/**
 * Goal: every answer of the transfer routes, on a real Redis: goods leave, are nowhere, and arrive in parts.
 * What needs a ledger stands in goods-desk.test.ts.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenServer, openServer, problemOf } from './open-server.ts';

let server: OpenServer;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.close());

const T = '/v1/transfers';
const dispatch = (transferId: string, sku: string, quantity: number) =>
  server.call('POST', T, { transferId, sku, from: 'KHH', to: 'TPE', quantity });
const receive = (transferId: string, body: object) => server.call('POST', `${T}/${transferId}/receive`, body);
async function totals(sku: string): Promise<Record<string, number>> {
  const { body } = await server.call('GET', `/v1/items/${sku}`);
  const warehouses = body.warehouses as { warehouse: string; total: number }[];
  return Object.fromEntries(warehouses.map(({ warehouse, total }) => [warehouse, total]));
}

test('a transfer arrives in two parts, one unit of it unfit', async () => {
  await server.stock('T-1', 10, 'KHH');
  const sent = await dispatch('two-parts', 'T-1', 5);
  expect(sent.status).toBe(201);
  const transfer = { transferId: 'two-parts', sku: 'T-1', from: 'KHH', to: 'TPE', quantity: 5, returned: 0 };
  const onTheWay = { ...transfer, status: 'IN_TRANSIT', inTransit: 5, received: 0, rejected: 0 };
  expect(sent.body).toEqual(onTheWay);
  expect(await totals('T-1')).toEqual({ KHH: 5 });
  const again = await dispatch('two-parts', 'T-1', 5);
  expect([again.status, again.headers['idempotent-replayed'], again.body]).toEqual([200, 'true', onTheWay]);
  expect(problemOf(await dispatch('two-parts', 'T-1', 4))).toEqual({
    status: 422,
    code: 'transfer-conflict',
  });

  const first = await receive('two-parts', { received: 2, receiptId: 'R-1' });
  expect([first.status, first.body.inTransit, first.body.received]).toEqual([200, 3, 2]);
  const repeated = await receive('two-parts', { received: 2, receiptId: 'R-1' });
  expect([repeated.status, repeated.headers['idempotent-replayed']]).toEqual([200, 'true']);
  const tooMany = await receive('two-parts', { received: 3, rejected: 1 });
  expect(problemOf(tooMany)).toEqual({ status: 409, code: 'exceeds-transit', inTransit: 3 });
  const last = await receive('two-parts', { received: 2, rejected: 1, receiptId: 'R-2' });
  const arrived = { ...transfer, status: 'RECEIVED', inTransit: 0, received: 4, rejected: 1 };
  expect([last.status, last.body]).toEqual([200, arrived]);
  expect(await totals('T-1')).toEqual({ KHH: 5, TPE: 4 });

  const ended = { status: 409, code: 'transfer-ended', transfer: arrived };
  expect(problemOf(await receive('two-parts', { received: 1 }))).toEqual(ended);
  expect(problemOf(await server.call('POST', `${T}/two-parts/cancel`))).toEqual(ended);
  expect((await server.call('GET', `${T}/two-parts`)).body).toEqual(arrived);
});

test('what is cancelled in transit stands in its source again', async () => {
  await server.stock('T-2', 10, 'KHH');
  await dispatch('back', 'T-2', 6);
  await receive('back', { received: 2 });
  const cancelled = await server.call('POST', `${T}/back/cancel`);
  expect(cancelled.status).toBe(200);
  expect(cancelled.body).toMatchObject({ status: 'CANCELLED', inTransit: 0, received: 2, returned: 4 });
  const again = await server.call('POST', `${T}/back/cancel`);
  expect([again.status, again.headers['idempotent-replayed'], again.body]).toEqual([
    200,
    'true',
    cancelled.body,
  ]);
  expect(await totals('T-2')).toEqual({ KHH: 8, TPE: 2 });
});

test('what cannot be sent is said so', async () => {
  await server.stock('T-3', 2, 'KHH');
  const shortages = [{ sku: 'T-3', warehouse: 'KHH', requested: 3, available: 2 }];
  const short = await dispatch('short', 'T-3', 3);
  expect(problemOf(short)).toEqual({ status: 409, code: 'insufficient-stock', shortages });
  const items = [{ sku: 'T-none', warehouse: 'KHH' }];
  expect(problemOf(await dispatch('none', 'T-none', 1))).toEqual({
    status: 404,
    code: 'unknown-item',
    items,
  });
  await server.call('POST', '/v1/stocktakes', { stocktakeId: 'count', warehouse: 'KHH', sku: 'T-3' });
  expect(problemOf(await dispatch('locked', 'T-3', 1))).toMatchObject({ status: 423 });
  const unknown = { status: 404, code: 'unknown-transfer' };
  expect(problemOf(await server.call('GET', `${T}/nowhere`))).toEqual(unknown);
  expect(problemOf(await receive('nowhere', { received: 1 }))).toEqual(unknown);
  expect(problemOf(await server.call('POST', `${T}/nowhere/cancel`))).toEqual(unknown);
});

test('a transfer has 50 receipts at most', async () => {
  await server.stock('T-4', 60, 'KHH');
  await dispatch('many', 'T-4', 60);
  for (let i = 1; i <= 50; i++)
    expect((await receive('many', { received: 1, receiptId: `R-${i}` })).status).toBe(200);
  const more = await receive('many', { received: 1, receiptId: 'R-51' });
  expect(problemOf(more)).toEqual({ status: 409, code: 'too-many-receipts' });
});
