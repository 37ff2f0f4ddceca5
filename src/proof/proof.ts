/**
 * The independent checker: reads Redis and Postgres by itself, by key and by table, and says whether what was sold was
 * there. Promises: it asks neither engine nor worker for anything, so a fault in them cannot hide here.
 */
import type { Redis } from 'ioredis';
import type pg from 'pg';
import type { PartitionKeys } from '../hotpath/keys.ts';

export interface ProofSources {
  readonly redis: Redis;
  readonly postgres: pg.Pool;
  readonly keys: PartitionKeys;
}

/** What both stores say about the items of some SKUs. */
export interface Proof {
  readonly items: number;
  /** Units that ever came in, by the ledger. */
  readonly received: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  /** Units held or sold that never came in: the number that must be 0. */
  readonly oversold: number;
  /** Orders that hold or bought something, by status, as both stores have them. */
  readonly orders: Readonly<Record<string, number>>;
  readonly ledgerRows: number;
  /** Orders a buyer was told are his, and how many of them are missing in a store: the other number that must be 0. */
  readonly acknowledged: number;
  readonly lost: number;
  /** What the two stores do not agree on, or what does not add up; each a sentence. */
  readonly differences: readonly string[];
  /** Open findings of the worker, over all items. */
  readonly drift: number;
  readonly isProven: boolean;
}

interface Figures {
  readonly total: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  readonly version: number;
}
const FIGURES = ['total', 'available', 'reserved', 'sold', 'version'] as const;
/** Differences spelled out; beyond it they are counted. */
const DIFFERENCES_MAX = 50;

