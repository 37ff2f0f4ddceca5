/**
 * `npm run import` as it ships, from a file to the last row in the ledger: importer, worker, Redis and Postgres are processes
 * of their own and share this machine. Measured from the start of the importer to its end, which includes reading the file
 * twice and waiting for the ledger. Promises: every row is in the ledger, or there is no figure.
 */
import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { partitionKeys } from '../../src/hotpath/keys.ts';
import { endProgram, startProgram } from '../program.ts';
import { type Bench, type Figure, figure, type Section } from './figures.ts';
import { makeDatabase, query } from './ledger-database.ts';
import { builtFile, readControl } from './shipped.ts';

const ROWS = 1_000_000;
const ROWS_QUICK = 100_000;
const PER_SECOND_MIN = 20_000;
const MEMORY_MB_MAX = 300;
/** Each takes most of a minute. */
const TURNS_MAX = 2;
const START_MS_MAX = 20_000;
const WAREHOUSES = 100;
const PREFIX = 'bench-import';
const HERE = new URL('../..', import.meta.url).pathname;

/** The SKU and the warehouse of row `i` of `rows`. */
type Layout = (i: number, rows: number) => readonly [sku: number, warehouse: number];
const LAYOUTS: Readonly<Record<string, Layout>> = {
  '100 warehouses, by SKU': (i) => [Math.floor(i / WAREHOUSES), i % WAREHOUSES],
  '100 warehouses, one after the other': (i, rows) => [
    i % (rows / WAREHOUSES),
    Math.floor(i / (rows / WAREHOUSES)),
  ],
  'one warehouse, every row a SKU': (i) => [i, 0],
};

export const importing: Section = {
  title: 'npm run import: rows of opening stock from a CSV file into Redis and the ledger',
  run: async (bench) => {
    const rows = bench.settings.quick ? ROWS_QUICK : ROWS;
    const figures: Figure[] = [];
    for (const [name, layout] of Object.entries(LAYOUTS)) {
      const rates: number[] = [];
      const memory: number[] = [];
      for (let turn = 1; turn <= Math.min(bench.settings.repeats, TURNS_MAX); turn++) {
        const { perSecond, memoryMb } = await measure(bench, rows, layout);
        rates.push(perSecond);
        memory.push(memoryMb);
        bench.progress(
          `${turn}: ${name}: ${Math.round(perSecond)} rows/s, importer ${Math.round(memoryMb)} MB`,
        );
      }
      figures.push(
        figure(`${rows} rows, ${name}`, 'rows/s', rates, { target: { atLeast: PER_SECOND_MIN } }),
        figure(`memory of the importer, ${name}`, 'MB', memory, { target: { atMost: MEMORY_MB_MAX } }),
      );
    }
    return figures;
  },
};

async function measure({ stores, progress }: Bench, rows: number, layout: Layout) {
  await stores.clear();
  const database = await makeDatabase(await stores.databaseUrl());
  const path = join(stores.folder, 'import.csv');
  await pipeline(Readable.from(csv(rows, layout)), createWriteStream(path));
  const environment = { REDIS_URL: stores.redisUrl, DATABASE_URL: database.url, HOLDFAST_PREFIX: PREFIX };
  const worker = startProgram(
    'work',
    builtFile(HERE, '', 'work'),
    { ...environment, HOLDFAST_WORKER_PORT: '0' },
    progress,
  );
  try {
    await isOpen(stores.admin);
    const startedMs = performance.now();
    const args = [builtFile(HERE, 'programs', 'import'), 'stock', path, '--json'];
    const env = { PATH: process.env.PATH ?? '', ...environment, LOG_LEVEL: 'warn' };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    const seconds = (performance.now() - startedMs) / 1_000;
    const { done, memoryMaxBytes } = JSON.parse(stdout) as { done: number; memoryMaxBytes: number };
    const [ledger] = await query<{ entries: number }>(
      database.url,
      'SELECT count(*)::int AS entries FROM ledger',
    );
    if (done !== rows || ledger?.entries !== rows)
      throw new Error(`of ${rows} rows ${done} were done and ${ledger?.entries} are in the ledger`);
    return { perSecond: rows / seconds, memoryMb: memoryMaxBytes / 1_048_576 };
  } finally {
    await endProgram(worker);
    await database.drop();
    await rm(path, { force: true });
  }
}

function* csv(rows: number, layout: Layout): Generator<string> {
  let text = 'sku,warehouse,quantity,reason\n';
  for (let i = 0; i < rows; i++) {
    const [sku, warehouse] = layout(i, rows);
    text += `SKU-${String(sku).padStart(7, '0')},wh-${warehouse},${1 + (i % 90)},opening stock\n`;
    if (text.length < 65_536) continue;
    yield text;
    text = '';
  }
  yield text;
}

/** A worker opens an empty partition by itself. */
async function isOpen(redis: Bench['stores']['admin']): Promise<void> {
  const limitMs = performance.now() + START_MS_MAX;
  while ((await readControl(redis, partitionKeys(PREFIX)))?.state !== 'open') {
    if (performance.now() > limitMs) throw new Error(`the partition is not open after ${START_MS_MAX} ms`);
    await sleep(20);
  }
}
