/**
 * D4: time is Redis's, never goes back, and does not leap where the caller's clock does not bear it out. A wrong clock
 * must neither return holds early nor make them endless.
 */
import { describe, expect, test } from 'vitest';
import { readControl } from '../../src/hotpath/partition.ts';
import { answer, MINUTE_MS, outcome, START_MS } from '../domain/sentences.ts';
import { TURNED_CLOCK } from '../services.ts';
import { faultOf } from './faults.ts';
import { givenShop, type HotShop } from './hot-shop.ts';

/** A hold of a minute, and an engine whose witness the test turns by hand. */
async function givenHoldAndWitness(): Promise<{
  shop: HotShop;
  witness: { nowMs: number };
  server: HotShop;
}> {
  const witness = { nowMs: START_MS };
  const server = await givenShop('TEA@east=9');
  const shop = await server.another({ clock: { lua: TURNED_CLOCK, witnessMs: () => witness.nowMs } });
  answer(await shop.reserve('order-1', 'TEA@east=1', 60));
  return { shop, witness, server };
}
const turn = (shop: HotShop, ms: number) => shop.engine.setTime(ms);

describe('a clock that goes back', () => {
  test('leaves the time of the partition where it was', async () => {
    const { shop } = await givenHoldAndWitness();
    await turn(shop, START_MS - 5_000);
    const held = answer(await shop.reserve('order-2', 'TEA@east=1', 60));
    expect(held.reservedAtMs).toBe(START_MS);
    expect(shop.hot.head).toMatchObject({ nowMs: START_MS, clock: 'steady' });
  });

  test('by more than a little shows as behind', async () => {
    const { shop } = await givenHoldAndWitness();
    await turn(shop, START_MS - 10_000);
    expect((await shop.hot.sweep(9)).clock).toBe('steady');
    await turn(shop, START_MS - 10_001);
    expect(await shop.hot.sweep(9)).toMatchObject({ clock: 'behind', nowMs: START_MS });
  });

  test('goes on when it has caught up', async () => {
    const { shop, witness } = await givenHoldAndWitness();
    await turn(shop, START_MS - 60_000);
    await shop.hot.sweep(9);
    witness.nowMs = START_MS + 1;
    await turn(shop, START_MS + 1);
    expect(await shop.hot.sweep(9)).toMatchObject({ clock: 'steady', nowMs: START_MS + 1 });
  });
});

describe('a clock that leaps ahead', () => {
  test('alone, closes the partition: nothing is decided, and nothing expires', async () => {
    const { shop } = await givenHoldAndWitness();
    await turn(shop, START_MS + 60 * MINUTE_MS);
    expect(await faultOf(shop.hot.sweep(9))).toMatchObject({ code: 'not-ready', reason: 'clock' });
    expect(await readControl(shop.redis, shop.keys)).toMatchObject({ state: 'clock', clockMs: START_MS });
    expect((await shop.reservation('order-1')).status).toBe('ACTIVE');
  });

  test('keeps it closed after the clock is right again, because records may have expired meanwhile', async () => {
    const { shop, witness } = await givenHoldAndWitness();
    await turn(shop, START_MS + 60 * MINUTE_MS);
    await faultOf(shop.hot.sweep(9));
    witness.nowMs = START_MS + 5_000;
    await turn(shop, START_MS + 5_000);
    expect(await faultOf(shop.confirm('order-1'))).toMatchObject({ code: 'not-ready', reason: 'clock' });
  });

  test('only as it seems to a batch that was on its way for long, closes nothing: the caller is asked again', async () => {
    const { shop, server } = await givenHoldAndWitness();
    // The first look of the caller at its clock was long ago; the second agrees with Redis.
    let looks = 0;
    const witnessMs = () => (looks++ === 0 ? START_MS : START_MS + 60_000);
    const late = await server.another({ clock: { lua: TURNED_CLOCK, witnessMs } });
    looks = 0;
    await turn(shop, START_MS + 60_000);
    expect(await late.hot.sweep(9)).toMatchObject({ clock: 'steady', nowMs: START_MS + 60_000 });
    expect(await readControl(shop.redis, shop.keys)).toMatchObject({ state: 'open' });
  });

  test('BR-003: with a witness that agrees is an idle night, and due holds expire', async () => {
    const { shop, witness } = await givenHoldAndWitness();
    witness.nowMs = START_MS + 8 * 60 * MINUTE_MS + 9_000;
    await turn(shop, START_MS + 8 * 60 * MINUTE_MS);
    expect((await shop.hot.sweep(9)).clock).toBe('steady');
    expect(await shop.figures('TEA@east')).toBe('9 = 9 available + 0 reserved + 0 sold');
  });

  test('by no more than ten seconds needs no witness', async () => {
    const { shop } = await givenHoldAndWitness();
    await turn(shop, START_MS + 10_000);
    expect(await shop.hot.sweep(9)).toMatchObject({ clock: 'steady', nowMs: START_MS + 10_000 });
    await turn(shop, START_MS + 20_001);
    expect(await faultOf(shop.hot.sweep(9))).toMatchObject({ reason: 'clock' });
  });

  test('a wrong witness changes nothing while Redis is steady', async () => {
    const { shop, witness } = await givenHoldAndWitness();
    witness.nowMs = 0;
    await turn(shop, START_MS + 5_000);
    expect(await shop.hot.sweep(9)).toMatchObject({ clock: 'steady', nowMs: START_MS + 5_000 });
  });

  test('time that passes without orders is kept, so that the next look is no leap', async () => {
    const { shop } = await givenHoldAndWitness();
    for (let second = 1; second <= 30; second += 1) {
      await turn(shop, START_MS + 1_000 * second);
      expect((await shop.hot.sweep(0)).clock).toBe('steady');
    }
    expect(shop.hot.head?.nowMs).toBe(START_MS + 30_000);
  });
});

test('the clock of a real engine is steady, because Redis and this machine have the same time', async () => {
  const shop = await givenShop('TEA@east=1', { realClock: true });
  expect((await shop.hot.sweep(9)).clock).toBe('steady');
});

describe('after a pause', () => {
  test('deadlines are late by its length, and once it is over they are not', async () => {
    const shop = await givenShop('TEA@east=9');
    await shop.reserve('order-1', 'TEA@east=1', 60);
    await shop.reserve('order-2', 'TEA@east=1', 90);
    await shop.changeControl({ pause: { lengthMs: 30_000, untilMs: START_MS + 95_000 } });
    await shop.wait(60_000);
    await shop.sweepAll();
    expect((await shop.reservation('order-1')).status).toBe('ACTIVE');
    await shop.wait(30_000);
    await shop.sweepAll();
    expect((await shop.reservation('order-1')).status).toBe('EXPIRED');
    expect((await shop.reservation('order-2')).status).toBe('ACTIVE');
    await shop.wait(5_000);
    await shop.sweepAll();
    expect((await shop.reservation('order-2')).status).toBe('EXPIRED');
    expect(await readControl(shop.redis, shop.keys)).toMatchObject({ pause: undefined });
  });

  test('a hold whose deadline is late can be paid until then', async () => {
    const shop = await givenShop('TEA@east=9');
    await shop.reserve('order-1', 'TEA@east=1', 60);
    await shop.changeControl({ pause: { lengthMs: 30_000, untilMs: START_MS + 90_001 } });
    await shop.wait(89_999);
    expect(outcome(await shop.confirm('order-1'))).toBe('done');
  });
});
