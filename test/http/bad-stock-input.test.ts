/**
 * Goal: whatever warehouse people and sellers send, a bad field of any of their routes is answered 400 with its name, and
 * leaves no trace in Redis. Method: as bad-input.test.ts, which does the same for orders; each row spoils a good body.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callWithoutTrace, expectInvalid, type OpenServer, openServer } from './open-server.ts';

let server: OpenServer;
beforeAll(async () => {
  server = await openServer();
  await server.stock('A', 1_000);
  await server.stock('B', 10);
});
afterAll(() => server.close());

const movement = { movementId: 'bad', sku: 'A', warehouse: 'TPE', quantity: 1 };
const issue = { ...movement, reason: 'broken' };
const correction = {
  movementId: 'bad',
  sku: 'A',
  warehouse: 'TPE',
  total: 999,
  expectedVersion: 1,
  reason: 'recounted',
};
const start = { stocktakeId: 'bad', warehouse: 'TPE', sku: 'A' };
const dispatch = { transferId: 'bad', sku: 'A', from: 'TPE', to: 'KHH', quantity: 1 };
const sale = {
  saleId: 'bad',
  sku: 'A',
  opensAt: '2030-11-11T00:00:00+08:00',
  closesAt: '2030-11-12T00:00:00+08:00',
  quantity: 10,
};
const NO_ID = 'a\nb';
const LONG_REASON = 'x'.repeat(201);

/** A good body, and for each field what spoils it; the answer names that field. `undefined` leaves it out. */
const SPOILT: [route: string, good: object, spoilers: Record<string, unknown[]>][] = [
  [
    'POST /v1/stock/issue',
    issue,
    {
      movementId: [undefined, NO_ID, 7],
      sku: [undefined, NO_ID],
      warehouse: [undefined, '\u200b'],
      quantity: [undefined, 0, -1, 1.5, '1', 1_000_000_001, null],
      reason: [undefined, '', ' ', 7, LONG_REASON, 'a\nb'],
      orderId: ['O-1'],
    },
  ],
  [
    'POST /v1/stock/ship',
    movement,
    {
      movementId: [undefined, ''],
      sku: [undefined, NO_ID],
      warehouse: [undefined, NO_ID],
      quantity: [undefined, 0],
      orderId: [NO_ID, null],
      reason: [LONG_REASON, '\u0007'],
      expectedVersion: [1],
    },
  ],
  [
    'POST /v1/stock/return',
    movement,
    {
      movementId: [undefined, 'x'.repeat(129)],
      sku: [undefined, ' A'],
      warehouse: [undefined, NO_ID],
      quantity: [undefined, 0],
      orderId: [NO_ID],
      disposition: ['burn', 'RESTOCK', null, true],
      reason: [LONG_REASON],
    },
  ],
  [
    'POST /v1/stock/return',
    { ...movement, disposition: 'write-off', reason: 'torn' },
    { reason: [undefined, ''] },
  ],
  [
    'POST /v1/stock/correct',
    correction,
    {
      movementId: [undefined, NO_ID],
      sku: [undefined, NO_ID],
      warehouse: [undefined, NO_ID],
      total: [undefined, -1, 0.5, '7', 1_000_000_001],
      expectedVersion: [undefined, -1, 1.5, '1', 2 ** 53],
      reason: [undefined, '', LONG_REASON],
      quantity: [1],
    },
  ],
  [
    'POST /v1/stocktakes',
    start,
    {
      stocktakeId: [undefined, NO_ID],
      warehouse: [undefined, NO_ID],
      sku: [NO_ID, null, ['A']],
      leaseSeconds: [0, 14_401, 1.5, '60'],
      reason: ['x'],
      skus: [['A']],
    },
  ],
  [
    'POST /v1/stocktakes',
    { stocktakeId: 'bad', warehouse: 'TPE', skus: ['A'] },
    { skus: [[], 'A', Array(5_001).fill('A'), null] },
  ],
  [
    'POST /v1/stocktakes/open/complete',
    { sku: 'A', counted: 5 },
    {
      counted: [undefined, -1, 0.5, '5', 1_000_000_001],
      sku: [NO_ID],
      warehouse: [NO_ID],
      reason: [7, LONG_REASON, 'a\nb'],
      shortfall: ['release', 'RELEASE-NEWEST', null],
      counts: [[{ sku: 'A', counted: 5 }]],
      difference: [1],
    },
  ],
  [
    'POST /v1/stocktakes/open/complete',
    { counts: [{ sku: 'A', counted: 5 }] },
    { counts: [[], 5, Array(5_001).fill({ sku: 'A', counted: 5 })], sku: ['A'], warehouse: ['TPE'] },
  ],
  ['POST /v1/stocktakes/open/cancel', { sku: 'A' }, { sku: [NO_ID, 7], warehouse: [NO_ID], counted: [5] }],
  [
    'POST /v1/transfers',
    dispatch,
    {
      transferId: [undefined, NO_ID],
      sku: [undefined, NO_ID],
      from: [undefined, NO_ID],
      to: [undefined, NO_ID, 'TPE'],
      quantity: [undefined, 0, -1, 1.5],
      reason: [LONG_REASON, 'a\nb'],
      proposalId: [0, 1.5, '1', -1],
      receiptId: ['R-1'],
    },
  ],
  [
    'POST /v1/transfers/moving/receive',
    { received: 1 },
    {
      received: [undefined, -1, 0, 1.5, '1', 1_000_000_001],
      rejected: [-1, 0.5, '1'],
      receiptId: [NO_ID],
      quantity: [1],
    },
  ],
  ['POST /v1/transfers/moving/cancel', {}, { reason: ['late'] }],
  [
    'POST /v1/sales',
    sale,
    {
      saleId: [undefined, NO_ID],
      sku: [undefined, NO_ID],
      opensAt: [
        undefined,
        '2030-11-11',
        '2030-11-11T00:00:00',
        '2030-02-30T00:00:00Z',
        'soon',
        1_800_000_000_000,
      ],
      closesAt: [undefined, '2030-11-11T24:00:01Z', sale.opensAt, '2030-11-10T00:00:00+08:00'],
      quantity: [undefined, 0, 1.5],
      limitPerCustomer: [-1, 0.5, '2'],
      left: [1],
    },
  ],
  ['POST /v1/sales/bad/close', {}, { now: [true] }],
  [
    'PUT /v1/warehouses/TPE',
    { name: 'Taipei', latitude: 25.03, longitude: 121.56 },
    {
      name: [undefined, '', 'x'.repeat(101), 'a\nb', 7],
      latitude: [undefined, 90.1, -91, '25', null],
      longitude: [undefined, 180.1, '121', null],
      id: ['TPE'],
    },
  ],
  ['POST /v1/transfer-proposals/1/dismiss', {}, { reason: ['no'] }],
  [
    'POST /v1/shortfalls/O-1/resolve',
    { resolution: 'refunded' },
    { resolution: [undefined, '', 7, LONG_REASON, 'a\nb'], actor: ['x'] },
  ],
];
const ROWS = SPOILT.flatMap(([route, good, spoilers]) =>
  Object.entries(spoilers).flatMap(([field, values]) =>
    values.map((value) => ({ route, field, value: short(value), body: { ...good, [field]: value } })),
  ),
);

