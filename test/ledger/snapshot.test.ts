/**
 * Goal: queries in a snapshot see one state whatever is written meanwhile, are limited in time, and find their rows by key.
 * Method: writes between the queries of a snapshot, and the plans of all queries in a ledger of 100,000 rows of other items.
 */
import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPool } from '../../src/ledger/connection.ts';
import { asOf, explain } from '../../src/ledger/read/explain.ts';
import { LedgerQueries } from '../../src/ledger/read/queries.ts';
import { inSnapshot, isTimeOut } from '../../src/ledger/read/snapshot.ts';
import type { LedgerSchema } from '../../src/ledger/schema.ts';
import { at, book, bookHistory, FIRST_MS, hold, ITEM, MINUTE_MS, received } from './hand-written.ts';
import { migratedDatabase } from './room.ts';

let database: Awaited<ReturnType<typeof migratedDatabase>>;
let owner: pg.Client;
beforeAll(async () => {
  database = await migratedDatabase();
  owner = database.owner;
  await bookHistory(owner);
});
afterAll(() => database.drop());

/** A pool that calls back before every statement. */
function watchedPool(before: (text: string, values: unknown[] | undefined) => Promise<void> | void): pg.Pool {
  const options = {
    role: 'holdfast_reader',
    statementTimeoutMs: 30_000,
    applicationName: 'watched',
  } as const;
  const pool = openPool({ databaseUrl: database.url, ...options }, 2);
  const watched = new WeakSet<object>();
  pool.on('acquire', (client) => {
    if (watched.has(client)) return;
    watched.add(client);
    const ask = client.query.bind(client) as (text: string, values?: unknown[]) => Promise<unknown>;
    Object.assign(client, {
      query: async (text: string, values?: unknown[]) => {
        await before(text, values);
        return ask(text, values);
      },
    });
  });
  return pool;
}

describe('a snapshot of the ledger', () => {
  test('shows one state, whatever is written between its queries', async () => {
    await book(owner, 'BUSY@east', [received(1_000, 'busy')]);
    let version = 1;
    const pool = watchedPool(async (text) => {
      if (text.startsWith('BEGIN')) return;
      // What a worker commits: an entry, the item, the hold.
      version++;
      await owner.query('BEGIN');
      await owner.query(
        `INSERT INTO ledger (at, version, sequence, epoch, quantity, available_before, reserved_before, sold_before,
           available_change, reserved_change, sold_change, type, partition, sku, warehouse, actor, order_id)
         SELECT now(), version + 1, 1, 1, 1, available, reserved, sold, -1, 1, 0, 'InventoryReserved', 0, sku, warehouse,
           'tester', $1 FROM items WHERE sku = 'BUSY'`,
        [`busy-${version}`],
      );
      await owner.query(
        `UPDATE items SET version = version + 1, available = available - 1, reserved = reserved + 1 WHERE sku = 'BUSY'`,
      );
      await hold(owner, `busy-${version}`, 'BUSY@east=1', FIRST_MS, FIRST_MS + MINUTE_MS);
      await owner.query('COMMIT');
    });
    try {
      const busy = { sku: 'BUSY', warehouse: 'east' };
      // The first question of a look makes its snapshot, so that the first write comes before it.
      for (const moment of [undefined, { version: 2 }, { atMs: Date.now() + MINUTE_MS }]) {
        const stoodAt = version + 1;
        const expectedVersion = moment && 'version' in moment ? 2 : stoodAt;
        expect(await explain(pool, { ...busy, moment, holdsMax: 1 })).toMatchObject({
          item: { version: expectedVersion },
          check: { matches: true },
        });
        expect(version).toBeGreaterThan(stoodAt + 2);
      }
      const stoodAt = version + 1;
      const then = await asOf(pool, busy, { atMs: Date.now() + MINUTE_MS });
      expect(then).toMatchObject({ item: { version: stoodAt } });
    } finally {
      await pool.end();
    }
  });

  test('writes nothing, is limited in time, and leaves no transaction open', async () => {
    const pool = openPool(
      { databaseUrl: database.url, role: 'none', statementTimeoutMs: 30_000, applicationName: 'look' },
      1,
    );
    try {
      await expect(
        inSnapshot(pool, 1_000, (look) => look.query('UPDATE items SET version = 99')),
      ).rejects.toThrow('read-only transaction');
      const late = await inSnapshot(pool, 50, (look) => look.query('SELECT pg_sleep(30)')).catch(
        (error: unknown) => error,
      );
      expect(isTimeOut(late)).toBe(true);
      const { rows } = await pool.query('SELECT now() = statement_timestamp() AS is_outside');
      expect(rows).toEqual([{ is_outside: true }]);
    } finally {
      await pool.end();
    }
  });
});

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly Plan[];
}
const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
async function planOf(text: string, values: unknown[]): Promise<Plan[]> {
  const { rows } = await owner.query<{ 'QUERY PLAN': readonly [{ Plan: Plan }] }>(
    `EXPLAIN (FORMAT JSON) ${text}`,
    values,
  );
  return nodesOf(rows[0]?.['QUERY PLAN'][0].Plan as Plan);
}

