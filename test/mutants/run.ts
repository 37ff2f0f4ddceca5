/**
 * `npm run mutants [-- lua http ...] [--only TEXT] [--at-once 2] [--unchecked]`: breaks a private copy of the tree on purpose, one fault
 * at a time, and says which test file notices. Exit code 1 where more than one in thirty survives, or the list is wrong.
 * Each copy is under .holdfast/mutants/; Redis and Postgres are started once.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startPostgres } from '../../src/local/postgres-server.ts';
import { startRedis } from '../../src/local/redis-server.ts';
import { folderOfStores } from '../stores.ts';
import { MUTANTS, type Room, wrongAnchors } from './list.ts';
import type { Mutant } from './mutant.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const COPIES = join(ROOT, '.holdfast', 'mutants');
/** One in so many may survive. */
const SURVIVORS_PART = 30;
/** A test file that has not ended by then hangs on the fault. */
const TEST_MS_MAX = 300_000;
const COPIED = [
  'src',
  'lua',
  'test',
  'loadtest',
  'docs',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
];
const COPIED_TOO = ['README.md', '.luacheckrc', 'docker-compose.yml', '.ci', '.docker'];

interface Stores {
  readonly redisUrl: string;
  readonly databaseUrl: string;
}

type Outcome = { readonly caughtBy: string; readonly isHanging: boolean } | 'survived';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'at-once': { type: 'string', default: '2' },
      /** Part of the description of the faults to try. */
      only: { type: 'string', default: '' },
      /** Leaves out the run of the tests on the unbroken tree. */
      unchecked: { type: 'boolean', default: false },
    },
  });
  const wrong = await wrongAnchors(ROOT);
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) return 1;
  const rooms = positionals.length > 0 ? positionals : Object.keys(MUTANTS);
  const mutants = rooms
    .flatMap((room): readonly Mutant[] => MUTANTS[room as Room] ?? [])
    .filter(({ fault }) => fault.includes(values.only));
  if (mutants.length === 0) throw new Error(`no such mutants; there are ${Object.keys(MUTANTS).join(', ')}`);

  const folder = await mkdtemp(join(await folderOfStores(), 'holdfast-mutants-'));
  await chmod(folder, 0o755);
  const quiet = () => {};
  const redis = await startRedis({ dataFolder: folder, log: quiet });
  const postgres = await startPostgres({ dataFolder: folder, log: quiet });
  const stores = { redisUrl: redis.url, databaseUrl: postgres.url };
  try {
    const copies = await Promise.all(
      Array.from({ length: Math.max(1, Number(values['at-once'])) }, (_, i) => copyTree(`tree-${i}`)),
    );
    if (!values.unchecked) await checkUnbroken(copies, mutants, stores);
    return report(mutants, await breakAll(copies, mutants, stores));
  } finally {
    await postgres.stop();
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyTree(name: string): Promise<string> {
  const copy = join(COPIES, name);
  await rm(copy, { recursive: true, force: true });
  await mkdir(copy, { recursive: true });
  for (const path of [...COPIED, ...COPIED_TOO]) {
    await cp(join(ROOT, path), join(copy, path), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** A test that fails on the unbroken tree would seem to catch everything. */
async function checkUnbroken(
  copies: readonly string[],
  mutants: readonly Mutant[],
  stores: Stores,
): Promise<void> {
  const files = [...new Set(mutants.flatMap(({ tests }) => tests))];
  console.log(`${files.length} test files on the unbroken tree ...`);
  const failed: string[] = [];
  await inTurn(copies, files, async (copy, file) => {
    if ((await runTest(copy, file, stores)) !== 'passed') failed.push(file);
  });
  if (failed.length > 0) throw new Error(`these fail on the unbroken tree: ${failed.join(', ')}`);
}

async function breakAll(
  copies: readonly string[],
  mutants: readonly Mutant[],
  stores: Stores,
): Promise<Map<Mutant, Outcome>> {
  const outcomes = new Map<Mutant, Outcome>();
  await inTurn(copies, mutants, async (copy, mutant) => {
    const path = join(copy, mutant.file);
    const text = await readFile(path, 'utf8');
    await writeFile(
      path,
      text.replace(mutant.find, () => mutant.replace),
    );
    try {
      const outcome = await findCatcher(copy, mutant, stores);
      outcomes.set(mutant, outcome);
      const how = outcome === 'survived' ? 'SURVIVED' : outcome.isHanging ? 'hangs in' : 'caught by';
      console.log(
        `${String(outcomes.size).padStart(3)} ${how} ${outcome === 'survived' ? '' : outcome.caughtBy}  ${mutant.file}: ${mutant.fault}`,
      );
    } finally {
      await writeFile(path, text);
    }
  });
  return outcomes;
}

async function findCatcher(copy: string, { tests }: Mutant, stores: Stores): Promise<Outcome> {
  for (const file of tests) {
    const result = await runTest(copy, file, stores);
    if (result !== 'passed') return { caughtBy: file, isHanging: result === 'hangs' };
  }
  return 'survived';
}

/** Each copy takes the next one when it is through with the one before. */
async function inTurn<T>(
  copies: readonly string[],
  all: readonly T[],
  each: (copy: string, one: T) => Promise<void>,
): Promise<void> {
  const waiting = [...all];
  await Promise.all(
    copies.map(async (copy) => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await each(copy, one);
    }),
  );
}

async function runTest(
  copy: string,
  file: string,
  { redisUrl, databaseUrl }: Stores,
): Promise<'passed' | 'failed' | 'hangs'> {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--config', 'test/vitest.config.ts', '--bail', '1', '--reporter', 'dot', file];
  const child = spawn(process.execPath, args, {
    cwd: copy,
    env: { ...process.env, REDIS_URL: redisUrl, DATABASE_URL: databaseUrl, NO_COLOR: '1' },
    stdio: 'ignore',
    detached: true,
  });
  const exited = once(child, 'exit');
  let isHanging = false;
  const timer = setTimeout(() => {
    isHanging = true;
    // Its workers and what they have started belong to its group.
    if (child.pid) process.kill(-child.pid, 'SIGKILL');
  }, TEST_MS_MAX);
  const [code] = await exited;
  clearTimeout(timer);
  if (isHanging) return 'hangs';
  return code === 0 ? 'passed' : 'failed';
}

function report(mutants: readonly Mutant[], outcomes: ReadonlyMap<Mutant, Outcome>): number {
  const survivors = mutants.filter((mutant) => outcomes.get(mutant) === 'survived');
  const allowed = Math.floor(mutants.length / SURVIVORS_PART);
  for (const { file, fault } of survivors) console.log(`survived: ${file}: ${fault}`);
  console.log(
    `${mutants.length} mutants, ${mutants.length - survivors.length} caught, ${survivors.length} survived (${allowed} may)`,
  );
  return survivors.length > allowed ? 1 : 0;
}

process.exitCode = await main();
