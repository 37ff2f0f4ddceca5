/**
 * Peers side by side: what people use instead of Holdfast, Holdfast itself, and how fast anything of the kind could be,
 * from one client to a thousand, on one SKU and on a thousand. All write the same outcome: a hold with an expiry, stock
 * that never falls below zero, once per order id; each shows in a small flash sale that it does, before it is measured,
 * and in its books after each measurement. All durable as they come: Postgres by its default, Redis with appendfsync
 * always (but `ack memory`). Postgres has 64 connections at most.
 */

import { type Bench, type Figure, figure, Incomplete, type Place, ratios, type Section } from './figures.ts';
import { inTurn } from './in-turn.ts';
import { WrongBooks } from './peers/books.ts';
import { drawPeers } from './peers/chart.ts';
import { engineFsync, engineMemory, engineReplica, overHttp } from './peers/holdfast-peers.ts';
import { bareInserts, bareRoute, setWithTtl } from './peers/limits.ts';
import { type Measured, measurePeer, type Span } from './peers/measuring.ts';
import type { Peer, Room } from './peers/peer.ts';
import { conditional, forUpdate, oneStatement, optimistic, unitRows } from './peers/postgres-peers.ts';
import { script, watchMulti } from './peers/redis-peers.ts';
import { openRoom } from './peers/room.ts';
import { matrices, skusText } from './peers/table.ts';
import { tryPeer } from './peers/trial.ts';
import { keepChart } from './report.ts';

const IN_POSTGRES = [optimistic, forUpdate, conditional, oneStatement, unitRows];
const LIMITS = [bareRoute, setWithTtl, bareInserts];
const ALL: readonly Peer[] = [
  ...IN_POSTGRES,
  script,
  watchMulti,
  engineFsync,
  engineReplica,
  engineMemory,
  overHttp,
  ...LIMITS,
];
const WITH_STOCK = ALL.filter((peer) => !peer.isLimit);

/** Some peers at one number of clients and SKUs, measured in turn. */
interface Point {
  readonly skus: number;
  readonly clients: number;
  readonly peers: readonly Peer[];
}

const POINTS: readonly Point[] = [
  ...[1, 8, 64, 256].map((clients) => ({ skus: 1, clients, peers: ALL })),
  { skus: 1, clients: 512, peers: [script, engineFsync] },
  { skus: 1, clients: 1_000, peers: ALL },
  ...[1, 8, 64, 256, 1_000].map((clients) => ({ skus: 1_000, clients, peers: WITH_STOCK })),
];
const POINTS_QUICK: readonly Point[] = [
  { skus: 1, clients: 64, peers: ALL },
  { skus: 1, clients: 1_000, peers: ALL },
  { skus: 1_000, clients: 64, peers: WITH_STOCK },
];

const SPAN: Span = { warmUpMs: 250, measureMs: 800 };
const SPAN_QUICK: Span = { warmUpMs: 200, measureMs: 500 };
const SPAN_OF_WARM_UP: Span = { warmUpMs: 200, measureMs: 600 };
/** Where a thousand clients wait in one queue, each waits for a good part of a second. */
const SPAN_OF_QUEUES: Span = { warmUpMs: 1_000, measureMs: 1_600 };
const SPAN_OF_QUEUES_QUICK: Span = { warmUpMs: 700, measureMs: 1_200 };
const QUEUES_FROM = 1_000;

/** Clients -> times the best way in Postgres, and times the script, on one SKU. */
const POSTGRES_TIMES: Readonly<Record<number, number>> = { 64: 60, 1000: 100 };
const SCRIPT_TIMES: Readonly<Record<number, number>> = { 512: 3.5 };

export const peers: Section = {
  title: 'Peers side by side, orders of one unit, every answer durable unless it says memory',
  run: async (bench) => {
    const room = openRoom(bench);
    try {
      bench.progress('a small flash sale of each, to see that none sells a unit twice');
      for (const peer of WITH_STOCK) await tryPeer(room, peer);
      // Code that runs for the first time is slow, ours and that of the servers.
      for (const peer of ALL) await measurePeer(room, peer, { clients: 64, skus: 1 }, SPAN_OF_WARM_UP);
      const figures: Figure[] = [];
      const failures: string[] = [];
      for (const point of bench.settings.quick ? POINTS_QUICK : POINTS) {
        bench.progress(`${point.clients} clients, ${skusText(point.skus)}`);
        const swept = await sweep(room, point).catch((error: unknown) => String(error));
        if (typeof swept === 'string')
          failures.push(`${point.clients} clients, ${skusText(point.skus)}: ${swept}`);
        else figures.push(...swept);
      }
      await keepChart(bench, 'peers.svg', drawPeers(figures, PEERS_SHOWN));
      if (failures.length > 0) throw new Incomplete(failures.join('; '), figures);
      return figures;
    } finally {
      await room.close();
    }
  },
  rows: matrices,
};

