/**
 * What the processes of a shop have used so far, and the difference of two readings, per order. Promises: each process is
 * counted by itself; what is unknown (no /proc) is NaN, not 0.
 */
import { readFile } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import { cpuSeconds } from '../cpu.ts';
import { query } from './ledger-database.ts';

const PROCESSES = ['API', 'Redis', 'worker', 'Postgres'] as const;
export type Pids = Readonly<Record<(typeof PROCESSES)[number], number>>;

/** Counters that only grow. Bytes, calls, and processor time in microseconds. */
export interface Reading {
  readonly cpuUs: Pids;
  /** Each is synced before anybody has an answer. */
  readonly fileWrites: number;
  readonly fileBytes: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Batches that changed something. */
  readonly batches: number;
  readonly walBytes: number;
}

/** The rows of the tables, with their units. */
export const ROWS = {
  'CPU of API': 'us/order',
  'CPU of Redis': 'us/order',
  'CPU of worker': 'us/order',
  'CPU of Postgres': 'us/order',
  'orders in a batch': 'orders',
  'syncs of Redis': 'in 1,000 orders',
  'append-only file': 'bytes/order',
  'network of Redis, in': 'bytes/order',
  'network of Redis, out': 'bytes/order',
  'HTTP, request and answer': 'bytes/order',
  'WAL of Postgres': 'bytes/order',
  'Redis, held': 'bytes/order',
  'Redis, resident / used': 'x',
  'Postgres, tables and indexes': 'bytes/order',
} as const;
export type Row = keyof typeof ROWS;

/** A number of INFO. @throws where it is missing: a missing figure is not 0 */
export function infoNumber(info: string, field: string): number {
  const text = new RegExp(`^${field}:(\\d+(?:\\.\\d+)?)`, 'm').exec(info)?.[1];
  if (text === undefined) throw new Error(`INFO has no ${field}`);
  return Number(text);
}

/** Calls of write(2) and its like, of the text of /proc/<pid>/io. */
export function writeCalls(io: string): number {
  return Number(/^syscw: (\d+)$/m.exec(io)?.[1] ?? Number.NaN);
}

/** @param batches that changed something, so far */
export async function takeReading(
  redis: Redis,
  postgres: pg.Client,
  pids: Pids,
  batches: () => Promise<number>,
): Promise<Reading> {
  const cpu = PROCESSES.map(
    async (name) => [name, ((await cpuSeconds(pids[name])) ?? Number.NaN) * 1e6] as const,
  );
  const [info, io] = await Promise.all([
    redis.info('everything'),
    readFile(`/proc/${pids.Redis}/io`, 'utf8').catch(() => ''),
  ]);
  const wal = `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS bytes`;
  return {
    cpuUs: Object.fromEntries(await Promise.all(cpu)) as Pids,
    // Redis writes to sockets, which it counts itself, and to its file, each time followed by a sync.
    fileWrites: writeCalls(io) - infoNumber(info, 'total_writes_processed'),
    fileBytes: infoNumber(info, 'aof_current_size'),
    bytesIn: infoNumber(info, 'total_net_input_bytes'),
    bytesOut: infoNumber(info, 'total_net_output_bytes'),
    batches: await batches(),
    walBytes: (await postgres.query<{ bytes: number }>(wal)).rows[0]?.bytes ?? Number.NaN,
  };
}

/** What each order cost between two readings. */
export function perOrder(before: Reading, after: Reading, orders: number): Map<Row, number> {
  const each = (read: (reading: Reading) => number) => (read(after) - read(before)) / orders;
  return new Map<Row, number>([
    ...PROCESSES.map((name): [Row, number] => [`CPU of ${name}`, each(({ cpuUs }) => cpuUs[name])]),
    ['orders in a batch', 1 / each(({ batches }) => batches)],
    ['syncs of Redis', each(({ fileWrites }) => fileWrites) * 1_000],
    ['append-only file', each(({ fileBytes }) => fileBytes)],
    ['network of Redis, in', each(({ bytesIn }) => bytesIn)],
    ['network of Redis, out', each(({ bytesOut }) => bytesOut)],
    ['WAL of Postgres', each(({ walBytes }) => walBytes)],
  ]);
}

/** Bytes of the ledger's tables and indexes. */
export async function sizeOfLedger(databaseUrl: string): Promise<number> {
  const [row] = await query<{ bytes: number }>(
    databaseUrl,
    `SELECT sum(pg_total_relation_size(oid))::float8 AS bytes FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
  );
  return row?.bytes ?? Number.NaN;
}
