/**
 * H11: both histories are compared however many links the ledger keeps: a quiet shop has one for nearly each event of the tail.
 */
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectRedis, openConnection } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import type { Control } from '../../src/hotpath/partition.ts';
import { compareHistories } from '../../src/worker/recovery/compare.ts';
import { testPrefix, testRedisUrl } from '../services.ts';

let redis: Redis;
beforeAll(async () => {
  redis = connectRedis(testRedisUrl());
  await openConnection(redis);
});
afterAll(() => redis.disconnect());

/** More than a call of a function may have arguments. */
const MANY = 200_000;

test('a Redis that went back is found among a great many links', async () => {
  const links = Array.from({ length: MANY }, (_, i) => ({ sequence: i + 1, link: `link-${i + 1}` }));
  const ledger = { knownLinks: async () => links.map((one) => ({ ...one, epoch: 1, eventsTotal: MANY })) };
  const cursor = { epoch: 1, nonce: 'nonce001', sequence: MANY, link: `link-${MANY}`, eventsTotal: MANY };
  const control: Control = {
    epoch: { number: 1, nonce: 'nonce001' },
    sequence: 7,
    link: 'link-7',
    clockMs: 1,
    eventsTotal: 7,
    carriedTotal: 7,
    incarnation: undefined,
    pause: undefined,
    state: 'open',
    isLinked: true,
  };
  const keys = partitionKeys(testPrefix());
  const found = await compareHistories({ redis, keys, ledger }, cursor, control);
  expect(found).toMatchObject({ kind: 'forked', at: { sequence: 7, link: 'link-7' }, fromId: undefined });
});
