/**
 * How fast the worker copies decided orders into the ledger: a backlog is made, then copied while nobody sells. The worker
 * must keep up with the orders that come over HTTP, or its backlog grows for as long as the rush lasts. Promises: the ledger
 * has every event, or there is no figure.
 */
import { randomUUID } from 'node:crypto';
import { eachOnce } from './callers.ts';
import { type Bench, type Figure, figure, type Section } from './figures.ts';
import { openEngine, WAREHOUSE } from './hot-sku.ts';
import { HTTP_RATE } from './http.ts';
import { query } from './ledger-database.ts';
import { startLedgerWorker } from './peers/ledger-worker.ts';
import { namesOf } from './peers/peer.ts';

const ORDERS = 200_000;
const ORDERS_QUICK = 60_000;
const CALLS_AT_ONCE = 2_048;
const FEEDS = [
  { name: 'one hot SKU', skus: 1, confirmed: 0 },
  { name: '1,000 SKUs, half of the orders confirmed', skus: 1_000, confirmed: 0.5 },
];
type Feed = (typeof FEEDS)[number];

export const worker: Section = {
  title: 'Write-behind worker: a backlog of orders into the ledger',
  run: async (bench) => {
    const { settings, progress } = bench;
    const http = bench.known.find((known) => known.name === HTTP_RATE);
    const figures: Figure[] = [];
    for (const feed of settings.quick ? FEEDS.slice(0, 1) : FEEDS) {
      const rates: number[] = [];
      for (let turn = 1; turn <= settings.repeats; turn++) {
        rates.push(await measure(bench, feed));
        progress(`${turn}/${settings.repeats}: ${feed.name}: ${Math.round(rates.at(-1) ?? 0)} events/s`);
      }
      figures.push(figure(`worker, ${feed.name}`, 'events/s', rates));
      if (!http) continue;
      const times = rates.map((rate) => rate / http.median);
      const note = `against ${HTTP_RATE} of this run`;
      figures.push(figure(`worker / HTTP route, ${feed.name}`, 'x', times, { target: { atLeast: 1 }, note }));
    }
    return figures;
  },
};

/** Events a second. @throws where the ledger is not complete */
async function measure({ stores, settings }: Bench, feed: Feed): Promise<number> {
  const ledgerWorker = await startLedgerWorker(stores);
  try {
    const events = await sell(stores, settings.quick ? ORDERS_QUICK : ORDERS, feed);
    const startedMs = performance.now();
    const { databaseUrl } = await ledgerWorker.begin();
    await ledgerWorker.drained();
    const seconds = (performance.now() - startedMs) / 1_000;
    const [ledger] = await query<{ rows: number }>(databaseUrl, 'SELECT count(*)::int AS rows FROM ledger');
    if (ledger?.rows !== events) throw new Error(`${ledger?.rows} rows in the ledger of ${events} events`);
    await ledgerWorker.finish();
    return events / seconds;
  } finally {
    await ledgerWorker.close();
  }
}

/** Answers how many events there are. */
async function sell(stores: Bench['stores'], orders: number, { skus, confirmed }: Feed): Promise<number> {
  const hot = await openEngine(stores, {}, namesOf(skus));
  const ids = Array.from({ length: orders }, () => randomUUID());
  const names = namesOf(skus);
  const line = (n: number) => ({ sku: names[n % skus] as string, warehouse: WAREHOUSE, quantity: 1 });
  const each = (count: number, call: (n: number) => Promise<{ outcome: string }>) =>
    eachOnce(CALLS_AT_ONCE, 0, count, async (n) => {
      const { outcome } = await call(n);
      if (outcome !== 'done') throw new Error(`a command of the feed was ${outcome}`);
    });
  await each(orders, (n) => hot.reserve({ orderId: ids[n] as string, lines: [line(n)] }));
  const confirms = Math.floor(orders * confirmed);
  await each(confirms, (n) => hot.confirm({ orderId: ids[n] as string }));
  await hot.close();
  return skus + orders + confirms;
}
