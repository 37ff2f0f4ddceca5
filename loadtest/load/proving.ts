/**
 * Checks both stores after the load: abandoned holds have returned, the ledger is complete, and nothing was sold that was
 * not there. Promises: every wait has a limit; neither engine nor worker is involved.
 */
import type { Redis } from 'ioredis';
import pg from 'pg';
import { decodeId } from '../../src/domain/id.ts';
import { connectRedis } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { ledgerHasCaughtUp, type Proof, type ProofSources, prove } from '../../src/proof/proof.ts';

/** The longest hold that a script leaves to expire is far shorter, and the sweep takes seconds for 100,000. */
const RETURN_MS_MAX = 60_000;
const CATCH_UP_MS_MAX = 60_000;
const POLL_MS = 100;
const SCAN_COUNT = 1_000;

export interface ProvingSources extends ProofSources {
  close(): Promise<void>;
}

/** @param prefix of this Holdfast's keys */
export async function openSources(
  redisUrl: string,
  databaseUrl: string,
  prefix: string,
): Promise<ProvingSources> {
  const redis: Redis = connectRedis(redisUrl);
  await redis.connect();
  const postgres = new pg.Pool({ connectionString: databaseUrl, max: 3 });
  return {
    redis,
    postgres,
    keys: partitionKeys(prefix),
    close: async () => {
      redis.disconnect();
      await postgres.end();
    },
  };
}

/** Units still held of the SKUs that contain `part`, when there are none or the time is up. */
export async function heldAtTheEnd({ postgres }: ProofSources, part: string): Promise<number> {
  const limitMs = performance.now() + RETURN_MS_MAX;
  for (;;) {
    const { rows } = await postgres.query<{ held: string }>(
      'SELECT coalesce(sum(reserved), 0) AS held FROM items WHERE strpos(sku, $1) > 0',
      [part],
    );
    const held = Number(rows[0]?.held);
    if (held === 0 || performance.now() > limitMs) return held;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Waits for the ledger to have everything; false where it does not come to that in time. */
export const caughtUp = (sources: ProofSources): Promise<boolean> =>
  ledgerHasCaughtUp(sources, CATCH_UP_MS_MAX);

/**
 * The proof over every SKU that either store knows.
 * @param acknowledged order ids that got a yes
 */
export async function proveAll(sources: ProofSources, acknowledged: readonly string[]): Promise<Proof> {
  const { rows } = await sources.postgres.query<{ sku: string }>('SELECT DISTINCT sku FROM items');
  const skus = new Set(rows.map(({ sku }) => sku));
  const start = sources.keys.sku('');
  let cursor = '0';
  do {
    const [next, found] = await sources.redis.scan(cursor, 'MATCH', `${start}*`, 'COUNT', SCAN_COUNT);
    for (const key of found) skus.add(decodeId(key.slice(start.length)) ?? key);
    cursor = next;
  } while (cursor !== '0');
  return prove(sources, [...skus], acknowledged);
}

/** Orders that hold or held something, by the ledger. */
export const ordersIn = ({ orders }: Proof): number =>
  Object.values(orders).reduce((sum, count) => sum + count, 0);
