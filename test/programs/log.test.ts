/**
 * Goal: a log that cannot be written neither delays nor ends a process: lines are dropped, counted, and told when it works
 * again. Method: real processes whose standard output is a pipe that nobody reads, a closed one, a full disk; each question
 * to a ledger that is away is a line of the log.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../local/lifetime.ts';
import { freePort } from '../servers/own-redis.ts';
import { testEngine, testPrefix, testRedisUrl } from '../services.ts';
import { isLive, type Run, reserve, runProgram } from './run-program.ts';

const NOBODY = 'postgres://nobody@127.0.0.1:1/nothing';
const QUESTIONS_AT_ONCE = 16;
/** A megabyte of lines has to be made first. */
vi.setConfig({ testTimeout: 240_000 });

async function startApi(stdout: number | 'pipe'): Promise<{ run: Run; url: string }> {
  const engine = await testEngine({ prefix: testPrefix() });
  onTestFinished(() => engine.close());
  await engine.hot.receive({ movementId: 'm', sku: 'A', warehouse: 'TPE', quantity: 1_000 });
  const port = await freePort();
  const env = {
    REDIS_URL: testRedisUrl(),
    DATABASE_URL: NOBODY,
    HOLDFAST_PREFIX: engine.prefix,
    HOLDFAST_DRAIN_SECONDS: '0',
    PORT: String(port),
  };
  const run = runProgram('serve', env, [], ['ignore', stdout, 'pipe']);
  const url = `http://127.0.0.1:${port}`;
  await isLive(run, url);
  return { run, url };
}

async function droppedLines(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^holdfast_log_lines_dropped_total (\d+)$/m.exec(text)?.[1]);
}

/** Asks the ledger until lines of the log are dropped; every question gets its answer. */
async function logUntilDropped(url: string): Promise<void> {
  const ask = async () => expect((await fetch(`${url}/v1/ledger`)).status).toBe(503);
  while ((await droppedLines(url)) === 0) {
    for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: QUESTIONS_AT_ONCE }, ask));
  }
}

function openFifo(folder: string): number {
  execFileSync('mkfifo', [join(folder, 'log')]);
  const fd = openSync(join(folder, 'log'), 'r+');
  onTestFinished(() => closeSync(fd));
  return fd;
}

/** What waits in a pipe now; empty where nothing does. */
function readWaiting(fd: number): string {
  const bytes = Buffer.alloc(65_536);
  let text = '';
  try {
    for (;;) text += bytes.toString('utf8', 0, readSync(fd, bytes));
  } catch {
    return text;
  }
}

test('a pipe that nobody reads: orders go on, lines are dropped, and it ends when told to', async () => {
  const fd = openFifo(await temporaryFolder());
  const { run, url } = await startApi(fd);
  await logUntilDropped(url);
  expect((await reserve(url, 'deaf')).status).toBe(201);
  run.process.kill('SIGTERM');
  expect(await run.ended).toBe(0);
});

test('a pipe that is read again gets the lines that waited and, in one line, how many are missing', async () => {
  const fd = openFifo(await temporaryFolder());
  const { run, url } = await startApi(fd);
  await logUntilDropped(url);
  const dropped = await droppedLines(url);
  let text = '';
  await expect
    .poll(
      () => {
        text += readWaiting(fd);
        return text;
      },
      { timeout: 30_000, interval: 20 },
    )
    .toContain('it works again');
  const told = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { dropped?: number; msg: string })
    .filter(({ msg }) => msg.includes('works again'));
  expect(told).toEqual([expect.objectContaining({ dropped })]);
  expect(await droppedLines(url)).toBe(dropped);
  run.process.kill('SIGTERM');
  expect(await run.ended).toBe(0);
});

test('a closed pipe: orders go on, and it ends when told to', async () => {
  const { run, url } = await startApi('pipe');
  run.process.stdout?.destroy();
  await logUntilDropped(url);
  expect((await reserve(url, 'closed')).status).toBe(201);
  run.process.kill('SIGTERM');
  expect(await run.ended).toBe(0);
});

test.skipIf(process.platform !== 'linux')('a full disk: orders go on, and it ends when told to', async () => {
  const fd = openSync('/dev/full', 'w');
  onTestFinished(() => closeSync(fd));
  const { run, url } = await startApi(fd);
  await logUntilDropped(url);
  expect((await reserve(url, 'full')).status).toBe(201);
  run.process.kill('SIGTERM');
  expect(await run.ended).toBe(0);
});
