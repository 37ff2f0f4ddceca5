/**
 * Goal: the API as a process: it says what is wrong with its configuration, it listens, and told to stop it finishes what
 * it has begun. Method: real processes against a real Redis; conditions are awaited.
 */
import { afterEach, expect, test } from 'vitest';
import { addressOf, type Run, reserve, runProgram } from '../programs/run-program.ts';
import { type TestEngine, testEngine, testPrefix, testRedisUrl } from '../services.ts';
import { openRedisLink } from './redis-link.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const runServe = (env: Record<string, string>): Run =>
  runProgram('serve', { PORT: '0', HOLDFAST_DRAIN_SECONDS: '0', ...env });

async function openPartition(): Promise<TestEngine> {
  const engine = await testEngine({ prefix: testPrefix() });
  closers.push(() => engine.close());
  await engine.hot.receive({ movementId: 'm', sku: 'A', warehouse: 'TPE', quantity: 10 });
  return engine;
}

test('it listens, answers the first order at once, and ends with 0 when told to', async () => {
  const { prefix } = await openPartition();
  const run = runServe({ REDIS_URL: testRedisUrl(), HOLDFAST_PREFIX: prefix, HOLDFAST_HOLD_SECONDS: '60' });
  const url = await addressOf(run);
  const answer = await reserve(url, 'first');
  expect(answer.status).toBe(201);
  const { reservedAt, expiresAt } = (await answer.json()) as { reservedAt: string; expiresAt: string };
  expect(Date.parse(expiresAt) - Date.parse(reservedAt)).toBe(60_000);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^process_cpu_seconds_total \d/m);
  expect((await fetch(`${url}/v1/ledger`)).status).toBe(503);
  run.process.kill('SIGTERM');
  expect(await run.ended).toBe(0);
  expect(run.said()).toContain('"msg":"closed"');
});

test('told to stop it answers the order under way first', async () => {
  const { prefix, hot } = await openPartition();
  const link = await openRedisLink();
  closers.push(() => link.cut(true));
  const run = runServe({ REDIS_URL: link.url, HOLDFAST_PREFIX: prefix });
  const url = await addressOf(run);
  await reserve(url, 'before');
  link.hold();
  const underWay = reserve(url, 'under-way');
  await expect.poll(async () => (await hot.reservation('under-way')).outcome).toBe('done');
  run.process.kill('SIGTERM');
  await expect.poll(() => run.said()).toContain('finishing open requests');
  link.resume();
  expect((await underWay).status).toBe(201);
  expect(await run.ended).toBe(0);
});

test('told twice it ends at once, and after its time in any case', async () => {
  const { prefix, hot } = await openPartition();
  const link = await openRedisLink();
  closers.push(() => link.cut(true));
  const env = {
    REDIS_URL: link.url,
    HOLDFAST_PREFIX: prefix,
    HOLDFAST_REDIS_TIMEOUT_MS: '60000',
    HOLDFAST_SHUTDOWN_SECONDS: '2',
  };
  const runs = [runServe({ ...env, HOLDFAST_SHUTDOWN_SECONDS: '60' }), runServe(env)];
  const urls = await Promise.all(runs.map(addressOf));
  link.hold();
  const underWay = urls.map((url, i) => reserve(url, `stuck-${i}`).catch(() => undefined));
  for (const i of [0, 1])
    await expect.poll(async () => (await hot.reservation(`stuck-${i}`)).outcome).toBe('done');
  for (const run of runs) run.process.kill('SIGTERM');
  for (const run of runs) await expect.poll(() => run.said()).toContain('finishing open requests');
  await expect
    .poll(() => runs[0]?.process.exitCode ?? void runs[0]?.process.kill('SIGTERM'), { timeout: 20_000 })
    .toBe(1);
  expect(await Promise.all(runs.map((run) => run.ended))).toEqual([1, 1]);
  await Promise.all(underWay);
});

test('what is wrong at start is said in words, all at once, and without passwords', async () => {
  const wrong = runServe({ PORT: 'http', HOLDFAST_AKC: 'memory', DATABASE_URL: 'mysql://u:hush@h/d' });
  expect(await wrong.ended).toBe(1);
  for (const name of ['PORT', 'REDIS_URL', 'DATABASE_URL', 'HOLDFAST_AKC'])
    expect(wrong.said()).toContain(`  - ${name}: `);
  expect(wrong.said()).not.toMatch(/hush|^ {4}at /m);

  const { prefix } = await openPartition();
  const nowhere = new URL(testRedisUrl());
  nowhere.port = '1';
  nowhere.password = 'hush';
  const alone = runServe({ REDIS_URL: nowhere.href, HOLDFAST_PREFIX: prefix });
  expect(await alone.ended).toBe(1);
  expect(alone.said()).not.toContain('hush');
});
