/** D12 as far as it is built: an engine decides for one partition, and one ledger keeps the account of several. */
import { expect, test } from 'vitest';
import { connectRedis, openHotInventory } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { openPartition } from '../../src/hotpath/partition.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { startWriteBehind } from '../../src/worker/carry/write-behind.ts';
import { newEpoch } from '../ledger/chunks.ts';
import { ledgerDatabase, testPrefix, testRedisUrl } from '../services.ts';

const PARTITIONS = [0, 1];
const EPOCH = 1;
const log = { info() {}, warn() {}, error() {} };

test('two partitions decide apart, are carried side by side, and stand in one ledger', async () => {
  const [redisUrl, prefix, database] = [testRedisUrl(), testPrefix(), await ledgerDatabase()];
  const redis = connectRedis(redisUrl);
  await redis.connect();
  const ledger = await openLedger({ databaseUrl: database.url });
  const shops = await Promise.all(
    PARTITIONS.map(async (partition) => {
      await openPartition(redis, partitionKeys(prefix, partition), EPOCH);
      await ledger.beginEpoch(partition, newEpoch(EPOCH));
      const hot = await openHotInventory({ redisUrl, prefix, partition });
      const carrier = startWriteBehind({ ledger, hot, streamRedis: redis, partition, log });
      return { hot, carrier, sku: `SKU-${partition}` };
    }),
  );
  try {
    for (const { hot, sku } of shops) {
      await hot.receive({ movementId: `receipt-${sku}`, sku, warehouse: 'MAIN', quantity: 5 });
      const order = { orderId: `order-${sku}`, lines: [{ sku, warehouse: 'MAIN', quantity: 2 }] };
      expect(await hot.reserve(order)).toMatchObject({ outcome: 'done' });
    }
    const [first, second] = shops;
    // What one knows, the other does not: there is nothing that they could sell twice.
    const lines = [{ sku: second?.sku ?? '', warehouse: 'MAIN', quantity: 1 }];
    expect(await first?.hot.reserve({ orderId: 'order-elsewhere', lines })).toMatchObject({
      outcome: 'refused',
      refusal: { code: 'unknown-item' },
    });
    for (const { carrier } of shops) await carrier.drained();
    for (const partition of PARTITIONS) {
      expect(await ledger.cursor(partition)).toMatchObject({ epoch: EPOCH, sequence: 2, eventsTotal: 2 });
    }
    const items = await ledger.read.items(undefined, 10);
    expect(items.map(({ item }) => [item.sku, item.available, item.reserved])).toEqual([
      ['SKU-0', 3, 2],
      ['SKU-1', 3, 2],
    ]);
    expect(shops.map(({ carrier }) => carrier.status().findings)).toEqual([0, 0]);
  } finally {
    for (const { hot, carrier } of shops) {
      await carrier.stop();
      const left = await redis.keys(hot.keys.pattern);
      await hot.close();
      if (left.length > 0) await redis.unlink(...left);
    }
    redis.disconnect();
    await ledger.close();
    await database.drop();
  }
});
