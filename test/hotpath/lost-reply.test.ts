/**
 * The connection fails. Whatever is lost, a fault says whether the command can have run, the client sends nothing twice by
 * itself, and repeating under the same id deducts once (BR-006, D11).
 */
import { describe, expect, test, vi } from 'vitest';
import { connectRedis } from '../../src/hotpath/hot-inventory.ts';
import { answer, outcome } from '../domain/sentences.ts';
import { givenProxy } from './fault-proxy.ts';
import { faultOf, untilReachable } from './faults.ts';
import { givenShop } from './hot-shop.ts';

async function givenShopBehindProxy(stock: string, timeoutMs = 5_000) {
  const proxy = await givenProxy();
  const shop = await givenShop(stock, { redisUrl: proxy.url, timeoutMs });
  proxy.sent.length = 0;
  return { proxy, shop };
}

describe('an answer that is lost', () => {
  test('BR-006: after a cut the outcome is unknown, and the repeat gets the first answer and takes nothing', async () => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=10');
    proxy.fate = () => 'cut-after';
    expect(await faultOf(shop.reserve('order-1', 'TEA@east=3'))).toMatchObject({
      code: 'unavailable',
      outcome: 'unknown',
    });
    const first = await shop.reservation('order-1');
    proxy.fate = () => 'pass';
    await untilReachable(shop);
    await shop.wait(1_000);
    const again = await shop.reserve('order-1', 'TEA@east=3');
    expect(outcome(again)).toBe('replayed');
    expect(answer(again)).toMatchObject({ status: 'ACTIVE', reservedAtMs: first.reservedAtMs });
    expect(await shop.figures('TEA@east')).toBe('10 = 7 available + 3 reserved + 0 sold');
  });

  test('the client sends each call once, whatever becomes of it', async () => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=10');
    for (const fate of ['cut-after', 'cut-before', 'cut-after'] as const) {
      const before = proxy.sent.length;
      proxy.fate = ({ commands }) => (commands.length > 0 ? fate : 'pass');
      await faultOf(shop.receive('TEA@east=1'));
      await untilReachable(shop);
      expect(proxy.sent.length).toBe(before + 1);
    }
    expect(await shop.figures('TEA@east')).toBe('12 = 12 available + 0 reserved + 0 sold');
  });

  test.each([
    ['receive', 'TEA@east=1'],
    ['confirm', 'TEA=2'],
    ['release', 'TEA=1'],
  ] as const)('BR-006: %s repeated after a cut counts once', async (verb, text) => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=10');
    await shop.reserve('order-1', 'TEA@east=3');
    const send = () => (verb === 'receive' ? shop.receive(text, 'M-2') : shop[verb]('order-1', text));
    proxy.fate = () => 'cut-after';
    expect(await faultOf<unknown>(send())).toMatchObject({ outcome: 'unknown' });
    const ran = await shop.figures('TEA@east');
    proxy.fate = () => 'pass';
    await untilReachable(shop);
    expect(outcome(await send())).toBe('replayed');
    expect(await shop.figures('TEA@east')).toBe(ran);
  });

  test('fails every command of the batch as unknown, and all of them ran', async () => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=10');
    proxy.fate = () => 'cut-after';
    const calls = Array.from({ length: 10 }, (_, i) => faultOf(shop.reserve(`order-${i}`, 'TEA@east=1')));
    for (const fault of await Promise.all(calls)) expect(fault.outcome).toBe('unknown');
    expect(await shop.figures('TEA@east')).toBe('10 = 0 available + 10 reserved + 0 sold');
    expect(shop.hot.counts).toMatchObject({ unknown: 1, faults: 10 });
  });
});

test('BR-006: no setting is left that would let the client queue or send by itself; each alone would be enough', () => {
  const redis = connectRedis('redis://127.0.0.1:1');
  expect(redis.options).toMatchObject({
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
  });
});

describe('a request that is lost', () => {
  test('after it was sent is unknown, and the repeat is decided as the first', async () => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=10');
    const before = await shop.engine.dump();
    proxy.fate = () => 'cut-before';
    expect(await faultOf(shop.reserve('order-1', 'TEA@east=3'))).toMatchObject({ outcome: 'unknown' });
    expect(await shop.engine.dump()).toBe(before);
    proxy.fate = () => 'pass';
    await untilReachable(shop);
    expect(outcome(await shop.reserve('order-1', 'TEA@east=3'))).toBe('done');
  });

  test('because Redis cannot be reached is nothing-happened', async () => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=10');
    const before = await shop.engine.dump();
    await proxy.close();
    await vi.waitFor(async () => {
      expect(await faultOf(shop.reserve('order-1', 'TEA@east=3'))).toMatchObject({
        code: 'unavailable',
        outcome: 'nothing-happened',
      });
    });
    expect(proxy.sent).toEqual([]);
    expect(await shop.engine.dump()).toBe(before);
    await proxy.listen();
    await untilReachable(shop);
    expect(outcome(await shop.reserve('order-1', 'TEA@east=3'))).toBe('done');
  });
});

describe('an answer that is late', () => {
  test('is given to the caller it belongs to', async () => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=999');
    proxy.fate = () => 'hold';
    // As many as fly in two batches at once, each order of another size.
    const calls = Array.from({ length: 40 }, (_, i) => shop.reserve(`order-${i}`, `TEA@east=${1 + (i % 7)}`));
    await vi.waitFor(() => expect(proxy.sent).toHaveLength(1));
    const more = Array.from({ length: 80 }, (_, i) => shop.reserve(`more-${i}`, `TEA@east=${1 + (i % 5)}`));
    await vi.waitFor(() => expect(proxy.sent).toHaveLength(2));
    proxy.release();
    for (const [i, decision] of (await Promise.all(calls)).entries()) {
      expect(answer(decision)).toMatchObject({ orderId: `order-${i}`, lines: [{ quantity: 1 + (i % 7) }] });
    }
    for (const [i, decision] of (await Promise.all(more)).entries()) {
      expect(answer(decision)).toMatchObject({ orderId: `more-${i}`, lines: [{ quantity: 1 + (i % 5) }] });
    }
  });

  test('beyond the time-out is unknown, and is not taken for the answer of the next command', async () => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=10', 100);
    proxy.fate = () => 'hold';
    expect(await faultOf(shop.reserve('order-1', 'TEA@east=1'))).toMatchObject({ outcome: 'unknown' });
    proxy.release();
    expect(answer(await shop.reserve('order-2', 'TEA@east=2'))).toMatchObject({
      orderId: 'order-2',
      lines: [{ quantity: 2 }],
    });
    expect(outcome(await shop.reserve('order-1', 'TEA@east=1'))).toBe('replayed');
  });

  test('that never comes is unknown after the time-out; another process can repeat it', async () => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=10', 100);
    proxy.fate = () => 'swallow';
    expect(await faultOf(shop.reserve('order-1', 'TEA@east=1'))).toMatchObject({ outcome: 'unknown' });
    const other = await shop.another();
    expect(outcome(await other.reserve('order-1', 'TEA@east=1'))).toBe('replayed');
    expect(await shop.figures('TEA@east')).toBe('10 = 9 available + 1 reserved + 0 sold');
  });

  test('and an engine whose connection has fallen silent takes another one', async () => {
    const { proxy, shop } = await givenShopBehindProxy('TEA@east=10', 100);
    proxy.fate = () => 'swallow';
    await faultOf(shop.reserve('order-1', 'TEA@east=1'));
    proxy.fate = () => 'pass';
    await vi.waitFor(() => shop.reserve('order-1', 'TEA@east=1'), { timeout: 1_500, interval: 20 });
  });
});
