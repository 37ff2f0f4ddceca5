/**
 * D10: a Redis that has forgotten refuses everything until it is rebuilt from the ledger under a new epoch, and is equal
 * to what it was. Which cases recover by themselves and which wait for a person is a table.
 */
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { decodeItem } from '../../src/hotpath/codec/item-codec.ts';
import { Fault } from '../../src/hotpath/fault.ts';
import { clearPartition, fencePartition, readControl } from '../../src/hotpath/partition.ts';
import { rebuild } from '../../src/worker/recovery/rebuild.ts';
import { answer } from '../domain/sentences.ts';
import { type TestHoldfast, testHoldfast, until } from '../holdfast.ts';
import { newEpoch } from '../ledger/chunks.ts';

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

/** Every kind of movement, counts, transfers, sales and what they leave behind, on an item of their own. */
async function someTrade(): Promise<void> {
  const { hot, ledger } = holdfast;
  const of = (warehouse: string) => ({ sku: 'B', warehouse });
  for (const id of ['east', 'west', 'north']) {
    await hot.receive({ movementId: `b-${id}`, ...of(id), quantity: 100 });
    const warehouse = {
      id,
      name: `"${id}" 倉`,
      ...(id === 'north' ? {} : { latitude: 25, longitude: 121.5 }),
    };
    await ledger.putWarehouse(warehouse);
    await hot.places.put(warehouse);
  }
  await hot.setSafetyStock({ ...of('east'), quantity: 95 });
  await hot.move('issue', { movementId: 'lost', ...of('east'), quantity: 7, reason: 'lost, "really"' });
  await hot.reserve({ orderId: 'b-1', lines: [{ ...of('west'), quantity: 9 }] });
  await hot.confirm({ orderId: 'b-1', proposeTransferTo: 'east' });
  await hot.move('ship', { movementId: 'shipped', ...of('west'), quantity: 5, orderId: 'b-1' });
  await hot.move('return', { movementId: 'back', ...of('west'), quantity: 1 });
  await hot.move('write-off', {
    movementId: 'unfit',
    ...of('west'),
    quantity: 1,
    orderId: 'b-1',
    reason: 'wet',
  });
  const [, north] = [await hot.item('B'), await ledger.read.item('B', 'north')];
  const version = north?.item.version ?? 1;
  await hot.move('correct', {
    movementId: 'right',
    ...of('north'),
    quantity: 88,
    expectedVersion: version,
    reason: 'typo',
  });

  for (const [transferId, quantity] of [
    ['way', 10],
    ['there', 4],
    ['turned', 6],
  ] as const) {
    await hot.dispatchTransfer({ transferId, sku: 'B', from: 'west', to: 'north', quantity, reason: '補貨' });
  }
  await hot.receiveTransfer({ transferId: 'way', received: 3, rejected: 1, receiptId: 'first' });
  await hot.receiveTransfer({ transferId: 'there', received: 4 });
  await hot.cancelTransfer({ transferId: 'turned' });

  const sale = { sku: 'B', opensAtMs: Date.now() - 1, closesAtMs: Date.now() + 3_600_000 };
  await hot.scheduleSale({ saleId: 'rush', ...sale, quantity: 50, limitPerCustomer: 3 });
  await hot.scheduleSale({ saleId: 'over', ...sale, quantity: 5 });
  const buy = (orderId: string, customerId: string, quantity: number) =>
    hot.reserve({ orderId, lines: [{ ...of('west'), quantity }], customerId, saleId: 'rush' });
  await buy('r-held', 'ann', 2);
  await buy('r-sold', 'ann', 1);
  await hot.confirm({ orderId: 'r-sold' });
  await buy('r-left', 'bob', 3);
  await hot.confirm({ orderId: 'r-left', lines: [{ sku: 'B', quantity: 1 }] });
  await buy('r-back', 'cid', 1);
  await hot.release({ orderId: 'r-back' });
  await hot.reserve({ orderId: 'o-held', lines: [{ ...of('west'), quantity: 1 }], saleId: 'over' });
  await hot.closeSale({ saleId: 'over' });

  const start = (stocktakeId: string, warehouse: string) =>
    hot.startStocktake({ stocktakeId, ...of(warehouse) });
  await start('sheet', 'east');
  await hot.completeStocktake({ stocktakeId: 'sheet', ...of('east'), counted: 90, reason: 'broken' });
  await start('sheet', 'north');
  await start('other', 'east');
  await hot.cancelStocktake({ stocktakeId: 'other', ...of('east') });
  await holdfast.working().writeBehind.drained();
}

