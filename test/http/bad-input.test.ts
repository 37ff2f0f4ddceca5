/**
 * Goal: whatever comes in, a bad request is answered 4xx with the field named, and leaves no trace in Redis.
 * Method: a table of bad requests; all keys of the partition are compared before and after each.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callWithoutTrace, expectInvalid, type OpenServer, openServer } from './open-server.ts';

let server: OpenServer;
beforeAll(async () => {
  server = await openServer();
  await server.stock('A', 1_000);
  await server.call('POST', '/v1/reservations', { orderId: 'held', lines: [{ sku: 'A', quantity: 5 }] });
});
afterAll(() => server.close());

const LONG_ID = 'x'.repeat(20 * 1_024);
const RESERVE = 'POST /v1/reservations';
const BATCH = 'POST /v1/reservations/batch';
const RECEIVE = 'POST /v1/stock/receive';
const lines = [{ sku: 'A', quantity: 1 }];
const quantity = (text: string) => `{"orderId":"bad","lines":[{"sku":"A","quantity":${text}}]}`;
const receive = (more: object) => ({ movementId: 'bad', sku: 'A', warehouse: 'TPE', quantity: 1, ...more });

/** Route, body (a text is sent as it is), and the paths the answer names. */
const TABLE: [what: string, route: string, body: unknown, paths: string[]][] = [
  ['quantity NaN', RESERVE, quantity('NaN'), ['']],
  ['quantity "NaN"', RESERVE, quantity('"NaN"'), ['lines[0].quantity']],
  ['quantity as text', RESERVE, quantity('"1"'), ['lines[0].quantity']],
  ['quantity 1e309', RESERVE, quantity('1e309'), ['lines[0].quantity']],
  ['quantity -1e309', RESERVE, quantity('-1e309'), ['lines[0].quantity']],
  ['quantity 2^53+1', RESERVE, quantity('9007199254740993'), ['lines[0].quantity']],
  ['quantity above the limit', RESERVE, quantity('1000000001'), ['lines[0].quantity']],
  ['quantity negative', RESERVE, quantity('-1'), ['lines[0].quantity']],
  ['quantity 0', RESERVE, quantity('0'), ['lines[0].quantity']],
  ['quantity a fraction', RESERVE, quantity('1.5'), ['lines[0].quantity']],
  ['quantity null', RESERVE, quantity('null'), ['lines[0].quantity']],
  ['quantity true', RESERVE, quantity('true'), ['lines[0].quantity']],
  ['quantity a list', RESERVE, quantity('[1]'), ['lines[0].quantity']],
  ['quantity hexadecimal', RESERVE, quantity('0x10'), ['']],
  [
    'lines that come to more than the limit',
    RESERVE,
    { orderId: 'bad', lines: [{ sku: 'A', quantity: 1e9 }, ...lines] },
    ['lines'],
  ],
  ['id of 129 characters', RESERVE, { orderId: 'x'.repeat(129), lines }, ['orderId']],
  ['id of 129 Chinese characters', RESERVE, { orderId: '茶'.repeat(129), lines }, ['orderId']],
  ['id of 20 KiB', RESERVE, { orderId: LONG_ID, lines }, ['orderId']],
  ['id empty', RESERVE, { orderId: '', lines }, ['orderId']],
  ['id with a blank at its end', RESERVE, { orderId: 'a ', lines }, ['orderId']],
  ['id with a wide blank before it', RESERVE, { orderId: '\u3000a', lines }, ['orderId']],
  ['id with a line break behind it', RESERVE, { orderId: 'bad\n', lines }, ['orderId']],
  ['id that is not in NFC', RESERVE, { orderId: 'e\u0301', lines }, ['orderId']],
  ['id with an invisible character', RESERVE, { orderId: 'a\u200bb', lines }, ['orderId']],
  ['id with a zero byte', RESERVE, { orderId: 'a\u0000b', lines }, ['orderId']],
  ['id half a surrogate', RESERVE, '{"orderId":"\\ud800","lines":[{"sku":"A","quantity":1}]}', ['orderId']],
  ['id a number', RESERVE, { orderId: 7, lines }, ['orderId']],
  ['SKU of 20 KiB', RESERVE, { orderId: 'bad', lines: [{ sku: LONG_ID, quantity: 1 }] }, ['lines[0].sku']],
  [
    'warehouse not an id',
    RESERVE,
    { orderId: 'bad', lines: [{ sku: 'A', quantity: 1, warehouse: '' }] },
    ['lines[0].warehouse'],
  ],
  ['no lines', RESERVE, { orderId: 'bad', lines: [] }, ['lines']],
  ['101 lines', RESERVE, { orderId: 'bad', lines: Array(101).fill(lines[0]) }, ['lines']],
  ['lines missing', RESERVE, { orderId: 'bad' }, ['lines']],
  ['lines not a list', RESERVE, { orderId: 'bad', lines: { 0: lines[0] } }, ['lines']],
  ['a line null', RESERVE, { orderId: 'bad', lines: [null] }, ['lines[0]']],
  ['a line a text', RESERVE, { orderId: 'bad', lines: ['A'] }, ['lines[0]']],
  ['an unknown field', RESERVE, { orderId: 'bad', lines, customer: 'C-1' }, ['customer']],
  [
    'an unknown field of a line',
    RESERVE,
    { orderId: 'bad', lines: [{ ...lines[0], price: 1 }] },
    ['lines[0].price'],
  ],
  [
    'everything at once',
    RESERVE,
    { lines: [{ quantity: -1 }], x: 1 },
    ['orderId', 'lines[0].sku', 'lines[0].quantity', 'x'],
  ],
  ['customerId not an id', RESERVE, { orderId: 'bad', lines, customerId: 'a\tb' }, ['customerId']],
  ['saleId a number', RESERVE, { orderId: 'bad', lines, saleId: 7 }, ['saleId']],
  ['an allocation nobody knows', RESERVE, { orderId: 'bad', lines, allocation: 'nearest' }, ['allocation']],
  ['shipTo a text', RESERVE, { orderId: 'bad', lines, shipTo: 'Taipei' }, ['shipTo']],
  [
    'shipTo beyond the poles',
    RESERVE,
    { orderId: 'bad', lines, shipTo: { latitude: 90.1, longitude: -180.1 } },
    ['shipTo.latitude', 'shipTo.longitude'],
  ],
  ['shipTo half said', RESERVE, { orderId: 'bad', lines, shipTo: { latitude: 25 } }, ['shipTo.longitude']],
  [
    'shipTo with an unknown field',
    RESERVE,
    { orderId: 'bad', lines, shipTo: { latitude: 25, longitude: 121, altitude: 9 } },
    ['shipTo.altitude'],
  ],
  [
    'shipTo not a number',
    RESERVE,
    `{"orderId":"bad","lines":[{"sku":"A","quantity":1}],"shipTo":{"latitude":1e999,"longitude":"121"}}`,
    ['shipTo.latitude', 'shipTo.longitude'],
  ],
  ['a batch of none', BATCH, { reservations: [] }, ['reservations']],
  ['a batch of 501', BATCH, { reservations: Array(501).fill({}) }, ['reservations']],
  ['a batch that is a list', BATCH, [{ orderId: 'bad', lines }], ['']],
  ['a batch with a field beside it', BATCH, { reservations: [{}], actor: 'x' }, ['actor']],
  ['holdSeconds 0', RESERVE, { orderId: 'bad', lines, holdSeconds: 0 }, ['holdSeconds']],
  ['holdSeconds above the limit', RESERVE, { orderId: 'bad', lines, holdSeconds: 14_401 }, ['holdSeconds']],
  ['a field twice', RESERVE, '{"orderId":"bad","orderId":"bad","lines":[{"sku":"A","quantity":1}]}', ['']],
  [
    'a field of a line twice',
    RESERVE,
    '{"orderId":"bad","lines":[{"sku":"A","quantity":1,"quantity":2}]}',
    [''],
  ],
  [
    'a field twice, once escaped',
    RESERVE,
    '{"orderId":"bad","order\\u0049d":"x","lines":[{"sku":"A","quantity":1}]}',
    [''],
  ],
  ['__proto__', RESERVE, '{"orderId":"bad","lines":[{"sku":"A","quantity":1}],"__proto__":{"x":1}}', ['']],
  [
    '__proto__ in a line',
    RESERVE,
    '{"orderId":"bad","lines":[{"sku":"A","quantity":1,"__proto__":null}]}',
    [''],
  ],
  [
    'constructor with a prototype',
    RESERVE,
    '{"orderId":"bad","lines":[{"sku":"A","quantity":1}],"constructor":{"prototype":{}}}',
    [''],
  ],
  [
    'constructor with a prototype, escaped and in a line',
    RESERVE,
    '{"orderId":"bad","lines":[{"sku":"A","quantity":1,"\\u0063onstructor":{"prototype":1}}]}',
    [''],
  ],
  ['broken JSON', RESERVE, '{"orderId":"bad","lines":[', ['']],
  ['two JSON values', RESERVE, '{} {}', ['']],
  ['nested too deep', RESERVE, '['.repeat(30_000) + ']'.repeat(30_000), ['']],
  ['an empty body', RESERVE, '', ['']],
  ['null', RESERVE, 'null', ['']],
  ['a list', RESERVE, [{ orderId: 'bad', lines }], ['']],
  ['a text', RESERVE, '"bad"', ['']],
  ['confirm with no lines', 'POST /v1/reservations/held/confirm', { lines: [] }, ['lines']],
  [
    'confirm with reacquire as text',
    'POST /v1/reservations/held/confirm',
    { reacquire: 'yes' },
    ['reacquire'],
  ],
  [
    'confirm with a warehouse that is no id',
    'POST /v1/reservations/held/confirm',
    { proposeTransferTo: '\n' },
    ['proposeTransferTo'],
  ],
  ['an actor in the body of an order', RESERVE, { orderId: 'bad', lines, actor: 'me' }, ['actor']],
  ['an actor in the body of a confirm', 'POST /v1/reservations/held/confirm', { actor: 'me' }, ['actor']],
  ['another order in the body', 'POST /v1/reservations/held/confirm', { orderId: 'held' }, ['orderId']],
  ['confirm with an unknown field', 'POST /v1/reservations/held/confirm', { reason: 'paid' }, ['reason']],
  ['confirm of a bad id', 'POST /v1/reservations/a%0Ab/confirm', {}, ['orderId']],
  ['confirm of an id of 4 KiB', `POST /v1/reservations/${'x'.repeat(4_096)}/confirm`, {}, ['orderId']],
  [
    'confirm with quantity 0, which must not mean all',
    'POST /v1/reservations/held/confirm',
    { lines: [{ sku: 'A', quantity: 0 }] },
    ['lines[0].quantity'],
  ],
  [
    'release with a bad releaseId',
    'POST /v1/reservations/held/release',
    { lines, releaseId: ';\u0007' },
    ['releaseId'],
  ],
  ['extend without a time', 'POST /v1/reservations/held/extend', {}, ['holdSeconds']],
  ['extend by a fraction', 'POST /v1/reservations/held/extend', { holdSeconds: 1.5 }, ['holdSeconds']],
  ['extend without a body', 'POST /v1/reservations/held/extend', undefined, ['']],
  ['receive with a reason of 201 characters', RECEIVE, receive({ reason: 'x'.repeat(201) }), ['reason']],
  ['receive with a line break in the reason', RECEIVE, receive({ reason: 'a\nb' }), ['reason']],
  ['receive of nothing', RECEIVE, receive({ quantity: 0 }), ['quantity']],
  ['receive without an id', RECEIVE, receive({ movementId: undefined }), ['movementId']],
  ['safety stock negative', 'PUT /v1/items/A/warehouses/TPE/safety-stock', { quantity: -1 }, ['quantity']],
  [
    'safety stock of a bad warehouse',
    'PUT /v1/items/A/warehouses/T%00P/safety-stock',
    { quantity: 1 },
    ['warehouse'],
  ],
  ['an item without a name', 'GET /v1/items/', undefined, ['sku']],
  ['an address that cannot be decoded', 'GET /v1/items/%ZZ', undefined, ['']],
  ['an address that is no UTF-8', 'GET /v1/items/%FF', undefined, ['']],
  ['a query that cannot be decoded', 'GET /v1/ledger?sku=%ZZ', undefined, ['']],
  ['a query that is no UTF-8', 'GET /v1/ledger?sku=%E8%8C', undefined, ['']],
  ['ledger page too large', 'GET /v1/ledger?limit=1001', undefined, ['limit']],
  ['ledger page of none', 'GET /v1/ledger?limit=0', undefined, ['limit']],
  ['ledger page as hexadecimal', 'GET /v1/ledger?limit=0x10', undefined, ['limit']],
  ['ledger limit twice', 'GET /v1/ledger?limit=1&limit=2', undefined, ['limit']],
  ['ledger behind nothing', 'GET /v1/ledger?after=-1', undefined, ['after']],
  ['ledger by something else', 'GET /v1/ledger?skuu=A', undefined, ['skuu']],
  ['ledger of a bad movement', 'GET /v1/ledger?movementId=a%00b', undefined, ['movementId']],
  ['ledger of a bad transfer', 'GET /v1/ledger?transferId=', undefined, ['transferId']],
  ['ledger of a bad stocktake', 'GET /v1/ledger?stocktakeId=%20', undefined, ['stocktakeId']],
];

