/**
 * Behind PgBouncer: the API works in either mode and leaves nothing in sessions that strangers get next; what writes the
 * ledger is refused, unless the operator says that each connection keeps its session.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPool } from '../../src/ledger/connection.ts';
import { WrongPostgresSettings } from '../../src/ledger/errors.ts';
import { ledgerHandle } from '../../src/ledger/handle.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { type OwnPostgres, query, startOwnPostgres } from '../servers/own-postgres.ts';
import { type Pooler, startPgBouncer } from '../servers/pgbouncer.ts';
import { builtProgram, testPrefix, testRedisUrl } from '../services.ts';
import { commit, newEpoch } from './chunks.ts';

const SETTINGS_OF_A_SESSION = `SELECT current_user::text AS user, current_setting('search_path') AS path,
  current_setting('statement_timeout') AS timeout, current_setting('TimeZone') AS zone`;

let postgres: OwnPostgres | undefined;
const poolers = new Map<string, Pooler>();
let database: string;
beforeAll(async () => {
  postgres = (await startOwnPostgres(15)) ?? (await startOwnPostgres(18));
  if (!postgres) return;
  await postgres.makeUser('owner', 'CREATEROLE');
  await postgres.makeUser('shop');
  await postgres.makeUser('stranger');
  database = await postgres.makeDatabase('owner');
  const users = ['owner', 'shop', 'stranger'].map((user) => postgres?.urlOf(database, user) ?? '');
  await migrate(users[0] ?? '');
  await postgres.run(
    'GRANT holdfast_api TO shop',
    `ALTER DATABASE ${database} SET timezone = 'Asia/Kathmandu'`,
  );
  for (const mode of ['transaction', 'session'] as const) {
    const pooler = await startPgBouncer(mode, postgres.folder, [postgres.urlOf('postgres'), ...users]);
    if (pooler) poolers.set(mode, pooler);
  }
});
afterAll(async () => {
  for (const pooler of poolers.values()) await pooler.stop();
  await postgres?.stop();
});

test('without a pooler every connection has the role and the settings of a session', async ({ skip }) => {
  if (!postgres) return skip();
  const databaseUrl = `${postgres.urlOf(database, 'owner')}?schema=public`;
  const options = {
    databaseUrl,
    role: 'holdfast_writer' as const,
    statementTimeoutMs: 9_000,
    applicationName: 't',
  };
  const pool = openPool(options, 1);
  const { rows } = await pool.query(SETTINGS_OF_A_SESSION);
  await pool.end();
  expect(rows).toEqual([{ user: 'holdfast_writer', path: 'public, pg_temp', timeout: '9s', zone: 'UTC' }]);
});

describe.each(['transaction', 'session'] as const)('through a pooler in %s mode', (mode) => {
  test('the API reads and writes with the rights of its user, says so once, and leaves nothing behind', async ({
    skip,
  }) => {
    const pooler = poolers.get(mode);
    if (!postgres || !pooler) return skip();
    const writer = await openLedger({ databaseUrl: postgres.urlOf(database, 'owner') });
    await writer.beginEpoch(0, newEpoch(mode === 'transaction' ? 1 : 2));
    const shop = pooler.through(postgres.urlOf(database, 'shop'));
    const fresh = await query(shop, SETTINGS_OF_A_SESSION);
    const lines: string[] = [];
    const handle = ledgerHandle({ databaseUrl: shop, say: (line) => lines.push(line) });
    const api = await handle.open();
    const warehouse = { id: `w-${mode}`, name: '倉' };
    expect(await Promise.all(Array.from({ length: 20 }, () => api.putWarehouse(warehouse)))).toContain(
      'created',
    );
    expect(await api.warehouses()).toContainEqual(warehouse);
    expect(await api.workerState(0)).toMatchObject({ isRunning: false });
    const { committedAtMs } = await api.workerState(0);
    expect(committedAtMs).toBe((await writer.workerState(0)).committedAtMs);
    expect((await api.read.entries({ limit: 9 })).entries).toEqual([]);
    expect(lines).toEqual([expect.stringContaining('own user "shop"')]);
    await handle.close();
    await writer.close();
    for (let i = 0; i < 5; i++) expect(await query(shop, SETTINGS_OF_A_SESSION)).toEqual(fresh);
  });

  test('a worker, a migration and a lease are refused, with the remedy', async ({ skip }) => {
    const pooler = poolers.get(mode);
    if (!postgres || !pooler) return skip();
    const url = pooler.through(postgres.urlOf(database, 'owner'));
    await expect(openLedger({ databaseUrl: url })).rejects.toThrow(WrongPostgresSettings);
    await expect(migrate(url)).rejects.toThrow('directly');
    const worker = spawn(process.execPath, [builtProgram('work')], {
      env: { ...process.env, REDIS_URL: testRedisUrl(), DATABASE_URL: url, HOLDFAST_PREFIX: testPrefix() },
    });
    let said = '';
    worker.stderr.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    const [code] = await once(worker, 'exit');
    expect(code).toBe(1);
    expect(said).toContain('connect it to Postgres directly');
    expect(said).not.toContain('    at ');
  });
});

test('through a pooler that keeps sessions, and whose operator says so, the ledger is written', async ({
  skip,
}) => {
  const pooler = poolers.get('session');
  if (!postgres || !pooler) return skip();
  const direct = postgres.urlOf(await postgres.makeDatabase('owner'), 'owner');
  await migrate(direct);
  const ledger = await openLedger({ databaseUrl: `${pooler.through(direct)}?pooler=session` });
  const lease = await ledger.tryBecomeWorker(0);
  expect(await lease?.verify()).toBe(true);
  await ledger.beginEpoch(0, newEpoch(1));
  await commit(ledger, 0, {});
  expect(await ledger.tryBecomeWorker(0)).toBeUndefined();
  await lease?.release();
  await ledger.close();
});

test('where the operator is wrong about it, the lease is lost as soon as the lock is seen in another session', async ({
  skip,
}) => {
  const pooler = poolers.get('transaction');
  if (!postgres || !pooler) return skip();
  const direct = postgres.urlOf(await postgres.makeDatabase('owner'), 'owner');
  await migrate(direct);
  const url = `${pooler.through(direct)}?pooler=session`;
  const ledger = await openLedger({ databaseUrl: url });
  const lease = await ledger.tryBecomeWorker(0);
  expect(lease?.isHeld).toBe(true);
  // Somebody else's transactions take the session with the lock, so that the lease's next statement runs in another one.
  const others = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const client = new pg.Client({ connectionString: pooler.through(direct) });
      await client.connect();
      await client.query('BEGIN');
      return client;
    }),
  );
  expect(await lease?.verify()).toBe(false);
  expect(lease?.isHeld).toBe(false);
  for (const client of others) await client.end();
  await ledger.close();
});

test('the schema must be that of the URL, which a pooler cannot set', async ({ skip }) => {
  const pooler = poolers.get('transaction');
  if (!postgres || !pooler) return skip();
  const name = await postgres.makeDatabase('owner');
  await migrate(`${postgres.urlOf(name, 'owner')}?schema=tea`);
  const url = `${pooler.through(postgres.urlOf(name, 'shop'))}?schema=tea`;
  const open = () => openLedger({ databaseUrl: url, role: 'holdfast_api' });
  await expect(open()).rejects.toThrow('ALTER ROLE "shop" SET search_path = tea');
  await postgres.run(
    `ALTER ROLE shop IN DATABASE ${name} SET search_path = tea`,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
  );
  const ledger = await open();
  expect(await ledger.warehouses()).toEqual([]);
  await ledger.close();
});
