/**
 * An independent check that nothing was oversold: reads Redis and Postgres directly, by key and by table.
 * Promises: it uses no code of the engine or the worker, so it cannot repeat their mistakes.
 */
import { compareSums, FIGURES, hotFigures, ledgerFigures, type ProofSources } from './item-figures.ts';
import { compareOrders } from './orders.ts';

export type { ProofSources } from './item-figures.ts';

/** Figures of both stores about the items of some SKUs, in units. */
export interface Proof {
  readonly items: number;
  /** Units ever received, by the ledger. */
  readonly received: number;
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  /** Units held or sold beyond the goods that moved into the warehouse. Must be 0. */
  readonly oversold: number;
  /** Number of orders by status, by the ledger. */
  readonly orders: Readonly<Record<string, number>>;
  readonly ledgerRows: number;
  /** Orders that the API has accepted. */
  readonly acknowledged: number;
  /** How many of those the ledger does not have. Must be 0. */
  readonly lost: number;
  /** A sentence for each difference between the stores and each sum that is wrong. */
  readonly differences: readonly string[];
  /** Unresolved drift findings of the worker, over all items. */
  readonly drift: number;
  readonly isProven: boolean;
}

/** Differences shown; further ones are counted. */
const DIFFERENCES_MAX = 50;

/** Waits until the ledger has everything that Redis has decided. @returns false where that takes longer */
export async function ledgerHasCaughtUp(sources: ProofSources, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    // "v2 epoch nonce sequence link ..."
    const [, , nonce, sequence, link] = ((await sources.redis.get(sources.keys.control)) ?? '').split(' ');
    const { rows } = await sources.postgres.query(
      'SELECT nonce, sequence, link FROM partitions WHERE partition = $1',
      [sources.keys.partition],
    );
    const cursor = rows[0] as { nonce: unknown; sequence: unknown; link: unknown } | undefined;
    const isThere = cursor?.nonce === nonce && Number(cursor?.sequence) === Number(sequence);
    if (isThere && (cursor?.link ?? '-') === link) return true;
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * Compares both stores about these SKUs. There must be no commands on them meanwhile.
 * @param acknowledged ids of the orders that the API has accepted, as the callers know them
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
    sum.oversold += Math.max(0, left.reserved + left.sold - right.moved);
  }
  await compareSums(sources, skus, differences);
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

/** The result in one line, and a line for each difference. */
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
