/**
 * How fast the worker carries a backlog into the ledger, against the same rows written into the same table by bare
 * unnest inserts, in the same run. Both on databases of their own, made and dropped here, with every commit on disk.
 * Promises: the carried ledger is complete, or there is no figure.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { connectRedis, type HotInventory, openHotInventory } from '../../src/hotpath/hot-inventory.ts';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { clearPartition, openPartition } from '../../src/hotpath/partition.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { numberArray, secondsArray, textArray } from '../../src/ledger/write/bulk-text.ts';
import { startWriteBehind } from '../../src/worker/carry/write-behind.ts';

export interface FeedOptions {
  readonly redisUrl: string;
  /** Of a user who may make databases. */
  readonly databaseUrl: string;
  /** Orders of one line and one unit; each is one event. */
  readonly orders: number;
  /** SKUs they are spread over; 1 is the flash sale. */
  readonly skus: number;
  /** The part of the orders that is confirmed as well, 0 to 1. */
  readonly confirmed: number;
}

export interface FeedFigures {
  /** Event lines in the backlog, one ledger row each. */
  readonly lines: number;
  readonly workerPerSecond: number;
  readonly barePerSecond: number;
  /** Worker against bare inserts. */
  readonly ratio: number;
  /** CPU this process used while the worker ran, as a part of that time. */
  readonly workerCpu: number;
}

const CALLS_AT_ONCE = 2_048;
const BARE_ROWS = 4_000;
const QUIET = { info() {}, warn: console.warn, error: console.error };

/** Fills a stream by selling, then measures both. Needs nothing but the two servers, and leaves nothing behind. */
export async function measureWorker(options: FeedOptions): Promise<FeedFigures> {
  const carried = await makeDatabase(options.databaseUrl);
  const bare = await makeDatabase(options.databaseUrl);
  try {
    const worker = await carry(options, carried.url);
    const barePerSecond = await insertBare(carried.url, bare.url, worker.lines);
    return { ...worker, barePerSecond, ratio: worker.workerPerSecond / barePerSecond };
  } finally {
    await carried.drop();
    await bare.drop();
  }
}

