/**
 * Fail closed (D10, H11): a partition without a control record, fenced, in an incarnation of Redis that nobody verified, or with
 * a sequence older than this process knows decides nothing, and every key stays as it is.
 */
import { describe, expect, test } from 'vitest';
import type { NotReadyReason } from '../../src/hotpath/not-ready.ts';
import {
  type ControlRecord,
  fencePartition,
  openPartition,
  readControl,
  replaceControl,
  unfencePartition,
} from '../../src/hotpath/partition.ts';
import { outcome, START_MS } from '../domain/sentences.ts';
import { faultOf } from './faults.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

async function expectNotReady(shop: HotShop, reason: NotReadyReason): Promise<void> {
  const before = await shop.engine.dump();
  const faults = await Promise.all([
    faultOf(shop.reserve('order-1', 'TEA@east=1')),
    faultOf(shop.confirm('held')),
    faultOf(shop.receive('TEA@east=1')),
    faultOf(shop.hot.sweep(100)),
  ]);
  for (const fault of faults) {
    expect(fault).toMatchObject({ code: 'not-ready', outcome: 'nothing-happened', reason });
    expect(fault.message).toContain(reason);
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
    await expectNotReady(shop, 'forgotten');
  });

  test('that is fenced decides nothing, until the fence is taken away', async () => {
    const shop = await givenHold();
    await fencePartition(shop.redis, shop.keys);
    await expectNotReady(shop, 'fenced');
    expect(await unfencePartition(shop.redis, shop.keys)).toBe(true);
    expect(outcome(await shop.confirm('held'))).toBe('done');
  });

  test('without a control record can be fenced', async () => {
    const shop = await givenHold();
    await shop.redis.unlink(shop.keys.control);
    await fencePartition(shop.redis, shop.keys);
    expect(await readControl(shop.redis, shop.keys)).toMatchObject({ epoch: { number: 0 }, state: 'fenced' });
    await expectNotReady(shop, 'fenced');
  });

  test('fencing keeps everything else of the control record', async () => {
    const shop = await givenHold();
    const { text: _, ...open } = (await readControl(shop.redis, shop.keys)) as ControlRecord;
    await fencePartition(shop.redis, shop.keys);
    expect(await readControl(shop.redis, shop.keys)).toMatchObject({ ...open, state: 'fenced' });
  });

  test('of the release before is unverified: its links are not known', async () => {
    const shop = await givenHold();
    await shop.redis.set(shop.keys.control, `1 2 ${START_MS} 2 0 open`);
    await expectNotReady(shop, 'unverified');
  });

  test('with a control record that cannot be read fails, and says which record', async () => {
    const shop = await givenHold();
    await shop.redis.set(shop.keys.control, 'v2 something else');
    expect(await faultOf(shop.confirm('held'))).toMatchObject({
      message: expect.stringContaining('control record cannot be read'),
    });
  });
});

describe('an incarnation of Redis', () => {
  test('that no worker has verified decides nothing', async () => {
    const shop = await givenHold();
    for (const incarnation of [undefined, 'a'.repeat(40)]) {
      await shop.changeControl({ incarnation });
      await expectNotReady(shop, 'unverified');
    }
  });

  test('is verified only as long as its control record and its name are those compared', async () => {
    const shop = await givenHold();
    const { redis, keys } = shop;
    const before = (await readControl(redis, keys)) as ControlRecord;
    const incarnation = before.incarnation as string;
    const after = { ...before, epoch: { number: 2, nonce: 'abcd2345' } };
    expect(await replaceControl(redis, keys, before, after, { incarnation: 'a'.repeat(40) })).toMatchObject({
      isReplaced: false,
      control: { epoch: before.epoch },
    });
    await shop.reserve('order-1', 'TEA@east=1');
    expect(await replaceControl(redis, keys, before, after, { incarnation })).toMatchObject({
      isReplaced: false,
    });
    const raised = await replaceControl(redis, keys, before, after, { incarnation, whileSelling: true });
    expect(raised).toMatchObject({ isReplaced: true, control: { epoch: after.epoch, sequence: 3 } });
    // Another worker was faster: the epoch that was compared is gone.
    expect(
      await replaceControl(redis, keys, before, after, { incarnation, whileSelling: true }),
    ).toMatchObject({
      isReplaced: false,
    });
    expect(outcome(await shop.confirm('order-1'))).toBe('done');
  });
});

describe('an epoch', () => {
  const open = (shop: HotShop, epoch: number, sequence: number) =>
    openPartition(shop.redis, shop.keys, epoch, { sequence, clockMs: START_MS });

  test('that is new is adopted, and the batch is sent once more', async () => {
    const shop = await givenHold();
    await open(shop, 2, 2);
    expect(outcome(await shop.reserve('order-1', 'TEA@east=1'))).toBe('done');
    expect(shop.hot.head).toMatchObject({ epoch: 2, sequence: 3 });
    expect((await shop.entries(2)).map((entry) => [entry.epoch, entry.sequence])).toEqual([[2, 3]]);
  });

  test('with a lower number is adopted too: with both stores restored nobody is stuck', async () => {
    const shop = await givenHold();
    await open(shop, 3, 9);
    await shop.hot.sweep(0);
    await open(shop, 2, 2);
    expect(outcome(await shop.reserve('order-1', 'TEA@east=1'))).toBe('done');
    expect(shop.hot.head).toMatchObject({ epoch: 2, sequence: 3 });
  });

  test('with the same number and another nonce is another epoch', async () => {
    const shop = await givenHold();
    await shop.changeControl({ epoch: { number: 1, nonce: 'another0' }, sequence: 1 });
    expect(await shop.hot.sweep(0)).toMatchObject({ epoch: 1, nonce: 'another0', sequence: 1 });
  });
});

describe('a sequence', () => {
  test('older than this process knows is refused: units would be sold a second time', async () => {
    const shop = await givenHold();
    await shop.changeControl({ sequence: 1 });
    expect(await faultOf(shop.confirm('held'))).toMatchObject({ code: 'not-ready', reason: 'behind' });
  });

  test('older than one process knows closes the partition for all, until a worker has compared it', async () => {
    const shop = await givenHold();
    const other = await shop.another();
    await shop.changeControl({ sequence: 1 });
    await faultOf(shop.hot.sweep(0));
    expect(await faultOf(other.reserve('order-1', 'TEA@east=1'))).toMatchObject({ reason: 'unverified' });
    await expectNotReady(shop, 'unverified');
  });

  test('counts in its epoch alone', async () => {
    const shop = await givenHold();
    await openPartition(shop.redis, shop.keys, 2, { clockMs: START_MS });
    expect(await shop.hot.sweep(0)).toMatchObject({ epoch: 2, sequence: 0 });
  });
});

describe('a link', () => {
  test('is new with each batch that changes something, and each entry names the one before', async () => {
    const shop = await givenHold();
    await shop.reserve('order-1', 'TEA@east=1');
    await shop.hot.sweep(0);
    const entries = await shop.entries();
    const links = entries.map(({ link }) => link);
    expect(entries.map(({ linkBefore }) => linkBefore)).toEqual(['-', ...links.slice(0, -1)]);
    expect(new Set(links).size).toBe(3);
    expect(await readControl(shop.redis, shop.keys)).toMatchObject({ link: links.at(-1) });
    expect(shop.hot.head?.link).toBe(links.at(-1));
  });
});
