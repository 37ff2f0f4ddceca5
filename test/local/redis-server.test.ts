/**
 * The Redis of `npm start`, for real: a server is started, left behind, crashed and kept from its port, and
 * each time the data and the address must be what the user expects.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, test, vi } from 'vitest';
import { startRedis } from '../../src/local/redis-server.ts';
import type { LocalServer } from '../../src/local/server-process.ts';
import { runAndKill } from './killed-run.ts';
import { temporaryFolder, untilTestEnds } from './lifetime.ts';

// The first start on a bare machine fetches Redis.
vi.setConfig({ testTimeout: 400_000 });

const log = () => undefined;

async function ask<T>(server: LocalServer, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(server.url, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => undefined); // told by the rejected call as well
  try {
    await redis.connect();
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

test('what was written stands after stop and start, at the same address', async () => {
  const dataFolder = await temporaryFolder();
  const first = await untilTestEnds(startRedis({ dataFolder, log }));
  await ask(first, (redis) => redis.set('order', 'kept'));
  await first.stop();
  await first.stop();

  const second = await untilTestEnds(startRedis({ dataFolder, log }));
  expect(await ask(second, (redis) => redis.get('order'))).toBe('kept');
  expect(second.url).toBe(first.url);
  expect(second.pid).not.toBe(first.pid);
});

test('Redis acknowledges what is on disk, evicts nothing and listens to this machine alone', async () => {
  const server = await untilTestEnds(startRedis({ dataFolder: await temporaryFolder(), log }));
  const settings = await ask(server, (redis) =>
    redis.config('GET', 'append*', 'maxmemory-policy', 'bind', 'save', 'no-appendfsync-on-rewrite'),
  );
  expect(settings).toEqual(
    expect.arrayContaining([
      'appendonly',
      'yes',
      'appendfsync',
      'always',
      'noeviction',
      '127.0.0.1',
      'save',
      '',
    ]),
  );
  expect(server.route).toMatch(/^(Redis|Valkey) \d+\.\d+\.\d+, /);
});

test('a server that a killed run left behind is taken over, and ended at the end', async () => {
  const dataFolder = await temporaryFolder();
  const pid = await runAndKill('redis-server', 'startRedis', dataFolder);

  const server = await untilTestEnds(startRedis({ dataFolder, log }));
  expect(server.pid).toBe(pid);
  expect(server.route).toContain('taken over');
  await server.stop();
  await expect(ask(server, (redis) => redis.ping())).rejects.toThrow();
});

test('a server left behind under other settings is ended in good order and started anew', async () => {
  const dataFolder = await temporaryFolder();
  const pid = await runAndKill('redis-server', 'startRedis', dataFolder);

  const server = await untilTestEnds(startRedis({ dataFolder, log, appendFsync: 'everysec' }));
  expect(server.pid).not.toBe(pid);
  expect(await ask(server, (redis) => redis.config('GET', 'appendfsync'))).toEqual([
    'appendfsync',
    'everysec',
  ]);
});

test('one folder serves one run at a time', async () => {
  const dataFolder = await temporaryFolder();
  const server = await untilTestEnds(startRedis({ dataFolder, log }));
  await expect(startRedis({ dataFolder, log })).rejects.toThrow(/in use by another running Holdfast/);
  expect(await ask(server, (redis) => redis.ping())).toBe('PONG');
});

test('a crash is told, and the next start has what was acknowledged', async () => {
  const dataFolder = await temporaryFolder();
  const heard: string[] = [];
  const server = await untilTestEnds(startRedis({ dataFolder, log: (line) => heard.push(line) }));
  await ask(server, (redis) => redis.set('order', 'kept'));
  process.kill(server.pid, 'SIGKILL');
  await vi.waitFor(() => expect(heard.join()).toContain('ended by itself (SIGKILL)'), 5_000);
  await server.stop();

  const next = await untilTestEnds(startRedis({ dataFolder, log }));
  expect(await ask(next, (redis) => redis.get('order'))).toBe('kept');
});

test('a stranger on our port is left alone, and another port is taken and kept', async () => {
  const dataFolder = await temporaryFolder();
  const first = await untilTestEnds(startRedis({ dataFolder, log }));
  await first.stop();
  const port = Number(new URL(first.url).port);
  const stranger = createServer((socket) => socket.end()).listen(port, '127.0.0.1');
  await once(stranger, 'listening');

  const heard: string[] = [];
  const second = await untilTestEnds(startRedis({ dataFolder, log: (line) => heard.push(line) }));
  expect(second.url).not.toBe(first.url);
  expect(heard.join()).toContain(`port ${port} is taken by another program`);
  expect(stranger.listening).toBe(true);
  await second.stop();
  stranger.close();

  const third = await untilTestEnds(startRedis({ dataFolder, log }));
  expect(third.url).toBe(second.url);
});

test('a machine without Redis and without a way to fetch it is told the command to run', async () => {
  const folder = await temporaryFolder();
  const nowhere = { searchPath: join(folder, 'bin'), cacheFolder: join(folder, 'cache') };
  const start = startRedis({ dataFolder: folder, log, ...nowhere });
  await expect(start).rejects.toThrow(/sudo apt-get install redis-server.*REDIS_URL=.*no apt-get/s);
});
