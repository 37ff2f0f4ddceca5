/**
 * A day in a shop as requests over HTTP: every kind of command, ids as the release before takes them, one order for each
 * way an order can end (none with ":" is refused: the release before answers a fault then). What a release has to read back, repeat and carry on when it takes over the stores of another.
 */
import { expect } from 'vitest';
import { until } from '../holdfast.ts';
import type { Api } from './release.ts';

interface Step {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly body?: object;
  readonly status: number;
  /** Whether the same request later is answered as a repeat; not where the thing has moved on since. */
  readonly isRepeatable: boolean;
}

const HOUR_MS = 3_600_000;
const opensAt = new Date(Date.now() - HOUR_MS).toISOString();
const closesAt = new Date(Date.now() + HOUR_MS).toISOString();

function post(path: string, body: object | undefined, status: number, isRepeatable = true): Step {
  return { method: 'POST', path, ...(body && { body }), status, isRepeatable };
}

function put(path: string, body: object, status: number): Step {
  return { method: 'PUT', path, body, status, isRepeatable: false };
}

function receive(sku: string, warehouse: string, quantity: number): Step {
  return post('/v1/stock/receive', { movementId: `in:${sku}.${warehouse}`, sku, warehouse, quantity }, 201);
}

function reserve(orderId: string, sku: string, quantity: number, more: object = {}): Step {
  return post('/v1/reservations', { orderId, lines: [{ sku, quantity }], ...more }, 201);
}

function order(orderId: string, verb: string, body?: object): Step {
  return post(`/v1/reservations/${orderId}/${verb}`, body, 200);
}

const ofMug = { sku: 'MUG.2', warehouse: 'TPE' };
export const MORNING: readonly Step[] = [
  put('/v1/warehouses/TPE', { name: 'Taipei', latitude: 25.03, longitude: 121.56 }, 201),
  put('/v1/warehouses/KHH', { name: '高雄', latitude: 22.63, longitude: 120.3 }, 201),
  receive('TEA-1', 'TPE', 100),
  receive('TEA-1', 'KHH', 50),
  receive('MUG.2', 'TPE', 60),
  receive('PEN_3', 'TPE', 30),
  receive('BOX:5', 'KHH', 20),
  receive('CUP-6', 'KHH', 3),
  // The first order in Taipei falls under it: an alert.
  put('/v1/items/TEA-1/warehouses/TPE/safety-stock', { quantity: 100 }, 200),
  reserve('lapsed-1', 'PEN_3', 1, { holdSeconds: 1 }),
  reserve('late-1', 'PEN_3', 2, { holdSeconds: 1 }),
  reserve('short-1', 'CUP-6', 2, { holdSeconds: 1 }),
  reserve('held-1', 'TEA-1', 2, { customerId: 'customer-1', shipTo: { latitude: 25, longitude: 121.5 } }),
  post(
    '/v1/reservations',
    {
      orderId: 'held:2',
      lines: [
        { sku: 'TEA-1', quantity: 1 },
        { sku: 'BOX:5', quantity: 2 },
      ],
    },
    201,
  ),
  post('/v1/reservations/held-1/extend', { holdSeconds: 3_600 }, 200, false),
  reserve('paid-1', 'MUG.2', 3),
  order('paid-1', 'confirm'),
  reserve('gone-1', 'MUG.2', 4),
  order('gone-1', 'release'),
  reserve('part-1', 'MUG.2', 5),
  order('part-1', 'release', { lines: [{ sku: 'MUG.2', quantity: 2 }], releaseId: 'r1' }),
  post('/v1/stock/issue', { movementId: 'out-1', ...ofMug, quantity: 1, reason: 'broken; 破, 損' }, 201),
  post('/v1/stock/ship', { movementId: 'ship-1', ...ofMug, quantity: 2, orderId: 'paid-1' }, 201),
  post('/v1/stock/return', { movementId: 'back-1', ...ofMug, quantity: 1, orderId: 'paid-1' }, 201),
  post(
    '/v1/sales',
    { saleId: 'S-11', sku: 'MUG.2', opensAt, closesAt, quantity: 20, limitPerCustomer: 2 },
    201,
  ),
  reserve('sale-1', 'MUG.2', 1, { saleId: 'S-11', customerId: 'customer-1' }),
  order('sale-1', 'confirm'),
  reserve('sale-2', 'MUG.2', 1, { saleId: 'S-11', customerId: 'customer-1' }),
  post('/v1/transfers', { transferId: 'T-1', sku: 'TEA-1', from: 'TPE', to: 'KHH', quantity: 10 }, 201),
  post('/v1/transfers/T-1/receive', { received: 4, rejected: 1, receiptId: 'R-1' }, 200),
  post('/v1/transfers', { transferId: 'T-2', sku: 'PEN_3', from: 'TPE', to: 'KHH', quantity: 5 }, 201),
  post('/v1/transfers/T-2/cancel', undefined, 200),
];
/** After the short holds have expired. */
export const AFTERNOON: readonly Step[] = [
  order('late-1', 'confirm', { reacquire: true }),
  post(
    '/v1/stock/issue',
    { movementId: 'out-2', sku: 'CUP-6', warehouse: 'KHH', quantity: 3, reason: 'x' },
    201,
  ),
  post('/v1/reservations/short-1/confirm', { reacquire: true }, 409, false),
  post('/v1/stocktakes', { stocktakeId: 'COUNT-1', warehouse: 'TPE', sku: 'PEN_3' }, 201),
  post('/v1/stocktakes', { stocktakeId: 'COUNT-2', warehouse: 'KHH', sku: 'BOX:5' }, 201, false),
  post('/v1/stocktakes/COUNT-2/complete', { counted: 21, reason: 'one more' }, 200),
  put('/v1/webhooks/refill', { url: 'http://127.0.0.1:9/none', secret: `whsec_${'A'.repeat(32)}` }, 201),
];

