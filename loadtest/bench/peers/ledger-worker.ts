/**
 * A worker in a process of its own, as in production: it copies what Redis decides into a ledger, for which it takes its
 * share of the machine. One process for all measurements; each has a database of its own.
 */
import { ask, startChild } from '../child.ts';
import { type LedgerDatabase, makeDatabase, query } from '../ledger-database.ts';
import type { Stores } from '../stores.ts';
import { WrongStore } from './peer.ts';

/** The commands of worker-process.ts: begin; answer when all is copied; the same and stop; stop. */
export type Told =
  | { readonly redisUrl: string; readonly databaseUrl: string }
  | 'drained'
  | 'finish'
  | 'stop';

export interface LedgerWorker {
  readonly pid: number;
  /** Begins with an empty ledger; the partition must be at epoch 1. */
  begin(): Promise<{ databaseUrl: string }>;
  stop(): Promise<void>;
  /** Resolves when the ledger has everything. @throws on drift */
  drained(): Promise<void>;
  /** The same, then stops, drops the ledger, and answers the number of its holds with an expiry. @throws on drift */
  finish(): Promise<number>;
  close(): Promise<void>;
}

export async function startLedgerWorker({ databaseUrl: find, redisUrl }: Stores): Promise<LedgerWorker> {
  const serverUrl = await find();
  const template = await makeDatabase(serverUrl);
  const child = startChild('peers/worker-process.ts');
  let ledger: LedgerDatabase | undefined;
  const drop = async () => {
    await ledger?.drop();
    ledger = undefined;
  };
  const told = async (command: 'drained' | 'finish') => {
    const { findings } = (await ask(child, command)) as { findings: number };
    if (findings > 0) throw new WrongStore('the worker found drift');
  };
  const stop = async () => void (await ask(child, 'stop'));
  const start = async () => void (await ask(child, { redisUrl, databaseUrl: ledger?.url ?? '' }));
  return {
    pid: child.pid ?? 0,
    begin: async () => {
      await stop();
      await drop();
      ledger = await makeDatabase(serverUrl, template);
      await start();
      return { databaseUrl: ledger.url };
    },
    stop,
    drained: () => told('drained'),
    finish: async () => {
      await told('finish');
      const holds = 'SELECT count(*)::int AS holds FROM reservations WHERE expires_at > now()';
      const [row] = await query<{ holds: number }>(ledger?.url ?? '', holds);
      await drop();
      return row?.holds ?? Number.NaN;
    },
    close: async () => {
      child.kill();
      await drop();
      await template.drop();
    },
  };
}