function short(value: unknown): string {
  return value === undefined ? 'left out' : (JSON.stringify(value)?.slice(0, 40) ?? String(value));
}

describe('400 with the wrong field named', () => {
  test.each(ROWS)('$route: $field $value', async ({ route, field, body }) => {
    expectInvalid(await callWithoutTrace(server, route, body), [field]);
  });

  test.each([
    [
      'one SKU of many',
      'POST /v1/stocktakes',
      { stocktakeId: 'bad', warehouse: 'TPE', skus: ['A', NO_ID] },
      'skus[1]',
    ],
    [
      'one count of many',
      'POST /v1/stocktakes/open/complete',
      {
        counts: [
          { sku: 'A', counted: 5 },
          { sku: 'B', counted: -1 },
        ],
      },
      'counts[1].counted',
    ],
    [
      'an unknown field of a count',
      'POST /v1/stocktakes/open/complete',
      { counts: [{ sku: 'A', counted: 5, reason: 'x' }] },
      'counts[0].reason',
    ],
    ['a stocktake of a bad id', 'GET /v1/stocktakes/a%0Ab', undefined, 'stocktakeId'],
    ['a count on a sheet of a bad id', 'POST /v1/stocktakes/a%0Ab/complete', { counted: 1 }, 'stocktakeId'],
    ['a cancellation of a bad id', 'POST /v1/stocktakes/a%0Ab/cancel', {}, 'stocktakeId'],
    ['a transfer of a bad id', 'GET /v1/transfers/a%0Ab', undefined, 'transferId'],
    ['a receipt of a bad transfer', 'POST /v1/transfers/a%0Ab/receive', { received: 1 }, 'transferId'],
    ['a cancelled bad transfer', 'POST /v1/transfers/a%0Ab/cancel', {}, 'transferId'],
    ['a sale of a bad id', 'GET /v1/sales/a%0Ab', undefined, 'saleId'],
    ['a closed bad sale', 'POST /v1/sales/a%0Ab/close', {}, 'saleId'],
    ['a warehouse of a bad id', 'PUT /v1/warehouses/a%0Ab', { name: 'x' }, 'warehouse'],
    ['a proposal that is no number', 'POST /v1/transfer-proposals/x/dismiss', {}, 'proposalId'],
    ['a case of a bad order', 'POST /v1/shortfalls/a%0Ab/resolve', { resolution: 'x' }, 'orderId'],
    ['transfers in no state', 'GET /v1/transfers?state=lost', undefined, 'state'],
    ['transfers behind nothing', 'GET /v1/transfers?after=x', undefined, 'after'],
    ['too many transfers', 'GET /v1/transfers?limit=1001', undefined, 'limit'],
    ['proposals in no state', 'GET /v1/transfer-proposals?state=OPEN', undefined, 'state'],
    ['proposals behind nothing', 'GET /v1/transfer-proposals?after=0', undefined, 'after'],
    ['no proposals', 'GET /v1/transfer-proposals?limit=0', undefined, 'limit'],
    ['stocktakes in no state', 'GET /v1/stocktakes?state=closed', undefined, 'state'],
    ['stocktakes behind a bad id', 'GET /v1/stocktakes?after=a%0Ab', undefined, 'after'],
    ['half a stocktake', 'GET /v1/stocktakes?limit=0.5', undefined, 'limit'],
    ['sales of a bad SKU', 'GET /v1/sales?sku=a%0Ab', undefined, 'sku'],
    ['sales behind nothing', 'GET /v1/sales?after=-1', undefined, 'after'],
    ['sales by something else', 'GET /v1/sales?state=open', undefined, 'state'],
    ['cases in no state', 'GET /v1/shortfalls?state=new', undefined, 'state'],
    ['cases behind nothing', 'GET /v1/shortfalls?after=a', undefined, 'after'],
    ['warehouses behind a bad id', 'GET /v1/warehouses?after=%00', undefined, 'after'],
    ['too many warehouses', 'GET /v1/warehouses?limit=5000', undefined, 'limit'],
  ])('%s', async (_what, route, body, path) => {
    expectInvalid(await callWithoutTrace(server, route, body), [path]);
  });

  test('an actor that is no id, also where only the ledger is told', async () => {
    for (const [route, body] of [
      ['POST /v1/stock/issue', issue],
      ['POST /v1/stocktakes', start],
      ['POST /v1/transfers', dispatch],
      ['POST /v1/sales', sale],
      ['POST /v1/transfer-proposals/1/dismiss', {}],
      ['POST /v1/shortfalls/O-1/resolve', { resolution: 'refunded' }],
    ] as const) {
      const answer = await callWithoutTrace(server, route, body, { 'holdfast-actor': '%00' });
      expectInvalid(answer, ['Holdfast-Actor']);
    }
  });
});

describe('413 only where it is needed', () => {
  const padded = (bytes: number) => JSON.stringify({ x: 'x'.repeat(bytes) });
  test.each([
    ['POST /v1/reservations/batch', 9 * 1_024 * 1_024],
    ['POST /v1/stocktakes', 1_280 * 1_024],
    ['POST /v1/stocktakes/open/complete', 1_280 * 1_024],
    ['POST /v1/transfers', 128 * 1_024],
    ['POST /v1/sales', 128 * 1_024],
  ])('%s takes %d bytes', async (route, bytes) => {
    const [method = '', url = ''] = route.split(' ');
    expect((await server.call(method, url, padded(bytes - 8))).status).toBe(400);
    expect((await server.call(method, url, padded(bytes))).status).toBe(413);
  });
});
