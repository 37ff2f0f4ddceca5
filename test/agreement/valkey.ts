/**
 * A Valkey with MSETEX for the tests of that form of the program, as src/local finds or fetches it; HOLDFAST_LOCAL_REDIS may name
 * the path of another. Promises: undefined, after a line that says why, where it cannot be had.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis } from '../../src/hotpath/connection.ts';
import { hasMsetex } from '../../src/hotpath/program.ts';
import { startRedis } from '../../src/local/redis-server.ts';

export interface Valkey {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a Valkey with MSETEX on a folder of its own. */
export async function startValkey(log: (line: string) => void): Promise<Valkey | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-valkey-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const { HOLDFAST_LOCAL_REDIS: chosen = '' } = process.env;
    const engine = chosen.startsWith('/') ? (chosen as `/${string}`) : 'valkey';
    const server = await startRedis({ dataFolder: folder, engine, log: () => {} });
    const stop = () => server.stop().then(remove);
    const redis = connectRedis(server.url);
    await redis.connect();
    const has = await hasMsetex(redis, 'key');
    redis.disconnect();
    if (has) return { url: server.url, stop };
    await stop();
    throw new Error(`${server.route} has no MSETEX`);
  } catch (error) {
    await remove();
    log(`skipped, no Valkey with MSETEX: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}
