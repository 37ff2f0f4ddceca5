/**
 * Goal: every alert reaches every webhook, signed and under one id, whatever its receiver does; what does not is given up
 * in the open. Method: real receivers that fail, hang, redirect and talk too much.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SPREAD_ALERTS_MAX } from '../../src/ledger/webhooks/queue.ts';
import { signatures } from '../../src/worker/webhooks/signature.ts';
import { WEBHOOK_LIMITS_DEFAULT } from '../../src/worker/webhooks/webhooks.ts';
import { until } from '../holdfast.ts';
import { AT_MS } from '../ledger/chunks.ts';
import { isGenuine, ok, openReceiver, status } from './receiver.ts';
import { SECRET, WebhookRoom } from './webhook-room.ts';

const OTHER_SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;

let room: WebhookRoom;
beforeEach(async () => {
  room = await WebhookRoom.open();
});
afterEach(() => room.close());

describe('a signature', () => {
  const message = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestampSeconds: 1_614_265_330,
    body: '{"test": 2432232314}',
  };

  test('is the one that Standard Webhooks and openssl come to', () => {
    expect(signatures(message, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  test('is made for each secret, and for no message whose parts could be cut differently', () => {
    const both = signatures(message, [SECRET, OTHER_SECRET]);
    expect(both.split(' ')).toEqual([signatures(message, [SECRET]), signatures(message, [OTHER_SECRET])]);
    expect(() => signatures({ ...message, id: 'a.b' }, [SECRET])).toThrow('full stop');
    expect(() => signatures(message, [])).toThrow('signed');
  });
});

describe('an alert', () => {
  test('is sent once, signed, to every webhook that was set before it', async () => {
    const [one, two] = [await room.receiver(), await room.receiver(status(200, 'thank you'))];
    await room.ring({ sku: 'BEFORE' });
    await room.put('one', one.url);
    await room.put('two', two.url, OTHER_SECRET);
    await room.sender();
    await room.ring({ sku: 'PHONE', warehouse: 'TPE', available: 2, safetyStock: 5 });
    await room.untilAll('delivered', 1, 'one');
    await room.untilAll('delivered', 1, 'two');
    expect([one.received.length, two.received.length]).toEqual([1, 1]);

    const [message] = one.received;
    const [alert] = (await room.api.alerts.page({ state: 'all', limit: 1 })).alerts;
    expect(JSON.parse(message?.body ?? '')).toEqual({
      type: 'low-stock.triggered',
      timestamp: new Date(AT_MS + 1).toISOString(),
      data: { alertId: alert?.id, sku: 'PHONE', warehouse: 'TPE', available: 2, safetyStock: 5, version: 1 },
    });
    expect(message?.id).toMatch(/^msg_[0-9a-f]{32}$/);
    expect(message?.id).not.toBe(two.received[0]?.id);
    expect(message?.headers['content-type']).toBe('application/json');
    expect(message && isGenuine(message, SECRET)).toBe(true);
    expect(message && isGenuine(message, OTHER_SECRET)).toBe(false);
    expect(two.received[0] && isGenuine(two.received[0], OTHER_SECRET)).toBe(true);
    expect(await room.deliveries('two')).toMatchObject([
      {
        state: 'delivered',
        attempts: 1,
        lastStatus: 200,
        lastAnswer: 'thank you',
        messageId: two.received[0]?.id,
      },
    ]);
  });

  test('is sent under both secrets while one takes the place of the other', async () => {
    const hook = await room.receiver();
    await room.put('hook', hook.url);
    await room.put('hook', hook.url, OTHER_SECRET);
    await room.sender();
    await room.ring({ sku: 'PHONE' });
    await room.untilAll('delivered', 1);
    const [message] = hook.received;
    expect(message?.signature.split(' ')).toHaveLength(2);
    for (const secret of [SECRET, OTHER_SECRET]) expect(message && isGenuine(message, secret)).toBe(true);
    // The day after.
    await room.database.owner.query(`UPDATE webhook_secrets SET ends_at = now() WHERE ends_at IS NOT NULL`);
    await room.ring({ sku: 'PHONE' });
    await room.untilAll('delivered', 2);
    expect(hook.received[1] && isGenuine(hook.received[1], SECRET)).toBe(false);
    expect(hook.received[1] && isGenuine(hook.received[1], OTHER_SECRET)).toBe(true);
  });

  test('is sent again until the receiver has it: the same bytes under the same id, newly signed', async () => {
    const hook = await room.receiver((response, received, count) =>
      (count < 4 ? status(503, `try ${count}`) : ok)(response, received, count),
    );
    await room.put('hook', hook.url);
    await room.sender();
    await room.ring({ sku: 'PHONE' });
    await room.untilAll('delivered', 1);
    expect(hook.received).toHaveLength(4);
    expect(new Set(hook.received.map(({ id }) => id)).size).toBe(1);
    expect(new Set(hook.received.map(({ body }) => body)).size).toBe(1);
    for (const message of hook.received) expect(isGenuine(message, SECRET)).toBe(true);
    expect(await room.deliveries()).toMatchObject([
      { attempts: 4, lastStatus: 204, nextAttemptAtMs: undefined },
    ]);
  });

  test('is given up behind the last wait, in the open, and sent again when a person says so', async () => {
    const hook = await room.receiver(status(500, 'out of paper'));
    await room.put('hook', hook.url);
    await room.sender();
    await room.ring({ sku: 'PHONE' });
    await room.untilAll('gave-up', 1);
    expect(hook.received).toHaveLength(4);
    const [given] = await room.deliveries();
    expect(given).toMatchObject({ attempts: 4, lastStatus: 500, lastAnswer: 'out of paper' });
    expect(given?.settledAtMs).toBeGreaterThan(AT_MS);
    expect(room.warnings).toEqual(['a delivery was given up']);
    expect(await room.api.webhooks.list()).toMatchObject([{ pending: 0, gaveUp: 1 }]);

    hook.answer(ok);
    const retried = await room.api.webhookDeliveries.retry('hook', given?.id ?? 0);
    expect(retried).toMatchObject({ id: given?.id, state: 'pending', messageId: given?.messageId });
    await room.untilAll('delivered', 1);
    expect(new Set(hook.received.map(({ id }) => id)).size).toBe(1);
  });

  test('is waited with as the receiver asks, within bounds', async () => {
    const hook = await room.receiver(status(503, '', { 'retry-after': '999999' }));
    await room.put('hook', hook.url);
    await room.sender({ waitsMs: [10, 60_000] });
    await room.ring({ sku: 'PHONE' });
    await until(async () => (await room.deliveries())[0]?.lastStatus === 503);
    const [delivery] = await room.deliveries();
    expect((delivery?.nextAttemptAtMs ?? 0) - (delivery?.lastAttemptAtMs ?? 0)).toBeGreaterThanOrEqual(
      60_000,
    );
    expect((delivery?.nextAttemptAtMs ?? 0) - (delivery?.lastAttemptAtMs ?? 0)).toBeLessThan(120_000);
  });

  test('reaches its receivers also where many come at once, each once', async () => {
    const hook = await room.receiver();
    await room.put('hook', hook.url);
    const alerts = SPREAD_ALERTS_MAX + 100;
    await room.ring(...Array.from({ length: alerts }, (_, i) => ({ sku: `S-${i}` })));
    await Promise.all([room.sender(), room.sender(), room.sender()]);
    await room.untilAll('delivered', alerts);
    expect(hook.received).toHaveLength(alerts);
    expect(new Set(hook.received.map(({ id }) => id)).size).toBe(alerts);
  });
});

describe('a receiver', () => {
  test('that hangs is given its time, and keeps nobody else waiting', async () => {
    const [silent, quick] = [await room.receiver(() => {}), await room.receiver()];
    await room.put('a-silent', silent.url);
    await room.put('quick', quick.url);
    // More than may be on their way at once, so that the silent one could take every place; and time-outs nobody outlives.
    const sending = await room.sender({
      sendsMax: 6,
      sendsPerWebhookMax: 2,
      attemptMsMax: 600_000,
      stopMsMax: 10,
    });
    await room.ring(...Array.from({ length: 30 }, (_, i) => ({ sku: `S-${i}` })));
    await room.untilAll('delivered', 30, 'quick');
    await until(() => silent.received.length === 2);
    expect(sending.status().sending).toBe(2);
  });

  test('that answers too late was not there', async () => {
    const hook = await room.receiver(() => {});
    await room.put('hook', hook.url);
    await room.sender({ waitsMs: [], attemptMsMax: 50 });
    await room.ring({ sku: 'PHONE' });
    await room.untilAll('gave-up', 1);
    expect(await room.deliveries()).toMatchObject([
      { lastStatus: undefined, lastAnswer: 'no answer in time' },
    ]);
  });

  test('that is not there shows why', async () => {
    const hook = await openReceiver();
    await hook.close();
    await room.put('hook', hook.url);
    await room.sender({ waitsMs: [] });
    await room.ring({ sku: 'PHONE' });
    await room.untilAll('gave-up', 1);
    expect(await room.deliveries()).toMatchObject([
      { lastStatus: undefined, lastAnswer: expect.stringContaining('ECONNREFUSED') },
    ]);
  });

  test('that sends us elsewhere is not followed', async () => {
    const elsewhere = await room.receiver();
    const hook = await room.receiver(status(307, '', { location: elsewhere.url }));
    await room.put('hook', hook.url);
    await room.sender({ waitsMs: [] });
    await room.ring({ sku: 'PHONE' });
    await room.untilAll('gave-up', 1);
    expect(await room.deliveries()).toMatchObject([{ lastStatus: 307 }]);
    expect([hook.received.length, elsewhere.received.length]).toEqual([1, 0]);
  });

  test('that answers without end is read for a moment only', async () => {
    let wasCut = false;
    const hook = await room.receiver((response) => {
      response.writeHead(200);
      const talk = setInterval(() => response.write('\u0000bla'.repeat(500)), 1);
      response.on('close', () => {
        wasCut = true;
        clearInterval(talk);
      });
    });
    await room.put('hook', hook.url);
    await room.sender({ attemptMsMax: 600_000 });
    await room.ring({ sku: 'PHONE' });
    await room.untilAll('delivered', 1);
    await until(() => wasCut);
    const [delivery] = await room.deliveries();
    expect(delivery?.lastAnswer).toBe('\uFFFDbla'.repeat(125));
  });

  test('that is gone (410) is not called any more', async () => {
    const hook = await room.receiver(status(410, 'gone'));
    await room.put('hook', hook.url);
    await room.sender({ sendsPerWebhookMax: 1 });
    await room.ring({ sku: 'A' }, { sku: 'B' });
    await room.untilAll('gave-up', 2);
    expect(await room.api.webhooks.list()).toMatchObject([{ disabledBy: 'worker', pending: 0 }]);
    await until(async () => (await room.deliveries()).some(({ lastStatus }) => lastStatus === 410));
    await room.ring({ sku: 'C' });
    expect(await room.api.webhookDeliveries.retry('hook', (await room.deliveries())[0]?.id ?? 0)).toBe(
      'webhook-disabled',
    );
    // Set again, it hears of what comes from now on.
    hook.answer(ok);
    await room.put('hook', hook.url);
    await room.ring({ sku: 'D' });
    await until(async () => (await room.deliveries()).length === 3);
    await until(async () => (await room.deliveries())[0]?.state === 'delivered');
    expect(hook.received.map(({ body }) => JSON.parse(body).data.sku)).toEqual(['A', 'D']);
  });
});

test('attempts are spread over about a day, sooner at first', () => {
  const { waitsMs, attemptMsMax, claimMs } = WEBHOOK_LIMITS_DEFAULT;
  const hours = waitsMs.reduce((sum, waitMs) => sum + waitMs, 0) / 3_600_000;
  expect(hours).toBeGreaterThan(20);
  expect(hours).toBeLessThan(28);
  expect([...waitsMs].sort((a, b) => a - b)).toEqual(waitsMs);
  expect(claimMs).toBeGreaterThan(2 * attemptMsMax);
});
