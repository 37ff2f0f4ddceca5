/**
 * What a test of an outage asks: what fault came, and whether the engine can be reached again.
 */
import { vi } from 'vitest';
import { Fault } from '../../src/hotpath/fault.ts';
import type { HotShop } from './hot-shop.ts';

/** The fault a call ends in. @throws where it is answered, or ends in anything else */
export async function faultOf<T>(call: Promise<T>): Promise<Fault> {
  const ended = await call.catch((error: unknown) => error);
  if (ended instanceof Fault) return ended;
  throw new Error(`not a fault: ${ended instanceof Error ? ended.stack : JSON.stringify(ended)}`);
}

/** Waits until the engine has a connection again; asks with a batch without commands. */
export async function untilReachable(shop: HotShop): Promise<void> {
  await vi.waitFor(() => shop.hot.sweep(0), { timeout: 10_000, interval: 10 });
}
