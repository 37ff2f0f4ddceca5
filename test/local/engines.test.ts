/**
 * Which engine runs on which data folder, with real servers: the settings are the same on all of them, data goes to a newer
 * engine only by a person's word, and never to one that cannot read it.
 */
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { beforeAll, expect, test, vi } from 'vitest';
import { canRead, type EngineName, isModern, parseEngine } from '../../src/local/engine-name.ts';
import { startRedis } from '../../src/local/redis-server.ts';
import type { LocalServer } from '../../src/local/server-process.ts';
import { makeFolder, removeFolder, temporaryFolder, untilTestEnds } from './lifetime.ts';

// The first run on a bare machine fetches both engines.
vi.setConfig({ testTimeout: 150_000, hookTimeout: 300_000 });
const log = () => undefined;

let valkeyMissing: string | undefined;
beforeAll(async () => {
  const dataFolder = await makeFolder();
  valkeyMissing = await startRedis({ dataFolder, engine: 'valkey', log }).then(
    (server) => server.stop().then(() => undefined),
    (error: Error) => error.message,
  );
  if (valkeyMissing !== undefined) console.log(`skipped, no Valkey 9: ${valkeyMissing}`);
  await removeFolder(dataFolder);
});

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

const name = (text: string): EngineName => {
  const engine = parseEngine(text);
  if (!engine) throw new Error(`${text} is no engine`);
  return engine;
};

test.each([
  ['Redis 7.0.15', 'Redis 7.0.9', true],
  ['Redis 7.0.15', 'Redis 7.2.1', false],
  ['Redis 8.2.3', 'Redis 7.0.15', true],
  ['Redis 8.2.3', 'Redis 8.4.0', false],
  ['Redis 8.2.3', 'Valkey 9.1.2', false],
  ['Valkey 9.1.2', 'Redis 7.0.15', true],
  ['Valkey 8.0.1', 'Redis 7.2.5', true],
  ['Valkey 9.1.2', 'Redis 7.4.0', false],
  ['Valkey 9.1.2', 'Redis 8.2.3', false],
  ['Valkey 8.1.0', 'Valkey 9.1.2', false],
  ['Redis 7.0.15', 'Valkey 8.0.1', false],
])('%s on data of %s: %s', (engine, wrote, expected) => {
  expect(canRead(name(engine), name(wrote))).toBe(expected);
});

test('what is no version of an engine is none', () => {
  expect(parseEngine('Redis 7.0.15')?.text).toBe('Redis 7.0.15');
  for (const text of ['', 'KeyDB 6.3.4', 'Redis', 'Redis seven'])
    expect(parseEngine(text), text).toBeUndefined();
  expect([name('Redis 7.4.0'), name('Valkey 8.1.0')].some(isModern)).toBe(false);
});

test('both engines run with the same settings of log, memory, network, encryption and users', async (context) => {
  if (valkeyMissing !== undefined) return context.skip();
  const patterns = [
    ['append*', 'aof-*', 'auto-aof-*', 'no-appendfsync-on-rewrite', 'save'],
    ['maxmemory', 'maxmemory-policy', 'bind', 'protected-mode', 'aclfile', 'requirepass'],
    ['tls-port', 'tls-replication', 'tls-cluster', 'min-replicas-to-write', 'replica-read-only'],
    ['cluster-enabled', 'enable-debug-command', 'enable-module-command', 'enable-protected-configs'],
  ].flat();
  const seen: unknown[] = [];
  for (const engine of ['debian', 'valkey'] as const) {
    const server = await untilTestEnds(startRedis({ dataFolder: await temporaryFolder(), engine, log }));
    seen.push(
      await ask(server, async (redis) => {
        const flat = (await redis.config('GET', ...(patterns as [string]))) as string[];
        const settings = new Map(flat.flatMap((key, at) => (at % 2 ? [] : [[key, flat[at + 1]] as const])));
        const users = (await redis.acl('LIST')) as string[];
        const modules = await redis.module('LIST');
        return { settings: Object.fromEntries(settings), users: users.length, modules };
      }),
    );
    expect(server.route).toMatch(engine === 'valkey' ? /^Valkey 9\./ : /^(Redis|Valkey) 7\./);
  }
  const [debian, valkey] = seen as { settings: Record<string, string> }[];
  // What Valkey 9 has and Redis 7.0 has not may differ; what both have may not.
  const both = Object.keys(debian?.settings ?? {}).filter((key) => key in (valkey?.settings ?? {}));
  expect(both).toEqual(expect.arrayContaining(['appendfsync', 'maxmemory-policy', 'tls-port', 'save']));
  const of = (shown: typeof debian) => both.map((key) => [key, shown?.settings[key]]);
  expect(of(valkey)).toEqual(of(debian));
  // Scripts are a module of Valkey 9, its own.
  expect(seen).toEqual([
    expect.objectContaining({ users: 1, modules: [] }),
    expect.objectContaining({ users: 1, modules: [expect.arrayContaining(['name', 'lua'])] }),
  ]);
});

