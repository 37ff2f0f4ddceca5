/**
 * Goal: where one request asks for many things or needs two stores, an outage half way is told as what it is, and the same
 * request again goes on where it stopped. Method: a real Redis behind a link that the test cuts; the ledger's answers are
 * made here, for it has to be away at the right moment.
 */
import { afterEach, expect, test } from 'vitest';
import type { Warehouse } from '../../src/domain/geography.ts';
import type { Proposal } from '../../src/ledger/read/transfers.ts';
import { type Answer, ledgerWith, type OpenServer, openServer, problemOf } from './open-server.ts';
import { openRedisLink, type RedisLink } from './redis-link.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function open(answers: object = {}): Promise<[OpenServer, RedisLink]> {
  const link = await openRedisLink();
  closers.push(() => link.cut(true));
  const server = await openServer({ redisUrl: link.url, timeoutMs: 300 }, { ledger: ledgerWith(answers) });
  closers.push(() => server.close());
  await server.stock('A', 10);
  await server.stock('B', 10);
  return [server, link];
}
/** Runs a call whose answers from Redis are lost, and waits until Redis is back. */
async function losingReplies(
  server: OpenServer,
  link: RedisLink,
  call: () => Promise<Answer>,
): Promise<Answer> {
  link.hold();
  const answer = await call();
  link.resume();
  await link.cut();
  await expect.poll(async () => (await server.call('GET', '/readyz')).status).toBe(200);
  return answer;
}
function expectUnknown(answer: Answer): void {
  expect([answer.status, answer.body.code, answer.body.outcome]).toEqual([503, 'unavailable', 'unknown']);
  expect(answer.body.advice).toMatch(/^Repeat under the same id/);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
}

test('each order of a batch is told for itself that its outcome is unknown', async () => {
  const [server, link] = await open();
  const order = (orderId: string) => ({ orderId, lines: [{ sku: 'A', quantity: 1 }] });
  const reservations = [order('U-1'), { orderId: 'bad' }, order('U-2')];
  const ask = () => server.call('POST', '/v1/reservations/batch', { reservations });
  const unknown = { status: 503, body: { code: 'unavailable', outcome: 'unknown' } };
  expect((await losingReplies(server, link, ask)).body.results).toMatchObject([
    unknown,
    { status: 400 },
    unknown,
  ]);
  expect((await ask()).body.results).toMatchObject([{ status: 200 }, { status: 400 }, { status: 200 }]);
  expect((await server.call('GET', '/v1/items/A')).body.reserved).toBe(2);
});

test('a sheet that was half locked is locked by the same request again', async () => {
  const [server, link] = await open();
  const start = () =>
    server.call('POST', '/v1/stocktakes', { stocktakeId: 'half', warehouse: 'TPE', skus: ['A', 'B'] });
  expectUnknown(await losingReplies(server, link, start));
  const again = await start();
  expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
  expect(again.body.lines).toMatchObject([{ sku: 'A' }, { sku: 'B' }]);
  const cancel = () => server.call('POST', '/v1/stocktakes/half/cancel');
  await link.cut(true);
  await expect.poll(async () => (await cancel()).body.code).toBe('unavailable');
});

test('a warehouse with more SKUs than a sheet has lines is not locked in part', async () => {
  const [server] = await open({
    read: {
      skusOf: async (_: string, limit: number) => Array.from({ length: limit }, (_, i) => `S-${i}`),
    },
  });
  const before = await server.dump();
  const full = await server.call('POST', '/v1/stocktakes', { stocktakeId: 'full', warehouse: 'TPE' });
  expect(problemOf(full)).toEqual({ status: 409, code: 'stocktake-full' });
  expect(await server.dump()).toBe(before);
});

test('holds are released for a count only when the ledger has heard of all of them', async () => {
  const waits: unknown[][] = [];
  const [server] = await open({
    waitForSequence: async (...wait: unknown[]) => {
      waits.push(wait);
      return false;
    },
  });
  await server.call('POST', '/v1/reservations', { orderId: 'O-1', lines: [{ sku: 'A', quantity: 8 }] });
  await server.call('POST', '/v1/stocktakes', { stocktakeId: 'short', warehouse: 'TPE', sku: 'A' });
  const lockedAt = server.hot.head?.sequence;
  const body = { counted: 5, shortfall: 'release-newest' };
  const answer = await server.call('POST', '/v1/stocktakes/short/complete', body);
  expect([answer.status, answer.body.outcome]).toEqual([503, 'nothing-happened']);
  const { epoch, nonce, link } = server.hot.head ?? {};
  const place = { epoch, nonce, sequence: lockedAt, link };
  expect(waits).toEqual([[server.hot.keys.partition, place, 5_000]]);
  expect((await server.call('GET', '/v1/stocktakes/short')).body.progress).toMatchObject({ open: 1 });
});

test('a warehouse that only the ledger has heard of is told as unknown', async () => {
  const put: string[] = [];
  const [server, link] = await open({
    putWarehouse: async ({ id }: Warehouse) => {
      put.push(id);
      return 'created';
    },
  });
  await link.cut(true);
  const answer = await server.call('PUT', '/v1/warehouses/TPE', { name: 'Taipei' });
  expectUnknown(answer);
  expect(put).toEqual(['TPE']);
});

test('a transfer whose proposal could not be settled is told so, and settles it when repeated', async () => {
  const proposal: Proposal = {
    ...{ id: 7, state: 'open', orderId: 'O-1', sku: 'A', from: 'TPE', to: 'KHH', quantity: 2 },
    ...{ actor: 'order-service', atMs: 0, decidedBy: undefined, decidedAtMs: undefined },
  };
  let isAway = true;
  const [server] = await open({
    transfers: {
      proposal: async () => proposal,
      decide: async () => {
        if (isAway) throw new Error('away');
        return { proposal: { ...proposal, state: 'transferred' }, isDecidedNow: true };
      },
    },
  });
  const transfer = { transferId: 'T-1', sku: 'A', from: 'TPE', to: 'KHH', quantity: 2, proposalId: 7 };
  const send = () => server.call('POST', '/v1/transfers', transfer);
  expectUnknown(await send());
  expect((await server.call('GET', '/v1/items/A')).body.total).toBe(8);
  isAway = false;
  const again = await send();
  expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
  expect((await server.call('GET', '/v1/items/A')).body.total).toBe(8);
});
