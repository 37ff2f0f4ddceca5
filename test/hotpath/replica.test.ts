/**
 * The acknowledgement level `replica` (D11), on two Redis servers of this file: an answer means that the replica has the
 * decision too, and a replica that does not keep up makes the outcome unknown.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectRedis, type HotInventory, openHotInventory } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { openPartition } from '../../src/hotpath/partition.ts';
import { startRedis } from '../../src/local/redis-server.ts';
import type { LocalServer } from '../../src/local/server-process.ts';
import { answer, outcome } from '../domain/sentences.ts';
import { until } from '../holdfast.ts';
import { verifyByHand } from '../servers/own-redis.ts';
import { faultOf } from './faults.ts';

const keys = partitionKeys();
let folder: string;
let servers: LocalServer[];
let primary: ReturnType<typeof connectRedis>;
let replica: ReturnType<typeof connectRedis>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  servers = await Promise.all(
    ['primary', 'replica'].map((name) =>
      startRedis({ dataFolder: join(folder, name), log: () => undefined }),
    ),
  );
  primary = connectRedis(servers[0]?.url ?? '');
  replica = connectRedis(servers[1]?.url ?? '');
  await Promise.all([primary.connect(), replica.connect()]);
  await openPartition(primary, keys, 1);
  // By default Redis waits 5 s for more replicas before it sends the data.
  await primary.config('SET', 'repl-diskless-sync-delay', '0');
}, 400_000);

afterAll(async () => {
  primary.disconnect();
  replica.disconnect();
  await Promise.all(servers.map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
});

const open = (): Promise<HotInventory> =>
  openHotInventory({ redisUrl: servers[0]?.url ?? '', ack: 'replica', timeoutMs: 3_000 });

const replicate = async (): Promise<void> => {
  const { hostname, port } = new URL(servers[0]?.url ?? '');
  await replica.replicaof(hostname, Number(port));
  await until(async () => /^slave0:.*state=online/m.test(await primary.info('replication')));
  // The first replica gives Redis another incarnation, and there is no worker to compare it.
  await verifyByHand(primary, keys);
};
const receipt = { movementId: 'M-1', sku: 'TEA', warehouse: 'east', quantity: 9 };

test('without a replica nothing is decided until one comes; figures are told; one that goes stops orders again', async () => {
  const hot = await open();
  try {
    const fault = await faultOf(hot.receive({ ...receipt, movementId: 'M-0', sku: 'RICE' }));
    expect(fault).toMatchObject({
      code: 'not-ready',
      outcome: 'nothing-happened',
      reason: 'too-few-replicas',
    });
    expect(fault.message).toContain('too few replicas: 0 of 1');
    expect(fault.message).toContain('HOLDFAST_REPLICAS');
    expect(outcome(await hot.item('RICE'))).toBe('unknown-item');

    await replicate();
    await until(() => hot.store?.problem === undefined);
    expect(outcome(await hot.receive({ ...receipt, movementId: 'M-0', sku: 'RICE' }))).toBe('done');

    await replica.replicaof('NO', 'ONE');
    await until(() => hot.store?.problem?.reason === 'too-few-replicas');
    const lost = await faultOf(hot.reserve({ orderId: 'order-0', lines: [{ sku: 'RICE', quantity: 1 }] }));
    expect(lost).toMatchObject({ code: 'not-ready', outcome: 'nothing-happened' });
    expect(await faultOf(hot.reservation('order-0'))).toMatchObject({ reason: 'too-few-replicas' });
    expect(answer(await hot.item('RICE'))).toMatchObject({ sku: 'RICE' });
  } finally {
    await hot.close();
  }
});

test('one replica of two is too few for two, and the answer says so', async () => {
  await replicate();
  const hot = await openHotInventory({ redisUrl: servers[0]?.url ?? '', ack: 'replica', replicas: 2 });
  expect(hot.store?.problem?.message).toContain('too few replicas: 1 of 2');
  await hot.close();
  await replica.replicaof('NO', 'ONE');
});

test('an answer means that the replica has the decision; without it the outcome is unknown until a repeat', async () => {
  await replicate();
  const hot = await open();
  try {
    await hot.receive(receipt);
    expect(outcome(await hot.reserve({ orderId: 'order-1', lines: [{ sku: 'TEA', quantity: 2 }] }))).toBe(
      'done',
    );
    // At once on the replica itself: what was acknowledged is there.
    expect(await replica.get(keys.reservation('order-1'))).toMatch(/^ACTIVE /);

    await replica.replicaof('NO', 'ONE');
    const lines = [{ sku: 'TEA', quantity: 3 }];
    const lost = await faultOf(hot.reserve({ orderId: 'order-2', lines }));
    // The watch looks every few seconds; what was sent before it found out has no known outcome.
    expect(lost).toMatchObject({ code: 'unavailable', outcome: 'unknown' });

    await replicate();
    await until(() => hot.store?.problem === undefined);
    const again = await hot.reserve({ orderId: 'order-2', lines });
    expect(outcome(again)).toBe('replayed');
    expect(answer(again)).toMatchObject({ status: 'ACTIVE' });
    expect(await replica.get(keys.reservation('order-2'))).toMatch(/^ACTIVE /);
  } finally {
    await hot.close();
  }
}, 60_000);
