/**
 * Goal: flash sales over HTTP, on a real Redis with a clock that the test turns: the window, what is set aside, what one
 * customer may buy, and figures that are live.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenServer, openServer, problemOf } from './open-server.ts';

const MINUTE_MS = 60_000;
const startMs = Date.now();
const iso = (ms: number) => new Date(ms).toISOString();
const opensAt = iso(startMs + MINUTE_MS);
const closesAt = iso(startMs + 60 * MINUTE_MS);

let server: OpenServer;
beforeAll(async () => {
  server = await openServer({ turnedClockMs: startMs });
});
afterAll(() => server.close());

const schedule = (saleId: string, sku: string, more: object) =>
  server.call('POST', '/v1/sales', { saleId, sku, opensAt, closesAt, ...more });
const buy = (orderId: string, sku: string, quantity: number, more: object = {}) =>
  server.call('POST', '/v1/reservations', { orderId, lines: [{ sku, quantity }], ...more });
const figures = async (saleId: string) => (await server.call('GET', `/v1/sales/${saleId}`)).body;

test('a sale from its schedule to its end', async () => {
  await server.stock('A', 20);
  const terms = { quantity: 10, limitPerCustomer: 2 };
  const scheduled = await schedule('S-1', 'A', terms);
  expect(scheduled.status).toBe(201);
  const none = { left: 10, reserved: 0, sold: 0, released: 0, expired: 0, conversion: null };
  const asAgreed = { saleId: 'S-1', sku: 'A', opensAt, closesAt, ...terms };
  expect(scheduled.body).toEqual({ ...asAgreed, ...none, state: 'upcoming' });
  const again = await schedule('S-1', 'A', terms);
  expect([again.status, again.headers['idempotent-replayed'], again.body]).toEqual([
    200,
    'true',
    scheduled.body,
  ]);
  expect(problemOf(await schedule('S-1', 'A', { quantity: 11 }))).toEqual({
    status: 422,
    code: 'sale-conflict',
  });

  const sale = { saleId: 'S-1', customerId: 'C-1' };
  expect(problemOf(await buy('early', 'A', 1, sale))).toEqual({
    status: 409,
    code: 'sale-not-open',
    opensAt,
  });
  // What is set aside is not for others.
  expect(problemOf(await buy('big', 'A', 11))).toMatchObject({ status: 409, code: 'insufficient-stock' });

  await server.setTime(startMs + 2 * MINUTE_MS);
  const bought = await buy('first', 'A', 2, sale);
  expect([bought.status, bought.body.customerId, bought.body.saleId]).toEqual([201, 'C-1', 'S-1']);
  expect((await server.call('GET', '/v1/reservations/first')).body).toMatchObject(sale);
  expect(problemOf(await buy('nobody', 'A', 1, { saleId: 'S-1' }))).toEqual({
    status: 422,
    code: 'customer-required',
  });
  const limit = { status: 409, code: 'purchase-limit-exceeded', limit: 2 };
  expect(problemOf(await buy('third', 'A', 1, sale))).toEqual({ ...limit, held: 2, bought: 0 });
  await server.call('POST', '/v1/reservations/first/confirm');
  expect(problemOf(await buy('third', 'A', 1, sale))).toEqual({ ...limit, held: 0, bought: 2 });

  await buy('held', 'A', 2, { ...sale, customerId: 'C-2' });
  await buy('let-go', 'A', 1, { ...sale, customerId: 'C-3' });
  await server.call('POST', '/v1/reservations/let-go/release');
  await buy('dies', 'A', 1, { ...sale, customerId: 'C-4', holdSeconds: 1 });
  await server.setTime(startMs + 3 * MINUTE_MS);
  await server.hot.sweep(32);
  expect(await figures('S-1')).toEqual({
    ...asAgreed,
    state: 'open',
    ...{ left: 6, reserved: 2, sold: 2, released: 1, expired: 1 },
    conversion: 2 / 6,
  });

  const closed = await server.call('POST', '/v1/sales/S-1/close');
  expect(closed.body).toMatchObject({ state: 'closed', left: 0, closesAt: iso(startMs + 3 * MINUTE_MS) });
  const twice = await server.call('POST', '/v1/sales/S-1/close');
  expect([twice.status, twice.headers['idempotent-replayed']]).toEqual([200, 'true']);
  expect(problemOf(await buy('late', 'A', 1, sale))).toEqual({
    status: 409,
    code: 'sale-closed',
    closesAt: iso(startMs + 3 * MINUTE_MS),
  });
  // What it did not sell is there for everybody.
  expect((await buy('big', 'A', 11)).status).toBe(201);
});

test('what cannot be scheduled is said so', async () => {
  await server.stock('B', 5);
  expect(problemOf(await schedule('none', 'B-none', { quantity: 1 }))).toMatchObject({
    code: 'unknown-item',
  });
  expect(problemOf(await schedule('more', 'B', { quantity: 6 }))).toMatchObject({
    code: 'insufficient-stock',
    shortages: [{ sku: 'B', requested: 6, available: 5 }],
  });
  const over = { quantity: 1, opensAt: iso(startMs - 2 * MINUTE_MS), closesAt: iso(startMs - MINUTE_MS) };
  expect(problemOf(await schedule('over', 'B', over))).toMatchObject({ status: 409, code: 'sale-closed' });
  await server.stock('C', 50);
  for (let i = 1; i <= 8; i++) expect((await schedule(`C-${i}`, 'C', { quantity: 1 })).status).toBe(201);
  expect(problemOf(await schedule('C-9', 'C', { quantity: 1 }))).toEqual({
    status: 409,
    code: 'too-many-sales',
  });
  const unknown = { status: 404, code: 'unknown-sale' };
  expect(problemOf(await server.call('GET', '/v1/sales/nothing'))).toEqual(unknown);
  expect(problemOf(await server.call('POST', '/v1/sales/nothing/close'))).toEqual(unknown);
  expect(problemOf(await buy('lost', 'B', 1, { saleId: 'nothing' }))).toEqual(unknown);
});

test('times come with any zone and are told in UTC', async () => {
  await server.stock('D', 5);
  const zoned = {
    opensAt: '2035-11-11T00:00:00+08:00',
    closesAt: '2035-11-11T23:59:59.5+08:00',
    quantity: 1,
  };
  expect((await schedule('D-1', 'D', zoned)).body).toMatchObject({
    opensAt: '2035-11-10T16:00:00.000Z',
    closesAt: '2035-11-11T15:59:59.500Z',
    limitPerCustomer: 0,
  });
});
