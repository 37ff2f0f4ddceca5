/**
 * Stores that go away (D13): selling goes on without Postgres until the backlog is full, then what would need the ledger
 * is refused and what only gives back is not; afterwards the ledger has everything, once.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { readControl } from '../../src/hotpath/partition.ts';
import { until } from '../holdfast.ts';
import { CutWire } from '../ledger/cut-wire.ts';
import { expectExact, Room, type TestWorker } from '../ledger/room.ts';
import { shop } from '../ledger/shoppers.ts';

const BACKLOG_EVENTS_MAX = 60;

let room: Room;
let wire: CutWire;
afterEach(async () => {
  wire.mend();
  await room.close();
  await wire.close();
});

async function open(backlogEventsMax?: number): Promise<TestWorker> {
  room = await Room.open(backlogEventsMax === undefined ? {} : { limits: { backlogEventsMax } });
  wire = await CutWire.to(room.database.url);
  return room.worker({ ledger: { databaseUrl: wire.url }, limits: { chunkLinesMax: 16 } });
}

describe('Postgres away', () => {
  test('selling goes on until the backlog is full; then reserve is refused, confirm and release are not', async () => {
    const worker = await open(BACKLOG_EVENTS_MAX);
    const { hot } = room.engine;
    await hot.receive({ movementId: 'm', sku: 'S', warehouse: 'W', quantity: 1_000 });
    await worker.writeBehind.drained();
    wire.cut();

    const reserve = (n: number) => hot.reserve({ orderId: `o${n}`, lines: [{ sku: 'S', quantity: 1 }] });
    for (let n = 0; n < BACKLOG_EVENTS_MAX; n++) expect(await reserve(n)).toMatchObject({ outcome: 'done' });
    const refused = { outcome: 'refused', refusal: { code: 'ledger-backlog' } };
    expect(await reserve(1_000)).toMatchObject(refused);
    expect(await hot.receive({ movementId: 'm2', sku: 'S', warehouse: 'W', quantity: 1 })).toMatchObject(
      refused,
    );
    expect(await hot.confirm({ orderId: 'o1' })).toMatchObject({ outcome: 'done' });
    expect(await hot.release({ orderId: 'o2' })).toMatchObject({ outcome: 'done' });
    await until(() => worker.writeBehind.status().lastError !== undefined);

    wire.mend();
    await worker.writeBehind.drained();
    expect(await reserve(1_000)).toMatchObject({ outcome: 'done' });
    await worker.writeBehind.drained();
    await expectExact(room, worker.ledger);
    expect(worker.writeBehind.status()).toMatchObject({ active: true, lastError: undefined, lagEvents: 0 });
  });

  test('cut again and again while shoppers go on: the ledger is exact in the end', async () => {
    const worker = await open();
    const shopping = shop(room.engine.hot, 51, 400);
    for (let i = 0; i < 6; i++) {
      await until(() => worker.writeBehind.status().active);
      wire.cut();
      await until(() => !worker.writeBehind.status().active);
      wire.mend();
    }
    await shopping;
    await worker.writeBehind.drained();
    await expectExact(room, worker.ledger);
  });

  test('a commit whose answer was lost is found done, not done again', async () => {
    const worker = await open();
    await worker.writeBehind.drained();
    wire.loseAnswerTo('COMMIT');
    await shop(room.engine.hot, 52, 120);
    await worker.writeBehind.drained();
    expect(wire.lost).toBe(1);
    await expectExact(room, worker.ledger);
  });

  test('a worker that starts without Postgres waits for it', async () => {
    const first = await open();
    await first.stop();
    await shop(room.engine.hot, 53, 60);
    const second = await room.worker({ ledger: { databaseUrl: wire.url } });
    await second.writeBehind.drained();
    wire.cut();
    await until(() => !second.writeBehind.status().active);
    await shop(room.engine.hot, 54, 60);
    wire.mend();
    await second.writeBehind.drained();
    await expectExact(room, second.ledger);
  });

  test('a worker is stopped while Postgres is away', async () => {
    const worker = await open();
    await worker.writeBehind.drained();
    wire.cut();
    await shop(room.engine.hot, 55, 30);
    await worker.writeBehind.stop();
    expect(worker.writeBehind.status().active).toBe(false);
  });
});

describe('Redis away', () => {
  test('the worker waits, keeps the partition, and goes on', async () => {
    const worker = await open();
    const { hot, redis } = room.engine;
    await shop(hot, 56, 100);
    await worker.writeBehind.drained();
    worker.streamRedis.disconnect();
    await until(() => worker.writeBehind.status().lastError !== undefined);
    expect(worker.writeBehind.status().active).toBe(true);
    await shop(hot, 57, 100);
    await worker.streamRedis.connect();
    await worker.writeBehind.drained();
    await expectExact(room, worker.ledger);
    const control = await readControl(redis, hot.keys);
    expect(control?.carriedTotal).toBe(control?.eventsTotal);
  });
});

describe('a trim that fails', () => {
  test('holds up nothing and is tried again', async () => {
    const worker = await open();
    await worker.stop();
    const { hot, redis } = room.engine;
    let failures = 0;
    const second = await room.worker({
      hot: {
        keys: hot.keys,
        trim: async (nonce, carriedTotal, keepFrom) => {
          await room.remember();
          if (++failures <= 3) throw new Error('not now');
          await hot.trim(nonce, carriedTotal, keepFrom);
        },
      },
    });
    await shop(hot, 58, 60);
    await second.writeBehind.drained();
    await expectExact(room, second.ledger);
    await until(async () => (await redis.xlen(hot.keys.events)) === 0);
  });
});
