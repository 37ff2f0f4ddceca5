/** Databases with the ledger's tables, made for one measurement and dropped after it. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrate } from '../../src/ledger/migrate.ts';

export interface LedgerDatabase {
  readonly name: string;
  readonly url: string;
  drop(): Promise<void>;
}

/** @param databaseUrl of a user who may make databases @param template to copy: ten times as fast as a migration */
export async function makeDatabase(databaseUrl: string, template?: LedgerDatabase): Promise<LedgerDatabase> {
  const name = `bench_${randomBytes(6).toString('hex')}`;
  await query(databaseUrl, `CREATE DATABASE ${name}${template ? ` TEMPLATE ${template.name}` : ''}`);
  const url = Object.assign(new URL(databaseUrl), { pathname: name }).href;
  if (!template) await migrate(url);
  return {
    name,
    url,
    drop: async () => void (await query(databaseUrl, `DROP DATABASE ${name} WITH (FORCE)`)),
  };
}

/** One statement on a connection of its own. */
export async function query<T extends pg.QueryResultRow>(
  databaseUrl: string,
  statement: string,
): Promise<T[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<T>(statement)).rows;
  } finally {
    await client.end();
  }
}
