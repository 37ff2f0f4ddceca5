/**
 * `npm run sale`: simulates a flash sale, or the baskets of a real shop, on a running Holdfast (or a temporary one); at the
 * end an independent check reads both stores. Exit code 0 only where it proves that nothing was oversold or lost.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { takeConfig } from '../config.ts';
import { connectRedis, openConnection } from '../hotpath/hot-inventory.ts';
import { partitionKeys } from '../hotpath/keys.ts';
import { openPool } from '../ledger/connection.ts';
import { ledgerHasCaughtUp, type ProofSources, proofText, prove } from '../proof/proof.ts';
import { buy, Tally } from '../sale/buyers.ts';
import { basketsOf, hotArticle, type Wanted } from '../sale/orders.ts';
import { articlesText, latencyLine, showProgress, tallyLine } from '../sale/report.ts';
import { Shop } from '../sale/shop.ts';
import { findRunning, type Running } from './running.ts';
import { startHoldfast } from './start.ts';

const HELP = `npm run sale -- [options]
  --stock N          units that come in before the doors open (default 100; with --baskets of each article, 500)
  --buyers N         people who want one at the same moment (default 1000)
  --confirm SHARE    share of accepted orders that is paid, 0 to 1 (default 0: all stay held)
  --abandon SHARE    share that is neither paid nor cancelled and returns by itself; the rest is cancelled
  --hold-seconds N   how long a hold lasts (default: the shop's, 30 minutes)
  --warehouses N     warehouses that share the article's stock, 1 to 3 (default 1; with --baskets 2)
  --seconds N        the buyers come one after the other over this time (default: all at the same moment)
  --baskets FILE     instead: one order a line of the file, articles separated by commas
  --at-once N        orders under way at once (default: all buyers, at most 1000; with --baskets 64)
  --own              start a Holdfast of its own in a temporary folder even where one runs`;

/** The sums of a large sale. */
const PROOF_STATEMENT_MS_MAX = 60_000;
/** The same as in seed.ts. */
const WAREHOUSES = ['TPE-1', 'KHH-1', 'NRT-1'] as const;

interface SaleOptions {
  readonly stock: number;
  readonly buyers: number;
  readonly confirmShare: number;
  readonly abandonShare: number;
  readonly holdSeconds: number | undefined;
  readonly baskets: string | undefined;
  readonly warehouses: number;
  readonly seconds: number;
  readonly atOnce: number;
  readonly own: boolean;
}

/** Reads the arguments. @throws with all problems at once, each with its option */
function readOptions(argv: readonly string[]): SaleOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      stock: { type: 'string' },
      buyers: { type: 'string' },
      confirm: { type: 'string' },
      abandon: { type: 'string' },
      'hold-seconds': { type: 'string' },
      baskets: { type: 'string' },
      warehouses: { type: 'string' },
      seconds: { type: 'string' },
      'at-once': { type: 'string' },
      own: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const problems: string[] = [];
  const number = (name: keyof typeof values, fallback: number, min: number, max: number, whole = true) => {
    const text = values[name];
    if (text === undefined) return fallback;
    const value = Number(text);
    const isFine =
      Number.isFinite(value) && value >= min && value <= max && (!whole || Number.isInteger(value));
    if (!isFine)
      problems.push(`--${name} ${text}: use a ${whole ? 'whole ' : ''}number from ${min} to ${max}`);
    return value;
  };
  const hasBaskets = values.baskets !== undefined;
  const buyers = number('buyers', 1_000, 1, 1_000_000);
  const options: SaleOptions = {
    stock: number('stock', hasBaskets ? 500 : 100, 1, 1_000_000_000),
    buyers,
    confirmShare: number('confirm', 0, 0, 1, false),
    abandonShare: number('abandon', 0, 0, 1, false),
    holdSeconds: values['hold-seconds'] === undefined ? undefined : number('hold-seconds', 0, 1, 14_400),
    baskets: values.baskets,
    warehouses: number('warehouses', hasBaskets ? 2 : 1, 1, WAREHOUSES.length),
    seconds: number('seconds', 0, 0, 3_600),
    atOnce: number('at-once', hasBaskets ? 64 : Math.min(buyers, 1_000), 1, 4_000),
    own: values.own,
  };
  if (options.confirmShare + options.abandonShare > 1)
    problems.push('--confirm and --abandon come to more than 1');
  if (problems.length > 0) throw new Error(`${problems.join('\n')}\n\n${HELP}`);
  return options;
}

