/**
 * A Postgres that one test file has for itself, of the release it asks for: for what the run's Postgres cannot show, because
 * it is of one release, and because its roles and settings belong to all.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../../src/local/postgres-server.ts';
import { folderOfStores } from '../stores.ts';
import { postgresRelease } from './releases.ts';

export interface OwnPostgres {
  /** As its superuser. */
  readonly url: string;
  /** A folder that the server's user can read. */
  readonly folder: string;
  /** Runs statements one by one, as the superuser. */
  run(...statements: string[]): Promise<void>;
  /** A user who may log in, with a password that a URL has to spell in its own way. */
  makeUser(name: string, attributes?: string): Promise<void>;
  /** An empty database of this user's. */
  makeDatabase(owner?: string, options?: string): Promise<string>;
  /** The URL of a database, as this user. */
  urlOf(database: string, user?: string): string;
  stop(): Promise<void>;
}

/** What a URL cannot have as it is. */
const PASSWORD = 'p@ss:/?#%25 w&r=d';

/**
 * Starts one; undefined, after a line that says why, where that release cannot be had.
 * Only `HOLDFAST_TEST_SERVERS=1` has all releases.
 */
export async function startOwnPostgres(major: number): Promise<OwnPostgres | undefined> {
  const folder = await mkdtemp(join(await folderOfStores(), 'holdfast-postgres-'));
  await chmod(folder, 0o755);
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const search = await postgresRelease(major, process.env.HOLDFAST_TEST_SERVERS === '1');
    const server = await startPostgres({ ...search, dataFolder: folder, log: () => {} });
    const stop = () => server.stop().then(remove);
    const [found] = await query(server.url, 'SHOW server_version');
    if (Number.parseInt(String(found?.server_version), 10) !== major) {
      await stop();
      throw new Error(`what is here is ${found?.server_version}`);
    }
    return { ...administration(server.url), folder, stop };
  } catch (error) {
    await remove();
    console.log(`skipped, no Postgres ${major}: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

function administration(url: string) {
  const run = async (...statements: string[]) => {
    for (const statement of statements) await query(url, statement);
  };
  return {
    url,
    run,
    makeUser: (name: string, attributes = '') =>
      run(`CREATE ROLE ${name} LOGIN PASSWORD '${PASSWORD}' ${attributes}`),
    makeDatabase: async (owner?: string, options = '') => {
      const name = `own_${randomBytes(5).toString('hex')}`;
      await run(`CREATE DATABASE ${name} ${owner === undefined ? '' : `OWNER ${owner}`} ${options}`);
      return name;
    },
    urlOf: (database: string, user?: string) => {
      const at = new URL(url);
      at.pathname = `/${database}`;
      if (user === undefined) return at.href;
      at.username = user;
      // The setter of URL leaves % as it is.
      at.password = encodeURIComponent(PASSWORD);
      return at.href;
    },
  };
}

/** One statement over a connection of its own. */
export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
