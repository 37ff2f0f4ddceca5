/**
 * Compares the orders of some SKUs in Redis and in the ledger.
 */
import type { Redis } from 'ioredis';
import { encodeId } from '../domain/id.ts';
import type { PartitionKeys } from '../hotpath/keys.ts';
import type { Figures, ProofSources } from './item-figures.ts';

const ORDERS_CHUNK_MAX = 2_000;

/**
 * Compares status and lines of every order of these SKUs, and the sum of the open holds with the reserved units.
 * @param hot items as Redis has them
 * @param differences gets a sentence for each difference
 * @returns number of orders by status, and the ids of all orders of the ledger
 */
export async function compareOrders(
  { redis, postgres, keys }: ProofSources,
  skus: ReadonlySet<string>,
  hot: ReadonlyMap<string, Figures>,
  differences: string[],
): Promise<{ orders: Record<string, number>; known: ReadonlySet<string> }> {
  const orders: Record<string, number> = {};
  const held = new Map<string, number>();
  const known = new Set<string>();
  const { rows } = await postgres.query(
    `SELECT order_id, status, lines FROM reservations
      WHERE order_id IN (SELECT order_id FROM ledger WHERE sku = ANY($1) AND order_id IS NOT NULL)`,
    [[...skus]],
  );
  const inLedger = rows as { order_id: string; status: string; lines: string }[];
  for (let i = 0; i < inLedger.length; i += ORDERS_CHUNK_MAX) {
    const chunk = inLedger.slice(i, i + ORDERS_CHUNK_MAX);
    const texts = await redis.mget(...chunk.map((row) => keys.reservation(row.order_id)));
    chunk.forEach((row, j) => {
      known.add(row.order_id);
      orders[row.status] = (orders[row.status] ?? 0) + 1;
      const [status, , , lines] = (texts[j] ?? '').split(' ');
      if (status !== row.status || lines !== row.lines) {
        differences.push(
          `order ${row.order_id}: ${status ?? 'nothing'} ${lines ?? ''} in Redis, ${row.status} ${row.lines} in the ledger`,
        );
      }
      if (row.status !== 'ACTIVE') return;
      for (const line of row.lines.split(',')) {
        const [name = '', quantity] = line.split('=');
        held.set(name, (held.get(name) ?? 0) + Number(quantity));
      }
    });
  }
  for (const [name, figures] of hot) {
    if ((held.get(name) ?? 0) !== figures.reserved) {
      differences.push(
        `${name}: ${figures.reserved} reserved, but open holds come to ${held.get(name) ?? 0}`,
      );
    }
  }
  await findUnknownOrders(redis, keys, skus, known, differences);
  return { orders, known };
}

/** Finds orders of these SKUs that Redis has and the ledger has not. */
async function findUnknownOrders(
  redis: Redis,
  keys: PartitionKeys,
  skus: ReadonlySet<string>,
  known: ReadonlySet<string>,
  differences: string[],
): Promise<void> {
  const start = keys.reservation('');
  const escapedSkus = new Set([...skus].map(encodeId));
  const escapedKnown = new Set([...known].map(encodeId));
  let cursor = '0';
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', `${start}*`, 'COUNT', ORDERS_CHUNK_MAX);
    cursor = next;
    const unknown = found.filter((key) => !escapedKnown.has(key.slice(start.length)));
    if (unknown.length === 0) continue;
    const texts = await redis.mget(...unknown);
    unknown.forEach((key, i) => {
      const lines = texts[i]?.split(' ')[3]?.split(',') ?? [];
      if (lines.some((line) => escapedSkus.has(line.slice(0, line.indexOf('@'))))) {
        differences.push(`order ${key.slice(start.length)}: Redis has it (${texts[i]}), the ledger has not`);
      }
    });
  } while (cursor !== '0');
}
