/**
 * The ways to do it in Postgres: optimistic lock, pessimistic lock, conditional update, a row per unit. Promises: each in
 * the form that keeps the hot row locked for as short as its kind allows.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Outcome, Peer } from './peer.ts';
import { HOLD, inTransaction, openShop, rollBack, type Step, withClient } from './postgres-shop.ts';

/** More than a measurement sells of one SKU, and of one among many. */
const UNIT_ROWS = 60_000;
const UNIT_ROWS_OF_EACH = 60;

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
const CLAIM = {
  name: 'claim',
  text: `UPDATE peer_unit SET order_id = $1 WHERE id = ANY (ARRAY(
      SELECT id FROM peer_unit WHERE sku = $2 AND order_id IS NULL ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED))`,
};
const KNOW = { name: 'know', text: 'SELECT 1 FROM peer_hold WHERE order_id = $1' };

const UNIQUE_VIOLATION = '23505';

/** The requirements' hint 4: three tries in all, a random wait between them. */
const TRIES = 3;
const WAIT_MS_MIN = 10;
const WAIT_MS_MAX = 100;

export const optimistic: Peer = {
  name: 'optimistic lock, 3 tries',
  family: 'Postgres',
  isLimit: false,
  givesUp: true,
  open: (room, setting) =>
    openShop(setting, room.postgres(), async (pool, orderId, sku) => {
      for (let tries = 1; ; tries++) {
        const outcome = await withClient(pool, (client) => tryOnce(client, orderId, sku));
        if (outcome !== 'conflict') return outcome;
        if (tries === TRIES) return 'gave-up';
        await sleep(WAIT_MS_MIN + Math.random() * (WAIT_MS_MAX - WAIT_MS_MIN));
      }
    }),
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

export const forUpdate: Peer = {
  name: 'SELECT FOR UPDATE',
  family: 'Postgres',
  isLimit: false,
  givesUp: false,
  open: (room, setting) =>
    openShop(
      setting,
      room.postgres(),
      inTransaction(async (client, sku) => {
        const [item] = (await client.query({ ...LOCK, values: [sku] })).rows;
        if (item.available < 1) return 'refused';
        await client.query({ ...SAVE, values: [sku, item.available - 1, item.reserved + 1, item.version] });
        return 'held';
      }),
    ),
};

export const conditional: Peer = {
  name: 'conditional UPDATE',
  family: 'Postgres',
  isLimit: false,
  givesUp: false,
  open: (room, setting) =>
    openShop(
      setting,
      room.postgres(),
      inTransaction(async (client, sku) => {
        const { rowCount } = await client.query({ ...TAKE, values: [sku, 1] });
        return rowCount === 1 ? 'held' : 'refused';
      }),
    ),
};

export const oneStatement: Peer = {
  name: 'conditional UPDATE, one statement',
  family: 'Postgres',
  isLimit: false,
  givesUp: false,
  open: (room, setting) =>
    openShop(setting, room.postgres(), async (pool, orderId, sku) => {
      try {
        const { rowCount } = await pool.query({ ...TAKE_AND_HOLD, values: [orderId, sku, 1] });
        return rowCount === 1 ? 'held' : heldBefore(pool, orderId);
      } catch (error) {
        // The whole statement came to nothing: the order is held already.
        if ((error as { code?: unknown }).code === UNIQUE_VIOLATION) return 'held';
        throw error;
      }
    }),
};

export const unitRows: Peer = {
  name: 'a row per unit, SKIP LOCKED',
  family: 'Postgres',
  isLimit: false,
  givesUp: false,
  open: async (room, { clients, skus, units }) => {
    const rows = Math.min(units, skus.length === 1 ? UNIT_ROWS : UNIT_ROWS_OF_EACH);
    const setting = { clients, skus, units: rows };
    const claim: Step = async (client, sku, orderId) => {
      const { rowCount } = await client.query({ ...CLAIM, values: [orderId, sku, 1] });
      return rowCount === 1 ? 'held' : 'refused';
    };
    const shop = await openShop(setting, room.postgres(), inTransaction(claim));
    const pool = await room.postgres();
    await pool.query(
      'INSERT INTO peer_unit (sku) SELECT sku FROM unnest($1::text[]) AS s(sku), generate_series(1, $2::int)',
      [skus, rows],
    );
    await pool.query('ANALYZE peer_unit');
    return {
      ...shop,
      books: async () => {
        const [row] = (
          await pool.query(`SELECT count(*) FILTER (WHERE order_id IS NULL) AS available, count(order_id) AS reserved,
            (SELECT count(*) FROM peer_hold WHERE expires_at > now()) AS holds FROM peer_unit`)
        ).rows;
        // Rows are made for what can be sold, not for what there is.
        const unmade = (units - rows) * skus.length;
        return {
          available: Number(row.available) + unmade,
          reserved: Number(row.reserved),
          holds: Number(row.holds),
        };
      },
    };
  },
};
