/**
 * Goal: every answer of the reservation routes in the contract's table, each once, on a real Redis.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenServer, openServer, problemOf } from './open-server.ts';

let server: OpenServer;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.close());

const R = '/v1/reservations';
let orders = 0;
/** A fresh order of `quantity` units, reserved. */
async function reserved(sku: string, quantity: number, more: object = {}): Promise<string> {
  const orderId = `order-${++orders}`;
  const answer = await server.call('POST', R, { orderId, lines: [{ sku, quantity }], ...more });
  expect(answer.status).toBe(201);
  return orderId;
}
function milliseconds(from: unknown, to: unknown): number {
  return Date.parse(String(to)) - Date.parse(String(from));
}

describe('reserve', () => {
  test('holds stock and says until when', async () => {
    await server.stock('R-1', 10);
    const lines = [{ sku: 'R-1', quantity: 3 }];
    const answer = await server.call('POST', R, { orderId: 'reserve-1', lines, holdSeconds: 60 });
    expect(answer.status).toBe(201);
    expect(answer.headers['idempotent-replayed']).toBeUndefined();
    const { reservedAt, expiresAt, ...rest } = answer.body;
    expect(rest).toEqual({
      orderId: 'reserve-1',
      status: 'ACTIVE',
      lines: [{ sku: 'R-1', warehouse: 'TPE', quantity: 3 }],
    });
    for (const time of [reservedAt, expiresAt])
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(milliseconds(reservedAt, expiresAt)).toBe(60_000);
  });

  test('holds 30 minutes where the order does not say (BR-003)', async () => {
    await server.stock('R-2', 1);
    const { body } = await server.call('POST', R, {
      orderId: 'reserve-2',
      lines: [{ sku: 'R-2', quantity: 1 }],
    });
    expect(milliseconds(body.reservedAt, body.expiresAt)).toBe(1_800_000);
  });

  test('answers a repeat as the first time, and refuses the id for other content (BR-006)', async () => {
    await server.stock('R-3', 10);
    const order = { orderId: 'reserve-3', lines: [{ sku: 'R-3', quantity: 4 }] };
    const first = await server.call('POST', R, order);
    const again = await server.call('POST', R, order);
    expect(again.status).toBe(200);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    const other = await server.call('POST', R, { ...order, lines: [{ sku: 'R-3', quantity: 5 }] });
    expect(problemOf(other)).toEqual({ status: 422, code: 'order-conflict' });
    expect((await server.call('GET', '/v1/items/R-3')).body).toMatchObject({ reserved: 4, available: 6 });
  });

  test('names every short line and reserves nothing of the order (BR-002)', async () => {
    await server.stock('R-4', 2);
    await server.stock('R-5', 1, 'KHH');
    await server.stock('R-6', 100);
    const lines = [
      { sku: 'R-4', quantity: 3 },
      { sku: 'R-5', warehouse: 'KHH', quantity: 2 },
      { sku: 'R-6', quantity: 1 },
    ];
    const answer = await server.call('POST', R, { orderId: 'reserve-4', lines });
    const { shortages, ...rest } = problemOf(answer);
    expect(rest).toEqual({ status: 409, code: 'insufficient-stock' });
    expect(shortages).toHaveLength(2);
    expect(shortages).toEqual(
      expect.arrayContaining([
        { sku: 'R-4', requested: 3, available: 2 },
        { sku: 'R-5', warehouse: 'KHH', requested: 2, available: 1 },
      ]),
    );
    expect((await server.call('GET', `${R}/reserve-4`)).status).toBe(404);
    expect((await server.call('GET', '/v1/items/R-6')).body.reserved).toBe(0);
  });

  test('names unknown items', async () => {
    const answer = await server.call('POST', R, {
      orderId: 'reserve-5',
      lines: [{ sku: 'R-none', quantity: 1 }],
    });
    expect(problemOf(answer)).toEqual({ status: 404, code: 'unknown-item', items: [{ sku: 'R-none' }] });
  });

  test('records who acts, where the header says it', async () => {
    await server.stock('R-7', 1);
    const order = { orderId: 'reserve-7', lines: [{ sku: 'R-7', quantity: 1 }] };
    await server.call('POST', R, order, { 'holdfast-actor': 'till-9' });
    expect(await server.dump()).toContain('InventoryReserved reserve-7 till-9 ');
  });
});

