/**
 * What the ways in Postgres share: tables, transaction, connections, with the durability that Postgres has by default.
 * Promises: statements are prepared once a connection, and the hold's primary key is what makes a repeat safe.
 */
import type pg from 'pg';
import type { Outcome, Setting, Shop } from './peer.ts';

const TABLES = `
  CREATE TABLE IF NOT EXISTS peer_item (sku text PRIMARY KEY, available int NOT NULL CHECK (available >= 0),
    reserved int NOT NULL, version bigint NOT NULL);
  CREATE TABLE IF NOT EXISTS peer_hold (order_id text PRIMARY KEY, sku text NOT NULL, quantity int NOT NULL,
    status text NOT NULL, expires_at timestamptz NOT NULL);
  CREATE TABLE IF NOT EXISTS peer_unit (id bigserial PRIMARY KEY, sku text NOT NULL, order_id text);
  CREATE INDEX IF NOT EXISTS peer_unit_free ON peer_unit (sku, id) WHERE order_id IS NULL;
  TRUNCATE peer_item, peer_hold, peer_unit`;

export const HOLD = {
  name: 'hold',
  text: `INSERT INTO peer_hold VALUES ($1, $2, $3, 'ACTIVE', now() + interval '30 minutes')
    ON CONFLICT (order_id) DO NOTHING`,
};
export type Step = (client: pg.PoolClient, sku: string, orderId: string) => Promise<Outcome>;

/** The hold first, for it locks nobody out but its own repeat; then the step, and all of it or nothing. */
export function inTransaction(step: Step): Reserve {
  return (pool, orderId, sku) =>
    withClient(pool, async (client) => {
      await client.query('BEGIN');
      const held = await client.query({ ...HOLD, values: [orderId, sku, 1] });
      if (held.rowCount !== 1) return rollBack(client, 'held');
      const outcome = await step(client, sku, orderId);
      if (outcome !== 'held') return rollBack(client, outcome);
      await client.query('COMMIT');
      return 'held';
    });
}

export async function rollBack<T>(client: pg.PoolClient, outcome: T): Promise<T> {
  await client.query('ROLLBACK');
  return outcome;
}

/** A connection that met an error is not used again. */
export async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    const result = await work(client);
    client.release();
    return result;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

type Reserve = (pool: pg.Pool, orderId: string, sku: string) => Promise<Outcome>;

/** Empty tables with stock in them. */
export async function openShop(
  { skus, units }: Setting,
  connecting: Promise<pg.Pool>,
  reserve: Reserve,
): Promise<Shop> {
  const pool = await connecting;
  await pool.query(TABLES);
  await pool.query('INSERT INTO peer_item SELECT sku, $2::int, 0, 0 FROM unnest($1::text[]) AS s(sku)', [
    skus,
    units,
  ]);
  return {
    reserve: (orderId, sku) => reserve(pool, orderId, sku),
    books: async () => {
      const [row] = (
        await pool.query(`SELECT sum(available) AS available, sum(reserved) AS reserved,
          (SELECT count(*) FROM peer_hold WHERE expires_at > now()) AS holds FROM peer_item`)
      ).rows;
      return {
        available: Number(row.available),
        reserved: Number(row.reserved),
        holds: Number(row.holds),
      };
    },
    close: async () => {},
  };
}