/** Waits until the ledger has all that Redis decided. Answers false where it does not come to that in time. */
export async function ledgerHasCaughtUp(sources: ProofSources, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const control = ((await sources.redis.get(sources.keys.control)) ?? '').split(' ');
    const { rows } = await sources.postgres.query(
      'SELECT epoch, sequence FROM partitions WHERE partition = $1',
      [sources.keys.partition],
    );
    const cursor = rows[0] as { epoch: unknown; sequence: unknown } | undefined;
    if (
      cursor &&
      Number(cursor.epoch) === Number(control[0]) &&
      Number(cursor.sequence) === Number(control[1])
    )
      return true;
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * Compares both stores about these SKUs. Nothing may be under way for them meanwhile.
 * @param acknowledged the orders that got a yes, as their buyers remember them
 */
export async function prove(
  sources: ProofSources,
  skus: readonly string[],
  acknowledged: readonly string[],
): Promise<Proof> {
  const differences: string[] = [];
  const hot = await hotFigures(sources, skus, differences);
  const ledger = await ledgerFigures(sources, skus, differences);
  const sum = { available: 0, reserved: 0, sold: 0, received: 0, oversold: 0, rows: 0 };
  for (const name of new Set([...hot.keys(), ...ledger.keys()])) {
    const left = hot.get(name);
    const right = ledger.get(name);
    if (!left || !right) {
      differences.push(
        `${name}: ${left ? 'Redis has it, the ledger has not' : 'the ledger has it, Redis has not'}`,
      );
      continue;
    }
    for (const figure of FIGURES) {
      if (left[figure] !== right[figure]) {
        differences.push(`${name}: ${figure} is ${left[figure]} in Redis and ${right[figure]} in the ledger`);
      }
    }
    if (left.available < 0) differences.push(`BR-001: ${name}: available is ${left.available}`);
    if (left.total !== left.available + left.reserved + left.sold)
      differences.push(`BR-004: ${name} does not add up`);
    sum.available += left.available;
    sum.reserved += left.reserved;
    sum.sold += left.sold;
    sum.received += right.received;
    sum.rows += right.rows;
    sum.oversold += Math.max(0, left.reserved + left.sold - right.received);
  }
  const { orders, known } = await compareOrders(sources, new Set(skus), hot, differences);
  const missing = acknowledged.filter((orderId) => !known.has(orderId));
  for (const orderId of missing) differences.push(`order ${orderId} was acknowledged and is gone`);
  const { rows } = await sources.postgres.query('SELECT count(*) AS n FROM drift WHERE resolved_at IS NULL');
  const drift = Number((rows[0] as { n: unknown }).n);
  return {
    items: hot.size,
    received: sum.received,
    available: sum.available,
    reserved: sum.reserved,
    sold: sum.sold,
    oversold: sum.oversold,
    orders,
    ledgerRows: sum.rows,
    acknowledged: acknowledged.length,
    lost: missing.length,
    differences,
    drift,
    isProven: differences.length === 0 && sum.oversold === 0 && drift === 0 && hot.size > 0,
  };
}

/** One line for people, and the differences where there are any. */
export function proofText(proof: Proof): string {
  const {
    received,
    reserved,
    sold,
    available,
    oversold,
    ledgerRows,
    differences,
    drift,
    acknowledged,
    lost,
  } = proof;
  const agree =
    differences.length === 0
      ? 'ledger = Redis'
      : `ledger and Redis differ in ${differences.length - lost} points`;
  const line =
    `${proof.isProven ? 'PROVEN' : 'NOT PROVEN'}: stock ${received}, reserved ${reserved}, sold ${sold}, ` +
    `available ${available}, oversold ${oversold}, acknowledged ${acknowledged} and lost ${lost}, ` +
    `${agree} (${ledgerRows} entries), drift ${drift}`;
  const more = differences.length - DIFFERENCES_MAX;
  return [
    line,
    ...differences.slice(0, DIFFERENCES_MAX).map((difference) => `  - ${difference}`),
    ...(more > 0 ? [`  - and ${more} more`] : []),
  ].join('\n');
}

async function hotFigures(
  { redis, keys }: ProofSources,
  skus: readonly string[],
  differences: string[],
): Promise<Map<string, Figures>> {
  const found = new Map<string, Figures>();
  for (const sku of skus) {
    for (const [warehouse, text] of Object.entries(await redis.hgetall(keys.sku(sku)))) {
      const words = text.split(' ').map(Number);
      const [total, available, reserved, sold, version] = words;
      if (words.some((word) => !Number.isSafeInteger(word)) || version === undefined) {
        differences.push(`${sku}@${warehouse}: cannot be read in Redis: ${JSON.stringify(text)}`);
        continue;
      }
      found.set(`${sku}@${warehouse}`, {
        total: total ?? Number.NaN,
        available: available ?? Number.NaN,
        reserved: reserved ?? Number.NaN,
        sold: sold ?? Number.NaN,
        version,
      });
    }
  }
  return found;
}

/** Items as the ledger has them, each checked against the sum of its own entries. */
async function ledgerFigures(
  { postgres }: ProofSources,
  skus: readonly string[],
  differences: string[],
): Promise<Map<string, Figures & { received: number; rows: number }>> {
  const { rows } = await postgres.query(
    `SELECT i.sku, i.warehouse, i.total, i.available, i.reserved, i.sold, i.version, l.*
       FROM items i LEFT JOIN LATERAL (
         SELECT count(*) AS rows, max(version) AS last, count(DISTINCT version) AS versions,
           sum(available_change) AS available_sum, sum(reserved_change) AS reserved_sum, sum(sold_change) AS sold_sum,
           coalesce(sum(quantity) FILTER (WHERE type = 'InventoryReceived'), 0) AS received
         FROM ledger WHERE ledger.sku = i.sku AND ledger.warehouse = i.warehouse) l ON true
      WHERE i.sku = ANY($1)`,
    [skus],
  );
  const found = new Map<string, Figures & { received: number; rows: number }>();
  for (const row of rows as Record<string, unknown>[]) {
    const number = (column: string) => Number(row[column]);
    const name = `${row.sku}@${row.warehouse}`;
    for (const figure of ['available', 'reserved', 'sold']) {
      if (number(figure) !== number(`${figure}_sum`)) {
        differences.push(`${name}: ${figure} is ${row[figure]}, its entries come to ${row[`${figure}_sum`]}`);
      }
    }
    if (
      number('rows') !== number('version') ||
      number('versions') !== number('version') ||
      number('last') !== number('version')
    ) {
      differences.push(
        `${name}: ${row.rows} entries up to version ${row.last}, but the item is at ${row.version}`,
      );
    }
    found.set(name, {
      total: number('total'),
      available: number('available'),
      reserved: number('reserved'),
      sold: number('sold'),
      version: number('version'),
      received: number('received'),
      rows: number('rows'),
    });
  }
  return found;
}

const ORDERS_CHUNK_MAX = 2_000;

/** Every order about these SKUs, status and lines, on both sides; and the open holds add up to what is reserved. */
async function compareOrders(
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

/** Orders that Redis has about these SKUs and the ledger has not. */
async function findUnknownOrders(
  redis: Redis,
  keys: PartitionKeys,
  skus: ReadonlySet<string>,
  known: ReadonlySet<string>,
  differences: string[],
): Promise<void> {
  const start = keys.reservation('');
  let cursor = '0';
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', `${start}*`, 'COUNT', ORDERS_CHUNK_MAX);
    cursor = next;
    const strangers = found.filter((key) => !known.has(key.slice(start.length)));
    if (strangers.length === 0) continue;
    const texts = await redis.mget(...strangers);
    strangers.forEach((key, i) => {
      const lines = texts[i]?.split(' ')[3]?.split(',') ?? [];
      if (lines.some((line) => skus.has(line.slice(0, line.indexOf('@'))))) {
        differences.push(`order ${key.slice(start.length)}: Redis has it (${texts[i]}), the ledger has not`);
      }
    });
  } while (cursor !== '0');
}
