/**
 * Goal: a payment that comes after its hold expired is refused, unless it asks to take the stock again: then it is sold
 * where the stock is there, and told `paid-but-short` where it is not. On a real Redis with a clock that the test turns.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenServer, openServer, problemOf } from './open-server.ts';

const startMs = Date.now();
let server: OpenServer;
beforeAll(async () => {
  server = await openServer({ turnedClockMs: startMs });
});
afterAll(() => server.close());

const R = '/v1/reservations';
let nowMs = startMs;
/** An order whose hold has expired. */
async function expired(orderId: string, sku: string, quantity: number): Promise<void> {
  await server.call('POST', R, { orderId, lines: [{ sku, quantity }], holdSeconds: 1 });
  nowMs += 2_000;
  await server.setTime(nowMs);
}
const pay = (orderId: string, body?: object) => server.call('POST', `${R}/${orderId}/confirm`, body);

test('is refused by default, and sold where it asks and the stock is there', async () => {
  await server.stock('L-1', 5);
  await expired('late-1', 'L-1', 2);
  expect(problemOf(await pay('late-1'))).toMatchObject({ status: 410, code: 'reservation-expired' });
  expect(problemOf(await pay('late-1', { reacquire: false }))).toMatchObject({ status: 410 });
  const sold = await pay('late-1', { reacquire: true });
  expect([sold.status, sold.headers['idempotent-replayed']]).toEqual([200, undefined]);
  expect(sold.body).toMatchObject({
    status: 'CONFIRMED',
    lines: [{ sku: 'L-1', warehouse: 'TPE', quantity: 2 }],
  });
  const again = await pay('late-1', { reacquire: true });
  expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
  expect((await server.call('GET', '/v1/items/L-1')).body).toMatchObject({
    sold: 2,
    available: 3,
    reserved: 0,
  });
});

test('is short where others have it now, and people are told once', async () => {
  await server.stock('L-2', 2);
  await expired('late-2', 'L-2', 2);
  await server.call('POST', R, { orderId: 'faster', lines: [{ sku: 'L-2', quantity: 1 }] });
  const shortages = [{ sku: 'L-2', requested: 2, available: 1 }];
  for (let i = 0; i < 2; i++) {
    const short = await pay('late-2', { reacquire: true });
    expect(problemOf(short)).toMatchObject({ status: 409, code: 'paid-but-short', shortages });
  }
  expect((await server.call('GET', `${R}/late-2`)).body.status).toBe('EXPIRED');
  expect((await server.dump()).match(/PaymentCameShort late-2/g)).toHaveLength(1);
  await server.stock('L-2', 1);
  expect((await pay('late-2', { reacquire: true })).body).toMatchObject({ status: 'CONFIRMED' });
});

test('while the item is counted it waits, as any confirm does', async () => {
  await server.stock('L-3', 2);
  await expired('late-3', 'L-3', 1);
  await server.call('POST', '/v1/stocktakes', { stocktakeId: 'count', warehouse: 'TPE', sku: 'L-3' });
  expect(problemOf(await pay('late-3', { reacquire: true }))).toMatchObject({ status: 423 });
});
