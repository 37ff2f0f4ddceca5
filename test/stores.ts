/**
 * One real Redis and one real Postgres for the whole run, started before the first test and gone after the last.
 * REDIS_URL and DATABASE_URL in the environment are used instead where they are set.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startPostgres } from '../src/local/postgres-server.ts';
import { startRedis } from '../src/local/redis-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string;
    databaseUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  // Run by root, Postgres belongs to another user, who must be able to reach its folder.
  await chmod(folder, 0o755);
  const stops: (() => Promise<void>)[] = [];
  const log = (line: string) => console.log(line);
  let { REDIS_URL: redisUrl, DATABASE_URL: databaseUrl } = process.env;
  if (!redisUrl) {
    const redis = await startRedis({ dataFolder: folder, log });
    stops.push(() => redis.stop());
    redisUrl = redis.url;
  }
  if (!databaseUrl) {
    const postgres = await startPostgres({ dataFolder: folder, log });
    stops.push(() => postgres.stop());
    databaseUrl = postgres.url;
  }
  project.provide('redisUrl', redisUrl);
  project.provide('databaseUrl', databaseUrl);
  return async () => {
    for (const stop of stops.reverse()) await stop();
    await rm(folder, { recursive: true, force: true });
  };
}
