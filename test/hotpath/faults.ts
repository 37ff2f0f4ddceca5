/**
 * For tests of outages: the fault of a call, and whether the engine can be reached again.
 */
import { vi } from 'vitest';
import { Fault } from '../../src/hotpath/fault.ts';
import type { HotShop } from './hot-shop.ts';

/** The fault of a call. @throws if it is answered, or fails in another way */
export async function faultOf<T>(call: Promise<T>): Promise<Fault> {
  const ended = await call.catch((error: unknown) => error);
  if (ended instanceof Fault) return ended;
  throw new Error(`not a fault: ${ended instanceof Error ? ended.stack : JSON.stringify(ended)}`);
}

/** Waits until the engine has a connection again, by batches without commands. */
export async function untilReachable(shop: HotShop): Promise<void> {
  await vi.waitFor(() => shop.hot.sweep(0), { timeout: 10_000, interval: 10 });
}
