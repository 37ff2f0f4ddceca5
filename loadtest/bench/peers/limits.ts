/**
 * How fast anything of a kind could be: what a store or a server does when it only writes the hold, or only answers, and
 * looks at no stock. Not ways to sell.
 */
import { Redis } from 'ioredis';
import type pg from 'pg';
import { closeServer, reopenServer } from '../http-load.ts';
import type { InventoryState } from './books.ts';
import type { Peer } from './peer.ts';
import { keysWithExpiry } from './redis-peers.ts';

const HOLD_MS = 1_800_000;
/** Inserts under way at once: while one is on its way to the disk, the next one fills. */
const INSERTS_AT_ONCE = 2;

const limit = { family: 'limit', isLimit: true, givesUp: false } as const;

/** A key with a time to live for each order; what many clients ask at one moment travels in one write to the socket. */
export const setWithTtl: Peer = {
  ...limit,
  name: 'limit: SET with TTL, pipelined',
  open: async ({ bench: { stores } }) => {
    await stores.clear();
    const redis = new Redis(stores.redisUrl, { lazyConnect: true, enableAutoPipelining: true });
    await redis.connect();
    return {
      reserve: async (orderId, sku) => {
        await redis.set(`hold:${orderId}`, `ACTIVE ${sku} 1`, 'PX', HOLD_MS);
        return 'held';
      },
      books: async () => ofHolds(await keysWithExpiry(stores.admin)),
      close: async () => redis.disconnect(),
    };
  },
};

interface Waiting {
  readonly orderId: string;
  readonly sku: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Rows of all clients that wait, in one statement: what Postgres takes when somebody else has decided. */
export const bareInserts: Peer = {
  ...limit,
  name: 'limit: bare unnest inserts',
  open: async (room) => {
    const pool = await room.postgres();
    await pool.query(`CREATE TABLE IF NOT EXISTS peer_bare (order_id text PRIMARY KEY, sku text NOT NULL,
      quantity int NOT NULL, expires_at timestamptz NOT NULL); TRUNCATE peer_bare`);
    let queue: Waiting[] = [];
    let underWay = 0;
    const flush = async () => {
      while (queue.length > 0) {
        const batch = queue;
        queue = [];
        try {
          await insert(pool, batch);
          for (const { resolve } of batch) resolve();
        } catch (error) {
          for (const { reject } of batch) reject(error);
        }
      }
    };
    return {
      reserve: (orderId, sku) =>
        new Promise((resolve, reject) => {
          queue.push({ orderId, sku, resolve: () => resolve('held'), reject });
          if (queue.length > 1 || underWay >= INSERTS_AT_ONCE) return;
          underWay++;
          // Not at once: all that this turn of the event loop still brings travels together.
          setImmediate(() => void flush().finally(() => underWay--));
        }),
      books: async () => {
        const { rows } = await pool.query('SELECT count(*) AS holds FROM peer_bare WHERE expires_at > now()');
        return ofHolds(Number(rows[0].holds));
      },
      close: async () => {},
    };
  },
};

async function insert(pool: pg.Pool, batch: readonly Waiting[]): Promise<void> {
  await pool.query({
    name: 'bare-insert',
    text: `INSERT INTO peer_bare SELECT order_id, sku, 1, now() + interval '30 minutes'
      FROM unnest($1::text[], $2::text[]) AS u(order_id, sku)`,
    values: [batch.map(({ orderId }) => orderId), batch.map(({ sku }) => sku)],
  });
}

/** A server that checks the body, answers and does nothing else. */
export const bareRoute: Peer = {
  ...limit,
  name: 'limit: bare Fastify route',
  open: async (room) => {
    const server = await room.server('bare');
    return {
      port: await reopenServer(server),
      reserve: async () => 'held',
      books: async () => undefined,
      close: () => closeServer(server),
    };
  },
};

const ofHolds = (holds: number): InventoryState => ({ available: 0, reserved: holds, holds });
