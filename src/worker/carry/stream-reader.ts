/**
 * Reads the stream from the ledger's cursor on, and detects that it is not the stream which the cursor belongs to.
 * Promises: entries come in sequence without a gap; one that cannot be read comes as evidence instead of an error, unless a
 * newer release wrote it: then nothing is passed over. Refuses to know: the ledger.
 */
import { setImmediate } from 'node:timers/promises';
import { decodeEntry, type readStream, type StreamEntry } from '../../hotpath/codec/stream-codec.ts';
import { Unreadable } from '../../hotpath/codec/words.ts';
import type { PartitionKeys } from '../../hotpath/keys.ts';
import { type Control, readControl } from '../../hotpath/partition.ts';
import { messageOf } from './failure.ts';

/** A connection to Redis, as the hot path opens them. */
export type StreamRedis = Parameters<typeof readStream>[0];

/** A place in the stream: behind this entry. */
export interface StreamPosition {
  readonly epoch: number;
  /** Of the epoch, and the link of the entry, as the ledger has them. */
  readonly nonce?: string | undefined;
  readonly link?: string | undefined;
  readonly sequence: number;
  /** Events of the partition up to here. */
  readonly eventsTotal: number;
}

/** An entry this program did not write: it is passed over, with its text as evidence. */
export interface UnreadableEntry {
  readonly epoch: number;
  readonly sequence: number;
  /** As the entry says, if that can be read; otherwise that of the entry before it. */
  readonly eventsTotal: number;
  /** Its fields, one a line, cut to {@link RAW_TEXT_MAX} characters. */
  readonly raw: string;
  readonly problem: string;
}
export type ReadEntry = StreamEntry | UnreadableEntry;

/** Whether an entry was read, and not only kept as evidence. */
export function isReadable(entry: ReadEntry): entry is StreamEntry {
  return 'events' in entry;
}

/**
 * Why nothing can be copied (D10). `forgotten`: Redis has no partition. `epoch-mismatch`: it is at another epoch than the
 * ledger. `ledger-ahead`: it lacks what the ledger has. `sequence-gap`: entries are missing between the ledger and the
 * stream. `unknown-partition`: the ledger does not know the partition.
 */
export type NotReadyCause =
  | 'forgotten'
  | 'epoch-mismatch'
  | 'ledger-ahead'
  | 'sequence-gap'
  | 'unknown-partition';

/** Stream and ledger do not follow from each other: a rebuild must correct that, repeating cannot. */
export class NotReady extends Error {
  readonly reason: NotReadyCause;
  /** The ledger's cursor; undefined where it has none. */
  readonly ledger: StreamPosition | undefined;
  /** The position of Redis; undefined where it has none. */
  readonly hot: StreamPosition | undefined;
  constructor(
    reason: NotReadyCause,
    ledger: StreamPosition | undefined,
    hot: StreamPosition | undefined,
    detail = '',
  ) {
    const at = (position: StreamPosition | undefined) =>
      position ? `${position.epoch}-${position.sequence}` : 'nowhere';
    super(`${reason}: the ledger is at ${at(ledger)}, the hot path at ${at(hot)}${detail}`);
    this.name = 'NotReady';
    this.reason = reason;
    this.ledger = ledger;
    this.hot = hot;
  }
}

/** Event lines read between two turns of the event loop, half a millisecond: the chunk before is being committed meanwhile. */
const STEP_LINES = 512;
const RAW_TEXT_MAX = 4_000;
const ENTRIES_PER_READ_MIN = 8;
/** Even of the largest entries (some 1,200 lines of 60 bytes) no more than 20 MB at once. */
const ENTRIES_PER_READ_MAX = 256;
/** The end of the year 9999, the last time with four digits. */
const INSTANT_MS_MAX = 253_402_300_799_999;

type Row = readonly [id: string, fields: readonly string[]];

/** Reads one partition; one call at a time. */
export class StreamReader {
  /** The control record as of the last read; undefined before the first. */
  head: Control | undefined;
  readonly #redis: StreamRedis;
  readonly #keys: PartitionKeys;
  #position: StreamPosition = { epoch: 0, sequence: 0, eventsTotal: 0 };
  #rows: readonly Row[] = [];
  #next = 0;
  #isFetchedWhole = false;
  #entriesPerRead = 16;

