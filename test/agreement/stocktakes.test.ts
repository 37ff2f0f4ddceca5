/**
 * A stocktake by examples (BR-007): lock, count, adjust, unlock, item by item under one sheet. What the lock forbids
 * meanwhile is in locks.test.ts.
 */
import { expect, test } from 'vitest';
import { type Decision, LEASE_SECONDS_DEFAULT, STOCKTAKE_LINES_MAX } from '../../src/domain/language.ts';
import { answer, outcome, refusal, START_MS } from '../domain/sentences.ts';
import { type EitherShop, eventsOf, type Given, onBoth } from './both.ts';

/** 10 = 5 available + 2 reserved + 3 sold, and locked for a minute at version 5. */
async function withLock(given: Given): Promise<EitherShop> {
  const shop = await given('TEA@east=10,RICE@east=1');
  await shop.reserve('sold', 'TEA@east=3');
  await shop.confirm('sold');
  await shop.reserve('held', 'TEA@east=2');
  answer(await shop.startCount('count-1', 'TEA@east', 60));
  return shop;
}
const untilMs = START_MS + 60_000;

onBoth('starting a count', (given) => {
  test('BR-007: locks the item until a deadline, and notes what the books say', async () => {
    const shop = await withLock(given);
    expect(await shop.item('TEA@east')).toMatchObject({
      total: 10,
      version: 5,
      stocktake: { stocktakeId: 'count-1', untilMs },
    });
    expect(await shop.sheet('count-1')).toEqual([
      { stocktakeId: 'count-1', sku: 'TEA', warehouse: 'east', status: 'COUNTING', untilMs, before: 10 },
    ]);
    expect((await shop.happened()).at(-1)).toMatchObject({
      type: 'StocktakeStarted',
      stocktakeId: 'count-1',
      untilMs,
      lines: [{ sku: 'TEA', warehouse: 'east', quantity: 10, version: 5 }],
    });
  });

  test('BR-007: lasts 15 minutes where nobody says how long', async () => {
    const shop = await given('TEA@east=1');
    const line = answer(await shop.startCount('count-1', 'TEA@east'));
    expect(line.untilMs).toBe(START_MS + LEASE_SECONDS_DEFAULT * 1_000);
  });

  test('again under the same sheet is a repeat, and the lock does not last longer by it', async () => {
    const shop = await withLock(given);
    await shop.wait(30_000);
    const again = await shop.startCount('count-1', 'TEA@east', 600);
    expect([outcome(again), answer(again).untilMs]).toEqual(['replayed', untilMs]);
    expect((await shop.item('TEA@east')).stocktake?.untilMs).toBe(untilMs);
  });

  test('BR-007: under a second sheet is refused with the name and the deadline of the first', async () => {
    const shop = await withLock(given);
    expect(refusal(await shop.startCount('count-2', 'TEA@east'))).toEqual({
      code: 'stocktake-in-progress',
      items: [{ sku: 'TEA', warehouse: 'east', stocktakeId: 'count-1', untilMs }],
    });
    expect(outcome(await shop.startCount('count-2', 'RICE@east'))).toBe('done');
  });

  test('is of an item that was received once', async () => {
    const shop = await withLock(given);
    expect(refusal(await shop.startCount('count-1', 'TEA@west'))).toEqual({
      code: 'unknown-item',
      items: [{ sku: 'TEA', warehouse: 'west' }],
    });
  });

  test(`grows the sheet by an item each, up to ${STOCKTAKE_LINES_MAX}`, async () => {
    const shop = await given('TEA@east=1');
    const warehouses = Array.from({ length: STOCKTAKE_LINES_MAX + 1 }, (_, i) => `TEA@w${i}`);
    for (const [i, name] of warehouses.entries()) {
      const pending = shop.receive(`${name}=1`, `M-${i}`);
      if (i % 500 === 0) await pending; // the others of the engine's queue come with it
    }
    const started: Decision<unknown>[] = [];
    for (let i = 0; i < warehouses.length; i += 500) {
      const some = warehouses.slice(i, i + 500).map((name) => shop.startCount('count-1', name));
      started.push(...(await Promise.all(some)));
    }
    expect(started.map(outcome)).toEqual(
      warehouses.map((_, i) => (i < STOCKTAKE_LINES_MAX ? 'done' : 'stocktake-full')),
    );
    expect(await shop.sheet('count-1')).toHaveLength(STOCKTAKE_LINES_MAX);
    expect(outcome(await shop.startCount('count-1', 'TEA@east'))).toBe('stocktake-full');
    expect(outcome(await shop.startCount('count-1', 'TEA@w0'))).toBe('replayed');
    expect(outcome(await shop.startCount('count-2', 'TEA@east'))).toBe('done');
  });
});

