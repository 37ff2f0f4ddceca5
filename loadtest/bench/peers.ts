/**
 * Holdfast and what people use instead of it, side by side, from 1 to 1,000 clients, on 1 SKU and on 1,000. All write the
 * same: a hold with an expiry, once per order id, and stock that never falls below zero. Each first passes a small flash
 * sale, and its store is checked after each measurement. Durability: Postgres by default, Redis with appendfsync always
 * (except `ack memory`). Postgres has at most 64 connections.
 */
import { type Bench, type Figure, figure, Incomplete, ratios, type Section, seriesOf } from './figures.ts';
import { inTurn } from './in-turn.ts';
import { engineAlone, engineFsync, engineMemory, overHttp } from './peers/holdfast-peers.ts';
import { type Measured, measurePeer, type Span, tryPeer } from './peers/measuring.ts';
import type { Peer, Room } from './peers/peer.ts';
import { conditional, forUpdate, oneStatement, optimistic } from './peers/postgres-peers.ts';
import { script, setWithTtl } from './peers/redis-peers.ts';
import { openRoom } from './peers/room.ts';
import { sizeText } from './report.ts';

const IN_POSTGRES = [optimistic, forUpdate, conditional, oneStatement];
const WITH_STOCK = [...IN_POSTGRES, script, engineFsync, engineMemory, overHttp];
const ALL: readonly Peer[] = [...WITH_STOCK, setWithTtl];

/** Some peers at one number of clients and SKUs, measured alternately. */
interface Point {
  readonly skus: number;
  readonly clients: number;
  readonly peers: readonly Peer[];
}

const POINTS: readonly Point[] = [
  ...[1, 8, 256, 1_000].map((clients) => ({ skus: 1, clients, peers: ALL })),
  { skus: 1, clients: 64, peers: [...ALL, engineAlone] },
  { skus: 1, clients: 512, peers: [script, engineFsync, engineAlone] },
  ...[1, 8, 64, 256, 1_000].map((clients) => ({ skus: 1_000, clients, peers: WITH_STOCK })),
];
const POINTS_QUICK: readonly Point[] = [
  { skus: 1, clients: 64, peers: [...ALL, engineAlone] },
  { skus: 1, clients: 1_000, peers: ALL },
  { skus: 1_000, clients: 64, peers: WITH_STOCK },
];

const POINTS_ENGINE: readonly Point[] = [
  { skus: 1, clients: 64, peers: [...IN_POSTGRES, script, engineFsync, engineAlone] },
  { skus: 1, clients: 512, peers: [script, engineFsync, engineAlone] },
];

const SPAN: Span = { warmUpMs: 250, measureMs: 800 };
const SPAN_QUICK: Span = { warmUpMs: 200, measureMs: 500 };
const SPAN_OF_WARM_UP: Span = { warmUpMs: 200, measureMs: 600 };
/** In a queue of a thousand clients each waits for a good part of a second. */
const SPAN_OF_QUEUES: Span = { warmUpMs: 1_000, measureMs: 1_600 };
const QUEUES_FROM = 1_000;

/** On one SKU, at so many clients: this many times the rival. */
const TARGETS: readonly { clients: number; ours: Peer; rivals: readonly Peer[]; atLeast: number }[] = [
  { clients: 512, ours: engineFsync, rivals: [script], atLeast: 3.5 },
  { clients: 512, ours: engineAlone, rivals: [script], atLeast: 3 },
  { clients: 64, ours: engineAlone, rivals: [script], atLeast: 2 },
  { clients: 64, ours: engineFsync, rivals: IN_POSTGRES, atLeast: 60 },
  { clients: 1_000, ours: engineFsync, rivals: IN_POSTGRES, atLeast: 100 },
  { clients: 64, ours: engineAlone, rivals: [conditional], atLeast: 60 },
];

/** The part of the peers that takes a minute or two. */
export const engine: Section = {
  title: 'The engine, a Lua script per order and the ways in Postgres, one hot SKU',
  run: (bench) => measurePoints(bench, POINTS_ENGINE),
};

export const peers: Section = {
  title: 'Peers side by side, orders of one unit, every answer durable unless it says memory',
  run: (bench) => measurePoints(bench, bench.settings.quick ? POINTS_QUICK : POINTS),
  picture: (figures) => ({
    title: 'Orders held a second, by the number of clients',
    columns: 1,
    width: 560,
    height: 380,
    panels: [1, 1_000].map((skus) => ({
      title: sizeText(skus, 'SKUs'),
      x: { title: 'clients, each with one order in flight', log: true },
      y: { title: 'orders held a second', log: true },
      series: [...ALL, engineAlone]
        .map(({ name }) => seriesOf(figures, tableOf(skus, RATE), name))
        .filter(({ points }) => points.length > 1),
    })),
  }),
};

