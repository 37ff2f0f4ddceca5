/**
 * What an acknowledgement rests on (D11): a Redis of this file's own, set wrongly on purpose. An engine opens only where
 * every setting is right, or names all that are wrong; and a Redis that runs out of memory refuses before it writes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Decision, MOVEMENT_KINDS } from '../../src/domain/language.ts';
import { Fault } from '../../src/hotpath/fault.ts';
import { connectRedis, type HotInventory, openHotInventory } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { openPartition } from '../../src/hotpath/partition.ts';
import { type AckLevel, WrongRedisSettings } from '../../src/hotpath/redis-check.ts';
import { startRedis } from '../../src/local/redis-server.ts';
import type { LocalServer } from '../../src/local/server-process.ts';
import { answer, outcome } from '../domain/sentences.ts';
import { faultOf } from './faults.ts';

const RIGHT = {
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  'maxmemory-policy': 'noeviction',
  maxmemory: '0',
};

let folder: string;
let server: LocalServer;
let redis: ReturnType<typeof connectRedis>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  server = await startRedis({ dataFolder: folder, log: () => undefined });
  redis = connectRedis(server.url);
  await redis.connect();
}, 400_000);

afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function set(settings: Partial<typeof RIGHT>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) await redis.config('SET', name, value);
}
afterEach(() => set(RIGHT));

/** The problems an engine names when it opens; none where it does. */
async function problemsOf(ack?: AckLevel): Promise<readonly string[]> {
  try {
    await (await openHotInventory({ redisUrl: server.url, ack })).close();
    return [];
  } catch (error) {
    if (error instanceof WrongRedisSettings) return error.problems;
    throw error;
  }
}

describe('the settings of Redis', () => {
  test('of our own servers are right for the strictest level, which is the default', async () => {
    expect(await problemsOf()).toEqual([]);
  });

  test.each([
    ['appendonly', 'no'],
    ['appendfsync', 'everysec'],
    ['appendfsync', 'no'],
    ['no-appendfsync-on-rewrite', 'yes'],
    ['maxmemory-policy', 'allkeys-lru'],
    ['maxmemory-policy', 'volatile-ttl'],
  ])('%s %s is named with its remedy, and nothing opens', async (name, value) => {
    await set({ [name]: value });
    const problems = await problemsOf();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`${name} is "${value}"`);
    expect(problems[0]).toContain(`set it to "${RIGHT[name as keyof typeof RIGHT]}"`);
  });

  test('that are wrong are named all at once, in the problems and in the message', async () => {
    const wrong = {
      appendonly: 'no',
      appendfsync: 'everysec',
      'no-appendfsync-on-rewrite': 'yes',
      'maxmemory-policy': 'allkeys-lru',
    };
    await set(wrong);
    const error = await openHotInventory({ redisUrl: server.url }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WrongRedisSettings);
    const { problems, message } = error as WrongRedisSettings;
    expect(problems).toHaveLength(Object.keys(wrong).length);
    for (const name of Object.keys(wrong)) expect(message).toContain(name);
    expect(problems.filter((problem) => problem.includes('"memory"'))).toHaveLength(3);
  });

  test('need no append-only file where the acknowledgement is "memory", but still no eviction', async () => {
    await set({ appendonly: 'no', appendfsync: 'everysec' });
    expect(await problemsOf('memory')).toEqual([]);
    await set({ 'maxmemory-policy': 'allkeys-lru' });
    expect(await problemsOf('memory')).toHaveLength(1);
  });

  test('that may not be read are named too', async () => {
    const rights = ['ACL', 'SETUSER', 'narrow', 'on', '>word', '~*', '+@all', '-config'] as const;
    await redis.call(...rights);
    const url = server.url.replace('redis://', 'redis://narrow:word@');
    const error = await openHotInventory({ redisUrl: url }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WrongRedisSettings);
    expect((error as WrongRedisSettings).problems.every((problem) => problem.includes('CONFIG GET'))).toBe(
      true,
    );
    await redis.call('ACL', 'DELUSER', 'narrow');
  });
});

