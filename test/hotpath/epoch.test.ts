/**
 * Fail closed (D10): a partition without a control record, fenced, in another epoch, or with a sequence older than this process
 * knows decides nothing, and every key stays as it is.
 */
import { describe, expect, test } from 'vitest';
import { fencePartition, openPartition, readControl } from '../../src/hotpath/partition.ts';
import { outcome, START_MS } from '../domain/sentences.ts';
import { faultOf } from './faults.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

const writeControl = (shop: HotShop, text: string) => shop.redis.set(shop.keys.control, text);

async function expectNotReady(shop: HotShop, says: RegExp): Promise<void> {
  const before = await shop.engine.dump();
  const faults = await Promise.all([
    faultOf(shop.reserve('order-1', 'TEA@east=1')),
    faultOf(shop.confirm('held')),
    faultOf(shop.receive('TEA@east=1')),
    faultOf(shop.hot.sweep(100)),
  ]);
  for (const fault of faults) {
    expect(fault).toMatchObject({ code: 'not-ready', outcome: 'nothing-happened' });
    expect(fault.message).toMatch(says);
  }
  expect(await shop.engine.dump()).toBe(before);
}

async function givenHold(): Promise<HotShop> {
  const shop = await givenShop('TEA@east=5');
  await shop.reserve('held', 'TEA@east=1');
  return shop;
}

describe('a partition that is not ready', () => {
  test('without a control record decides nothing: a Redis that lost its data is not an empty shop', async () => {
    const shop = await givenHold();
    await shop.redis.unlink(shop.keys.control);
    await expectNotReady(shop, /forgotten/);
  });

  test('that is fenced decides nothing, until it is opened again', async () => {
    const shop = await givenHold();
    await fencePartition(shop.redis, shop.keys, 1);
    await expectNotReady(shop, /fenced/);
    await writeControl(shop, `1 2 ${START_MS} 2 0 open`);
    expect(outcome(await shop.confirm('held'))).toBe('done');
  });

  test('without a control record can be fenced', async () => {
    const shop = await givenHold();
    await shop.redis.unlink(shop.keys.control);
    await fencePartition(shop.redis, shop.keys, 7);
    expect(await readControl(shop.redis, shop.keys)).toMatchObject({ epoch: 7, state: 'fenced' });
    await expectNotReady(shop, /fenced/);
  });

  test('fencing keeps everything else of the control record', async () => {
    const shop = await givenHold();
    const open = await readControl(shop.redis, shop.keys);
    await fencePartition(shop.redis, shop.keys, 9);
    expect(await readControl(shop.redis, shop.keys)).toEqual({ ...open, state: 'fenced' });
  });
});

describe('an epoch', () => {
  test('that is newer fails one batch as not-ready and is then adopted', async () => {
    const shop = await givenHold();
    await openPartition(shop.redis, shop.keys, 2);
    await expect(faultOf(shop.reserve('order-1', 'TEA@east=1'))).resolves.toMatchObject({
      code: 'not-ready',
      outcome: 'nothing-happened',
    });
    expect(outcome(await shop.reserve('order-1', 'TEA@east=1'))).toBe('done');
    expect(shop.hot.head).toMatchObject({ epoch: 2, sequence: 1 });
    expect((await shop.entries(2)).map((entry) => [entry.epoch, entry.sequence])).toEqual([[2, 1]]);
  });

  test('that is older is never adopted: an old Redis come back is refused for good', async () => {
    const shop = await givenHold();
    await openPartition(shop.redis, shop.keys, 3);
    await faultOf(shop.hot.sweep(0));
    await shop.hot.sweep(0);
    await writeControl(shop, `2 0 ${START_MS} 0 0 open`);
    for (let i = 0; i < 3; i++) await expectNotReady(shop, /stale-epoch/);
    await writeControl(shop, `3 0 ${START_MS} 0 0 open`);
    expect(outcome(await shop.reserve('order-2', 'TEA@east=1'))).toBe('done');
  });

  test('a process that missed the change is refused before it writes', async () => {
    const shop = await givenHold();
    const old = await shop.another();
    await openPartition(shop.redis, shop.keys, 2);
    await faultOf(shop.hot.sweep(0));
    expect(outcome(await shop.reserve('order-1', 'TEA@east=1'))).toBe('done');
    const before = await shop.engine.dump();
    expect(await faultOf(old.reserve('order-2', 'TEA@east=1'))).toMatchObject({ code: 'not-ready' });
    expect(await shop.engine.dump()).toBe(before);
  });
});

describe('a sequence', () => {
  test('older than this process knows is refused: units would be sold a second time', async () => {
    const shop = await givenHold();
    const remembered = await shop.redis.get(shop.keys.control);
    await shop.reserve('order-1', 'TEA@east=1');
    await writeControl(shop, remembered ?? '');
    await expectNotReady(shop, /behind/);
  });

  test('older than this process knows is accepted once it has caught up', async () => {
    const shop = await givenHold();
    await shop.reserve('order-1', 'TEA@east=1');
    const now = await shop.redis.get(shop.keys.control);
    await writeControl(shop, `1 0 ${START_MS} 0 0 open`);
    await expectNotReady(shop, /behind/);
    await writeControl(shop, now ?? '');
    expect(outcome(await shop.confirm('order-1'))).toBe('done');
  });

  test('begins anew with a newer epoch', async () => {
    const shop = await givenHold();
    await openPartition(shop.redis, shop.keys, 2);
    await faultOf(shop.hot.sweep(0));
    expect(await shop.hot.sweep(0)).toMatchObject({ epoch: 2, sequence: 0 });
  });
});
