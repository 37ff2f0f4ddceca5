/**
 * Goal: no alert is lost or sent under another id where a worker dies, is taken for dead, stops or loses Postgres; and
 * write-behind never waits for a receiver. Method: claims made by hand, connections cut, and the worker as it runs.
 */
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { openHotInventory } from '../../src/hotpath/hot-inventory.ts';
import { work } from '../../src/programs/work.ts';
import { until } from '../holdfast.ts';
import { testPrefix, testRedisUrl } from '../services.ts';
import { ok, status } from './receiver.ts';
import { WebhookRoom } from './webhook-room.ts';

let room: WebhookRoom;
beforeEach(async () => {
  room = await WebhookRoom.open();
});
afterEach(() => room.close());

describe('a worker', () => {
  test('that dies while it sends is followed by another, under the same id', async () => {
    const hook = await room.receiver();
    await room.put('hook', hook.url);
    await room.ring({ sku: 'PHONE' });
    const dead = (await room.workerLedger()).webhookQueue;
    expect(await dead.spread()).toBe(1);
    const [claimed] = await dead.claim(10, 10, 300);
    expect(claimed).toMatchObject({ attempts: 1, webhookId: 'hook' });
    expect(await dead.claim(10, 10, 300)).toEqual([]);
    await room.sender();
    await room.untilAll('delivered', 1);
    expect(hook.received.map(({ id }) => id)).toEqual([claimed?.messageId]);
    expect(await room.deliveries()).toMatchObject([{ attempts: 2 }]);
  });

  test('that was taken for dead changes nothing but what it delivered', async () => {
    await room.put('hook', 'http://127.0.0.1:9/');
    await room.ring({ sku: 'PHONE' });
    const { webhookQueue: queue } = await room.workerLedger();
    await queue.spread();
    const [late] = await queue.claim(1, 1, 0);
    const [next] = await queue.claim(1, 1, 60_000);
    if (!late || !next) throw new Error('nothing was due');
    await queue.failed(late, { status: 500, answer: 'late' }, undefined);
    await queue.release(late);
    expect(await room.deliveries()).toMatchObject([{ state: 'pending', attempts: 2, lastStatus: undefined }]);
    expect(await queue.claim(1, 1, 60_000)).toEqual([]);
    await queue.delivered(late, { status: 200, answer: '' });
    await queue.failed(next, { status: 500, answer: 'too late' }, undefined);
    expect(await room.deliveries()).toMatchObject([{ state: 'delivered', attempts: 2, lastStatus: 200 }]);
  });

  test('that stops leaves what hangs to the next one at once', async () => {
    const hook = await room.receiver(() => {});
    await room.put('hook', hook.url);
    await room.ring({ sku: 'PHONE' });
    const patient = { attemptMsMax: 600_000, claimMs: 600_000 };
    const first = await room.sender({ ...patient, stopMsMax: 10 });
    await until(() => hook.received.length === 1);
    await first.stop();
    hook.answer(ok);
    await room.sender(patient);
    await room.untilAll('delivered', 1);
    expect(new Set(hook.received.map(({ id }) => id)).size).toBe(1);
  });

  test('that loses Postgres goes on when it is back', async () => {
    const hook = await room.receiver();
    await room.put('hook', hook.url);
    await room.sender({}, await room.workerLedger('webhooks-cut'));
    for (let turn = 1; turn <= 5; turn++) {
      await room.database.owner.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'webhooks-cut'`,
      );
      await room.ring({ sku: `S-${turn}` });
      await until(
        async () => (await room.deliveries()).filter(({ state }) => state === 'delivered').length === turn,
      );
    }
  });

  test('counts what is on its way and what was given up, and forgets what is long over', async () => {
    const hook = await room.receiver(status(500));
    await room.put('hook', hook.url);
    await room.ring({ sku: 'A' }, { sku: 'B' });
    const { webhookQueue: queue } = await room.workerLedger();
    await queue.spread();
    const [claimed] = await queue.claim(1, 1, 60_000);
    if (!claimed) throw new Error('nothing was due');
    await queue.failed(claimed, { status: 500, answer: '' }, undefined);
    const started = await room.sender({ pollMs: 60_000, sendsMax: 0 });
    await until(() => started.status().pending === 1);
    expect(started.status()).toEqual({ pending: 1, gaveUp: 1, sending: 0 });
    await room.database.owner.query(
      `UPDATE webhook_deliveries SET settled_at = settled_at - interval '31 days' WHERE state = 'gave-up'`,
    );
    await queue.tidy();
    expect(await room.deliveries()).toMatchObject([{ state: 'pending' }]);
  });
});

describe('the worker as it runs', () => {
  test('BR-005: an alert that a sale causes reaches its webhooks, and the ledger keeps up while one of them hangs', async () => {
    const config = {
      ...readConfig({}),
      redisUrl: testRedisUrl(),
      databaseUrl: room.database.url,
      prefix: testPrefix(),
    };
    await room.database.owner.query('TRUNCATE partitions');
    const registry = new Registry();
    const working = await work(config, pino({ level: 'silent' }), registry);
    room.closers.push(() => working.close());
    await working.ready(20_000);
    const hot = await openHotInventory({ redisUrl: config.redisUrl, prefix: config.prefix });
    room.closers.push(() => hot.close());
    const [silent, quick] = [await room.receiver(() => {}), await room.receiver()];
    await room.put('a-silent', silent.url);
    await room.put('quick', quick.url);

    const item = { sku: 'PHONE', warehouse: 'TPE' };
    await hot.receive({ movementId: 'm-1', ...item, quantity: 10 });
    await hot.setSafetyStock({ ...item, quantity: 5 });
    for (let i = 1; i <= 8; i++) await hot.reserve({ orderId: `o-${i}`, lines: [{ ...item, quantity: 1 }] });
    await until(() => quick.received.length === 1 && silent.received.length === 1);
    expect(JSON.parse(quick.received[0]?.body ?? '')).toMatchObject({
      type: 'low-stock.triggered',
      data: { ...item, available: 4, safetyStock: 5 },
    });
    await hot.reserve({ orderId: 'o-9', lines: [{ ...item, quantity: 1 }] });
    await working.writeBehind.drained();
    expect(await room.api.read.itemAtVersion(item.sku, item.warehouse, 12)).toMatchObject({ available: 1 });
    expect(await room.deliveries('a-silent')).toMatchObject([{ state: 'pending', attempts: 1 }]);
    const metrics = await registry.metrics();
    for (const name of ['pending', 'given_up']) {
      expect(metrics).toMatch(new RegExp(`^holdfast_webhook_deliveries_${name} \\d+$`, 'm'));
    }
  });
});
