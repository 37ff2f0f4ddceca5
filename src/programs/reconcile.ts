/**
 * `npm run reconcile`: compares hot path and ledger once, item by item and hold by hold, and prints the differences.
 * Exit code 0: they agree. 1: drift. 2: not finished.
 */
import { parseArgs } from 'node:util';
import { connectRedis, openConnection } from '../hotpath/hot-inventory.ts';
import { partitionKeys } from '../hotpath/keys.ts';
import { openLedger } from '../ledger/ledger.ts';
import { type Audit, type AuditFinding, audit } from '../worker/audit/reconciliation.ts';
import { findStores } from './stores.ts';

const HELP = `npm run reconcile -- [options]
  --json          the whole result as JSON
  --quick         items only: neither holds, transfers and sales nor the sum of all entries
  --wait SECONDS  how long to wait for the ledger to catch up (default 30)`;

const EXIT_CODES: Record<Audit['verdict'], number> = { agree: 0, drift: 1, incomplete: 2 };
const FINDINGS_SHOWN = 50;

function findingText(finding: AuditFinding): string {
  const where = finding.sku ? `${finding.sku}@${finding.warehouse}` : '';
  return `  ${finding.kind.padEnd(20)} ${where}  ${finding.detail}`;
}

function resultText(result: Audit): string {
  const seconds = ((result.finishedAtMs - result.startedAtMs) / 1_000).toFixed(1);
  const compared =
    `${result.itemsCompared} items, ${result.holdsCompared} open holds and ${result.documentsCompared} transfers and sales ` +
    `compared in ${seconds} s`;
  const lines = result.findings.slice(0, FINDINGS_SHOWN).map(findingText);
  if (result.findingsTotal > lines.length) lines.push(`  and ${result.findingsTotal - lines.length} more`);
  const verdicts: Record<Audit['verdict'], string> = {
    agree: 'VERDICT: ledger and hot path agree, drift 0',
    drift: `VERDICT: drift ${result.findingsTotal}${result.reason ? `, and the audit is incomplete: ${result.reason}` : ''}`,
    incomplete: `VERDICT: incomplete: ${result.reason}; nothing wrong was found so far, drift 0`,
  };
  return [compared, ...lines, verdicts[result.verdict]].join('\n');
}

async function reconcile(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      wait: { type: 'string', default: '30' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const waitSeconds = Number(values.wait);
  if (!(waitSeconds >= 0 && waitSeconds <= 3_600))
    throw new Error('--wait: use a number of seconds from 0 to 3600');
  const { stores } = await findStores();
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

try {
  process.exitCode = await reconcile();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
