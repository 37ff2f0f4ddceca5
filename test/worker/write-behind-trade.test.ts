/**
 * Goal: what warehouse people and sellers do is as exact in the ledger as what shoppers do, documents included, and
 * wherever a worker dies: rows, items, reservations and documents stand all together or not at all.
 * Method: traders from a seed, with a clock that is turned, so that holds expire and leases lapse.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { STREAM_EVENT_TYPES } from '../../src/domain/language.ts';
import { COMMIT_CHECKPOINTS } from '../../src/ledger/write/commit.ts';
import { until } from '../holdfast.ts';
import { expectExact, Room } from '../ledger/room.ts';
import { randomFrom, shop } from '../ledger/shoppers.ts';
import { trade } from '../ledger/traders.ts';
import { death } from './death.ts';

/** Keys end by Redis's own clock, which must not overtake the turned one. */
const START_MS = Date.now() + 60_000;
const limits = { chunkLinesMax: 6, idleWaitMsMax: 5, gatherMs: 0 };

let room: Room;
afterEach(async () => {
  await room.close();
});

async function decidedTypes(): Promise<Set<string>> {
  await room.remember();
  return new Set(room.decided.flatMap(({ events }) => events.map(({ type }) => type)));
}

describe('what traders did', () => {
  for (const seed of [1, 2]) {
    test(`is in the ledger exactly (seed ${seed})`, async () => {
      room = await Room.open({ turnedClockMs: START_MS });
      const clock = room.turnedClock(START_MS);
      await trade(room.engine.hot, seed, 300, clock);
      const worker = await room.worker({ limits: { chunkLinesMax: seed % 2 ? 20 : 500 } });
      await worker.writeBehind.drained();
      await expectExact(room, worker.ledger);
      expect(worker.findings).toEqual([]);
    });
  }

  test('is every event there is', async () => {
    room = await Room.open({ turnedClockMs: START_MS });
    const clock = room.turnedClock(START_MS);
    const isAll = async () => (await decidedTypes()).size === STREAM_EVENT_TYPES.length;
    for (let seed = 11; seed < 20 && !(await isAll()); seed++) await trade(room.engine.hot, seed, 200, clock);
    const worker = await room.worker();
    await worker.writeBehind.drained();
    await expectExact(room, worker.ledger);
    expect([...(await decidedTypes())].sort()).toEqual([...STREAM_EVENT_TYPES].sort());
  });

  test('is carried beside shoppers, with caches too small to remember anything', async () => {
    room = await Room.open({ turnedClockMs: START_MS });
    const clock = room.turnedClock(START_MS);
    const tiny = { chunkLinesMax: 30, itemsCachedMax: 0, reservationsCachedMax: 0 };
    const worker = await room.worker({ limits: tiny });
    await Promise.all([shop(room.engine.hot, 5, 100), trade(room.engine.hot, 6, 100, clock)]);
    await worker.writeBehind.drained();
    await expectExact(room, worker.ledger);
    expect(worker.findings).toEqual([]);
  });
});

describe('a worker that dies while traders go on', () => {
  async function dieAndInherit(seed: number, isChosen: (name: string) => boolean, n: number): Promise<void> {
    room = await Room.open({ turnedClockMs: START_MS });
    const clock = room.turnedClock(START_MS);
    await trade(room.engine.hot, seed, 60, clock);
    const { pass, isDead } = death(isChosen, n);
    const victim = await room.worker({ limits, checkpoint: pass, ledger: { commitHook: pass } });
    await until(isDead);
    await trade(room.engine.hot, seed + 1_000, 25, clock);
    await victim.kill();
    const heir = await room.worker({ limits });
    await heir.writeBehind.drained();
    await expectExact(room, heir.ledger);
    expect(heir.findings).toEqual([]);
  }

  for (const name of COMMIT_CHECKPOINTS) {
    test(`at ${name}, in its third chunk`, async () => {
      await dieAndInherit(23, (passed) => passed === name, 3);
    });
  }

  const random = randomFrom(2_026);
  for (let round = 0; round < 6; round++) {
    const n = 1 + Math.floor(random() * 150);
    test(`anywhere: at its step ${n}`, async () => {
      await dieAndInherit(100 + round, () => true, n);
    });
  }
});
