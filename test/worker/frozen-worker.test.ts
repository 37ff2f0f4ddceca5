/**
 * A worker that is stopped (SIGSTOP) in the middle of a commit while orders come in: the standby takes over in time; the one
 * that goes on stands by, and nothing is written twice or skipped.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { connectRedis, openHotInventory } from '../../src/hotpath/hot-inventory.ts';
import { readControl } from '../../src/hotpath/partition.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { poll } from '../../src/timing/retry.ts';
import { until } from '../holdfast.ts';
import { allEntries, migratedDatabase } from '../ledger/room.ts';
import { builtProgram, testPrefix, testRedisUrl } from '../services.ts';

const TAKEOVER_MS_MAX = 15_000;
const ORDER_EVERY_MS = 20;
const TEST_MS_MAX = 180_000;

interface WorkerProcess {
  readonly child: ChildProcess;
  /** How often its log has this text. */
  readonly said: (text: string) => number;
}
const isActive = (worker: WorkerProcess) => worker.said('copying the partition to the ledger');

function startWorker(databaseUrl: string, prefix: string): WorkerProcess {
  const child = spawn(process.execPath, [builtProgram('work')], {
    env: {
      PATH: process.env.PATH,
      REDIS_URL: testRedisUrl(),
      DATABASE_URL: databaseUrl,
      HOLDFAST_PREFIX: prefix,
      HOLDFAST_WORKER_PORT: '0',
    },
  });
  let log = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    log += chunk;
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
  return { child, said: (text) => log.split(text).length - 1 };
}

test(
  'a worker stopped in the middle of a commit is replaced within 15 s, and does no harm when it goes on',
  async () => {
    const database = await migratedDatabase();
    const prefix = testPrefix();
    const redis = connectRedis(testRedisUrl());
    await redis.connect();
    const hot = await openHotInventory({ redisUrl: testRedisUrl(), prefix });
    const ledger = await openLedger({ databaseUrl: database.url });
    onTestFinished(async () => {
      await hot.close();
      await ledger.close();
      const left = await redis.keys(hot.keys.pattern);
      if (left.length > 0) await redis.unlink(...left);
      redis.disconnect();
      await database.drop();
    });
    const first = startWorker(database.url, prefix);
    await until(async () => (await readControl(redis, hot.keys))?.state === 'open');
    const second = startWorker(database.url, prefix);
    await hot.sweep(0).catch(() => undefined); // learns the epoch
    await hot.receive({ movementId: 'in', sku: 'TEA', warehouse: 'east', quantity: 1_000_000 });
    let orders = 0;
    const reserve = () => hot.reserve({ orderId: `o${++orders}`, lines: [{ sku: 'TEA', quantity: 1 }] });
    const shopping = setInterval(reserve, ORDER_EVERY_MS);
    onTestFinished(() => clearInterval(shopping));
    await until(async () => ((await ledger.cursor(0))?.sequence ?? 0) > 5);
    expect([isActive(first), isActive(second)]).toEqual([1, 0]);

    // Its commit waits for this lock: so it is stopped with a transaction open, which then holds the cursor's row.
    await database.owner.query('BEGIN; SELECT FROM partitions FOR UPDATE');
    const isWaiting = async () => {
      const { rowCount } = await database.owner.query(
        `SELECT FROM pg_stat_activity WHERE application_name = 'holdfast-worker' AND wait_event_type = 'Lock'`,
      );
      return rowCount === 1;
    };
    await until(isWaiting);
    first.child.kill('SIGSTOP');
    await database.owner.query('COMMIT');

    const tookOver = await poll(async () => isActive(second) || undefined, {
      everyMs: 50,
      timeoutMs: TAKEOVER_MS_MAX,
    });
    expect(tookOver).toBe(1);
    const behind = (await ledger.cursor(0))?.sequence ?? 0;
    await until(async () => ((await ledger.cursor(0))?.sequence ?? 0) > behind);

    first.child.kill('SIGCONT');
    await until(() => first.said('the lease of the partition is lost') === 1);
    const seen = (await ledger.cursor(0))?.sequence ?? 0;
    await until(async () => ((await ledger.cursor(0))?.sequence ?? 0) > seen + 5);
    expect([isActive(first), isActive(second)]).toEqual([1, 1]);

    // It has not ended: it takes over in its turn.
    second.child.kill('SIGKILL');
    await until(() => isActive(first) === 2);
    clearInterval(shopping);
    await reserve();
    await until(async () => (await allEntries(ledger)).length === orders + 1);
    const entries = await allEntries(ledger);
    expect(entries.map(({ version }) => version)).toEqual(entries.map((_, i) => i + 1));
    expect(new Set(entries.map(({ orderId }) => orderId)).size).toBe(orders + 1);
    expect(await ledger.selfCheck(true)).toEqual([]);
    expect((await database.owner.query('SELECT FROM drift')).rowCount).toBe(0);
  },
  TEST_MS_MAX,
);
