/**
 * Writes to a partition page by page, as long as it has the fence of the writer: a process that was frozen may wake up after
 * another one has opened the partition, and then it must write no more (H11).
 */
import type { ChainableCommander, Redis } from 'ioredis';
import type { PartitionKeys } from './keys.ts';

/** The keys of a partition that may be written under a fence. */
export interface FencedKeys extends PartitionKeys {
  /** The text of the control record with the fence; undefined: nobody else writes. */
  readonly fence?: string | undefined;
}

/**
 * Begins a page. Under a fence it is a transaction that runs only if the control record is still the fence; the connection
 * must be nobody else's. @throws where the fence is gone
 */
export async function beginPage(redis: Redis, { control, fence }: FencedKeys): Promise<ChainableCommander> {
  if (fence === undefined) return redis.pipeline();
  await redis.watch(control);
  if ((await redis.get(control)) !== fence) throw new FenceGone();
  return redis.multi();
}

/** Another process has opened the partition, or Redis is another one now. */
class FenceGone extends Error {
  constructor() {
    super('the fence of this rebuild is gone: another process has opened the partition, or Redis went back');
  }
}

/** Runs the commands of a page. @throws {Error} the first error of its commands, or that the fence is gone */
export async function execute(pipeline: ChainableCommander): Promise<void> {
  const results = await pipeline.exec();
  if (results === null) throw new FenceGone();
  for (const [error] of results) if (error) throw error;
}
