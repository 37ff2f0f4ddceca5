/**
 * The outbox (D6, D7) and its limit (D13): entries and versions have no gap, and a ledger that lags too far stops new holds
 * but never the end of existing ones.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Decision, itemName, MOVEMENT_KINDS } from '../../src/domain/language.ts';
import { readStream } from '../../src/hotpath/codec/stream-codec.ts';
import { ReferenceModel } from '../../src/model/reference-model.ts';
import { ask } from '../agreement/ask.ts';
import { HISTORIES, history, type Step } from '../domain/histories.ts';
import { outcome } from '../domain/sentences.ts';
import { NONCE } from '../ledger/chunks.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

/** Four events are in the stream, which is the limit. */
async function givenFullBacklog(): Promise<HotShop> {
  const shop = await givenShop('', { limits: { backlogEventsMax: 4 } });
  await shop.receive('TEA@east=9', 'M-1');
  await shop.reserve('order-1', 'TEA@east=2');
  await shop.reserve('order-2', 'TEA@east=2');
  await shop.reserve('order-3', 'TEA@east=2', 60);
  return shop;
}

/** The ledger has everything up to this sequence, so many events; nothing of it is kept. */
const trim = (shop: HotShop, sequence: number, events: number) =>
  shop.hot.trim(NONCE, events, `1-${sequence + 1}`);

describe('a ledger that lags too far', () => {
  test('stops commands that hold or add stock: reserve and receive are refused', async () => {
    const shop = await givenFullBacklog();
    const before = await shop.engine.dump();
    expect(outcome(await shop.reserve('order-9', 'TEA@east=1'))).toBe('ledger-backlog');
    expect(outcome(await shop.receive('TEA@east=1'))).toBe('ledger-backlog');
    expect(await shop.engine.dump()).toBe(before);
    expect(shop.hot.head?.backlogEvents).toBe(4);
  });

  test('accepts what keeps or ends a hold: confirm, release, extend, and repeats', async () => {
    const shop = await givenFullBacklog();
    expect(outcome(await shop.confirm('order-1'))).toBe('done');
    expect(outcome(await shop.release('order-2', 'TEA=1'))).toBe('done');
    expect(outcome(await shop.extend('order-2', 7_200))).toBe('done');
    expect(outcome(await shop.reserve('order-1', 'TEA@east=2'))).toBe('replayed');
    expect(outcome(await shop.receive('TEA@east=9', 'M-1'))).toBe('replayed');
    expect(outcome(await shop.hot.item('TEA'))).toBe('done');
  });

  test('stops every movement, and the start of a count, a transfer or a sale', async () => {
    const shop = await givenFullBacklog();
    await shop.confirm('order-1');
    const { version } = await shop.item('TEA@east');
    const before = await shop.engine.dump();
    const calls: Promise<Decision<unknown>>[] = [
      ...MOVEMENT_KINDS.map((kind) => shop.move(kind, 'TEA@east=1', { expectedVersion: version })),
      shop.startCount('count', 'TEA@east'),
      shop.dispatch('T-1', 'TEA@east>west=1'),
      shop.schedule('flash', 'TEA=1'),
    ];
    expect((await Promise.all(calls)).map(outcome)).toEqual(calls.map(() => 'ledger-backlog'));
    expect(await shop.engine.dump()).toBe(before);
  });

  test('accepts the end of counts, transfers and sales, and late payments', async () => {
    const shop = await givenShop('TEA@east=9,RICE@east=9,SALT@east=9', { limits: { backlogEventsMax: 10 } });
    await shop.startCount('count', 'RICE@east');
    await shop.startCount('count', 'SALT@east');
    await shop.dispatch('lands', 'TEA@east>west=1');
    await shop.dispatch('turns', 'TEA@east>west=1');
    await shop.schedule('flash', 'TEA=1');
    await shop.reserve('late', 'TEA@east=1', 60);
    await shop.wait(60_000);
    const calls: Promise<Decision<unknown>>[] = [
      shop.confirm('late', undefined, { reacquire: true }),
      shop.completeCount('count', 'RICE@east', 8),
      shop.cancelCount('count', 'SALT@east'),
      shop.land('lands', 1),
      shop.turnBack('turns'),
      shop.closeSale('flash'),
      shop.setSafetyStock('TEA@east', 1),
      // Repeats are no promises.
      shop.startCount('count', 'RICE@east'),
      shop.dispatch('lands', 'TEA@east>west=1'),
    ];
    const decided = (await Promise.all(calls)).map(outcome);
    expect(shop.hot.head?.backlogEvents).toBeGreaterThan(10);
    expect(decided).toEqual([...Array.from({ length: 7 }, () => 'done'), 'stocktake-ended', 'replayed']);
  });

  test('BR-003: does not keep holds from expiring', async () => {
    const shop = await givenFullBacklog();
    await shop.wait(60_000);
    await shop.sweepAll();
    expect((await shop.reservation('order-3')).status).toBe('EXPIRED');
  });

  test('accepts orders again once it has caught up', async () => {
    const shop = await givenFullBacklog();
    await trim(shop, 2, 2);
    expect(shop.hot.head?.backlogEvents).toBe(2);
    expect(outcome(await shop.reserve('order-9', 'TEA@east=1'))).toBe('done');
    expect(outcome(await shop.receive('TEA@east=1'))).toBe('done');
    expect(outcome(await shop.reserve('order-10', 'TEA@east=1'))).toBe('ledger-backlog');
  });
});

