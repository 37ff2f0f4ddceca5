/**
 * `npm run matrix [-- --only WORD]`: real tests against each supported release of Redis, Valkey, Postgres and Node.js, one
 * changed at a time, as a table in Markdown. What cannot be had is skipped with a line. Exit code 1 where a test failed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startPostgres } from '../../src/local/postgres-server.ts';
import { startRedis } from '../../src/local/redis-server.ts';
import { folderOfStores } from '../stores.ts';
import {
  debianProgram,
  NOWHERE,
  nodeRelease,
  POSTGRES_MAJORS,
  postgresRelease,
  REDIS_8,
  wheelProgram,
} from './releases.ts';

/** Both languages agree, the engine, the ledger, the worker between them, a sale: under half a minute where nothing else runs. */
const FILES = [
  'test/agreement/movements.test.ts',
  'test/agreement/sales.test.ts',
  'test/hotpath/batch.test.ts',
  'test/ledger/commit.test.ts',
  'test/ledger/migrate.test.ts',
  'test/worker/write-behind.test.ts',
  'test/journey/engine.test.ts',
];
/** These start every Postgres themselves. */
const FILES_OF_POSTGRES = ['test/ledger/postgres-releases.test.ts'];
/** What stands beside the one that changes. */
const POSTGRES_DEFAULT = 15;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');

interface Store {
  readonly url: string;
  /** Such as `PostgreSQL 16.14, from ...`. */
  readonly route: string;
  stop(): Promise<void>;
}
type Start = (dataFolder: string) => Promise<Store>;
const quiet = () => {};

const redis7: Start = (dataFolder) =>
  startRedis({ dataFolder, searchPath: NOWHERE, engine: 'debian', log: quiet });
const postgresOf =
  (major: number): Start =>
  async (dataFolder) =>
    startPostgres({ ...(await postgresRelease(major, true)), dataFolder, log: quiet });
const defaultPostgres = postgresOf(POSTGRES_DEFAULT);
const programIn = async (folder: Promise<string>, name: string): Promise<`/${string}`> =>
  `/${join(await folder, name).slice(1)}`;

interface Row {
  readonly name: string;
  readonly redis: Start;
  readonly postgres: Start;
  readonly node: () => Promise<string>;
}
const ROWS: readonly Row[] = [
  { name: 'Redis 7.0', redis: redis7 },
  {
    name: 'Redis 8',
    redis: async (dataFolder: string) => {
      const engine = await programIn(wheelProgram(REDIS_8, 'redis-server'), 'redis-server');
      return startRedis({ dataFolder, engine, log: quiet });
    },
  },
  {
    name: 'Valkey 8',
    redis: async (dataFolder: string) => {
      const { file } = await debianProgram('valkey-server', 'usr/bin/valkey-server');
      return startRedis({ dataFolder, engine: `/${file.slice(1)}`, log: quiet });
    },
  },
  {
    name: 'Valkey 9',
    redis: (dataFolder: string) =>
      startRedis({ dataFolder, searchPath: NOWHERE, engine: 'valkey', log: quiet }),
  },
  ...POSTGRES_MAJORS.filter((major) => major !== POSTGRES_DEFAULT).map((major) => ({
    name: `Postgres ${major}`,
    postgres: postgresOf(major),
  })),
  ...[22, 24].map((major) => ({ name: `Node ${major}`, node: () => nodeRelease(major) })),
].map((changed) => ({
  redis: redis7,
  postgres: defaultPostgres,
  node: async () => process.execPath,
  ...changed,
}));

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
}

/** Runs test files under a Node.js, with what the environment says beside this process's own. */
async function runFiles(
  node: string,
  files: readonly string[],
  env: Record<string, string>,
  folder: string,
): Promise<Outcome> {
  const results = join(folder, 'results.json');
  const startedMs = performance.now();
  const settings = ['run', '--config', 'test/vitest.config.ts', '--reporter=json', `--outputFile=${results}`];
  const child = spawn(node, [VITEST, ...settings, ...files], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(
    await readFile(results, 'utf8'),
  ) as Record<string, number>;
  return {
    passed: numPassedTests ?? 0,
    // A failure that is no test, as a file that does not load, counts as one.
    failed: Math.max(numFailedTests ?? 0, code === 0 ? 0 : 1),
    skipped: numPendingTests ?? 0,
    seconds: Math.round((performance.now() - startedMs) / 1_000),
  };
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(await folderOfStores(), 'holdfast-matrix-'));
  await chmod(folder, 0o755);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Such as `Redis 7.0.15` of `Redis 7.0.15, from Debian packages ...`. */
const versionIn = (route: string): string => route.split(',', 1)[0] ?? '';

function line(cells: readonly string[], { passed, failed, skipped, seconds }: Outcome): string {
  const tests = `${passed} passed${failed > 0 ? `, **${failed} failed**` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  return `| ${[...cells, tests, `${seconds} s`].join(' | ')} |`;
}

async function runRow(row: Row): Promise<Outcome & { readonly text: string }> {
  return inFolder(async (folder) => {
    const stops: (() => Promise<void>)[] = [];
    try {
      const node = await row.node();
      const redis = await row.redis(folder);
      stops.push(() => redis.stop());
      const postgres = await row.postgres(folder);
      stops.push(() => postgres.stop());
      const env = { REDIS_URL: redis.url, DATABASE_URL: postgres.url };
      const outcome = await runFiles(node, FILES, env, folder);
      const version = await versionOfNode(node);
      return {
        ...outcome,
        text: line([versionIn(redis.route), versionIn(postgres.route), version], outcome),
      };
    } finally {
      for (const stop of stops.reverse()) await stop();
    }
  });
}

async function versionOfNode(node: string): Promise<string> {
  const child = spawn(node, ['--version'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = await once(child.stdout, 'data');
  return `Node ${String(text).trim().slice(1)}`;
}

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const wanted = ROWS.filter(({ name }) => name.includes(values.only));
const lines: string[] = [];
let failed = 0;
for (const row of wanted) {
  console.error(`${row.name} ...`);
  try {
    const outcome = await runRow(row);
    failed += outcome.failed;
    lines.push(outcome.text);
    console.error(outcome.text);
  } catch (error) {
    // The last line of a command's output says what it could not do.
    const why =
      String(error instanceof Error ? error.message : error)
        .trim()
        .split('\n')
        .at(-1) ?? '';
    lines.push(`| ${row.name} | | | skipped: ${why} | |`);
  }
}
if ('rights of every Postgres'.includes(values.only) || values.only.startsWith('Postgres')) {
  console.error('rights and lease on every Postgres ...');
  const outcome = await inFolder((folder) =>
    runFiles(process.execPath, FILES_OF_POSTGRES, { HOLDFAST_TEST_SERVERS: '1' }, folder),
  );
  failed += outcome.failed;
  const releases = `PostgreSQL ${POSTGRES_MAJORS.join(', ')}: rights, lease`;
  lines.push(line(['', releases, await versionOfNode(process.execPath)], outcome));
}
console.log(['| Redis | Postgres | Node | tests | time |', '|---|---|---|---|---|', ...lines].join('\n'));
process.exitCode = failed > 0 ? 1 : 0;
