/**
 * Goal: alerts over HTTP as the people who refill use them: listed, acknowledged once, and nothing else taken.
 * Method: a real ledger behind the server, with alerts in it as the worker writes them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { alert } from '../../src/http/schemas/alerts.ts';
import { type AlertServer, openAlertServer, openServerWithLedgerAway } from './alert-server.ts';
import { expectInvalid, openServer, problemOf } from './open-server.ts';

let server: AlertServer;
beforeAll(async () => {
  server = await openAlertServer();
  for (let turn = 0; turn < 3; turn++) {
    await server.ring(
      { sku: 'TEA-1', warehouse: 'TPE', available: turn, safetyStock: 5 },
      { sku: 'TEA-1', warehouse: 'KHH' },
      { sku: 'TEA-2', warehouse: 'TPE' },
    );
  }
});
afterAll(() => server.close());

type Shown = z.output<typeof alert>;
async function list(query = ''): Promise<{ alerts: Shown[]; next: number | null }> {
  const { status, body } = await server.call('GET', `/v1/alerts${query}`);
  expect(status).toBe(200);
  return body as { alerts: Shown[]; next: number | null };
}
const acknowledgements = async () =>
  (await server.owner.query('SELECT * FROM alert_acknowledgements ORDER BY alert_id')).rows;

describe('GET /v1/alerts', () => {
  test('shows them newest first, in pages', async () => {
    const all = await list();
    expect(all.next).toBeNull();
    expect(all.alerts).toHaveLength(9);
    for (const shown of all.alerts) z.strictObject(alert.shape).parse(shown);
    const first = await list('?limit=4');
    const second = await list(`?limit=4&after=${first.next}`);
    const third = await list(`?limit=4&after=${second.next}`);
    expect([...first.alerts, ...second.alerts, ...third.alerts]).toEqual(all.alerts);
    expect(third.next).toBeNull();
  });

  test('of an item says what was left and under which line', async () => {
    const { alerts } = await list('?sku=TEA-1&warehouse=TPE');
    expect(alerts.map(({ available }) => available)).toEqual([2, 1, 0]);
    expect(alerts[0]).toMatchObject({ sku: 'TEA-1', warehouse: 'TPE', safetyStock: 5, version: 3 });
    expect(alerts[0]?.at).toMatch(/^\d{4}-.*Z$/);
    expect(alerts[0]).not.toHaveProperty('acknowledgedAt');
  });

  test.each([
    ['state=seen', 'state'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['after=-1', 'after'],
    ['after=1e3', 'after'],
    ['sku=%20', 'sku'],
    ['warehouse=', 'warehouse'],
    ['order=asc', 'order'],
  ])('refuses ?%s', async (query, path) => {
    expectInvalid(await server.call('GET', `/v1/alerts?${query}`), [path]);
  });
});

describe('POST /v1/alerts/{id}/acknowledge', () => {
  test('says who has seen it, once: a repeat gets the first one', async () => {
    const { alerts } = await list('?sku=TEA-2&state=open');
    const [open] = alerts;
    const path = `/v1/alerts/${open?.id}/acknowledge`;
    const note = '200 ordered, 週五到貨';
    const first = await server.call('POST', path, { note }, { 'Holdfast-Actor': 'mei' });
    expect(first.status).toBe(200);
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(first.body).toEqual({
      ...open,
      acknowledgedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      acknowledgedBy: 'mei',
      note,
    });
    for (const body of [{ note }, { note: 'other' }, undefined]) {
      const again = await server.call('POST', path, body, { 'Holdfast-Actor': 'lin' });
      expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
      expect(again.body).toEqual(first.body);
    }
    expect((await list('?sku=TEA-2&state=open')).alerts).toEqual(alerts.slice(1));
    expect((await list('?state=acknowledged')).alerts).toEqual([first.body]);
  });

  test('takes no body, and then the caller is who it always is', async () => {
    const [open] = (await list('?state=open')).alerts;
    const { status, body } = await server.call('POST', `/v1/alerts/${open?.id}/acknowledge`);
    expect([status, body.acknowledgedBy]).toEqual([200, 'order-service']);
    expect(body).not.toHaveProperty('note');
  });

  test('knows no other alerts', async () => {
    const answer = await server.call('POST', '/v1/alerts/999999/acknowledge', {});
    expect(problemOf(answer)).toEqual({ status: 404, code: 'unknown-alert' });
  });

  test.each([
    ['a number that is none', '/v1/alerts/abc/acknowledge', {}, {}, 'id'],
    ['zero', '/v1/alerts/0/acknowledge', {}, {}, 'id'],
    ['a number beyond all', '/v1/alerts/9999999999999999/acknowledge', {}, {}, 'id'],
    ['a note too long', '/v1/alerts/1/acknowledge', { note: 'x'.repeat(201) }, {}, 'note'],
    ['a note with a line break', '/v1/alerts/1/acknowledge', { note: 'a\nb' }, {}, 'note'],
    ['half a character', '/v1/alerts/1/acknowledge', '{"note":"\\ud800"}', {}, 'note'],
    ['a note that is none', '/v1/alerts/1/acknowledge', { note: 7 }, {}, 'note'],
    ['another field', '/v1/alerts/1/acknowledge', { actor: 'mei' }, {}, 'actor'],
    [
      'an actor that is none',
      '/v1/alerts/1/acknowledge',
      {},
      { 'Holdfast-Actor': 'a%0Ab' },
      'Holdfast-Actor',
    ],
  ])('refuses %s', async (_, path, body, headers, wrong) => {
    const before = await acknowledgements();
    expectInvalid(await server.call('POST', path, body, headers), [wrong]);
    expect(await acknowledgements()).toEqual(before);
  });
});

describe('a ledger that is away', () => {
  test('leaves open whether it was written, and says nothing of its own words', async () => {
    const away = await openServerWithLedgerAway();
    try {
      const list = await away.call('GET', '/v1/alerts');
      expect([list.status, list.body.code, list.body.outcome]).toEqual([
        503,
        'unavailable',
        'nothing-happened',
      ]);
      const told = await away.call('POST', '/v1/alerts/1/acknowledge');
      expect([told.status, told.body.code, told.body.outcome]).toEqual([503, 'unavailable', 'unknown']);
      expect(told.headers['retry-after']).toBe('2');
      expect(list.text + told.text).not.toContain('SELECT');
    } finally {
      await away.close();
    }
  });

  test('need not be there at all for the rest to work', async () => {
    const bare = await openServer();
    try {
      for (const path of ['/v1/alerts', '/v1/webhooks']) {
        expect((await bare.call('GET', path)).body).toMatchObject({
          code: 'unavailable',
          outcome: 'nothing-happened',
        });
      }
      expect((await bare.call('GET', '/readyz')).status).toBe(200);
    } finally {
      await bare.close();
    }
  });
});
