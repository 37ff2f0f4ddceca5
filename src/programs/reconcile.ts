/**
 * `npm run reconcile`: compares hot path and ledger once, item by item, hold by hold and order by order, and prints the
 * differences and the histories that parted. Exit code 0: they agree. 1: drift. 2: not finished.
 */
import { parseArgs } from 'node:util';
import { connectRedis, openConnection } from '../hotpath/hot-inventory.ts';
import { partitionKeys } from '../hotpath/keys.ts';
import { openLedger } from '../ledger/ledger.ts';
import { readHistory } from '../worker/audit/audit-history.ts';
import { type Audit, audit } from '../worker/audit/reconciliation.ts';
import { historyText, resultText } from './reconcile-text.ts';
import { findStores } from './stores.ts';

const HELP = `npm run reconcile -- [options]
  --json          the whole result as JSON
  --quick         items only: neither holds, orders, transfers and sales nor the sum of all entries
  --all           also forks and lost acknowledgements that a person has acknowledged
  --wait SECONDS  how long to wait for the ledger to catch up (default 30)
  --acknowledge --actor NAME --reason TEXT
                  says that you have seen the forks and lost acknowledgements that this prints, and did what there is to do
                  about them: they stay in the ledger, and are a drift no longer`;

const EXIT_CODES: Record<Audit['verdict'], number> = { agree: 0, drift: 1, incomplete: 2 };

async function reconcile(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      wait: { type: 'string', default: '30' },
      acknowledge: { type: 'boolean', default: false },
      actor: { type: 'string' },
      reason: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (values.acknowledge) return acknowledge(values.actor, values.reason);
  const waitSeconds = Number(values.wait);
  if (!(waitSeconds >= 0 && waitSeconds <= 3_600))
    throw new Error('--wait: use a number of seconds from 0 to 3600');
  const { stores, config } = await findStores();
  const redis = connectRedis(stores.redisUrl);
  await openConnection(redis);
  const ledger = await openLedger({
    databaseUrl: stores.databaseUrl,
    role: 'holdfast_reader',
    applicationName: 'holdfast-reconcile',
  });
  try {
    const isTerminal = process.stderr.isTTY === true;
    const result = await audit(
      { redis, ledger, keys: partitionKeys(stores.prefix) },
      {
        catchUpMs: waitSeconds * 1_000,
        withHolds: !values.quick,
        withEntries: !values.quick,
        confirmedMs: values.quick ? undefined : config.tombstoneMs,
        history: { withReviewed: values.all, withOrders: true },
        onProgress: ({ items, holds }) => {
          if (isTerminal) process.stderr.write(`\r${items} items, ${holds} holds compared`);
        },
      },
    );
    if (isTerminal) process.stderr.write('\r\u001b[2K');
    console.log(values.json ? JSON.stringify(result, undefined, 2) : resultText(result));
    return EXIT_CODES[result.verdict];
  } finally {
    redis.disconnect();
    await ledger.close();
  }
}

/** Prints what nobody has acknowledged, and marks it as seen. Needs the ledger only. */
async function acknowledge(actor: string | undefined, reason: string | undefined): Promise<number> {
  if (!actor?.trim() || !reason?.trim()) {
    throw new Error('--acknowledge: say who you are and what was done, --actor NAME --reason TEXT');
  }
  const { stores } = await findStores();
  const { partition } = partitionKeys(stores.prefix);
  const ledger = await openLedger({
    databaseUrl: stores.databaseUrl,
    applicationName: 'holdfast-reconcile',
  });
  try {
    const history = await readHistory(ledger, partition, { withReviewed: false, withOrders: true });
    const [fork, lost, range] = [history.forks[0], history.lostAcknowledgements[0], history.lostRanges[0]];
    if (!fork && !lost && !range) {
      console.log('There is nothing to acknowledge.');
      return 0;
    }
    console.log(historyText(history));
    const shown = { forkId: fork?.id ?? 0, lostId: lost?.id ?? 0, epochId: range?.id ?? 0 };
    const done = await ledger.reviewHistory(partition, { actor, reason, shown });
    console.log(
      `acknowledged by ${actor}: ${done.forks} forks, ${done.lostAcknowledgements} lost acknowledgements, ` +
        `${done.lostRanges} lost ranges; \`npm run reconcile -- --all\` still lists them`,
    );
    return 0;
  } finally {
    await ledger.close();
  }
}

try {
  process.exitCode = await reconcile();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
