/**
 * The stream as the worker reads it: entry by entry from a cursor, and told when it is not the stream the cursor means.
 * Promises: entries come in sequence without a gap; one that cannot be read comes as evidence instead of an error.
 * Refuses to know: the ledger.
 */
import { setImmediate } from 'node:timers/promises';
import { decodeEntry, type readStream, type StreamEntry } from '../../hotpath/codec/stream-codec.ts';
import type { PartitionKeys } from '../../hotpath/keys.ts';
import { type Control, readControl } from '../../hotpath/partition.ts';

/** A connection to Redis, as the hot path opens them. */
export type StreamRedis = Parameters<typeof readStream>[0];

/** Where the worker stands in the stream. */
export interface StreamPosition {
  readonly epoch: number;
  readonly sequence: number;
  readonly eventsTotal: number;
}

/** An entry this program did not write, or cannot read any more: passed by, with its text as evidence. */
export interface UnreadableEntry {
  readonly epoch: number;
  readonly sequence: number;
  /** As far as the entry still tells; otherwise what stood before it. */
  readonly eventsTotal: number;
  /** The fields as they stand, cut to {@link RAW_TEXT_MAX} characters. */
  readonly raw: string;
  readonly problem: string;
}
export type ReadEntry = StreamEntry | UnreadableEntry;

export function isReadable(entry: ReadEntry): entry is StreamEntry {
  return 'events' in entry;
}

/**
 * Why nothing can be carried (D10): Redis has forgotten the partition (`forgotten`), or it lives in another epoch than
 * the ledger (`epoch-mismatch`), or it lacks what the ledger has (`ledger-ahead`), or events are missing between the
 * ledger and the stream (`sequence-gap`), or the ledger was never told of the partition (`unknown-partition`).
 */
export type NotReadyCause =
  | 'forgotten'
  | 'epoch-mismatch'
  | 'ledger-ahead'
  | 'sequence-gap'
  | 'unknown-partition';

/** Hot path and ledger do not follow from each other: a rebuild must put that right, repeating cannot. */
export class NotReady extends Error {
  readonly reason: NotReadyCause;
  /** Where the ledger stands; undefined where it knows nothing. */
  readonly ledger: StreamPosition | undefined;
  /** Where the hot path stands; undefined where it has forgotten. */
  readonly hot: StreamPosition | undefined;
  constructor(
    reason: NotReadyCause,
    ledger: StreamPosition | undefined,
    hot: StreamPosition | undefined,
    detail = '',
  ) {
    const at = (position: StreamPosition | undefined) =>
      position ? `${position.epoch}-${position.sequence}` : 'nowhere';
    super(`${reason}: the ledger stands at ${at(ledger)}, the hot path at ${at(hot)}${detail}`);
    this.name = 'NotReady';
    this.reason = reason;
    this.ledger = ledger;
    this.hot = hot;
  }
}

/** Event lines read between two breaths, half a millisecond: the chunk before is being committed meanwhile. */
const STEP_LINES = 512;
const RAW_TEXT_MAX = 4_000;
const ENTRIES_PER_READ_MIN = 8;
/** Even of the largest entries (some 1,200 lines of 60 bytes) no more than 20 MB at once. */
const ENTRIES_PER_READ_MAX = 256;
/** The end of the year 9999, the last time with four digits. */
const INSTANT_MS_MAX = 253_402_300_799_999;

type Row = readonly [id: string, fields: readonly string[]];

export class StreamReader {
  /** Of the last read; undefined before the first. */
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

  /** Whether the last read came to the end of what was decided. */
  get isAtEnd(): boolean {
    return this.#isFetchedWhole && this.#next >= this.#rows.length;
  }

  /** The next entry is the one behind this position. */
  begin(position: StreamPosition): void {
    this.#position = position;
    this.#rows = [];
    this.#next = 0;
  }

  /**
   * The next entries, oldest first, up to the first with which they have `linesMax` event lines; empty where the ledger
   * has all there is.
   * @throws {NotReady}, or an outage of Redis
   */
  async next(linesMax: number): Promise<ReadEntry[]> {
    const entries: ReadEntry[] = [];
    let lines = 0;
    let isEnd = false;
    let breathAtLines = STEP_LINES;
    while (lines < linesMax) {
      const row = this.#rows[this.#next];
      if (row) {
        // What stands before a gap is carried first; the next call meets the gap.
        if (entries.length > 0 && !this.#follows(row)) break;
        this.#next++;
        if (lines > breathAtLines) {
          breathAtLines = lines + STEP_LINES;
          await setImmediate();
        }
        const entry = this.#read(row);
        this.#position = entry;
        entries.push(entry);
        lines += isReadable(entry) ? countLines(entry) : 1;
        continue;
      }
      if (isEnd) break;
      isEnd = await this.#fetch();
    }
    // As many as make one chunk, so that neither tiny nor huge entries cost a round trip too many.
    const perEntry = Math.max(1, lines / Math.max(1, entries.length));
    this.#entriesPerRead = Math.round(
      Math.min(ENTRIES_PER_READ_MAX, Math.max(ENTRIES_PER_READ_MIN, linesMax / perEntry)),
    );
    return entries;
  }

  /** Answers whether there is no more behind what was fetched. */
  async #fetch(): Promise<boolean> {
    const { epoch, sequence } = this.#position;
    // Sent together and answered in this order: what the control record counts, the stream must already show.
    const [head, rows] = await Promise.all([
      readControl(this.#redis, this.#keys),
      this.#redis.xrange(this.#keys.events, `${epoch}-${sequence + 1}`, '+', 'COUNT', this.#entriesPerRead),
    ]);
    this.head = head;
    if (!head) throw new NotReady('forgotten', this.#position, undefined);
    if (head.epoch !== epoch) throw new NotReady('epoch-mismatch', this.#position, head);
    if (head.sequence < sequence) throw new NotReady('ledger-ahead', this.#position, head);
    if (rows.length === 0 && head.sequence > sequence) {
      throw new NotReady('sequence-gap', this.#position, head, ', and the stream has nothing between');
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
      throw new NotReady('sequence-gap', this.#position, this.head, `, and the stream goes on at ${id}`);
    }
    try {
      const entry = decodeEntry(id, fields);
      const isInRange =
        entry.atMs > 0 && entry.atMs <= INSTANT_MS_MAX && Number.isSafeInteger(entry.eventsTotal);
      if (!isInRange) throw new Error(`time ${entry.atMs} or count ${entry.eventsTotal} is out of range`);
      return entry;
    } catch (error) {
      const count = fields[fields.indexOf('count') + 1] ?? '';
      return {
        epoch: this.#position.epoch,
        sequence: this.#position.sequence + 1,
        eventsTotal: /^\d{1,15}$/.test(count) ? Number(count) : this.#position.eventsTotal,
        raw: fields.join('\n').slice(0, RAW_TEXT_MAX),
        problem: error instanceof Error ? error.message : String(error),
      };
    }
  }
}

/** At least one, so that an entry that touches no item ends a chunk of one as well. */
function countLines(entry: StreamEntry): number {
  let lines = 0;
  for (const event of entry.events) lines += event.lines.length;
  return Math.max(1, lines);
}
