/**
 * How fast the worker copies decided orders into the ledger: a backlog is made, then copied while nobody sells, and the
 * same rows are written by bare `unnest` inserts on one connection. The worker must also keep up with the orders that come
 * over HTTP, or its backlog grows for as long as the rush lasts.
 */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { type Bench, type Figure, figure, ratios, type Section } from './figures.ts';
import { openEngine, WAREHOUSE } from './hot-sku.ts';
import { HTTP_RATE } from './http.ts';
import { makeDatabase } from './ledger-database.ts';
import { startLedgerWorker } from './peers/ledger-worker.ts';
import { namesOf } from './peers/peer.ts';

const TIMES_MIN = 0.6;
const ORDERS = 200_000;
const ORDERS_QUICK = 60_000;
const CALLS_AT_ONCE = 2_048;
const BARE_ROWS = 4_000;
const FEEDS = [
  { name: 'one hot SKU', skus: 1, confirmed: 0 },
  { name: '1,000 SKUs, half of the orders confirmed', skus: 1_000, confirmed: 0.5 },
];
type Feed = (typeof FEEDS)[number];

export const worker: Section = {
  title: 'Write-behind worker and bare unnest inserts of the same rows',
  run: async (bench) => {
    const { settings, progress } = bench;
    const http = bench.known.find((known) => known.name === HTTP_RATE);
    const figures: Figure[] = [];
    for (const feed of settings.quick ? FEEDS.slice(0, 1) : FEEDS) {
      const ours: number[] = [];
      const bare: number[] = [];
      for (let turn = 1; turn <= settings.repeats; turn++) {
        const rates = await measure(bench, feed);
        ours.push(rates.worker);
        bare.push(rates.bare);
        const [own, other] = [Math.round(rates.worker), Math.round(rates.bare)];
        progress(`${turn}/${settings.repeats}: ${feed.name}: worker ${own}/s | bare inserts ${other}/s`);
      }
      figures.push(
        figure(`worker, ${feed.name}`, 'events/s', ours),
        figure(`bare inserts, ${feed.name}`, 'events/s', bare),
        figure(`worker / bare inserts, ${feed.name}`, 'x', ratios(ours, bare), {
          target: { atLeast: TIMES_MIN },
        }),
      );
      if (!http) continue;
      const times = ours.map((rate) => rate / http.median);
      const note = `against ${HTTP_RATE} of this run`;
      figures.push(figure(`worker / HTTP route, ${feed.name}`, 'x', times, { target: { atLeast: 1 }, note }));
    }
    return figures;
  },
};

/** Events a second. @throws where the ledger is not complete */
async function measure({ stores, settings }: Bench, feed: Feed): Promise<{ worker: number; bare: number }> {
  const orders = settings.quick ? ORDERS_QUICK : ORDERS;
  const ledgerWorker = await startLedgerWorker(stores);
  const bare = await makeDatabase(await stores.databaseUrl());
  try {
    const events = await sell(stores, orders, feed);
    const startedMs = performance.now();
    const { databaseUrl } = await ledgerWorker.begin();
    await ledgerWorker.drained();
    const seconds = (performance.now() - startedMs) / 1_000;
    const rows = await copyRows(databaseUrl, bare.url);
    if (rows.count !== events) throw new Error(`${rows.count} rows in the ledger of ${events} events`);
    await ledgerWorker.finish();
    return { worker: events / seconds, bare: events / rows.seconds };
  } finally {
    await ledgerWorker.close();
    await bare.drop();
  }
}

/** Answers how many events there are. */
async function sell(stores: Bench['stores'], orders: number, { skus, confirmed }: Feed): Promise<number> {
  const hot = await openEngine(stores, {}, namesOf(skus));
  const ids = Array.from({ length: orders }, () => randomUUID());
  const names = namesOf(skus);
  const line = (n: number) => ({ sku: names[n % skus] as string, warehouse: WAREHOUSE, quantity: 1 });
  const each = async (count: number, call: (n: number) => Promise<{ outcome: string }>) => {
    let next = 0;
    const run = async () => {
      while (next < count) {
        const { outcome } = await call(next++);
        if (outcome !== 'done') throw new Error(`a command of the feed was ${outcome}`);
      }
    };
    await Promise.all(Array.from({ length: CALLS_AT_ONCE }, run));
  };
  await each(orders, (n) => hot.reserve({ orderId: ids[n] as string, lines: [line(n)] }));
  const confirms = Math.floor(orders * confirmed);
  await each(confirms, (n) => hot.confirm({ orderId: ids[n] as string }));
  await hot.close();
  return skus + orders + confirms;
}

/** The rows of one ledger into another; reading them is not measured. Columns and types are the table's own. */
async function copyRows(fromUrl: string, toUrl: string): Promise<{ count: number; seconds: number }> {
  const [from, to] = [fromUrl, toUrl].map((connectionString) => new pg.Client({ connectionString }));
  if (!from || !to) throw new Error('two databases');
  await Promise.all([from.connect(), to.connect()]);
  const { rows: columns } = await from.query<{ name: string; type: string }>(
    `SELECT quote_ident(attname) AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
     WHERE attrelid = 'ledger'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = ''`,
  );
  const names = columns.map(({ name }) => name).join(', ');
  const arrays = columns.map(({ type }, i) => `$${i + 1}::text[]::${type}[]`).join(', ');
  const insert = { name: 'insert', text: `INSERT INTO ledger (${names}) SELECT * FROM unnest(${arrays})` };
  const select = `SELECT ${columns.map(({ name }) => `${name}::text`).join(', ')} FROM ledger WHERE id > $1 ORDER BY id LIMIT $2`;
  let [count, elapsedMs] = [0, 0];
  for (;;) {
    const { rows } = await from.query<(string | null)[]>({
      text: select,
      values: [count, BARE_ROWS],
      rowMode: 'array',
    });
    if (rows.length === 0) break;
    const values = columns.map((_, i) => rows.map((row) => row[i] ?? null));
    const startedMs = performance.now();
    await to.query('BEGIN');
    await to.query({ ...insert, values });
    await to.query('COMMIT');
    elapsedMs += performance.now() - startedMs;
    count += rows.length;
  }
  await Promise.all([from.end(), to.end()]);
  return { count, seconds: elapsedMs / 1_000 };
}
