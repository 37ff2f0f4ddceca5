/**
 * Redis does not roll back (D2): a script that fails must have failed before its first write. Each test puts something
 * wrong in the way of a batch and compares every key of the partition before and after.
 */
import { describe, expect, test } from 'vitest';
import { LINES_MAX } from '../../src/domain/language.ts';
import { outcome, START_MS } from '../domain/sentences.ts';
import { faultOf } from './faults.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

/** A shop in which something is held, something is due, and everything has been touched once. */
async function givenBusyShop(): Promise<HotShop> {
  const shop = await givenShop('TEA@east=10,RICE@east=10');
  await shop.setSafetyStock('TEA@east', 9);
  await shop.reserve('held', 'TEA@east=1,RICE@east=1');
  await shop.reserve('due', 'TEA@east=2', 60);
  await shop.wait(60_000);
  return shop;
}

/** One batch of many kinds; each call ends in its own fault or answer. */
function everything(shop: HotShop, orderText = 'TEA@east=1,RICE@east=1'): Promise<unknown>[] {
  return [
    shop.receive('TEA@east=5', 'new'),
    shop.reserve('order-1', orderText),
    shop.confirm('held', 'TEA=1'),
    shop.setSafetyStock('RICE@east', 10),
    shop.extend('held', 7_200),
  ];
}

async function expectNoTrace(shop: HotShop, calls: () => Promise<unknown>[]): Promise<void> {
  const before = await shop.engine.dump();
  for (const fault of await Promise.all(calls().map(faultOf))) {
    expect(fault).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
  }
  expect(await shop.engine.dump()).toBe(before);
}

describe('a batch that fails changes nothing', () => {
  test('if the key of a SKU has a string', async () => {
    const shop = await givenBusyShop();
    await shop.redis.set(shop.keys.sku('SALT'), 'no hash');
    await expectNoTrace(shop, () => everything(shop, 'TEA@east=1,SALT@east=1'));
    await shop.redis.unlink(shop.keys.sku('SALT'));
    expect((await Promise.all(everything(shop))).map((d) => outcome(d as never))).not.toContain(
      'unavailable',
    );
  });

  test('where the stream is ahead of the control record', async () => {
    const shop = await givenBusyShop();
    await shop.redis.xadd(shop.keys.events, '1-999', 'somebody', 'else');
    await expectNoTrace(shop, () => everything(shop));
  });

  test('where the stream is of a later epoch', async () => {
    const shop = await givenBusyShop();
    await shop.redis.xadd(shop.keys.events, '2-1', 'somebody', 'else');
    await expectNoTrace(shop, () => everything(shop));
  });

  test('where the stream is no stream', async () => {
    const shop = await givenBusyShop();
    await shop.redis.set(shop.keys.events, 'no stream');
    await expectNoTrace(shop, () => everything(shop));
  });

  test('if the key of the index of deadlines has another type', async () => {
    const shop = await givenBusyShop();
    await shop.redis.set(shop.keys.due, 'no index');
    await expectNoTrace(shop, () => everything(shop));
  });

  test('where the control record cannot be read', async () => {
    const shop = await givenBusyShop();
    await shop.redis.set(shop.keys.control, `v2 1 00000001 7 ${START_MS} open`);
    await expectNoTrace(shop, () => everything(shop));
  });

  test('where the control record is no text', async () => {
    const shop = await givenBusyShop();
    await shop.redis.unlink(shop.keys.control);
    await shop.redis.hset(shop.keys.control, 'no', 'text');
    await expectNoTrace(shop, () => everything(shop));
  });

  test('where the clock cannot be read', async () => {
    const shop = await givenShop('TEA@east=5');
    const broken = await shop.another({
      clock: { lua: 'local function server_time_ms() return redis.call("GET", nil) end', witnessMs: () => 0 },
    });
    await expectNoTrace(shop, () => [broken.reserve('order-1', 'TEA@east=1')]);
  });

  // Lua unpacks at most some 8,000 values: one HSET with all of them would fail after XADD has written, and every later
  // batch would fail on its id.
  test('where one batch changes one SKU in thousands of warehouses', async () => {
    const shop = await givenShop('', { limits: { batchCommandsMax: 512 } });
    const warehouses = 4_100;
    await Promise.all(Array.from({ length: warehouses }, (_, i) => shop.receive(`TEA@w${i}=1`)));
    const orders = Array.from({ length: warehouses / LINES_MAX }, (_, i) => i);
    const basket = (i: number) =>
      Array.from({ length: LINES_MAX }, (_, j) => `TEA@w${LINES_MAX * i + j}=1`).join(',');
    for (const i of orders) await shop.reserve(`order-${i}`, basket(i));
    const before = await shop.engine.dump();
    const ends = await Promise.allSettled(orders.map((i) => shop.confirm(`order-${i}`)));
    const isDone = ends.every((end) => end.status === 'fulfilled');
    if (!isDone) expect(await shop.engine.dump()).toBe(before);
    expect(outcome(await shop.receive('TEA@w0=1'))).toBe('done');
  });
});

describe('the rest of the partition', () => {
  test('is not touched: another prefix, another key of the same tag', async () => {
    const shop = await givenBusyShop();
    const stranger = await givenShop('TEA@east=7');
    await shop.redis.set(shop.keys.control.replace('control', 'stranger'), 'stays');
    const before = await stranger.engine.dump();
    await Promise.all(everything(shop));
    await shop.sweepAll();
    expect(await stranger.engine.dump()).toBe(before);
    expect(await shop.redis.get(shop.keys.control.replace('control', 'stranger'))).toBe('stays');
  });
});
