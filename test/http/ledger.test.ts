/**
 * Goal: the ledger's routes answer from the ledger that was handed in, a bounded number of times at once, and their
 * outage stays theirs. Method: a ledger made here.
 */
import { afterEach, expect, test } from 'vitest';
import { reconciliation } from '../../src/http/schemas/ledger.ts';
import type { EntriesQuery } from '../../src/ledger/read/queries.ts';
import { ledgerWith, type OpenServer, openServer } from './open-server.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const none = { total: 0, available: 0, reserved: 0, sold: 0 };
const AT_MS = Date.UTC(2026, 10, 11);
const step = {
  id: 7,
  type: 'InventoryReserved',
  sku: 'A',
  warehouse: 'TPE',
  version: 2,
  quantity: 2,
  before: { total: 5, available: 5, reserved: 0, sold: 0 },
  change: { ...none, available: -2, reserved: 2 },
  after: { total: 5, available: 3, reserved: 2, sold: 0 },
  orderId: 'O-1',
  movementId: undefined,
  actor: 'order-service',
} as const;
const page = { entries: [{ ...step, atMs: AT_MS, expiresAtMs: AT_MS + 1_000 }], next: 7 };
const answers = {
  read: { entries: async () => page },
  lastAudit: async () => undefined,
  workerState: async () => ({ isRunning: false, committedAtMs: undefined }),
  historyState: async () => ({
    forksTotal: 0,
    forksOpen: 0,
    lostAcknowledgementsOpen: 0,
    lostRangesOpen: 0,
  }),
  forks: async () => ({ forks: [], next: null }),
  lostAcknowledgements: async () => ({ lost: [], next: null }),
  epochs: async () => [],
};
const noHistory = {
  forksOpen: 0,
  lostAcknowledgementsOpen: 0,
  forks: [],
  lostAcknowledgements: [],
  epochs: [],
};

async function open(own: object | undefined, ledgerReadsMax = 16): Promise<OpenServer> {
  const ledger = own && ledgerWith({ ...answers, ...own });
  const server = await openServer({}, { ledger, limits: { ledgerReadsMax } });
  closers.push(() => server.close());
  return server;
}

test('a page is asked for as the query says', async () => {
  const asked: EntriesQuery[] = [];
  const server = await open({
    read: {
      entries: async (query: EntriesQuery) => {
        asked.push(query);
        return page;
      },
    },
  });
  const answer = await server.call('GET', '/v1/ledger?sku=A&warehouse=TPE&orderId=O-1&after=12&limit=1000');
  await server.call('GET', '/v1/ledger?movementId=M-1&transferId=T-1&stocktakeId=COUNT-7');
  expect(answer.status).toBe(200);
  const { movementId, ...shown } = step;
  const entry = { ...shown, expiresAt: '2026-11-11T00:00:01.000Z', at: '2026-11-11T00:00:00.000Z' };
  expect(answer.body).toEqual({ entries: [entry], next: 7 });
  await server.call('GET', '/v1/ledger');
  expect(asked).toEqual([
    { sku: 'A', warehouse: 'TPE', orderId: 'O-1', after: 12, limit: 1_000 },
    { movementId: 'M-1', transferId: 'T-1', stocktakeId: 'COUNT-7', limit: 100 },
    { limit: 100 },
  ]);
});

test('the reconciliation is shown with the state of the worker', async () => {
  const never = await (await open({})).call('GET', '/v1/reconciliation');
  expect(never.body).toMatchObject({ last: null, worker: { isRunning: false, committedAt: null } });
  const finding = { kind: 'figures', sku: 'A', warehouse: 'TPE', version: 2, detail: 'total 5 against 6' };
  const counts = { itemsCompared: 3, holdsCompared: 2, findingsTotal: 1 };
  const server = await open({
    lastAudit: async () => ({
      verdict: 'drift',
      startedAtMs: AT_MS,
      finishedAtMs: AT_MS + 1_000,
      ...counts,
      findings: [finding],
    }),
    workerState: async () => ({ isRunning: true, committedAtMs: AT_MS }),
  });
  await server.stock('A', 1);
  const { status, body } = await server.call('GET', '/v1/reconciliation');
  expect(status).toBe(200);
  expect(body).toEqual({
    last: {
      verdict: 'drift',
      startedAt: '2026-11-11T00:00:00.000Z',
      finishedAt: '2026-11-11T00:00:01.000Z',
      ...counts,
      findings: [finding],
    },
    history: noHistory,
    worker: { isRunning: true, committedAt: '2026-11-11T00:00:00.000Z', backlogEvents: 1 },
  });
});