onBoth('completing a count', (given) => {
  test.each([
    ['more', 12, '12 = 7 available + 2 reserved + 3 sold'],
    ['fewer', 6, '6 = 1 available + 2 reserved + 3 sold'],
    ['as many as the books say', 10, '10 = 5 available + 2 reserved + 3 sold'],
    ['only what is promised and sold, which stands there still', 5, '5 = 0 available + 2 reserved + 3 sold'],
  ])(
    'BR-007: finds %s: the total is what was counted, available takes the difference, the lock is off',
    async (_, counted, figures) => {
      const shop = await withLock(given);
      const done = await shop.completeCount('count-1', 'TEA@east', counted);
      expect(done).toEqual({
        outcome: 'done',
        replayed: false,
        value: {
          stocktakeId: 'count-1',
          sku: 'TEA',
          warehouse: 'east',
          status: 'COUNTED',
          untilMs,
          before: 10,
          counted,
        },
      });
      expect(await shop.figures('TEA@east')).toBe(figures);
      const item = await shop.item('TEA@east');
      expect([item.stocktake, item.version]).toEqual([undefined, 6]);
      expect((await shop.happened()).at(-1)).toMatchObject({
        type: 'StocktakeCompleted',
        stocktakeId: 'count-1',
        lines: [{ quantity: counted, version: 6 }],
      });
      expect(await shop.sheet('count-1')).toEqual([answer(done)]);
    },
  );

  test('told twice is a repeat; another count of it is not', async () => {
    const shop = await withLock(given);
    const first = answer(await shop.completeCount('count-1', 'TEA@east', 9));
    await shop.receive('TEA@east=5');
    const events = (await shop.happened()).length;
    const again = await shop.completeCount('count-1', 'TEA@east', 9);
    expect([outcome(again), answer(again)]).toEqual(['replayed', first]);
    expect(refusal(await shop.completeCount('count-1', 'TEA@east', 8))).toEqual({
      code: 'stocktake-ended',
      countStatus: 'COUNTED',
    });
    expect(outcome(await shop.cancelCount('count-1', 'TEA@east'))).toBe('stocktake-ended');
    expect(outcome(await shop.startCount('count-1', 'TEA@east'))).toBe('stocktake-ended');
    expect((await shop.happened()).length).toBe(events);
  });

  test('is of an item that stands on the sheet', async () => {
    const shop = await withLock(given);
    for (const [sheet, name] of [
      ['count-1', 'RICE@east'],
      ['count-2', 'TEA@east'],
      ['count-1', 'SALT@east'],
    ] as const) {
      expect(refusal(await shop.completeCount(sheet, name, 1))).toEqual({ code: 'unknown-stocktake' });
      expect(refusal(await shop.cancelCount(sheet, name))).toEqual({ code: 'unknown-stocktake' });
    }
    expect((await shop.item('TEA@east')).stocktake?.stocktakeId).toBe('count-1');
  });

  test('ends one item of the sheet and leaves the others locked', async () => {
    const shop = await withLock(given);
    await shop.startCount('count-1', 'RICE@east', 120);
    await shop.completeCount('count-1', 'TEA@east', 9);
    const lines = await shop.sheet('count-1');
    expect(lines.map((line) => `${line.sku} ${line.status} ${line.untilMs - START_MS}`)).toEqual([
      'RICE COUNTING 120000',
      'TEA COUNTED 60000',
    ]);
    expect((await shop.item('RICE@east')).stocktake).toBeDefined();
  });
});