const READINGS = [
  ...['TEA-1', 'MUG.2', 'PEN_3', 'BOX:5', 'CUP-6'].map((sku) => `/v1/items/${sku}`),
  ...[
    'held-1',
    'held:2',
    'paid-1',
    'gone-1',
    'part-1',
    'lapsed-1',
    'late-1',
    'short-1',
    'sale-1',
    'sale-2',
  ].map((orderId) => `/v1/reservations/${orderId}`),
  ...['T-1', 'T-2'].map((id) => `/v1/transfers/${id}`),
  ...['COUNT-1', 'COUNT-2'].map((id) => `/v1/stocktakes/${id}`),
  '/v1/sales/S-11',
  '/v1/ledger?limit=1000',
  '/v1/alerts',
  '/v1/warehouses',
  '/v1/transfers',
  '/v1/stocktakes',
  '/v1/sales',
  '/v1/shortfalls',
  '/v1/items/TEA-1/warehouses/TPE/explain',
  '/v1/items/MUG.2/warehouses/TPE/as-of?version=3',
];

async function play(api: Api, steps: readonly Step[]): Promise<void> {
  for (const { method, path, body, status } of steps) {
    const answer = await api.call(method, path, body);
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(status);
  }
}

/** Plays the whole day and waits until the ledger has all of it. */
export async function playDay(api: Api): Promise<void> {
  await play(api, MORNING);
  await until(async () => {
    const orders = await Promise.all(
      ['lapsed-1', 'late-1', 'short-1'].map((id) => api.call('GET', `/v1/reservations/${id}`)),
    );
    return orders.every(({ body }) => body.status === 'EXPIRED');
  });
  await play(api, AFTERNOON);
  const last = { movementId: 'last', sku: 'BOX:5', warehouse: 'KHH', quantity: 1 };
  const inLedger = await api.call('POST', '/v1/stock/receive', last, { 'holdfast-ack': 'ledger' });
  expect(inLedger.status).toBe(201);
}

/** Everything the day left behind, as a caller sees it. */
export async function readDay(api: Api): Promise<Record<string, unknown>> {
  const read: Record<string, unknown> = {};
  for (const path of READINGS) {
    const { status, body } = await api.call('GET', path);
    expect(status, `${path}: ${JSON.stringify(body)}`).toBe(200);
    read[path] = body;
  }
  return read;
}

/** Sends the day's requests once more: each is a repeat. */
export async function repeatDay(api: Api): Promise<void> {
  for (const { method, path, body, isRepeatable } of [...MORNING, ...AFTERNOON]) {
    if (!isRepeatable) continue;
    const answer = await api.call(method, path, body);
    const seen = { status: answer.status, isReplayed: answer.isReplayed };
    expect(seen, `${method} ${path}: ${JSON.stringify(answer.body)}`).toEqual({
      status: 200,
      isReplayed: true,
    });
  }
}

/** Brings to an end what the day left open. */
export async function endDay(api: Api): Promise<void> {
  await play(api, [
    order('held-1', 'confirm'),
    order('held:2', 'confirm', { lines: [{ sku: 'BOX:5', quantity: 2 }] }),
    order('part-1', 'release'),
    order('sale-2', 'confirm'),
    post('/v1/transfers/T-1/receive', { received: 5, receiptId: 'R-2' }, 200),
    post('/v1/stocktakes/COUNT-1/complete', { counted: 27 }, 200),
    // What the customer has bought in the sale still counts.
    post(
      '/v1/reservations',
      { orderId: 'sale-3', lines: [{ sku: 'MUG.2', quantity: 1 }], saleId: 'S-11', customerId: 'customer-1' },
      409,
    ),
    post('/v1/sales/S-11/close', undefined, 200),
  ]);
}