/** A database of its own with the ledger's tables, on the server of this address. */
export async function makeDatabase(databaseUrl: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `bench_${randomBytes(6).toString('hex')}`;
  const run = async (statement: string) => {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  await run(`CREATE DATABASE ${name}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  await migrate(url.href);
  return { url: url.href, drop: () => run(`DROP DATABASE ${name} WITH (FORCE)`) };
}

async function carry(options: FeedOptions, databaseUrl: string) {
  const keys = partitionKeys(`b${randomBytes(6).toString('hex')}`);
  const streamRedis = connectRedis(options.redisUrl);
  await streamRedis.connect();
  const prefix = keys.control.slice(0, keys.control.indexOf('{'));
  await openPartition(streamRedis, keys, 1);
  const hot = await openHotInventory({ redisUrl: options.redisUrl, prefix, ack: 'memory' });
  const ledger = await openLedger({ databaseUrl });
  try {
    await ledger.beginEpoch(keys.partition, 1);
    const lines = await sell(hot, options);
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    const worker = startWriteBehind({ ledger, hot, streamRedis, partition: keys.partition, log: QUIET });
    await worker.drained();
    const elapsedMs = performance.now() - startedMs;
    const cpu = process.cpuUsage(cpuBefore);
    await worker.stop();
    await expectLines(databaseUrl, lines);
    return {
      lines,
      workerPerSecond: (lines / elapsedMs) * 1_000,
      workerCpu: (cpu.user + cpu.system) / 1_000 / elapsedMs,
    };
  } finally {
    await hot.close();
    await ledger.close();
    await clearPartition(streamRedis, keys);
    await streamRedis.del(keys.control);
    streamRedis.disconnect();
  }
}

/** Answers how many event lines it made. */
async function sell(hot: HotInventory, { orders, skus, confirmed }: FeedOptions): Promise<number> {
  await hot.sweep(0).catch(() => {}); // learns the epoch
  for (let i = 0; i < skus; i++) {
    await hot.receive({ movementId: `feed-${i}`, sku: `sku-${i}`, warehouse: 'wh-1', quantity: orders });
  }
  const ids = Array.from({ length: orders }, () => randomUUID());
  const lineOf = (i: number) => ({ sku: `sku-${i % skus}`, warehouse: 'wh-1', quantity: 1 });
  await inParallel(orders, (i) => hot.reserve({ orderId: ids[i] as string, lines: [lineOf(i)] }));
  const confirms = Math.floor(orders * confirmed);
  await inParallel(confirms, (i) => hot.confirm({ orderId: ids[i] as string }));
  return skus + orders + confirms;
}

async function inParallel(count: number, call: (i: number) => Promise<{ outcome: string }>): Promise<void> {
  let next = 0;
  const run = async () => {
    while (next < count) {
      const { outcome } = await call(next++);
      if (outcome !== 'done') throw new Error(`a command of the feed was ${outcome}`);
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, run));
}

async function expectLines(databaseUrl: string, lines: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM ledger');
  await client.end();
  if (Number(rows[0]?.count) !== lines) throw new Error(`${rows[0]?.count} rows in the ledger, not ${lines}`);
}

// Bare inserts -------------------------------------------------------------------------------------------

/** Column, type of its array in the statement. Times travel as seconds. */
const COLUMNS = [
  ['at', 'float8'],
  ['version', 'bigint'],
  ['sequence', 'bigint'],
  ['expires_at', 'float8'],
  ['epoch', 'int'],
  ['quantity', 'int'],
  ['available_before', 'int'],
  ['reserved_before', 'int'],
  ['sold_before', 'int'],
  ['available_change', 'int'],
  ['reserved_change', 'int'],
  ['sold_change', 'int'],
  ['safety_stock', 'int'],
  ['type', 'event_type'],
  ['cause', 'release_cause'],
  ['partition', 'smallint'],
  ['sku', 'text'],
  ['warehouse', 'text'],
  ['actor', 'text'],
  ['order_id', 'text'],
  ['movement_id', 'text'],
  ['operation', 'text'],
  ['reason', 'text'],
] as const;

const INSERT = `INSERT INTO ledger (${COLUMNS.map(([name]) => name).join(', ')})
  SELECT ${COLUMNS.map(([name]) => (name.endsWith('at') ? `to_timestamp(${name})` : name)).join(', ')}
  FROM unnest(${COLUMNS.map(([, type], i) => `$${i + 1}::${type}[]`).join(', ')})
    AS u(${COLUMNS.map(([name]) => name).join(', ')})`;

/** The rows of one ledger into another; reading them and making the parameters is not measured. */
async function insertBare(fromUrl: string, toUrl: string, lines: number): Promise<number> {
  const from = new pg.Client({ connectionString: fromUrl });
  const to = new pg.Client({ connectionString: toUrl });
  await from.connect();
  await to.connect();
  let elapsedMs = 0;
  for (let after = 0; after < lines; after += BARE_ROWS) {
    const { rows } = await from.query<Record<string, string | number | Date | null>>(
      'SELECT * FROM ledger WHERE id > $1 ORDER BY id LIMIT $2',
      [after, BARE_ROWS],
    );
    const values = COLUMNS.map(([name, type]) =>
      arrayOf(
        rows.map((row) => row[name] ?? undefined),
        type,
      ),
    );
    const startedMs = performance.now();
    await to.query('BEGIN');
    await to.query({ name: 'insert', text: INSERT, values });
    await to.query('COMMIT');
    elapsedMs += performance.now() - startedMs;
  }
  await from.end();
  await to.end();
  return (lines / elapsedMs) * 1_000;
}

function arrayOf(cells: readonly (string | number | Date | undefined)[], type: string): string {
  if (type === 'float8') return secondsArray(cells.map((cell) => (cell as Date | undefined)?.getTime()));
  if (type.endsWith('int'))
    return numberArray(cells.map((cell) => (cell === undefined ? cell : Number(cell))));
  return textArray(cells as (string | undefined)[]);
}
