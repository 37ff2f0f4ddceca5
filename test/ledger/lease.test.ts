/**
 * The lease: one holder, who learns that it lost it; a holder that is gone leaves it to the next.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import { until } from '../holdfast.ts';
import { CutWire } from './cut-wire.ts';
import { migratedDatabase } from './room.ts';

let database: Awaited<ReturnType<typeof migratedDatabase>>;
let ledger: Ledger;
beforeEach(async () => {
  database = await migratedDatabase();
  ledger = await openLedger({ databaseUrl: database.url });
});
afterEach(async () => {
  await ledger.close();
  await database.drop();
});

test('one holds a partition until it lets go', async () => {
  const lease = await ledger.tryBecomeWorker(0);
  expect(lease?.isHeld).toBe(true);
  expect(await lease?.verify()).toBe(true);
  expect(await ledger.tryBecomeWorker(0)).toBeUndefined();
  const other = await ledger.tryBecomeWorker(1);
  expect(other?.isHeld).toBe(true);
  await lease?.release();
  await lease?.release();
  expect(lease?.isHeld).toBe(false);
  const next = await ledger.tryBecomeWorker(0);
  expect(next?.isHeld).toBe(true);
  await next?.release();
  await other?.release();
});

test('of many at once one gets it', async () => {
  const leases = await Promise.all(Array.from({ length: 8 }, () => ledger.tryBecomeWorker(0)));
  expect(leases.filter(Boolean)).toHaveLength(1);
  for (const lease of leases) await lease?.release();
});

test('a holder whose connection ends is told once', async () => {
  const lease = await ledger.tryBecomeWorker(0);
  let told = 0;
  lease?.onLost(() => told++);
  await database.owner.query(
    `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  await until(() => told > 0);
  expect(lease?.isHeld).toBe(false);
  expect(await lease?.verify()).toBe(false);
  expect(told).toBe(1);
  const next = await ledger.tryBecomeWorker(0);
  expect(next?.isHeld).toBe(true);
  await next?.release();
  await lease?.release();
});

test('a holder that lets go is not told that it lost it', async () => {
  const lease = await ledger.tryBecomeWorker(0);
  let told = 0;
  lease?.onLost(() => told++);
  await lease?.release();
  expect(told).toBe(0);
});

test('a wire that is cut is a lease that is lost', async () => {
  const wire = await CutWire.to(database.url);
  const far = await openLedger({ databaseUrl: wire.url });
  const lease = await far.tryBecomeWorker(0);
  wire.cut();
  await until(() => lease?.isHeld === false);
  await expect(far.tryBecomeWorker(0)).rejects.toThrow();
  await far.close();
  await wire.close();
});
