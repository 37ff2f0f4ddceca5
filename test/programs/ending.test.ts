/**
 * Goal: a process that cannot start ends, one that can goes on without its ledger, and one that is told to end leaves nothing
 * behind, whoever was told: npm, the process, or the whole group.
 */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { makeFolder, removeFolder } from '../local/lifetime.ts';
import { freePort } from '../servers/own-redis.ts';
import { ledgerDatabase, testEngine, testPrefix, testRedisUrl } from '../services.ts';
import { addressOf, isLive, type Run, reserve, runCommand, runProgram } from './run-program.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
vi.setConfig({ testTimeout: 240_000 });

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
const gone = (pid: number) => expect.poll(() => isRunning(pid), { timeout: 60_000 }).toBe(false);

/** A shop with stock of A, and a database with the ledger's tables. */
async function openShop() {
  const engine = await testEngine({ prefix: testPrefix() });
  onTestFinished(() => engine.close());
  await engine.hot.receive({ movementId: 'm', sku: 'A', warehouse: 'TPE', quantity: 10 });
  const database = await ledgerDatabase();
  onTestFinished(() => database.drop());
  return { engine, database };
}

test('a worker whose port is taken says so, ends with 1, and does not take the partition', async () => {
  const { engine, database } = await openShop();
  const port = await takenPort();
  const run = runProgram('work', {
    REDIS_URL: testRedisUrl(),
    DATABASE_URL: database.url,
    HOLDFAST_PREFIX: engine.prefix,
    HOLDFAST_WORKER_PORT: String(port),
  });
  expect(await run.ended).toBe(1);
  expect(run.said()).toContain(
    `Holdfast cannot start: listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
  );
  expect(run.said()).not.toMatch(/copying the partition|^ {4}at /m);
});

test('an API whose ledger is away says so once, sells, and says once that it is back', async () => {
  const { engine, database } = await openShop();
  const port = await freePort();
  const address = new URL(database.url);
  const { hostname, port: realPort } = address;
  address.hostname = '127.0.0.1';
  address.port = String(port);
  const run = runProgram('serve', {
    REDIS_URL: testRedisUrl(),
    DATABASE_URL: address.href,
    HOLDFAST_PREFIX: engine.prefix,
    HOLDFAST_DRAIN_SECONDS: '0',
    PORT: '0',
  });
  const url = await addressOf(run);
  expect((await reserve(url, 'sold')).status).toBe(201);
  await run.saying(/the ledger does not answer: orders go on/);

  const sockets = new Set<Socket>();
  const link = createServer((near) => {
    const far = connect(Number(realPort), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => near.destroy() && far.destroy());
    }
    near.pipe(far).pipe(near);
  }).listen(port, '127.0.0.1');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    link.close();
  });
  await run.saying(/the ledger answers again/);
  expect(run.said().match(/orders go on/g)).toHaveLength(1);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/^holdfast_requests_total/m);
  expect(metrics).not.toMatch(/^holdfast_(worker_active|ledger_lag|partition_ready|audit|webhook)/m);
  run.process.kill('SIGTERM');
  expect(await run.ended).toBe(0);
});

/** The process that wrote a line of the log. */
async function writerOf(run: Run): Promise<number> {
  return Number((await run.saying(/"pid":(\d+),.*"msg":"listening"/))[1]);
}

test.each(['npm', 'the group of processes'])('npm run serve, SIGTERM to %s: nothing stays', async (whom) => {
  const { engine } = await openShop();
  const env = {
    REDIS_URL: testRedisUrl(),
    HOLDFAST_PREFIX: engine.prefix,
    HOLDFAST_DRAIN_SECONDS: '1',
    PORT: '0',
    HOME: process.env.HOME ?? '',
  };
  const run = runCommand('npm', ['run', 'serve'], { env, cwd: ROOT, detached: true });
  const pid = await writerOf(run);
  const npm = run.process.pid ?? 0;
  process.kill(whom === 'npm' ? npm : -npm, 'SIGTERM');
  await run.ended;
  await gone(pid);
  // The group's signal comes twice, once from npm: it must not cut the drain short.
  expect(run.said()).toContain('"msg":"closed"');
});

test('npm start on a taken port takes another; SIGTERM to npm also ends the stores', async () => {
  const folder = await makeFolder();
  onTestFinished(() => removeFolder(folder));
  const port = await takenPort();
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    HOLDFAST_DATA: folder,
    HOLDFAST_DRAIN_SECONDS: '0',
    PORT: String(port),
  };
  const run = runCommand('npm', ['start'], { env, cwd: ROOT, detached: true });
  const url = (await run.saying(/API +(http:\S+)/))[1] ?? '';
  expect(url).not.toContain(`:${port}`);
  await isLive(run, url);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/^holdfast_worker_active 1$/m);
  const redis = pidIn(join(folder, 'redis/redis.pid'));
  expect(isRunning(redis)).toBe(true);
  run.process.kill('SIGTERM');
  await run.ended;
  await gone(redis);
  expect(run.said()).toContain('Stopped.');
});

test('npm start that is told to end while it starts ends the stores that it began', async () => {
  const folder = await makeFolder();
  onTestFinished(() => removeFolder(folder));
  const run = runProgram('start', { HOLDFAST_DATA: folder, PORT: '0', HOLDFAST_SHUTDOWN_SECONDS: '120' });
  const file = join(folder, 'redis/redis.pid');
  await expect.poll(() => existsSync(file) && pidIn(file) > 0, { timeout: 60_000 }).toBe(true);
  const redis = pidIn(file);
  run.process.kill('SIGTERM');
  expect(await run.ended).toBe(0);
  await gone(redis);
});

const pidIn = (file: string) => Number.parseInt(readFileSync(file, 'utf8'), 10);
