/**
 * Peers in Postgres, with its default durability: optimistic lock, pessimistic lock, conditional update. Promises: each
 * locks the hot row for as short a time as its kind allows; statements are prepared once a connection; the primary key of
 * the hold makes a repeat safe.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Outcome, Peer, Setting, Shop } from './peer.ts';

const TABLES = `
  CREATE TABLE IF NOT EXISTS peer_item (sku text PRIMARY KEY, available int NOT NULL CHECK (available >= 0),
    reserved int NOT NULL, version bigint NOT NULL);
  CREATE TABLE IF NOT EXISTS peer_hold (order_id text PRIMARY KEY, sku text NOT NULL, quantity int NOT NULL,
    status text NOT NULL, expires_at timestamptz NOT NULL);
  TRUNCATE peer_item, peer_hold`;
const HOLD = {
  name: 'hold',
  text: `INSERT INTO peer_hold VALUES ($1, $2, $3, 'ACTIVE', now() + interval '30 minutes')
    ON CONFLICT (order_id) DO NOTHING`,
};
const LOOK = {
  name: 'look',
  text: 'SELECT available, reserved, version FROM peer_item WHERE sku = $1',
};
const LOCK = { name: 'lock', text: `${LOOK.text} FOR UPDATE` };
const SAVE = {
  name: 'save',
  text: 'UPDATE peer_item SET available = $2, reserved = $3, version = version + 1 WHERE sku = $1 AND version = $4',
};
const TAKE = {
  name: 'take',
  text: `UPDATE peer_item SET available = available - $2, reserved = reserved + $2, version = version + 1
    WHERE sku = $1 AND available >= $2`,
};
const TAKE_AND_HOLD = {
  name: 'take-and-hold',
  text: `WITH taken AS (
      UPDATE peer_item SET available = available - $3, reserved = reserved + $3, version = version + 1
      WHERE sku = $2 AND available >= $3 RETURNING sku)
    INSERT INTO peer_hold SELECT $1, sku, $3, 'ACTIVE', now() + interval '30 minutes' FROM taken`,
};
const KNOW = { name: 'know', text: 'SELECT 1 FROM peer_hold WHERE order_id = $1' };

const UNIQUE_VIOLATION = '23505';

/** The requirements' hint 4: three tries in all, a random wait between them. */
const TRIES = 3;
const WAIT_MS_MIN = 10;
const WAIT_MS_MAX = 100;

export const optimistic: Peer = {
  ...peer('optimistic lock, 3 tries', async (pool, orderId, sku) => {
    for (let tries = 1; ; tries++) {
      const outcome = await withClient(pool, (client) => tryOnce(client, orderId, sku));
      if (outcome !== 'conflict') return outcome;
      if (tries === TRIES) return 'gave-up';
      await sleep(WAIT_MS_MIN + Math.random() * (WAIT_MS_MAX - WAIT_MS_MIN));
    }
  }),
  givesUp: true,
};

/** Load, decide, save if nobody saved meanwhile. */
async function tryOnce(client: pg.PoolClient, orderId: string, sku: string): Promise<Outcome | 'conflict'> {
  const [item] = (await client.query({ ...LOOK, values: [sku] })).rows;
  if (item.available < 1) return heldBefore(client, orderId);
  await client.query('BEGIN');
  const held = await client.query({ ...HOLD, values: [orderId, sku, 1] });
  if (held.rowCount !== 1) return rollBack(client, 'held');
  const values = [sku, item.available - 1, item.reserved + 1, item.version];
  const saved = await client.query({ ...SAVE, values });
  if (saved.rowCount !== 1) return rollBack(client, 'conflict');
  await client.query('COMMIT');
  return 'held';
}

/** Nothing is left: whether this order has its unit already. */
async function heldBefore(client: pg.Pool | pg.PoolClient, orderId: string): Promise<Outcome> {
  return (await client.query({ ...KNOW, values: [orderId] })).rowCount === 1 ? 'held' : 'refused';
}

export const forUpdate = peer(
  'SELECT FOR UPDATE',
  inTransaction(async (client, sku) => {
    const [item] = (await client.query({ ...LOCK, values: [sku] })).rows;
    if (item.available < 1) return 'refused';
    await client.query({ ...SAVE, values: [sku, item.available - 1, item.reserved + 1, item.version] });
    return 'held';
  }),
);

export const conditional = peer(
  'conditional UPDATE',
  inTransaction(async (client, sku) => {
    const { rowCount } = await client.query({ ...TAKE, values: [sku, 1] });
    return rowCount === 1 ? 'held' : 'refused';
  }),
);

export const oneStatement = peer('conditional UPDATE, one statement', async (pool, orderId, sku) => {
  try {
    const { rowCount } = await pool.query({ ...TAKE_AND_HOLD, values: [orderId, sku, 1] });
    return rowCount === 1 ? 'held' : heldBefore(pool, orderId);
  } catch (error) {
    // The whole statement came to nothing: the order is held already.
    if ((error as { code?: unknown }).code === UNIQUE_VIOLATION) return 'held';
    throw error;
  }
});

// Common to all ------------------------------------------------------------------------------------------

type Reserve = (pool: pg.Pool, orderId: string, sku: string) => Promise<Outcome>;
type Step = (client: pg.PoolClient, sku: string) => Promise<Outcome>;

function peer(name: string, reserve: Reserve): Peer {
  const open: Peer['open'] = (room, setting) => openShop(setting, room.postgres, reserve);
  return { name, isLimit: false, givesUp: false, open };
}

/** The hold first, because it locks out nobody but its own repeat; then the step; both or nothing. */
function inTransaction(step: Step): Reserve {
  return (pool, orderId, sku) =>
    withClient(pool, async (client) => {
      await client.query('BEGIN');
      const held = await client.query({ ...HOLD, values: [orderId, sku, 1] });
      if (held.rowCount !== 1) return rollBack(client, 'held');
      const outcome = await step(client, sku);
      if (outcome !== 'held') return rollBack(client, outcome);
      await client.query('COMMIT');
      return 'held';
    });
}

async function rollBack<T>(client: pg.PoolClient, outcome: T): Promise<T> {
  await client.query('ROLLBACK');
  return outcome;
}

/** A connection that met an error is not used again. */
async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
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

/** Empty tables with stock in them. */
async function openShop({ skus, units }: Setting, pool: pg.Pool, reserve: Reserve): Promise<Shop> {
  await pool.query(TABLES);
  await pool.query('INSERT INTO peer_item SELECT sku, $2::int, 0, 0 FROM unnest($1::text[]) AS s(sku)', [
    skus,
    units,
  ]);
  return {
    reserve: (orderId, sku) => reserve(pool, orderId, sku),
    stored: async () => {
      const { rows } = await pool.query(`SELECT sum(available) AS available, sum(reserved) AS reserved,
        (SELECT count(*) FROM peer_hold WHERE expires_at > now()) AS holds FROM peer_item`);
      const [{ available, reserved, holds }] = rows;
      return { available: Number(available), reserved: Number(reserved), holds: Number(holds) };
    },
    close: async () => {},
  };
}
