/**
 * The lease: it has one holder, which is notified when it loses it; when a holder ends, another can take it.
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

test('a partition has one holder until it releases the lease', async () => {
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

test('of many at once one gets the lease', async () => {
  const leases = await Promise.all(Array.from({ length: 8 }, () => ledger.tryBecomeWorker(0)));
  expect(leases.filter(Boolean)).toHaveLength(1);
  for (const lease of leases) await lease?.release();
});

test('a holder whose connection ends is notified once', async () => {
  const lease = await ledger.tryBecomeWorker(0);
  let losses = 0;
  lease?.onLost(() => losses++);
  await database.owner.query(
    `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  await until(() => losses > 0);
  expect(lease?.isHeld).toBe(false);
  expect(await lease?.verify()).toBe(false);
  expect(losses).toBe(1);
  const next = await ledger.tryBecomeWorker(0);
  expect(next?.isHeld).toBe(true);
  await next?.release();
  await lease?.release();
});

test('a holder that releases the lease is not notified of a loss', async () => {
  const lease = await ledger.tryBecomeWorker(0);
  let losses = 0;
  lease?.onLost(() => losses++);
  await lease?.release();
  expect(losses).toBe(0);
});

test('a cut network loses the lease', async () => {
  const wire = await CutWire.to(database.url);
  const far = await openLedger({ databaseUrl: wire.url });
  const lease = await far.tryBecomeWorker(0);
  wire.cut();
  await until(() => lease?.isHeld === false);
  await expect(far.tryBecomeWorker(0)).rejects.toThrow();
  await far.close();
  await wire.close();
});
