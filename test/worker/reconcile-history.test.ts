/**
 * D14, H11: two histories never count as agreeing. What Redis had beside the ledger, what was acknowledged and is gone, and
 * confirmed orders that only one store has are found, shown, and a drift until a person says that it was seen.
 */
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NewFork } from '../../src/ledger/forks.ts';
import { type AuditingOptions, startAuditing } from '../../src/worker/audit/auditing.ts';
import { audit } from '../../src/worker/audit/reconciliation.ts';
import { writeTrust } from '../../src/worker/recovery/trust.ts';
import { type TestHoldfast, testHoldfast, until } from '../holdfast.ts';
import { newEpoch } from '../ledger/chunks.ts';
import { runProgram } from '../programs/run-program.ts';
import { testRedisUrl } from '../services.ts';

let holdfast: TestHoldfast;
beforeEach(async () => {
  holdfast = await testHoldfast();
  const { hot } = holdfast;
  await hot.receive({ movementId: 'm1', sku: 'A', warehouse: 'east', quantity: 100 });
  for (const orderId of ['one', 'two', 'three']) {
    await hot.reserve({ orderId, lines: [{ sku: 'A', quantity: 2 }] });
    await hot.confirm({ orderId });
  }
  await hot.reserve({ orderId: 'open', lines: [{ sku: 'A', quantity: 1 }] });
  await holdfast.working().writeBehind.drained();
});
afterEach(async () => {
  await holdfast.close();
});

const FORK: NewFork = {
  partition: 0,
  kind: 'redis-forked',
  atSequence: 3,
  atLink: 'link-3',
  redisSequence: 5,
  ledgerSequence: 8,
  detail: 'Redis was at 5, the ledger at 8',
  entries: [
    {
      entryId: '1-4',
      atMs: 1,
      link: 'fork-4',
      events: 'InventoryReserved second-1,second-2 api A@east=1 1800000 - - -',
    },
    { entryId: '1-5', atMs: 2, link: 'fork-5', events: 'InventoryDeducted second-1 api A@east=1 c* -' },
  ],
};

const lostOrder = (subjectId: string) =>
  ({
    partition: 0,
    epoch: 1,
    nonce: 'nonce001',
    sequence: 5,
    kind: 'order',
    subjectId,
    source: 'api-1',
  }) as const;

/** What a person would see, with what was acknowledged. */
const everything = () =>
  audit(holdfast, {
    catchUpMs: 10_000,
    withHolds: true,
    withEntries: true,
    history: { withReviewed: true, withOrders: true },
  });

async function acknowledge(): Promise<void> {
  const { ledger } = holdfast;
  const newest = Number.MAX_SAFE_INTEGER;
  const shown = { forkId: newest, lostId: newest, epochId: newest };
  await ledger.reviewHistory(0, { actor: 'ann', reason: 'refunded', shown });
}

async function inLedger(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: holdfast.databaseUrl });
  await client.connect();
  await client.query(statement);
  await client.end();
}

describe('a drift until a person has seen it', () => {
  test('is a fork, with its orders', async () => {
    expect(await holdfast.audit()).toMatchObject({ verdict: 'agree', history: { forks: [], forksTotal: 0 } });
    await holdfast.ledger.recordFork(FORK);
    const found = await everything();
    expect(found).toMatchObject({ verdict: 'drift', findingsTotal: 1, findings: [{ kind: 'fork' }] });
    expect(found.history.forks).toMatchObject([
      {
        kind: 'redis-forked',
        entriesTotal: 2,
        orders: [
          { orderId: 'second-1', event: 'InventoryDeducted' },
          { orderId: 'second-2', event: 'InventoryReserved' },
        ],
        ordersTotal: 2,
      },
    ]);
    await acknowledge();
    expect(await holdfast.audit()).toMatchObject({ verdict: 'agree', history: { forks: [], forksTotal: 1 } });
    const after = await everything();
    expect(after).toMatchObject({ verdict: 'agree', history: { forks: [{ reviewedBy: 'ann' }] } });
  });

  test('is a lost acknowledgement, each by its id', async () => {
    await holdfast.ledger.reportLost([lostOrder('o1'), lostOrder('o2')]);
    const found = await holdfast.audit();
    expect(found).toMatchObject({ verdict: 'drift', findingsTotal: 2 });
    expect(found.findings.map(({ kind, orderId }) => [kind, orderId])).toEqual([
      ['lost-acknowledgement', 'o2'],
      ['lost-acknowledgement', 'o1'],
    ]);
    await acknowledge();
    expect((await holdfast.audit()).verdict).toBe('agree');
    expect((await everything()).history.lostAcknowledgements).toHaveLength(2);
  });

  test('are more losses than a report has room for, all counted', async () => {
    await holdfast.ledger.reportLost(Array.from({ length: 1_234 }, (_, i) => lostOrder(`o${i}`)));
    const { findingsTotal, findings, history } = await holdfast.audit();
    expect([findingsTotal, findings.length, history.lostAcknowledgementsOpen]).toEqual([1_234, 1_000, 1_234]);
  });

  test('is a range of sequences that were seen and are gone', async () => {
    const cursor = await holdfast.ledger.cursor(0);
    const number = (cursor?.epoch ?? 0) + 1;
    await holdfast.stopWorker();
    await holdfast.ledger.beginEpoch(0, newEpoch(number, { lost: { from: 9, to: 12 } }));
    // The epochs of both stores differ here: the audit cannot be finished, and what is lost is found all the same.
    const found = await holdfast.audit(50);
    expect(found).toMatchObject({ verdict: 'drift', reason: expect.any(String) });
    expect(found.findings).toMatchObject([
      { kind: 'lost-range', detail: expect.stringContaining('sequences 9 to 12') },
    ]);
    await acknowledge();
    expect((await holdfast.audit(50)).verdict).toBe('incomplete');
  });
});

