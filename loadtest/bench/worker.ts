/**
 * How fast the worker carries decided orders into the ledger: a backlog is made, then carried while nobody sells, beside
 * the same rows written by bare unnest inserts on one connection (ledger-feed.ts). The worker must also keep up with the
 * orders that come over HTTP, or its backlog grows for as long as the rush lasts.
 */
import { type Figure, figure, type Section } from './figures.ts';
import { HTTP_RATE } from './http.ts';
import { type FeedFigures, measureWorker } from './ledger-feed.ts';

const TARGET_RATIO = 0.6;
const ORDERS = 200_000;
const ORDERS_QUICK = 60_000;

const FEEDS = [
  { name: 'one hot SKU', skus: 1, confirmed: 0 },
  { name: '1,000 SKUs, half of the orders confirmed', skus: 1_000, confirmed: 0.5 },
];

export const worker: Section = {
  title: 'Write-behind worker and bare unnest inserts of the same rows',
  run: async (bench) => {
    const { settings, stores } = bench;
    const orders = settings.quick ? ORDERS_QUICK : ORDERS;
    const http = bench.known.find((known) => known.name === HTTP_RATE);
    const figures: Figure[] = [];
    for (const { name, ...feed } of settings.quick ? FEEDS.slice(0, 1) : FEEDS) {
      const all: FeedFigures[] = [];
      for (let turn = 0; turn < settings.repeats; turn++) {
        await stores.clear();
        const { redisUrl } = stores;
        const databaseUrl = await stores.databaseUrl();
        const measured = await measureWorker({ redisUrl, databaseUrl, orders, ...feed });
        all.push(measured);
        const [ours, bare] = [measured.workerPerSecond, measured.barePerSecond].map(Math.round);
        bench.progress(`${turn + 1}/${settings.repeats}: ${name}: worker ${ours}/s | bare inserts ${bare}/s`);
      }
      figures.push(...figuresOf(name, all));
      if (http) {
        const times = all.map((measured) => measured.workerPerSecond / http.median);
        const note = `against ${HTTP_RATE} of this run`;
        figures.push(figure(`worker / HTTP route, ${name}`, 'x', times, { target: { atLeast: 1 }, note }));
      }
    }
    return figures;
  },
};

function figuresOf(name: string, all: readonly FeedFigures[]): Figure[] {
  const column = (read: (measured: FeedFigures) => number) => all.map(read);
  return [
    figure(
      `worker, ${name}`,
      'events/s',
      column((measured) => measured.workerPerSecond),
    ),
    figure(
      `bare inserts, ${name}`,
      'events/s',
      column((measured) => measured.barePerSecond),
    ),
    figure(
      `worker / bare inserts, ${name}`,
      'x',
      column((measured) => measured.ratio),
      {
        target: { atLeast: TARGET_RATIO },
      },
    ),
    figure(
      `worker, ${name}: its process's CPU`,
      'cores',
      column((measured) => measured.workerCpu),
    ),
  ];
}