describe('trimming', () => {
  test('removes what the ledger has, and leaves the rest', async () => {
    const shop = await givenFullBacklog();
    const before = await shop.entries();
    await trim(shop, 3, 3);
    expect(await shop.entries()).toEqual(before.slice(3));
    expect(await shop.redis.xlen(shop.keys.events)).toBe(1);
  });

  test('never goes beyond the events there are, and is refused to a worker of another epoch', async () => {
    const shop = await givenFullBacklog();
    const before = await shop.engine.dump();
    await expect(trim(shop, 4, 5)).rejects.toThrow(/invalid-command/);
    await expect(shop.hot.trim('another0', 4, '1-5')).rejects.toThrow(/invalid-command/);
    expect(await shop.engine.dump()).toBe(before);
    await trim(shop, 4, 4);
    expect(shop.hot.head?.backlogEvents).toBe(0);
  });

  test('by a late worker changes nothing', async () => {
    const shop = await givenFullBacklog();
    await trim(shop, 3, 3);
    await trim(shop, 1, 1);
    expect(shop.hot.head?.backlogEvents).toBe(1);
    expect((await shop.entries()).map((entry) => entry.sequence)).toEqual([4]);
  });

  test('can leave a tail of what the ledger has', async () => {
    const shop = await givenFullBacklog();
    await shop.hot.trim(NONCE, 4, '1-3');
    expect(shop.hot.head?.backlogEvents).toBe(0);
    expect((await shop.entries()).map((entry) => entry.sequence)).toEqual([3, 4]);
    await shop.hot.trim(NONCE, 4, undefined);
    expect((await shop.entries()).map((entry) => entry.sequence)).toEqual([3, 4]);
  });

  test('of everything leaves the stream able to go on', async () => {
    const shop = await givenFullBacklog();
    await trim(shop, 4, 4);
    expect(outcome(await shop.reserve('order-9', 'TEA@east=1'))).toBe('done');
    expect((await shop.entries()).map((entry) => entry.sequence)).toEqual([5]);
  });
});

describe('the stream', () => {
  /** Plays a history in bursts, the commands of each in one go. */
  async function play(shop: HotShop, steps: readonly Step[]): Promise<void> {
    const burst: Promise<unknown>[] = [];
    for (const step of steps) {
      if (step.kind !== 'wait') {
        burst.push(ask(shop.hot, step));
        continue;
      }
      await Promise.all(burst.splice(0));
      await shop.wait(step.ms);
    }
    await Promise.all(burst);
    await shop.sweepAll();
  }

  test('has ids and versions without a gap, and from its events the model comes to the same items', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const shop = await givenShop('');
        await play(shop, steps);
        const entries = await shop.entries();
        const ids = (await shop.redis.xrange(shop.keys.events, '-', '+')).map(([id]) => id);
        expect(ids).toEqual(entries.map((_, i) => `1-${i + 1}`));
        let eventsTotal = 0;
        const model = new ReferenceModel();
        for (const entry of entries) {
          eventsTotal += entry.events.length;
          expect(entry.eventsTotal).toBe(eventsTotal);
          for (const event of entry.events) model.apply(event); // asserts each version and each rule
          for (const item of entry.items) {
            expect(model.items.get(itemName(item))).toEqual(item);
          }
        }
        for (const item of model.items.values()) expect(await shop.item(item)).toEqual(item);
        expect(shop.hot.head).toMatchObject({ sequence: entries.length, backlogEvents: eventsTotal });
        await shop.close();
      }),
      { numRuns: Math.ceil(HISTORIES / 4) },
    );
  });

  test('is read from any place and in any portion, and is empty after its end', async () => {
    const shop = await givenFullBacklog();
    const all = await shop.entries();
    expect(all.map((entry) => entry.sequence)).toEqual([1, 2, 3, 4]);
    const portion = await readStream(shop.redis, shop.keys, 1, 1, 2);
    expect(portion).toEqual(all.slice(1, 3));
    expect(await readStream(shop.redis, shop.keys, 1, 4, 10)).toEqual([]);
  });

  test('a command that changes nothing writes nothing', async () => {
    const shop = await givenFullBacklog();
    const before = await shop.engine.dump();
    await shop.hot.sweep(100);
    await shop.hot.item('TEA');
    await shop.hot.reservation('order-1');
    await shop.reserve('order-1', 'TEA@east=2');
    await shop.confirm('order-99');
    expect(await shop.engine.dump()).toBe(before);
  });
});