const PEERS_SHOWN = ALL.map(({ name, family }) => ({ name, family }));

async function sweep(room: Room, point: Point): Promise<Figure[]> {
  const { settings, progress } = room.bench;
  const rivals = point.peers.map((peer) => ({
    name: peer.name,
    measure: () => measureTwice(room, peer, point),
  }));
  const results = await inTurn(
    settings.repeats,
    rivals,
    progress,
    ({ perSecond }) => `${perSecond.toFixed(0)}/s`,
  );
  const rates = new Map(point.peers.map((peer, i) => [peer, (results[i] ?? []).map((one) => one.perSecond)]));
  const ours = rates.get(engineFsync) ?? [];
  const figures = point.peers.flatMap((peer, i) => figuresOf(peer, point, results[i] ?? [], ours));
  return [...figures, ...targetFigures(point, ours, rates)];
}

/** Once more where it failed, as when the machine stood still for seconds; what is wrong in the books is never forgiven. */
async function measureTwice(room: Room, peer: Peer, point: Point): Promise<Measured> {
  const span = spanOf(room.bench, peer, point);
  try {
    return await measurePeer(room, peer, point, span);
  } catch (error) {
    if (error instanceof WrongBooks) throw error;
    room.bench.progress(`${peer.name}: ${String(error)}; once more`);
    return measurePeer(room, peer, point, span);
  }
}

function spanOf(
  { settings: { quick } }: Bench,
  { family, givesUp, name }: Peer,
  { skus, clients }: Point,
): Span {
  const isOneRow = skus === 1 && (family === 'Postgres' || givesUp);
  const isServer = name === overHttp.name || name === bareRoute.name;
  if (clients >= QUEUES_FROM && (isOneRow || isServer)) return quick ? SPAN_OF_QUEUES_QUICK : SPAN_OF_QUEUES;
  return quick ? SPAN_QUICK : SPAN;
}

type Column = readonly [what: Place['what'], unit: string, values: readonly number[]];

function figuresOf(
  { name, givesUp }: Peer,
  { skus, clients }: Point,
  all: readonly Measured[],
  ours: readonly number[],
): Figure[] {
  const over = (read: (one: Measured) => number) => all.map(read);
  const rates = over((one) => one.perSecond);
  const columns: Column[] = [
    ['orders a second', 'orders/s', rates],
    ['Holdfast is so many times', 'x', ratios(ours, rates)],
    ['median wait', 'ms', over((one) => one.p50Ms)],
    ['p99 wait', 'ms', over((one) => one.p99Ms)],
  ];
  if (givesUp) columns.push(['gave up', '%', over((one) => one.gaveUp * 100)]);
  return columns.map(([what, unit, values]) =>
    figure(`${name}, ${skusText(skus)}, ${clients} clients: ${what}`, unit, values, {
      at: { peer: name, skus, clients, what },
    }),
  );
}

/** What Holdfast has to reach at some points, against the script and the best there is in Postgres in the same turn. */
function targetFigures(
  { skus, clients }: Point,
  ours: readonly number[],
  rates: ReadonlyMap<Peer, readonly number[]>,
): Figure[] {
  const best = ours.map((_, turn) => Math.max(...IN_POSTGRES.map((peer) => rates.get(peer)?.[turn] ?? 0)));
  const wanted: [name: string, below: readonly number[], atLeast: number | undefined][] = [
    ['the best in Postgres', best, POSTGRES_TIMES[clients]],
    [script.name, rates.get(script) ?? [], SCRIPT_TIMES[clients]],
  ];
  return wanted.flatMap(([name, below, atLeast]) => {
    if (skus !== 1 || atLeast === undefined) return [];
    const target = { atLeast };
    return figure(`${engineFsync.name} / ${name}, ${clients} clients`, 'x', ratios(ours, below), { target });
  });
}
