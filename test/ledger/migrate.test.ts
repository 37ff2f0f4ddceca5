/**
 * Migrations run once each, however often and by however many they are started; existing rows are kept; a program refuses
 * tables that are older than it needs.
 */
import { Kysely, type Migration, Migrator, PostgresDialect } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SchemaOutdated, WrongPostgresSettings } from '../../src/ledger/errors.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import * as ledger0001 from '../../src/ledger/migrations/0001-ledger.ts';
import * as eventWords0002 from '../../src/ledger/migrations/0002-event-words.ts';
import * as warehouseSide0002 from '../../src/ledger/migrations/0002-warehouse-side.ts';
import * as alerts0003 from '../../src/ledger/migrations/0003-alerts.ts';
import { testDatabase } from '../services.ts';
import { AT_MS, commit, newEpoch } from './chunks.ts';

/** What a database of the release before has run. */
const RELEASE_BEFORE: Record<string, Migration> = {
  '0001-ledger': ledger0001,
  '0002-event-words': eventWords0002,
  '0002-warehouse-side': warehouseSide0002,
  '0003-alerts': alerts0003,
};

/** Two items, two open orders and a sold one of a sale, a payment that came too late. */
const ROWS_OF_RELEASE_BEFORE = `
  INSERT INTO partitions (partition, epoch, sequence, events_total) VALUES (0, 1, 3, 9);
  INSERT INTO ledger (at, sequence, epoch, partition, sku, warehouse, actor, version, type, quantity, order_id,
    available_before, reserved_before, sold_before, available_change, reserved_change, sold_change) VALUES
    (now(), 1, 1, 0, 'TEA', 'east', 'ann', 1, 'InventoryReceived', 9, NULL, 0, 0, 0, 9, 0, 0),
    (now(), 2, 1, 0, 'TEA', 'east', 'ann', 2, 'InventoryReserved', 2, 'o1', 9, 0, 0, -2, 2, 0),
    (now(), 3, 1, 0, 'TEA', 'east', 'ann', 3, 'InventoryReserved', 3, 'o2', 7, 2, 0, -3, 3, 0),
    (now(), 1, 1, 0, 'TEA:2', 'w_1', 'ann', 1, 'InventoryReceived', 9, NULL, 0, 0, 0, 9, 0, 0),
    (now(), 2, 1, 0, 'TEA:2', 'w_1', 'ann', 2, 'InventoryReserved', 1, 'o1', 9, 0, 0, -1, 1, 0),
    (now(), 3, 1, 0, 'TEA:2', 'w_1', 'ann', 3, 'InventoryReserved', 5, 'o2', 8, 1, 0, -5, 5, 0);
  INSERT INTO items (sku, warehouse, total, available, reserved, sold, safety_stock, is_low, version, updated_at) VALUES
    ('TEA', 'east', 9, 4, 5, 0, 0, false, 3, now()), ('TEA:2', 'w_1', 9, 3, 6, 0, 0, false, 3, now());
  INSERT INTO sales (sale_id, sku, opens_at, closes_at, scheduled_at, quantity, limit_per_customer, scheduled_by)
    VALUES ('rush', 'TEA', now(), now() + interval '1 hour', now() - interval '1 hour', 9, 3, 'ann');
  INSERT INTO reservations (order_id, status, reserved_at, expires_at, resolved_at, lines, customer_id, sale_id) VALUES
    ('o1', 'ACTIVE', now(), now() + interval '1 hour', NULL, 'TEA@east=2,TEA:2@w_1=1', 'ann', 'rush'),
    ('o2', 'ACTIVE', now() + interval '1 second', now() + interval '2 hours', NULL, 'TEA@east=3,TEA:2@w_1=5', NULL, NULL),
    ('o0', 'CONFIRMED', now(), now() + interval '1 hour', now(), 'TEA@east=1', 'ann', 'rush');
  INSERT INTO shortfalls (at, order_id, lines, actor) VALUES (now(), 'o9', 'TEA@east=1', 'ann')`;

