/**
 * A second Redis for answers that wait for a replica: it follows the first one while such answers are measured, and costs
 * the others nothing. On the same machine and disk, which is the hard case.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startRedis } from '../../../src/local/redis-server.ts';
import type { Stores } from '../stores.ts';

const FOLLOW_MS_MAX = 30_000;

export interface Replica {
  /** Resolves when the replica has all that the first Redis has. */
  follow(): Promise<void>;
  leave(): Promise<void>;
  close(): Promise<void>;
}

export async function startReplica({ admin, folder, redisUrl }: Stores): Promise<Replica> {
  const dataFolder = join(folder, 'replica');
  await mkdir(dataFolder);
  const server = await startRedis({ dataFolder, log: () => {} });
  const redis = new Redis(server.url, { lazyConnect: true, maxRetriesPerRequest: 0 });
  await redis.connect();
  const { hostname, port } = new URL(redisUrl);
  // Else the first Redis waits five seconds for more replicas to come.
  await admin.config('SET', 'repl-diskless-sync-delay', '0');
  return {
    follow: async () => {
      await redis.replicaof(hostname, Number(port));
      const limitMs = performance.now() + FOLLOW_MS_MAX;
      while (!/^slave0:.*state=online/m.test(await admin.info('replication'))) {
        if (performance.now() > limitMs) throw new Error('the replica does not follow');
        await sleep(20);
      }
    },
    leave: async () => {
      await redis.replicaof('NO', 'ONE');
    },
    close: async () => {
      redis.disconnect();
      await server.stop();
    },
  };
}
