/**
 * The stores of `npm start` come back by themselves: killed, on a full disk, taken over and then killed, with their port taken in
 * between. Each time the address is the old one and what was acknowledged is there.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { runCommand } from '../../src/local/machine.ts';
import { startPostgres } from '../../src/local/postgres-server.ts';
import { startRedis } from '../../src/local/redis-server.ts';
import type { LocalServer } from '../../src/local/server-process.ts';
import { runAndKill } from './killed-run.ts';
import { smallDisk, temporaryFolder, untilTestEnds } from './lifetime.ts';

vi.setConfig({ testTimeout: 150_000 });
const RETURN_MAX_MS = 20_000;
const MEGABYTE = 1_000_000;

async function askRedis<T>(server: LocalServer, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(server.url, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => undefined); // told by the rejected call as well
  try {
    await redis.connect();
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

async function askPostgres(server: LocalServer, question: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: server.url });
  client.on('error', () => undefined); // told by the rejected query as well
  try {
    await client.connect();
    return (await client.query(question)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Resolves when a line of the log has this in it. */
const told = (heard: readonly string[], part: string) =>
  vi.waitFor(() => expect(heard.join('\n')).toContain(part), { timeout: RETURN_MAX_MS, interval: 50 });

test('a Redis that is killed is started again at its address, with what it had acknowledged', async () => {
  const heard: string[] = [];
  const dataFolder = await temporaryFolder();
  const server = await untilTestEnds(startRedis({ dataFolder, log: (line) => heard.push(line) }));
  const first = server.pid;
  for (const round of ['first', 'second']) {
    await askRedis(server, (redis) => redis.set(round, 'kept'));
    heard.length = 0;
    process.kill(server.pid, 'SIGKILL');
    await told(heard, 'runs again');
    expect(await askRedis(server, (redis) => redis.get(round))).toBe('kept');
    expect(heard, 'one line for the end and one for the return').toHaveLength(2);
  }
  expect(server.pid).not.toBe(first);
});

test('a Redis that is stopped while it waits for its next start stays away', async () => {
  const heard: string[] = [];
  const dataFolder = await temporaryFolder();
  const server = await untilTestEnds(startRedis({ dataFolder, log: (line) => heard.push(line) }));
  process.kill(server.pid, 'SIGKILL');
  await told(heard, 'ended by itself (SIGKILL)');
  await server.stop();
  await expect(askRedis(server, (redis) => redis.ping())).rejects.toThrow();
  // The folder is free: the next run has it.
  await untilTestEnds(startRedis({ dataFolder, log: () => undefined }));
});

test('a Redis that was taken over from a killed run is started again too', async () => {
  const heard: string[] = [];
  const dataFolder = await temporaryFolder();
  const pid = await runAndKill('redis-server', 'startRedis', dataFolder);
  const server = await untilTestEnds(startRedis({ dataFolder, log: (line) => heard.push(line) }));
  expect(server.pid).toBe(pid);
  process.kill(pid, 'SIGKILL');
  await told(heard, 'runs again');
  expect(await askRedis(server, (redis) => redis.ping())).toBe('PONG');
});

test('a Redis of a killed run is found without its pid file, and is the only one on its folder', async () => {
  const dataFolder = await temporaryFolder();
  const pid = await runAndKill('redis-server', 'startRedis', dataFolder);
  await rm(join(dataFolder, 'redis', 'redis.pid'));
  const server = await untilTestEnds(startRedis({ dataFolder, log: () => undefined }));
  expect(server.pid).toBe(pid);
});

test('a Redis whose port a stranger took meanwhile says so once, and is back when the port is free', async () => {
  const heard: string[] = [];
  const dataFolder = await temporaryFolder();
  const server = await untilTestEnds(startRedis({ dataFolder, log: (line) => heard.push(line) }));
  process.kill(server.pid, 'SIGKILL');
  const stranger = createServer((socket) => socket.end());
  await vi.waitFor(async () => {
    stranger.listen(Number(new URL(server.url).port), '127.0.0.1');
    await once(stranger, 'listening');
  }, 5_000);
  await told(heard, 'is taken by another program');
  stranger.close();
  await told(heard, 'runs again');
  expect(heard.filter((line) => line.includes('is taken by another program'))).toHaveLength(1);
  expect(await askRedis(server, (redis) => redis.ping())).toBe('PONG');
});