/** The question of that release about the holds of an item. */
const HOLDS_AS_THE_RELEASE_BEFORE_READS_THEM = `
SELECT order_id, quantity, reserved_at, expires_at
  FROM (SELECT order_id, sum(split_part(line, '=', 2)::integer) AS quantity, reserved_at, expires_at
    FROM reservations CROSS JOIN LATERAL unnest(string_to_array(lines, ',')) AS line
    WHERE status = 'ACTIVE' AND strpos(lines, $1) > 0 AND starts_with(line, $1)
    GROUP BY order_id) AS held
 ORDER BY expires_at DESC, order_id LIMIT $2`;

type TestDatabase = Awaited<ReturnType<typeof testDatabase>>;
const databases: TestDatabase[] = [];
let database: TestDatabase;
async function another(): Promise<TestDatabase> {
  const made = await testDatabase();
  databases.push(made);
  return made;
}
beforeEach(async () => {
  database = await another();
});
afterEach(async () => {
  for (const made of databases.splice(0)) await made.drop();
});

async function query<R extends pg.QueryResultRow>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Every table, column, constraint, index, trigger, view and function, as Postgres spells them. */
function shape(url: string) {
  return query(
    url,
    `SELECT 'column' AS what, table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable AS of
       FROM information_schema.columns WHERE table_schema = 'public'
     UNION SELECT 'constraint', conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace
     UNION SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'
     UNION SELECT 'trigger', tgname || ' ' || pg_get_triggerdef(oid) || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
     UNION SELECT 'view', viewname || ' ' || definition FROM pg_views WHERE schemaname = 'public'
     UNION SELECT 'function', pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
     UNION SELECT 'grant', table_name || ' ' || grantee || ' ' || privilege_type
       FROM information_schema.table_privileges WHERE table_schema = 'public'
     ORDER BY 1, 2`,
  );
}

