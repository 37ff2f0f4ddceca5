/**
 * Bytes of a hold and of a settled reservation: Redis's own count with and without them, divided by their number, after the
 * stream has been trimmed as the worker trims it. Buffers of connections and of the append-only file do not count, because
 * they do not grow with the holds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HotInventory } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { eachOnce } from './callers.ts';
import { openEngine, orderIds, reserveOne } from './hot-sku.ts';
import { readControl } from './shipped.ts';
import type { Stores } from './stores.ts';

/** As many callers as fill two batches. */
const CALLERS = 512;
const SETTLE_MS_MAX = 30_000;
const STEADY_BYTES = 4_096;

/** Bytes for each hold and, when all of them are confirmed, for each settled reservation. */
export async function weigh(stores: Stores, holds: number): Promise<{ hold: number; settled: number }> {
  const hot = await openEngine(stores);
  try {
    const empty = await memoryOf(stores);
    await each(holds, (orderId) => reserveOne(hot, orderId));
    const held = await trimAndWeigh(stores, hot);
    await each(holds, async (orderId) => {
      const { outcome } = await hot.confirm({ orderId });
      if (outcome !== 'done') throw new Error(`${orderId} was not confirmed`);
    });
    const settled = await trimAndWeigh(stores, hot);
    return { hold: (held - empty) / holds, settled: (settled - empty) / holds };
  } finally {
    await hot.close();
  }
}

function each(count: number, call: (orderId: string) => Promise<void>): Promise<void> {
  const ids = orderIds(count);
  return eachOnce(CALLERS, 0, count, (n) => call(ids[n] as string));
}

async function trimAndWeigh(stores: Stores, hot: HotInventory): Promise<number> {
  const control = await readControl(stores.admin, partitionKeys());
  if (!control) throw new Error('the partition is gone');
  await hot.trim(control.epoch.nonce, control.eventsTotal, `${control.epoch.number}-${control.sequence + 1}`);
  return memoryOf(stores);
}

/** Waits until hash tables that are being moved have arrived, so that nothing counts twice. */
export async function memoryOf({ admin }: Stores): Promise<number> {
  const limitMs = performance.now() + SETTLE_MS_MAX;
  let last = Number.NaN;
  for (;;) {
    const info = await admin.info('memory');
    const read = (field: string) => Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    const bytes = read('used_memory') - read('mem_clients_normal') - read('mem_aof_buffer');
    if (Math.abs(bytes - last) < STEADY_BYTES) return bytes;
    if (performance.now() > limitMs) throw new Error("Redis's memory does not come to rest");
    last = bytes;
    await sleep(500);
  }
}
