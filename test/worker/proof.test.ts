/**
 * The independent checker after warehouse people and sellers did anything: it proves what is sound, by the goods that
 * moved, and finds what is not, in whichever store it is.
 */
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ProofSources, proofText, prove } from '../../src/proof/proof.ts';
import { Room } from '../ledger/room.ts';
import { TRADED_SKUS, trade } from '../ledger/traders.ts';

const START_MS = Date.now() + 60_000;

let room: Room;
let sources: ProofSources;
let postgres: pg.Pool;
beforeEach(async () => {
  room = await Room.open({ turnedClockMs: START_MS });
  const { hot, redis } = room.engine;
  await trade(hot, 77, 300, room.turnedClock(START_MS));
  await hot.receive({ movementId: 'more', sku: 'tea', warehouse: 'north', quantity: 5 });
  await hot.dispatchTransfer({ transferId: 'way', sku: 'tea', from: 'north', to: 'west', quantity: 1 });
  const worker = await room.worker();
  await worker.writeBehind.drained();
  await worker.stop();
  postgres = new pg.Pool({ connectionString: room.database.url });
  sources = { redis, keys: hot.keys, postgres };
});
afterEach(async () => {
  await postgres.end();
  await room.close();
});

test('it proves what traders did', async () => {
  const proof = await prove(sources, TRADED_SKUS, []);
  expect(proof.differences).toEqual([]);
  expect(proof).toMatchObject({ isProven: true, oversold: 0, drift: 0, items: 10 });
  expect(proofText(proof)).toContain('PROVEN');
});

test('it finds units that are in two places, or in none', async () => {
  await postgres.query(`UPDATE transfers SET quantity = quantity + 5 WHERE transfer_id = 'way'`);
  const proof = await prove(sources, TRADED_SKUS, []);
  expect(proof.isProven).toBe(false);
  expect(proof.differences).toEqual([
    expect.stringMatching(/^tea: \d+ in all warehouses and \d+ in transit, but received/),
  ]);
});

test('it finds an item that sold what never was there, although both stores agree', async () => {
  const { redis, keys } = sources;
  const { rows } = await postgres.query(`SELECT * FROM items WHERE sku = 'rice' AND warehouse = 'west'`);
  const { total, reserved, version, safety_stock: safetyStock, is_low: isLow } = rows[0];
  const sold = total + 7 - reserved;
  await postgres.query(
    `UPDATE items SET total = $1, available = 0, sold = $2 WHERE sku = 'rice' AND warehouse = 'west'`,
    [total + 7, sold],
  );
  const flags = `${version} ${safetyStock} ${isLow ? 1 : 0}`;
  await redis.hset(keys.sku('rice'), 'west', `${total + 7} 0 ${reserved} ${sold} ${flags}`);
  const proof = await prove(sources, TRADED_SKUS, []);
  expect(proof.oversold).toBe(7);
  expect(proof.differences.join('\n')).toMatch(/rice@west: total is \d+, its entries come to \d+/);
});
