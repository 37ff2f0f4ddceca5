/**
 * A primary that changes while engines run: by Sentinels, and by hand behind an address that moves. The engine finds the new
 * one by itself, sends nothing twice, and what it acknowledged at the level `replica` is there.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectRedis, openConnection, type RedisConnection } from '../../src/hotpath/connection.ts';
import { Fault } from '../../src/hotpath/fault.ts';
import { type HotInventory, openHotInventory } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { openPartition, readControl } from '../../src/hotpath/partition.ts';
import { outcome } from '../domain/sentences.ts';
import { until } from '../holdfast.ts';
import {
  endRedisServers,
  freePort,
  linkTo,
  type OwnRedis,
  ownRedis,
  SwitchedAddress,
  verifyByHand,
} from '../servers/own-redis.ts';

afterAll(endRedisServers);

const keys = partitionKeys('hf');
const receipt = { movementId: 'M-1', sku: 'TEA', warehouse: 'east', quantity: 90 };
const order = (id: number) => ({ orderId: `order-${id}`, lines: [{ sku: 'TEA', quantity: 1 }] });

interface Group {
  readonly servers: readonly OwnRedis[];
  readonly sentinels: readonly OwnRedis[];
  readonly url: string;
}

/** One primary, two replicas, three Sentinels with a password that call the primary `shop`. */
async function givenGroup(): Promise<Group> {
  const port = await freePort();
  const primary = await ownRedis([], { port });
  const follow = [`replicaof 127.0.0.1 ${port}`];
  const servers = [primary, await ownRedis(follow), await ownRedis(follow)];
  const lines = [
    `sentinel monitor shop 127.0.0.1 ${port} 2`,
    'sentinel down-after-milliseconds shop 1000',
    'sentinel failover-timeout shop 4000',
    'user default on >hush ~* &* +@all',
    'sentinel sentinel-pass hush',
  ];
  const sentinels = await Promise.all([0, 1, 2].map(() => ownRedis(lines, { sentinel: true })));
  const link = await linkTo(primary.url);
  await until(async () => (await link.info('replication')).match(/state=online/g)?.length === 2);
  const hosts = sentinels.map((sentinel) => `127.0.0.1:${sentinel.port}`).join(',');
  const url = `redis+sentinel://${hosts}/shop?sentinelPassword=hush`;
  // A failover needs Sentinels that know each other and the replicas.
  for (const sentinel of sentinels) {
    const voter = await linkTo(`redis://:hush@127.0.0.1:${sentinel.port}`);
    await until(async () => /slaves=2,sentinels=3/.test(await voter.info('sentinel')));
  }
  return { servers, sentinels, url };
}

/** Sends until it is done; the reasons why it was not before. A worker's part is done on `primary`, once it is called for. */
async function untilDone(
  hot: HotInventory,
  id: number,
  primary: () => Promise<RedisConnection>,
): Promise<Set<string>> {
  const reasons = new Set<string>();
  await until(async () => {
    try {
      return ['done', 'replayed'].includes(outcome(await hot.reserve(order(id))));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const reason = error.reason ?? error.code;
      if (reason === 'unverified' && !reasons.has(reason)) await verifyByHand(await primary(), keys);
      reasons.add(reason);
      return false;
    }
  });
  return reasons;
}

