/**
 * Goal: told to stop, an API first says so at /readyz and goes on answering, each answer ends its connection, and only then it
 * closes. How long a connection may be idle is set by the environment.
 */
import { Agent, get, type IncomingMessage } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { HTTP_LIMITS_DEFAULT, timeLimits } from '../../src/http/limits.ts';
import { testEngine, testPrefix, testRedisUrl } from '../services.ts';
import { addressOf, type Run, reserve, runProgram } from './run-program.ts';

vi.setConfig({ testTimeout: 120_000 });

async function startApi(env: Record<string, string>): Promise<{ run: Run; url: string }> {
  const engine = await testEngine({ prefix: testPrefix() });
  onTestFinished(() => engine.close());
  await engine.hot.receive({ movementId: 'm', sku: 'A', warehouse: 'TPE', quantity: 10 });
  const run = runProgram('serve', {
    REDIS_URL: testRedisUrl(),
    HOLDFAST_PREFIX: engine.prefix,
    PORT: '0',
    ...env,
  });
  return { run, url: await addressOf(run) };
}

test('told to stop: not ready with its reason, orders are answered and end their connection, then it closes', async () => {
  const { run, url } = await startApi({ HOLDFAST_DRAIN_SECONDS: '20', HOLDFAST_SHUTDOWN_SECONDS: '40' });
  const before = await reserve(url, 'before');
  expect(before.headers.get('connection')).toBe('keep-alive');
  run.process.kill('SIGTERM');
  await run.saying(/"msg":"stopping/);
  const ready = await fetch(`${url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({
    ready: false,
    reason: 'stopping',
    checks: { redis: { ok: true } },
  });
  const after = await reserve(url, 'after');
  expect(after.status).toBe(201);
  expect(after.headers.get('connection')).toBe('close');
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  expect(run.said()).not.toContain('finishing open requests');
  await expect
    .poll(() => run.process.exitCode ?? void run.process.kill('SIGTERM'), { timeout: 20_000 })
    .toBe(1);
});

test('after the drain it ends with 0 by itself', async () => {
  const { run, url } = await startApi({ HOLDFAST_DRAIN_SECONDS: '1' });
  await reserve(url, 'kept');
  run.process.kill('SIGTERM');
  expect(await run.ended).toBe(0);
  expect(run.said()).toMatch(/stopping[\s\S]*closing[\s\S]*closed/);
});

test('an idle connection is kept as long as it is set, and then closed', async () => {
  const { url } = await startApi({ HOLDFAST_KEEP_ALIVE_SECONDS: '1' });
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const answer = await new Promise<IncomingMessage>((resolve, reject) =>
    get(`${url}/livez`, { agent }, resolve).on('error', reject),
  );
  expect(answer.headers['keep-alive']).toMatch(/^timeout=1\b/);
  const { socket } = answer;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  answer.resume();
  await closed;
});

test('times go with each other: a slow request is ended as one before its connection is ended for silence', () => {
  for (const requestMs of [1_000, 10_000, 300_000]) {
    const limits = { ...HTTP_LIMITS_DEFAULT, ...timeLimits(65_000, requestMs) };
    expect(limits.headersMsMax).toBeLessThanOrEqual(limits.requestMsMax);
    expect(limits.requestMsMax + limits.slowClientsCheckMs).toBeLessThan(limits.silenceMsMax);
  }
  expect(HTTP_LIMITS_DEFAULT.keepAliveMsMax).toBeGreaterThan(60_000);
  expect(readConfig({}).keepAliveMs).toBe(HTTP_LIMITS_DEFAULT.keepAliveMsMax);
  expect(readConfig({}).requestMsMax).toBe(HTTP_LIMITS_DEFAULT.requestMsMax);
});
