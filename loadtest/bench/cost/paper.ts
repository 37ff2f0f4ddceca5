/**
 * From measured costs to 100,000,000 open holds and 1,000,000 orders a second, on paper: one multiplication a line.
 * Promises: every assumption has a name here and is printed together with the results. docs/scaling.md has the reasons.
 */
import { type Figure, seriesOf } from '../figures.ts';
import { align, digits } from '../report.ts';

export const ASSUMED = {
  ordersPerSecond: 1_000_000,
  openHolds: 100_000_000,
  /** How long the rush lasts: what is settled in it stays for the tombstone time, which is longer. */
  rushSeconds: 600,
  /** The part of a core or of Redis's one thread that is planned for: the rest is for bursts and for a lost neighbour. */
  use: 0.5,
  /** Commands in a batch where each shard has as many callers as fill it. */
  batch: 256,
  /** One write of 4 KiB and its sync, as the run's own machine has it; given in milliseconds. */
  syncMs: 0.25,
  /** Memory a rewrite of the append-only file may copy, as a part of the data. */
  copied: 0.5,
  /** Primary and one replica. */
  copies: 2,
  /** Memory of one Redis beyond which a restart or a full synchronisation takes minutes. */
  shardGiB: 16,
} as const;
type Assumed = { readonly [name in keyof typeof ASSUMED]: number };

const TABLES = 'Postgres, tables and indexes';

/** Measured costs of one order. */
export interface Inputs {
  readonly apiUs: number;
  readonly redisReserveUs: number;
  readonly redisConfirmUs: number;
  readonly workerReserveUs: number;
  readonly workerConfirmUs: number;
  readonly postgresReserveUs: number;
  readonly postgresConfirmUs: number;
  readonly heldBytes: number;
  readonly settledBytes: number;
  readonly residentPart: number;
  readonly fileReserveBytes: number;
  readonly fileConfirmBytes: number;
  readonly walReserveBytes: number;
  readonly walConfirmBytes: number;
  readonly tableBytes: number;
  readonly redisInBytes: number;
  readonly redisOutBytes: number;
  readonly httpBytes: number;
}

export interface Derived {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly how: string;
}

/** Undefined where something it needs was not measured. */
export function inputsOf(figures: readonly Figure[]): Inputs | undefined {
  const named = (name: string) => figures.find((figure) => figure.name === name)?.median ?? Number.NaN;
  // The costs beside the largest number of holds that was measured.
  const atMost = (row: string) => seriesOf(figures, 'by holds', row).points.at(-1)?.y ?? Number.NaN;
  const step = (of: 'reserve' | 'confirm', what: string) => named(`${of}, engine alone: ${what}`);
  const inputs: Inputs = {
    apiUs: atMost('CPU of the API'),
    redisReserveUs: step('reserve', 'CPU of Redis'),
    redisConfirmUs: step('confirm', 'CPU of Redis'),
    workerReserveUs: step('reserve', 'CPU of the worker'),
    workerConfirmUs: step('confirm', 'CPU of the worker'),
    postgresReserveUs: step('reserve', 'CPU of Postgres'),
    postgresConfirmUs: step('confirm', 'CPU of Postgres'),
    heldBytes: atMost('Redis, active'),
    settledBytes: named('Redis, paid, its deadline past'),
    residentPart: atMost('Redis, resident / used'),
    fileReserveBytes: step('reserve', 'append-only file'),
    fileConfirmBytes: step('confirm', 'append-only file'),
    walReserveBytes: step('reserve', 'WAL of Postgres'),
    walConfirmBytes: step('confirm', 'WAL of Postgres'),
    tableBytes: step('reserve', TABLES) + step('confirm', TABLES),
    redisInBytes: step('reserve', 'network of Redis, in') + step('confirm', 'network of Redis, in'),
    redisOutBytes: step('reserve', 'network of Redis, out') + step('confirm', 'network of Redis, out'),
    httpBytes: named('an order over HTTP: its request') + named('an order over HTTP: its answer'),
  };
  return Object.values(inputs).every(Number.isFinite) ? inputs : undefined;
}

