/**
 * The verdict over one run: what the buyers were told, against what both stores say when everything has settled.
 * Promises: it asks neither engine nor worker; whatever it cannot know counts against Holdfast.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ledgerHasCaughtUp, type ProofSources, prove } from '../../src/proof/proof.ts';
import type { Buyers } from './buyers.ts';
import type { Scene } from './scene.ts';

export interface Verdict {
  /** The ledger has everything that Redis decided. */
  readonly isCaughtUp: boolean;
  /** Reservations, payments and cancellations that a buyer was told of. */
  readonly acknowledged: number;
  /** Orders that were acknowledged and are in neither store, or are not what was acknowledged. */
  readonly lost: readonly string[];
  /** Of those: named in `lost_acknowledgements`. */
  readonly listedById: number;
  /** Of the rest: covered by a range in `epochs`, by number. */
  readonly listedByRange: number;
  /** Units beyond those that came in, of orders that the stores still have: by the buyers' record or by the stores, whichever is more. */
  readonly oversold: number;
  /** Units of lost orders that somebody else has got as well. */
  readonly soldAgain: number;
  /** Orders whose units were deducted more than once. */
  readonly twice: number;
  /** What else differs, a sentence each. */
  readonly differences: readonly string[];
}

const CATCH_UP_MS_MAX = 30_000;
const LISTED_MS_MAX = 10_000;
const LIST_POLL_MS = 250;

/** Judges what became of one SKU. @param received units that were acknowledged as received */
export async function judge(scene: Scene, buyers: Buyers, sku: string, received: number): Promise<Verdict> {
  return scene.withSources(async (sources) => {
    const isCaughtUp = await ledgerHasCaughtUp(sources, CATCH_UP_MS_MAX);
    return { isCaughtUp, ...(await compare(sources, buyers, sku, received)) };
  });
}

async function compare(
  sources: ProofSources,
  buyers: Buyers,
  sku: string,
  received: number,
): Promise<Omit<Verdict, 'isCaughtUp'>> {
  const told = [...buyers.told.values()];
  const statuses = await statusesOf(
    sources,
    told.map(({ orderId }) => orderId),
  );
  const lost = told
    .filter(({ orderId, confirmedAtMs, releasedAtMs }) => {
      const status = statuses.get(orderId);
      if (status === undefined) return true;
      if (confirmedAtMs !== undefined) return status !== 'CONFIRMED';
      return releasedAtMs !== undefined && status !== 'RELEASED';
    })
    .map(({ orderId }) => orderId);
  const proof = await prove(sources, [sku], []);
  const promised = told.filter(({ releasedAtMs }) => releasedAtMs === undefined);
  const gone = new Set(lost);
  const kept = promised.filter(({ orderId }) => !gone.has(orderId)).length;
  const oversold = Math.max(0, kept - received, proof.oversold);
  const twice = await deductedTwice(sources, sku);
  const differences = [...proof.differences, ...buyers.unexpected];
  if (proof.received !== received)
    differences.push(`${received} units were acknowledged as received, the ledger has ${proof.received}`);
  if (proof.drift > 0) differences.push(`${proof.drift} findings of drift`);
  return {
    acknowledged: told.reduce((sum, one) => sum + acknowledgementsOf(one), 0),
    lost,
    ...(await listedInTime(sources, lost)),
    oversold,
    soldAgain: Math.max(0, promised.length - received - oversold),
    twice,
    differences,
  };
}

const acknowledgementsOf = (one: { confirmedAtMs?: number; releasedAtMs?: number }): number =>
  1 + Number(one.confirmedAtMs !== undefined) + Number(one.releasedAtMs !== undefined);

/** What each order is, by the ledger, else by Redis. */
async function statusesOf(
  { redis, postgres, keys }: ProofSources,
  orderIds: readonly string[],
): Promise<Map<string, string>> {
  const { rows } = await postgres.query<{ order_id: string; status: string }>(
    'SELECT order_id, status FROM reservations WHERE order_id = ANY($1)',
    [orderIds],
  );
  const found = new Map(rows.map((row) => [row.order_id, row.status]));
  const missing = orderIds.filter((orderId) => !found.has(orderId));
  if (missing.length === 0) return found;
  const texts = await redis.mget(...missing.map((orderId) => keys.reservation(orderId)));
  missing.forEach((orderId, i) => {
    const status = texts[i]?.split(' ')[0];
    if (status) found.set(orderId, status);
  });
  return found;
}

/** Orders of this SKU with two reservations in the ledger, or a finding that Redis made a second one. */
async function deductedTwice({ postgres }: ProofSources, sku: string): Promise<number> {
  const { rows } = await postgres.query<{ n: string }>(
    `SELECT (SELECT count(*) FROM (SELECT FROM ledger WHERE sku = $1 AND type = 'InventoryReserved'
         GROUP BY order_id HAVING count(*) > 1) AS repeated)
       + (SELECT count(*) FROM drift WHERE kind = 'order-id-reused' AND sku = $1) AS n`,
    [sku],
  );
  return Number(rows[0]?.n);
}

/** APIs report what they acknowledged some seconds after an epoch has begun. */
async function listedInTime(
  sources: ProofSources,
  lost: readonly string[],
): Promise<Pick<Verdict, 'listedById' | 'listedByRange'>> {
  const limitMs = performance.now() + LISTED_MS_MAX;
  for (;;) {
    const found = await listed(sources, lost);
    if (found.listedById === lost.length || performance.now() > limitMs) return found;
    await sleep(LIST_POLL_MS);
  }
}

/** How many of the lost orders the ledger names or covers. A release before these tables lists nothing. */
async function listed(
  { postgres, keys }: ProofSources,
  lost: readonly string[],
): Promise<Pick<Verdict, 'listedById' | 'listedByRange'>> {
  if (lost.length === 0) return { listedById: 0, listedByRange: 0 };
  const { rows: tables } = await postgres.query<{ there: boolean }>(
    `SELECT to_regclass('lost_acknowledgements') IS NOT NULL AND to_regclass('epochs') IS NOT NULL AS there`,
  );
  if (!tables[0]?.there) return { listedById: 0, listedByRange: 0 };
  const { rows: named } = await postgres.query<{ n: string }>(
    'SELECT count(DISTINCT subject_id) AS n FROM lost_acknowledgements WHERE subject_id = ANY($1)',
    [lost],
  );
  const { rows: ranges } = await postgres.query<{ n: string }>(
    'SELECT count(*) AS n FROM epochs WHERE partition = $1 AND lost_from IS NOT NULL',
    [keys.partition],
  );
  const listedById = Number(named[0]?.n);
  return { listedById, listedByRange: Number(ranges[0]?.n) > 0 ? lost.length - listedById : 0 };
}
