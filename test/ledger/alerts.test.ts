/**
 * Goal: alerts of the ledger come in pages, and each is acknowledged once, by roles that may (BR-005).
 * Method: alerts written as the worker writes them, read with the rights of the API.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ledger, openLedger } from '../../src/ledger/ledger.ts';
import type { AlertsQuery } from '../../src/ledger/read/alerts.ts';
import { alertBell } from './alerting.ts';
import { AT_MS, commit, itemWith, newEpoch, received, row } from './chunks.ts';
import { migratedDatabase } from './room.ts';

let database: Awaited<ReturnType<typeof migratedDatabase>>;
let writer: Ledger;
let api: Ledger;
let reader: Ledger;
beforeAll(async () => {
  database = await migratedDatabase();
  writer = await openLedger({ databaseUrl: database.url });
  api = await openLedger({ databaseUrl: database.url, role: 'holdfast_api' });
  reader = await openLedger({ databaseUrl: database.url, role: 'holdfast_reader' });
  await writer.beginEpoch(0, newEpoch(1));
  const ring = alertBell(writer);
  for (let turn = 0; turn < 10; turn++) {
    await ring(
      { sku: 'A', warehouse: 'east', available: turn, safetyStock: 10 },
      { sku: 'A', warehouse: 'west' },
      { sku: 'B', warehouse: 'east' },
    );
  }
  await commit(writer, 10, { rows: [row(received(10, 1), itemWith())] });
});
afterAll(async () => {
  for (const ledger of [writer, api, reader]) await ledger.close();
  await database.drop();
});

async function all(query: Partial<AlertsQuery>, limit: number) {
  const alerts = [];
  let after: number | undefined;
  do {
    const page = await api.alerts.page({ state: 'all', ...query, after, limit });
    expect(page.alerts.length).toBeLessThanOrEqual(limit);
    alerts.push(...page.alerts);
    after = page.next ?? undefined;
  } while (after !== undefined);
  return alerts;
}

describe('alerts (BR-005)', () => {
  test('come newest first and each once for any page size, without other entries', async () => {
    for (const limit of [1, 7, 30, 1_000]) {
      const ids = (await all({}, limit)).map(({ id }) => id);
      expect(ids).toHaveLength(30);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
    }
  });

  test('are found by SKU and by warehouse', async () => {
    expect(await all({ sku: 'A' }, 3)).toHaveLength(20);
    expect(await all({ warehouse: 'east' }, 3)).toHaveLength(20);
    expect(await all({ sku: 'A', warehouse: 'east' }, 3)).toHaveLength(10);
    expect(await all({ sku: 'C' }, 3)).toEqual([]);
  });

  test('show what was available and the safety stock that it fell below', async () => {
    const { alerts } = await api.alerts.page({ sku: 'A', warehouse: 'east', state: 'open', limit: 1 });
    expect(alerts).toEqual([
      {
        id: expect.any(Number),
        sku: 'A',
        warehouse: 'east',
        available: 9,
        safetyStock: 10,
        version: 10,
        atMs: AT_MS + 10,
        acknowledgedAtMs: undefined,
        acknowledgedBy: undefined,
        note: undefined,
      },
    ]);
  });

  test('of an item are found by index, without its other entries', async () => {
    await database.owner.query('SET enable_seqscan = off');
    const { rows } = await database.owner.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT * FROM ledger_entries WHERE type = 'LowStockAlertTriggered'::event_type
        AND sku = 'A' AND warehouse = 'east' ORDER BY id DESC LIMIT 5`,
    );
    expect(rows.map((line) => line['QUERY PLAN']).join(' ')).toContain('ledger_alerts_of_item');
  });

  test('in a page of less than 1 or more than 1000 are refused', async () => {
    await expect(api.alerts.page({ state: 'all', limit: 1_001 })).rejects.toThrow(RangeError);
  });
});

describe('an acknowledgement', () => {
  test('given many times at once is kept as it was given first', async () => {
    const [alert] = await all({ sku: 'B' }, 1);
    const alertId = alert?.id ?? 0;
    const actors = Array.from({ length: 8 }, (_, i) => `person-${i}`);
    const given = await Promise.all(
      actors.map((actor) => api.alerts.acknowledge({ alertId, actor, note: `seen by ${actor}` })),
    );
    const first = given.filter((answer) => answer?.replayed === false);
    expect(first).toHaveLength(1);
    const kept = first[0]?.alert;
    expect(kept).toMatchObject({ id: alertId, note: `seen by ${kept?.acknowledgedBy}` });
    expect(kept?.acknowledgedAtMs).toBeGreaterThan(AT_MS);
    for (const answer of given) expect(answer?.alert).toEqual(kept);
    const later = await api.alerts.acknowledge({ alertId, actor: 'somebody' });
    expect(later).toEqual({ alert: kept, replayed: true });
  });

  test('moves the alert from the open ones to the acknowledged', async () => {
    const before = (await all({ sku: 'A', state: 'open' }, 4)).map(({ id }) => id);
    const seen = before.filter((_, i) => i % 3 === 0);
    for (const alertId of seen) await api.alerts.acknowledge({ alertId, actor: 'person' });
    const ids = async (state: 'open' | 'acknowledged') =>
      (await all({ sku: 'A', state }, 4)).map(({ id }) => id);
    expect(await ids('open')).toEqual(before.filter((id) => !seen.includes(id)));
    expect(await ids('acknowledged')).toEqual(seen);
  });

  test('of an entry that is no alert finds none', async () => {
    const { entries } = await api.read.entries({ type: 'InventoryReceived', limit: 1 });
    const noAlerts = [entries[0]?.id ?? 0, 999_999_999];
    for (const alertId of noAlerts) {
      expect(await api.alerts.acknowledge({ alertId, actor: 'person' })).toBeUndefined();
    }
    const { rows } = await database.owner.query(
      'SELECT FROM alert_acknowledgements WHERE alert_id = ANY($1)',
      [noAlerts],
    );
    expect(rows).toEqual([]);
  });

  test('may be written by the API and changed by no role', async () => {
    const [alert] = await all({ state: 'open' }, 1);
    const given = { alertId: alert?.id ?? 0, actor: 'person' };
    await expect(reader.alerts.acknowledge(given)).rejects.toThrow('permission denied');
    expect(await reader.alerts.page({ state: 'open', limit: 1 })).toMatchObject({
      alerts: [{ id: alert?.id }],
    });
    const { rows } = await database.owner.query(
      `SELECT grantee, privilege_type FROM information_schema.table_privileges
        WHERE table_name IN ('alert_acknowledgements', 'ledger') AND grantee = 'holdfast_api'`,
    );
    expect(rows.map(({ privilege_type }) => privilege_type).sort()).toEqual(['INSERT', 'SELECT', 'SELECT']);
  });
});