test('a Redis that ended on a full disk waits for room, and has what it acknowledged', async (context) => {
  const dataFolder = await smallDisk(64);
  if (dataFolder === undefined) return context.skip();
  const ballast = join(dataFolder, 'ballast');
  const heard: string[] = [];
  const server = await untilTestEnds(startRedis({ dataFolder, log: (line) => heard.push(line) }));
  await writeFile(ballast, Buffer.alloc(40 * MEGABYTE));

  let acknowledged = 0;
  const fill = async (redis: Redis) => {
    for (; ; acknowledged += 1) await redis.set(`order:${acknowledged}`, 'x'.repeat(MEGABYTE));
  };
  await expect(askRedis(server, fill)).rejects.toThrow();
  await told(heard, 'stays away while the disk');
  await sleep(1_500); // some looks at the disk: none of them may say it again
  expect(heard.filter((line) => line.includes('is full'))).toHaveLength(1);

  await rm(ballast);
  await told(heard, 'runs again');
  expect(acknowledged).toBeGreaterThan(5);
  const lengths = await askRedis(server, (redis) =>
    Promise.all(Array.from({ length: acknowledged }, (_, n) => redis.strlen(`order:${n}`))),
  );
  expect(new Set(lengths)).toEqual(new Set([MEGABYTE]));
  await askRedis(server, (redis) => redis.set('after', 'the disk had room'));
});

test('a Postgres whose processes are killed is started again at its address, with what was committed', async () => {
  const heard: string[] = [];
  const dataFolder = await temporaryFolder();
  const server = await untilTestEnds(startPostgres({ dataFolder, log: (line) => heard.push(line) }));
  await askPostgres(server, "CREATE TABLE entry AS SELECT 'kept' AS word");
  process.kill(server.pid, 'SIGKILL');
  await told(heard, 'runs again');
  expect(await askPostgres(server, 'SELECT word FROM entry')).toEqual([{ word: 'kept' }]);
});

test('a Postgres that ended on a full disk waits for room, and has what was committed', async (context) => {
  const dataFolder = await smallDisk(256);
  if (dataFolder === undefined) return context.skip();
  const ballast = join(dataFolder, 'ballast');
  const heard: string[] = [];
  const server = await untilTestEnds(startPostgres({ dataFolder, log: (line) => heard.push(line) }));
  await askPostgres(server, 'CREATE TABLE entry (id int PRIMARY KEY)');
  await writeFile(ballast, Buffer.alloc(195 * MEGABYTE));

  let committed = 0;
  // Rows that do not fit are refused, and Postgres goes on; a log that cannot be written ends it.
  await vi.waitFor(
    async () => {
      const words = `(SELECT repeat('word', 250000))`;
      await askPostgres(
        server,
        `BEGIN; INSERT INTO entry VALUES (${committed}); SELECT pg_logical_emit_message(true, 'fill', ${words}); COMMIT`,
      ).then(
        () => {
          committed += 1;
        },
        () => undefined,
      );
      expect(heard.join()).toContain('ended by itself');
    },
    { timeout: 60_000, interval: 1 },
  );
  await told(heard, 'is full');
  await rm(ballast);
  await told(heard, 'runs again');
  const [row] = await askPostgres(server, 'SELECT count(*)::int AS rows FROM entry');
  expect(row?.rows).toBeGreaterThanOrEqual(committed);
});