/** @throws {Incomplete} where a point failed */
async function measurePoints(bench: Bench, points: readonly Point[]): Promise<Figure[]> {
  const room = await openRoom(bench);
  const used = [...new Set(points.flatMap((point) => point.peers))];
  try {
    bench.progress('a small flash sale of each, to see that none sells a unit twice');
    for (const peer of used) if (!peer.isLimit) await tryPeer(room, peer);
    // Code that runs for the first time is slow, ours and that of the servers.
    for (const peer of used) await measurePeer(room, peer, { clients: 64, skus: 1 }, SPAN_OF_WARM_UP);
    const figures: Figure[] = [];
    const failures: string[] = [];
    for (const point of points) {
      const name = `${sizeText(point.clients, 'clients')}, ${sizeText(point.skus, 'SKUs')}`;
      bench.progress(name);
      try {
        figures.push(...(await sweep(room, point)));
      } catch (error) {
        failures.push(`${name}: ${error}`);
      }
    }
    if (failures.length > 0) throw new Incomplete(failures.join('; '), figures);
    return figures;
  } finally {
    await room.close();
  }
}

const RATE = 'orders a second';
const tableOf = (skus: number, what: string): string => `${sizeText(skus, 'SKUs')}: ${what}`;

async function sweep(room: Room, point: Point): Promise<Figure[]> {
  const { settings, progress } = room.bench;
  const rivals = point.peers.map((peer) => ({
    name: peer.name,
    measure: () => measurePeer(room, peer, point, spanOf(room.bench, peer, point)),
  }));
  const show = ({ perSecond }: Measured) => `${perSecond.toFixed(0)}/s`;
  const results = await inTurn(settings.repeats, rivals, progress, show);
  const rates = new Map(point.peers.map((peer, i) => [peer, (results[i] ?? []).map((one) => one.perSecond)]));
  const ours = rates.get(engineFsync) ?? [];
  const figures = point.peers.flatMap((peer, i) => figuresOf(peer, point, results[i] ?? [], ours));
  return [...figures, ...(point.skus === 1 ? targetFigures(point.clients, rates) : [])];
}

function spanOf({ settings: { quick } }: Bench, peer: Peer, { skus, clients }: Point): Span {
  const isQueue = peer === overHttp || (skus === 1 && IN_POSTGRES.includes(peer));
  if (clients >= QUEUES_FROM && isQueue) return SPAN_OF_QUEUES;
  return quick ? SPAN_QUICK : SPAN;
}

function figuresOf(
  { name, givesUp }: Peer,
  { skus, clients }: Point,
  all: readonly Measured[],
  ours: readonly number[],
): Figure[] {
  const over = (read: (one: Measured) => number) => all.map(read);
  const rates = over((one) => one.perSecond);
  const columns: (readonly [what: string, unit: string, values: readonly number[]])[] = [
    [RATE, 'orders/s', rates],
    [`${engineFsync.name} is so many times`, 'x', ratios(ours, rates)],
    ['median wait', 'ms', over((one) => one.p50Ms)],
    ['p99 wait', 'ms', over((one) => one.p99Ms)],
  ];
  if (givesUp) columns.push(['gave up', '%', over((one) => one.gaveUp * 100)]);
  return columns.map(([what, unit, values]) => {
    const table = tableOf(skus, what);
    const cell = { table, row: name, column: clients, columns: 'clients' };
    return figure(`${table}: ${name}, ${clients} clients`, unit, values, { cell });
  });
}

/** Against the best of the rivals in the same turn. */
function targetFigures(clients: number, rates: ReadonlyMap<Peer, readonly number[]>): Figure[] {
  return TARGETS.filter((target) => target.clients === clients).map(({ ours, rivals, atLeast }) => {
    const own = rates.get(ours) ?? [];
    const best = own.map((_, turn) => Math.max(...rivals.map((rival) => rates.get(rival)?.[turn] ?? 0)));
    const name = rivals.length > 1 ? 'the best in Postgres' : rivals[0]?.name;
    return figure(`${ours.name} / ${name}, ${clients} clients`, 'x', ratios(own, best), {
      target: { atLeast },
    });
  });
}