/** What a caller could see, of every key but the bookkeeping of batches. */
async function visible(): Promise<string[]> {
  const { redis, keys } = holdfast;
  const found: string[] = [];
  for (const key of (await redis.keys(keys.pattern)).sort()) {
    if ([keys.control, keys.events, keys.due].includes(key)) continue;
    const isHash = (await redis.type(key)) === 'hash';
    let content = isHash ? Object.entries(await redis.hgetall(key)).sort() : ((await redis.get(key)) ?? '');
    // The first answer to a movement comes back with the safety stock of today: the ledger has it as an entry of its own.
    const isMovement = typeof content === 'string' && key.startsWith(keys.movement(''));
    if (isMovement) content = String(content).replace(/ \d+ \d$/, '');
    // Who has nothing in a sale any more needs no record of it.
    if (key.startsWith(keys.quota('')) && typeof content !== 'string')
      content = content.filter(([, text]) => text !== '0 0');
    found.push(`${key} ${JSON.stringify(content)}`);
  }
  const due = await redis.zrange(keys.due, '0', '-1', 'WITHSCORES');
  const deadlines = new Map<string, string>();
  for (let i = 0; i < due.length; i += 2) {
    for (const word of (due[i] ?? '').split(' ').slice(1)) {
      const [sku = '', warehouse] = word.split('@');
      const isOpen = warehouse
        ? decodeItem(sku, warehouse, (await redis.hget(keys.sku(sku), warehouse)) ?? '').stocktake !==
          undefined
        : (await redis.get(keys.reservation(word)))?.startsWith('ACTIVE');
      if (isOpen) deadlines.set(word, due[i + 1] ?? '');
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
  expect((await readControl(holdfast.redis, holdfast.keys))?.epoch.number).toBe(2);

  // The old process learns the new epoch and goes on; repeats are still known as repeats.
  const { hot } = holdfast;
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

test('the warehouse side is what it was, and goes on where it stood', async () => {
  await someTrade();
  const before = await visible();
  expect(before.at(-1)).toContain('B@north');
  const { redis, keys } = holdfast;
  const livesOf = async () => {
    const lives = new Map<string, number>();
    for (const key of await redis.keys(keys.pattern))
      lives.set(key, Math.round((await redis.pttl(key)) / 10_000));
    return lives;
  };
  const lives = await livesOf();
  await holdfast.stopWorker();
  await flush();
  await holdfast.startWorker();
  await until(async () => (await readControl(redis, keys))?.state === 'open');
  expect(await visible()).toEqual(before);
  for (const [key, life] of await livesOf()) {
    // What the program keeps for good ends in the year 9999.
    const wanted = lives.get(key) ?? 0;
    expect(
      Math.abs(life - wanted) <= 1 || (life <= 0 && wanted > 1e9),
      `${key} lives ${life}, not ${wanted}`,
    ).toBe(true);
  }

  const { hot } = holdfast;
  const of = (warehouse: string) => ({ sku: 'B', warehouse });
  const again = { replayed: true };
  // The alert that the loss brought about is part of its first answer.
  const lost = { movementId: 'lost', ...of('east'), quantity: 7, reason: 'lost, "really"' };
  expect(await hot.move('issue', lost)).toMatchObject({ ...again, value: { available: 93, version: 4 } });
  expect(
    await hot.move('ship', { movementId: 'shipped', ...of('west'), quantity: 5, orderId: 'b-1' }),
  ).toMatchObject(again);
  expect(await hot.move('return', { movementId: 'back', ...of('west'), quantity: 1 })).toMatchObject(again);
  expect(
    await hot.move('write-off', {
      movementId: 'unfit',
      ...of('west'),
      quantity: 1,
      orderId: 'b-1',
      reason: 'wet',
    }),
  ).toMatchObject(again);
  expect(await hot.move('ship', { movementId: 'shipped', ...of('west'), quantity: 5 })).toMatchObject({
    refusal: { code: 'movement-conflict' },
  });

  expect(
    await hot.receiveTransfer({ transferId: 'way', received: 3, rejected: 1, receiptId: 'first' }),
  ).toMatchObject(again);
  expect(await hot.reserve({ orderId: 'x', lines: [{ ...of('north'), quantity: 1 }] })).toMatchObject({
    refusal: { code: 'stocktake-in-progress' },
  });
  const rest = { transferId: 'way', received: 6 };
  expect(await hot.receiveTransfer(rest)).toMatchObject({ refusal: { code: 'stocktake-in-progress' } });
  const count = { stocktakeId: 'sheet', ...of('north'), counted: 80 };
  expect(await hot.completeStocktake(count)).toMatchObject({ outcome: 'done', value: { counted: 80 } });
  expect(await hot.receiveTransfer(rest)).toMatchObject({ outcome: 'done', value: { status: 'RECEIVED' } });
  expect(await hot.cancelTransfer({ transferId: 'there' })).toMatchObject({
    refusal: { code: 'transfer-ended' },
  });

  const buy = (orderId: string, customerId: string, saleId = 'rush') =>
    hot.reserve({ orderId, lines: [{ ...of('west'), quantity: 1 }], customerId, saleId });
  expect(await buy('r-more', 'ann')).toMatchObject({
    refusal: { code: 'purchase-limit-exceeded', limit: 3, held: 2, bought: 1 },
  });
  expect(await buy('r-bob', 'bob')).toMatchObject({ outcome: 'done' });
  expect(await buy('r-late', 'bob', 'over')).toMatchObject({ refusal: { code: 'sale-closed' } });
  await hot.release({ orderId: 'r-held' });
  expect(await hot.sale('rush')).toMatchObject({
    value: { reserved: 1, sold: 2, released: 5, expired: 0, left: 47 },
  });
  await hot.release({ orderId: 'o-held' });
  expect(await hot.sale('over')).toMatchObject({ value: { reserved: 0, released: 1, left: 0 } });
  await hot.places.refresh();
  expect(hot.places.warehouses().map(({ id, latitude }) => [id, latitude])).toEqual([
    ['east', 25],
    ['north', undefined],
    ['west', 25],
  ]);
  expect(await holdfast.audit()).toMatchObject({ verdict: 'agree' });
});

test('BR-007: a lock that was to end while Redis was away ends after the rebuild', async () => {
  const { hot, redis, keys, ledger } = holdfast;
  await hot.receive({ movementId: 'm1', sku: 'A', warehouse: 'east', quantity: 10 });
  await hot.startStocktake({ stocktakeId: 'k', sku: 'A', warehouse: 'east', leaseSeconds: 1 });
  await holdfast.working().writeBehind.drained();
  await holdfast.stopWorker();
  await fencePartition(redis, keys);
  const deadline = (await ledger.read.item('A', 'east'))?.item.stocktake?.untilMs ?? 0;
  expect(deadline).toBeGreaterThan(0);
  await until(() => Date.now() > deadline);
  await rebuild({ redis, keys, ledger, tombstoneMs: 60_000 });
  // Its end is late by the time in which nothing was decided.
  const statusOf = async () => (await hot.stocktake('k')) as { value?: { status: string }[] };
  await until(async () => (await statusOf()).value?.[0]?.status === 'LAPSED');
  expect(await hot.reserve({ orderId: 'o', lines: [{ sku: 'A', quantity: 1 }] })).toMatchObject({
    outcome: 'done',
  });
});

test('a rebuild that died half way leaves the fence, and the next worker begins anew', async () => {
  await someLife();
  const before = await visible();
  await holdfast.stopWorker();
  const { redis, keys, ledger } = holdfast;
  // As far as a rebuild comes that dies after it emptied Redis and began the new epoch.
  await fencePartition(redis, keys);
  await ledger.beginEpoch(keys.partition, newEpoch(2));
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
  await fencePartition(redis, keys);
  const epoch = (await readControl(redis, keys))?.epoch.number ?? 0;
  await holdfast.startWorker();
  await until(async () => ((await readControl(redis, keys))?.epoch.number ?? 0) > epoch);
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
  const epoch = (await readControl(redis, keys))?.epoch.number ?? 0;
  await holdfast.startWorker();
  await until(async () => ((await readControl(redis, keys))?.epoch.number ?? 0) > epoch);
  await until(async () => (await readControl(redis, keys))?.state === 'open');
  expect(await visible()).toEqual(before);
});

test('a hold that ended while Redis was away returns after the rebuild', async () => {
  const { hot, redis, keys, ledger } = holdfast;
  await hot.receive({ movementId: 'm1', sku: 'A', warehouse: 'east', quantity: 10 });
  await hot.reserve({ orderId: 'short', lines: [{ sku: 'A', quantity: 4 }], holdSeconds: 1 });
  await holdfast.working().writeBehind.drained();
  await holdfast.stopWorker();
  await fencePartition(redis, keys);
  const deadline = (await ledger.read.reservation('short'))?.expiresAtMs ?? 0;
  await until(() => Date.now() > deadline);
  await rebuild({ redis, keys, ledger, tombstoneMs: 60_000 });
  // Its end is late by the time in which nothing was decided.
  await until(async () => answer(await hot.reservation('short')).status === 'EXPIRED');
  expect(await hot.item('A')).toMatchObject({ value: { available: 10, reserved: 0 } });
});

test('D8: an item that the ledger has in quarantine is not sold after the rebuild', async () => {
  const { hot, redis, keys, ledger } = holdfast;
  await hot.receive({ movementId: 'm1', sku: 'A', warehouse: 'east', quantity: 10 });
  await holdfast.working().writeBehind.drained();
  await holdfast.stopWorker();
  const postgres = new pg.Client({ connectionString: holdfast.databaseUrl });
  await postgres.connect();
  await postgres.query("UPDATE items SET quarantined_at = now(), quarantine_reason = 'a test'");
  await postgres.end();
  await fencePartition(redis, keys);
  await rebuild({ redis, keys, ledger, tombstoneMs: 60_000 });
  const order = { orderId: 'order-1', lines: [{ sku: 'A', quantity: 1 }] };
  expect(await hot.reserve(order)).toMatchObject({ outcome: 'refused', refusal: { code: 'quarantined' } });
});
