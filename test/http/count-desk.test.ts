/**
 * Goal: what warehouse people do that needs both stores: name warehouses, count a whole one without a list, and release
 * holds that a count leaves without goods.
 * Method: a whole Holdfast, Redis, worker and Postgres; the lists are asked until the worker has carried the events over.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../holdfast.ts';
import { type Desk, openDesk } from './desk.ts';
import { problemOf } from './open-server.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk?.close());

const call: Desk['call'] = (...request) => desk.call(...request);
const fresh: Desk['fresh'] = (what) => desk.fresh(what);
const stock: Desk['stock'] = (...units) => desk.stock(...units);
const reserve: Desk['reserve'] = (...order) => desk.reserve(...order);
const listed: Desk['listed'] = (url, plural, is) => desk.listed(url, plural, is);

describe('warehouses', () => {
  test('are put, changed and listed page by page, and the nearest serves', async () => {
    const taipei = { name: 'Taipei', latitude: 25.03, longitude: 121.56 };
    const made = await call('PUT', '/v1/warehouses/WH-B', taipei);
    expect([made.status, made.body]).toEqual([201, { warehouse: 'WH-B', ...taipei }]);
    expect((await call('PUT', '/v1/warehouses/WH-A', { name: 'somewhere' })).status).toBe(201);
    const renamed = await call('PUT', '/v1/warehouses/WH-B', { ...taipei, name: '臺北' });
    expect([renamed.status, renamed.body.name]).toEqual([200, '臺北']);
    const first = await call('GET', '/v1/warehouses?limit=1');
    expect(first.body).toEqual({ warehouses: [{ warehouse: 'WH-A', name: 'somewhere' }], next: 'WH-A' });
    const second = await call('GET', '/v1/warehouses?limit=1&after=WH-A');
    expect(second.body).toEqual({ warehouses: [{ warehouse: 'WH-B', ...taipei, name: '臺北' }], next: null });

    await stock('NEAR', 5, 'WH-A');
    await stock('NEAR', 5, 'WH-B');
    const order = { orderId: fresh('O'), lines: [{ sku: 'NEAR', quantity: 1 }] };
    const served = await call('POST', '/v1/reservations', {
      ...order,
      shipTo: { latitude: 25, longitude: 121 },
    });
    expect(served.body.lines).toEqual([{ sku: 'NEAR', warehouse: 'WH-B', quantity: 1 }]);
  });
});

describe('stocktakes', () => {
  test('a whole warehouse is counted without a list of its SKUs', async () => {
    for (const sku of ['ALL-1', 'ALL-2', 'ALL-3']) await stock(sku, 5, 'WHOLE');
    const stocktakeId = fresh('COUNT');
    const start = () => call('POST', '/v1/stocktakes', { stocktakeId, warehouse: 'WHOLE' }, 'alice');
    // The worker is a moment behind; a sheet grows by each call.
    await until(async () => ((await start()).body.lines as unknown[] | undefined)?.length === 3);
    const sheet = await call('GET', `/v1/stocktakes/${stocktakeId}`);
    expect(sheet.body.progress).toEqual({ total: 3, counted: 0, cancelled: 0, lapsed: 0, open: 3 });
    await call(
      'POST',
      `/v1/stocktakes/${stocktakeId}/complete`,
      { sku: 'ALL-2', counted: 4, reason: 'one broke' },
      'bob',
    );
    await call('POST', `/v1/stocktakes/${stocktakeId}/cancel`, { sku: 'ALL-3' });
    const progress = { total: 3, counted: 1, cancelled: 1, lapsed: 0, open: 1 };
    const row = await listed<{ stocktakeId: string; progress: object }>(
      '/v1/stocktakes?state=open&limit=1000',
      'stocktakes',
      (found) =>
        found.stocktakeId === stocktakeId && JSON.stringify(found.progress) === JSON.stringify(progress),
    );
    expect(row).toMatchObject({ startedBy: 'alice', difference: -1 });
    const { body } = await call('GET', `/v1/ledger?stocktakeId=${stocktakeId}&sku=ALL-2&warehouse=WHOLE`);
    expect(body.entries).toMatchObject([
      { type: 'StocktakeCompleted', actor: 'bob', reason: 'one broke', change: { total: -1, available: -1 } },
      { type: 'StocktakeStarted', actor: 'alice' },
    ]);
    const empty = await call('POST', '/v1/stocktakes', { stocktakeId, warehouse: 'EMPTY' });
    expect(problemOf(empty)).toEqual({ status: 404, code: 'unknown-warehouse' });
  });

  test('a count that comes short releases the newest holds until it fits', async () => {
    await stock('FEW', 10);
    const orders: string[] = [];
    for (const quantity of [4, 3, 2]) orders.push(await reserve('FEW', quantity));
    const stocktakeId = fresh('COUNT');
    await call('POST', '/v1/stocktakes', { stocktakeId, warehouse: 'TPE', sku: 'FEW' });
    const refused = await call('POST', `/v1/stocktakes/${stocktakeId}/complete`, { counted: 5 });
    expect(problemOf(refused)).toMatchObject({ status: 409, counted: 5, reserved: 9, sold: 0 });
    const body = { counted: 5, shortfall: 'release-newest', reason: 'a pallet is gone' };
    const counted = await call('POST', `/v1/stocktakes/${stocktakeId}/complete`, body, 'alice');
    expect(counted.status).toBe(200);
    const [oldest, newer, newest] = orders;
    expect(counted.body).toMatchObject({ before: 10, counted: 5, difference: -5, released: [newest, newer] });
    expect((await call('GET', '/v1/items/FEW')).body).toMatchObject({ total: 5, available: 1, reserved: 4 });
    expect((await call('GET', `/v1/reservations/${oldest}`)).body.status).toBe('ACTIVE');
    const entry = await listed<{ cause?: string; actor: string }>(
      `/v1/ledger?orderId=${newest}`,
      'entries',
      (found) => found.cause === 'shortfall',
    );
    expect(entry.actor).toBe('alice');
  });

  test('a sheet that Redis has forgotten is told by the ledger', async () => {
    await stock('OLD', 5);
    const stocktakeId = fresh('COUNT');
    await call('POST', '/v1/stocktakes', { stocktakeId, warehouse: 'TPE', sku: 'OLD' });
    await call('POST', `/v1/stocktakes/${stocktakeId}/complete`, { counted: 6 });
    const url = `/v1/stocktakes/${stocktakeId}`;
    const before = (await call('GET', url)).body;
    await listed<{ type: string }>(
      `/v1/ledger?stocktakeId=${stocktakeId}`,
      'entries',
      (row) => row.type === 'StocktakeCompleted',
    );
    expect(await desk.holdfast.redis.del(desk.holdfast.keys.stocktake(stocktakeId))).toBe(1);
    expect((await call('GET', url)).body).toEqual(before);
    expect(problemOf(await call('GET', '/v1/stocktakes/never'))).toMatchObject({ code: 'unknown-stocktake' });
  });
});

test('after all this hot path and ledger agree', async () => {
  const { verdict, findings } = await desk.holdfast.audit();
  expect({ verdict, findings }).toEqual({ verdict: 'agree', findings: [] });
});
