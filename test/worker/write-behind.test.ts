/**
 * The road from Redis to the ledger when all is well (D7): everything arrives once, in order, and the stream is cut; one
 * worker carries while others stand by; a worker that lost the partition cannot write.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeEntry } from '../../src/hotpath/codec/stream-codec.ts';
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

/** A promise and the way to fulfil it. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

describe('carrying', () => {
  test('brings everything shoppers did to the ledger, exactly', async () => {
    await shop(room.engine.hot, 1, 400);
    const worker = await room.worker({ limits: { chunkLinesMax: 60 } });
    await worker.writeBehind.drained();
    await expectExact(room, worker.ledger);
    expect(room.decided.length).toBeGreaterThan(40);
    expect(worker.findings).toEqual([]);
  });

  test('keeps up while shoppers go on, with caches too small to remember anything', async () => {
    const worker = await room.worker({
      limits: { chunkLinesMax: 30, itemsCachedMax: 0, reservationsCachedMax: 0 },
    });
    await shop(room.engine.hot, 2, 300);
    await worker.writeBehind.drained();
    await expectExact(room, worker.ledger);
  });

  test('goes on where the last worker stopped', async () => {
    const { hot } = room.engine;
    const first = await room.worker();
    await shop(hot, 3, 150);
    await first.stop();
    await shop(hot, 4, 150);
    const second = await room.worker();
    await second.writeBehind.drained();
    await expectExact(room, second.ledger);
  });

  test('cuts the stream below the committed cursor and no further', async () => {
    const { hot, redis } = room.engine;
    await shop(hot, 5, 100);
    const worker = await room.worker({ limits: { chunkLinesMax: 20 } });
    await worker.writeBehind.drained();
    const control = await readControl(redis, hot.keys);
    expect(control?.carriedTotal).toBe(control?.eventsTotal);
    expect(await redis.xlen(hot.keys.events)).toBe(0);
    await worker.stop();
    await shop(hot, 6, 50);
    const decided = (await readControl(redis, hot.keys))?.sequence ?? 0;
    expect(await redis.xlen(hot.keys.events)).toBe(decided - (control?.sequence ?? 0));
  });

  test('leaves a tail of what the ledger has, of at least so many events, and the backlog is empty all the same', async () => {
    const { hot, redis } = room.engine;
    await shop(hot, 8, 100);
    const worker = await room.worker({ limits: { chunkLinesMax: 5, keepEvents: 30 } });
    await worker.writeBehind.drained();
    const control = await readControl(redis, hot.keys);
    expect(control?.carriedTotal).toBe(control?.eventsTotal);
    const [first] = await redis.xrange(hot.keys.events, '-', '+', 'COUNT', 1);
    if (!first) throw new Error('the stream is empty');
    const { eventsTotal, events } = decodeEntry(...first);
    const keptEvents = (control?.eventsTotal ?? 0) - eventsTotal + events.length;
    expect(keptEvents).toBeGreaterThanOrEqual(30);
    expect(await redis.xlen(hot.keys.events)).toBeLessThan(control?.sequence ?? 0);
    await expectExact(room, worker.ledger);
  });

  test('drains a partition that is fenced', async () => {
    const { hot, redis } = room.engine;
    await shop(hot, 7, 50);
    const text = (await redis.get(hot.keys.control)) ?? '';
    await redis.set(hot.keys.control, text.replace('open', 'fenced'));
    const worker = await room.worker();
    await worker.writeBehind.drained();
    await room.remember();
    await expectExact(room, worker.ledger);
  });

  test('reports its cursor and its lag', async () => {
    const { hot } = room.engine;
    await hot.receive({ movementId: 'm', sku: 'S', warehouse: 'W', quantity: 5 });
    const hold = gate();
    const worker = await room.worker({
      ledger: { commitHook: (name) => (name === 'cursor-moved' ? hold.passed : undefined) },
    });
    await until(() => worker.writeBehind.status().lagEvents === 1);
    expect(worker.writeBehind.status()).toMatchObject({
      active: true,
      epoch: 1,
      sequence: 0,
      committedEvents: 0,
    });
    hold.open();
    await worker.writeBehind.drained(1);
    expect(worker.writeBehind.status()).toEqual({
      active: true,
      epoch: 1,
      sequence: 1,
      lagEvents: 0,
      lagMs: 0,
      notReady: undefined,
      lastError: undefined,
      committedEvents: 1,
      findings: 0,
    });
    await worker.stop();
    expect(worker.writeBehind.status().active).toBe(false);
    await expect(worker.writeBehind.drained(2)).rejects.toThrow('stopped');
  });

  test('commits the chunk in hand when it is stopped', async () => {
    const { hot } = room.engine;
    await hot.receive({ movementId: 'm', sku: 'S', warehouse: 'W', quantity: 5 });
    const began = gate();
    const hold = gate();
    const worker = await room.worker({
      ledger: {
        commitHook: async (name) => {
          if (name !== 'rows-written') return;
          began.open();
          await hold.passed;
        },
      },
    });
    await began.passed;
    const stopped = worker.writeBehind.stop();
    hold.open();
    await stopped;
    expect(await worker.ledger.cursor(0)).toMatchObject({ sequence: 1 });
  });
});

describe('several workers', () => {
  test('one carries, and a standby takes over when it dies', async () => {
    const { hot } = room.engine;
    const first = await room.worker({ limits: { chunkLinesMax: 10 } });
    await until(() => first.writeBehind.status().active);
    const second = await room.worker({ limits: { chunkLinesMax: 10 } });
    await shop(hot, 8, 100);
    await first.writeBehind.drained();
    expect(second.writeBehind.status()).toMatchObject({ active: false, committedEvents: 0 });
    await first.writeBehind.stop();
    await shop(hot, 9, 100);
    await second.writeBehind.drained();
    expect(second.writeBehind.status().active).toBe(true);
    await expectExact(room, second.ledger);
  });

  test('a worker whose connection is cut notices, and comes back', async () => {
    const applicationName = 'worker-that-is-cut';
    const worker = await room.worker({ ledger: { applicationName } });
    await until(() => worker.writeBehind.status().active);
    await room.terminate(applicationName);
    await shop(room.engine.hot, 10, 100);
    await worker.writeBehind.drained();
    await expectExact(room, worker.ledger);
  });

  test('a zombie whose cursor moved on without it is refused, and stands by', async () => {
    const { hot } = room.engine;
    await shop(hot, 11, 100);
    const applicationName = 'zombie';
    const paused = gate();
    const hold = gate();
    let isFirst = true;
    const zombie = await room.worker({
      limits: { chunkLinesMax: 20 },
      ledger: {
        applicationName,
        commitHook: async (name) => {
          if (name !== 'transaction-begun' || !isFirst) return;
          isFirst = false;
          paused.open();
          await hold.passed;
        },
      },
    });
    await paused.passed;
    // As after a long pause: the lock is gone, the transaction is not, and the worker knows nothing of it.
    await room.terminate(applicationName, `query LIKE '%pg_try_advisory_lock%'`);
    const heir = await room.worker({ limits: { chunkLinesMax: 20 } });
    await heir.writeBehind.drained();
    const before = await heir.ledger.cursor(0);
    hold.open();
    await until(() => zombie.writeBehind.status().lastError?.includes('duplicate') === true);
    await until(() => !zombie.writeBehind.status().active);
    expect(zombie.writeBehind.status().committedEvents).toBe(0);
    expect(await heir.ledger.cursor(0)).toEqual(before);
    await expectExact(room, heir.ledger);
  });

  test('a zombie that holds the cursor in an open transaction is thrown out by Postgres', async () => {
    const { hot } = room.engine;
    await shop(hot, 12, 100);
    const applicationName = 'sleeping-zombie';
    const paused = gate();
    let isFirst = true;
    const zombie = await room.worker({
      limits: { chunkLinesMax: 20 },
      ledger: {
        applicationName,
        statementTimeoutMs: 300,
        commitHook: async (name) => {
          if (name !== 'rows-written' || !isFirst) return;
          isFirst = false;
          paused.open();
          await new Promise(() => {});
        },
      },
    });
    await paused.passed;
    await room.terminate(applicationName, `query LIKE '%pg_try_advisory_lock%'`);
    const heir = await room.worker({ limits: { chunkLinesMax: 20 } });
    await heir.writeBehind.drained();
    await expectExact(room, heir.ledger);
    await zombie.kill();
  });
});
