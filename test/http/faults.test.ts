/**
 * Goal: every way in which the engine can fail to answer is told to the caller as what it is: whether anything can have
 * happened, and when to repeat. Method: a real Redis, made to fail in each way.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { openPartition } from '../../src/hotpath/partition.ts';
import { type Answer, type OpenServer, openServer } from './open-server.ts';
import { openRedisLink, type RedisLink } from './redis-link.ts';

const R = '/v1/reservations';
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closers.splice(0).reverse()) await close();
});

async function open(engine: Parameters<typeof openServer>[0] = {}): Promise<OpenServer> {
  const server = await openServer(engine);
  closers.push(() => server.close());
  return server;
}
async function openOverLink(engine: Parameters<typeof openServer>[0] = {}): Promise<[OpenServer, RedisLink]> {
  const link = await openRedisLink();
  closers.push(() => link.cut(true));
  const server = await open({ redisUrl: link.url, timeoutMs: 300, ...engine });
  await server.stock('A', 100);
  return [server, link];
}
const order = (orderId: string, quantity = 1) => ({ orderId, lines: [{ sku: 'A', quantity }] });

function expectFault(answer: Answer, code: string, outcome: string): void {
  expect(answer.status).toBe(503);
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  expect(answer.body).toMatchObject({ code, outcome, advice: expect.stringMatching(/^Repeat/) });
  // What is wrong inside is for the log, not for callers.
  expect(answer.text).not.toMatch(/redis|ECONN|stack|at .*\.ts/i);
}

test('a partition that Redis has forgotten sells nothing until it is rebuilt (D10)', async () => {
  const server = await open();
  await server.redis.del(partitionKeys(server.prefix).control);
  expectFault(await server.call('POST', R, order('N-1')), 'not-ready', 'nothing-happened');
  const ready = await server.call('GET', '/readyz');
  expect(ready.status).toBe(503);
  expect(ready.body).toMatchObject({
    ready: false,
    checks: { redis: { ok: true }, partition: { ok: false } },
  });
  expect((await server.call('GET', '/livez')).status).toBe(200);
  await openPartition(server.redis, partitionKeys(server.prefix), 1);
  const again = await server.call('GET', '/readyz');
  expect(again.status).toBe(200);
  expect(again.body).toMatchObject({
    ready: true,
    checks: { partition: { ok: true }, clock: { message: 'steady' } },
  });
});

test('a lost answer is unknown, and repeating under the same id finds it done (D11)', async () => {
  const [server, link] = await openOverLink();
  link.hold();
  expectFault(await server.call('POST', R, order('U-1')), 'unavailable', 'unknown');
  link.resume();
  await link.cut();
  await expect.poll(async () => (await server.call('GET', '/readyz')).status).toBe(200);
  const again = await server.call('POST', R, order('U-1'));
  expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
  expect((await server.call('GET', '/v1/items/A')).body).toMatchObject({ reserved: 1, available: 99 });
});

test('without a connection nothing is sent, and that is known', async () => {
  const [server, link] = await openOverLink();
  await link.cut(true);
  await expect.poll(async () => (await server.call('GET', R.concat('/none'))).status).toBe(503);
  expectFault(await server.call('POST', R, order('D-1')), 'unavailable', 'nothing-happened');
  const ready = await server.call('GET', '/readyz');
  expect([ready.status, ready.body.checks]).toMatchObject([503, { redis: { ok: false } }]);
  expect((await server.call('GET', '/livez')).status).toBe(200);
});

test('a probe of a Redis that hangs is a no in its own time', async () => {
  const [server, link] = await openOverLink({ timeoutMs: 20_000 });
  link.hold();
  const startedAtMs = performance.now();
  expect((await server.call('GET', '/readyz')).status).toBe(503);
  expect(performance.now() - startedAtMs).toBeLessThan(5_000);
  link.resume();
});

test('more than can wait is refused at once', async () => {
  const [server, link] = await openOverLink({
    timeoutMs: 20_000,
    limits: { queueCommandsMax: 1, batchesInFlightMax: 1 },
  });
  link.hold();
  const batches = server.hot.counts.batches;
  const inFlight = server.call('POST', R, order('O-1'));
  await expect.poll(() => server.hot.counts.batches).toBe(batches + 1);
  const waiting = server.call('POST', R, order('O-2'));
  await expect.poll(() => server.hot.queued).toBe(1);
  const refused = await server.call('POST', R, order('O-3'));
  expectFault(refused, 'unavailable', 'nothing-happened');
  expect(refused.body.detail).toMatch(/^More is asked/);
  link.resume();
  expect([(await inFlight).status, (await waiting).status]).toEqual([201, 201]);
});

test('a ledger far behind stops new promises, not the settling of old ones (D13)', async () => {
  const server = await open({ limits: { backlogEventsMax: 2 } });
  await server.stock('A', 10);
  expect((await server.call('POST', R, order('B-1'))).status).toBe(201);
  expectFault(await server.call('POST', R, order('B-2')), 'ledger-backlog', 'nothing-happened');
  expect((await server.call('POST', `${R}/B-1/confirm`)).status).toBe(200);
});

test('an item whose figures contradict each other is set apart (BR-004)', async () => {
  const server = await open();
  await server.stock('A', 10);
  await server.stock('B', 10);
  await server.redis.hset(partitionKeys(server.prefix).sku('A'), 'TPE', '10 11 0 0 1 0 0');
  const refused = await server.call('POST', R, {
    orderId: 'Q-1',
    lines: [{ sku: 'A', warehouse: 'TPE', quantity: 1 }],
  });
  expectFault(refused, 'quarantined', 'nothing-happened');
  expect(refused.body.items).toEqual([{ sku: 'A', warehouse: 'TPE' }]);
  const other = await server.call('POST', R, { orderId: 'Q-2', lines: [{ sku: 'B', quantity: 1 }] });
  expect(other.status).toBe(201);
});

test('a defect is answered with its request id and nothing else, and logged under it', async () => {
  const server = await open();
  vi.spyOn(server.hot, 'reservation').mockRejectedValue(new TypeError('secret of the inside'));
  const answer = await server.call('GET', `${R}/X-1`);
  expect([answer.status, answer.body.code]).toEqual([500, 'internal']);
  expect(answer.text).not.toContain('secret');
  const line = server.logged.find((logged) => logged.requestId === answer.body.requestId);
  expect(line).toMatchObject({ level: 50, err: { message: 'secret of the inside' } });
});

test('faults by the thousand are one line a second in the log', async () => {
  const server = await open();
  await server.redis.del(partitionKeys(server.prefix).control);
  await Promise.all(Array.from({ length: 200 }, (_, i) => server.call('POST', R, order(`L-${i}`))));
  const lines = server.logged.filter((line) => line.code === 'not-ready');
  expect(lines.length).toBeGreaterThanOrEqual(1);
  expect(lines.length).toBeLessThan(10);
});
