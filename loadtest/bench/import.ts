/**
 * `npm run import` as it ships, from a file to the last row in the ledger: the importer, the worker, Redis and Postgres
 * are processes of their own and share this machine. Timed from the start of the process to its end, so reading the file
 * twice and waiting for the ledger are in it. Promises: every row is in the ledger, or there is no figure.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { type Bench, type Figure, figure, type Section } from './figures.ts';
import { makeDatabase } from './ledger-database.ts';
import { readControl } from './shipped.ts';

const ROWS = 1_000_000;
const ROWS_QUICK = 100_000;
const PER_SECOND_MIN = 20_000;
const MEMORY_MB_MAX = 300;
/** Each takes most of a minute. */
const TURNS_MAX = 2;
const START_MS_MAX = 20_000;
const WAREHOUSES = 100;

/** Which item row `i` of `rows` is about. */
type Layout = (i: number, rows: number) => readonly [sku: number, warehouse: number];

const LAYOUTS: readonly { readonly name: string; readonly layout: Layout }[] = [
  { name: '100 warehouses, by SKU', layout: (i) => [Math.floor(i / WAREHOUSES), i % WAREHOUSES] },
  {
    name: '100 warehouses, one after the other',
    layout: (i, rows) => [i % (rows / WAREHOUSES), Math.floor(i / (rows / WAREHOUSES))],
  },
  { name: 'one warehouse, every row a SKU', layout: (i) => [i, 0] },
];

interface Measured {
  readonly perSecond: number;
  readonly memoryMb: number;
}

export const importing: Section = {
  title: 'npm run import: rows of opening stock from a CSV file into Redis and the ledger',
  run: async (bench) => {
    const rows = bench.settings.quick ? ROWS_QUICK : ROWS;
    const figures: Figure[] = [];
    for (const { name, layout } of LAYOUTS) {
      const all: Measured[] = [];
      for (let turn = 0; turn < Math.min(bench.settings.repeats, TURNS_MAX); turn++) {
        const measured = await measure(bench, rows, layout);
        all.push(measured);
        const [perSecond, memoryMb] = [measured.perSecond, measured.memoryMb].map(Math.round);
        bench.progress(`${turn + 1}: ${name}: ${perSecond} rows/s, importer ${memoryMb} MB`);
      }
      figures.push(
        figure(
          `${rows} rows, ${name}`,
          'rows/s',
          all.map(({ perSecond }) => perSecond),
          { target: { atLeast: PER_SECOND_MIN } },
        ),
        figure(
          `memory of the importer, ${name}`,
          'MB',
          all.map(({ memoryMb }) => memoryMb),
          { target: { atMost: MEMORY_MB_MAX } },
        ),
      );
    }
    return figures;
  },
};

async function measure({ stores }: Bench, rows: number, layout: Layout): Promise<Measured> {
  await stores.clear();
  const database = await makeDatabase(await stores.databaseUrl());
  const prefix = `b${randomBytes(6).toString('hex')}`;
  const path = join(stores.folder, `${prefix}.csv`);
  await pipeline(Readable.from(csv(rows, layout)), createWriteStream(path));
  const env = {
    PATH: process.env.PATH ?? '',
    REDIS_URL: stores.redisUrl,
    DATABASE_URL: database.url,
    HOLDFAST_PREFIX: prefix,
    HOLDFAST_WORKER_PORT: '0',
    LOG_LEVEL: 'warn',
  };
  const worker = spawn(process.execPath, [program('work')], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  const endWithUs = () => worker.kill('SIGKILL');
  process.once('exit', endWithUs);
  try {
    await isOpen(stores.admin, prefix);
    const startedMs = performance.now();
    const account = await accountOf(
      spawn(process.execPath, [program('import'), 'stock', path, '--json'], {
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    );
    const seconds = (performance.now() - startedMs) / 1_000;
    const entries = await countEntries(database.url);
    if (account.done !== rows || entries !== rows) {
      throw new Error(`of ${rows} rows ${account.done} were done and ${entries} are in the ledger`);
    }
    return { perSecond: rows / seconds, memoryMb: account.memoryMaxBytes / 1_048_576 };
  } finally {
    process.off('exit', endWithUs);
    worker.kill('SIGTERM');
    if (worker.exitCode === null) await once(worker, 'exit');
    await database.drop();
    await rm(path, { force: true });
  }
}

const program = (name: string): string => new URL(`../../dist/programs/${name}.js`, import.meta.url).pathname;

function* csv(rows: number, layout: Layout): Generator<string> {
  let text = 'sku,warehouse,quantity,reason\n';
  for (let i = 0; i < rows; i++) {
    const [sku, warehouse] = layout(i, rows);
    text += `SKU-${String(sku).padStart(7, '0')},wh-${warehouse},${1 + (i % 90)},opening stock\n`;
    if (text.length > 65_536) {
      yield text;
      text = '';
    }
  }
  yield text;
}

/** A worker opens an empty partition by itself. */
async function isOpen(redis: Bench['stores']['admin'], prefix: string): Promise<void> {
  const limitMs = performance.now() + START_MS_MAX;
  while ((await readControl(redis, partitionKeys(prefix)))?.state !== 'open') {
    if (performance.now() > limitMs)
      throw new Error(`the worker did not open the partition in ${START_MS_MAX} ms`);
    await sleep(20);
  }
}

async function accountOf(importer: ChildProcess): Promise<{ done: number; memoryMaxBytes: number }> {
  let said = '';
  importer.stdout?.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = await once(importer, 'close');
  if (code !== 0) throw new Error(`the import ended with code ${code}: ${said}`);
  return JSON.parse(said) as { done: number; memoryMaxBytes: number };
}

async function countEntries(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM ledger');
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}