describe('an outage of Redis itself', () => {
  const keys = partitionKeys('own');
  const receipt = { movementId: 'M-1', sku: 'TEA', warehouse: 'east', quantity: 9 };

  async function givenEngine(): Promise<HotInventory> {
    await redis.flushall();
    await openPartition(redis, keys, 1);
    const hot = await openHotInventory({ redisUrl: server.url, prefix: 'own' });
    await hot.receive(receipt);
    return hot;
  }
  const reserve = (hot: HotInventory, orderId: string) =>
    hot.reserve({ orderId, lines: [{ sku: 'TEA', quantity: 1 }] });

  test('without memory takes no order: it is refused before the first line of the script', async () => {
    const hot = await givenEngine();
    await set({ maxmemory: '1mb' });
    const before = await redis.hgetall(keys.sku('TEA'));
    for (const call of [reserve(hot, 'order-1'), hot.receive({ ...receipt, movementId: 'M-2' })]) {
      expect(await faultOf<unknown>(call)).toMatchObject({
        code: 'unavailable',
        outcome: 'nothing-happened',
      });
    }
    expect(await redis.hgetall(keys.sku('TEA'))).toEqual(before);
    await set({ maxmemory: '0' });
    expect(outcome(await reserve(hot, 'order-1'))).toBe('done');
    await hot.close();
  });

  test('without memory settles what was promised, also where it travels with orders it cannot take (D13)', async () => {
    const hot = await givenEngine();
    for (const id of ['paid', 'cancelled', 'extended']) await reserve(hot, id);
    await set({ maxmemory: '1mb' });
    const orders = ['order-1', 'order-2'].map((id) => faultOf(reserve(hot, id)));
    const settled = [
      hot.confirm({ orderId: 'paid' }),
      hot.release({ orderId: 'cancelled' }),
      hot.extend({ orderId: 'extended', holdSeconds: 3_600 }),
      hot.reservation('paid'),
    ];
    for (const fault of await Promise.all(orders)) expect(fault.outcome).toBe('nothing-happened');
    expect((await Promise.all(settled)).map(outcome)).toEqual(['done', 'done', 'done', 'done']);
    await expect(hot.sweep(100)).resolves.toMatchObject({ moreDue: false });
    expect(await redis.hget(keys.sku('TEA'), 'east')).toMatch(/^9 7 1 1 /);
    expect(await redis.exists(keys.reservation('order-1'))).toBe(0);
    await hot.close();
  });

  test('without memory starts nothing that would need more, and ends what was started (D13)', async () => {
    const hot = await givenEngine();
    const item = { sku: 'TEA', warehouse: 'east' };
    const saleAt = { sku: 'TEA', quantity: 1, opensAtMs: Date.now(), closesAtMs: Date.now() + 600_000 };
    await hot.receive({ ...receipt, movementId: 'M-2', sku: 'RICE' });
    for (const transferId of ['lands', 'turns']) {
      await hot.dispatchTransfer({ transferId, sku: 'TEA', from: 'east', to: 'west', quantity: 1 });
    }
    await hot.scheduleSale({ saleId: 'open', ...saleAt });
    await hot.reserve({ orderId: 'late', lines: [{ sku: 'TEA', quantity: 1 }], holdSeconds: 1 });
    await vi.waitFor(async () => expect(answer(await hot.reservation('late')).status).toBe('EXPIRED'), {
      timeout: 5_000,
    });
    await hot.startStocktake({ stocktakeId: 'counted', ...item, sku: 'RICE' });
    await set({ maxmemory: '1mb' });
    const starts: Promise<unknown>[] = [
      ...MOVEMENT_KINDS.map((kind) =>
        hot.move(kind, { ...receipt, movementId: `M-${kind}`, quantity: 1, reason: 'r', expectedVersion: 1 }),
      ),
      hot.startStocktake({ stocktakeId: 'new', ...item }),
      hot.dispatchTransfer({ transferId: 'new', sku: 'TEA', from: 'east', to: 'west', quantity: 1 }),
      hot.scheduleSale({ saleId: 'new', ...saleAt }),
    ];
    const refused = starts.map((call) => faultOf(call));
    const ends: Promise<Decision<unknown>>[] = [
      hot.confirm({ orderId: 'late', reacquire: true }),
      hot.setSafetyStock({ ...item, quantity: 9 }),
      hot.completeStocktake({ stocktakeId: 'counted', ...item, sku: 'RICE', counted: 4 }),
      hot.receiveTransfer({ transferId: 'lands', received: 1 }),
      hot.cancelTransfer({ transferId: 'turns' }),
      hot.closeSale({ saleId: 'open' }),
      hot.stocktake('counted'),
      hot.transfer('lands'),
      hot.sale('open'),
    ];
    for (const fault of await Promise.all(refused)) {
      expect(fault).toMatchObject({ code: 'unavailable', outcome: 'nothing-happened' });
    }
    expect((await Promise.all(ends)).map(outcome)).toEqual(ends.map(() => 'done'));
    expect(await redis.exists(keys.transfer('new'), keys.sale('new'), keys.stocktake('new'))).toBe(0);
    await hot.close();
  });

  // ACL is checked call by call inside a script: what a right is missing for must be found out before the first write.
  test('without a right nothing happened, or the engine says so when it opens', async () => {
    const hot = await givenEngine();
    await hot.close();
    await redis.call('ACL', 'SETUSER', 'narrow', 'on', '>word', '~*', '+@all', '-zadd');
    const redisUrl = server.url.replace('redis://', 'redis://narrow:word@');
    const opened = await openHotInventory({ redisUrl, prefix: 'own' }).catch((error: unknown) => error);
    if (!(opened instanceof Error)) {
      const narrow = opened as HotInventory;
      const before = await redis.hgetall(keys.sku('TEA'));
      await faultOf(reserve(narrow, 'order-1'));
      await narrow.close();
      expect(await redis.hgetall(keys.sku('TEA'))).toEqual(before);
    }
  });

  test('that is not there is a fault that says where it was looked for', async () => {
    const fault = await faultOf(openHotInventory({ redisUrl: 'redis://127.0.0.1:1' }));
    expect(fault).toMatchObject({ code: 'unavailable', outcome: 'nothing-happened' });
    expect(fault.message).toContain('127.0.0.1:1');
  });

  test('meets a sweep as a fault, as it meets the other commands', async () => {
    const hot = await givenEngine();
    await hot.close();
    await expect(hot.sweep(1)).rejects.toBeInstanceOf(Fault);
  });
});