describe('a Redis that cannot be trusted', () => {
  /** Replaces a part of the control record. */
  async function tamper(change: (control: string) => string): Promise<void> {
    const { redis, keys } = holdfast;
    const before = (await redis.get(keys.control)) ?? '';
    const after = change(before);
    expect(after).not.toBe(before);
    await redis.set(keys.control, after);
  }
  /** `v2 epoch nonce sequence link clock events carried incarnation pause state` */
  const word = (at: number, text: string) => (control: string) =>
    control
      .split(' ')
      .map((one, i) => (i === at ? text : one))
      .join(' ');

  test('with another link at the same entry is another history, however equal the figures are', async () => {
    await holdfast.stopWorker();
    expect((await holdfast.audit(50)).verdict).toBe('agree');
    await tamper(word(4, 'a-link-of-another'));
    const found = await holdfast.audit(50);
    expect(found).toMatchObject({ verdict: 'drift', findings: [{ kind: 'other-history' }] });
    expect(found.findings[0]?.detail).toContain('these are two histories');
  });

  test('that no worker has verified makes the result incomplete, with the remedy', async () => {
    await holdfast.stopWorker();
    await tamper(word(8, '-'));
    const found = await holdfast.audit(50);
    expect(found).toMatchObject({ verdict: 'incomplete', findingsTotal: 0 });
    expect(found.reason).toMatch(/^unverified: .*npm run work/);
  });

  test('that a person opened is incomplete until it was compared, and says who opened it', async () => {
    const { redis, keys } = holdfast;
    await holdfast.stopWorker();
    const [, , nonce = '', sequence, link = ''] = ((await redis.get(keys.control)) ?? '').split(' ');
    const trust = { nonce, incarnation: 'x', actor: 'ann', reason: 'Postgres is away', atMs: Date.now() };
    await writeTrust(redis, keys, { ...trust, sequence: Number(sequence), link, eventsTotal: 0 });
    await tamper(word(10, 'trusted'));
    const found = await holdfast.audit(50);
    expect(found.verdict).toBe('incomplete');
    expect(found.reason).toMatch(
      /^ann opened the partition without the ledger at .*Postgres is away.*npm run work/,
    );
  });
});

describe('confirmed orders', () => {
  const ordersFound = async () => {
    const { findings } = await holdfast.audit();
    return findings.filter(({ kind }) => kind === 'order').map(({ orderId, detail }) => [orderId, detail]);
  };

  test('of both stores are compared', async () => {
    expect(await holdfast.audit()).toMatchObject({ verdict: 'agree', ordersCompared: 3 });
  });

  test('that Redis has lost are found, as long as it had to keep them', async () => {
    const { redis, keys } = holdfast;
    await redis.del(keys.reservation('two'));
    expect(await ordersFound()).toEqual([
      ['two', 'order two: nothing in the hot path, CONFIRMED in the ledger'],
    ]);
    // After its time it may be gone.
    const found = await audit(holdfast, {
      catchUpMs: 10_000,
      withHolds: false,
      withEntries: false,
      confirmedMs: 1,
    });
    expect(found).toMatchObject({ verdict: 'agree', ordersCompared: 2 });
  });

  test('that only Redis has are found', async () => {
    const { redis, keys } = holdfast;
    const text = (await redis.get(keys.reservation('one'))) ?? '';
    await redis.set(keys.reservation('ghost'), text);
    expect((await ordersFound()).map(([orderId]) => orderId)).toEqual(['ghost']);
  });

  test('that one store has released are found, from either side', async () => {
    await inLedger(`UPDATE reservations SET status = 'RELEASED' WHERE order_id = 'one'`);
    const { redis, keys } = holdfast;
    const text = (await redis.get(keys.reservation('two'))) ?? '';
    await redis.set(keys.reservation('two'), text.replace(/^CONFIRMED/, 'RELEASED'));
    const found = (await ordersFound()).map(([orderId, detail]) => [
      orderId,
      detail?.split(' in the ').at(0),
    ]);
    expect(found.map(([orderId]) => orderId).sort()).toEqual(['one', 'two']);
  });

  test('that keep coming raise no alarm', async () => {
    const { hot } = holdfast;
    let isOver = false;
    let orders = 0;
    const buyer = (async () => {
      while (!isOver) {
        const orderId = `live-${orders++}`;
        await hot.receive({ movementId: `more-${orders}`, sku: 'A', warehouse: 'east', quantity: 1 });
        await hot.reserve({ orderId, lines: [{ sku: 'A', quantity: 1 }] });
        await hot.confirm({ orderId });
      }
    })();
    for (let i = 0; i < 3; i++) expect((await holdfast.audit()).findings).toEqual([]);
    isOver = true;
    await buyer;
    expect(orders).toBeGreaterThan(20);
  });
});

