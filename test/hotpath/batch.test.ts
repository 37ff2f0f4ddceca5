/**
 * One script call, many commands of all kinds (D1): decided in order, answered in order, each on what the one before
 * left; and the program that is addressed by its hash (D3).
 */
import { describe, expect, test } from 'vitest';
import { loadProgram } from '../../src/hotpath/program.ts';
import { answer, outcome, spelled } from '../domain/sentences.ts';
import { TURNED_CLOCK } from '../services.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

/** Runs commands that are all called in one turn of the event loop, and says how many script calls they took. */
async function inOneGo<T>(
  shop: HotShop,
  call: () => Promise<T>[],
): Promise<{ answers: T[]; batches: number }> {
  const before = shop.hot.counts.batches;
  const answers = await Promise.all(call());
  return { answers, batches: shop.hot.counts.batches - before };
}

describe('a batch', () => {
  test('serves equal orders from the warehouse that is nearest at each time, also one that had no stock before', async () => {
    const shop = await givenShop('TEA@north=10');
    const order = async (id: string) => spelled(answer(await shop.reserve(id, 'TEA=1')).lines);
    const { answers, batches } = await inOneGo<unknown>(shop, () => [
      order('order-1'),
      order('order-2'),
      shop.receive('TEA@east=1'), // tried before north, by its name
      order('order-3'),
      order('order-4'),
      shop.release('order-3'),
      order('order-5'),
    ]);
    expect(batches).toBe(1);
    expect(answers.filter((line) => typeof line === 'string')).toEqual([
      'TEA@north=1',
      'TEA@north=1',
      'TEA@east=1',
      'TEA@north=1',
      'TEA@east=1',
    ]);
  });

  test('takes every kind of command, decides in order, and answers in order', async () => {
    const shop = await givenShop('TEA@east=10,RICE@east=10');
    const { answers, batches } = await inOneGo<{ outcome: string }>(shop, () => [
      shop.receive('SALT@east=3'),
      shop.reserve('order-1', 'TEA@east=4'),
      shop.reserve('order-2', 'TEA@east=4,SALT@east=3'),
      shop.reserve('order-3', 'TEA@east=4'),
      shop.confirm('order-1', 'TEA=3'),
      shop.reserve('order-4', 'TEA@east=3'),
      shop.release('order-2', 'SALT=1'),
      shop.extend('order-2', 3_600),
      shop.setSafetyStock('RICE@east', 11),
      shop.reserve('order-1', 'TEA@east=4'),
      shop.confirm('order-9'),
      shop.hot.reservation('order-2'),
      shop.hot.item('TEA'),
    ]);
    expect(batches).toBe(1);
    expect(answers.map((decision) => outcome(decision as never))).toEqual([
      'done',
      'done',
      'done',
      'insufficient-stock',
      'done',
      'done',
      'done',
      'done',
      'done',
      'replayed',
      'unknown-reservation',
      'done',
      'done',
    ]);
    expect(await shop.figures('TEA@east')).toBe('10 = 0 available + 7 reserved + 3 sold');
    expect(await shop.figures('SALT@east')).toBe('3 = 1 available + 2 reserved + 0 sold');
    expect(answer(await shop.hot.item('TEA'))).toMatchObject({ available: 0, reserved: 7, sold: 3 });
    const last = (await shop.entries()).at(-1);
    expect(last?.events.map((event) => event.type)).toEqual([
      'InventoryReceived',
      'InventoryReserved',
      'InventoryReserved',
      'InventoryDeducted',
      'InventoryReleased',
      'InventoryReserved',
      'InventoryReleased',
      'ReservationExtended',
      'SafetyStockSet',
      'LowStockAlertTriggered',
    ]);
  });

  test('decides the whole life of one order: reserve, confirm, and a release that is refused', async () => {
    const shop = await givenShop('TEA@east=5');
    const { answers, batches } = await inOneGo(shop, () => [
      shop.reserve('order-1', 'TEA@east=2'),
      shop.confirm('order-1'),
      shop.release('order-1'),
      shop.confirm('order-1'),
      shop.reserve('order-1', 'TEA@east=2'),
    ]);
    expect(batches).toBe(1);
    expect(answers.map(outcome)).toEqual(['done', 'done', 'already-confirmed', 'replayed', 'replayed']);
    expect(answer(answers[4] as (typeof answers)[number]).status).toBe('CONFIRMED');
    expect(await shop.figures('TEA@east')).toBe('5 = 3 available + 0 reserved + 2 sold');
  });

  test('gives what one order returns to the next order of the same batch', async () => {
    const shop = await givenShop('TEA@east=2');
    const { answers } = await inOneGo(shop, () => [
      shop.reserve('order-1', 'TEA@east=2'),
      shop.reserve('order-2', 'TEA@east=2'),
      shop.release('order-1'),
      shop.reserve('order-3', 'TEA@east=2'),
    ]);
    expect(answers.map(outcome)).toEqual(['done', 'insufficient-stock', 'done', 'done']);
  });

  test('BR-006: the same order twice in one batch takes once', async () => {
    const shop = await givenShop('TEA@east=5');
    const { answers } = await inOneGo(shop, () =>
      Array.from({ length: 20 }, () => shop.reserve('order-1', 'TEA@east=1')),
    );
    expect(answers.map(outcome)).toEqual(['done', ...Array.from({ length: 19 }, () => 'replayed')]);
    expect(await shop.figures('TEA@east')).toBe('5 = 4 available + 1 reserved + 0 sold');
  });

  test('a bad input among good ones is thrown before anything is sent, and the others go on', async () => {
    const shop = await givenShop('TEA@east=5');
    const good = shop.reserve('order-1', 'TEA@east=1');
    expect(() => shop.reserve(' order-2', 'TEA@east=1')).toThrow(/orderId/);
    expect(outcome(await good)).toBe('done');
  });

  test('two engines on one partition decide on the same stock', async () => {
    const one = await givenShop('TEA@east=3');
    const two = await one.another();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 ? one : two).reserve(`order-${i}`, 'TEA@east=1')),
    );
    expect(answers.map(outcome).filter((word) => word === 'done')).toHaveLength(3);
    expect(await one.figures('TEA@east')).toBe('3 = 0 available + 3 reserved + 0 sold');
  });
});

describe('the program', () => {
  test('has another address with another text', () => {
    expect(loadProgram().sha).toMatch(/^[0-9a-f]{40}$/);
    expect(loadProgram().sha).toBe(loadProgram().sha);
    expect(loadProgram({ clock: TURNED_CLOCK }).sha).not.toBe(loadProgram().sha);
  });

  test('that Redis has forgotten is sent again without anything being done twice', async () => {
    const shop = await givenShop('TEA@east=100');
    // The other tests of the run share this Redis, and none of them may notice.
    await shop.redis.script('FLUSH');
    const { answers, batches } = await inOneGo(shop, () =>
      Array.from({ length: 50 }, (_, i) => shop.reserve(`order-${i}`, 'TEA@east=1')),
    );
    expect(batches).toBe(1);
    expect(answers.map(outcome)).toEqual(Array.from({ length: 50 }, () => 'done'));
    expect(spelled(answer(answers[49] as (typeof answers)[number]).lines)).toBe('TEA@east=1');
    expect(await shop.figures('TEA@east')).toBe('100 = 50 available + 50 reserved + 0 sold');
    expect((await shop.events()).filter((event) => event.type === 'InventoryReserved')).toHaveLength(50);
  });
});
