/** The request of a batch, which is joined here and not by ioredis. */
import { expect, test } from 'vitest';
import { connectRedis, evalsha } from '../../src/hotpath/connection.ts';
import { testRedisUrl } from '../services.ts';

const ECHO = 'return { KEYS, ARGV }';

async function givenEcho() {
  const redis = connectRedis(testRedisUrl());
  await redis.connect();
  return { redis, sha: (await redis.script('LOAD', ECHO)) as string };
}

test('a script gets its keys and arguments unchanged', async () => {
  const { redis, sha } = await givenEcho();
  const keys = ['hf{0}:control', 'k'.repeat(300)];
  const argv = [0, -7, 1_700_000_000_000, '', ' ', '$3\r\nabc\r\n', 'x'.repeat(70_000)];
  expect(await evalsha(redis, sha, keys, argv)).toEqual([keys, argv.map(String)]);
  expect(await evalsha(redis, sha, [], [])).toEqual([[], []]);
  redis.disconnect();
});

test('an argument that is not ASCII is not sent, and the connection can be used further', async () => {
  const { redis, sha } = await givenEcho();
  expect(() => evalsha(redis, sha, ['茶'], [])).toThrow('not ASCII');
  expect(() => evalsha(redis, sha, [], ['caf\u00e9'])).toThrow('not ASCII');
  expect(await evalsha(redis, sha, ['TEA'], [1])).toEqual([['TEA'], ['1']]);
  redis.disconnect();
});

test('errors of the script and of a missing script reach the caller', async () => {
  const { redis } = await givenEcho();
  const sha = (await redis.script('LOAD', 'return redis.error_reply("BROKEN by itself")')) as string;
  await expect(evalsha(redis, sha, [], [])).rejects.toThrow('BROKEN by itself');
  await expect(evalsha(redis, '0'.repeat(40), [], [])).rejects.toThrow('NOSCRIPT');
  redis.disconnect();
});
