/**
 * D14: hot path and ledger are compared at the same version: traffic raises no alarm, and every way of tampering is found.
 */
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { audit } from '../../src/worker/audit/reconciliation.ts';
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
  const buyers = Array.from({ length: 6 }, async (_, buyer) => {
    while (!isOver) {
      const orderId = `live-${buyer}-${orders++}`;
      await hot.reserve({ orderId, lines: [{ sku: buyer % 2 ? 'A' : 'B', quantity: 1 }] });
      if (orders % 3 === 0) await hot.confirm({ orderId });
      else await hot.release({ orderId });
    }
  });
  for (let i = 0; i < 3; i++)
    expect(await holdfast.audit()).toMatchObject({ verdict: 'agree', findingsTotal: 0 });
  isOver = true;
  await Promise.all(buyers);
  expect(orders).toBeGreaterThan(50);
});

test('counts, transfers and a sale in full rush raise no alarm', async () => {
  const { hot } = holdfast;
  for (const warehouse of ['east', 'west'])
    await hot.receive({ movementId: `t-${warehouse}`, sku: 'T', warehouse, quantity: 500 });
  await hot.scheduleSale({
    saleId: 'rush',
    sku: 'T',
    opensAtMs: 1,
    closesAtMs: Date.now() + 600_000,
    quantity: 900,
    limitPerCustomer: 9,
  });
  let isOver = false;
  let steps = 0;
  const people = Array.from({ length: 6 }, async (_, person) => {
    while (!isOver) {
      const id = `${person}-${steps++}`;
      if (person === 0) {
        const of = { stocktakeId: id, sku: 'T', warehouse: 'west' };
        await hot.startStocktake(of);
        await hot.completeStocktake({ ...of, counted: 500 + (steps % 3) });
      } else if (person < 3) {
        await hot.dispatchTransfer({ transferId: id, sku: 'T', from: 'east', to: 'west', quantity: 3 });
        await hot.receiveTransfer({ transferId: id, received: 1, rejected: 1 });
        await hot.cancelTransfer({ transferId: id });
      } else {
        const order = {
          orderId: id,
          lines: [{ sku: 'T', quantity: 1 }],
          customerId: `c-${steps % 40}`,
          saleId: 'rush',
        };
        await hot.reserve(order);
        if (steps % 3 === 0) await hot.confirm({ orderId: id });
        else await hot.release({ orderId: id });
      }
    }
  });
  for (let i = 0; i < 3; i++) {
    const found = await audit(holdfast, { catchUpMs: 10_000, withHolds: true, withEntries: i % 2 === 0 });
    expect(found.findings).toEqual([]);
    expect(found.verdict).toBe('agree');
  }
  isOver = true;
  await Promise.all(people);
  expect(steps).toBeGreaterThan(50);
  expect(await hot.sale('rush')).toMatchObject({ outcome: 'done' });
  expect(await holdfast.audit()).toMatchObject({ verdict: 'agree', documentsCompared: expect.any(Number) });
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

const TAMPERING: readonly (readonly [
  what: string,
  kind: string,
  tamper: (h: TestHoldfast) => Promise<unknown>,
])[] = [
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
    'a hold that lasts longer',
    'hold',
    async (h: TestHoldfast) => {
      const key = h.keys.reservation('open');
      const text = (await h.redis.get(key)) ?? '';
      await h.redis.set(
        key,
        text.replace(/^(ACTIVE \d+) (\d+)/, (_, start, ms) => `${start} ${Number(ms) + 1}`),
      );
    },
  ],
  [
    'a hold with another quantity',
    'hold',
    (h: TestHoldfast) =>
      h.redis.set(h.keys.reservation('open'), `ACTIVE ${Date.now()} 1800000 A@east=6 - - -`),
  ],
  [
    'a key of another program',
    'missing-in-ledger',
    (h: TestHoldfast) => h.redis.set(`${h.keys.transfer('')}a b`, 'x'),
  ],
  [
    'a hold out of nowhere',
    'hold',
    (h: TestHoldfast) => h.redis.set(h.keys.reservation('ghost'), `ACTIVE ${Date.now()} 1800000 A@east=1`),
  ],
  [
    'a lock that vanished',
    'figures',
    (h: TestHoldfast) => h.redis.hset(h.keys.sku('A'), 'west', '1000 1000 0 0 3 0 0'),
  ],
  [
    'a lock that lasts longer',
    'figures',
    (h: TestHoldfast) => h.redis.hset(h.keys.sku('A'), 'west', '1000 1000 0 0 3 0 0 count 9999999999999'),
  ],
  ['a transfer that vanished', 'transfer', (h: TestHoldfast) => h.redis.del(h.keys.transfer('way'))],
  [
    'a transfer with other figures',
    'transfer',
    (h: TestHoldfast) => h.redis.set(h.keys.transfer('way'), 'IN_TRANSIT A west east 9 1 0 0 -'),
  ],
  [
    'a transfer out of nowhere',
    'transfer',
    (h: TestHoldfast) => h.redis.set(h.keys.transfer('ghost'), 'IN_TRANSIT A west east 9 0 0 0 -'),
  ],
  ['a sale that vanished', 'sale', (h: TestHoldfast) => h.redis.hdel(h.keys.sku('B'), '*rush')],
  ['a sale that sold more', 'sale', (h: TestHoldfast) => tamperSale(h, '3 0 0 0', '3 1 0 0')],
  ['a sale that holds less', 'sale', (h: TestHoldfast) => tamperSale(h, '3 0 0 0', '2 0 0 0')],
];

test('every way of tampering with Redis is found, each by itself', async () => {
  const { hot, redis } = holdfast;
  await hot.receive({ movementId: 'm3', sku: 'A', warehouse: 'west', quantity: 1_009 });
  await hot.dispatchTransfer({ transferId: 'way', sku: 'A', from: 'west', to: 'east', quantity: 9 });
  await hot.startStocktake({ stocktakeId: 'count', sku: 'A', warehouse: 'west' });
  await hot.scheduleSale({
    saleId: 'rush',
    sku: 'B',
    opensAtMs: 1,
    closesAtMs: Date.now() + 600_000,
    quantity: 9,
  });
  await hot.reserve({ orderId: 'rushed', lines: [{ sku: 'B', quantity: 3 }], saleId: 'rush' });
  await holdfast.working().writeBehind.drained();
  expect(await holdfast.audit()).toMatchObject({ verdict: 'agree', documentsCompared: 2 });
  for (const [what, kind, tamper] of TAMPERING) {
    const before = await recordsOf(holdfast);
    await tamper(holdfast);
    const { verdict, findings } = await holdfast.audit();
    expect(verdict, what).toBe('drift');
    expect(
      findings.map((finding) => finding.kind),
      what,
    ).toContain(kind);
    for (const key of (await recordsOf(holdfast)).keys()) await redis.del(key);
    for (const [key, dump] of before) await redis.restore(key, 0, dump);
  }
  expect(await holdfast.audit()).toMatchObject({ verdict: 'agree' });
});

/** Items, holds, transfers and sales in Redis as DUMP gives them: what somebody may tamper with. */
async function recordsOf({ redis, keys }: TestHoldfast): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const start of [keys.sku(''), keys.reservation(''), keys.transfer(''), keys.sale('')])
    for (const key of await redis.keys(`${start}*`)) {
      const dump = await redis.dumpBuffer(key);
      if (dump) found.set(key, dump);
    }
  return found;
}

