/**
 * The word of a person who opened a partition without the ledger (`npm run verify -- --without-ledger`): kept in Redis until a
 * worker has compared the partition, which writes it into the ledger.
 */
import { z } from 'zod';
import type { RedisConnection } from '../../hotpath/hot-inventory.ts';
import type { PartitionKeys } from '../../hotpath/keys.ts';

const trustSchema = z.object({
  /** Of the epoch that the person began. */
  nonce: z.string(),
  incarnation: z.string(),
  actor: z.string(),
  reason: z.string(),
  atMs: z.number(),
  /** Where the partition was. */
  sequence: z.number(),
  link: z.string(),
  eventsTotal: z.number(),
});
export type Trust = z.output<typeof trustSchema>;

/** Undefined where nobody has opened the partition so. @throws where the record cannot be read */
export async function readTrust(redis: RedisConnection, keys: PartitionKeys): Promise<Trust | undefined> {
  const text = await redis.get(keys.trust);
  return text === null ? undefined : trustSchema.parse(JSON.parse(text));
}

/** Saves who opens the partition, before it is opened. */
export async function writeTrust(redis: RedisConnection, keys: PartitionKeys, trust: Trust): Promise<void> {
  await redis.set(keys.trust, JSON.stringify(trust));
}
