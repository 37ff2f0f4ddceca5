/**
 * Goal: `/readyz` names why nothing is sold, and what ends it, for every reason there is. Method: a Redis of this file's own,
 * brought into each state.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeControl } from '../../src/hotpath/codec/control-codec.ts';
import { NOT_READY } from '../../src/hotpath/not-ready.ts';
import { fencePartition, readControl } from '../../src/hotpath/partition.ts';
import { until } from '../holdfast.ts';
import { endRedisServers, type OwnRedis, ownRedis, verifyByHand } from '../servers/own-redis.ts';
import { type OpenServer, openServer } from './open-server.ts';

let own: OwnRedis;
let server: OpenServer;
beforeAll(async () => {
  own = await ownRedis();
  await openOn({});
});
afterAll(endRedisServers);

async function openOn(engine: Parameters<typeof openServer>[0]): Promise<void> {
  server = await openServer({ serverUrl: own.url, ...engine });
  await server.stock('A', 10).catch(() => undefined);
}
interface Readiness {
  readonly reason?: string;
  readonly checks: Record<
    'redis' | 'partition' | 'clock',
    { readonly ok: boolean; readonly message: string }
  >;
}
const readyz = async () => {
  const { status, body } = await server.call('GET', '/readyz');
  return { status, ...(body as unknown as Readiness) };
};
const isReady = () => until(async () => (await readyz()).status === 200);
/** Waits for a reason: what the connection tells is looked at every few seconds. */
async function untilNot(reason: string, check: 'redis' | 'partition' = 'partition') {
  await until(async () => (await readyz()).reason === reason);
  const answer = await readyz();
  expect(answer).toMatchObject({ status: 503, ready: false, reason, checks: { [check]: { ok: false } } });
  const order = await server.call('POST', '/v1/reservations', {
    orderId: 'O',
    lines: [{ sku: 'A', quantity: 1 }],
  });
  expect(order.status).toBe(503);
  return answer.checks[check].message;
}
const cutAll = () => server.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

test('a partition that is open is ready, and what an answer rests on is told', async () => {
  expect(await readyz()).toMatchObject({
    status: 200,
    ready: true,
    durability: 'fsync: appendfsync always, as CONFIG says',
  });
});

test('what the partition itself says: forgotten, fenced, unverified, clock, behind', async () => {
  const { redis, hot } = server;
  const { keys } = hot;
  const control = await readControl(redis, keys);
  if (!control) throw new Error('the partition is not there');
  const put = (change: Partial<typeof control>) =>
    redis.set(keys.control, encodeControl({ ...control, ...change }));
  const states: Record<string, () => Promise<unknown>> = {
    forgotten: () => redis.del(keys.control),
    fenced: () => fencePartition(redis, keys),
    unverified: () => put({ incarnation: '0'.repeat(40) }),
    clock: () => put({ state: 'clock' }),
    behind: () => put({ sequence: 0 }),
  };
  for (const [reason, bring] of Object.entries(states)) {
    await bring();
    if (reason === 'behind') {
      // The first caller that notices is told; for the others the partition is unverified from then on.
      expect(await readyz()).toMatchObject({ status: 503, reason });
    } else {
      expect(await untilNot(reason)).toContain(NOT_READY[reason as keyof typeof NOT_READY].wrong);
    }
    await put({});
    await isReady();
  }
});

test('a wrong setting', async () => {
  await server.redis.config('SET', 'appendfsync', 'everysec');
  await cutAll();
  await until(async () => JSON.stringify(await readyz()).includes('everysec'));
  expect(await untilNot('setting', 'redis')).toContain('appendfsync is "everysec": set it to "always"');
  await server.redis.config('SET', 'appendfsync', 'always');
  await isReady();
});

test('a server that became a replica', async () => {
  const other = await ownRedis();
  await server.redis.replicaof('127.0.0.1', other.port);
  expect(await untilNot('read-only', 'redis')).toContain('redis+sentinel://');
  await other.kill();
  await server.redis.replicaof('NO', 'ONE');
});

test('too few replicas, and no Redis at all', async () => {
  own = await ownRedis();
  await openOn({ ack: 'replica' });
  expect(await untilNot('too-few-replicas', 'redis')).toContain('too few replicas: 0 of 1');
  expect((await server.call('GET', '/v1/items/A')).status).toBe(404);
  const replica = await ownRedis([`replicaof 127.0.0.1 ${own.port}`]);
  await until(async () => (await server.redis.info('replication')).includes('state=online'));
  await verifyByHand(server.redis, server.hot.keys);
  await isReady();
  await replica.kill();
  await own.kill();
  expect(await untilNot('unavailable', 'redis')).toContain('Redis does not answer');
  expect((await server.call('GET', '/livez')).status).toBe(200);
});