onBoth('cancelling a count', (given) => {
  test('BR-007: takes the lock off and changes no figure', async () => {
    const shop = await withLock(given);
    const line = answer(await shop.cancelCount('count-1', 'TEA@east'));
    expect(line).toMatchObject({ status: 'CANCELLED', before: 10 });
    expect(line.counted).toBeUndefined();
    expect(await shop.figures('TEA@east')).toBe('10 = 5 available + 2 reserved + 3 sold');
    expect((await shop.item('TEA@east')).stocktake).toBeUndefined();
    expect((await shop.happened()).at(-1)).toMatchObject({
      type: 'StocktakeCancelled',
      lines: [{ quantity: 10 }],
    });
  });

  test('told twice is a repeat; a count that comes after it is too late', async () => {
    const shop = await withLock(given);
    await shop.cancelCount('count-1', 'TEA@east');
    expect(outcome(await shop.cancelCount('count-1', 'TEA@east'))).toBe('replayed');
    expect(refusal(await shop.completeCount('count-1', 'TEA@east', 9))).toEqual({
      code: 'stocktake-ended',
      countStatus: 'CANCELLED',
    });
    expect(outcome(await shop.startCount('count-1', 'TEA@east'))).toBe('stocktake-ended');
    expect(outcome(await shop.startCount('count-2', 'TEA@east'))).toBe('done');
  });
});

onBoth('a lease that runs out', (given) => {
  test('BR-007: ends the lock by itself, at its deadline and not before, with an event, though nobody asks anything', async () => {
    const shop = await withLock(given);
    await shop.wait(59_999);
    await shop.sweepAll();
    expect((await shop.item('TEA@east')).stocktake).toBeDefined();
    await shop.wait(1);
    await shop.sweepAll();
    expect((await shop.item('TEA@east')).stocktake).toBeUndefined();
    expect((await shop.happened()).at(-1)).toMatchObject({
      type: 'StocktakeLapsed',
      stocktakeId: 'count-1',
      actor: 'clock',
      lines: [{ sku: 'TEA', warehouse: 'east', quantity: 10, version: 6 }],
    });
    expect(await shop.figures('TEA@east')).toBe('10 = 5 available + 2 reserved + 3 sold');
  });

  test('BR-007: is not waited for by the next command, and a count after it is too late', async () => {
    const shop = await withLock(given);
    await shop.wait(60_000);
    expect(outcome(await shop.reserve('order-1', 'TEA@east=5'))).toBe('done');
    expect(refusal(await shop.completeCount('count-1', 'TEA@east', 9))).toEqual({
      code: 'stocktake-ended',
      countStatus: 'LAPSED',
    });
    expect(outcome(await shop.cancelCount('count-1', 'TEA@east'))).toBe('stocktake-ended');
    expect((await shop.sheet('count-1')).map((line) => line.status)).toEqual(['LAPSED']);
    expect(await eventsOf(shop, 'StocktakeLapsed')).toHaveLength(1);
  });

  test('BR-007: of an earlier count does not end a later one', async () => {
    const shop = await withLock(given);
    await shop.cancelCount('count-1', 'TEA@east');
    await shop.startCount('count-2', 'TEA@east', 300);
    await shop.wait(60_000);
    await shop.sweepAll();
    expect((await shop.item('TEA@east')).stocktake).toEqual({
      stocktakeId: 'count-2',
      untilMs: START_MS + 300_000,
    });
    await shop.wait(240_000);
    await shop.sweepAll();
    expect((await shop.item('TEA@east')).stocktake).toBeUndefined();
    expect(await eventsOf(shop, 'StocktakeLapsed')).toHaveLength(1);
  });
});
