/**
 * Goal: this release takes over the stores of the release before. The two do not sell beside each other: the one before knows no
 * links, so from the moment a worker of this one has verified the partition it is turned away.
 * Method: processes of both releases on a real Redis and Postgres; the release before is built from the history of the
 * repository, and where that is missing (a shallow clone, an archive) the tests are skipped.
 */
import pg from 'pg';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connectRedis } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { until } from '../holdfast.ts';
import { testDatabase, testPrefix, testRedisUrl } from '../services.ts';
import {
  type Api,
  COMMIT_BEFORE,
  isReleaseBeforeThere,
  Programs,
  RELEASE_NOW,
  type Release,
  releaseBefore,
  type Stores,
} from './release.ts';
import { endDay, playDay, readDay, repeatDay } from './shop-day.ts';

const isThere = await isReleaseBeforeThere();
if (!isThere) console.log(`release tests skipped: the history has no commit ${COMMIT_BEFORE}`);

/** About 10 s on an idle machine; ten processes are started. */
const TEST_MS_MAX = 180_000;

let before: Release;
beforeAll(async () => {
  if (isThere) before = await releaseBefore();
}, 120_000);

/** Empty stores with the tables of the release before, and the processes that work on them. */
async function openStores() {
  const database = await testDatabase();
  const stores: Stores = { redisUrl: testRedisUrl(), databaseUrl: database.url, prefix: testPrefix() };
  const programs = new Programs();
  const redis = connectRedis(stores.redisUrl);
  const postgres = new pg.Pool({ connectionString: database.url, max: 1 });
  onTestFinished(async () => {
    await programs.stopAll();
    const left = await redis.keys(partitionKeys(stores.prefix).pattern);
    if (left.length > 0) await redis.unlink(...left);
    redis.disconnect();
    await postgres.end();
    await database.drop();
  });
  await redis.connect();
  await programs.migrate(before, stores);
  /** Hot path and ledger agree, nothing was found on the way, nothing is set apart. */
  async function expectAgreement(): Promise<void> {
    expect(await programs.reconcile(stores)).toMatchObject({ verdict: 'agree', findingsTotal: 0 });
    const { rows } = await postgres.query(
      `SELECT (SELECT count(*) FROM drift) AS drift, (SELECT count(*) FROM parked_events) AS parked,
        (SELECT count(*) FROM items WHERE quarantined_at IS NOT NULL) AS quarantined`,
    );
    expect(rows).toEqual([{ drift: '0', parked: '0', quarantined: '0' }]);
  }
  return { stores, programs, postgres, expectAgreement };
}

/** Resolves when the worker has opened the partition. */
async function isOpen(api: Api): Promise<void> {
  await until(async () => (await api.call('GET', '/v1/items/none')).status === 404);
}

describe.skipIf(!isThere)('the release before stops and this one starts on its stores', () => {
  test(
    'everything reads back, repeats are known as repeats, what was open is brought to its end, and nothing drifts',
    async () => {
      const { stores, programs, expectAgreement } = await openStores();
      const [oldApi, oldWorker] = await Promise.all([
        programs.api(before, stores),
        programs.worker(before, stores),
      ]);
      await isOpen(oldApi);
      await playDay(oldApi);
      const day = await readDay(oldApi);
      await oldApi.stop();
      await oldWorker.stop();

      await programs.migrate(RELEASE_NOW, stores);
      const [api] = await Promise.all([
        programs.api(RELEASE_NOW, stores),
        programs.worker(RELEASE_NOW, stores),
      ]);
      await isOpen(api);
      expect(await readDay(api)).toEqual(day);
      await repeatDay(api);
      await endDay(api);
      await expectAgreement();
    },
    TEST_MS_MAX,
  );
});

const ORDERS = 60;
const STOCK = 40;
/** Orders reserved through one API and brought to their end through the other; more orders than goods. */
async function sellThroughBoth(sku: string, apis: readonly [Api, Api]): Promise<number> {
  const [one, other] = apis;
  const receipt = { movementId: `in-${sku}`, sku, warehouse: 'TPE', quantity: STOCK };
  expect((await one.call('POST', '/v1/stock/receive', receipt)).status).toBe(201);
  expect(await other.call('POST', '/v1/stock/receive', receipt)).toMatchObject({
    status: 200,
    isReplayed: true,
  });
  const orders = Array.from({ length: ORDERS }, async (_, i) => {
    const [first, second] = i % 2 === 0 ? [one, other] : [other, one];
    const order = { orderId: `${sku}:order-${i}`, lines: [{ sku, quantity: 1 }], holdSeconds: 600 };
    const reserved = await first.call('POST', '/v1/reservations', order);
    if (reserved.status === 409) return 0;
    expect(reserved.status).toBe(201);
    expect((await second.call('POST', '/v1/reservations', order)).isReplayed).toBe(true);
    const verb = i % 3 === 0 ? 'release' : 'confirm';
    const ended = await second.call('POST', `/v1/reservations/${encodeURIComponent(order.orderId)}/${verb}`);
    expect(ended).toMatchObject({ status: 200, isReplayed: false });
    const repeated = await first.call(
      'POST',
      `/v1/reservations/${encodeURIComponent(order.orderId)}/${verb}`,
    );
    expect(repeated).toMatchObject({ status: 200, isReplayed: true });
    return verb === 'confirm' ? 1 : 0;
  });
  const sold = (await Promise.all(orders)).reduce<number>((sum, n) => sum + n, 0);
  for (const api of apis) {
    const { body } = await api.call('GET', `/v1/items/${encodeURIComponent(sku)}`);
    expect(body).toMatchObject({ total: STOCK, available: STOCK - sold, reserved: 0, sold });
  }
  return sold;
}

describe.skipIf(!isThere)('the release before, whose control record has no links, beside this one', () => {
  test(
    'this one sells nothing until its worker has verified the partition; then the one before sells nothing, and nothing is lost',
    async () => {
      const { stores, programs, expectAgreement } = await openStores();
      const [oldApi, oldWorker] = await Promise.all([
        programs.api(before, stores),
        programs.worker(before, stores),
      ]);
      await isOpen(oldApi);
      await programs.migrate(RELEASE_NOW, stores);
      const newApi = await programs.api(RELEASE_NOW, stores);
      expect(await newApi.call('GET', '/readyz')).toMatchObject({
        status: 503,
        body: { reason: 'unverified' },
      });
      expect(await sellThroughBoth('OLD-WORKER', [oldApi, oldApi])).toBeGreaterThan(0);

      // The new worker waits until the old one lets go.
      await programs.worker(RELEASE_NOW, stores);
      await oldWorker.stop();
      await until(async () => (await newApi.call('GET', '/readyz')).status === 200);
      const late = { orderId: 'late', lines: [{ sku: 'OLD-WORKER', quantity: 1 }] };
      expect((await oldApi.call('POST', '/v1/reservations', late)).status).toBe(503);
      expect(await sellThroughBoth('茶葉/烏龍 #1', [newApi, newApi])).toBeGreaterThan(0);
      const order = await newApi.call('GET', '/v1/reservations/OLD-WORKER%3Aorder-1');
      expect(order).toMatchObject({ status: 200, body: { status: 'CONFIRMED' } });
      await expectAgreement();
    },
    TEST_MS_MAX,
  );
});
