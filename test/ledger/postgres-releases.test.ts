/**
 * Each supported release of Postgres, with users who are no superusers: rights, and the lease of a holder that stands still.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPool } from '../../src/ledger/connection.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { poll } from '../../src/timing/retry.ts';
import { until } from '../holdfast.ts';
import { type OwnPostgres, startOwnPostgres } from '../servers/own-postgres.ts';
import { POSTGRES_MAJORS } from '../servers/releases.ts';

/** Four may have to be fetched. */
const SERVERS_MS_MAX = 300_000;
/** The promise: a worker that stands still has lost its lease after this time. */
const TAKEOVER_MS_MAX = 15_000;
const LEDGER = new URL('../../dist/ledger/ledger.js', import.meta.url).href;
/** Takes the lease of partition 0, lets its loop stand still for 6 s, and says when it sees that it has lost the lease. */
const HOLDER = `
const { openLedger } = await import(process.env.LEDGER);
const ledger = await openLedger({ databaseUrl: process.env.URL });
const lease = await ledger.tryBecomeWorker(0);
console.log('held');
let ticks = 0;
const timer = setInterval(() => {
  if (ticks++ === 0) {
    const until = performance.now() + 6_000;
    while (performance.now() < until);
    console.log('stalled');
  }
  if (lease.isHeld) return;
  console.log('lost');
  clearInterval(timer);
  ledger.close();
}, 20);
process.on('SIGTERM', () => process.exit());`;

/** After the 6 s: together longer than the server waits for a silent holder. */
const WATCH_MS = 6_000;

/** Asks until there is an answer; undefined where there is none in this time. */
function within<T>(
  timeoutMs: number,
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T | undefined> {
  return poll(async () => (await ask()) || undefined, { everyMs: 100, timeoutMs });
}

interface Holder {
  readonly process: ChildProcess;
  readonly said: () => string;
}

function startHolder(url: string): Holder {
  const env = { ...process.env, LEDGER, URL: url };
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER], { env });
  let text = '';
  const add = (chunk: Buffer) => {
    text += chunk;
  };
  child.stdout.on('data', add);
  child.stderr.on('data', add);
  return { process: child, said: () => text };
}

async function userOf(url: string, role: 'holdfast_writer' | 'holdfast_api'): Promise<[string, string[]]> {
  const lines: string[] = [];
  const say = (line: string) => lines.push(line);
  const pool = openPool({ databaseUrl: url, role, statementTimeoutMs: 9_000, applicationName: 't', say }, 1);
  try {
    const { rows } = await pool.query('SELECT current_user::text AS name');
    return [rows[0].name, lines];
  } finally {
    await pool.end();
  }
}

const servers = new Map<number, OwnPostgres>();
beforeAll(async () => {
  const start = async (major: number) => {
    const server = await startOwnPostgres(major);
    await server?.makeUser('owner', 'CREATEROLE');
    if (server) servers.set(major, server);
  };
  await Promise.all(POSTGRES_MAJORS.map(start));
}, SERVERS_MS_MAX);
afterAll(async () => {
  for (const server of servers.values()) await server.stop();
});

describe.each(POSTGRES_MAJORS)('on Postgres %i', (major) => {
  test('an owner without superuser migrates, and its connections take the roles', async ({ skip }) => {
    const postgres = servers.get(major);
    if (!postgres) return skip();
    const url = postgres.urlOf(await postgres.makeDatabase('owner'), 'owner');
    expect((await migrate(url)).rights).toBe('granted');
    expect(await migrate(url)).toEqual({ applied: [], rights: 'granted' });
    expect(await userOf(url, 'holdfast_writer')).toEqual(['holdfast_writer', []]);
    expect(await userOf(url, 'holdfast_api')).toEqual(['holdfast_api', []]);
    const ledger = await openLedger({ databaseUrl: url });
    expect(await ledger.workerState(0)).toMatchObject({ isRunning: false });
    await ledger.close();
  });

  test('an owner to whom somebody else gave no role keeps its own rights, and says so', async ({ skip }) => {
    const postgres = servers.get(major);
    if (!postgres) return skip();
    const url = postgres.urlOf(await postgres.makeDatabase('owner'), 'owner');
    await migrate(url); // where this test runs alone, the roles are made here
    await postgres.makeUser('second');
    const own = postgres.urlOf(await postgres.makeDatabase('second'), 'second');
    expect((await migrate(own)).rights).toBe('granted');
    const [user, lines] = await userOf(own, 'holdfast_writer');
    expect(user).toBe('second');
    expect(lines).toEqual([expect.stringContaining('GRANT holdfast_writer TO "second"')]);
    const ledger = await openLedger({ databaseUrl: own });
    await ledger.close();
  });

  test('a user who is no member is refused with the words that make it one', async ({ skip }) => {
    const postgres = servers.get(major);
    if (!postgres) return skip();
    const database = await postgres.makeDatabase('owner');
    await migrate(postgres.urlOf(database, 'owner'));
    await postgres.makeUser('stranger');
    const url = postgres.urlOf(database, 'stranger');
    const attempt = () => openLedger({ databaseUrl: url, role: 'holdfast_api' });
    await expect(attempt()).rejects.toThrow('GRANT holdfast_api TO');
    await postgres.run('GRANT holdfast_api TO stranger');
    await (await attempt()).close();
    expect(await userOf(url, 'holdfast_api')).toEqual(['holdfast_api', []]);
    if (major < 16) return;
    await postgres.run('GRANT holdfast_api TO stranger WITH SET FALSE');
    expect(await userOf(url, 'holdfast_api')).toEqual(['stranger', [expect.stringContaining('own user')]]);
  });
});

// Each waits for most of its time: all releases at once.
describe.concurrent.each(POSTGRES_MAJORS)('on Postgres %i', (major) => {
  test('a holder keeps the lease while its loop stands still for 6 s, and loses it when it is stopped', async ({
    skip,
  }) => {
    const postgres = servers.get(major);
    if (!postgres) return skip();
    const url = postgres.urlOf(await postgres.makeDatabase());
    await migrate(url);
    const holder = startHolder(url);
    const ledger = await openLedger({ databaseUrl: url });
    try {
      await until(() => holder.said().includes('stalled'));
      expect(await ledger.tryBecomeWorker(0)).toBeUndefined();
      await within(WATCH_MS, () => holder.said().includes('lost'));
      expect(holder.said()).toBe('held\nstalled\n');
      holder.process.kill('SIGSTOP');
      const lease = await within(TAKEOVER_MS_MAX, () => ledger.tryBecomeWorker(0));
      holder.process.kill('SIGCONT');
      await until(() => holder.said().includes('lost'));
      expect(lease?.isHeld).toBe(true);
      expect((await ledger.workerState(0)).isRunning).toBe(true);
      await lease?.release();
    } finally {
      holder.process.kill('SIGKILL');
      await ledger.close();
    }
  });
});
