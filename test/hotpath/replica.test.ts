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
import { WrongRedisSettings } from '../../src/hotpath/redis-check.ts';
import { startRedis } from '../../src/local/redis-server.ts';
import type { LocalServer } from '../../src/local/server-process.ts';
import { answer, outcome } from '../domain/sentences.ts';
import { until } from '../holdfast.ts';
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

test('without a replica the engine does not open, and the error names the remedy', async () => {
  const error = await open().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(WrongRedisSettings);
  expect((error as WrongRedisSettings).problems[0]).toContain('no replica is connected');
});

test('an answer means that the replica has the decision; without it the outcome is unknown until a repeat', async () => {
  const { host, port } = new URL(servers[0]?.url ?? '');
  await replica.replicaof(host.split(':')[0] ?? '127.0.0.1', Number(port));
  await until(async () => /^slave0:.*state=online/m.test(await primary.info('replication')));
  const hot = await open();
  try {
    await hot.receive({ movementId: 'M-1', sku: 'TEA', warehouse: 'east', quantity: 9 });
    expect(outcome(await hot.reserve({ orderId: 'order-1', lines: [{ sku: 'TEA', quantity: 2 }] }))).toBe(
      'done',
    );
    // At once on the replica itself: what was acknowledged is there.
    expect(await replica.get(keys.reservation('order-1'))).toMatch(/^ACTIVE /);

    await replica.replicaof('NO', 'ONE');
    const lines = [{ sku: 'TEA', quantity: 3 }];
    const lost = await faultOf(hot.reserve({ orderId: 'order-2', lines }));
    expect(lost).toMatchObject({ code: 'unavailable', outcome: 'unknown' });

    await replica.replicaof(host.split(':')[0] ?? '127.0.0.1', Number(port));
    await until(async () => /^slave0:.*state=online/m.test(await primary.info('replication')));
    const again = await hot.reserve({ orderId: 'order-2', lines });
    expect(outcome(again)).toBe('replayed');
    expect(answer(again)).toMatchObject({ status: 'ACTIVE' });
    expect(await replica.get(keys.reservation('order-2'))).toMatch(/^ACTIVE /);
  } finally {
    await hot.close();
  }
}, 60_000);
