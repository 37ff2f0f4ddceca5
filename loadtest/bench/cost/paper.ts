/**
 * From measured costs to 100,000,000 open holds and 1,000,000 orders a second, on paper: one multiplication a line.
 * Promises: every assumption has a name here and is printed with the results; every input has the letter that it has in
 * docs/scaling.md, which gives the reasons.
 */
import { type Figure, seriesOf } from '../figures.ts';
import { align, digits } from '../report.ts';

export const ASSUMED = {
  ordersPerSecond: 1_000_000,
  openHolds: 100_000_000,
  /** How long the rush lasts: what is settled in it stays for the tombstone time, which is longer. */
  rushSeconds: 600,
  /** The planned share of a core or of Redis's one thread: the rest is for bursts and for a lost neighbour. */
  use: 0.5,
  /** Commands in a batch, where few processes fill the batches of a shard. */
  batch: 256,
  /** One write of 4 KiB and its sync. */
  syncMs: 0.25,
  /** Memory that a rewrite of the append-only file may copy, as a share of the data. */
  copied: 0.5,
  /** A primary and one replica. */
  copies: 2,
  /** Memory of one Redis beyond which a restart takes minutes. */
  shardGiB: 16,
} as const;
type Assumed = { readonly [name in keyof typeof ASSUMED]: number };

/** Of one order: "reserve"/"confirm" by the engine with full batches, "holds" beside the largest number of holds. */
const INPUTS = {
  a: ['holds', 'CPU of the API'],
  r1: ['reserve', 'CPU of Redis'],
  r2: ['confirm', 'CPU of Redis'],
  w1: ['reserve', 'CPU of the worker'],
  w2: ['confirm', 'CPU of the worker'],
  p1: ['reserve', 'CPU of Postgres'],
  p2: ['confirm', 'CPU of Postgres'],
  m1: ['holds', 'Redis, active'],
  m2: ['', 'Redis, paid, its deadline past'],
  m3: ['holds', 'Redis, resident / used'],
  f1: ['reserve', 'append-only file'],
  f2: ['confirm', 'append-only file'],
  i1: ['reserve', 'network of Redis, in'],
  i2: ['confirm', 'network of Redis, in'],
  o1: ['reserve', 'network of Redis, out'],
  o2: ['confirm', 'network of Redis, out'],
  hRequest: ['', 'an order over HTTP: its request'],
  hAnswer: ['', 'an order over HTTP: its answer'],
  t1: ['reserve', 'Postgres, tables and indexes'],
  t2: ['confirm', 'Postgres, tables and indexes'],
  l1: ['reserve', 'WAL of Postgres'],
  l2: ['confirm', 'WAL of Postgres'],
} as const;
export type Inputs = { readonly [letter in keyof typeof INPUTS]: number };

/** Undefined where something it needs was not measured. */
export function inputsOf(figures: readonly Figure[]): Inputs | undefined {
  const read = ([of, what]: (typeof INPUTS)[keyof typeof INPUTS]): number => {
    if (of === 'holds') return seriesOf(figures, 'by holds', what).points.at(-1)?.y ?? Number.NaN;
    const name = of === '' ? what : `${of}, engine alone: ${what}`;
    return figures.find((figure) => figure.name === name)?.median ?? Number.NaN;
  };
  const inputs = Object.fromEntries(
    Object.entries(INPUTS).map(([letter, path]) => [letter, read(path)]),
  ) as Inputs;
  return Object.values(inputs).every(Number.isFinite) ? inputs : undefined;
}

type Line = readonly [name: string, value: number, unit: string, how: string];

/** Every order is reserved and later settled once, at the price of a payment. */
export function derive(m: Inputs, assumed: Assumed = ASSUMED): Line[] {
  const { ordersPerSecond: rate, openHolds, rushSeconds, use, batch, copied, copies, shardGiB } = assumed;
  // Redis decides nothing while it waits for its disk: a reserve and a settlement are each in one batch.
  const waitUs = (2 * assumed.syncMs * 1_000) / batch;
  const cores = (us: number) => (rate * us) / 1e6 / use;
  const dataGiB = ((openHolds * m.m1 + rate * rushSeconds * m.m2) * m.m3) / 2 ** 30;
  const needs: Line[] = [
    ['shards, by time of Redis', cores(m.r1 + m.r2 + waitUs), '', '(r1 + r2 + 2 d / batch) / use'],
    ['shards, by memory', dataGiB / shardGiB, '', `held, and settled in the rush; ${shardGiB} GiB each`],
    ['shards, by worker', cores(m.w1 + m.w2), '', '(w1 + w2) / use: one thread a shard'],
    ['shards, by connection', cores(m.p1 + m.p2), '', '(p1 + p2) / use: one connection writes for a shard'],
  ];
  const shards = Math.ceil(Math.max(...needs.map(([, count]) => count)));
  return [
    ['a hold lives, on average', openHolds / rate, 's', 'open holds / orders a second'],
    ...needs,
    ['orders a second and shard', rate / shards, '1/s', `${shards} shards`],
    ['syncs a second and shard', ((rate / shards) * 2) / batch, '1/s', `two batches of ${batch}`],
    ['memory of a shard, data', dataGiB / shards, 'GiB', 'used x m3'],
    ['the same, with a rewrite', (dataGiB / shards) * (1 + copied), 'GiB', `+ ${copied * 100} % copied`],
    ['memory of all Redis, data', dataGiB, 'GiB', ''],
    ['the same, with a rewrite, copies', dataGiB * (1 + copied) * copies, 'GiB', `${copies} copies`],
    ['append-only files', (rate * (m.f1 + m.f2)) / 1e6, 'MB/s', 'and as much to each replica'],
    ['network of all Redis', (rate * (m.i1 + m.i2 + m.o1 + m.o2) * 8) / 1e9, 'Gbit/s', 'with the worker'],
    [
      'network of HTTP',
      (2 * rate * (m.hRequest + m.hAnswer) * 8) / 1e9,
      'Gbit/s',
      'a request to reserve, one to settle',
    ],
    ['API cores', cores(2 * m.a), 'cores', 'the same two, at one price'],
    ['ledger rows', (rate * 2) / 1e6, 'M rows/s', 'two events an order'],
    ['WAL of all Postgres', (rate * (m.l1 + m.l2)) / 1e6, 'MB/s', 'l1 + l2'],
    ['ledger in the rush', (rate * rushSeconds * (m.t1 + m.t2)) / 1e12, 'TB', `${rushSeconds} s`],
  ];
}

/** What is printed after the tables of the section. */
export function paper(figures: readonly Figure[]): string[] {
  const inputs = inputsOf(figures);
  if (!inputs) return [];
  const text = (values: object) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${digits(Number(value))}`)
      .join(', ');
  const rows = derive(inputs).map(([name, value, unit, how]) => [name, digits(value), unit, how]);
  return ['', `  on paper: ${text(ASSUMED)}`, `  measured: ${text(inputs)}`, ...align(rows)];
}