/** The Holdfast that runs on the data folder, or a temporary one, which `close` deletes. */
async function findShop(isOwn: boolean): Promise<Running & { close(): Promise<void> }> {
  const config = takeConfig({});
  const running = isOwn ? undefined : await findRunning(config.dataFolder);
  if (running) return { ...running, close: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-sale-'));
  console.log('No Holdfast is running here: starting one for this sale.');
  const own = await startHoldfast(
    { ...config, dataFolder: folder, port: 0, host: '127.0.0.1' },
    { quiet: true },
  );
  return {
    ...own.running,
    close: async () => {
      await own.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** How long a request is repeated during an outage. */
const GIVE_UP_MS = 60_000;
const CATCH_UP_MS = 60_000;

/** Receives the stock of every article, spread over so many warehouses. */
async function stockUp(shop: Shop, wanted: Wanted, run: string, warehouses: number): Promise<void> {
  let n = 0;
  for (const [sku, stock] of wanted.stock) {
    for (let i = 0; i < warehouses; i++) {
      const quantity = Math.floor(stock / warehouses) + (i < stock % warehouses ? 1 : 0);
      if (quantity === 0) continue;
      const body = {
        movementId: `${run}-${n++}`,
        sku,
        warehouse: WAREHOUSES[i],
        quantity,
        reason: 'opening of the sale',
      };
      const answer = await shop.post('/v1/stock/receive', body);
      if (answer.status !== 201 && answer.status !== 200) {
        throw new Error(`goods could not be received: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
    }
  }
}

/** Units still available by SKU, and units reserved of all of them, by the API. */
async function leftOf(
  shop: Shop,
  skus: Iterable<string>,
): Promise<{ available: Map<string, number>; reserved: number }> {
  const available = new Map<string, number>();
  let reserved = 0;
  for (const sku of skus) {
    const { body } = await shop.get(`/v1/items/${sku}`);
    available.set(sku, Number(body.available));
    reserved += Number(body.reserved);
  }
  return { available, reserved };
}

/** Shows how abandoned holds expire, until none is left. */
async function watchReturns(shop: Shop, skus: readonly string[], holdSeconds: number): Promise<void> {
  const deadline = performance.now() + (holdSeconds + 15) * 1_000;
  let reserved = 0;
  const stop = showProgress(() => `waiting for abandoned holds to return: ${reserved} units still held`);
  do {
    reserved = (await leftOf(shop, skus)).reserved;
    if (reserved > 0) await new Promise((resolve) => setTimeout(resolve, 200));
  } while (reserved > 0 && performance.now() < deadline);
  stop();
}

async function sale(options: SaleOptions): Promise<boolean> {
  const run = `s${Date.now().toString(36)}`;
  const holdfast = await findShop(options.own);
  const shop = new Shop({ url: holdfast.url, connectionsMax: options.atOnce, giveUpAfterMs: GIVE_UP_MS });
  const redis = connectRedis(holdfast.redisUrl);
  const postgres = openPool(
    {
      databaseUrl: holdfast.databaseUrl,
      role: 'holdfast_reader',
      statementTimeoutMs: PROOF_STATEMENT_MS_MAX,
      applicationName: 'holdfast-sale',
    },
    2,
  );
  try {
    await openConnection(redis);
    const wanted = options.baskets
      ? await basketsOf(options.baskets, run, options.stock)
      : hotArticle(run, options.stock, options.buyers);
    const skus = [...wanted.stock.keys()];
    await stockUp(shop, wanted, run, options.warehouses);
    console.log(
      `${holdfast.url}: ${wanted.orders.length} orders, ${options.atOnce} at once, for ${skus.length === 1 ? skus[0] : `${skus.length} articles`}`,
    );

    await shop.warmUp(options.atOnce);
    const tally = new Tally();
    const startedMs = performance.now();
    const stop = showProgress(() => tallyLine(tally, wanted.orders.length, startedMs));
    await buy(
      shop,
      wanted.orders,
      { ...options, buyersAtOnceMax: options.atOnce, spreadMs: options.seconds * 1_000 },
      tally,
    );
    stop();
    console.log(latencyLine(tally, startedMs));
    if (tally.abandoned > 0 && options.holdSeconds !== undefined)
      await watchReturns(shop, skus, options.holdSeconds);
    if (options.baskets) console.log(articlesText(wanted, tally, (await leftOf(shop, skus)).available));
    for (const text of tally.unexpected) console.log(`unexpected: ${text}`);

    const sources: ProofSources = { redis, postgres, keys: partitionKeys(holdfast.prefix) };
    const isCaughtUp = await ledgerHasCaughtUp(sources, CATCH_UP_MS);
    if (!isCaughtUp) console.log(`the ledger did not catch up within ${CATCH_UP_MS / 1_000} s`);
    const proof = await prove(sources, skus, tally.acknowledged);
    console.log(
      `orders: reserved ${tally.reserved}, refused ${tally.refused + tally.counted}, unexpected ${tally.unexpected.length}`,
    );
    console.log(proofText(proof));
    return proof.isProven && isCaughtUp && tally.unexpected.length === 0;
  } finally {
    shop.close();
    redis.disconnect();
    await postgres.end();
    await holdfast.close();
  }
}

try {
  process.exitCode = (await sale(readOptions(process.argv.slice(2)))) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
