/**
 * Goal: every id that is one passes through HTTP unchanged: in bodies, paths, queries, the header of the actor, problem
 * members and pages. Method: the ids of real catalogues and those that look like something else, against a real Redis.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NASTY_IDS } from '../domain/ids.ts';
import { type Answer, ledgerWith, type OpenServer, openServer } from './open-server.ts';

const SENT: unknown[] = [];
let server: OpenServer;
beforeAll(async () => {
  const entries = async (query: unknown) => {
    SENT.push(query);
    return { entries: [], next: null };
  };
  server = await openServer({}, { ledger: ledgerWith({ read: { entries } }) });
});
afterAll(() => server.close());

const encode = encodeURIComponent;
/** Of a path: clients take "." and ".." for steps in the tree, encoded or not. */
const IN_PATHS = NASTY_IDS.filter((id) => id !== '.');

test.each(IN_PATHS)('%j goes through bodies, paths, answers and the header of the actor', async (id) => {
  const receipt = { movementId: id, sku: id, warehouse: id, quantity: 5 };
  const actor = { 'holdfast-actor': encode(id) };
  expect((await server.call('POST', '/v1/stock/receive', receipt, actor)).status).toBe(201);
  const item = await server.call('GET', `/v1/items/${encode(id)}`);
  expect(item.body).toMatchObject({ sku: id, available: 5, warehouses: [{ warehouse: id }] });
  const order = { orderId: id, lines: [{ sku: id, warehouse: id, quantity: 2 }], customerId: id };
  const held = await server.call('POST', '/v1/reservations', order, actor);
  expect(held).toMatchObject({ status: 201, body: { orderId: id, customerId: id, lines: order.lines } });
  expect((await server.call('GET', `/v1/reservations/${encode(id)}`)).body).toEqual(held.body);
  const short = await server.call('POST', '/v1/reservations', {
    orderId: 'short',
    lines: [{ sku: id, quantity: 9 }],
  });
  expect(short.body.shortages).toEqual([{ sku: id, requested: 9, available: 3 }]);
  const level = `/v1/items/${encode(id)}/warehouses/${encode(id)}/safety-stock`;
  expect((await server.call('PUT', level, { quantity: 1 })).body).toMatchObject({ sku: id, safetyStock: 1 });
  const released = await server.call('POST', `/v1/reservations/${encode(id)}/release`, undefined, actor);
  expect(released.body).toMatchObject({ orderId: id, status: 'RELEASED' });
});

test.each(IN_PATHS)('%j goes through a lock and a transfer, and into their problems', async (id) => {
  const [sku, from] = [`sku ${id}`.slice(0, 100).trim(), id];
  await server.stock(sku, 5, from);
  const goods = { transferId: id, sku, from, to: 'elsewhere', quantity: 1 };
  expect((await server.call('POST', '/v1/transfers', goods)).body).toMatchObject({
    transferId: id,
    sku,
    from,
  });
  await server.call('POST', `/v1/transfers/${encode(id)}/receive`, { received: 1 });
  const again = await server.call('POST', `/v1/transfers/${encode(id)}/receive`, {
    received: 1,
    receiptId: id,
  });
  expect(again.body).toMatchObject({ code: 'transfer-ended', transfer: { transferId: id, sku, from } });
  const count = { stocktakeId: id, warehouse: from, sku };
  expect((await server.call('POST', '/v1/stocktakes', count)).status).toBe(201);
  const order = { orderId: 'locked', lines: [{ sku, quantity: 1, warehouse: from }] };
  const locked = await server.call('POST', '/v1/reservations', order);
  expect(locked.body).toMatchObject({ code: 'stocktake-in-progress' });
  expect(locked.body.items).toMatchObject([{ sku, warehouse: from, stocktakeId: id }]);
  const cancelled = await server.call('POST', `/v1/stocktakes/${encode(id)}/cancel`, { sku });
  expect(cancelled.body).toMatchObject({ stocktakeId: id, lines: [{ sku, warehouse: from }] });
});

test.each(NASTY_IDS)('%j goes through a query', async (id) => {
  const query = `sku=${encode(id)}&warehouse=${encode(id)}&orderId=${encode(id)}`;
  expect((await server.call('GET', `/v1/ledger?${query}`)).status).toBe(200);
  expect(SENT.at(-1)).toEqual({ sku: id, warehouse: id, orderId: id, limit: 100 });
});

test('six of the longest ids fit one address', async () => {
  const longest = encode('😀'.repeat(128));
  const fields = ['sku', 'warehouse', 'orderId', 'movementId', 'transferId', 'stocktakeId'];
  const query = fields.map((field) => `${field}=${longest}`).join('&');
  const url = await server.app.listen({ port: 0 });
  expect((await fetch(`${url}/v1/ledger?${query}`)).status).toBe(200);
});

test('an actor may be plain UTF-8 in the header, or percent-encoded', async () => {
  const actors = ['倉管 小陳', 'buyer@example.com', 'two words', 'Zoë'];
  const receipt = (i: string) => ({ movementId: i, sku: 'BY', warehouse: 'TPE', quantity: 1 });
  const statuses: Answer['status'][] = [];
  for (const [i, actor] of actors.entries()) {
    const plain = { 'holdfast-actor': Buffer.from(actor).toString('latin1') };
    statuses.push((await server.call('POST', '/v1/stock/receive', receipt(`plain-${i}`), plain)).status);
    const encoded = { 'holdfast-actor': encode(actor) };
    statuses.push((await server.call('POST', '/v1/stock/receive', receipt(`encoded-${i}`), encoded)).status);
  }
  expect(statuses).toEqual(Array(8).fill(201));
  const events = await server.redis.xrange(server.hot.keys.events, '-', '+');
  const text = JSON.stringify(events);
  for (const [i, actor] of actors.entries()) {
    const escaped = encode(actor);
    expect(text).toMatch(new RegExp(`plain-${i} ${escaped.replaceAll('.', '\\.')}`));
    expect(text).toMatch(new RegExp(`encoded-${i} ${escaped.replaceAll('.', '\\.')}`));
  }
});
