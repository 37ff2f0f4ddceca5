/**
 * A worker beside what is measured, as in production: a process that carries what Redis decides into a ledger, for which
 * it takes its share of the machine. One process for all measurements; each has a database of its own.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { ask, startChild } from '../child.ts';
import { makeDatabase } from '../ledger-feed.ts';
import type { Stores } from '../stores.ts';
import { WrongStore } from './stored.ts';

/** What the worker is told: begin, tell when all is carried, the same and stop, stop. */
export type Told =
  | { readonly redisUrl: string; readonly databaseUrl: string; readonly partitions?: number }
  | 'drained'
  | 'finish'
  | 'stop';

export interface LedgerWorker {
  /** Begins to carry the partition, which must stand at epoch 1 with nothing decided. */
  begin(): Promise<void>;
  /** Waits until the ledger has everything, stops, and answers the holds it has with an expiry. @throws on drift */
  finish(): Promise<number>;
  close(): Promise<void>;
}

export async function startLedgerWorker(stores: Stores): Promise<LedgerWorker> {
  const serverUrl = await stores.databaseUrl();
  // Made once: a copy of it takes a tenth of the time that its tables take.
  const template = await makeDatabase(serverUrl);
  const child = startChild('peers/worker-process.ts');
  let name: string | undefined;
  const urlOf = (database: string) => Object.assign(new URL(serverUrl), { pathname: database }).href;
  const drop = async () => {
    if (name !== undefined) await query(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`);
    name = undefined;
  };
  return {
    begin: async () => {
      await ask(child, 'stop');
      await drop();
      name = `bench_${randomBytes(6).toString('hex')}`;
      await query(serverUrl, `CREATE DATABASE ${name} TEMPLATE ${new URL(template.url).pathname.slice(1)}`);
      await ask(child, { redisUrl: stores.redisUrl, databaseUrl: urlOf(name) });
    },
    finish: async () => {
      const { findings } = (await ask(child, 'finish')) as { findings: number };
      if (findings > 0) throw new WrongStore('the worker found drift');
      const holds = 'SELECT count(*) FROM reservations WHERE expires_at > now()';
      const [row] = await query(urlOf(name ?? ''), holds);
      await drop();
      return Number(row?.count);
    },
    close: async () => {
      child.kill();
      await drop();
      await template.drop();
    },
  };
}

async function query(databaseUrl: string, statement: string): Promise<{ count?: string }[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  return client.query(statement).then(
    ({ rows }) => client.end().then(() => rows),
    (error: unknown) => client.end().then(() => Promise.reject(error)),
  );
}
