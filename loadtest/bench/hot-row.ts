/**
 * The other rival: one hot row in Postgres, `UPDATE ... WHERE available >= n` and an INSERT in one transaction, each caller
 * on a connection of its own, with the durability Postgres has by default. Every order waits for the row until the order
 * before it has committed.
 */
import pg from 'pg';
import { SKU, UNITS } from './hot-sku.ts';
import type { Stores } from './stores.ts';

/** `statements`: as one would write it. `one-statement`: the same as one WITH, which saves three round trips. */
export type RowStyle = 'statements' | 'one-statement';

const TAKE = {
  name: 'take',
  text: 'UPDATE item SET available = available - $2, reserved = reserved + $2 WHERE sku = $1 AND available >= $2',
};
const KEEP = {
  name: 'keep',
  text: `INSERT INTO reservation (order_id, sku, quantity, status, expires_at)
    VALUES ($1, $2, $3, 'ACTIVE', now() + interval '30 minutes')`,
};
const BOTH = {
  name: 'both',
  text: `WITH taken AS (
      UPDATE item SET available = available - $3, reserved = reserved + $3 WHERE sku = $2 AND available >= $3 RETURNING sku
    ) INSERT INTO reservation (order_id, sku, quantity, status, expires_at)
      SELECT $1, sku, $3, 'ACTIVE', now() + interval '30 minutes' FROM taken`,
};

export interface HotRow {
  /** @param caller from 0 on; a caller has one order under way at any time */
  reserveOne(orderId: string, caller: number): Promise<void>;
  reserved(): Promise<number>;
  close(): Promise<void>;
}

export async function openHotRow(stores: Stores, callers: number, style: RowStyle): Promise<HotRow> {
  const connectionString = await stores.databaseUrl();
  const clients = Array.from({ length: callers }, () => new pg.Client({ connectionString }));
  await Promise.all(clients.map((client) => client.connect()));
  const [first] = clients;
  if (!first) throw new Error('no callers');
  await first.query(`
    DROP TABLE IF EXISTS item, reservation;
    CREATE TABLE item (sku text PRIMARY KEY, available int NOT NULL CHECK (available >= 0), reserved int NOT NULL);
    CREATE TABLE reservation (order_id text PRIMARY KEY, sku text NOT NULL, quantity int NOT NULL, status text NOT NULL,
      expires_at timestamptz NOT NULL)`);
  await first.query('INSERT INTO item VALUES ($1, $2, 0)', [SKU, UNITS]);
  const reserve = style === 'statements' ? inStatements : inOneStatement;
  return {
    reserveOne: (orderId, caller) => reserve(clients[caller] as pg.Client, orderId),
    reserved: async () => (await first.query('SELECT reserved FROM item')).rows[0].reserved,
    close: async () => {
      await Promise.all(clients.map((client) => client.end()));
    },
  };
}

async function inStatements(client: pg.Client, orderId: string): Promise<void> {
  await client.query('BEGIN');
  const { rowCount } = await client.query({ ...TAKE, values: [SKU, 1] });
  if (rowCount !== 1) throw new Error(`${orderId} was not reserved`);
  await client.query({ ...KEEP, values: [orderId, SKU, 1] });
  await client.query('COMMIT');
}

async function inOneStatement(client: pg.Client, orderId: string): Promise<void> {
  const { rowCount } = await client.query({ ...BOTH, values: [orderId, SKU, 1] });
  if (rowCount !== 1) throw new Error(`${orderId} was not reserved`);
}