  constructor(redis: StreamRedis, keys: PartitionKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** Whether the last read reached the end of the stream. */
  get isAtEnd(): boolean {
    return this.#isFetchedWhole && this.#next >= this.#rows.length;
  }

  /** Starts anew: the next entry is the one after this position. */
  begin(position: StreamPosition): void {
    this.#position = position;
    this.#rows = [];
    this.#next = 0;
  }

  /**
   * The next entries, oldest first, until they have `linesMax` event lines; none where the ledger has everything.
   * @throws {NotReady}, {@link Unreadable} for an entry of a newer release, or an outage of Redis
   */
  async next(linesMax: number): Promise<ReadEntry[]> {
    const entries: ReadEntry[] = [];
    let lines = 0;
    let isEnd = false;
    let yieldAtLines = STEP_LINES;
    while (lines < linesMax) {
      const row = this.#rows[this.#next];
      if (row) {
        if (lines > yieldAtLines) {
          yieldAtLines = lines + STEP_LINES;
          await setImmediate();
        }
        let entry: ReadEntry;
        try {
          entry = this.#read(row);
        } catch (error) {
          // What comes before is copied first; the next call meets the failure.
          if (entries.length > 0) break;
          throw error;
        }
        this.#next++;
        this.#position = entry;
        entries.push(entry);
        lines += isReadable(entry) ? countLines(entry) : 1;
        continue;
      }
      if (isEnd) break;
      isEnd = await this.#fetch();
    }
    // As many as make one chunk: neither tiny nor huge entries cost an extra round trip.
    const perEntry = Math.max(1, lines / Math.max(1, entries.length));
    this.#entriesPerRead = Math.round(
      Math.min(ENTRIES_PER_READ_MAX, Math.max(ENTRIES_PER_READ_MIN, linesMax / perEntry)),
    );
    return entries;
  }

  /** Answers whether the stream has no more after what was fetched. */
  async #fetch(): Promise<boolean> {
    const { epoch, sequence } = this.#position;
    // Sent together and answered in this order: what the control record counts, the stream must already contain.
    const [head, rows] = await Promise.all([
      readControl(this.#redis, this.#keys),
      this.#redis.xrange(this.#keys.events, `${epoch}-${sequence + 1}`, '+', 'COUNT', this.#entriesPerRead),
    ]);
    this.head = head;
    if (!head) throw new NotReady('forgotten', this.#position, undefined);
    if (head.epoch !== epoch) throw new NotReady('epoch-mismatch', this.#position, head);
    if (head.sequence < sequence) throw new NotReady('ledger-ahead', this.#position, head);
    if (rows.length === 0 && head.sequence > sequence) {
      throw new NotReady('sequence-gap', this.#position, head, ', and the stream has nothing in between');
    }
    this.#rows = rows;
    this.#next = 0;
    this.#isFetchedWhole = rows.length < this.#entriesPerRead;
    return this.#isFetchedWhole;
  }

  #follows([id]: Row): boolean {
    const { epoch, sequence } = this.#position;
    return id === `${epoch}-${sequence + 1}`;
  }

  #read(row: Row): ReadEntry {
    const [id, fields] = row;
    if (!this.#follows(row)) {
      throw new NotReady('sequence-gap', this.#position, this.head, `, and the stream continues at ${id}`);
    }
    try {
      const entry = decodeEntry(id, fields);
      const isInRange =
        entry.atMs > 0 && entry.atMs <= INSTANT_MS_MAX && Number.isSafeInteger(entry.eventsTotal);
      if (!isInRange) throw new Error(`time ${entry.atMs} or count ${entry.eventsTotal} is out of range`);
      return entry;
    } catch (error) {
      if (error instanceof Unreadable && error.isNewer) throw error;
      const count = fields[fields.indexOf('count') + 1] ?? '';
      return {
        epoch: this.#position.epoch,
        sequence: this.#position.sequence + 1,
        eventsTotal: /^\d{1,15}$/.test(count) ? Number(count) : this.#position.eventsTotal,
        raw: fields.join('\n').slice(0, RAW_TEXT_MAX),
        problem: messageOf(error),
      };
    }
  }
}

/** Event lines of an entry, at least one, so that a chunk of entries without items is bounded as well. */
function countLines(entry: StreamEntry): number {
  let lines = 0;
  for (const event of entry.events) lines += event.lines.length;
  return Math.max(1, lines);
}
