/**
 * Goal: wherever a worker dies, the next one makes the ledger exact: nothing twice, nothing missing (D7).
 * Method: shoppers from a seed; the worker stops for good at the n-th pass of one of its checkpoints, of which there is
 * one at every place where it waits; its connections are cut, as the death of a process cuts them; another takes over.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { COMMIT_CHECKPOINTS } from '../../src/ledger/write/commit.ts';
import { WRITE_BEHIND_CHECKPOINTS } from '../../src/worker/carry/replication-loop.ts';
import { until } from '../holdfast.ts';
import { expectExact, Room } from '../ledger/room.ts';
import { randomFrom, shop } from '../ledger/shoppers.ts';
import { death } from './death.ts';

const CHECKPOINTS = [...WRITE_BEHIND_CHECKPOINTS, ...COMMIT_CHECKPOINTS];
/** Small, so that some tens of commands make many chunks, each with a trim, and one is validated while another is committed. */
const limits = { chunkLinesMax: 6, trimEveryMs: 0, idleWaitMsMax: 5, gatherMs: 0 };

let room: Room | undefined;
afterEach(async () => {
  await room?.close();
  room = undefined;
});

async function dieAndInherit(seed: number, isChosen: (name: string) => boolean, n: number): Promise<void> {
  room = await Room.open();
  await shop(room.engine.hot, seed, 70);
  const { pass, isDead } = death(isChosen, n);
  const victim = await room.worker({ limits, checkpoint: pass, ledger: { commitHook: pass } });
  await until(isDead);
  // Shoppers notice nothing.
  await shop(room.engine.hot, seed + 1_000, 25);
  await victim.kill();
  const heir = await room.worker({ limits });
  await heir.writeBehind.drained();
  await expectExact(room, heir.ledger);
  expect(heir.findings).toEqual([]);
}

describe('a worker that dies', () => {
  for (const name of CHECKPOINTS) {
    // The lease and the cursor are taken once.
    for (const n of ['lease-taken', 'cursor-read'].includes(name) ? [1] : [1, 2, 5]) {
      test(`at ${name}, pass ${n}`, async () => {
        await dieAndInherit(20 + n, (passed) => passed === name, n);
      });
    }
  }

  const random = randomFrom(2_025);
  for (let round = 0; round < 12; round++) {
    const n = 1 + Math.floor(random() * 120);
    test(`anywhere: at its step ${n}`, async () => {
      await dieAndInherit(100 + round, () => true, n);
    });
  }

  test('and its heir, and the heir of that, at random steps until one lives', async () => {
    room = await Room.open();
    const { hot } = room.engine;
    await shop(hot, 40, 120);
    for (let generation = 0; generation < 8; generation++) {
      const { pass, isDead } = death(() => true, 5 + Math.floor(random() * 25));
      const victim = await room.worker({ limits, checkpoint: pass, ledger: { commitHook: pass } });
      await until(isDead);
      await victim.kill();
    }
    const heir = await room.worker({ limits });
    await heir.writeBehind.drained();
    await expectExact(room, heir.ledger);
  });
});