const withoutTrace = (route: string, body: unknown, headers: Record<string, string> = {}) =>
  callWithoutTrace(server, route, body, headers);

describe('400 with every wrong field named', () => {
  test.each(TABLE)('%s', async (_what, route, body, paths) => {
    expectInvalid(await withoutTrace(route, body), paths);
  });

  test('an actor that is no id', async () => {
    for (const actor of ['%00', 'x'.repeat(129), 'a, b', '', '%', '%FF', '\xff']) {
      const answer = await withoutTrace(RESERVE, { orderId: 'bad', lines }, { 'holdfast-actor': actor });
      expect(answer.status).toBe(400);
      expect(answer.body.errors).toMatchObject([{ path: 'Holdfast-Actor' }]);
    }
  });

  test('the list of errors has an end', async () => {
    const body = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`f${i}`, 1]));
    const answer = await withoutTrace(RESERVE, body);
    expect(answer.status).toBe(400);
    expect((answer.body.errors as unknown[]).length).toBe(20);
  });
});

describe('not JSON, too much, nowhere', () => {
  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'nonsense',
    '',
  ])('415 for Content-Type %j', async (type) => {
    const answer = await withoutTrace(RESERVE, JSON.stringify({ orderId: 'bad', lines }), {
      'content-type': type,
    });
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported-media-type']);
  });

  test('413 for a body above 128 KiB', async () => {
    const answer = await withoutTrace(
      RESERVE,
      JSON.stringify({ orderId: 'bad', lines, x: 'x'.repeat(128 * 1_024) }),
    );
    expect([answer.status, answer.body.code]).toEqual([413, 'body-too-large']);
  });

  test('an order of 100 lines with the longest ids is not too large', async () => {
    const long = (i: number) => `${'😀'.repeat(125)}${String(i).padStart(3, '0')}`;
    const many = Array.from({ length: 100 }, (_, i) => ({ sku: long(i), warehouse: long(i), quantity: 1e9 }));
    const answer = await withoutTrace(RESERVE, { orderId: long(0), lines: many, holdSeconds: 14_400 });
    expect([answer.status, answer.body.code]).toEqual([404, 'unknown-item']);
    expect(answer.body.items).toHaveLength(100);
  });

  test.each(['GET /', 'GET /v1', 'POST /v1/reservation', 'GET /v1/reservations/a/b', 'GET /V1/items/A'])(
    '404 for %s',
    async (route) => {
      const answer = await withoutTrace(route, undefined);
      expect([answer.status, answer.body.code]).toEqual([404, 'not-found']);
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    },
  );

  test.each([
    ['DELETE /v1/reservations/held', 'GET, HEAD'],
    ['GET /v1/reservations', 'POST'],
    ['PUT /v1/reservations/batch', 'POST, GET, HEAD'],
    ['DELETE /v1/warehouses/TPE', 'PUT'],
    ['POST /v1/items/A', 'GET, HEAD'],
    ['PATCH /v1/items/A/warehouses/TPE/safety-stock', 'PUT'],
    ['GET /v1/reservations/held/confirm', 'POST'],
  ])('405 for %s', async (route, allow) => {
    const answer = await withoutTrace(route, undefined);
    expect([answer.status, answer.body.code, answer.headers.allow]).toEqual([
      405,
      'method-not-allowed',
      allow,
    ]);
  });
});
