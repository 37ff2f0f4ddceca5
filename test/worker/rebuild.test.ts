/**
 * D10: a Redis that has forgotten refuses everything until it is rebuilt from the ledger under a new epoch, and is equal
 * to what it was. Which cases mend themselves and which wait for a person is a table.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Fault } from '../../src/hotpath/fault.ts';
import { clearPartition, fencePartition, readControl } from '../../src/hotpath/partition.ts';
import { remedyFor } from '../../src/worker/mend.ts';
import { rebuild } from '../../src/worker/rebuild.ts';
import { type TestHoldfast, testHoldfast, until } from '../holdfast.ts';

let holdfast: TestHoldfast;
beforeEach(async () => {
  holdfast = await testHoldfast();
});
afterEach(async () => {
  await holdfast.close();
});

/** Stock, an open hold, one of each end, an extended and a partly released one. */
async function someLife(): Promise<void> {
  const { hot } = holdfast;
  await hot.receive({
    movementId: 'm1',
    sku: 'A',
    warehouse: 'east',
    quantity: 100,
    reason: 'ship, "quoted" 櫃',
  });
  await hot.receive({ movementId: 'm2', sku: 'A', warehouse: 'west', quantity: 50 });
  await hot.setSafetyStock({ sku: 'A', warehouse: 'west', quantity: 60 });
  for (const orderId of ['open', 'paid', 'cancelled', 'longer', 'part', 'paid-part']) {
    await hot.reserve({ orderId, lines: [{ sku: 'A', quantity: 5 }] });
  }
  await hot.confirm({ orderId: 'paid' });
  await hot.release({ orderId: 'cancelled' });
  await hot.extend({ orderId: 'longer', holdSeconds: 7_200 });
  await hot.release({ orderId: 'part', lines: [{ sku: 'A', quantity: 2 }], releaseId: 'first' });
  await hot.confirm({ orderId: 'paid-part', lines: [{ sku: 'A', quantity: 3 }] });
  await holdfast.working().writeBehind.drained();
}

/** What a customer could see, of every key but the bookkeeping of batches. */
async function visible(): Promise<string[]> {
  const { redis, keys } = holdfast;
  const found: string[] = [];
  for (const key of (await redis.keys(keys.pattern)).sort()) {
    if ([keys.control, keys.events, keys.due].includes(key)) continue;
    const isItem = key.startsWith(keys.sku(''));
    const content = isItem ? await redis.hgetall(key) : ((await redis.get(key)) ?? '');
    // The first answer to a receipt comes back with the safety stock of today: the ledger has it as an entry of its own.
    const isReceipt = typeof content === 'string' && key.startsWith(keys.movement(''));
    found.push(`${key} ${JSON.stringify(isReceipt ? content.replace(/ \d+ \d$/, '') : content)}`);
  }
  const due = await redis.zrange(keys.due, '0', '-1', 'WITHSCORES');
  const deadlines = new Map<string, string>();
  for (let i = 0; i < due.length; i += 2) {
    for (const id of (due[i] ?? '').split(' ').slice(1)) {
      const status = (await redis.get(keys.reservation(id)))?.split(' ')[0];
      if (status === 'ACTIVE') deadlines.set(id, due[i + 1] ?? '');
    }
  }
  return [...found, JSON.stringify([...deadlines].sort())];
}

async function flush(): Promise<void> {
  const { redis, keys } = holdfast;
  const doomed = await redis.keys(keys.pattern);
  await redis.unlink(...doomed);
}

test('a flushed Redis refuses, is rebuilt by the worker, and is what it was', async () => {
  await someLife();
  const before = await visible();
  await holdfast.stopWorker();
  await flush();
  const refusal = await holdfast.hot
    .reserve({ orderId: 'late', lines: [{ sku: 'A', quantity: 1 }] })
    .catch((e) => e);
  expect(refusal).toBeInstanceOf(Fault);
  expect(refusal).toMatchObject({ code: 'not-ready', outcome: 'nothing-happened' });
  expect(await holdfast.redis.keys(holdfast.keys.pattern)).toEqual([]);

  await holdfast.startWorker();
  await until(async () => (await readControl(holdfast.redis, holdfast.keys))?.state === 'open');
  expect(await visible()).toEqual(before);
  expect((await readControl(holdfast.redis, holdfast.keys))?.epoch).toBe(2);

  // The old process is refused once, learns the new epoch, and goes on; repeats are still known as repeats.
  const { hot } = holdfast;
  await expect(hot.reservation('open')).rejects.toMatchObject({ code: 'not-ready' });
  expect(await hot.reserve({ orderId: 'open', lines: [{ sku: 'A', quantity: 5 }] })).toMatchObject({
    replayed: true,
  });
  expect(await hot.receive({ movementId: 'm2', sku: 'A', warehouse: 'west', quantity: 50 })).toMatchObject({
    replayed: true,
  });
  expect(await hot.confirm({ orderId: 'paid' })).toMatchObject({ replayed: true });
  expect(
    await hot.release({ orderId: 'part', lines: [{ sku: 'A', quantity: 2 }], releaseId: 'first' }),
  ).toMatchObject({
    replayed: true,
  });
  expect(await hot.confirm({ orderId: 'longer' })).toMatchObject({ outcome: 'done', replayed: false });
  expect(await holdfast.audit()).toMatchObject({ verdict: 'agree' });
});

