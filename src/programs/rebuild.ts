/**
 * `npm run rebuild`: closes the partition and fills it from the ledger under a new epoch. A running worker does it, after it has
 * carried what was decided to the ledger; where no worker runs, this program does it.
 * Promises: it looks first and closes last, so that a refusal leaves a selling shop as it was.
 */
import { parseArgs } from 'node:util';
import { connectRedis, openConnection, type RedisConnection } from '../hotpath/hot-inventory.ts';
import { type PartitionKeys, partitionKeys } from '../hotpath/keys.ts';
import { type ControlRecord, fencePartition, readControl, unfencePartition } from '../hotpath/partition.ts';
import { openLedger } from '../ledger/ledger.ts';
import { poll } from '../timing/retry.ts';
import { beyondLedger, recordFork } from '../worker/recovery/fork.ts';
import { type RebuildParts, rebuild } from '../worker/recovery/rebuild.ts';
import { findStores } from './stores.ts';

const HELP = `npm run rebuild -- [options]
  --accept-loss   rebuild although Redis holds decisions that the ledger has not (they are lost, and listed by npm run reconcile)
  --undo          take away the fence of a rebuild that has not begun to empty Redis`;
const WORKER_MS_MAX = 60_000;
const POLL_MS = 50;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      'accept-loss': { type: 'boolean', default: false },
      undo: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const { stores, config } = await findStores();
  const redis = connectRedis(stores.redisUrl);
  await openConnection(redis);
  const keys = partitionKeys(stores.prefix);
  if (values.undo) return undo(redis, keys).finally(() => redis.disconnect());
  const ledger = await openLedger({ databaseUrl: stores.databaseUrl, applicationName: 'holdfast-rebuild' });
  try {
    const control = await readControl(redis, keys).catch(() => undefined);
    const lease = await ledger.tryBecomeWorker(keys.partition);
    if (!lease) return await letWorkerRebuild(redis, keys);
    try {
      const parts = { redis, keys, ledger, tombstoneMs: config.tombstoneMs };
      const why = await lossOf(parts, control);
      if (why !== undefined && !values['accept-loss']) {
        console.error(
          `${why} Start a worker (npm run work): it carries over what it can. \`npm run import-from-redis\` brings the rest ` +
            'into the ledger. Or say --accept-loss. Nothing was changed.',
        );
        return 1;
      }
      if (why !== undefined) await writeDown(parts);
      const outcome = await rebuild(parts, ({ items, reservations }) => {
        if (process.stderr.isTTY)
          process.stderr.write(`\r${items} items, ${reservations} reservations loaded`);
      });
      if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K');
      console.log(
        `rebuilt under epoch ${outcome.epoch}: ${outcome.items} items, ${outcome.openHolds} open holds, ` +
          `${outcome.settled} settled, in ${(outcome.durationMs / 1_000).toFixed(1)} s`,
      );
      return 0;
    } finally {
      await lease.release();
    }
  } finally {
    redis.disconnect();
    await ledger.close();
  }
}

/** What a rebuild would lose; undefined where nothing. */
async function lossOf(parts: RebuildParts, control: ControlRecord | undefined): Promise<string | undefined> {
  const cursor = await parts.ledger.cursor(parts.keys.partition);
  if (!control || control.sequence === 0) return undefined;
  if (!cursor) return 'Redis holds a partition that this ledger never saw.';
  if (!(await beyondLedger(parts, cursor, control))) return undefined;
  const behind = control.sequence - cursor.sequence;
  return behind > 0
    ? `Redis has decided ${behind} batches that are not in the ledger.`
    : 'Redis has another history than the ledger.';
}

/** Closes the partition and writes into the ledger what is given up: `npm run reconcile` lists it. */
async function writeDown(parts: RebuildParts): Promise<void> {
  const cursor = await parts.ledger.cursor(parts.keys.partition);
  const fenced = await fencePartition(parts.redis, parts.keys);
  const beyond = cursor && (await beyondLedger(parts, cursor, fenced));
  if (beyond) await recordFork(parts, cursor, fenced, beyond);
}

async function undo(redis: RedisConnection, keys: PartitionKeys): Promise<number> {
  const control = await readControl(redis, keys);
  if (control?.state !== 'fenced') {
    console.error('There is no fence: nothing was changed.');
    return 1;
  }
  // A rebuild that empties Redis has taken the incarnation out of the record: then only the ledger knows what was there.
  if (control.incarnation === undefined || !(await unfencePartition(redis, keys))) {
    console.error(
      'The rebuild has begun to empty Redis: let it finish, or start a worker (npm run work), which rebuilds.',
    );
    return 1;
  }
  console.log('The fence is gone.');
  return 0;
}

async function letWorkerRebuild(redis: RedisConnection, keys: PartitionKeys): Promise<number> {
  const { epoch } = await fencePartition(redis, keys);
  console.log('fenced; the running worker carries over what was decided and rebuilds ...');
  const opened = await poll(
    async () => {
      const control = await readControl(redis, keys);
      return control?.state === 'open' && control.epoch.number > epoch.number
        ? control.epoch.number
        : undefined;
    },
    { everyMs: POLL_MS, timeoutMs: WORKER_MS_MAX },
  );
  if (opened !== undefined) {
    console.log(`open again under epoch ${opened}`);
    return 0;
  }
  console.error(
    `the worker did not rebuild within ${WORKER_MS_MAX / 1_000} s: look at its log. The partition stays fenced; ` +
      '`npm run rebuild -- --undo` takes the fence away.',
  );
  return 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
