/**
 * What the processes of a shop have used so far, and the difference of two readings, per order. Promises: each process is
 * counted by itself; what is unknown (no /proc) is NaN, not 0.
 */
import { readFile } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import { cpuSeconds } from '../../load/cpu.ts';

export const PROCESSES = ['API', 'Redis', 'worker', 'Postgres'] as const;
export type ProcessName = (typeof PROCESSES)[number];

/** Counters that only grow. Bytes, calls, and processor time in microseconds. */
export interface Reading {
  readonly cpuUs: Readonly<Record<ProcessName, number>>;
  /** Each is synced before anybody has an answer. */
  readonly fileWrites: number;
  readonly fileBytes: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Batches that changed something. */
  readonly batches: number;
  readonly walBytes: number;
  readonly atMs: number;
}

/** The rows of the growth tables, with their units. */
export const ROWS = {
  'CPU of the API': 'us/order',
  'CPU of Redis': 'us/order',
  'CPU of the worker': 'us/order',
  'CPU of Postgres': 'us/order',
  'orders in a batch': 'orders',
  'fsyncs of Redis': 'in 1,000 orders',
  'fsyncs of Postgres': 'in 1,000 orders',
  'append-only file': 'bytes/order',
  'network of Redis, in': 'bytes/order',
  'network of Redis, out': 'bytes/order',
  'WAL of Postgres': 'bytes/order',
  'carried into the ledger': 'orders/s',
  'Redis, active': 'bytes/hold',
  'Redis, resident / used': 'x',
  'Postgres, ledger rows': 'bytes/event',
  'Postgres, their indexes': 'bytes/event',
  'Postgres, reservations': 'bytes/event',
  'Postgres, indexes of those': 'bytes/event',
  'Postgres, all else': 'bytes/event',
  'Postgres, tables and indexes': 'bytes/event',
} as const;
export type Row = keyof typeof ROWS;

export type Pids = Readonly<Record<ProcessName, number>>;

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
  admin: Redis,
  pids: Pids,
  walBytes: () => Promise<number>,
  batches: () => Promise<number>,
): Promise<Reading> {
  const cpu = PROCESSES.map(async (name) => [name, await cpuUs(pids[name])] as const);
  const [info, io] = await Promise.all([
    admin.info('everything'),
    readFile(`/proc/${pids.Redis}/io`, 'utf8').catch(() => ''),
  ]);
  return {
    cpuUs: Object.fromEntries(await Promise.all(cpu)) as Record<ProcessName, number>,
    // Redis writes to sockets, which it counts itself, and to its file, each time followed by a sync.
    fileWrites: writeCalls(io) - infoNumber(info, 'total_writes_processed'),
    fileBytes: infoNumber(info, 'aof_current_size'),
    bytesIn: infoNumber(info, 'total_net_input_bytes'),
    bytesOut: infoNumber(info, 'total_net_output_bytes'),
    batches: await batches(),
    walBytes: await walBytes(),
    atMs: performance.now(),
  };
}

async function cpuUs(pid: number): Promise<number> {
  return ((await cpuSeconds(pid)) ?? Number.NaN) * 1e6;
}

/** What an order came to between two readings. */
export function perOrder(before: Reading, after: Reading, orders: number): Map<Row, number> {
  const each = (read: (reading: Reading) => number) => (read(after) - read(before)) / orders;
  return new Map<Row, number>([
    ['CPU of the API', each(({ cpuUs }) => cpuUs.API)],
    ['CPU of Redis', each(({ cpuUs }) => cpuUs.Redis)],
    ['CPU of the worker', each(({ cpuUs }) => cpuUs.worker)],
    ['CPU of Postgres', each(({ cpuUs }) => cpuUs.Postgres)],
    ['orders in a batch', 1 / each(({ batches }) => batches)],
    ['fsyncs of Redis', each(({ fileWrites }) => fileWrites) * 1_000],
    ['append-only file', each(({ fileBytes }) => fileBytes)],
    ['network of Redis, in', each(({ bytesIn }) => bytesIn)],
    ['network of Redis, out', each(({ bytesOut }) => bytesOut)],
    ['WAL of Postgres', each(({ walBytes }) => walBytes)],
    ['carried into the ledger', (orders / (after.atMs - before.atMs)) * 1_000],
  ]);
}

/** Bytes of the ledger's relations. */
export interface Sizes {
  readonly ledger: number;
  readonly ledgerIndexes: number;
  readonly reservations: number;
  readonly reservationIndexes: number;
  readonly rest: number;
}

export function perEvent(before: Sizes, after: Sizes, events: number): Map<Row, number> {
  const each = (name: keyof Sizes) => (after[name] - before[name]) / events;
  const parts: [Row, number][] = [
    ['Postgres, ledger rows', each('ledger')],
    ['Postgres, their indexes', each('ledgerIndexes')],
    ['Postgres, reservations', each('reservations')],
    ['Postgres, indexes of those', each('reservationIndexes')],
    ['Postgres, all else', each('rest')],
  ];
  const all = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
  return new Map([...parts, ['Postgres, tables and indexes', all]]);
}