/** Every order is reserved and later settled once, at the price of a payment. */
export function derive(inputs: Inputs, assumed: Assumed = ASSUMED): Derived[] {
  const {
    ordersPerSecond: rate,
    openHolds,
    rushSeconds,
    use,
    batch,
    syncMs,
    copied,
    copies,
    shardGiB,
  } = assumed;
  const GIB = 2 ** 30;
  const redisUs = inputs.redisReserveUs + inputs.redisConfirmUs;
  // Redis decides nothing while it waits for its disk: a reserve and a settlement are each in one batch.
  const waitUs = (2 * syncMs * 1_000) / batch;
  const byTime = (rate * (redisUs + waitUs)) / 1e6 / use;
  const settled = rate * rushSeconds;
  const dataGiB =
    ((openHolds * inputs.heldBytes + settled * inputs.settledBytes) * inputs.residentPart) / GIB;
  const byMemory = dataGiB / shardGiB;
  const cores = (us: number) => (rate * us) / 1e6 / use;
  // A partition has one worker, which has one thread, and one connection that writes.
  const byWorker = cores(inputs.workerReserveUs + inputs.workerConfirmUs);
  const byConnection = cores(inputs.postgresReserveUs + inputs.postgresConfirmUs);
  const shards = Math.ceil(Math.max(byTime, byMemory, byWorker, byConnection));
  const wal = rate * (inputs.walReserveBytes + inputs.walConfirmBytes);
  const file = rate * (inputs.fileReserveBytes + inputs.fileConfirmBytes);
  const redisNet = rate * (inputs.redisInBytes + inputs.redisOutBytes);
  const lines: readonly (readonly [name: string, value: number, unit: string, how: string])[] = [
    ['a hold lives, in the mean', openHolds / rate, 's', 'open holds / orders a second'],
    [
      'shards, by time of Redis',
      byTime,
      '',
      `(${digits(redisUs)} us of CPU + ${digits(waitUs)} us of sync) / use`,
    ],
    ['shards, by memory', byMemory, '', `held, and settled in the rush; ${shardGiB} GiB each`],
    ['shards, by worker', byWorker, '', 'its cores: one process a shard, one thread each'],
    ['shards, by connection', byConnection, '', 'cores of Postgres: one connection writes for a shard'],
    ['orders a second and shard', rate / shards, '1/s', `${shards} shards`],
    ['syncs a second and shard', ((rate / shards) * 2) / batch, '1/s', `two batches of ${batch}`],
    ['memory of a shard, data', dataGiB / shards, 'GiB', 'used x resident / used'],
    ['the same, with a rewrite', (dataGiB / shards) * (1 + copied), 'GiB', `+ ${copied * 100} % copied`],
    ['memory of all Redis', dataGiB * (1 + copied) * copies, 'GiB', `${copies} copies`],
    ['append-only files', file / 1e6, 'MB/s', 'and as much to each replica'],
    ['network of all Redis', (redisNet * 8) / 1e9, 'Gbit/s', 'in and out, the worker included'],
    [
      'network of HTTP',
      (2 * rate * inputs.httpBytes * 8) / 1e9,
      'Gbit/s',
      'a request to reserve, one to settle',
    ],
    ['API cores', cores(2 * inputs.apiUs), 'cores', 'the same two, at one price'],
    ['ledger rows', (rate * 2) / 1e6, 'M rows/s', 'two events an order'],
    ['WAL of all Postgres', wal / 1e6, 'MB/s', ''],
    ['ledger in the rush', (rate * rushSeconds * inputs.tableBytes) / 1e12, 'TB', `${rushSeconds} s`],
  ];
  return lines.map(([name, value, unit, how]) => ({ name, value, unit, how }));
}

export function paper(figures: readonly Figure[]): string[] {
  const inputs = inputsOf(figures);
  if (!inputs) return [];
  const assumed = Object.entries(ASSUMED).map(([name, value]) => `${name} ${value.toLocaleString('en')}`);
  const rows = derive(inputs).map(({ name, value, unit, how }) => [name, digits(value), unit, how]);
  return ['', `  on paper: ${assumed.join(', ')}`, ...align(rows)];
}
