/**
 * Goal: webhooks over HTTP: set, shown, disabled, their deliveries seen and sent again; a secret is shown once and never
 * said anywhere else. Method: a real ledger behind the server; what is sent is tested beside the worker.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { delivery, webhook } from '../../src/http/schemas/alerts.ts';
import { type AlertServer, openAlertServer, openServerWithLedgerAway } from './alert-server.ts';
import { expectInvalid, problemOf } from './open-server.ts';

const HOOK = '/v1/webhooks/replenishment';
const URL = 'https://example.org/alerts?token=1';
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

let server: AlertServer;
beforeAll(async () => {
  server = await openAlertServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.owner.query('TRUNCATE webhooks, webhook_secrets, webhook_deliveries');
});

const put = (body: unknown, headers?: Record<string, string>) => server.call('PUT', HOOK, body, headers);
const listed = async () => (await server.call('GET', '/v1/webhooks')).body;

describe('PUT /v1/webhooks/{webhookId}', () => {
  test('without a secret makes one, shows it once, and signs with it', async () => {
    const first = await put({ url: URL }, { 'Holdfast-Actor': 'mei' });
    expect(first.status).toBe(201);
    z.strictObject(webhook.shape).parse(first.body);
    const { secret, ...shown } = first.body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(shown).toMatchObject({
      webhookId: 'replenishment',
      url: URL,
      actor: 'mei',
      pending: 0,
      gaveUp: 0,
    });

    const again = await put({ url: URL }, { 'Holdfast-Actor': 'lin' });
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
    expect(again.body).toEqual(shown);
    expect(await listed()).toEqual({ webhooks: [shown], next: null });

    await server.ring({ sku: 'TEA-1' });
    await server.ledger.webhookQueue.spread();
    const [claimed] = await server.ledger.webhookQueue.claim(1, 1, 60_000);
    expect(claimed?.secrets).toEqual([secret]);
  });

  test('with a secret never shows it', async () => {
    const answers = [
      await put({ url: URL, secret: SECRET }),
      await put({ url: URL, secret: SECRET }),
      await put({ url: `${URL}2` }),
      await put({ url: URL, secret: `whsec_${Buffer.alloc(24, 8).toString('base64')}` }),
      await server.call('GET', '/v1/webhooks'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200, 200]);
    expect(answers.map(({ headers }) => headers['idempotent-replayed'])).toEqual([
      undefined,
      'true',
      undefined,
      undefined,
      undefined,
    ]);
    for (const { text } of answers) expect(text).not.toContain('whsec_');
    expect(JSON.stringify(server.logged)).not.toContain('whsec_');
  });

  test.each([
    ['no url', {}],
    ['no web address', { url: 'ftp://example.org/' }],
    ['a script', { url: 'javascript:alert(1)' }],
    ['a file', { url: 'file:///etc/passwd' }],
    ['no host', { url: 'http:///x' }],
    ['a user', { url: 'http://user@example.org/' }],
    ['a user and a password', { url: 'http://user:secret@example.org/' }],
    ['a password hidden behind a backslash', { url: 'http://example.org\\@other.org/' }],
    ['a space', { url: 'http://example.org/a b' }],
    ['a line break', { url: 'http://example.org/\n' }],
    ['a fragment', { url: 'http://example.org/#x' }],
    ['a port there is not', { url: 'http://example.org:99999/' }],
    ['a broken address', { url: 'http://[::1/' }],
    ['letters beyond ASCII', { url: 'http://例.tw/' }],
    ['2,001 characters', { url: `http://example.org/${'x'.repeat(1_982)}` }],
    ['a number', { url: 7 }],
  ])('refuses a url with %s', async (_, body) => {
    expectInvalid(await put(body), ['url']);
    expect(await listed()).toEqual({ webhooks: [], next: null });
  });

  test.each([
    ['without its prefix', Buffer.alloc(32).toString('base64')],
    ['of 23 bytes', `whsec_${Buffer.alloc(23, 7).toString('base64')}`],
    ['of 65 bytes', `whsec_${Buffer.alloc(65, 7).toString('base64')}`],
    ['of another alphabet', `whsec_${'-_'.repeat(22)}`],
    ['that is cut', SECRET.slice(0, -1)],
    ['that is nothing', ''],
  ])('refuses a secret %s, and does not repeat it', async (_, secret) => {
    const answer = await put({ url: URL, secret });
    expectInvalid(answer, ['secret']);
    if (secret !== '') expect(answer.text).not.toContain(secret);
    expect(await listed()).toEqual({ webhooks: [], next: null });
  });

  test('takes addresses as they are', async () => {
    for (const url of [
      'HTTP://localhost:8080',
      'http://[::1]:80/a@b?c=@',
      'https://xn--fsq.tw/%20',
      `${URL}&a=b;c`,
    ]) {
      expect((await put({ url })).body.url).toBe(url);
    }
  });

  test('refuses names, fields and actors that are none', async () => {
    expectInvalid(await server.call('PUT', '/v1/webhooks/a%0Ab', { url: URL }), ['webhookId']);
    expectInvalid(await put({ url: URL, events: ['x'] }), ['events']);
    expectInvalid(await put({ url: URL }, { 'Holdfast-Actor': '%00' }), ['Holdfast-Actor']);
    expect((await put(undefined)).status).toBe(400);
  });

  test('sets a hundred and no more', async () => {
    await server.owner.query(
      `INSERT INTO webhooks (id, url, after_id, actor) SELECT 'w' || n, $1, 0, 'x' FROM generate_series(1, 100) AS n`,
      [URL],
    );
    expect(problemOf(await put({ url: URL }))).toEqual({
      status: 409,
      code: 'too-many-webhooks',
      limit: 100,
    });
    expect((await server.call('PUT', '/v1/webhooks/w7', { url: `${URL}2` })).status).toBe(200);
    const { webhooks } = (await listed()) as { webhooks: unknown[] };
    expect(webhooks).toHaveLength(100);
  });
});

describe('POST /v1/webhooks/{webhookId}/disable', () => {
  test('says who did it first; setting it again enables it', async () => {
    await put({ url: URL });
    const first = await server.call('POST', `${HOOK}/disable`, undefined, { 'Holdfast-Actor': 'mei' });
    expect([first.status, first.body.disabledBy]).toEqual([200, 'mei']);
    const again = await server.call('POST', `${HOOK}/disable`, {}, { 'Holdfast-Actor': 'lin' });
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
    expect(again.body).toEqual(first.body);
    const enabled = await put({ url: URL });
    expect([enabled.status, enabled.headers['idempotent-replayed']]).toEqual([200, undefined]);
    expect(enabled.body).not.toHaveProperty('disabledAt');
    expect(enabled.body).not.toHaveProperty('secret');
  });

  test('knows no other webhooks', async () => {
    const answer = await server.call('POST', '/v1/webhooks/nobody/disable');
    expect(problemOf(answer)).toEqual({ status: 404, code: 'unknown-webhook' });
    expectInvalid(await server.call('POST', `${HOOK}/disable`, { why: 'x' }), ['why']);
  });
});

describe('deliveries', () => {
  type Shown = z.output<typeof delivery>;
  async function page(query = ''): Promise<{ deliveries: Shown[]; next: number | null }> {
    const { status, body } = await server.call('GET', `${HOOK}/deliveries${query}`);
    expect(status).toBe(200);
    return body as { deliveries: Shown[]; next: number | null };
  }

  test('show what became of them, newest first', async () => {
    await put({ url: URL, secret: SECRET });
    await server.ring({ sku: 'A' }, { sku: 'B' }, { sku: 'C' });
    const queue = server.ledger.webhookQueue;
    await queue.spread();
    const [a, b] = await queue.claim(2, 2, 60_000);
    if (!a || !b) throw new Error('nothing was due');
    await queue.delivered(a, { status: 204, answer: '' });
    await queue.failed(b, { status: undefined, answer: 'no answer in time' }, undefined);
    const { deliveries, next } = await page();
    expect(next).toBeNull();
    for (const shown of deliveries) z.strictObject(delivery.shape).parse(shown);
    expect(deliveries).toEqual([
      {
        id: expect.any(Number),
        messageId: expect.stringMatching(/^msg_[0-9a-f]{32}$/),
        alertId: expect.any(Number),
        state: 'pending',
        attempts: 0,
        createdAt: expect.any(String),
        nextAttemptAt: expect.any(String),
      },
      expect.objectContaining({
        state: 'gave-up',
        attempts: 1,
        lastAnswer: 'no answer in time',
        settledAt: expect.any(String),
      }),
      expect.objectContaining({
        state: 'delivered',
        attempts: 1,
        lastStatus: 204,
        lastAttemptAt: expect.any(String),
      }),
    ]);
    expect(deliveries[1]).not.toHaveProperty('lastStatus');
    const first = await page('?limit=2');
    expect([...first.deliveries, ...(await page(`?limit=2&after=${first.next}`)).deliveries]).toEqual(
      deliveries,
    );

    const retried = await server.call('POST', `${HOOK}/deliveries/${b.id}/retry`);
    expect(retried.status).toBe(200);
    expect(retried.body).toMatchObject({ id: b.id, state: 'pending', messageId: b.messageId });
    expect(retried.body).not.toHaveProperty('settledAt');
    await server.call('POST', `${HOOK}/disable`);
    const refused = await server.call('POST', `${HOOK}/deliveries/${b.id}/retry`);
    expect(problemOf(refused)).toEqual({ status: 409, code: 'webhook-disabled' });
  });

  test('are of a webhook that is there', async () => {
    const nobody = '/v1/webhooks/nobody/deliveries';
    expect(problemOf(await server.call('GET', nobody))).toEqual({ status: 404, code: 'unknown-webhook' });
    expect(problemOf(await server.call('POST', `${nobody}/1/retry`))).toEqual({
      status: 404,
      code: 'unknown-webhook',
    });
    await put({ url: URL });
    expect(problemOf(await server.call('POST', `${HOOK}/deliveries/1/retry`))).toEqual({
      status: 404,
      code: 'unknown-delivery',
    });
    expectInvalid(await server.call('POST', `${HOOK}/deliveries/x/retry`), ['id']);
    expectInvalid(await server.call('GET', `${HOOK}/deliveries?limit=x`), ['limit']);
    expect(await page()).toEqual({ deliveries: [], next: null });
  });
});

test('a ledger that is away says nothing of a secret, and leaves open whether it was written', async () => {
  const away = await openServerWithLedgerAway();
  try {
    const told = await away.call('PUT', HOOK, { url: URL, secret: SECRET });
    expect([told.status, told.body.code, told.body.outcome]).toEqual([503, 'unavailable', 'unknown']);
    expect(told.text + JSON.stringify(away.logged)).not.toContain(SECRET);
    expect((await away.call('GET', '/v1/webhooks')).body.outcome).toBe('nothing-happened');
  } finally {
    await away.close();
  }
});
