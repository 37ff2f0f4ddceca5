/**
 * Hot path and ledger that do not follow from each other (D10): nothing is copied, and onNotReady gets which of
 * the cases it is, and the worker waits without spinning.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Control, decodeControl, encodeControl } from '../../src/hotpath/codec/control-codec.ts';
import { clearPartition, openPartition, readControl } from '../../src/hotpath/partition.ts';
import type { WorkerLease } from '../../src/ledger/lease.ts';
import type { NotReady } from '../../src/worker/carry/stream-reader.ts';
import { startWriteBehind } from '../../src/worker/carry/write-behind.ts';
import { until } from '../holdfast.ts';
import { newEpoch } from '../ledger/chunks.ts';
import { expectExact, Room, type TestWorker } from '../ledger/room.ts';
import { shop } from '../ledger/shoppers.ts';

let room: Room;
beforeEach(async () => {
  room = await Room.open();
  await shop(room.engine.hot, 70, 60);
});
afterEach(async () => {
  await room.close();
});

/** A worker with what it reported so far. */
async function told(): Promise<{ worker: TestWorker; problems: NotReady[] }> {
  const problems: NotReady[] = [];
  const worker = await room.worker({
    onNotReady: (problem) => {
      problems.push(problem);
    },
  });
  return { worker, problems };
}

/** Changes the control record by hand. @returns its text before */
async function setControl(change: (control: Control) => Control): Promise<string> {
  const { redis, hot } = room.engine;
  const before = (await redis.get(hot.keys.control)) ?? '';
  await redis.set(hot.keys.control, encodeControl(change(decodeControl(before))));
  return before;
}

describe('the worker reports', () => {
  test('a partition that the ledger does not know', async () => {
    const worker = await room.worker();
    await worker.stop();
    await room.database.owner.query('DELETE FROM partitions; DELETE FROM epochs');
    const { worker: next, problems } = await told();
    await until(() => problems.length > 0);
    expect(problems[0]).toMatchObject({ reason: 'unknown-partition', ledger: undefined });
    await next.ledger.beginEpoch(0, newEpoch(1));
    await next.writeBehind.drained();
    expect(next.writeBehind.status().notReady).toBeUndefined();
  });

  test('that Redis has forgotten the partition', async () => {
    const { redis, hot } = room.engine;
    const control = (await redis.get(hot.keys.control)) ?? '';
    await redis.del(hot.keys.control);
    const { worker, problems } = await told();
    await until(() => problems.length > 0);
    expect(problems[0]).toMatchObject({
      reason: 'forgotten',
      ledger: { sequence: 0 },
      hot: undefined,
    });
    expect(worker.writeBehind.status()).toMatchObject({ active: true, notReady: 'forgotten' });
    await redis.set(hot.keys.control, control);
    await worker.writeBehind.drained();
    await room.remember();
    await expectExact(room, worker.ledger);
  });

  test('that nobody has verified this Redis since it started or took over', async () => {
    const before = await setControl((control) => ({ ...control, incarnation: undefined }));
    const { worker, problems } = await told();
    await until(() => problems.length > 0);
    expect(problems[0]).toMatchObject({ reason: 'unverified', ledger: { sequence: 0 } });
    await room.engine.redis.set(room.engine.hot.keys.control, before);
    await worker.writeBehind.drained();
  });

  test('that another worker has verified it', async () => {
    const before = await setControl((control) => ({ ...control, epoch: { number: 2, nonce: 'another0' } }));
    const { worker, problems } = await told();
    await until(() => problems.length > 0);
    expect(problems[0]).toMatchObject({ reason: 'other-epoch' });
    await room.engine.redis.set(room.engine.hot.keys.control, before);
    await worker.writeBehind.drained();
  });

  test('that the ledger is ahead, which only a Redis that lost something can bring about', async () => {
    const { worker: first } = await told();
    await first.writeBehind.drained();
    await first.stop();
    await setControl((control) => ({ ...control, sequence: control.sequence - 3 }));
    const { problems } = await told();
    await until(() => problems.length > 0);
    expect(problems[0]).toMatchObject({ reason: 'went-back' });
  });

  test('that Redis is at the same number in another history', async () => {
    const { worker: first } = await told();
    await first.writeBehind.drained();
    await first.stop();
    await setControl((control) => ({ ...control, link: 'another0another0' }));
    const { problems } = await told();
    await until(() => problems.length > 0);
    expect(problems[0]).toMatchObject({ reason: 'forked' });
  });

  test('that an entry does not continue the one before it', async () => {
    const { redis, hot } = room.engine;
    const rows = await redis.xrange(hot.keys.events, '-', '+');
    await redis.del(hot.keys.events);
    const changed = rows.length - 2;
    for (const [i, [id, fields]] of rows.entries()) {
      const link = fields.indexOf('link') + 1;
      if (i === changed) fields[link] = `${fields[link]?.split(' ')[0]} another0another0`;
      await redis.xadd(hot.keys.events, id, ...fields);
    }
    const { worker, problems } = await told();
    await until(() => problems.length > 0);
    expect(problems[0]).toMatchObject({ reason: 'forked', ledger: { sequence: changed } });
    expect(await worker.ledger.cursor(0)).toMatchObject({ sequence: changed });
  });

  test('that events are missing, after it has carried those before them', async () => {
    const { redis, hot } = room.engine;
    await room.remember();
    const sequence = (await readControl(redis, hot.keys))?.sequence ?? 0;
    await redis.xdel(hot.keys.events, `1-${sequence - 2}`);
    const { worker, problems } = await told();
    await until(() => problems.length > 0);
    expect(problems[0]).toMatchObject({ reason: 'entries-missing', ledger: { sequence: sequence - 3 } });
    expect(await worker.ledger.cursor(0)).toMatchObject({ sequence: sequence - 3 });
  });

  test('that the stream is gone', async () => {
    const { redis, hot } = room.engine;
    await redis.del(hot.keys.events);
    const { problems } = await told();
    await until(() => problems.length > 0);
    expect(problems[0]).toMatchObject({ reason: 'entries-missing', ledger: { sequence: 0 } });
  });
});

