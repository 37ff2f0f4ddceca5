/**
 * Goal: the doctor says of each thing whether it is well, names the remedy where it is not, shows no secret, and its exit code
 * is for scripts. Method: the built program against the run's real stores.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { examineClocks } from '../../src/doctor/doctor.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { examineNode, examinePort } from '../../src/doctor/machine.ts';
import { testHoldfast } from '../holdfast.ts';
import { endRedisServers, freePort, linkTo, ownRedis } from '../servers/own-redis.ts';
import { testDatabase, testEngine, testPrefix, testRedisUrl } from '../services.ts';
import { runProgram } from './run-program.ts';

vi.setConfig({ testTimeout: 180_000 });

interface Examined {
  readonly code: number | null;
  readonly said: string;
  readonly findings: readonly Finding[];
  /** The state of a check; several of one name are in order. */
  states(check: string): string[];
}

async function runDoctor(env: Record<string, string>): Promise<Examined> {
  const ports = { PORT: String(await freePort()), HOLDFAST_WORKER_PORT: String(await freePort()) };
  const run = runProgram('doctor', { ...ports, ...env }, ['--json']);
  const code = await run.ended;
  const said = run.said();
  const { findings } = JSON.parse(said) as { findings: Finding[] };
  const states = (check: string) =>
    findings.filter((finding) => finding.check === check).map(({ state }) => state);
  return { code, said, findings, states };
}

test('a Holdfast with a worker that runs: nothing fails, exit code 0', async () => {
  const holdfast = await testHoldfast();
  onTestFinished(() => holdfast.close());
  await holdfast.hot.receive({ movementId: 'm', sku: 'A', warehouse: 'TPE', quantity: 10 });
  const { code, findings, states } = await runDoctor({
    REDIS_URL: testRedisUrl(),
    DATABASE_URL: holdfast.databaseUrl,
    HOLDFAST_PREFIX: holdfast.keys.control.split('{')[0] ?? '',
  });
  expect(findings.filter(({ state }) => state === 'fail')).toEqual([]);
  expect(code).toBe(0);
  for (const check of ['redis', 'redis settings', 'partition', 'postgres', 'tables', 'worker', 'API port'])
    expect(states(check), check).toEqual(['ok']);
  expect(states('clocks')).toEqual(['ok', 'ok', 'ok']);
});

test('stores that are away: each line has its remedy, exit code 1, no password is shown', async () => {
  const { code, said, findings, states } = await runDoctor({
    REDIS_URL: 'redis://api:hush@127.0.0.1:1',
    DATABASE_URL: 'postgres://api:hush@127.0.0.1:1/holdfast',
  });
  expect(code).toBe(1);
  expect([states('redis'), states('postgres')]).toEqual([['fail'], ['fail']]);
  for (const { state, check, remedy } of findings) if (state !== 'ok') expect(remedy, check).toBeTruthy();
  expect(said).not.toContain('hush');
});

test('a partition that nobody opened and a database without tables: how each begins', async () => {
  const engine = await testEngine({ prefix: testPrefix() });
  onTestFinished(() => engine.close());
  await engine.redis.del(engine.hot.keys.control);
  const database = await testDatabase();
  onTestFinished(() => database.drop());
  const { code, findings } = await runDoctor({
    REDIS_URL: testRedisUrl(),
    DATABASE_URL: database.url,
    HOLDFAST_PREFIX: engine.prefix,
  });
  expect(code).toBe(1);
  const failing = Object.fromEntries(
    findings
      .filter(({ state }) => state === 'fail')
      .map(({ check, says, remedy }) => [check, `${says} ${remedy}`]),
  );
  expect(failing).toEqual({
    partition: expect.stringMatching(/^nothing is sold: forgotten: .*npm run work/),
    tables: expect.stringContaining('npm run migrate'),
  });
});

test('settings that break the promise, and replicas that no answer waits for, are told by name', async () => {
  onTestFinished(endRedisServers);
  const primary = await ownRedis();
  await ownRedis([`replicaof 127.0.0.1 ${primary.port}`]);
  const link = await linkTo(primary.url);
  await expect.poll(() => link.info('replication'), { timeout: 60_000 }).toContain('state=online');
  const atFsync = await runDoctor({ REDIS_URL: primary.url });
  expect([atFsync.states('failover'), atFsync.states('repl-backlog-ttl')]).toEqual([['warn'], ['warn']]);
  expect(atFsync.said).toContain('HOLDFAST_REPLICAS=1');

  await link.config('SET', 'repl-backlog-ttl', '0');
  await link.config('SET', 'appendfsync', 'everysec');
  const tooFew = await runDoctor({
    REDIS_URL: primary.url,
    HOLDFAST_ACK: 'replica',
    HOLDFAST_REPLICAS: '2',
  });
  expect(tooFew.code).toBe(1);
  expect(tooFew.states('repl-backlog-ttl')).toEqual([]);
  expect(tooFew.said).toContain('appendfsync is');
  expect(tooFew.said).toContain('1 of 2 replicas are in sync');
});

test('a wrong configuration is told whole, exit code 1', async () => {
  const { code, findings } = await runDoctor({ HOLDFAST_AKC: 'memory', HOLDFAST_DRAIN_SECONDS: '60' });
  expect(code).toBe(1);
  expect(findings.map(({ check, state }) => [check, state])).toEqual([
    ['configuration', 'fail'],
    ['configuration', 'fail'],
  ]);
});

describe('parts', () => {
  test('clocks are compared two by two, less what the way of the answer hides', () => {
    const clocks = (redisMs: number, exactToMs: number) =>
      examineClocks({ Redis: { aheadMs: redisMs, exactToMs }, Postgres: { aheadMs: 0, exactToMs: 1 } }).map(
        ({ state }) => state,
      );
    expect(clocks(400, 1)).toEqual(['ok', 'ok', 'ok']);
    expect(clocks(-2_000, 1)).toEqual(['warn', 'ok', 'warn']);
    expect(clocks(60_000, 1)).toEqual(['fail', 'ok', 'fail']);
    expect(clocks(2_000, 2_000)).toEqual(['ok', 'ok', 'ok']);
    expect(examineClocks({ Redis: undefined, Postgres: undefined })).toEqual([]);
  });

  test('Node: too old fails, without fixes warns', () => {
    expect(
      ['18.20.0', '20.18.3', '20.19.0', '22.0.0', '24.1.0'].map((version) => examineNode(version).state),
    ).toEqual(['fail', 'fail', 'warn', 'ok', 'ok']);
  });

  test('a port that another program has is told with the setting that names it', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const finding = await examinePort('API port', '127.0.0.1', port, 'PORT');
    expect(finding).toMatchObject({ state: 'warn', remedy: expect.stringContaining('PORT') });
  });
});
