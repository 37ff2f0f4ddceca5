/**
 * Goal: webhooks as people set them: how many, from when on, with which secrets, and which role may read those.
 * Method: with the rights of the API and of the worker, which differ; sending is tested with the worker.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import { WEBHOOKS_MAX } from '../../src/ledger/webhooks/webhooks.ts';
import { alertBell } from './alerting.ts';
import { newEpoch } from './chunks.ts';
import { migratedDatabase } from './room.ts';

const HOUR_MS = 3_600_000;
const URL = 'http://receiver.test/hook';
const secretOf = (n: number) => `whsec_${Buffer.alloc(32, n).toString('base64')}`;

let database: Awaited<ReturnType<typeof migratedDatabase>>;
let worker: Ledger;
let api: Ledger;
let ring: ReturnType<typeof alertBell>;
beforeAll(async () => {
  database = await migratedDatabase();
  worker = await openLedger({ databaseUrl: database.url });
  api = await openLedger({ databaseUrl: database.url, role: 'holdfast_api', poolMax: 8 });
  await worker.beginEpoch(0, newEpoch(1));
  ring = alertBell(worker);
});
afterAll(async () => {
  await api.close();
  await worker.close();
  await database.drop();
});
beforeEach(async () => {
  await database.owner.query('TRUNCATE webhooks, webhook_secrets, webhook_deliveries');
});

const put = (webhookId: string, more: { url?: string; secret?: string } = {}) =>
  api.webhooks.put({ webhookId, url: URL, actor: 'tester', ...more });

/** The secrets that sign what is sent now, newest first. */
async function signing(webhookId: string): Promise<readonly string[]> {
  await ring({ sku: 'PHONE' });
  await worker.webhookQueue.spread();
  const claimed = await worker.webhookQueue.claim(100, 100, 60_000);
  return claimed.findLast((delivery) => delivery.webhookId === webhookId)?.secrets ?? [];
}

describe('a webhook', () => {
  test('is created, updated or unchanged, and the outcome says which', async () => {
    expect(await put('hook', { secret: secretOf(1) })).toMatchObject({ outcome: 'created' });
    expect(await put('hook', { secret: secretOf(1) })).toMatchObject({ outcome: 'unchanged' });
    expect(await put('hook')).toMatchObject({ outcome: 'unchanged', madeSecret: undefined });
    const changed = await put('hook', { url: `${URL}/other` });
    expect(changed).toMatchObject({ outcome: 'updated', webhook: { url: `${URL}/other`, actor: 'tester' } });
    expect(await signing('hook')).toEqual([secretOf(1)]);
  });

  test('is created once by many at the same time, with one secret', async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => put('hook')));
    const created = outcomes.filter(({ outcome }) => outcome === 'created');
    expect(created).toHaveLength(1);
    const made = outcomes.flatMap((done) => ('madeSecret' in done ? [done.madeSecret] : [])).filter(Boolean);
    expect(made).toHaveLength(1);
    expect(made[0]).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(await signing('hook')).toEqual(made);
  });

  test('above the limit is refused, also when many come at once', async () => {
    await database.owner.query(
      `INSERT INTO webhooks (id, url, after_id, actor) SELECT 'w' || n, $1, 0, 'x' FROM generate_series(1, $2) AS n`,
      [URL, WEBHOOKS_MAX - 2],
    );
    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, i) => put(`new-${i}`)));
    expect(outcomes.filter(({ outcome }) => outcome === 'created')).toHaveLength(2);
    expect(outcomes.filter(({ outcome }) => outcome === 'too-many')).toHaveLength(6);
    expect(await put('w1', { url: `${URL}/other` })).toMatchObject({ outcome: 'updated' });
    expect(await api.webhooks.list()).toHaveLength(WEBHOOKS_MAX);
  });

  test('gets every alert since it was set once, however often spread runs', async () => {
    await ring({ sku: 'OLD' });
    await put('hook');
    await ring({ sku: 'A' }, { sku: 'B' });
    const queue = worker.webhookQueue;
    const counts = await Promise.all([queue.spread(), queue.spread(), queue.spread()]);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2);
    expect(await queue.spread()).toBe(0);
    const page = await api.webhookDeliveries.page('hook', undefined, 10);
    expect(page?.deliveries).toMatchObject([
      { state: 'pending', attempts: 0 },
      { state: 'pending', attempts: 0 },
    ]);
  });

  test('that is disabled gets nothing until it is set again, and then the alerts from then on', async () => {
    await put('hook');
    await ring({ sku: 'A' });
    await worker.webhookQueue.spread();
    const disabled = await api.webhooks.disable('hook', 'boss');
    expect(disabled).toMatchObject({
      replayed: false,
      webhook: { disabledBy: 'boss', pending: 0, gaveUp: 1 },
    });
    expect(await api.webhooks.disable('hook', 'other')).toMatchObject({
      replayed: true,
      webhook: { disabledBy: 'boss' },
    });
    expect(await api.webhooks.disable('nobody', 'boss')).toBeUndefined();
    await ring({ sku: 'B' });
    expect(await worker.webhookQueue.spread()).toBe(0);
    expect(await worker.webhookQueue.claim(10, 10, 1_000)).toEqual([]);
    expect(await put('hook')).toMatchObject({ outcome: 'updated', webhook: { disabledAtMs: undefined } });
    await ring({ sku: 'C' });
    await worker.webhookQueue.spread();
    const claimed = await worker.webhookQueue.claim(10, 10, 1_000);
    expect(claimed.map(({ alert }) => alert.sku)).toEqual(['C']);
  });
});

