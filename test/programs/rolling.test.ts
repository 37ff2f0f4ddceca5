/**
 * Goal: two API processes behind a balancer are replaced one after the other, and no request fails, though nobody repeats any.
 * Method: real processes; a small balancer that asks /readyz of both and sends each order to one that is ready, over
 * connections that it keeps.
 */
import { Agent, request } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { freePort } from '../servers/own-redis.ts';
import { testEngine, testPrefix, testRedisUrl } from '../services.ts';
import { isLive, type Run, runProgram } from './run-program.ts';

const ROLLS = 4;
const DRAIN_SECONDS = 3;
const READY_POLL_MS = 50;
const BUYERS = 8;
/** Buyers leave a busy machine some time to start processes. */
const THINK_MS = 5;
vi.setConfig({ testTimeout: 480_000 });

interface Backend {
  readonly port: number;
  run: Run;
  isReady: boolean;
}

/** An order, over a kept connection; its status, or the error of the connection. */
function order(agent: Agent, port: number, orderId: string): Promise<number | string> {
  const body = JSON.stringify({ orderId, lines: [{ sku: 'A', quantity: 1 }] });
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const asked = request({
      agent,
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/v1/reservations',
      headers,
    });
    asked.on('response', (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0)));
    asked.on('error', (error) => resolve(error.message));
    asked.end(body);
  });
}

test('rolling two API processes: no request fails', async () => {
  const engine = await testEngine({ prefix: testPrefix() });
  onTestFinished(() => engine.close());
  await engine.hot.receive({ movementId: 'm', sku: 'A', warehouse: 'TPE', quantity: 1_000_000 });
  const start = (port: number) =>
    runProgram('serve', {
      REDIS_URL: testRedisUrl(),
      HOLDFAST_PREFIX: engine.prefix,
      HOLDFAST_DRAIN_SECONDS: String(DRAIN_SECONDS),
      PORT: String(port),
    });
  const backends: Backend[] = [];
  for (let i = 0; i < 2; i++) {
    const port = await freePort();
    backends.push({ port, run: start(port), isReady: false });
  }

  let isOver = false;
  const poll = async (backend: Backend) => {
    while (!isOver) {
      const answer = await fetch(`http://127.0.0.1:${backend.port}/readyz`).catch(() => undefined);
      await answer?.body?.cancel();
      backend.isReady = answer?.ok ?? false;
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  };
  const polls = backends.map(poll);
  await expect.poll(() => backends.every(({ isReady }) => isReady), { timeout: 60_000 }).toBe(true);

  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const answers = new Map<number | string, number>();
  let orders = 0;
  const buy = async () => {
    while (!isOver) {
      const ready = backends.filter(({ isReady }) => isReady);
      const backend = ready[orders % ready.length];
      if (backend) {
        const answer = await order(agent, backend.port, `roll-${orders++}`);
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
      }
      await new Promise((resolve) => setTimeout(resolve, THINK_MS));
    }
  };
  const buyers = Array.from({ length: BUYERS }, buy);

  for (let roll = 0; roll < ROLLS; roll++) {
    const backend = backends[roll % 2] as Backend;
    const ordersBefore = orders;
    backend.run.process.kill('SIGTERM');
    expect(await backend.run.ended).toBe(0);
    expect(orders).toBeGreaterThan(ordersBefore);
    backend.run = start(backend.port);
    await isLive(backend.run, `http://127.0.0.1:${backend.port}`);
    await expect.poll(() => backend.isReady, { timeout: 60_000 }).toBe(true);
  }
  isOver = true;
  await Promise.all([...buyers, ...polls]);
  expect([...answers.keys()]).toEqual([201]);
});
