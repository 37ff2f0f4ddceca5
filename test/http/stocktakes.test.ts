/**
 * Goal: every answer of the stocktake routes (BR-007): lock, count, adjust, unlock, one item or many, on a real Redis.
 * What needs a ledger stands in count-desk.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenServer, openServer, problemOf } from './open-server.ts';

let server: OpenServer;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.close());

const S = '/v1/stocktakes';
const start = (stocktakeId: string, more: object) =>
  server.call('POST', S, { stocktakeId, warehouse: 'TPE', ...more });
const complete = (stocktakeId: string, body: object) =>
  server.call('POST', `${S}/${stocktakeId}/complete`, body);
const reserve = (orderId: string, sku: string, quantity: number) =>
  server.call('POST', '/v1/reservations', { orderId, lines: [{ sku, quantity, warehouse: 'TPE' }] });
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('one item', () => {
  test('is locked under a lease, counted, and the books take the difference', async () => {
    await server.stock('S-1', 10);
    await reserve('S-1-held', 'S-1', 2);
    const started = await start('one-1', { sku: 'S-1', leaseSeconds: 60 });
    expect(started.status).toBe(201);
    const line = {
      sku: 'S-1',
      warehouse: 'TPE',
      status: 'COUNTING',
      until: expect.stringMatching(ISO),
      before: 10,
    };
    expect(started.body).toEqual({ stocktakeId: 'one-1', lines: [line], refused: [] });
    const again = await start('one-1', { sku: 'S-1', leaseSeconds: 60 });
    expect([again.status, again.headers['idempotent-replayed'], again.body]).toEqual([
      200,
      'true',
      started.body,
    ]);

    const until = (started.body.lines as { until: string }[])[0]?.until;
    const items = [{ sku: 'S-1', warehouse: 'TPE', stocktakeId: 'one-1', until }];
    const locked = { status: 423, code: 'stocktake-in-progress', items };
    expect(problemOf(await reserve('S-1-late', 'S-1', 1))).toEqual(locked);
    expect(problemOf(await server.call('POST', '/v1/reservations/S-1-held/confirm'))).toEqual(locked);
    expect(problemOf(await start('one-1-other', { sku: 'S-1' }))).toEqual(locked);
    const { body } = await server.call('GET', '/v1/items/S-1');
    expect(body.warehouses).toMatchObject([{ warehouse: 'TPE', stocktake: { stocktakeId: 'one-1', until } }]);

    const counted = await complete('one-1', { counted: 9, reason: 'one broke' });
    expect(counted.status).toBe(200);
    const answer = { sku: 'S-1', warehouse: 'TPE', before: 10, counted: 9, difference: -1 };
    expect(counted.body).toMatchObject(answer);
    const repeated = await complete('one-1', { counted: 9 });
    expect([repeated.status, repeated.headers['idempotent-replayed']]).toEqual([200, 'true']);
    expect(repeated.body).toMatchObject(answer);
    expect(problemOf(await complete('one-1', { counted: 8 }))).toEqual({
      status: 409,
      code: 'stocktake-ended',
      countStatus: 'COUNTED',
    });
    const after = (await server.call('GET', '/v1/items/S-1')).body;
    expect(after).toMatchObject({ total: 9, available: 7, reserved: 2 });
    expect(after.warehouses).toEqual([expect.not.objectContaining({ stocktake: expect.anything() })]);
    expect((await server.call('POST', '/v1/reservations/S-1-held/confirm')).status).toBe(200);
  });

  test('an unchanged count is recorded too', async () => {
    await server.stock('S-2', 4);
    await start('one-2', { sku: 'S-2' });
    expect((await complete('one-2', { counted: 4 })).body).toMatchObject({ difference: 0 });
    expect(await server.dump()).toContain('StocktakeCompleted one-2 ');
  });

  test('a count below what is promised is refused with the figures', async () => {
    await server.stock('S-3', 10);
    await reserve('S-3-sold', 'S-3', 3);
    await server.call('POST', '/v1/reservations/S-3-sold/confirm');
    await reserve('S-3-held', 'S-3', 2);
    await start('one-3', { sku: 'S-3' });
    const below = { status: 409, code: 'count-below-committed', counted: 4, reserved: 2, sold: 3 };
    expect(problemOf(await complete('one-3', { counted: 4 }))).toEqual(below);
    // Sold units are never released, so there is nothing to ask the ledger, which is not there.
    const hopeless = await complete('one-3', { counted: 2, shortfall: 'release-newest' });
    expect(problemOf(hopeless)).toEqual({ ...below, counted: 2 });
    const holds = await complete('one-3', { counted: 4, shortfall: 'release-newest' });
    expect([holds.status, holds.body.code, holds.body.outcome]).toEqual([
      503,
      'unavailable',
      'nothing-happened',
    ]);
    const fits = await complete('one-3', { counted: 5, shortfall: 'release-newest' });
    expect(fits.body).toMatchObject({ counted: 5, difference: -5 });
  });

  test('a lock is taken off without a count', async () => {
    await server.stock('S-4', 4);
    await start('one-4', { sku: 'S-4' });
    const cancelled = await server.call('POST', `${S}/one-4/cancel`);
    expect(cancelled.status).toBe(200);
    expect(cancelled.body).toMatchObject({ lines: [{ sku: 'S-4', status: 'CANCELLED' }], refused: [] });
    const again = await server.call('POST', `${S}/one-4/cancel`, { sku: 'S-4' });
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
    expect((await reserve('S-4-free', 'S-4', 1)).status).toBe(201);
    expect(problemOf(await complete('one-4', { counted: 4 }))).toMatchObject({ countStatus: 'CANCELLED' });
    expect(problemOf(await start('one-4', { sku: 'S-4' }))).toMatchObject({ code: 'stocktake-ended' });
  });

  test('what is not there is said so', async () => {
    await server.stock('S-5', 1);
    const items = [{ sku: 'S-none', warehouse: 'TPE' }];
    expect(problemOf(await start('none', { sku: 'S-none' }))).toEqual({
      status: 404,
      code: 'unknown-item',
      items,
    });
    const unknown = { status: 404, code: 'unknown-stocktake' };
    expect(problemOf(await server.call('GET', `${S}/none`))).toEqual(unknown);
    expect(problemOf(await complete('none', { counted: 1 }))).toEqual(unknown);
    expect(problemOf(await complete('none', { sku: 'S-5', warehouse: 'TPE', counted: 1 }))).toEqual(unknown);
    expect(problemOf(await server.call('POST', `${S}/none/cancel`))).toEqual(unknown);
    await start('one-5', { sku: 'S-5' });
    expect(problemOf(await complete('one-5', { sku: 'S-1', counted: 1 }))).toEqual(unknown);
    expect(problemOf(await server.call('POST', `${S}/one-5/cancel`, { sku: 'S-1' }))).toEqual(unknown);
  });
});

describe('a sheet of many', () => {
  test('locks what can be locked, is counted line by line, and shows how far it is', async () => {
    for (const sku of ['M-1', 'M-2', 'M-3', 'M-4']) await server.stock(sku, 5);
    await start('other', { sku: 'M-4' });
    const started = await start('many', { skus: ['M-3', 'M-1', 'M-2', 'M-4', 'M-none', 'M-1'] });
    expect(started.status).toBe(201);
    expect((started.body.lines as { sku: string }[]).map(({ sku }) => sku)).toEqual(['M-3', 'M-1', 'M-2']);
    expect(started.body.refused).toEqual([
      { sku: 'M-4', warehouse: 'TPE', code: 'stocktake-in-progress', detail: expect.any(String) },
      { sku: 'M-none', warehouse: 'TPE', code: 'unknown-item', detail: expect.any(String) },
    ]);
    const which = await complete('many', { counted: 5 });
    expect(which.body.errors).toEqual([{ path: 'sku', message: 'the sheet has several lines: say which' }]);
    expect((await complete('many', { sku: 'M-1', counted: 6 })).body).toMatchObject({ difference: 1 });

    const counts = [
      { sku: 'M-2', counted: 5 },
      { sku: 'M-none', counted: 1 },
      { sku: 'M-1', counted: 7 },
    ];
    const answer = await complete('many', { counts, reason: 'yearly' });
    expect(answer.status).toBe(200);
    expect(answer.body.results).toMatchObject([
      { sku: 'M-2', status: 200, body: { before: 5, counted: 5, difference: 0 } },
      { sku: 'M-none', status: 404, body: { code: 'unknown-stocktake' } },
      { sku: 'M-1', status: 409, body: { code: 'stocktake-ended' } },
    ]);
    const sheet = await server.call('GET', `${S}/many`);
    expect(sheet.body).toMatchObject({
      stocktakeId: 'many',
      progress: { total: 3, counted: 2, cancelled: 0, lapsed: 0, open: 1 },
    });
    expect(sheet.body.lines).toEqual([
      expect.objectContaining({ sku: 'M-1', status: 'COUNTED', before: 5, counted: 6, difference: 1 }),
      expect.objectContaining({ sku: 'M-2', status: 'COUNTED', difference: 0 }),
      expect.not.objectContaining({ counted: expect.anything() }),
    ]);
    const cancelled = await server.call('POST', `${S}/many/cancel`);
    expect(cancelled.body).toMatchObject({ lines: [{ sku: 'M-3', status: 'CANCELLED' }], refused: [] });
    const nothing = await server.call('POST', `${S}/many/cancel`);
    expect([nothing.headers['idempotent-replayed'], nothing.body.lines]).toEqual(['true', []]);
    expect((await server.call('GET', `${S}/many`)).body.progress).toMatchObject({ cancelled: 1, open: 0 });
  });

  test('asks which warehouse, where a SKU is on it twice', async () => {
    await server.stock('W-1', 5, 'TPE');
    await server.stock('W-1', 7, 'KHH');
    await start('twice', { sku: 'W-1' });
    await start('twice', { sku: 'W-1', warehouse: 'KHH' });
    const which = await complete('twice', { sku: 'W-1', counted: 5 });
    expect(which.body.errors).toMatchObject([{ path: 'warehouse' }]);
    const counted = await complete('twice', { sku: 'W-1', warehouse: 'KHH', counted: 8 });
    expect(counted.body).toMatchObject({ warehouse: 'KHH', before: 7, difference: 1 });
    const cancelled = await server.call('POST', `${S}/twice/cancel`, { warehouse: 'TPE' });
    expect(cancelled.body.lines).toMatchObject([{ warehouse: 'TPE', status: 'CANCELLED' }]);
  });

  test('where nothing can be locked, nothing is new', async () => {
    const none = await start('refused', { skus: ['X-none', 'Y-none'] });
    expect([none.status, none.headers['idempotent-replayed'], none.body.lines]).toEqual([200, undefined, []]);
    expect(none.body.refused).toHaveLength(2);
  });

  test('hundreds of items are locked and counted in one call each, while orders are served', async () => {
    const skus = Array.from({ length: 300 }, (_, i) => `H-${i}`);
    await Promise.all(skus.map((sku) => server.stock(sku, 5)));
    await server.stock('H-other', 5);
    const [started, order] = await Promise.all([
      start('hundreds', { skus }),
      reserve('H-order', 'H-other', 1),
    ]);
    expect([started.status, (started.body.lines as unknown[]).length, order.status]).toEqual([201, 300, 201]);
    const counted = await complete('hundreds', { counts: skus.map((sku) => ({ sku, counted: 4 })) });
    const results = counted.body.results as { sku: string; status: number; body: { difference: number } }[];
    expect(results.map(({ sku }) => sku)).toEqual(skus);
    expect(results.every(({ status, body }) => status === 200 && body.difference === -1)).toBe(true);
  });
});

test('a lease that ran out has ended by itself', async () => {
  const startMs = Date.now();
  const turned = await openServer({ turnedClockMs: startMs });
  try {
    await turned.stock('T-1', 5);
    await turned.call('POST', S, { stocktakeId: 'lapsed', warehouse: 'TPE', sku: 'T-1', leaseSeconds: 5 });
    await turned.setTime(startMs + 5_001);
    await turned.hot.sweep(32);
    const late = await turned.call('POST', `${S}/lapsed/complete`, { counted: 5 });
    expect(problemOf(late)).toEqual({ status: 409, code: 'stocktake-ended', countStatus: 'LAPSED' });
    const sheet = await turned.call('GET', `${S}/lapsed`);
    expect(sheet.body.progress).toEqual({ total: 1, counted: 0, cancelled: 0, lapsed: 1, open: 0 });
  } finally {
    await turned.close();
  }
});
