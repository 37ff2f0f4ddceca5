/**
 * D14: hot path and ledger are compared at the same version: traffic raises no alarm, and every way of tampering is found.
 */
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type TestHoldfast, testHoldfast } from '../holdfast.ts';

let holdfast: TestHoldfast;
beforeEach(async () => {
  holdfast = await testHoldfast();
  const { hot } = holdfast;
  await hot.receive({ movementId: 'm1', sku: 'A', warehouse: 'east', quantity: 1_000 });
  await hot.receive({ movementId: 'm2', sku: 'B', warehouse: 'west', quantity: 1_000 });
  await hot.reserve({ orderId: 'open', lines: [{ sku: 'A', quantity: 5 }] });
  await holdfast.working().writeBehind.drained();
});
afterEach(async () => {
  await holdfast.close();
});

test('live traffic raises no alarm', async () => {
  const { hot } = holdfast;
  let isOver = false;
  let orders = 0;
  const buyers = Array.from({ length: 16 }, async (_, buyer) => {
    while (!isOver) {
      const orderId = `live-${buyer}-${orders++}`;
      await hot.reserve({ orderId, lines: [{ sku: buyer % 2 ? 'A' : 'B', quantity: 1 }] });
      if (orders % 3 === 0) await hot.confirm({ orderId });
      else await hot.release({ orderId });
    }
  });
  for (let i = 0; i < 5; i++)
    expect(await holdfast.audit()).toMatchObject({ verdict: 'agree', findingsTotal: 0 });
  isOver = true;
  await Promise.all(buyers);
  expect(orders).toBeGreaterThan(100);
});

test('tampered figures are found, with both sides', async () => {
  const { redis, keys } = holdfast;
  await redis.hset(keys.sku('A'), 'east', '1000 996 4 0 2 0 0');
  const result = await holdfast.audit();
  expect(result.verdict).toBe('drift');
  expect(result.findings).toEqual([
    expect.objectContaining({
      kind: 'figures',
      sku: 'A',
      warehouse: 'east',
      version: 2,
      hotPath: expect.objectContaining({ available: 996 }),
      ledger: expect.objectContaining({ available: 995 }),
    }),
  ]);
});

test.each([
  [
    'an item that vanished',
    'missing-in-hot-path',
    (h: TestHoldfast) => h.redis.hdel(h.keys.sku('B'), 'west'),
  ],
  [
    'an item out of nowhere',
    'missing-in-ledger',
    (h: TestHoldfast) => h.redis.hset(h.keys.sku('C'), 'east', '1 1 0 0 1 0 0'),
  ],
  [
    'a text that cannot be read',
    'figures',
    (h: TestHoldfast) => h.redis.hset(h.keys.sku('B'), 'west', 'nonsense'),
  ],
  ['a hold that vanished', 'hold', (h: TestHoldfast) => h.redis.del(h.keys.reservation('open'))],
  [
    'a hold with another quantity',
    'hold',
    (h: TestHoldfast) =>
      h.redis.set(h.keys.reservation('open'), `ACTIVE ${Date.now()} 1800000 A@east=6 - - -`),
  ],
  [
    'a hold out of nowhere',
    'hold',
    (h: TestHoldfast) => h.redis.set(h.keys.reservation('ghost'), `ACTIVE ${Date.now()} 1800000 A@east=1`),
  ],
])('%s is found', async (_, kind, tamper) => {
  await tamper(holdfast);
  const result = await holdfast.audit();
  expect(result.verdict).toBe('drift');
  expect(result.findings.map((finding) => finding.kind)).toContain(kind);
});

test('a ledger that does not follow from its own entries is found', async () => {
  const client = new pg.Client({ connectionString: holdfast.databaseUrl });
  await client.connect();
  await client.query(`UPDATE items SET available = available - 1, sold = sold + 1 WHERE sku = 'B'`);
  await client.query(`UPDATE reservations SET lines = 'A@east=4' WHERE order_id = 'open'`);
  await client.end();
  const result = await holdfast.audit();
  expect(result.findings.map(({ kind, sku }) => `${kind} ${sku}`).sort()).toEqual([
    'figures B',
    'hold A',
    'ledger-sum A',
    'ledger-sum B',
  ]);
});

test('without a worker the audit says that it is incomplete, and does not guess', async () => {
  await holdfast.stopWorker();
  await holdfast.hot.reserve({ orderId: 'not-carried', lines: [{ sku: 'A', quantity: 1 }] });
  const result = await holdfast.audit(50);
  expect(result).toMatchObject({ verdict: 'incomplete', findingsTotal: 0 });
  expect(result.reason).toContain('is the worker running');
});
