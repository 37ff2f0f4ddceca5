/**
 * The engine in a process of its own, without HTTP, one engine for each partition; commanded by shop.ts, ends with its
 * parent. Order ids are made before they are sold. Promises: every order is held, or the answer is a failure.
 */
import { randomUUID } from 'node:crypto';
import { receive, reserveOne, WAREHOUSE } from '../hot-sku.ts';
import { namesOf } from '../peers/peer.ts';
import { openHotInventory } from '../shipped.ts';

/** The commands of this process. `sell` and `confirm` mean the orders that were prepared last. */
export type Told =
  | { readonly open: { readonly redisUrl: string; readonly partitions: number; readonly skus: number } }
  | { readonly prepare: number; readonly holdSeconds?: number | undefined }
  | 'receive'
  | 'sell'
  | 'confirm'
  | 'close';

/** As many callers as fill two batches of one engine. */
const CALLERS = 512;
/** More than any shop of ours decides before the worker has carried it. */
const BACKLOG_EVENTS_MAX = 20_000_000;

/** A machine that stands still for a while shall not cost the minutes that a long filling took so far. */
const TIMEOUT_MS = 60_000;

type Engine = Awaited<ReturnType<typeof openHotInventory>>;

let engines: Engine[] = [];
let skus: string[] = [];
let ids: string[] = [];
let holdSeconds: number | undefined;

/** A SKU belongs to one partition. */
const engineOf = (sku: number): Engine => engines[sku % engines.length] as Engine;

async function open(redisUrl: string, partitions: number, count: number): Promise<void> {
  const limits = { backlogEventsMax: BACKLOG_EVENTS_MAX };
  engines = await Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      openHotInventory({ redisUrl, ack: 'fsync', partition, limits, timeoutMs: TIMEOUT_MS }),
    ),
  );
  skus = namesOf(count);
}

async function each(count: number, call: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const run = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: CALLERS }, run));
}

const lineOf = (sku: number) => ({ sku: skus[sku] as string, warehouse: WAREHOUSE, quantity: 1 });

async function sell(): Promise<void> {
  await each(ids.length, async (n) => {
    const orderId = ids[n] as string;
    const sku = n % skus.length;
    if (holdSeconds === undefined) return reserveOne(engineOf(sku), orderId, lineOf(sku));
    const { outcome } = await engineOf(sku).reserve({ orderId, lines: [lineOf(sku)], holdSeconds });
    if (outcome !== 'done') throw new Error(`${orderId} was ${outcome}`);
  });
}

async function confirm(): Promise<void> {
  await each(ids.length, async (n) => {
    const { outcome } = await engineOf(n % skus.length).confirm({ orderId: ids[n] as string });
    if (outcome !== 'done') throw new Error(`the payment of ${ids[n]} was ${outcome}`);
  });
}

async function obey(told: Told): Promise<void> {
  if (told === 'receive') return each(skus.length, (n) => receive(engineOf(n), skus[n] as string));
  if (told === 'sell') return sell();
  if (told === 'confirm') return confirm();
  if (told === 'close') {
    await Promise.all(engines.map((engine) => engine.close()));
    engines = [];
    return;
  }
  if ('open' in told) return open(told.open.redisUrl, told.open.partitions, told.open.skus);
  // Whole texts, as they come in with a request: see orderIds.
  ids = Array.from({ length: told.prepare }, () => Buffer.from(randomUUID(), 'latin1').toString('latin1'));
  holdSeconds = told.holdSeconds;
}

const say = (said: object) => process.send?.(said);
process.on('disconnect', () => process.exit(0));
process.on('message', (told: Told) => {
  obey(told).then(
    () => say({}),
    (error: unknown) => say({ failure: String(error) }),
  );
});
