/**
 * The word of a person who opened a partition without the ledger (`npm run verify -- --without-ledger`): kept in Redis until a
 * worker has compared the partition, which writes it into the ledger.
 */
import { Unreadable } from '../../hotpath/codec/words.ts';
import type { RedisConnection } from '../../hotpath/hot-inventory.ts';
import type { PartitionKeys } from '../../hotpath/keys.ts';

/** Who opened it and why, and where the partition was. */
export interface Trust {
  /** Of the epoch that the person began. */
  readonly nonce: string;
  readonly incarnation: string;
  readonly actor: string;
  readonly reason: string;
  readonly atMs: number;
  readonly sequence: number;
  readonly link: string;
  readonly eventsTotal: number;
}

const TEXTS = ['nonce', 'incarnation', 'actor', 'reason', 'link'] as const;
const NUMBERS = ['atMs', 'sequence', 'eventsTotal'] as const;

/** Undefined where nobody has opened the partition so. @throws {Unreadable} */
export async function readTrust(redis: RedisConnection, keys: PartitionKeys): Promise<Trust | undefined> {
  const text = await redis.get(keys.trust);
  if (text === null) return undefined;
  const found = parse(text);
  const isWhole =
    TEXTS.every((name) => typeof found[name] === 'string') &&
    NUMBERS.every((name) => typeof found[name] === 'number');
  if (!isWhole) throw new Unreadable('who opened the partition', text);
  return found as unknown as Trust;
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text) ?? {}) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

/** Saves who opens the partition, before it is opened. */
export async function writeTrust(redis: RedisConnection, keys: PartitionKeys, trust: Trust): Promise<void> {
  await redis.set(keys.trust, JSON.stringify(trust));
}
