/**
 * `npm run rebuild`: fences the partition and fills it from the ledger under a new epoch. A running worker does it, after
 * it has written the backlog to the ledger; where no worker runs, this program does it.
 */
import { parseArgs } from 'node:util';
import { connectRedis, openConnection } from '../hotpath/hot-inventory.ts';
import { partitionKeys } from '../hotpath/keys.ts';
import { fencePartition, readControl } from '../hotpath/partition.ts';
import { openLedger } from '../ledger/ledger.ts';
import { poll } from '../timing/retry.ts';
import { rebuild } from '../worker/recovery/rebuild.ts';
import { findStores } from './stores.ts';

const HELP = `npm run rebuild -- [options]
  --accept-loss   rebuild although Redis holds decisions that the ledger has not (they are lost)`;
const WORKER_MS_MAX = 60_000;
const POLL_MS = 50;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      'accept-loss': { type: 'boolean', default: false },
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
  const ledger = await openLedger({ databaseUrl: stores.databaseUrl, applicationName: 'holdfast-rebuild' });
  const keys = partitionKeys(stores.prefix);
  try {
    const before = await readControl(redis, keys);
    await fencePartition(redis, keys, 0);
    const lease = await ledger.tryBecomeWorker(keys.partition);
    if (!lease) return await waitForWorker(before?.epoch ?? 0);
    try {
      const cursor = await ledger.cursor(keys.partition);
      const behind =
        before && cursor && before.epoch === cursor.epoch ? before.sequence - cursor.sequence : 0;
      if (behind > 0 && !values['accept-loss']) {
        console.error(
          `Redis has decided ${behind} batches that are not in the ledger. Start a worker (npm run work): it carries them ` +
            'over and rebuilds. Or say --accept-loss. The partition stays fenced.',
        );
        return 1;
      }
      const outcome = await rebuild(
        { redis, keys, ledger, tombstoneMs: config.tombstoneMs },
        ({ items, reservations }) => {
          if (process.stderr.isTTY)
            process.stderr.write(`\r${items} items, ${reservations} reservations loaded`);
        },
      );
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

  async function waitForWorker(epochBefore: number): Promise<number> {
    console.log('fenced; the running worker carries over what was decided and rebuilds ...');
    const epoch = await poll(
      async () => {
        const control = await readControl(redis, keys);
        return control?.state === 'open' && control.epoch > epochBefore ? control.epoch : undefined;
      },
      { everyMs: POLL_MS, timeoutMs: WORKER_MS_MAX },
    );
    if (epoch !== undefined) {
      console.log(`open again under epoch ${epoch}`);
      return 0;
    }
    console.error(
      `the worker did not rebuild within ${WORKER_MS_MAX / 1_000} s: look at its log. The partition stays fenced.`,
    );
    return 1;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