describe('behind Sentinels', () => {
  let group: Group;
  beforeAll(async () => {
    group = await givenGroup();
  }, 120_000);

  test('an engine sells on the primary, and on its successor after it was killed, without a lost order', async () => {
    const primary = await linkTo(group.servers[0]?.url ?? '');
    await openPartition(primary, keys, 1);
    // Every replica may be promoted, and one is enough to go on: what is asked of both would stop with the first failure.
    const hot = await openHotInventory({
      redisUrl: group.url,
      ack: 'replica',
      replicas: 1,
      timeoutMs: 3_000,
    });
    expect(outcome(await hot.receive(receipt))).toBe('done');
    for (let id = 0; id < 20; id++) expect(outcome(await hot.reserve(order(id)))).toBe('done');
    await group.servers[0]?.kill();
    const successor = connectRedis(group.url);
    const reasons = await untilDone(hot, 20, async () => {
      await openConnection(successor);
      return successor;
    });
    // Whatever the new primary has, nobody sells from it before it was compared.
    expect(reasons).toContain('unverified');
    expect(await successor.info('replication')).toContain('role:master');
    // With WAIT 1 of two replicas the other one may be promoted; here Sentinel takes the one that is ahead.
    for (let id = 0; id < 20; id++)
      expect(await successor.get(keys.reservation(`order-${id}`))).toMatch(/^ACTIVE /);
    expect((await readControl(successor, keys))?.sequence).toBeGreaterThanOrEqual(21);
    successor.disconnect();
    await hot.close();
  }, 120_000);

  test('a name that they do not know, a wrong password and a server that is no Sentinel are told apart', async () => {
    const why = async (url: string): Promise<string> => {
      const redis = connectRedis(url, 1_000);
      return openConnection(redis).then(
        () => 'connected',
        (error: Error) => error.message,
      );
    };
    const { url, servers } = group;
    expect(await why(url.replace('/shop', '/shoes'))).toMatch(
      /the Redis primary "shoes" of the Sentinels 127.*: the Sentinel 127\.0\.0\.1:\d+ knows no primary "shoes"/,
    );
    expect(await why(url.replace('hush', 'hash'))).toMatch(
      /sentinelUsername= and &sentinelPassword= in REDIS_URL/,
    );
    expect(await why(url.replace('hush', 'hash'))).not.toContain('hash');
    expect(await why(`redis+sentinel://127.0.0.1:${servers[1]?.port}/shop`)).toMatch(/it is no Sentinel/);
    expect(await why('redis+sentinel://127.0.0.1:1/shop')).toMatch(
      /no Sentinel answers at 127\.0\.0\.1:1: does it run there/,
    );
    expect(await why(`redis://:hush@127.0.0.1:${group.sentinels[0]?.port}`)).toMatch(
      /this is a Sentinel, not Redis: let REDIS_URL be redis\+sentinel:/,
    );
  }, 60_000);
});

describe('behind an address that moves', () => {
  test('an engine whose primary became a replica goes to the new one within seconds', async () => {
    const port = await freePort();
    const [first, second] = [await ownRedis([], { port }), await ownRedis([`replicaof 127.0.0.1 ${port}`])];
    const [old, next] = [await linkTo(first.url), await linkTo(second.url)];
    await until(async () => (await old.info('replication')).includes('state=online'));
    await openPartition(old, keys, 1);
    const address = new SwitchedAddress(first.port);
    const hot = await openHotInventory({ redisUrl: await address.listen() });
    expect(outcome(await hot.receive(receipt))).toBe('done');
    expect(outcome(await hot.reserve(order(1)))).toBe('done');
    await until(async () => (await next.exists(keys.reservation('order-1'))) === 1);

    // The connection stays with the old one, which is a replica now; new ones go to the new primary.
    await next.replicaof('NO', 'ONE');
    address.target = second.port;
    await old.replicaof('127.0.0.1', second.port);
    expect(await untilDone(hot, 2, async () => next)).toContain('unverified');
    expect(await next.info('clients')).toMatch(/connected_clients:[2-9]/);
    await hot.close();
    await address.close();
  }, 60_000);

  test('an engine that begins on a replica says so, and sells when that is the primary', async () => {
    const port = await freePort();
    const [first, second] = [await ownRedis([], { port }), await ownRedis([`replicaof 127.0.0.1 ${port}`])];
    const [primary, replica] = [await linkTo(first.url), await linkTo(second.url)];
    await until(async () => (await primary.info('replication')).includes('state=online'));
    const hot = await openHotInventory({ redisUrl: second.url });
    await until(() => hot.store?.problem?.reason === 'read-only');
    expect(hot.store?.problem?.message).toContain('is a replica');
    expect(hot.store?.problem?.message).toContain(`Redis at 127.0.0.1:${second.port} has the role slave`);
    await replica.replicaof('NO', 'ONE');
    await openPartition(replica, keys, 1);
    await until(() => hot.store?.problem === undefined);
    await until(async () => (await hot.receive(receipt).then(outcome, String)) === 'done');
    await hot.close();
  }, 60_000);
});