test('a lock file that names another program does not keep Postgres from starting', async () => {
  const heard: string[] = [];
  const dataFolder = await temporaryFolder();
  const log = (line: string) => heard.push(line);
  const first = await untilTestEnds(startPostgres({ dataFolder, log }));
  await first.stop();
  // Of the user that Postgres runs as: only such a program makes Postgres refuse.
  const asPostgres = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const stranger = spawn('sleep', ['1000'], { stdio: 'ignore', cwd: '/', ...asPostgres });
  try {
    const lock = join(dataFolder, 'postgres', 'cluster', 'postmaster.pid');
    await writeFile(
      lock,
      `${stranger.pid}\n${join(dataFolder, 'postgres', 'cluster')}\n1700000000\n5432\n\n\n`,
    );
    const second = await untilTestEnds(startPostgres({ dataFolder, log }));
    expect(await askPostgres(second, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(heard.join()).toContain(`names process ${stranger.pid}, which is another program`);
    expect(stranger.exitCode).toBeNull();
    await second.stop();

    await writeFile(lock, '');
    const third = await untilTestEnds(startPostgres({ dataFolder, log }));
    expect(await askPostgres(third, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(heard.join()).toContain('is damaged');
  } finally {
    stranger.kill('SIGKILL');
  }
});

test('a Postgres on our data that another program started is left alone, and named in one line', async () => {
  const dataFolder = await temporaryFolder();
  const first = await untilTestEnds(startPostgres({ dataFolder, log: () => undefined }));
  await first.stop();
  const cluster = join(dataFolder, 'postgres', 'cluster');
  const file = /\(([^()]*)\)/.exec(first.route)?.[1] ?? '';
  const asPostgres = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const args = ['-D', cluster, `--port=${new URL(first.url).port}`, '--unix-socket-directories='];
  const foreign = spawn(join(file, 'postgres'), args, { stdio: 'ignore', cwd: '/', ...asPostgres });
  const ended = once(foreign, 'exit');
  try {
    await vi.waitFor(
      async () => expect(await readFile(join(cluster, 'postmaster.pid'), 'utf8')).toContain('ready'),
      RETURN_MAX_MS,
    );
    const refused = await startPostgres({ dataFolder, log: () => undefined }).catch((error: Error) => error);
    expect(refused).toMatchObject({
      code: 'LOCAL_STORE',
      message: expect.stringMatching(new RegExp(`^Postgres runs on .*${foreign.pid}.*stop it.*$`)),
    });
    expect(foreign.exitCode).toBeNull();
  } finally {
    foreign.kill('SIGINT');
    await ended;
  }
});

test('a data folder that cannot be used is told in one line with what to do', async (context) => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  for (const start of [startRedis, startPostgres])
    await expect(start({ dataFolder: join(folder, 'file'), log: () => undefined })).rejects.toMatchObject({
      code: 'LOCAL_STORE',
      message: expect.stringMatching(
        /^The data folder .* cannot be used: a file is in its place. .*HOLDFAST_DATA=.*\.$/,
      ),
    });

  const disk = await smallDisk(10);
  if (disk === undefined) return context.skip();
  for (const start of [startRedis, startPostgres])
    await expect(start({ dataFolder: disk, log: () => undefined })).rejects.toMatchObject({
      code: 'LOCAL_STORE',
      message: expect.stringMatching(
        /^The disk of .* is full \(\d+ MB left\): make room .*HOLDFAST_DATA=.*\.$/,
      ),
    });
  await runCommand('mount', ['-o', 'remount,ro', disk], { timeoutMs: 10_000 });
  for (const start of [startRedis, startPostgres])
    await expect(start({ dataFolder: disk, log: () => undefined })).rejects.toMatchObject({
      code: 'LOCAL_STORE',
      message: expect.stringMatching(
        /^The data folder .* cannot be used: its disk is mounted read-only\. .*\.$/,
      ),
    });
});

test('a cluster of another Postgres release, or half a cluster, is told in one line with what to do', async () => {
  const dataFolder = await temporaryFolder();
  const first = await untilTestEnds(startPostgres({ dataFolder, log: () => undefined }));
  await first.stop();
  const version = join(dataFolder, 'postgres', 'cluster', 'PG_VERSION');
  await writeFile(version, '9\n');
  const hidden = { searchPath: join(dataFolder, 'bin'), cacheFolder: join(dataFolder, 'cache') };
  await expect(startPostgres({ dataFolder, log: () => undefined, ...hidden })).rejects.toMatchObject({
    code: 'LOCAL_STORE',
    message: expect.stringMatching(/^The Postgres data in .* was made by PostgreSQL 9, .*HOLDFAST_DATA=.*$/),
  });
  await rm(version);
  await expect(startPostgres({ dataFolder, log: () => undefined })).rejects.toMatchObject({
    code: 'LOCAL_STORE',
    message: expect.stringMatching(/^The Postgres data in .* it has no PG_VERSION\. .*HOLDFAST_DATA=.*$/),
  });
});

test('a Redis whose file is damaged is told in one line with what to do', async () => {
  const dataFolder = await temporaryFolder();
  const first = await untilTestEnds(startRedis({ dataFolder, log: () => undefined }));
  await first.stop();
  const folder = join(dataFolder, 'redis', 'appendonlydir');
  await writeFile(join(folder, 'appendonly.aof.1.incr.aof'), 'this is no command\r\n');
  await expect(startRedis({ dataFolder, log: () => undefined })).rejects.toMatchObject({
    code: 'LOCAL_STORE',
    message: expect.stringMatching(/^redis-server on .*: its append-only file is damaged: .*$/),
  });
});