test('the continuous audit logs each loss once, with stable fields', async () => {
  const events: object[] = [];
  const log = {
    info() {},
    warn() {},
    error: (fields: object) => void ('event' in fields && events.push(fields)),
  } as unknown as AuditingOptions['log'];
  let audits = 0;
  const { redis, keys, ledger } = holdfast;
  const onAudit = () => void audits++;
  await ledger.recordFork(FORK);
  await ledger.reportLost([lostOrder('o1')]);
  const auditing = startAuditing({ redis, keys, ledger, log, isActive: () => true, onAudit, pauseMs: 1 });
  await until(() => audits > 2);
  await ledger.reportLost([lostOrder('o2'), lostOrder('o1')]);
  const seen = audits;
  await until(() => audits > seen + 2);
  await auditing.stop();
  expect(events).toEqual([
    {
      event: 'history-forked',
      partition: 0,
      forkId: expect.any(Number),
      kind: 'redis-forked',
      atSequence: 3,
      redisSequence: 5,
      ledgerSequence: 8,
      entriesTotal: 2,
    },
    { event: 'acknowledgements-lost', partition: 0, count: 1, ids: ['order o1'] },
    { event: 'acknowledgements-lost', partition: 0, count: 1, ids: ['order o2'] },
  ]);
});

describe('npm run reconcile', () => {
  const run = async (...args: string[]) => {
    const { keys, databaseUrl } = holdfast;
    const env = {
      REDIS_URL: testRedisUrl(),
      DATABASE_URL: databaseUrl,
      HOLDFAST_PREFIX: keys.pattern.slice(0, keys.pattern.indexOf('{')),
    };
    const program = runProgram('reconcile', env, args);
    return { code: await program.ended, said: program.said() };
  };

  test('lists what is lost, is told that a person has seen it, and agrees from then on', async () => {
    await holdfast.ledger.recordFork(FORK);
    await holdfast.ledger.reportLost([lostOrder('second-1')]);
    const drift = await run();
    expect(drift.said).toContain('fork');
    expect(drift.said).toContain('2 entries are kept, with 2 orders: second-1, second-2');
    expect(drift.said).toContain('order second-1, batch 1-5, acknowledged by api-1');
    expect(drift.said).toContain('--acknowledge --actor NAME --reason TEXT');
    expect(drift.said).toContain('VERDICT: drift 2');
    expect(drift.code).toBe(1);

    const nobody = await run('--acknowledge', '--reason', 'x');
    expect(nobody).toMatchObject({ code: 2, said: expect.stringContaining('--actor NAME') });
    const seen = await run('--acknowledge', '--actor', 'ann', '--reason', 'both refunded');
    expect(seen.code).toBe(0);
    expect(seen.said).toContain('second-1, second-2');
    expect(seen.said).toContain('acknowledged by ann: 1 forks, 1 lost acknowledgements, 0 lost ranges');

    const after = await run();
    expect(after).toMatchObject({
      code: 0,
      said: expect.stringContaining('VERDICT: ledger and hot path agree'),
    });
    expect(after.said).not.toContain('second-1');
    const all = await run('--all', '--json');
    expect(all.code).toBe(0);
    expect(JSON.parse(all.said)).toMatchObject({
      verdict: 'agree',
      ordersCompared: 3,
      history: {
        forks: [{ reviewedBy: 'ann', reviewReason: 'both refunded', orders: [{ orderId: 'second-1' }, {}] }],
        lostAcknowledgements: [{ subjectId: 'second-1', reviewedBy: 'ann' }],
      },
    });
    expect((await run('--acknowledge', '--actor', 'ann', '--reason', 'x')).said).toContain(
      'nothing to acknowledge',
    );
  }, 120_000);
});
