/**
 * One real Redis and one real Postgres for the whole run, started before the first test and gone after the last.
 * REDIS_URL and DATABASE_URL in the environment are used instead where they are set.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../src/ledger/migrate.ts';
import { startPostgres } from '../src/local/postgres-server.ts';
import type { EngineChoice } from '../src/local/redis-engines.ts';
import { startRedis } from '../src/local/redis-server.ts';

const PREPARE = fileURLToPath(new URL('../src/prepare.mjs', import.meta.url));

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string;
    databaseUrl: string;
    /** A database with the ledger's tables, to be copied. */
    ledgerTemplate: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Tests that start a program start the built one, in a third of the time.
  execFileSync(process.execPath, [PREPARE], { stdio: 'inherit' });
  const folder = await mkdtemp(join(await folderOfStores(), 'holdfast-test-'));
  // Run by root, Postgres belongs to another user, who must be able to reach its folder.
  await chmod(folder, 0o755);
  const stops: (() => Promise<void>)[] = [];
  const log = (line: string) => console.log(line);
  let { REDIS_URL: redisUrl, DATABASE_URL: databaseUrl } = process.env;
  if (!redisUrl) {
    // The oldest that is supported; all tests run on another where HOLDFAST_LOCAL_REDIS names it.
    const engine = (process.env.HOLDFAST_LOCAL_REDIS || 'debian') as EngineChoice;
    const redis = await startRedis({ dataFolder: folder, engine, log });
    stops.push(() => redis.stop());
    redisUrl = redis.url;
  }
  if (!databaseUrl) {
    const postgres = await startPostgres({ dataFolder: folder, log });
    stops.push(() => postgres.stop());
    databaseUrl = postgres.url;
  }
  project.provide('redisUrl', redisUrl);
  project.provide('databaseUrl', databaseUrl);
  project.provide('ledgerTemplate', await makeLedgerTemplate(databaseUrl, stops));
  return async () => {
    for (const stop of stops.reverse()) await stop();
    await rm(folder, { recursive: true, force: true });
  };
}

async function makeLedgerTemplate(databaseUrl: string, stops: (() => Promise<void>)[]): Promise<string> {
  const name = `ledger_${randomBytes(6).toString('hex')}`;
  await administer(databaseUrl, `CREATE DATABASE ${name}`);
  stops.push(() => administer(databaseUrl, `DROP DATABASE ${name} WITH (FORCE)`));
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  await migrate(url.href);
  return name;
}

async function administer(databaseUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

/** What the stores of one run need at most: Postgres keeps up to 2 GB of its write-ahead log. */
const STORE_BYTES_MAX = 4 * 1_024 ** 3;

/** Memory where the machine has a folder of it: no test pulls the plug, so none needs a disk, and each sync is free. */
export async function folderOfStores(): Promise<string> {
  const shared = await statfs('/dev/shm').catch(() => undefined);
  return shared && shared.bavail * shared.bsize > STORE_BYTES_MAX ? '/dev/shm' : tmpdir();
}