test('a rebuild that died half way leaves the fence, and the next worker begins anew', async () => {
  await someLife();
  const before = await visible();
  await holdfast.stopWorker();
  const { redis, keys, ledger } = holdfast;
  // As far as a rebuild comes that dies after it emptied Redis and began the new epoch.
  await fencePartition(redis, keys, 0);
  await ledger.beginEpoch(keys.partition, 2);
  await clearPartition(redis, keys);
  await expect(holdfast.hot.reservation('open')).rejects.toMatchObject({ code: 'not-ready' });
  await holdfast.startWorker();
  await until(async () => (await readControl(redis, keys))?.state === 'open');
  expect(await visible()).toEqual(before);
});

test('what Redis decided before a person fenced it is carried over before it is emptied', async () => {
  await someLife();
  await holdfast.stopWorker();
  const { hot, redis, keys } = holdfast;
  await hot.reserve({ orderId: 'not-yet-in-the-ledger', lines: [{ sku: 'A', quantity: 7 }] });
  const before = await visible();
  await fencePartition(redis, keys, 0);
  await holdfast.startWorker();
  await until(async () => (await readControl(redis, keys))?.epoch === 2);
  await until(async () => (await readControl(redis, keys))?.state === 'open');
  expect(await visible()).toEqual(before);
  expect(await holdfast.audit()).toMatchObject({ verdict: 'agree' });
});

test('an old Redis that lacks what the ledger has is rebuilt, never sold from', async () => {
  await someLife();
  const { redis, keys } = holdfast;
  const control = await redis.get(keys.control);
  const item = await redis.hget(keys.sku('A'), 'east');
  await holdfast.hot.reserve({
    orderId: 'after-the-backup',
    lines: [{ sku: 'A', warehouse: 'east', quantity: 9 }],
  });
  await holdfast.working().writeBehind.drained();
  const before = await visible();
  await holdfast.stopWorker();
  // The backup is put back: control record, item and stream as they were.
  await redis.set(keys.control, control ?? '');
  await redis.hset(keys.sku('A'), 'east', item ?? '');
  await redis.del(keys.events, keys.reservation('after-the-backup'));
  await expect(holdfast.hot.reservation('open')).rejects.toMatchObject({
    code: 'not-ready',
    outcome: 'nothing-happened',
  });
  await holdfast.startWorker();
  await until(async () => (await readControl(redis, keys))?.epoch === 2);
  await until(async () => (await readControl(redis, keys))?.state === 'open');
  expect(await visible()).toEqual(before);
});

test('a hold that ended while Redis was away returns after the rebuild', async () => {
  const { hot, redis, keys, ledger } = holdfast;
  await hot.receive({ movementId: 'm1', sku: 'A', warehouse: 'east', quantity: 10 });
  await hot.reserve({ orderId: 'short', lines: [{ sku: 'A', quantity: 4 }], holdSeconds: 1 });
  await holdfast.working().writeBehind.drained();
  await holdfast.stopWorker();
  await fencePartition(redis, keys, 0);
  const deadline = (await ledger.read.reservation('short'))?.expiresAtMs ?? 0;
  await until(() => Date.now() > deadline);
  await rebuild({ redis, keys, ledger, tombstoneMs: 60_000 });
  await hot.reservation('short').catch(() => undefined); // refused once: the epoch is new
  expect(await hot.reservation('short')).toMatchObject({ value: { status: 'EXPIRED' } });
  expect(await hot.item('A')).toMatchObject({ value: { available: 10, reserved: 0 } });
});

describe('what mends itself and what waits for a person', () => {
  const control = {
    epoch: 3,
    sequence: 9,
    clockMs: 1,
    eventsTotal: 20,
    trimmedTotal: 20,
    state: 'open',
  } as const;
  const cursor = { epoch: 3, sequence: 9, eventsTotal: 20 };
  test.each([
    ['both agree', control, cursor, undefined, 'none'],
    ['the ledger lags', control, { ...cursor, sequence: 5 }, undefined, 'none'],
    ['a first start', undefined, undefined, 'unknown-partition', 'rebuild'],
    ['Redis was flushed', undefined, cursor, 'forgotten', 'rebuild'],
    ['an older Redis came back', { ...control, epoch: 2 }, cursor, 'epoch-mismatch', 'rebuild'],
    ['Redis was promoted behind the ledger', { ...control, sequence: 8 }, cursor, 'ledger-ahead', 'rebuild'],
    ['a fence, drained', { ...control, state: 'fenced' } as const, cursor, undefined, 'rebuild'],
    [
      'a fence, not drained',
      { ...control, state: 'fenced' } as const,
      { ...cursor, sequence: 5 },
      undefined,
      'none',
    ],
    ['a Redis this ledger never saw', control, undefined, 'unknown-partition', 'ask-a-person'],
    ['a ledger from an old backup', control, { ...cursor, epoch: 2 }, 'epoch-mismatch', 'ask-a-person'],
    ['a stream with a hole', control, { ...cursor, sequence: 5 }, 'sequence-gap', 'ask-a-person'],
  ] as const)('%s', (_, hot, ledger, reason, kind) => {
    expect(remedyFor(hot, ledger, reason).kind).toBe(kind);
  });
});
