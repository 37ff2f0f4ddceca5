/**
 * Thousands of orders over a connection that is cut at random, before and after Redis ran a batch: an order that is repeated
 * under its id until there is an answer is reserved once (BR-006), and every acknowledged order is in Redis.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fault } from '../../src/hotpath/fault.ts';
import { HISTORIES } from '../domain/histories.ts';
import { outcome } from '../domain/sentences.ts';
import { type FaultProxy, givenProxy } from './fault-proxy.ts';
import { untilReachable } from './faults.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

const ORDERS = 10 * HISTORIES;
/** A little less than requested, so that some orders are refused. */
const STOCK = ORDERS - 100;
const BUYERS = 100;
/** More orders take longer. */
const TIME_OUT_MS = Math.max(60_000, 10 * ORDERS);
/** One cut in so many script calls. */
const CUT_EVERY = 8;

/** The random cuts of one run; the test prints the seed when it fails. */
function cutAtRandom(proxy: FaultProxy, seed: number): { cuts: number } {
  const count = { cuts: 0 };
  const random = fc.sample(fc.nat({ max: 2 * CUT_EVERY - 1 }), { numRuns: 10_000, seed });
  let at = 0;
  proxy.fate = ({ commands }) => {
    const drawn = commands.length > 0 ? random[at++ % random.length] : 2;
    if (drawn !== undefined && drawn < 2) count.cuts++;
    return drawn === 0 ? 'cut-after' : drawn === 1 ? 'cut-before' : 'pass';
  };
  return count;
}

/** Repeats a call under its id until it is decided, and counts the tries that ended in a fault. */
async function persist<T>(shop: HotShop, call: () => Promise<T>, tries: { faults: number }): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      tries.faults++;
      await untilReachable(shop);
    }
  }
}

test(
  'BR-006: over random cuts no order is deducted twice, and every acknowledged order is there',
  async () => {
    const seed = Date.now() % 1_000_000;
    const proxy = await givenProxy();
    const shop = await givenShop(`TEA@east=${STOCK}`, {
      redisUrl: proxy.url,
      limits: { batchCommandsMax: 32 },
    });
    const count = cutAtRandom(proxy, seed);
    const tries = { faults: 0 };
    const accepted = new Set<string>();
    const paid = new Set<string>();
    let next = 0;
    const buy = async (): Promise<void> => {
      while (next < ORDERS) {
        const orderId = `order-${next++}`;
        const decided = await persist(shop, () => shop.reserve(orderId, 'TEA@east=1'), tries);
        if (outcome(decided) === 'insufficient-stock') continue;
        accepted.add(orderId);
        if (next % 2 === 0) continue;
        await persist(shop, () => shop.confirm(orderId), tries);
        paid.add(orderId);
      }
    };
    await Promise.all(Array.from({ length: BUYERS }, buy));
    proxy.fate = () => 'pass';

    expect(count.cuts, `seed ${seed}`).toBeGreaterThan(0);
    expect(tries.faults, `seed ${seed}`).toBeGreaterThan(0);
    expect(accepted.size, `seed ${seed}`).toBe(STOCK);
    expect(await shop.figures('TEA@east')).toBe(
      `${STOCK} = 0 available + ${STOCK - paid.size} reserved + ${paid.size} sold`,
    );
    const texts = await shop.redis.mget([...accepted].map((orderId) => shop.keys.reservation(orderId)));
    const statuses = texts.map((text) => text?.split(' ')[0]);
    expect(statuses).toEqual([...accepted].map((orderId) => (paid.has(orderId) ? 'CONFIRMED' : 'ACTIVE')));
    const reservedEvents = (await shop.events()).filter((event) => event.type === 'InventoryReserved');
    expect(new Set(reservedEvents.map((event) => event.orderId))).toEqual(accepted);
    expect(reservedEvents).toHaveLength(STOCK);
  },
  TIME_OUT_MS,
);
