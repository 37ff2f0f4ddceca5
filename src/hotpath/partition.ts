/**
 * The life of a partition (D10, H11): read where it stands and in which incarnation of Redis, fence it, empty it, open it under
 * a new epoch; load.ts fills it. Promises: between fence and open no command is decided, so that nobody sees a partition that is
 * filled in part; it opens only if Redis is still the incarnation, and the record the text, that were compared.
 */
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import {
  type Control,
  decodeControl,
  type Epoch,
  encodeControl,
  type NewControl,
  randomNonce,
} from './codec/control-codec.ts';
import { NOTHING, Unreadable } from './codec/words.ts';
import { reconnectSoon } from './connection.ts';
import { beginPage, execute, type FencedKeys } from './fenced-page.ts';
import type { PartitionKeys } from './keys.ts';
import { LUA_FOLDER } from './program.ts';

export type { Control, Epoch } from './codec/control-codec.ts';

/** The control record as it was read: a later write compares the text. */
export interface ControlRecord extends Control {
  readonly text: string;
}

/** Undefined if Redis has no such partition, for example after it lost its data. @throws {Unreadable} */
export async function readControl(redis: Redis, keys: PartitionKeys): Promise<ControlRecord | undefined> {
  const text = await redis.get(keys.control);
  return text === null ? undefined : { ...decodeControl(text), text };
}

/** Which Redis answers: its name is new after every restart and promotion. */
export interface Incarnation {
  readonly isPrimary: boolean;
  readonly id: string;
}

/** Which Redis this connection leads to; see {@link incarnationFrom}. @throws an outage */
export async function readIncarnation(redis: Redis): Promise<Incarnation> {
  return incarnationFrom(redis, await redis.info('replication'));
}

/**
 * Reads the text of `INFO replication`. A connection to a replica looks for the primary again: reading works on a replica, so no
 * error would ever say that the roles were swapped.
 */
export function incarnationFrom(redis: Redis, info: string): Incarnation {
  const isPrimary = /^role:master\r?$/m.test(info);
  if (!isPrimary) reconnectSoon(redis);
  return { isPrimary, id: /^master_replid:([0-9a-f]+)/m.exec(info)?.[1] ?? NOTHING };
}

/** Whether a worker, or a person, has verified this incarnation, and nothing else closes the partition. */
export function isVerified(control: Control, incarnation: Incarnation): boolean {
  return (
    control.isLinked &&
    (control.state === 'open' || control.state === 'trusted') &&
    incarnation.isPrimary &&
    control.incarnation === incarnation.id
  );
}

const CONTROL = readFileSync(new URL('control.lua', LUA_FOLDER), 'utf8');

/**
 * Replaces the control record if it is still `before` and Redis still this incarnation.
 * @param before undefined where there was none
 * @param whileSelling the record may have moved in the same epoch and incarnation; then only epoch and state are replaced
 * @returns the record as it is now, and whether it was replaced
 */
export async function replaceControl(
  redis: Redis,
  keys: PartitionKeys,
  before: ControlRecord | undefined,
  after: NewControl,
  {
    incarnation,
    whileSelling = false,
  }: { readonly incarnation?: string; readonly whileSelling?: boolean } = {},
): Promise<{ readonly control: ControlRecord | undefined; readonly isReplaced: boolean }> {
  const [text = '', done] = (await redis.eval(
    CONTROL,
    1,
    keys.control,
    before?.text ?? '',
    encodeControl(after),
    incarnation ?? '',
    whileSelling ? 'raise' : NOTHING,
  )) as string[];
  return { control: text === '' ? undefined : { ...decodeControl(text), text }, isReplaced: done === '1' };
}

/** How often the record of a partition that is selling is tried to be replaced; each try takes one round trip. */
const FENCE_TRIES_MAX = 1_000;

/**
 * Closes the partition: commands get the fault `not-ready` until it is opened.
 * @returns the record with the fence. @throws where the record cannot be replaced
 */
export async function fencePartition(redis: Redis, keys: PartitionKeys): Promise<ControlRecord> {
  for (let i = 0; i < FENCE_TRIES_MAX; i++) {
    const text = await redis.get(keys.control);
    const before = text === null ? undefined : readOrUnknown(text);
    if (before?.state === 'fenced' && before.isLinked) return before;
    const epoch = before?.isLinked
      ? before.epoch
      : { number: before?.epoch.number ?? 0, nonce: randomNonce() };
    const after = { ...(before ?? UNKNOWN), epoch, state: 'fenced' } as const;
    const { control, isReplaced } = await replaceControl(redis, keys, before, after);
    if (isReplaced && control) return control;
  }
  throw new Error('the partition cannot be fenced: its control record changes all the time');
}