describe('a migration', () => {
  test('is run once, and repeating it changes nothing', async () => {
    const first = await migrate(database.url);
    expect(first.applied[0]).toBe('0001-ledger');
    expect(first.rights).toBe('granted');
    const before = await shape(database.url);
    expect(before.length).toBeGreaterThan(100);
    expect((await migrate(database.url)).applied).toEqual([]);
    expect(await shape(database.url)).toEqual(before);
  });

  test('is run once by many at the same time, on two databases of a cluster', async () => {
    const other = await another();
    const urls = [database.url, other.url];
    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, i) => migrate(urls[i % 2] as string)));
    expect(outcomes.every(({ rights }) => rights === 'granted')).toBe(true);
    for (const half of [0, 1]) {
      const names = outcomes.filter((_, i) => i % 2 === half).flatMap(({ applied }) => applied);
      expect(names.filter((name) => name === '0001-ledger')).toHaveLength(1);
    }
    expect(await shape(other.url)).toEqual(await shape(database.url));
  });

  test('keeps the rows of a database with the first tables only', async () => {
    const pool = new pg.Pool({ connectionString: database.url });
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    const provider = { getMigrations: async () => ({ '0001-ledger': ledger0001 }) };
    expect((await new Migrator({ db, provider }).migrateToLatest()).error).toBeUndefined();
    const figures =
      'available_before, reserved_before, sold_before, available_change, reserved_change, sold_change';
    const names =
      'at, sequence, epoch, partition, sku, warehouse, actor, version, type, quantity, safety_stock';
    await pool.query(
      `INSERT INTO ledger (${names}, ${figures}) VALUES
         (now(), 1, 1, 0, 'S', 'W', 'ann', 1, 'InventoryReceived', 9, NULL, 0, 0, 0, 9, 0, 0),
         (now(), 1, 1, 0, 'S', 'W', 'ann', 2, 'SafetyStockSet', 0, NULL, 9, 0, 0, 0, 0, 0),
         (now(), 1, 1, 0, 'S', 'W', 'ann', 3, 'InventoryReserved', 2, NULL, 9, 0, 0, -2, 2, 0),
         (now(), 1, 1, 0, 'S', 'W', 'ann', 4, 'LowStockAlertTriggered', 0, 1, 7, 2, 0, 0, 0, 0);
       INSERT INTO items VALUES ('S', 'W', 9, 7, 2, 0, 0, false, 4, now());
       INSERT INTO reservations (order_id, status, reserved_at, expires_at, lines)
         VALUES ('o', 'ACTIVE', now(), now() + interval '24 hours', 'S@W=2')`,
    );
    const outcomes = await Promise.all([migrate(pool), migrate(database.url)]);
    expect(
      outcomes.flatMap(({ applied }) => applied).filter((name) => name === '0002-event-words'),
    ).toHaveLength(1);
    const ledger = await openLedger({ databaseUrl: database.url });
    expect((await ledger.read.entries({ limit: 9 })).entries.map(({ version }) => version)).toEqual([
      4, 3, 2, 1,
    ]);
    expect(await ledger.selfCheck(true)).toEqual([]);
    await ledger.close();
    await pool.end();
    const other = await another();
    await migrate(other.url);
    // Columns that were added later come last; all else is as in a database that was made today.
    expect(await shape(database.url)).toEqual(await shape(other.url));
  });

  test('keeps the rows of the release before, whose statements still work', async () => {
    const pool = new pg.Pool({ connectionString: database.url });
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    const provider = { getMigrations: async () => RELEASE_BEFORE };
    const old = new Migrator({ db, provider });
    // Each in a transaction of its own.
    for (const _ of Object.keys(RELEASE_BEFORE)) expect((await old.migrateUp()).error).toBeUndefined();
    await pool.query(ROWS_OF_RELEASE_BEFORE);
    const holdsBefore = (await pool.query('SELECT * FROM open_holds ORDER BY order_id, sku')).rows;
    expect(holdsBefore).toHaveLength(4);

    expect(await migrate(database.url)).toEqual({
      applied: ['0004-order-lines', '0005-history', '0006-realigned-word', '0006-repair'],
      rights: 'granted',
    });
    expect((await pool.query('SELECT * FROM open_holds ORDER BY order_id, sku')).rows).toEqual(holdsBefore);
    const ledger = await openLedger({ databaseUrl: database.url });
    expect(await ledger.selfCheck(true)).toEqual([]);
    const tea = { sku: 'TEA', warehouse: 'east' };
    const readTea = async () => ({
      explained: await ledger.explain({ ...tea, holdsMax: 9 }),
      newest: await ledger.read.newestHolds(tea.sku, tea.warehouse, 9),
    });
    const before = await readTea();
    expect(before).toMatchObject({
      explained: {
        check: { matches: true },
        holds: {
          quantity: 5,
          list: [
            { orderId: 'o2', quantity: 3 },
            { orderId: 'o1', quantity: 2 },
          ],
        },
      },
      newest: ['o2', 'o1'],
    });
    const sale = await ledger.sales.one('rush');
    if (!sale) throw new Error('the sale is gone');
    expect(await ledger.sales.held(sale)).toBe(2);
    const quotas = [];
    for await (const page of ledger.past.quotasOf(sale)) quotas.push(...page);
    expect(quotas).toEqual([{ customerId: 'ann', held: 2, bought: 1 }]);
    expect((await ledger.shortfalls.page({ limit: 9 })).shortfalls[0]?.lines).toEqual([
      { ...tea, quantity: 1 },
    ]);

    // A new worker books an item of any script and a hold on both; the old API reads what it knows as before.
    const leaf = { sku: '茶/烏龍 500g', warehouse: "O'Brien & 東" };
    const hold = {
      orderId: '{o,3}',
      status: 'ACTIVE' as const,
      lines: [{ ...leaf, quantity: 4 }],
      reservedAtMs: AT_MS,
      expiresAtMs: AT_MS + 60_000,
      fingerprint: '-',
      operations: [],
    };
    expect(await ledger.cursor(0)).toEqual({
      epoch: 1,
      nonce: undefined,
      sequence: 3,
      link: undefined,
      eventsTotal: 9,
    });
    await commit(ledger, 3, { verifiedEpoch: { number: 1, nonce: undefined }, newReservations: [hold] });
    // The worker of that release moves the cursor until this one's opens an epoch of its own.
    await pool.query(
      'UPDATE partitions SET sequence = 5, events_total = 11 WHERE partition = 0 AND epoch = 1 AND sequence = 4',
    );
    expect(await ledger.cursor(0)).toMatchObject({ sequence: 5, link: undefined });
    expect(await ledger.epochs(0, 9)).toEqual([]);
    expect(await readTea()).toEqual(before);
    expect(await ledger.read.openHolds(leaf.sku, leaf.warehouse, undefined, 9)).toMatchObject([
      { orderId: '{o,3}', quantity: 4 },
    ]);
    const { rows } = await pool.query(HOLDS_AS_THE_RELEASE_BEFORE_READS_THEM, ['TEA@east=', 9]);
    expect(rows).toMatchObject([
      { order_id: 'o2', quantity: '3' },
      { order_id: 'o1', quantity: '2' },
    ]);
    await ledger.close();
    await pool.end();
  });

  test('takes a pool and leaves it open', async () => {
    const pool = new pg.Pool({ connectionString: database.url });
    await migrate(pool);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });

  test('works without roles where the user may not make them', async () => {
    const name = `plain_${database.url.split('_').at(-1)}`;
    const url = new URL(database.url);
    await query(database.url, `CREATE ROLE ${name} LOGIN PASSWORD 'plain'`);
    try {
      await query(database.url, `ALTER DATABASE ${url.pathname.slice(1)} OWNER TO ${name}`);
      url.username = name;
      url.password = 'plain';
      const { applied, rights } = await migrate(url.href);
      expect(applied[0]).toBe('0001-ledger');
      // The roles are there already, made by other tests: their rights are granted, membership is not.
      expect(['granted', 'not-permitted']).toContain(rights);
      const ledger = await openLedger({ databaseUrl: url.href });
      expect(await ledger.beginEpoch(0, newEpoch(1))).toBe(1);
      await ledger.close();
    } finally {
      await query(database.url, `ALTER DATABASE ${url.pathname.slice(1)} OWNER TO CURRENT_USER`);
      await query(
        database.url,
        `REASSIGN OWNED BY ${name} TO CURRENT_USER; DROP OWNED BY ${name}; DROP ROLE ${name}`,
      );
    }
  });
});

