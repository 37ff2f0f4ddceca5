/**
 * Where a request waits: the API at 70 % of its highest rate, 100 connections, every answer on disk, without and with a worker
 * on the same machine. Promises: nothing is added up that was not measured; each row is a clock of its own.
 */
import { ask, heard, startChild } from '../bench/child.ts';
import { CONNECTIONS, openShop, PACED_SHARE } from '../bench/http.ts';
import { type LedgerWorker, startLedgerWorker } from '../bench/peers/ledger-worker.ts';
import { redisCpu, type Stores, scriptTime } from '../bench/stores.ts';
import { loadGenerator } from '../bench/wrk.ts';
import { type Profile, Unavailable } from './profile.ts';
import type { Settings } from './settings.ts';
import { type Row, table } from './tables.ts';
import { SHARES, type Waits } from './waits-shares.ts';

const WARM_UP_MS = 3_000;
const HIGHEST_MS = 3_000;
/** Redis keeps the longest of each second that took at least so long. */
const SLOW_SYNC_MS = 1;

export async function profileWaits(settings: Settings, stores: Stores): Promise<Profile> {
  const { paced } = loadGenerator();
  if (!paced) throw new Unavailable('wrk is not on PATH, and only wrk keeps a rate: apt-get install wrk');
  const worker = await startLedgerWorker(stores);
  try {
    const tables = [await tableOf(settings, stores), await tableOf(settings, stores, worker)];
    return { title: 'Where a request waits', unit: 'ms', stacks: [], tables: tables.join('\n') };
  } finally {
    await worker.close();
  }
}

async function tableOf({ seconds }: Settings, stores: Stores, worker?: LedgerWorker): Promise<string> {
  const generator = loadGenerator();
  await openShop(stores, worker);
  await stores.admin.config('SET', 'latency-monitor-threshold', String(SLOW_SYNC_MS));
  const child = startChild('../profile/waits-server.ts', ['real', stores.redisUrl]);
  try {
    const { port } = (await heard(child)) as { port: number };
    const wish = { port, connections: CONNECTIONS };
    await generator.load({ ...wish, mark: 'w', durationMs: WARM_UP_MS });
    const highest = await generator.load({ ...wish, mark: 'h', durationMs: HIGHEST_MS });
    const rate = PACED_SHARE * highest.perSecond;
    await stores.admin.call('LATENCY', 'RESET');
    const before = { ...(await scriptTime(stores)), cpuUs: await redisCpu(stores) };
    await ask(child, { waits: 'start' });
    const found = await generator.paced?.({ ...wish, mark: 'p', durationMs: 1_000 * seconds }, rate);
    const waits = (await ask(child, { waits: 'stop' })) as Waits;
    if (!found) throw new Unavailable('the load generator keeps no rate');
    const after = { ...(await scriptTime(stores)), cpuUs: await redisCpu(stores) };
    const slow = await slowestOfEachSecond(stores);
    await worker?.finish();
    const batches = after.calls - before.calls;
    const perBatch = (us: number) => (us / batches).toFixed(0);
    const title =
      `${worker ? 'With a worker' : 'Without a worker'}: ${Math.round(found.perSecond)} requests/s of ` +
      `${Math.round(highest.perSecond)}, ${(found.created / batches).toFixed(1)} orders a batch; a batch costs Redis ` +
      `${perBatch(after.us - before.us)} us in the script and ${perBatch(after.cpuUs - before.cpuUs)} us of processor; ms`;
    const rows: Row[] = [
      ['the client, from due to answered (wrk)', found.p50Ms, '', found.p99Ms, ''],
      ...ROWS.map(([where, name]): Row => [name, ...(waits[where] ?? [])]),
    ];
    const heads = ['', ...SHARES.map((share) => `p${100 * share}`)];
    return `${table(title, heads, rows, 2)}\n${slow}`;
  } finally {
    child.kill();
  }
}

const ROWS: readonly (readonly [string, string])[] = [
  ['request', 'the server, from request read to answer written'],
  ['engine', '  of it in the engine: the queue, and the batch'],
  ['round trip', '    a batch there and back: Redis, the disk, and both waking up'],
  ['loop', 'how late the event loop is (a millisecond of it is the clock)'],
  ['collector', 'a collection of garbage'],
];

/** What Redis itself calls slow, by what it was. */
async function slowestOfEachSecond({ admin }: Stores): Promise<string> {
  const latest = (await admin.call('LATENCY', 'LATEST')) as [string, number, number, number][];
  const lines: string[] = [];
  for (const [event] of latest) {
    const history = (await admin.call('LATENCY', 'HISTORY', event)) as [number, number][];
    const worst = history.map(([, ms]) => ms).sort((a, b) => a - b);
    lines.push(
      `${event}: in ${worst.length} seconds, median ${worst[worst.length >> 1]}, longest ${worst.at(-1)}`,
    );
  }
  return `Redis, slowest of each second where it took ${SLOW_SYNC_MS} ms or more: ${lines.join('; ') || 'none'}`;
}