/** A record that cannot be read can be fenced all the same. @throws {Unreadable} for one of a newer release */
function readOrUnknown(text: string): ControlRecord {
  try {
    return { ...decodeControl(text), text };
  } catch (error) {
    if (error instanceof Unreadable && error.isNewer) throw error;
    return { ...UNKNOWN, epoch: { number: 0, nonce: NOTHING }, isLinked: false, text };
  }
}

/** Takes the fence away again, where nothing was emptied yet. @returns false where there is no fence */
export async function unfencePartition(redis: Redis, keys: PartitionKeys): Promise<boolean> {
  const before = await readControl(redis, keys);
  if (before?.state !== 'fenced') return false;
  return (await replaceControl(redis, keys, before, { ...before, state: 'open' })).isReplaced;
}

/**
 * Opens a partition that has no ledger, as tests and benchmarks of the engine alone do: nothing is compared, and what is there
 * stays. A partition with a ledger is opened by its worker.
 * @param epoch its number; @param place where its history stands
 */
export async function openPartition(
  redis: Redis,
  keys: PartitionKeys,
  epoch: number,
  place: Partial<Pick<Control, 'sequence' | 'link' | 'eventsTotal' | 'clockMs'>> = {},
): Promise<Epoch> {
  const { sequence = 0, link = NOTHING, eventsTotal = 0, clockMs = await readClockMs(redis) } = place;
  const { id } = await readIncarnation(redis);
  const named = { number: epoch, nonce: String(epoch).padStart(8, '0') }; // nobody else opens it
  const control = {
    sequence,
    link,
    eventsTotal,
    carriedTotal: eventsTotal,
    clockMs,
    pause: undefined,
  } as const;
  await redis.set(keys.control, encodeControl({ ...control, epoch: named, incarnation: id, state: 'open' }));
  return named;
}

/** Where Redis knows nothing. */
const UNKNOWN: Omit<NewControl, 'epoch'> = {
  sequence: 0,
  link: NOTHING,
  clockMs: 0,
  eventsTotal: 0,
  carriedTotal: 0,
  incarnation: undefined,
  pause: undefined,
  state: 'fenced',
};

/** Redis's clock in milliseconds since 1970. */
export async function readClockMs(redis: Redis): Promise<number> {
  const [seconds, micros] = (await redis.time()) as unknown as [string, string];
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

/** Keys that one round trip scans. */
const SCAN_COUNT = 1_000;

/** Deletes all keys of a fenced partition except its control record. @throws where the fence is gone */
export async function clearPartition(redis: Redis, keys: FencedKeys): Promise<void> {
  let cursor = '0';
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', keys.pattern, 'COUNT', SCAN_COUNT);
    cursor = next;
    const doomed = found.filter((key) => key !== keys.control);
    if (doomed.length > 0) await execute((await beginPage(redis, keys)).unlink(...doomed));
  } while (cursor !== '0');
}

const CHAIN = readFileSync(new URL('chain.lua', LUA_FOLDER), 'utf8');
const CHAIN_COUNT = 500;

/** A stream entry without its events. */
export interface ChainLink {
  readonly id: string;
  readonly epoch: number;
  readonly sequence: number;
  /** `-` in an entry of the release before, `?` in one that no release wrote. */
  readonly link: string;
  readonly before: string;
}

/** The links of the stream from this id on, oldest first, in pages. */
export async function* readChain(
  redis: Redis,
  keys: PartitionKeys,
  fromId: string,
): AsyncGenerator<readonly ChainLink[]> {
  let start = fromId;
  for (;;) {
    const rows = (await redis.eval(CHAIN, 1, keys.events, start, String(CHAIN_COUNT))) as string[];
    const page = rows.map((row): ChainLink => {
      const [id = '', link = '?', before = '?'] = row.split(' ');
      const [epoch, sequence] = id.split('-');
      return { id, epoch: Number(epoch), sequence: Number(sequence), link, before };
    });
    if (page.length > 0) yield page;
    if (page.length < CHAIN_COUNT) return;
    start = `(${page.at(-1)?.id}`;
  }
}