describe('meanwhile the worker', () => {
  test('waits for onNotReady, and reads again with growing waits', async () => {
    const { redis, hot } = room.engine;
    const control = (await redis.get(hot.keys.control)) ?? '';
    await redis.del(hot.keys.control);
    let calls = 0;
    let isMending = false;
    let reads = 0;
    const get = redis.get.bind(redis);
    const worker = await room.worker({
      limits: { retryWaitMsMax: 40 },
      checkpoint: (name) => {
        expect(isMending).toBe(false);
        if (name === 'cursor-read') reads++;
      },
      onNotReady: async () => {
        isMending = true;
        if (++calls === 3) await redis.set(hot.keys.control, control);
        await get(hot.keys.control);
        isMending = false;
        if (calls < 3) throw new Error('could not mend it');
      },
    });
    await worker.writeBehind.drained();
    expect(calls).toBe(3);
    expect(reads).toBe(4);
  });

  test('that only looks from the past does not cry wolf', async () => {
    const problems: NotReady[] = [];
    let hold = () => {};
    const held = new Promise<void>((resolve) => {
      hold = resolve;
    });
    let isWaiting = false;
    // Its lease is gone and it does not know: as after a pause, until it asks.
    let isHeld = true;
    const lease: WorkerLease = {
      partition: 0,
      get isHeld() {
        return isHeld;
      },
      onLost() {},
      verify: async () => {
        isHeld = false;
        return isHeld;
      },
      release: async () => {},
    };
    const ledger = await room.ledger();
    let leases = 0;
    const late = startWriteBehind({
      ledger: {
        cursor: (partition) => ledger.cursor(partition),
        commit: (chunk) => ledger.commit(chunk),
        loadItems: (names) => ledger.loadItems(names),
        loadReservations: (orderIds) => ledger.loadReservations(orderIds),
        loadTransfers: (transferIds) => ledger.loadTransfers(transferIds),
        movementRecords: (movementIds) => ledger.movementRecords(movementIds),
        pruneLinks: async () => {},
        tryBecomeWorker: async () => (leases++ === 0 ? lease : undefined),
      },
      hot: room.engine.hot,
      streamRedis: room.engine.redis,
      partition: 0,
      log: { info() {}, warn() {}, error() {} },
      onNotReady: (problem) => void problems.push(problem),
      checkpoint: async (name) => {
        if (name !== 'cursor-read') return;
        isWaiting = true;
        await held;
      },
    });
    await until(() => isWaiting);
    const heir = await room.worker();
    await heir.writeBehind.drained();
    // The cursor it read lies behind the stream by now, which the heir has cut: to it, events are missing.
    hold();
    await until(() => leases > 1);
    await late.stop();
    await ledger.close();
    expect(problems).toEqual([]);
    await expectExact(room, heir.ledger);
  });

  test('whose partition was rebuilt under it goes on in the new epoch without a word', async () => {
    const { redis, hot } = room.engine;
    let hold = () => {};
    const held = new Promise<void>((resolve) => {
      hold = resolve;
    });
    let isWaiting = false;
    const problems: NotReady[] = [];
    const worker = await room.worker({
      hot,
      onNotReady: (problem) => void problems.push(problem),
      checkpoint: async (name) => {
        if (name !== 'cursor-read') return;
        isWaiting = true;
        await held;
      },
    });
    await until(() => isWaiting);
    await worker.ledger.beginEpoch(0, newEpoch(2));
    await clearPartition(redis, hot.keys);
    await openPartition(redis, hot.keys, 2);
    hold();
    await hot.sweep(0).catch(() => undefined); // learns the epoch
    await shop(hot, 71, 40);
    await worker.writeBehind.drained();
    expect(problems).toEqual([]);
    expect(worker.writeBehind.status()).toMatchObject({ active: true, epoch: 2 });
    expect(await worker.ledger.selfCheck(true)).toEqual([]);
  });
});