describe('secrets', () => {
  test('two sign during a rotation, never three', async () => {
    await put('hook', { secret: secretOf(1) });
    expect(await put('hook', { secret: secretOf(2) })).toMatchObject({ outcome: 'updated' });
    expect(await signing('hook')).toEqual([secretOf(2), secretOf(1)]);
    await put('hook', { secret: secretOf(3) });
    expect(await signing('hook')).toEqual([secretOf(3), secretOf(2)]);
    // Back again: the one before is the one that ends.
    await put('hook', { secret: secretOf(2) });
    expect(await signing('hook')).toEqual([secretOf(2), secretOf(3)]);
    const { rows } = await database.owner.query<{ in_ms: number }>(
      `SELECT (extract(epoch FROM ends_at - now()) * 1000)::float8 AS in_ms FROM webhook_secrets WHERE ends_at IS NOT NULL`,
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.in_ms).toBeGreaterThan(23 * HOUR_MS);
    expect(rows[0]?.in_ms).toBeLessThanOrEqual(24 * HOUR_MS);
    await database.owner.query('UPDATE webhook_secrets SET ends_at = now() WHERE ends_at IS NOT NULL');
    await worker.webhookQueue.tidy();
    expect((await database.owner.query('SELECT FROM webhook_secrets')).rows).toHaveLength(1);
  });

  test.each(['holdfast_api', 'holdfast_reader'])('cannot be read by %s', async (role) => {
    await put('hook', { secret: secretOf(1) });
    const { owner } = database;
    await owner.query(`SET ROLE ${role}`);
    try {
      await expect(owner.query('SELECT secret FROM webhook_secrets')).rejects.toThrow('permission denied');
      await expect(owner.query('SELECT * FROM webhook_secrets')).rejects.toThrow('permission denied');
    } finally {
      await owner.query('RESET ROLE');
    }
  });
});

test('the API may write what people decide and delete nothing', async () => {
  const { owner } = database;
  const attempts = [
    ...['ledger', 'items', 'reservations', 'partitions', 'drift', 'webhook_deliveries'].map(
      (table) => `INSERT INTO ${table} DEFAULT VALUES`,
    ),
    ...['items', 'reservations', 'webhooks', 'webhook_deliveries', 'alert_acknowledgements'].map(
      (table) => `DELETE FROM ${table}`,
    ),
    `UPDATE alert_acknowledgements SET actor = 'x'`,
    'UPDATE webhook_deliveries SET attempts = 0',
    `UPDATE webhook_secrets SET secret = 'x'`,
  ];
  await owner.query('BEGIN; SET LOCAL ROLE holdfast_api');
  for (const attempt of attempts) {
    await owner.query('SAVEPOINT before');
    await expect(owner.query(attempt), attempt).rejects.toThrow('permission denied');
    await owner.query('ROLLBACK TO before');
  }
  await owner.query('ROLLBACK');
});

describe('a delivery', () => {
  test('is claimed by one worker at a time, a few of each webhook, the longest due first', async () => {
    await put('one');
    await put('two');
    await ring(...Array.from({ length: 5 }, (_, i) => ({ sku: `S-${i}` })));
    const queue = worker.webhookQueue;
    await queue.spread();
    await database.owner.query(
      `UPDATE webhook_deliveries SET next_attempt_at = next_attempt_at - interval '1 hour' WHERE webhook_id = 'two'`,
    );
    const first = await queue.claim(3, 2, 60_000);
    expect(first.map(({ webhookId }) => webhookId).sort()).toEqual(['one', 'two', 'two']);
    const rest = await Promise.all([queue.claim(100, 100, 60_000), queue.claim(100, 100, 60_000)]);
    const ids = [...first, ...rest.flat()].map(({ id }) => id);
    expect(ids).toHaveLength(10);
    expect(new Set(ids).size).toBe(10);
  });

  test('is due again after a retry, in whatever state it was', async () => {
    await put('hook');
    await ring({ sku: 'A' });
    await worker.webhookQueue.spread();
    const [claimed] = await worker.webhookQueue.claim(1, 1, 60_000);
    if (!claimed) throw new Error('nothing was due');
    const { webhookDeliveries } = api;
    // While it is being sent it stays with the one who sends it.
    expect(await webhookDeliveries.retry('hook', claimed.id)).toMatchObject({ state: 'pending' });
    expect(await worker.webhookQueue.claim(1, 1, 60_000)).toEqual([]);
    await worker.webhookQueue.delivered(claimed, { status: 200, answer: '' });
    expect(await webhookDeliveries.retry('hook', claimed.id)).toMatchObject({
      state: 'pending',
      settledAtMs: undefined,
    });
    const [again] = await worker.webhookQueue.claim(1, 1, 60_000);
    expect(again).toMatchObject({ id: claimed.id, messageId: claimed.messageId, attempts: 2 });
    await put('other');
    expect(await webhookDeliveries.retry('other', claimed.id)).toBe('unknown-delivery');
    expect(await webhookDeliveries.retry('nobody', claimed.id)).toBe('unknown-webhook');
    await api.webhooks.disable('hook', 'boss');
    expect(await webhookDeliveries.retry('hook', claimed.id)).toBe('webhook-disabled');
  });

  test('shows in pages, newest first', async () => {
    await put('hook');
    expect(await api.webhookDeliveries.page('hook', undefined, 10)).toEqual({ deliveries: [], next: null });
    expect(await api.webhookDeliveries.page('nobody', undefined, 10)).toBeUndefined();
    await ring(...Array.from({ length: 7 }, (_, i) => ({ sku: `S-${i}` })));
    await worker.webhookQueue.spread();
    const ids: number[] = [];
    let after: number | undefined;
    do {
      const page = await api.webhookDeliveries.page('hook', after, 3);
      ids.push(...(page?.deliveries.map(({ id }) => id) ?? []));
      after = page?.next ?? undefined;
    } while (after !== undefined);
    expect(ids).toHaveLength(7);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
  });
});
