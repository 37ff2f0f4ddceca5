/**
 * Goal: an answer to a reserve says which warehouse serves what and why, where there is anything to say; and a batch of
 * orders is answered order by order as each would have been alone. On a real Redis.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callWithoutTrace, type OpenServer, openServer, problemOf } from './open-server.ts';

let server: OpenServer;
beforeAll(async () => {
  server = await openServer();
  await server.hot.places.put({ id: 'TPE', name: 'Taipei', latitude: 25.03, longitude: 121.56 });
  await server.hot.places.put({ id: 'KHH', name: 'Kaohsiung', latitude: 22.63, longitude: 120.3 });
});
afterAll(() => server.close());

const R = '/v1/reservations';
const TAIPEI = { latitude: 25.05, longitude: 121.5 };
const reserve = (orderId: string, lines: object[], more: object = {}) =>
  server.call('POST', R, { orderId, lines, ...more });

describe('where an order is served from', () => {
  test('the nearest warehouse serves, and its distance is told', async () => {
    for (const warehouse of ['KHH', 'TPE', 'NOWHERE']) await server.stock('A-1', 5, warehouse);
    const { status, body } = await reserve('near', [{ sku: 'A-1', quantity: 1 }], { shipTo: TAIPEI });
    expect(status).toBe(201);
    expect(body.lines).toEqual([{ sku: 'A-1', warehouse: 'TPE', quantity: 1 }]);
    expect(body.allocation).toEqual({
      lines: [{ sku: 'A-1', warehouse: 'TPE', distanceKm: expect.closeTo(6.4, 0) }],
      passedBy: [],
    });
    const repeat = await reserve('near', [{ sku: 'A-1', quantity: 1 }], { shipTo: TAIPEI });
    expect([repeat.status, repeat.body.allocation]).toEqual([200, undefined]);
  });

  test('who was passed by is named with the reason, and a place nobody knows comes last', async () => {
    await server.stock('A-2', 1, 'TPE');
    await server.stock('A-2', 5, 'KHH');
    await server.stock('A-2', 9, 'NOWHERE');
    await server.call('POST', '/v1/stocktakes', { stocktakeId: 'count', warehouse: 'KHH', sku: 'A-2' });
    const { body } = await reserve('past', [{ sku: 'A-2', quantity: 2 }], { shipTo: TAIPEI });
    expect(body.allocation).toEqual({
      lines: [{ sku: 'A-2', warehouse: 'NOWHERE' }],
      passedBy: [
        { sku: 'A-2', warehouse: 'TPE', reason: 'short', distanceKm: expect.any(Number) },
        { sku: 'A-2', warehouse: 'KHH', reason: 'locked', distanceKm: expect.closeTo(296, -1) },
      ],
    });
  });

  test('an order that goes nowhere in particular says nothing, unless one was passed by', async () => {
    await server.stock('A-3', 1, 'KHH');
    await server.stock('A-3', 5, 'TPE');
    const plain = await reserve('plain', [{ sku: 'A-3', quantity: 1 }]);
    expect(plain.body).not.toHaveProperty('allocation');
    const past = await reserve('past-one', [{ sku: 'A-3', quantity: 2 }]);
    expect(past.body.allocation).toEqual({
      lines: [{ sku: 'A-3', warehouse: 'TPE' }],
      passedBy: [{ sku: 'A-3', warehouse: 'KHH', reason: 'short' }],
    });
  });

  test('a line is split only where that is asked for', async () => {
    await server.stock('A-4', 3, 'TPE');
    await server.stock('A-4', 3, 'KHH');
    const whole = await reserve('whole', [{ sku: 'A-4', quantity: 5 }], { shipTo: TAIPEI });
    expect(problemOf(whole)).toMatchObject({
      status: 409,
      shortages: [{ sku: 'A-4', requested: 5, available: 3 }],
    });
    const order = { shipTo: TAIPEI, allocation: 'split' };
    const { status, body } = await reserve('split', [{ sku: 'A-4', quantity: 5 }], order);
    expect(status).toBe(201);
    expect(body.lines).toEqual(
      expect.arrayContaining([
        { sku: 'A-4', warehouse: 'TPE', quantity: 3 },
        { sku: 'A-4', warehouse: 'KHH', quantity: 2 },
      ]),
    );
    expect((body.allocation as { lines: unknown[] }).lines).toHaveLength(2);
    const other = await reserve('split', [{ sku: 'A-4', quantity: 5 }]);
    expect(problemOf(other)).toEqual({ status: 422, code: 'order-conflict' });
  });
});

describe('a batch', () => {
  const batch = (reservations: unknown[], headers: Record<string, string> = {}) =>
    server.call('POST', `${R}/batch`, { reservations }, headers);

  test('answers each order in its place, as it would have been alone', async () => {
    await server.stock('B-1', 3);
    const one = (orderId: string, quantity: unknown, more: object = {}) => ({
      orderId,
      lines: [{ sku: 'B-1', quantity }],
      ...more,
    });
    const answer = await batch([
      one('b-1', 2, { customerId: 'C-1' }),
      one('b-2', 2),
      one('b-3', -1),
      null,
      one('b-1', 2, { customerId: 'C-1' }),
      one('b-1', 1),
      { ...one('b-4', 1), unknown: true },
      one('b-5', 1e9),
      { orderId: 'b-6', lines: [{ sku: 'B-none', quantity: 1 }] },
      one('b-7', 1),
    ]);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    const results = answer.body.results as { status: number; body: Record<string, unknown> }[];
    expect(results.map(({ status }) => status)).toEqual([201, 409, 400, 400, 200, 422, 400, 409, 404, 201]);
    expect(results[0]?.body).toMatchObject({ orderId: 'b-1', status: 'ACTIVE', customerId: 'C-1' });
    expect(results[1]?.body).toMatchObject({
      code: 'insufficient-stock',
      shortages: [{ requested: 2, available: 1 }],
    });
    expect(results[2]?.body.errors).toMatchObject([{ path: 'lines[0].quantity' }]);
    expect(results[3]?.body.errors).toMatchObject([{ path: '' }]);
    expect(results[6]?.body.errors).toMatchObject([{ path: 'unknown' }]);
    const single = await server.call('POST', R, one('b-2', 2));
    expect(results[1]?.body).toEqual({
      ...single.body,
      shortages: expect.anything(),
      detail: expect.any(String),
    });
    expect((await server.call('GET', '/v1/items/B-1')).body).toMatchObject({ reserved: 3, available: 0 });
    const metrics = (await server.call('GET', '/metrics')).text;
    expect(metrics).toMatch(/holdfast_problems_total\{code="unknown-item"\} [1-9]/);
  });

  test('takes 500 of the largest orders', async () => {
    const long = (i: number) => String(i).padStart(64, 'S');
    const lines = Array.from({ length: 100 }, (_, i) => ({
      sku: long(i),
      warehouse: long(i),
      quantity: 1e9,
    }));
    const orders = Array.from({ length: 500 }, (_, i) => ({
      orderId: long(i),
      customerId: long(i),
      saleId: long(i),
      lines,
      holdSeconds: 14_400,
      shipTo: { latitude: -12.345678901234567, longitude: -123.45678901234567 },
      allocation: 'single',
    }));
    const answer = await batch(orders);
    const results = answer.body.results as { status: number }[];
    expect([answer.status, results.length]).toEqual([200, 500]);
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set([404]));
  });

  test('an actor that is no id is told in every place, and nothing happens', async () => {
    const body = { reservations: [{ orderId: 'x', lines: [{ sku: 'A-1', quantity: 1 }] }] };
    const answer = await callWithoutTrace(server, `POST ${R}/batch`, body, { 'holdfast-actor': '%00' });
    const errors = [{ path: 'Holdfast-Actor' }];
    expect(answer.body.results).toMatchObject([{ status: 400, body: { errors } }]);
  });
});
