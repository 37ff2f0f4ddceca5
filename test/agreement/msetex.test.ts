/**
 * Records are written with MSETEX only where the server has it and nobody could be left behind by it: checked on every new connection,
 * and by the program before its first write.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomLink } from '../../src/hotpath/codec/control-codec.ts';
import { connectRedis } from '../../src/hotpath/connection.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { hasMsetex, loadProgram, runScript } from '../../src/hotpath/program.ts';
import { outcome } from '../domain/sentences.ts';
import { givenShop } from '../hotpath/hot-shop.ts';
import { testPrefix } from '../services.ts';
import { startValkey, type Valkey } from './valkey.ts';

const RESERVE = 'reserve TEA@east=1 60000 web - - single';

test('a program with MSETEX on a server without it fails before it writes', async ({ skip }) => {
  const shop = await givenShop('TEA@east=9', { realClock: true });
  const { redis, keys } = shop;
  if (await hasMsetex(redis, keys.control)) return skip('the Redis of this run has MSETEX');
  const before = await shop.engine.dump();
  const allKeys = [keys.control, keys.events, keys.due, keys.reservation('order-1')];
  const argv = ['1 00000001', 0, Date.now(), 1_000, 0, 1_000, randomLink(), '-', 1, 1, '##', RESERVE];
  await expect(runScript(redis, loadProgram({ msetex: true }), allKeys, argv)).rejects.toThrow(
    /acl_check_cmd/,
  );
  expect(await shop.engine.dump()).toBe(before);
});

describe('on a server with MSETEX', () => {
  let valkey: Valkey | undefined;
  beforeAll(async () => {
    valkey = await startValkey((line) => console.log(`MSETEX: ${line}`));
  }, 120_000);
  afterAll(() => valkey?.stop());

  test('each expiry of a batch is one call, or one for each slice of a large batch', async ({ skip }) => {
    if (!valkey) return skip('no Valkey with MSETEX');
    const limits = { batchCommandsMax: 2_500, batchLinesMax: 5_000, batchesInFlightMax: 1 };
    const shop = await givenShop('TEA@east=9000', { serverUrl: valkey.url, limits });
    await shop.redis.config('RESETSTAT');
    const orders = Array.from({ length: 2_200 }, (_, i) =>
      shop.reserve(`order-${i}`, 'TEA@east=1', 60 + (i % 2)),
    );
    expect(new Set((await Promise.all(orders)).map(outcome))).toEqual(new Set(['done']));
    const calls = /cmdstat_msetex:calls=(\d+)/.exec(await shop.redis.info('commandstats'))?.[1];
    expect(calls).toBe('4'); // two expiries, each of 1,100 records in slices of 1,000
    for (const i of [0, 1, 999, 1_000, 2_199]) {
      const key = shop.keys.reservation(`order-${i}`);
      expect(await shop.redis.pexpiretime(key)).toBe(shop.nowMs + (60 + (i % 2)) * 1_000 + 86_400_000);
    }
    expect(await shop.redis.keys(shop.keys.reservation('order').replace(/order$/, '*'))).toHaveLength(2_200);
  });

  test('a record that a batch writes twice keeps what it was last', async ({ skip }) => {
    if (!valkey) return skip('no Valkey with MSETEX');
    const shop = await givenShop('TEA@east=9', { serverUrl: valkey.url });
    const orders = ['order-1', 'order-2', 'order-3'];
    await Promise.all([
      ...orders.map((id) => shop.reserve(id, 'TEA@east=1')),
      shop.extend('order-1', 14_400),
      shop.release('order-2'),
      shop.confirm('order-3'),
    ]);
    const statuses = await Promise.all(orders.map(async (id) => (await shop.reservation(id)).status));
    expect(statuses).toEqual(['ACTIVE', 'RELEASED', 'CONFIRMED']);
    const lives = await Promise.all(orders.map((id) => shop.redis.pexpiretime(shop.keys.reservation(id))));
    expect(lives.map((ms) => ms - shop.nowMs - 86_400_000)).toEqual([14_400_000, 0, 0]);
  });

  test('with a replica connected it is not used, because nobody can tell its version', async ({ skip }) => {
    if (!valkey) return skip('no Valkey with MSETEX');
    const replica = await startValkey(() => undefined);
    if (!replica) return skip('no second Valkey');
    const { control } = partitionKeys(testPrefix());
    const [primary, follower] = [connectRedis(valkey.url), connectRedis(replica.url)];
    try {
      await Promise.all([primary.connect(), follower.connect()]);
      expect(await hasMsetex(primary, control)).toBe(true);
      await follower.replicaof('127.0.0.1', new URL(valkey.url).port);
      await expect.poll(() => hasMsetex(primary, control), { timeout: 10_000 }).toBe(false);
      await follower.replicaof('NO', 'ONE');
    } finally {
      primary.disconnect();
      follower.disconnect();
      await replica.stop();
    }
  });
});