async function tamperSale({ redis, keys }: TestHoldfast, from: string, to: string): Promise<void> {
  const text = (await redis.hget(keys.sku('B'), '*rush')) ?? '';
  expect(text).toContain(from);
  await redis.hset(keys.sku('B'), '*rush', text.replace(from, to));
}

test('units a sale holds are compared also where entries are not added up', async () => {
  const { hot } = holdfast;
  await hot.scheduleSale({
    saleId: 'rush',
    sku: 'B',
    opensAtMs: 1,
    closesAtMs: Date.now() + 600_000,
    quantity: 9,
  });
  await hot.reserve({ orderId: 'rushed', lines: [{ sku: 'B', quantity: 3 }], saleId: 'rush' });
  await holdfast.working().writeBehind.drained();
  const look = () => audit(holdfast, { catchUpMs: 10_000, withHolds: true, withEntries: false });
  expect(await look()).toMatchObject({ verdict: 'agree' });
  await tamperSale(holdfast, '3 0 0 0', '2 1 0 0');
  expect((await look()).findings).toMatchObject([
    { kind: 'sale', sku: 'B', detail: expect.stringContaining('3 units held') },
  ]);
});

test('goods in two places or in none, and a lock without its count, are found in the ledger alone', async () => {
  const { hot } = holdfast;
  await hot.dispatchTransfer({ transferId: 'way', sku: 'A', from: 'east', to: 'west', quantity: 9 });
  await hot.startStocktake({ stocktakeId: 'count', sku: 'B', warehouse: 'west' });
  await holdfast.working().writeBehind.drained();
  const { ledger } = holdfast;
  expect(await ledger.selfCheck(true)).toEqual([]);
  const client = new pg.Client({ connectionString: holdfast.databaseUrl });
  await client.connect();
  await client.query(`UPDATE transfers SET quantity = 8`);
  await client.query(`UPDATE stocktake_lines SET stocktake_id = 'other'`);
  await client.end();
  const found = (await ledger.selfCheck(true)).map(
    ({ sku, warehouse, detail }) => `${sku}@${warehouse}: ${detail}`,
  );
  expect(found.sort()).toEqual([
    'A@: 991 units are in all warehouses and 8 in transit, but received - issued - shipped + returned + counted ' +
      'differences come to 1000',
    'B@west: stocktake count has locked the item, and does not count it',
    'B@west: stocktake other is counting the item, which is not locked by it',
  ]);
  expect((await ledger.selfCheck(false)).map(({ sku }) => sku)).toEqual(['B', 'B']);
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