describe('look', () => {
  test('shows a reservation as it stands', async () => {
    await server.stock('L-1', 5);
    const orderId = await reserved('L-1', 2);
    const answer = await server.call('GET', `${R}/${orderId}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ orderId, status: 'ACTIVE' });
  });

  test('does not know what was never reserved', async () => {
    expect(problemOf(await server.call('GET', `${R}/nobody`))).toEqual({
      status: 404,
      code: 'unknown-reservation',
    });
  });
});

describe('confirm', () => {
  test('sells what is held; a repeat is answered again; a release comes too late', async () => {
    await server.stock('C-1', 5);
    const orderId = await reserved('C-1', 2);
    const first = await server.call('POST', `${R}/${orderId}/confirm`);
    expect(first.status).toBe(200);
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(first.body).toMatchObject({ status: 'CONFIRMED', resolvedAt: expect.any(String) });
    const again = await server.call('POST', `${R}/${orderId}/confirm`, '', {
      'content-type': 'application/json',
    });
    expect(again.status).toBe(200);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    const late = await server.call('POST', `${R}/${orderId}/release`);
    expect(problemOf(late)).toEqual({ status: 409, code: 'already-confirmed', reservation: first.body });
    expect((await server.call('GET', '/v1/items/C-1')).body).toMatchObject({
      sold: 2,
      reserved: 0,
      available: 3,
    });
  });

  test('sells the named part and returns the rest at once', async () => {
    await server.stock('C-2', 5);
    const orderId = await reserved('C-2', 3);
    const answer = await server.call('POST', `${R}/${orderId}/confirm`, {
      lines: [{ sku: 'C-2', quantity: 1 }],
    });
    expect(answer.body).toMatchObject({ status: 'CONFIRMED', lines: [{ sku: 'C-2', quantity: 1 }] });
    expect((await server.call('GET', '/v1/items/C-2')).body).toMatchObject({
      sold: 1,
      reserved: 0,
      available: 4,
    });
  });

  test('refuses more than is held', async () => {
    await server.stock('C-3', 5);
    const orderId = await reserved('C-3', 3);
    const answer = await server.call('POST', `${R}/${orderId}/confirm`, {
      lines: [{ sku: 'C-3', quantity: 4 }],
    });
    const excess = [{ sku: 'C-3', requested: 4, held: 3 }];
    expect(problemOf(answer)).toEqual({ status: 409, code: 'exceeds-reservation', excess });
  });

  test('does not know what was never reserved', async () => {
    expect(problemOf(await server.call('POST', `${R}/nobody/confirm`))).toEqual({
      status: 404,
      code: 'unknown-reservation',
    });
  });
});

describe('release', () => {
  test('puts all of it back; a repeat is answered again; a confirm comes too late', async () => {
    await server.stock('F-1', 5);
    const orderId = await reserved('F-1', 2);
    const first = await server.call('POST', `${R}/${orderId}/release`);
    expect(first.body).toMatchObject({ status: 'RELEASED' });
    const again = await server.call('POST', `${R}/${orderId}/release`);
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
    const late = await server.call('POST', `${R}/${orderId}/confirm`);
    expect(problemOf(late)).toEqual({ status: 409, code: 'already-released', reservation: first.body });
    expect((await server.call('GET', '/v1/items/F-1')).body).toMatchObject({ reserved: 0, available: 5 });
  });

  test('puts a part back and keeps the rest, 20 times at most', async () => {
    await server.stock('F-2', 30);
    const orderId = await reserved('F-2', 25);
    const lines = [{ sku: 'F-2', quantity: 1 }];
    for (let i = 1; i <= 20; i++) {
      const answer = await server.call('POST', `${R}/${orderId}/release`, { lines, releaseId: `part-${i}` });
      expect(answer.body).toMatchObject({ status: 'ACTIVE', lines: [{ quantity: 25 - i }] });
    }
    const again = await server.call('POST', `${R}/${orderId}/release`, { lines, releaseId: 'part-7' });
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
    const tooMany = await server.call('POST', `${R}/${orderId}/release`, { lines, releaseId: 'part-21' });
    expect(problemOf(tooMany)).toEqual({ status: 409, code: 'too-many-partial-releases' });
    expect((await server.call('GET', '/v1/items/F-2')).body).toMatchObject({ reserved: 5, available: 25 });
  });
});

describe('time', () => {
  // The clock that decides is turned; Redis drops keys by its own, so both begin together.
  const start = Date.now();
  const hours = 3_600_000;
  let turned: OpenServer;
  beforeAll(async () => {
    turned = await openServer({ turnedClockMs: start });
    await turned.stock('T-1', 10);
  });
  afterAll(() => turned.close());

  test('a hold can be extended while it lives, up to 24 hours in all (BR-003)', async () => {
    const order = { orderId: 'time-1', lines: [{ sku: 'T-1', quantity: 1 }], holdSeconds: 14_400 };
    await turned.call('POST', R, order);
    const same = await turned.call('POST', `${R}/time-1/extend`, { holdSeconds: 14_400 });
    expect([same.status, same.headers['idempotent-replayed']]).toEqual([200, 'true']);
    for (let at = 3; at <= 18; at += 3) {
      await turned.setTime(start + at * hours);
      const longer = await turned.call('POST', `${R}/time-1/extend`, { holdSeconds: 14_400 });
      expect(longer.status).toBe(200);
      expect(longer.body.expiresAt).toBe(new Date(start + (at + 4) * hours).toISOString());
    }
    await turned.setTime(start + 21 * hours);
    const tooFar = await turned.call('POST', `${R}/time-1/extend`, { holdSeconds: 14_400 });
    const latestExpiresAt = new Date(start + 24 * hours).toISOString();
    expect(problemOf(tooFar)).toEqual({ status: 409, code: 'lifetime-exceeded', latestExpiresAt });
  });

  test('a hold that is not paid in time is over, for confirm, release and extend', async () => {
    const order = { orderId: 'time-2', lines: [{ sku: 'T-1', quantity: 1 }], holdSeconds: 1 };
    await turned.call('POST', R, order);
    await turned.setTime(start + 21 * hours + 1_000);
    for (const [step, body] of [['confirm'], ['release'], ['extend', { holdSeconds: 60 }]] as const) {
      const answer = await turned.call('POST', `${R}/time-2/${step}`, body);
      expect(problemOf(answer)).toMatchObject({
        status: 410,
        code: 'reservation-expired',
        reservation: { orderId: 'time-2', status: 'EXPIRED' },
      });
    }
    const look = await turned.call('GET', `${R}/time-2`);
    expect(look.body).toMatchObject({ status: 'EXPIRED', resolvedAt: expect.any(String) });
  });
});