test('data of Redis 7.0 stays there until a person says otherwise, moves to Valkey 9 whole, and never comes back', async (context) => {
  if (valkeyMissing !== undefined) return context.skip();
  const dataFolder = await temporaryFolder();
  const mark = join(dataFolder, 'redis', 'engine');
  const first = await untilTestEnds(startRedis({ dataFolder, engine: 'debian', log }));
  await ask(first, (redis) => redis.set('order', 'kept'));
  await first.stop();
  expect(await readFile(mark, 'utf8')).toMatch(/^Redis 7\.0\.\d+\n$/);

  // A folder of the release before has no mark, and is recognised by its data.
  await rm(mark);
  const heard: string[] = [];
  const stays = await untilTestEnds(
    startRedis({ dataFolder, engine: 'newest', log: (line) => heard.push(line) }),
  );
  expect(stays.route).toMatch(/^Redis 7\.0/);
  expect(heard.join()).toMatch(/made this data and goes on; HOLDFAST_LOCAL_REDIS=valkey/);
  await stays.stop();

  heard.length = 0;
  const moved = await untilTestEnds(
    startRedis({ dataFolder, engine: 'valkey', log: (line) => heard.push(line) }),
  );
  expect(await ask(moved, (redis) => redis.get('order'))).toBe('kept');
  expect(heard.join()).toMatch(
    /the data of Redis 7\.0\.\d+ goes on under Valkey 9\.\S+; there is no way back/,
  );
  await moved.stop();

  const before = await readFile(mark, 'utf8');
  await expect(startRedis({ dataFolder, engine: 'debian', log })).rejects.toMatchObject({
    code: 'LOCAL_STORE',
    message: expect.stringMatching(
      /^The data in .* was written by Valkey 9\..*, and no engine that can read it is to be had: .*HOLDFAST_LOCAL_REDIS=valkey.*HOLDFAST_DATA=.*$/,
    ),
  });
  expect(await readFile(mark, 'utf8')).toBe(before);
  const newest = await untilTestEnds(startRedis({ dataFolder, engine: 'newest', log }));
  expect(newest.route).toMatch(/^Valkey 9\./);
  expect(await ask(newest, (redis) => redis.get('order'))).toBe('kept');
});

test('a new folder gets the newest engine; a machine without one gets what it has, and is told', async (context) => {
  if (valkeyMissing !== undefined) return context.skip();
  const newest = await untilTestEnds(
    startRedis({ dataFolder: await temporaryFolder(), engine: 'newest', log }),
  );
  expect(newest.route).toMatch(/^(Valkey (9|[1-9]\d)|Redis ([89]|[1-9]\d))\./);
  await newest.stop();

  // A machine with an old Redis on PATH, without Python and without a network.
  const folder = await temporaryFolder();
  const old = await untilTestEnds(startRedis({ dataFolder: folder, engine: 'debian', log }));
  const { file, libraries } = await runningProgram(old);
  await old.stop();
  const searchPath = join(folder, 'bin');
  await mkdir(searchPath);
  const installed = join(searchPath, 'redis-server');
  await writeFile(installed, `#!/bin/sh\nLD_LIBRARY_PATH=${libraries} exec ${file} "$@"\n`);
  await chmod(installed, 0o755);
  const heard: string[] = [];
  const machine = { searchPath, cacheFolder: join(folder, 'cache') };
  const dataFolder = await temporaryFolder();
  const found = await untilTestEnds(
    startRedis({ dataFolder, engine: 'newest', log: (line) => heard.push(line), ...machine }),
  );
  expect(found.route).toMatch(/^Redis 7\.0\.\d+, installed here/);
  expect(heard.join()).toMatch(
    /no Valkey 9 or Redis 8 is to be had \(.*no python3\): Redis 7\.0\.\d+ is used/,
  );
});

async function runningProgram(server: LocalServer): Promise<{ file: string; libraries: string }> {
  const environment = (await readFile(`/proc/${server.pid}/environ`, 'utf8')).split('\0');
  const libraries = environment.find((entry) => entry.startsWith('LD_LIBRARY_PATH='))?.slice(16) ?? '';
  const [file = ''] = (await readFile(`/proc/${server.pid}/cmdline`, 'utf8')).split('\0');
  return { file, libraries };
}

test('a chosen program that is none is told with what was seen', async () => {
  const dataFolder = await temporaryFolder();
  await expect(startRedis({ dataFolder, engine: '/no/such/server', log })).rejects.toMatchObject({
    code: 'LOCAL_STORE',
    message: expect.stringMatching(/^No Redis 7\.0 or newer\. .*Seen: \/no\/such\/server is not runnable\.$/),
  });
});
