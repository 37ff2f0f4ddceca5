/**
 * The limits of an engine (D1): its queue, the waiting time, the batch size, the batches in flight; and how it closes.
 */
import { describe, expect, test, vi } from 'vitest';
import { LINES_MAX } from '../../src/domain/language.ts';
import { outcome } from '../domain/sentences.ts';
import { type FaultProxy, givenProxy, type ScriptCall } from './fault-proxy.ts';
import { faultOf } from './faults.ts';
import { givenShop, type HotShop, type ShopOptions } from './hot-shop.ts';

async function givenShopBehindProxy(
  stock: string,
  options: ShopOptions,
): Promise<{ proxy: FaultProxy; shop: HotShop }> {
  const proxy = await givenProxy();
  const shop = await givenShop(stock, { redisUrl: proxy.url, ...options });
  proxy.sent.length = 0;
  return { proxy, shop };
}

/** Lines that the commands of a call name. */
function linesOf(call: ScriptCall): number {
  return call.commands.reduce((sum, text) => sum + (text.split(' ')[1]?.split(',').length ?? 0), 0);
}

describe('the queue', () => {
  test('that is full refuses the next command at once as overloaded, and serves those in it', async () => {
    const shop = await givenShop('TEA@east=9', { limits: { queueCommandsMax: 3 } });
    const calls = Array.from({ length: 5 }, (_, i) => shop.reserve(`order-${i}`, 'TEA@east=1'));
    const ends = await Promise.allSettled(calls);
    expect(ends.map((end) => end.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect(ends[3]).toMatchObject({ reason: { code: 'overloaded', outcome: 'nothing-happened' } });
    expect(await shop.figures('TEA@east')).toBe('9 = 6 available + 3 reserved + 0 sold');
    expect(outcome(await shop.reserve('order-3', 'TEA@east=1'))).toBe('done');
  });

  test('fails a command that has waited too long as overloaded, without sending it', async () => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=9', {
      limits: { batchesInFlightMax: 1, queueWaitMsMax: 30 },
    });
    proxy.fate = () => 'hold';
    const first = shop.reserve('order-1', 'TEA@east=1');
    await vi.waitFor(() => expect(proxy.sent).toHaveLength(1));
    const late = faultOf(shop.reserve('order-2', 'TEA@east=1'));
    const giveUpMs = performance.now() + 30;
    await vi.waitUntil(() => performance.now() > giveUpMs, { interval: 5 });
    const fresh = shop.reserve('order-3', 'TEA@east=1');
    proxy.release();
    expect(await late).toMatchObject({ code: 'overloaded', outcome: 'nothing-happened' });
    expect(outcome(await first)).toBe('done');
    expect(outcome(await fresh)).toBe('done');
    expect(proxy.sent.flatMap((call) => call.keys)).not.toContain(shop.keys.reservation('order-2'));
    expect(await shop.figures('TEA@east')).toBe('9 = 7 available + 2 reserved + 0 sold');
  });
});

describe('a batch', () => {
  test('never holds more commands than its limit, and all of them are decided', async () => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=999', { limits: { batchCommandsMax: 70 } });
    await Promise.all(Array.from({ length: 600 }, (_, i) => shop.reserve(`order-${i}`, 'TEA@east=1')));
    const sizes = proxy.sent.map((call) => call.commands.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(70);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(600);
    expect(shop.hot.counts).toMatchObject({ batches: sizes.length + 1, commands: 601 });
  });

  test('never holds more lines than its limit, but for one order that is larger by itself', async () => {
    const limit = 50;
    const { proxy, shop } = await givenShopBehindProxy('', { limits: { batchLinesMax: limit } });
    const basket = (count: number) => Array.from({ length: count }, (_, i) => `SKU-${i}=1`).join(',');
    const counts = Array.from({ length: 200 }, (_, i) => (i % 20 === 0 ? LINES_MAX : 1 + ((7 * i) % 30)));
    await Promise.all(counts.map((count, i) => shop.reserve(`order-${i}`, basket(count))));
    for (const call of proxy.sent) {
      if (call.commands.length > 1) expect(linesOf(call)).toBeLessThanOrEqual(limit);
    }
    expect(proxy.sent.reduce((sum, call) => sum + linesOf(call), 0)).toBe(counts.reduce((a, b) => a + b));
  });

  test('is sent only while fewer than the allowed number are in flight, and the next one fills', async () => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=999', {
      limits: { batchesInFlightMax: 2, batchCommandsMax: 100 },
    });
    proxy.fate = () => 'hold';
    const calls = Array.from({ length: 500 }, (_, i) => shop.reserve(`order-${i}`, 'TEA@east=1'));
    await vi.waitFor(() => expect(proxy.sent).toHaveLength(2));
    expect(shop.hot.queued).toBe(300);
    await shop.redis.ping(); // a round trip, in which a third could have come
    expect(proxy.sent).toHaveLength(2);
    proxy.release();
    expect((await Promise.all(calls)).map(outcome)).toEqual(Array.from({ length: 500 }, () => 'done'));
  });
});

describe('closing', () => {
  test('answers what was taken, and refuses what comes after', async () => {
    const shop = await givenShop('TEA@east=999', { limits: { batchCommandsMax: 10 } });
    const calls = Array.from({ length: 100 }, (_, i) => shop.reserve(`order-${i}`, 'TEA@east=1'));
    const closed = shop.hot.close();
    const refused = faultOf(shop.reserve('order-100', 'TEA@east=1'));
    expect(await refused).toMatchObject({ code: 'unavailable', outcome: 'nothing-happened' });
    await closed;
    expect((await Promise.all(calls)).map(outcome)).toEqual(Array.from({ length: 100 }, () => 'done'));
    expect(await shop.figures('TEA@east')).toBe('999 = 899 available + 100 reserved + 0 sold');
    await shop.hot.close();
  });

  test('of an idle engine is done at once', async () => {
    const shop = await givenShop('TEA@east=1');
    await expect(shop.hot.close()).resolves.toBeUndefined();
  });

  test('waits for answers that are still on their way', async () => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=9', {});
    proxy.fate = () => 'hold';
    const call = shop.reserve('order-1', 'TEA@east=1');
    await vi.waitFor(() => expect(proxy.sent).toHaveLength(1));
    let isClosed = false;
    const closed = shop.hot.close().then(() => {
      isClosed = true;
    });
    await shop.redis.ping();
    expect(isClosed).toBe(false);
    proxy.release();
    expect(outcome(await call)).toBe('done');
    await closed;
  });
});
