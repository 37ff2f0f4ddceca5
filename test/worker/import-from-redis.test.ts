/**
 * What only Redis knows is brought into the ledger: after an entry of the stream is gone, and into a ledger that never saw the
 * partition. Then the worker carries on, and both stores are compared in full.
 */
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { work } from '../../src/programs/work.ts';
import { audit } from '../../src/worker/audit/reconciliation.ts';
import { importFromRedis } from '../../src/worker/repair/import.ts';
import { type TestHoldfast, testHoldfast, until } from '../holdfast.ts';
import { ledgerDatabase, testRedisUrl } from '../services.ts';

let holdfast: TestHoldfast;
const WORD = { actor: 'ann', reason: 'the ledger was restored' };
beforeEach(async () => {
  holdfast = await testHoldfast();
});
afterEach(() => holdfast.close());

async function reserve(orderId: string, ...lines: [sku: string, quantity: number][]): Promise<void> {
  const decision = await holdfast.hot.reserve({
    orderId,
    lines: lines.map(([sku, quantity]) => ({ sku, warehouse: 'W', quantity })),
  });
  expect(decision).toMatchObject({ outcome: 'done' });
}

/** A shop with something of every kind: goods, orders in each state, a transfer, a count, a movement of each sign. */
async function trade(name: string): Promise<void> {
  const { hot } = holdfast;
  for (const sku of ['tea', 'rice', name]) {
    await hot.receive({ movementId: `${name}-${sku}`, sku, warehouse: 'W', quantity: 100 });
  }
  await reserve(`${name}-open`, ['tea', 3], [name, 1]);
  await reserve(`${name}-paid`, ['tea', 2], ['rice', 1]);
  await hot.confirm({ orderId: `${name}-paid` });
  await reserve(`${name}-gone`, ['rice', 9]);
  await hot.release({ orderId: `${name}-gone` });
  await hot.move('issue', {
    movementId: `${name}-lost`,
    sku: 'rice',
    warehouse: 'W',
    quantity: 1,
    reason: 'lost',
  });
  await hot.setSafetyStock({ sku: 'tea', warehouse: 'W', quantity: 20 });
  await hot.dispatchTransfer({ transferId: `${name}-t`, sku: 'tea', from: 'W', to: 'V', quantity: 4 });
  await hot.startStocktake({ stocktakeId: `${name}-c`, sku: name, warehouse: 'W' });
}

describe('entries that are gone from the stream', () => {
  test('are brought from Redis, while a worker waits, which then carries on', async () => {
    const { hot, redis, keys, ledger } = holdfast;
    await trade('before');
    await holdfast.working().writeBehind.drained();
    await holdfast.stopWorker();
    await trade('meanwhile');
    await hot.confirm({ orderId: 'before-open' });
    const [second] = (await redis.xrange(keys.events, '-', '+')).slice(-8);
    await redis.xdel(keys.events, second?.[0] ?? '');
    await reserve('later', ['tea', 1]);
    await holdfast.startWorker();
    await until(() => holdfast.working().writeBehind.status().notReady !== undefined);
    const answer = await importFromRedis({ redis, keys, ledger }, WORD);
    expect(answer).toMatchObject({ outcome: 'imported', transfers: 1, notes: [] });
    await reserve('after', ['tea', 1], ['rice', 1]);
    await hot.confirm({ orderId: 'later' });
    expect(await hot.receiveTransfer({ transferId: 'meanwhile-t', received: 4, rejected: 0 })).toMatchObject({
      outcome: 'done',
    });
    expect(
      await hot.completeStocktake({
        stocktakeId: 'meanwhile-c',
        sku: 'meanwhile',
        warehouse: 'W',
        counted: 90,
      }),
    ).toMatchObject({ outcome: 'done' });
    await holdfast.working().writeBehind.drained();
    const { findings, verdict } = await holdfast.audit();
    expect(findings).toEqual([]);
    expect(verdict).toBe('agree');
    expect(await ledger.knownMovements(['meanwhile-tea', 'meanwhile-lost'])).toHaveLength(2);
    expect(await ledger.explain({ sku: 'tea', warehouse: 'W', holdsMax: 5 })).toMatchObject({
      check: { matches: true },
    });
    const { entries } = await ledger.read.entries({ sku: 'rice', warehouse: 'W', limit: 20 });
    expect(entries.find(({ type }) => type === 'InventoryRealigned')).toMatchObject(WORD);
  });

  test('are not asked for where the worker can follow', async () => {
    const { redis, keys, ledger } = holdfast;
    await trade('all');
    await holdfast.working().writeBehind.drained();
    expect(await importFromRedis({ redis, keys, ledger }, WORD)).toMatchObject({
      outcome: 'refused',
      why: expect.stringContaining('nothing to bring'),
    });
    await reserve('on', ['tea', 1]);
  });
});

describe('a ledger that never saw the partition', () => {
  test('gets all of it, and its worker carries on', async () => {
    const { hot, redis, keys } = holdfast;
    await trade('old');
    await holdfast.working().writeBehind.drained();
    await holdfast.stopWorker();
    const database = await ledgerDatabase();
    const ledger = await openLedger({ databaseUrl: database.url });
    const config = {
      ...readConfig({}),
      redisUrl: testRedisUrl(),
      databaseUrl: database.url,
      prefix: prefixOf(),
    };
    try {
      expect(await importFromRedis({ redis, keys, ledger }, WORD)).toMatchObject({ outcome: 'imported' });
      const working = await work(config, pino({ level: 'silent' }), new Registry());
      try {
        await working.ready(20_000);
        await reserve('new', ['tea', 1]);
        await hot.confirm({ orderId: 'old-open' });
        await working.writeBehind.drained();
        const options = { catchUpMs: 10_000, withHolds: true, withEntries: true };
        const { findings, verdict } = await audit({ redis, keys, ledger }, options);
        expect(findings).toEqual([]);
        expect(verdict).toBe('agree');
      } finally {
        await working.close();
      }
    } finally {
      await ledger.close();
      await database.drop();
    }
  });

  function prefixOf(): string {
    return holdfast.keys.control.slice(0, holdfast.keys.control.indexOf('{'));
  }
});
