/**
 * Random orders: a few hundred commands of every kind from a seed, on few items and few orders, so that they collide.
 * Refusals are fine; nothing is expected but that the engine answers.
 */
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const SKUS = ['lamp', 'chair', 'mug', 'NULL'];
const WAREHOUSES = ['north', 'south'];

/** Stock for everybody, then `commands` commands, some at a time so that batches form. */
export async function shop(hot: HotInventory, seed: number, commands: number): Promise<void> {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const whole = (max: number) => 1 + Math.floor(random() * max);
  const orderId = () => `o-${seed}-${whole(Math.ceil(commands / 4))}`;
  const line = () => ({
    sku: pick(SKUS),
    quantity: whole(3),
    ...(random() < 0.5 ? { warehouse: pick(WAREHOUSES) } : {}),
  });
  const stocked: Promise<unknown>[] = [];
  for (const sku of SKUS) {
    for (const warehouse of WAREHOUSES) {
      const movementId = `first-${seed}-${sku}-${warehouse}`;
      const reason = `for "the" \\ sale, ${sku} 櫃`;
      stocked.push(hot.receive({ movementId, sku, warehouse, quantity: 30, reason }));
      stocked.push(hot.setSafetyStock({ sku, warehouse, quantity: 10 }));
    }
  }
  await Promise.all(stocked);
  const act = (n: number): Promise<unknown> => {
    const dice = random();
    if (dice < 0.45) {
      return hot.reserve({ orderId: orderId(), lines: [line(), ...(random() < 0.4 ? [line()] : [])] });
    }
    if (dice < 0.6) return hot.confirm({ orderId: orderId() });
    if (dice < 0.66) return hot.confirm({ orderId: orderId(), lines: [{ sku: pick(SKUS), quantity: 1 }] });
    if (dice < 0.76) return hot.release({ orderId: orderId() });
    if (dice < 0.84) return hot.release({ orderId: orderId(), lines: [{ sku: pick(SKUS), quantity: 1 }] });
    if (dice < 0.92) return hot.extend({ orderId: orderId(), holdSeconds: 3_600 + n });
    return hot.receive({
      movementId: `more-${seed}-${n}`,
      sku: pick(SKUS),
      warehouse: pick(WAREHOUSES),
      quantity: whole(5),
    });
  };
  for (let n = 0; n < commands; n += 8) {
    await Promise.all(Array.from({ length: Math.min(8, commands - n) }, (_, i) => act(n + i)));
  }
}
