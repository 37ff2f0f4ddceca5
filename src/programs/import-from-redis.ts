/**
 * `npm run import-from-redis`: brings into the ledger what only Redis knows, after the ledger went back further than the stream
 * reaches, or entries of the stream are gone. Exit code 0: done. 1: refused, with what to do. 2: a store is away.
 */
import { parseArgs } from 'node:util';
import { readId } from '../domain/inputs/orders.ts';
import { connectRedis, openConnection } from '../hotpath/hot-inventory.ts';
import { partitionKeys } from '../hotpath/keys.ts';
import { openLedger } from '../ledger/ledger.ts';
import { importFromRedis } from '../worker/repair/import.ts';
import { findStores } from './stores.ts';

const HELP = `npm run import-from-redis -- --actor NAME --reason TEXT [--json]
Brings items, orders, movements, transfers, count sheets and sales from Redis into the ledger, as entries of their own kind,
and lets the worker carry on from there. Nothing is sold while Redis is read (some 20,000 records a second); then selling goes
on, and the ledger is written. It may run beside a worker that waits for it, and be repeated after any interruption.`;

const REASON_LENGTH_MAX = 500;
const STATEMENT_MS_MAX = 600_000;
const NOTES_SHOWN = 100;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      actor: { type: 'string' },
      reason: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const { actor, reason } = values;
  if (!actor) throw new Error(`--actor is missing: say who decides\n${HELP}`);
  if (!reason?.trim() || reason.length > REASON_LENGTH_MAX) {
    throw new Error(
      `--reason is missing or too long: say why, in at most ${REASON_LENGTH_MAX} characters\n${HELP}`,
    );
  }
  const word = { actor: readId('actor', actor), reason: reason.trim() };
  const { stores } = await findStores();
  const redis = connectRedis(stores.redisUrl);
  await openConnection(redis);
  const ledger = await openLedger({
    databaseUrl: stores.databaseUrl,
    statementTimeoutMs: STATEMENT_MS_MAX,
    applicationName: 'holdfast-import-from-redis',
  });
  try {
    const answer = await importFromRedis({ redis, keys: partitionKeys(stores.prefix), ledger }, word);
    if (values.json) console.log(JSON.stringify(answer, undefined, 2));
    else if (answer.outcome === 'refused') console.log(`REFUSED: ${answer.why}`);
    else {
      const { items, orders, transfers, stocktakeLines, sales, fencedMs, fromSequence, toSequence, notes } =
        answer;
      console.log(
        [
          `brought: ${items} items, ${orders} orders, ${transfers} transfers, ${stocktakeLines} count lines, ${sales} sales`,
          `the ledger was at ${fromSequence} and is at ${toSequence}; nothing was sold for ${(fencedMs / 1_000).toFixed(1)} s`,
          ...notes.slice(0, NOTES_SHOWN).map((note) => `  ${note}`),
          ...(notes.length > NOTES_SHOWN ? [`  and ${notes.length - NOTES_SHOWN} more`] : []),
          'look at npm run reconcile when the worker has carried on',
        ].join('\n'),
      );
    }
    return answer.outcome === 'imported' ? 0 : 1;
  } finally {
    redis.disconnect();
    await ledger.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
