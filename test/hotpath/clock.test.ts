/**
 * D4: time is Redis's, never goes back, and does not leap where the caller's clock does not bear it out. A wrong clock
 * must neither return holds early nor make them endless.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { LUA_FOLDER } from '../../src/hotpath/program.ts';
import { answer, MINUTE_MS, outcome, START_MS } from '../domain/sentences.ts';
import { TURNED_CLOCK } from '../services.ts';
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
  test('BR-003: alone, freezes time and expiry: the hold stays, and can be paid', async () => {
    const { shop } = await givenHoldAndWitness();
    await turn(shop, START_MS + 60 * MINUTE_MS);
    expect(await shop.hot.sweep(9)).toMatchObject({ clock: 'frozen', nowMs: START_MS, moreDue: false });
    expect((await shop.reservation('order-1')).status).toBe('ACTIVE');
    expect(outcome(await shop.confirm('order-1'))).toBe('done');
    expect(shop.hot.head?.clock).toBe('frozen');
  });

  test('does not stop sales: reserve, extend and release are decided at the frozen time', async () => {
    const { shop } = await givenHoldAndWitness();
    await turn(shop, START_MS + 60 * MINUTE_MS);
    const decided = await Promise.all([
      shop.reserve('order-2', 'TEA@east=1', 60),
      shop.extend('order-1', 120),
      shop.release('order-2'),
    ]);
    expect(decided.map(outcome)).toEqual(['done', 'done', 'done']);
    expect((await shop.reservation('order-1')).expiresAtMs).toBe(START_MS + 120_000);
  });

  test('is over when the clock is set right again', async () => {
    const { shop, witness } = await givenHoldAndWitness();
    await turn(shop, START_MS + 60 * MINUTE_MS);
    await shop.hot.sweep(9);
    witness.nowMs = START_MS + 60_000;
    await turn(shop, START_MS + 60_000);
    // The partition's time stood, so a minute is a leap too; the witness bears this one out.
    expect(await shop.hot.sweep(9)).toMatchObject({ clock: 'steady', nowMs: START_MS + 60_000 });
    expect((await shop.reservation('order-1')).status).toBe('EXPIRED');
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
    expect((await shop.hot.sweep(9)).clock).toBe('frozen');
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

  // Redis lets keys vanish by its own clock: a record whose TTL were reckoned from the partition's frozen time would be
  // gone as soon as it is written, a repeat would deduct again, and the hold would never return.
  test('BR-006: by days, while frozen, does not lose the records of the orders it takes', async () => {
    const beforeLeapMs = Date.now() - 40 * 24 * 60 * MINUTE_MS;
    const lua = readFileSync(new URL('clock.lua', LUA_FOLDER), 'utf8');
    const shop = await givenShop('', { realClock: true, clock: { lua, witnessMs: () => beforeLeapMs } });
    await shop.redis.set(shop.keys.control, `1 0 ${beforeLeapMs} 0 0 open`);
    await shop.receive('TEA@east=9');
    expect(outcome(await shop.reserve('order-1', 'TEA@east=1'))).toBe('done');
    expect(shop.hot.head?.clock).toBe('frozen');
    expect(outcome(await shop.reserve('order-1', 'TEA@east=1'))).toBe('replayed');
  });
});

test('the clock of a real engine is steady, because Redis and this machine have the same time', async () => {
  const shop = await givenShop('TEA@east=1', { realClock: true });
  expect((await shop.hot.sweep(9)).clock).toBe('steady');
});
