/**
 * `npm run verify`: is this Redis the one that the ledger follows? Compares the two and says so; where no worker runs it opens
 * the partition, as a worker would. With `--without-ledger` a person opens it by his word while the ledger is away.
 */
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { takeConfig } from '../config.ts';
import { connectRedis, openConnection, type RedisConnection } from '../hotpath/hot-inventory.ts';
import { type PartitionKeys, partitionKeys } from '../hotpath/keys.ts';
import {
  type ControlRecord,
  type Incarnation,
  isVerified,
  readClockMs,
  readControl,
  readIncarnation,
  replaceControl,
} from '../hotpath/partition.ts';
import { openLedger } from '../ledger/ledger.ts';
import { compareHistories } from '../worker/recovery/compare.ts';
import { nextEpoch, pauseSince } from '../worker/recovery/opening.ts';
import { recover } from '../worker/recovery/recover.ts';
import { writeTrust } from '../worker/recovery/trust.ts';
import { findRunning } from './running.ts';
import { findStores } from './stores.ts';

const HELP = `npm run verify -- [options]
  Compares Redis with the ledger. A running worker opens the partition by itself; where none runs, this program does.
  Exit code 0: the partition is open. 1: it is not, and why. 2: a store is away.

  --without-ledger --actor NAME --reason TEXT
      opens the partition without the ledger, by your word that this Redis is the newest there is: only while the ledger is
      away and selling cannot wait. If this Redis lacks decisions, goods are sold twice. It is marked until a worker has
      compared it, and \`npm run reconcile\` shows it.`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      'without-ledger': { type: 'boolean', default: false },
      actor: { type: 'string' },
      reason: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (!values['without-ledger']) return withLedger();
  const { actor, reason } = values;
  if (!actor || !reason) {
    console.error('--without-ledger: say who opens it and why: --actor NAME --reason TEXT');
    return 1;
  }
  return withoutLedger(actor, reason);
}

async function withLedger(): Promise<number> {
  const { stores, config } = await findStores();
  const redis = connectRedis(stores.redisUrl);
  await openConnection(redis);
  const keys = partitionKeys(stores.prefix);
  const ledger = await openLedger({ databaseUrl: stores.databaseUrl, applicationName: 'holdfast-verify' });
  try {
    const lease = await ledger.tryBecomeWorker(keys.partition);
    try {
      if (lease) {
        const log = pino({ level: 'silent' });
        await recover({ redis, keys, ledger, tombstoneMs: config.tombstoneMs, log }, 'lease');
      }
      const cursor = await ledger.cursor(keys.partition);
      const control = await readControl(redis, keys);
      const incarnation = await readIncarnation(redis);
      if (control) console.log(stateText(control, incarnation));
      if (cursor && control) {
        const { kind } = await compareHistories({ redis, keys, ledger }, cursor, control);
        console.log(`Redis is at ${control.sequence}, the ledger at ${cursor.sequence}: ${COMPARED[kind]}.`);
      }
      const isOpen = control !== undefined && isVerified(control, incarnation);
      console.log(isOpen ? 'The partition is open.' : 'The partition is not open.');
      if (!isOpen && !lease)
        console.log('A worker is running: it opens the partition, or its log says why it cannot.');
      return isOpen ? 0 : 1;
    } finally {
      await lease?.release();
    }
  } finally {
    redis.disconnect();
    await ledger.close();
  }
}

const COMPARED = {
  follows: 'they are one history',
  'entries-missing': 'the stream lacks entries that the ledger needs (npm run import-from-redis brings them)',
  forked: 'they are two histories',
} as const;

async function withoutLedger(actor: string, reason: string): Promise<number> {
  const config = takeConfig({});
  const running = config.redisUrl ? undefined : await findRunning(config.dataFolder);
  const redisUrl = config.redisUrl ?? running?.redisUrl;
  if (!redisUrl) throw new Error(`No Holdfast runs on ${config.dataFolder}: set REDIS_URL.`);
  const redis = connectRedis(redisUrl);
  await openConnection(redis);
  const keys = partitionKeys(running?.prefix ?? config.prefix);
  try {
    return await trust(redis, keys, actor, reason);
  } finally {
    redis.disconnect();
  }
}

async function trust(
  redis: RedisConnection,
  keys: PartitionKeys,
  actor: string,
  reason: string,
): Promise<number> {
  const control = await readControl(redis, keys);
  const incarnation = await readIncarnation(redis);
  if (!control) {
    console.error(
      'Redis has no such partition: only a worker can fill it from the ledger. Nothing was changed.',
    );
    return 1;
  }
  console.log(stateText(control, incarnation));
  if (isVerified(control, incarnation)) {
    console.log('The partition is open already. Nothing was changed.');
    return 0;
  }
  if (
    !incarnation.isPrimary ||
    !control.isLinked ||
    control.state === 'fenced' ||
    control.state === 'clock'
  ) {
    console.error('It is closed for another reason than a missing comparison. Nothing was changed.');
    return 1;
  }
  const nowMs = await readClockMs(redis);
  const epoch = nextEpoch(control, undefined);
  const { sequence, link, eventsTotal } = control;
  const place = { sequence, link, eventsTotal };
  await writeTrust(redis, keys, {
    nonce: epoch.nonce,
    incarnation: incarnation.id,
    actor,
    reason,
    atMs: nowMs,
    ...place,
  });
  const pause = pauseSince(control.clockMs, nowMs);
  const after = { ...control, epoch, incarnation: incarnation.id, pause, state: 'trusted' } as const;
  const { isReplaced } = await replaceControl(redis, keys, control, after, { incarnation: incarnation.id });
  if (!isReplaced) {
    console.error('Redis changed meanwhile: look again. Nothing was opened.');
    return 1;
  }
  const closed = Math.round((nowMs - control.clockMs) / 1_000);
  console.log(
    `Opened by ${actor}: ${reason}\nThe last decision in this Redis is number ${sequence}, ${closed} s ago. What cannot be known: whether ` +
      'there were later ones. Orders that were acknowledged after it are sold again. Start a worker as soon as the ledger is back: ' +
      'it compares the two, writes down what differs, and `npm run reconcile` lists it.',
  );
  return 0;
}

function stateText(control: ControlRecord, incarnation: Incarnation): string {
  const verified = isVerified(control, incarnation) ? 'verified' : 'not verified';
  return (
    `Redis is ${incarnation.isPrimary ? 'a primary' : 'a replica'}, ${verified}; the partition is ${control.state}, ` +
    `epoch ${control.epoch.number}, at ${control.sequence}.`
  );
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
