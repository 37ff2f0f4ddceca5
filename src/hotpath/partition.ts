/**
 * The life of a partition (D10): read its control record, fence it, empty it, and open it under a new epoch; load.ts fills
 * it. Promises: between fence and open no command is decided, so that nobody sees a partition that is filled in part.
 */
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { Unreadable } from './codec/words.ts';
import type { PartitionKeys } from './keys.ts';
import { LUA_FOLDER } from './program.ts';

/** The control record. Format: `epoch sequence clock_ms events trimmed_events state`. Twin: lua/batch.lua, lua/fence.lua. */
export interface Control {
  readonly epoch: number;
  /** Number of the last batch that changed something. */
  readonly sequence: number;
  /** The partition's time in milliseconds since 1970; it never goes back (D4). */
  readonly clockMs: number;
  /** Events since the epoch began, and how many of them were trimmed because the ledger has them. */
  readonly eventsTotal: number;
  readonly trimmedTotal: number;
  readonly state: 'open' | 'fenced';
}

const CONTROL_TEXT = /^(\d+) (\d+) (\d+) (\d+) (\d+) (open|fenced)$/;

/** Undefined if Redis has no such partition, for example after it lost its data. @throws {Unreadable} */
export async function readControl(redis: Redis, keys: PartitionKeys): Promise<Control | undefined> {
  const text = await redis.get(keys.control);
  if (text === null) return undefined;
  const match = CONTROL_TEXT.exec(text);
  if (!match) throw new Unreadable('the control record', text);
  return {
    epoch: Number(match[1]),
    sequence: Number(match[2]),
    clockMs: Number(match[3]),
    eventsTotal: Number(match[4]),
    trimmedTotal: Number(match[5]),
    state: match[6] === 'open' ? 'open' : 'fenced',
  };
}

const FENCE = readFileSync(new URL('fence.lua', LUA_FOLDER), 'utf8');

/**
 * Closes the partition: commands get the fault `not-ready` until {@link openPartition}.
 * @param epochIfForgotten the epoch to write if Redis has no control record
 */
export async function fencePartition(
  redis: Redis,
  keys: PartitionKeys,
  epochIfForgotten: number,
): Promise<void> {
  await redis.eval(FENCE, 1, keys.control, String(epochIfForgotten));
}

/** Keys that one round trip scans. */
const SCAN_COUNT = 1_000;

/** Deletes all keys of a fenced partition except its control record. */
export async function clearPartition(redis: Redis, keys: PartitionKeys): Promise<void> {
  let cursor = '0';
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', keys.pattern, 'COUNT', SCAN_COUNT);
    cursor = next;
    const doomed = found.filter((key) => key !== keys.control);
    if (doomed.length > 0) await redis.unlink(...doomed);
  } while (cursor !== '0');
}

/** Opens the partition under a new epoch, with Redis's current time; sequence and events go on from this place. */
export async function openPartition(
  redis: Redis,
  keys: PartitionKeys,
  epoch: number,
  { sequence, eventsTotal }: Pick<Control, 'sequence' | 'eventsTotal'> = { sequence: 0, eventsTotal: 0 },
): Promise<void> {
  const [seconds, micros] = (await redis.time()) as unknown as [string, string];
  const nowMs = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  await redis.set(keys.control, `${epoch} ${sequence} ${nowMs} ${eventsTotal} ${eventsTotal} open`);
}