describe('in a large ledger', () => {
  const ROWS_OF_OTHERS = 100_000;
  beforeAll(async () => {
    // 1,000 other items of 100 entries each, the holds of their orders, in the order in which they would have come.
    await owner.query(`
      INSERT INTO ledger (at, version, sequence, epoch, quantity, available_before, reserved_before, sold_before,
        available_change, reserved_change, sold_change, type, partition, sku, warehouse, actor, order_id)
      SELECT to_timestamp(${FIRST_MS / 1_000} + n / 100.0), n / 1000 + 1, n, 1, 1, 100000, 0, 0, -1, 1, 0, 'InventoryReserved',
        0, 'other-' || n % 1000, 'east', 'tester', 'other-' || n
      FROM generate_series(0, ${ROWS_OF_OTHERS - 1}) AS n`);
    await owner.query(`
      INSERT INTO reservations (order_id, status, reserved_at, expires_at, lines)
      SELECT 'other-' || n, 'ACTIVE', now(), now() + interval '1 hour', 'other-' || n % 1000 || '@east=1'
      FROM generate_series(0, ${ROWS_OF_OTHERS / 10}) AS n`);
  });

  test.each(['before', 'after'])('no query scans the ledger, %s it was analyzed', async (when) => {
    if (when === 'after') await owner.query('ANALYZE ledger, items, reservations');
    const asked: { text: string; values: unknown[] }[] = [];
    const pool = watchedPool((text, values) => {
      if (values) asked.push({ text, values });
    });
    try {
      for (const moment of [undefined, { version: 11 }, { atMs: at(11) }]) {
        for (const since of [undefined, { version: 3 }, { atMs: at(3) }]) {
          expect(await explain(pool, { ...ITEM, moment, since, holdsMax: 100 })).toMatchObject({
            check: { matches: true },
          });
        }
        if (moment) await asOf(pool, ITEM, moment);
      }
    } finally {
      await pool.end();
    }
    const texts = new Set(asked.map(({ text }) => text));
    expect([...texts].filter((text) => text.includes('ledger')).length).toBeGreaterThanOrEqual(6);
    for (const { text, values } of asked) {
      const reads = (await planOf(text, values)).filter((node) => node['Relation Name'] === 'ledger');
      for (const node of reads) {
        expect(node['Node Type'], text).toMatch(/^(Index|Index Only|Bitmap Heap) Scan$/);
        // A time is found without reading all of the item's entries.
        if (text.includes('RECURSIVE')) expect(node['Index Cond'], text).toMatch(/sku.*warehouse.*version/);
      }
      if (text.includes('ledger')) expect(reads.length, text).toBeGreaterThan(0);
    }
  });

  test('entries of a movement, a transfer or a count sheet are found by index', async () => {
    const asked: { text: string; values: unknown[] }[] = [];
    const pool = watchedPool((text, values) => {
      if (values) asked.push({ text, values });
    });
    const db = new Kysely<LedgerSchema>({ dialect: new PostgresDialect({ pool }) });
    try {
      const read = new LedgerQueries(db);
      await read.entries({ movementId: 'first', limit: 100 });
      await read.entries({ transferId: 'none', limit: 100 });
      await read.entries({ stocktakeId: 'count', limit: 100 });
    } finally {
      await db.destroy();
    }
    const indexes: (string | undefined)[][] = [];
    for (const { text, values } of asked) {
      indexes.push((await planOf(text, values)).map((node) => node['Index Name']));
    }
    expect(indexes).toEqual([
      expect.arrayContaining(['br_006_movement_once']),
      expect.arrayContaining(['ledger_transfer']),
      expect.arrayContaining(['ledger_stocktake']),
    ]);
  });
});
