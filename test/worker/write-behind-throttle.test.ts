/**
 * A worker that is cheap for those who sell: small batches are gathered into one transaction, the stream is cut now and
 * then and not after every chunk, and whoever waits for the ledger, or for the worker to stop, does not wait for that.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readControl } from '../../src/hotpath/partition.ts';
import { until } from '../holdfast.ts';
import { expectExact, Room } from '../ledger/room.ts';
import { shop } from '../ledger/shoppers.ts';

let room: Room;
beforeEach(async () => {
  room = await Room.open();
});
afterEach(async () => {
  await room.close();
});

/** Longer than any test may take: who waits for it fails. */
const FOR_EVER_MS = 600_000;

async function receive(ids: readonly string[]): Promise<void> {
  for (const id of ids)
    await room.engine.hot.receive({ movementId: id, sku: 'S', warehouse: 'W', quantity: 1 });
}

/** A worker that carried one event and now gathers for ever, and how many transactions it has committed. */
async function gatheringWorker() {
  let commits = 0;
  const worker = await room.worker({
    limits: { gatherMs: FOR_EVER_MS },
    ledger: {
      commitHook: (name) => {
        if (name === 'committed') commits++;
      },
    },
  });
  await until(() => worker.writeBehind.status().active);
  await receive(['first']);
  await until(() => worker.writeBehind.status().sequence === 1);
  return { ...worker, commits: () => commits };
}

describe('gathering', () => {
  test('several small batches end in one transaction', async () => {
    const worker = await gatheringWorker();
    await receive(['a', 'b', 'c', 'd', 'e']);
    expect((await readControl(room.engine.redis, room.engine.hot.keys))?.sequence).toBe(6);
    expect(await worker.ledger.cursor(0)).toMatchObject({ sequence: 1 });
    await worker.writeBehind.drained();
    expect(await worker.ledger.cursor(0)).toMatchObject({ sequence: 6 });
    expect(worker.commits()).toBe(2);
    await expectExact(room, worker.ledger);
  });

  test('who waits for a sequence cuts it short as well', async () => {
    const worker = await gatheringWorker();
    await receive(['a', 'b']);
    await worker.writeBehind.drained(3);
    expect(await worker.ledger.cursor(0)).toMatchObject({ sequence: 3 });
  });

  test('a worker that gathers stops at once', async () => {
    const worker = await gatheringWorker();
    await receive(['a', 'b']);
    await worker.writeBehind.stop();
    expect(await worker.ledger.cursor(0)).toMatchObject({ sequence: 1 });
  });

  test('full chunks are not held back', async () => {
    await receive(['a', 'b', 'c', 'd', 'e', 'f']);
    const worker = await room.worker({ limits: { gatherMs: FOR_EVER_MS, chunkLinesMax: 2 } });
    await until(() => worker.writeBehind.status().sequence === 6);
  });
});

describe('trims', () => {
  /** Carries what shoppers did in many chunks; answers how many there were, and how many trims. */
  async function carry(limits: { trimEveryMs: number; trimEventsMax: number }) {
    const { hot, redis } = room.engine;
    await shop(hot, 61, 300);
    const passes = { 'chunk-committed': 0, 'stream-trimmed': 0 };
    const worker = await room.worker({
      limits: { chunkLinesMax: 10, ...limits },
      checkpoint: (name) => {
        if (name === 'chunk-committed' || name === 'stream-trimmed') passes[name]++;
      },
    });
    await worker.writeBehind.drained();
    const control = await readControl(redis, hot.keys);
    expect(control?.carriedTotal).toBe(control?.eventsTotal);
    expect(await redis.xlen(hot.keys.events)).toBe(0);
    await expectExact(room, worker.ledger);
    return { chunks: passes['chunk-committed'], trims: passes['stream-trimmed'] };
  }

  test('are few, and none is missing when all is carried', async () => {
    const { chunks, trims } = await carry({ trimEveryMs: FOR_EVER_MS, trimEventsMax: 1_000_000 });
    expect(chunks).toBeGreaterThan(10);
    // The first, and what was left.
    expect(trims).toBe(2);
  });

  test('come sooner where many events wait for one, so that the backlog is not counted too high', async () => {
    const { trims } = await carry({ trimEveryMs: FOR_EVER_MS, trimEventsMax: 50 });
    expect(trims).toBeGreaterThan(3);
  });

  test('a worker that is stopped leaves nothing to cut that it carried', async () => {
    const { hot, redis } = room.engine;
    const worker = await room.worker({ limits: { trimEveryMs: FOR_EVER_MS, gatherMs: FOR_EVER_MS } });
    await until(() => worker.writeBehind.status().active);
    await receive(['a']);
    await until(() => worker.writeBehind.status().sequence === 1);
    await receive(['b', 'c']);
    await worker.writeBehind.drained(3);
    await worker.writeBehind.stop();
    expect(await redis.xlen(hot.keys.events)).toBe(0);
  });
});

test('the first event after a quiet time is not late by all of it', async () => {
  await room.close();
  const startMs = Date.now();
  room = await Room.open({ turnedClockMs: startMs });
  const { hot } = room.engine;
  let isHeld = false;
  let letGo = () => {};
  const hold = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const worker = await room.worker({
    ledger: { commitHook: () => (isHeld ? hold : undefined) },
  });
  await receive(['a']);
  await worker.writeBehind.drained(1);
  await room.engine.setTime(startMs + 3_600_000);
  await hot.sweep(0);
  await worker.writeBehind.drained();
  isHeld = true;
  await receive(['b']);
  await until(() => worker.writeBehind.status().lagEvents === 1);
  const { lagMs } = worker.writeBehind.status();
  letGo();
  expect(lagMs).toBe(0);
  await worker.writeBehind.drained(2);
});
