/**
 * What is looked at while an engine runs (D11): a setting, a right, a database or a clock that turns wrong stops the selling
 * with a reason, on a new connection before anything is sent on it; and it goes on when all is right again.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type HotInventory,
  type HotInventoryOptions,
  openHotInventory,
} from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { openPartition } from '../../src/hotpath/partition.ts';
import { StoreWatch } from '../../src/hotpath/store-watch.ts';
import { outcome } from '../domain/sentences.ts';
import { until } from '../holdfast.ts';
import { endRedisServers, linkTo, type OwnRedis, ownRedis } from '../servers/own-redis.ts';
import { testPrefix } from '../services.ts';
import { faultOf } from './faults.ts';

let server: OwnRedis;
let redis: Awaited<ReturnType<typeof linkTo>>;
beforeAll(async () => {
  server = await ownRedis(['databases 4']);
  redis = await linkTo(server.url);
});
afterAll(endRedisServers);

async function givenEngine(options: Partial<HotInventoryOptions> = {}): Promise<HotInventory> {
  const prefix = testPrefix();
  await openPartition(redis, partitionKeys(prefix), 1);
  return openHotInventory({ redisUrl: server.url, prefix, ...options });
}
const receipt = { movementId: 'M-1', sku: 'TEA', warehouse: 'east', quantity: 9 };
const opening = (options: Partial<HotInventoryOptions>): Promise<Error> =>
  openHotInventory({ redisUrl: server.url, ...options }).then(
    () => Promise.reject(new Error('it opened')),
    (error: Error) => error,
  );
const cutAll = () => redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

describe('a setting', () => {
  test('that is wrong on a new connection is found before anything is sent, and selling goes on when it is right', async () => {
    const hot = await givenEngine();
    await redis.config('SET', 'appendfsync', 'everysec');
    await cutAll();
    await until(() => hot.store?.problem?.message.includes('everysec') ?? false);
    const fault = await faultOf(hot.receive(receipt));
    expect(fault).toMatchObject({ code: 'not-ready', outcome: 'nothing-happened', reason: 'setting' });
    expect(fault.message).toContain('appendfsync is "everysec": set it to "always"');
    expect(await redis.exists(hot.keys.sku('TEA'))).toBe(0);
    await redis.config('SET', 'appendfsync', 'always');
    await until(() => hot.store?.problem === undefined);
    expect(outcome(await hot.receive(receipt))).toBe('done');
    await hot.close();
  });

  test('that turns wrong on a living connection is found in its time', async () => {
    const link = await linkTo(server.url);
    const watch = new StoreWatch({
      redis: link,
      keys: partitionKeys(testPrefix()),
      ack: 'fsync',
      durability: undefined,
      replicas: 0,
      witnessMs: Date.now,
      settingsEveryMs: 0,
    });
    await watch.start();
    expect(watch.problem).toBeUndefined();
    await redis.config('SET', 'no-appendfsync-on-rewrite', 'yes');
    await until(() => watch.problem !== undefined);
    expect(watch.problem).toMatchObject({ reason: 'setting' });
    expect(watch.problem?.message).toContain('no-appendfsync-on-rewrite');
    await redis.config('SET', 'no-appendfsync-on-rewrite', 'no');
    await until(() => watch.problem === undefined);
    watch.close();
  });

  test('is not what is wrong where Redis is away', async () => {
    const own = await ownRedis();
    const link = await linkTo(own.url);
    await openPartition(link, partitionKeys('away'), 1);
    const hot = await openHotInventory({ redisUrl: own.url, prefix: 'away' });
    await own.kill();
    await until(async () => (await faultOf(hot.receive(receipt))).code === 'unavailable');
    expect(hot.store?.problem).toBeUndefined();
    await hot.close();
  });
});

describe('a right', () => {
  test('that is taken away stops the selling before the first half of a batch is written', async () => {
    await redis.call('ACL', 'SETUSER', 'api', 'on', '>word', '~*', '+@all');
    const hot = await givenEngine({ redisUrl: server.url.replace('//', '//api:word@') });
    expect(outcome(await hot.receive(receipt))).toBe('done');
    await redis.call('ACL', 'SETUSER', 'api', '-zadd');
    await cutAll();
    await until(() => hot.store?.problem?.message.includes('redis-acl.conf') ?? false);
    const lines = [{ sku: 'TEA', quantity: 1 }];
    expect(await faultOf(hot.reserve({ orderId: 'A', lines }))).toMatchObject({ reason: 'setting' });
    await redis.call('ACL', 'SETUSER', 'api', '+zadd');
    await until(() => hot.store?.problem === undefined);
    expect(outcome(await hot.reserve({ orderId: 'A', lines }))).toBe('done');
    await hot.close();
  });
});

describe('the database', () => {
  test('of the URL is where the keys are', async () => {
    const prefix = testPrefix();
    const inTwo = await linkTo(`${server.url}/2`);
    await openPartition(inTwo, partitionKeys(prefix), 1);
    const hot = await openHotInventory({ redisUrl: `${server.url}/2`, prefix });
    expect(outcome(await hot.receive(receipt))).toBe('done');
    expect(await inTwo.exists(hot.keys.sku('TEA'))).toBe(1);
    expect(await redis.exists(hot.keys.sku('TEA'))).toBe(0);
    await hot.close();
  });

  test('that does not exist is an error, not database 0', async () => {
    const error = await opening({ redisUrl: `${server.url}/9` });
    expect(error.message).toContain('database 9 of Redis cannot be selected');
    expect(error.message).toContain('REDIS_URL');
  });

  test('that may not be selected any more stops the selling until it may', async () => {
    await redis.call('ACL', 'SETUSER', 'two', 'on', '>word', '~*', '+@all');
    const url = `${server.url.replace('//', '//two:word@')}/2`;
    const prefix = testPrefix();
    await openPartition(await linkTo(`${server.url}/2`), partitionKeys(prefix), 1);
    const hot = await openHotInventory({ redisUrl: url, prefix });
    await redis.call('ACL', 'SETUSER', 'two', '-select');
    await cutAll();
    await until(() => hot.store?.problem?.reason === 'database');
    expect(await faultOf(hot.receive(receipt))).toMatchObject({ code: 'not-ready', reason: 'database' });
    expect(await redis.exists(hot.keys.sku('TEA'))).toBe(0);
    await redis.call('ACL', 'SETUSER', 'two', '+select');
    await until(() => hot.store?.problem === undefined);
    await until(async () => (await hot.receive(receipt).then(outcome, String)) === 'done');
    await hot.close();
  });
});

describe('a Redis that denies CONFIG', () => {
  let denying: OwnRedis[] = [];
  beforeAll(async () => {
    denying = [
      await ownRedis(['rename-command CONFIG ""']),
      await ownRedis(['user default on nopass ~* &* +@all -config']),
    ];
  });

  test.each([0, 1])('is refused until somebody says what it promises (%i)', async (which) => {
    const redisUrl = denying[which]?.url ?? '';
    const error = await opening({ redisUrl });
    expect(error.message).toContain('appendfsync and no-appendfsync-on-rewrite cannot be read');
    expect(error.message).toContain('HOLDFAST_REDIS_DURABILITY');
    for (const durability of ['aof-always', 'multi-az-log'] as const) {
      const hot = await openHotInventory({ redisUrl, durability });
      expect(hot.store?.durability).toContain(`${durability}, declared by HOLDFAST_REDIS_DURABILITY`);
      await hot.close();
    }
    expect((await opening({ redisUrl, durability: 'none' })).message).toContain('set HOLDFAST_ACK to memory');
    await (await openHotInventory({ redisUrl, ack: 'memory', durability: 'none' })).close();
    await (await openHotInventory({ redisUrl, ack: 'memory' })).close();
  });

  test('and has no append-only file contradicts who says that it has one', async () => {
    const lines = ['rename-command CONFIG ""', 'appendonly no'];
    const { url: redisUrl } = await ownRedis(lines);
    const error = await opening({ redisUrl, durability: 'aof-always' });
    expect(error.message).toContain('appendonly is "no", although HOLDFAST_REDIS_DURABILITY says aof-always');
    await (await openHotInventory({ redisUrl, durability: 'multi-az-log' })).close();
  });

  test('and evicts is refused, whatever was declared', async () => {
    const { url: redisUrl } = await ownRedis(['rename-command CONFIG ""', 'maxmemory-policy volatile-lru']);
    const error = await opening({ redisUrl, durability: 'aof-always' });
    expect(error.message).toContain('maxmemory-policy is "volatile-lru": set it to "noeviction"');
  });
});

describe('a cluster', () => {
  test('of one shard is a Redis like any other', async () => {
    const own = await ownRedis(['cluster-enabled yes']);
    const link = await linkTo(own.url);
    await link.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await until(async () => ((await link.call('CLUSTER', 'INFO')) as string).includes('cluster_state:ok'));
    await openPartition(link, partitionKeys('one'), 1);
    const hot = await openHotInventory({ redisUrl: own.url, prefix: 'one' });
    expect(outcome(await hot.receive(receipt))).toBe('done');
    await hot.close();
    expect((await opening({ redisUrl: `${own.url}/1` })).message).toContain(
      'database 1 of Redis cannot be selected',
    );
  });

  test('of several shards is refused by name', async () => {
    const own = await ownRedis(['cluster-enabled yes', 'cluster-require-full-coverage no']);
    const other = await ownRedis(['cluster-enabled yes', 'cluster-require-full-coverage no']);
    const [link, second] = [await linkTo(own.url), await linkTo(other.url)];
    await link.call('CLUSTER', 'ADDSLOTSRANGE', '0', '8191');
    await second.call('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383');
    await link.call('CLUSTER', 'MEET', '127.0.0.1', String(other.port));
    for (const node of [link, second]) {
      await until(async () => {
        const [nodes, info] = [await node.call('CLUSTER', 'NODES'), await node.call('CLUSTER', 'INFO')];
        return (
          [' 0-8191', ' 8192-16383'].every((slots) => String(nodes).includes(slots)) &&
          String(info).includes('cluster_state:ok')
        );
      });
    }
    const slot = Number(await link.call('CLUSTER', 'KEYSLOT', partitionKeys('hf').control));
    const error = await opening({ redisUrl: slot < 8_192 ? other.url : own.url });
    expect(error.message).toContain('does not have all slots');
  });
});

describe('the clock of this process', () => {
  const watchWith = async (witnessMs: () => number) => {
    const watch = new StoreWatch({
      redis: await linkTo(server.url),
      keys: partitionKeys(testPrefix()),
      ack: 'fsync',
      durability: undefined,
      replicas: 0,
      witnessMs,
    });
    await watch.start();
    return watch;
  };

  test('keeps the process from selling where it is wrong, until it is right', async () => {
    let aheadMs = 60_000;
    const watch = await watchWith(() => Date.now() + aheadMs);
    expect(watch.problem).toMatchObject({ reason: 'clock' });
    expect(watch.problem?.message).toContain('60.0 s');
    aheadMs = 9_000;
    await until(() => watch.problem === undefined);
    watch.close();
  });

  test('that leaps while it runs does so too', async () => {
    let aheadMs = 0;
    const watch = await watchWith(() => Date.now() + aheadMs);
    expect(watch.problem).toBeUndefined();
    aheadMs = -3_600_000;
    await until(() => watch.problem?.reason === 'clock');
    watch.close();
  });
});