describe('a ledger is not opened', () => {
  test('on a database that was never migrated', async () => {
    await expect(openLedger({ databaseUrl: database.url })).rejects.toThrow(SchemaOutdated);
  });

  test('on tables that are older than the program', async () => {
    await migrate(database.url);
    await query(database.url, `UPDATE kysely_migration SET name = '0000-before'`).catch(() => {});
    await query(database.url, `DELETE FROM kysely_migration WHERE name > '0000-before'`);
    await expect(openLedger({ databaseUrl: database.url })).rejects.toThrow('run the migration');
  });

  test('on a Postgres that may lose what it committed', async () => {
    await migrate(database.url);
    const name = new URL(database.url).pathname.slice(1);
    await query(database.url, `ALTER DATABASE ${name} SET synchronous_commit = off`);
    const error = await openLedger({ databaseUrl: database.url }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WrongPostgresSettings);
    expect((error as WrongPostgresSettings).problems).toEqual([
      expect.stringContaining('synchronous_commit is off'),
    ]);
    expect(String(error)).not.toContain(new URL(database.url).password || 'postgres://');
  });
});

test('connections take the role of the writer, or of the reader', async () => {
  await migrate(database.url);
  for (const role of ['holdfast_writer', 'holdfast_reader'] as const) {
    const ledger = await openLedger({ databaseUrl: database.url, role, applicationName: `as-${role}` });
    const attempt = ledger.beginEpoch(0, newEpoch(1));
    if (role === 'holdfast_reader') await expect(attempt).rejects.toThrow('permission denied');
    else expect(await attempt).toBe(1);
    await ledger.close();
  }
});
