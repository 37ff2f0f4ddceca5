/**
 * Goal: whatever people did, a Redis that is filled from the ledger is the Redis that was lost: every record, but for what
 * says the same in fewer words. And it goes on from there: what is done then is carried as before.
 */
import { afterEach, expect, test } from 'vitest';
import { decodeControl, encodeControl } from '../../src/hotpath/codec/control-codec.ts';
import { clearPartition } from '../../src/hotpath/partition.ts';
import { audit } from '../../src/worker/audit/reconciliation.ts';
import { rebuild } from '../../src/worker/recovery/rebuild.ts';
import { Room } from '../ledger/room.ts';
import { shop } from '../ledger/shoppers.ts';
import { trade } from '../ledger/traders.ts';

/** Keys end by Redis's own clock, which must not overtake the turned one. */
const START_MS = Date.now() + 60_000;
const TOMBSTONE_MS = 86_400_000;

let room: Room;
afterEach(async () => {
  await room.close();
});

/** Every record but the bookkeeping of batches. */
async function records(): Promise<Record<string, unknown>> {
  const { redis, hot } = room.engine;
  const { keys } = hot;
  const found: Record<string, unknown> = {};
  for (const key of (await redis.keys(keys.pattern)).sort()) {
    if ([keys.control, keys.events, keys.due].includes(key) || key.endsWith('test-clock')) continue;
    if ((await redis.type(key)) === 'hash') {
      // A customer who has nothing in a sale any more needs no record.
      const fields = Object.entries(await redis.hgetall(key)).filter(([, text]) => text !== '0 0');
      if (fields.length > 0) found[key] = Object.fromEntries(fields);
    } else {
      const text = (await redis.get(key)) ?? '';
      // The first answer to a movement comes back with the safety stock of today.
      found[key] = key.startsWith(keys.movement('')) ? text.replace(/ \d+ \d( - \d+)?$/, '') : text;
    }
  }
  return found;
}

for (const seed of [1, 2, 3, 4, 5]) {
  test(`a Redis that was lost is what it was, and goes on (seed ${seed})`, async () => {
    room = await Room.open({ turnedClockMs: START_MS });
    const clock = room.turnedClock(START_MS);
    const { hot, redis } = room.engine;
    await shop(hot, seed, 100);
    await trade(hot, seed, 400, clock);
    const worker = await room.worker();
    await worker.writeBehind.drained();
    const lost = await records();
    expect(Object.keys(lost).length).toBeGreaterThan(100);
    await worker.stop();
    await clearPartition(redis, hot.keys);
    await redis.del(hot.keys.control);
    const ledger = await room.ledger();
    await rebuild({ redis, keys: hot.keys, ledger, tombstoneMs: TOMBSTONE_MS });
    await ledger.close();
    expect(await records()).toEqual(lost);

    await clock.turn(0); // the turned clock was among the lost
    const control = decodeControl((await redis.get(hot.keys.control)) ?? '');
    await redis.set(hot.keys.control, encodeControl({ ...control, clockMs: clock.now() }));
    await trade(hot, seed + 100, 100, clock);
    const heir = await room.worker();
    await heir.writeBehind.drained();
    expect(heir.findings).toEqual([]);
    const parts = { redis, keys: hot.keys, ledger: heir.ledger };
    const found = await audit(parts, { catchUpMs: 10_000, withHolds: true, withEntries: true });
    expect(found).toMatchObject({ verdict: 'agree', findings: [] });
  });
}
