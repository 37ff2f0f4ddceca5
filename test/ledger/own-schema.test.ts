/**
 * Tables in a schema of their own: every connection means the same one, whatever the search path of user or database says, and
 * two shops may share a database.
 */
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SchemaOutdated } from '../../src/ledger/errors.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { testHoldfast } from '../holdfast.ts';
import { query } from '../servers/own-postgres.ts';
import { testDatabase } from '../services.ts';
import { newEpoch } from './chunks.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database.drop());

const tablesBySchema = async () => {
  const rows = await query(
    database.url,
    `SELECT schemaname AS schema, count(*)::int AS tables FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema') GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ schema, tables }) => [schema, tables]));
};

test.each(['schema=tea', 'options=-c%20search_path=tea', 'options=--search_path=tea&schema=tea'])(
  'with ?%s migration, worker, API and lease mean the schema, which the migration makes',
  async (words) => {
    const url = `${database.url}?${words}`;
    expect((await migrate(url)).rights).toBe('granted');
    expect((await migrate(url)).applied).toEqual([]);
    expect(Object.keys(await tablesBySchema())).toEqual(['tea']);
    const holdfast = await testHoldfast({ databaseUrl: url });
    const goods = { sku: '茶', warehouse: 'east' };
    await holdfast.hot.receive({ movementId: 'in', ...goods, quantity: 3 });
    await holdfast.hot.reserve({ orderId: '訂', lines: [{ sku: '茶', quantity: 2 }] });
    await holdfast.working().writeBehind.drained();
    const api = await openLedger({ databaseUrl: url, role: 'holdfast_api' });
    expect((await api.read.items(undefined, 9)).map(({ item }) => item.reserved)).toEqual([2]);
    expect(await api.read.openHolds(goods.sku, goods.warehouse, undefined, 9)).toMatchObject([
      { orderId: '訂' },
    ]);
    expect((await api.workerState(0)).isRunning).toBe(true);
    await api.close();
    expect((await holdfast.audit()).findings).toEqual([]);
    await holdfast.close();
    expect(Object.keys(await tablesBySchema())).toEqual(['tea']);
  },
);

test('two shops in two schemas of a database do not see each other, nor each other’s lease', async () => {
  const urls = ['public', 'tea'].map((schema) => `${database.url}?schema=${schema}`);
  for (const url of urls) expect((await migrate(url)).applied[0]).toBe('0001-ledger');
  const counts = await tablesBySchema();
  expect(counts.tea).toBe(counts.public);
  const [first, second] = await Promise.all(urls.map((databaseUrl) => openLedger({ databaseUrl })));
  if (!first || !second) throw new Error('both are open');
  await first.beginEpoch(0, newEpoch(7));
  expect(await second.cursor(0)).toBeUndefined();
  const lease = await first.tryBecomeWorker(0);
  expect((await second.workerState(0)).isRunning).toBe(false);
  const other = await second.tryBecomeWorker(0);
  expect([lease?.isHeld, other?.isHeld]).toEqual([true, true]);
  await lease?.release();
  expect((await first.workerState(0)).isRunning).toBe(false);
  expect((await second.workerState(0)).isRunning).toBe(true);
  await other?.release();
  await first.close();
  await second.close();
});

test('a search path of the database or the user changes nothing, for the migration as for the others', async () => {
  const name = new URL(database.url).pathname.slice(1);
  await query(database.url, 'CREATE SCHEMA elsewhere');
  await query(database.url, `ALTER DATABASE ${name} SET search_path = elsewhere, public`);
  await migrate(database.url);
  expect(Object.keys(await tablesBySchema())).toEqual(['public']);
  const ledger = await openLedger({ databaseUrl: database.url });
  expect(await ledger.beginEpoch(0, newEpoch(1))).toBeDefined();
  await ledger.close();
});

test('a ledger in another schema than the migration’s says in which it looked', async () => {
  await migrate(`${database.url}?schema=tea`);
  const attempt = openLedger({ databaseUrl: database.url });
  await expect(attempt).rejects.toThrow(SchemaOutdated);
  await expect(attempt).rejects.toThrow('in schema public are at no version');
});

test('who may not make tables in the schema is told what to grant or to name', async () => {
  const role = `guest_${new URL(database.url).pathname.split('_').at(-1)}`;
  await query(database.url, `CREATE ROLE ${role} LOGIN PASSWORD 'guest'`);
  try {
    const url = new URL(database.url);
    url.username = role;
    url.password = 'guest';
    await query(database.url, 'REVOKE CREATE ON SCHEMA public FROM PUBLIC');
    await expect(migrate(url.href)).rejects.toThrow('name a schema of its own in DATABASE_URL: ?schema=name');
    await expect(migrate(`${url.href}?schema=mine`)).rejects.toThrow('permission denied for database');
  } finally {
    await query(database.url, `DROP ROLE ${role}`);
  }
});

test('a pool that is handed to the migration decides by its own search path', async () => {
  await query(database.url, 'CREATE SCHEMA tea');
  const pool = new pg.Pool({ connectionString: `${database.url}?options=-c%20search_path=tea` });
  await migrate(pool);
  await pool.end();
  expect(Object.keys(await tablesBySchema())).toEqual(['tea']);
});