test('what is lost and what went its own way is shown, with who has looked at it', async () => {
  const reviewed = { reviewedAtMs: AT_MS, reviewedBy: 'ann', reviewReason: 'refunded' };
  const unseen = { reviewedAtMs: undefined, reviewedBy: undefined, reviewReason: undefined };
  const forkPlace = {
    partition: 0,
    kind: 'redis-forked',
    redisSequence: 6,
    ledgerSequence: 9,
    detail: 'apart',
  };
  const lostPlace = { partition: 0, epoch: 1, nonce: 'n', sequence: 6, source: 'api-1', reportedAtMs: AT_MS };
  const server = await open({
    historyState: async () => ({
      forksTotal: 2,
      forksOpen: 1,
      lostAcknowledgementsOpen: 1,
      lostRangesOpen: 0,
    }),
    forks: async () => ({
      forks: [
        { id: 2, ...forkPlace, ...unseen, foundAtMs: AT_MS, atSequence: undefined, entriesTotal: 2 },
        { id: 1, ...forkPlace, ...reviewed, foundAtMs: AT_MS, atSequence: 4, entriesTotal: 0 },
      ],
      next: null,
    }),
    forkEntries: async (id: number) => ({
      entries:
        id === 1
          ? []
          : [
              { entryId: '1-5', events: 'InventoryReserved o1,%E8%8C%B6 api A@TPE=1 1800000 - - -' },
              { entryId: '1-6', events: 'not readable\nInventoryDeducted o1 api A@TPE=1 c* -' },
            ],
      next: null,
    }),
    lostAcknowledgements: async () => ({
      lost: [{ id: 1, kind: 'order', subjectId: 'o1', ...lostPlace, ...unseen }],
      next: null,
    }),
    epochs: async () => [
      {
        id: 1,
        epoch: { number: 2, nonce: 'n' },
        how: 'person',
        madeAtMs: AT_MS,
        first: { sequence: 4, link: 'l', openedAtMs: AT_MS },
        actor: 'ann',
        reason: 'no ledger',
        lost: { from: 5, to: 6 },
        ...unseen,
      },
    ],
  });
  const at = '2026-11-11T00:00:00.000Z';
  const { body } = await server.call('GET', '/v1/reconciliation');
  const fork = { kind: 'redis-forked', foundAt: at, redisSequence: 6, ledgerSequence: 9, detail: 'apart' };
  expect(body.history).toEqual({
    forksOpen: 1,
    lostAcknowledgementsOpen: 1,
    forks: [
      { id: 2, ...fork, atSequence: null, entries: 2, orders: ['o1', '茶'], acknowledged: null },
      {
        id: 1,
        ...fork,
        atSequence: 4,
        entries: 0,
        orders: [],
        acknowledged: { by: 'ann', at, reason: 'refunded' },
      },
    ],
    lostAcknowledgements: [
      { kind: 'order', id: 'o1', epoch: 1, sequence: 6, reportedAt: at, source: 'api-1', acknowledged: null },
    ],
    epochs: [
      {
        number: 2,
        how: 'person',
        madeAt: at,
        openedAt: at,
        firstSequence: 4,
        actor: 'ann',
        reason: 'no ledger',
        lostFrom: 5,
        lostTo: 6,
      },
    ],
  });
  reconciliation.parse(body);
});

test('without a ledger its routes are unavailable, and selling goes on', async () => {
  const server = await open(undefined);
  await server.stock('A', 1);
  for (const [method, url, body] of [
    ['GET', '/v1/ledger'],
    ['GET', '/v1/reconciliation'],
    ['GET', '/v1/warehouses'],
    ['PUT', '/v1/warehouses/TPE', { name: 'Taipei' }],
    ['GET', '/v1/stocktakes'],
    ['POST', '/v1/stocktakes', { stocktakeId: 'COUNT-1', warehouse: 'TPE' }],
    ['GET', '/v1/transfers'],
    ['GET', '/v1/transfer-proposals'],
    ['POST', '/v1/transfer-proposals/1/dismiss'],
    [
      'POST',
      '/v1/transfers',
      { transferId: 'T-1', sku: 'A', from: 'TPE', to: 'KHH', quantity: 1, proposalId: 1 },
    ],
    ['GET', '/v1/sales'],
    ['GET', '/v1/shortfalls'],
    ['POST', '/v1/shortfalls/O-1/resolve', { resolution: 'refunded' }],
  ] as const) {
    const answer = await server.call(method, url, body);
    expect([
      url,
      answer.status,
      answer.body.code,
      answer.headers['retry-after'],
      answer.body.outcome,
    ]).toEqual([url, 503, 'unavailable', '2', 'nothing-happened']);
  }
  const order = { orderId: 'O-1', lines: [{ sku: 'A', quantity: 1 }] };
  expect((await server.call('POST', '/v1/reservations', order)).status).toBe(201);
});

test('an outage of the ledger is told without its words, which go to the log', async () => {
  const server = await open({
    read: {
      entries: async () => {
        throw new Error('SELECT secret FROM ledger');
      },
    },
  });
  const answer = await server.call('GET', '/v1/ledger');
  expect([answer.status, answer.body.code]).toEqual([503, 'unavailable']);
  expect(answer.text).not.toContain('SELECT');
  expect(server.logged).toContainEqual(expect.objectContaining({ msg: 'the ledger does not answer' }));
  expect((await server.call('GET', '/readyz')).status).toBe(200);
});

test('reads of the ledger have a limit', async () => {
  let answer: (answered: typeof page) => void = () => {};
  const late = new Promise<typeof page>((resolve) => {
    answer = resolve;
  });
  const server = await open({ read: { entries: () => late } }, 2);
  const waiting = [server.call('GET', '/v1/ledger'), server.call('GET', '/v1/ledger')];
  await expect.poll(async () => (await server.call('GET', '/v1/reconciliation')).status).toBe(503);
  expect((await server.call('GET', '/v1/ledger')).status).toBe(503);
  answer(page);
  for (const { status } of await Promise.all(waiting)) expect(status).toBe(200);
  expect((await server.call('GET', '/v1/ledger')).status).toBe(200);
});
