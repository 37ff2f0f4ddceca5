/**
 * Reads the stream from the ledger's cursor on, and detects that it is not the stream which the cursor belongs to.
 * Promises: entries come in sequence without a gap; one that cannot be read comes as evidence instead of an error, unless a
 * newer release wrote it: then nothing is passed over. Refuses to know: the ledger.
 */
import { setImmediate } from 'node:timers/promises';
import { decodeControl, isSameEpoch } from '../../hotpath/codec/control-codec.ts';
import { decodeEntry, type readStream, type StreamEntry } from '../../hotpath/codec/stream-codec.ts';
import { NOTHING, Unreadable } from '../../hotpath/codec/words.ts';
import type { PartitionKeys } from '../../hotpath/keys.ts';
import {
  type Control,
  type Epoch,
  type Incarnation,
  incarnationFrom,
  isVerified,
} from '../../hotpath/partition.ts';
import { messageOf } from './failure.ts';

/** A connection to Redis, as the hot path opens them. */
export type StreamRedis = Parameters<typeof readStream>[0];

/** A place in the history: after the entry with this sequence and link. */
export interface StreamPosition {
  /** Of the entry's id; undefined where it is not known, as of a cursor that was read from the ledger. */
  readonly epoch: number | undefined;
  readonly sequence: number;
  /** `-` before the first entry that has a link. */
  readonly link: string;
  /** Events up to here. */
  readonly eventsTotal: number;
}

/** An entry this program did not write: it is passed over, with its text as evidence. */
export interface UnreadableEntry {
  readonly epoch: number;
  readonly sequence: number;
  /** As the entry says; where that cannot be read, those of the entry before it. */
  readonly link: string;
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
 * Why nothing can be carried (D10, H11). `forgotten`: Redis has no partition. `unverified`: this worker has not verified this
 * incarnation of Redis. `other-epoch`: another worker has. `forked`: Redis's history is another one than the ledger's.
 * `went-back`: Redis lacks what the ledger has. `entries-missing`: the stream lacks entries after the ledger's last one.
 * `fenced`, `clock`: the partition is closed and everything is carried. `unknown-partition`: the ledger does not know it.
 * `control-damaged`: its control record cannot be read.
 */
export type NotReadyCause =
  | 'forgotten'
  | 'unverified'
  | 'other-epoch'
  | 'forked'
  | 'went-back'
  | 'entries-missing'
  | 'fenced'
  | 'clock'
  | 'unknown-partition'
  | 'control-damaged';

type PlaceInHistory = Pick<StreamPosition, 'sequence' | 'link'>;

/** Stream and ledger do not follow from each other, or nobody has verified that they do; repeating does not help. */
export class NotReady extends Error {
  readonly reason: NotReadyCause;
  /** Where each of the two is; undefined where that is not known. */
  readonly ledger: PlaceInHistory | undefined;
  readonly hot: PlaceInHistory | undefined;
  constructor(
    reason: NotReadyCause,
    ledger: PlaceInHistory | undefined,
    hot: PlaceInHistory | undefined,
    detail = '',
  ) {
    const at = (place: PlaceInHistory | undefined) => place?.sequence ?? 'nowhere';
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
  #epoch: Epoch = { number: 0, nonce: NOTHING };
  #position: StreamPosition = { epoch: undefined, sequence: 0, link: NOTHING, eventsTotal: 0 };
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

  /**
   * Starts anew: the next entry is the one after this position.
   * @param epoch under which this worker has verified the partition
   */
  begin(position: StreamPosition, epoch: Epoch): void {
    this.#position = position;
    this.#epoch = epoch;
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
    const { sequence, link } = this.#position;
    const from = `${this.#position.epoch ?? 0}-${sequence + 1}`;
    // Sent together and answered in this order: what the control record counts, the stream must already contain.
    const [text, info, rows] = await Promise.all([
      this.#redis.get(this.#keys.control),
      this.#redis.info('replication'),
      this.#position.epoch === undefined
        ? this.#locate(sequence)
        : this.#redis.xrange(this.#keys.events, from, '+', 'COUNT', this.#entriesPerRead),
    ]);
    const head = this.#checkHead(text, incarnationFrom(this.#redis, info));
    if (head.sequence < sequence) throw new NotReady('went-back', this.#position, head);
    if (rows.length === 0) {
      if (head.sequence > sequence) {
        throw new NotReady(
          'entries-missing',
          this.#position,
          head,
          ', and the stream has nothing in between',
        );
      }
      if (head.link !== link) throw new NotReady('forked', this.#position, head);
    }
    this.#rows = rows;
    this.#next = 0;
    this.#isFetchedWhole = rows.length < this.#entriesPerRead;
    return this.#isFetchedWhole;
  }

  /** @throws {NotReady} where this worker must not carry, because somebody has to look at both stores first */
  #checkHead(text: string | null, incarnation: Incarnation): Control {
    if (text === null) throw new NotReady('forgotten', this.#position, undefined);
    let head: Control;
    try {
      head = decodeControl(text);
    } catch (error) {
      throw new NotReady('control-damaged', this.#position, undefined, `: ${messageOf(error)}`);
    }
    this.head = head;
    if (!incarnation.isPrimary) throw new Error('Redis is a replica now: the primary is looked for');
    // A closed partition changes no more, so it is carried whoever has verified it.
    if (head.state === 'fenced' || head.state === 'clock') return head;
    if (!isVerified(head, incarnation)) throw new NotReady('unverified', this.#position, head);
    if (!isSameEpoch(head.epoch, this.#epoch)) throw new NotReady('other-epoch', this.#position, head);
    return head;
  }

  /** The entry with the next sequence and those after it, whatever the epoch of their ids. */
  async #locate(sequence: number): Promise<Row[]> {
    const [first] = await this.#redis.xrange(this.#keys.events, '-', '+', 'COUNT', 1);
    const [last] = await this.#redis.xrevrange(this.#keys.events, '+', '-', 'COUNT', 1);
    const oldest = first ? epochOf(first) : 0;
    let rows: Row[] = [];
    // Sequences run on over epochs: in the newest epoch that has an entry at or before this sequence, it is the next one.
    for (let epoch = last ? epochOf(last) : -1; epoch >= oldest; epoch--) {
      rows = await this.#redis.xrange(
        this.#keys.events,
        `${epoch}-${sequence + 1}`,
        '+',
        'COUNT',
        this.#entriesPerRead,
      );
      if (rows[0] && sequenceOf(rows[0]) === sequence + 1) break;
    }
    return rows;
  }

  #read(row: Row): ReadEntry {
    const [id, fields] = row;
    const { sequence, link } = this.#position;
    if (sequenceOf(row) !== sequence + 1 || epochOf(row) < (this.#position.epoch ?? 0)) {
      throw new NotReady('entries-missing', this.#position, this.head, `, and the stream continues at ${id}`);
    }
    try {
      const entry = decodeEntry(id, fields);
      const isInRange =
        entry.atMs > 0 && entry.atMs <= INSTANT_MS_MAX && Number.isSafeInteger(entry.eventsTotal);
      if (!isInRange) throw new Error(`time ${entry.atMs} or count ${entry.eventsTotal} is out of range`);
      if (entry.linkBefore !== link) {
        throw new NotReady('forked', this.#position, this.head, `, and ${id} continues another history`);
      }
      return entry;
    } catch (error) {
      if (error instanceof NotReady || (error instanceof Unreadable && error.isNewer)) throw error;
      const count = fields[fields.indexOf('count') + 1] ?? '';
      const [own, before] = (fields[fields.indexOf('link') + 1] ?? '').split(' ');
      if (before !== undefined && before !== link) {
        throw new NotReady('forked', this.#position, this.head, `, and ${id} continues another history`);
      }
      return {
        epoch: epochOf(row),
        sequence: sequence + 1,
        link: before === undefined ? link : (own as string),
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

function epochOf([id]: Row): number {
  return Number(id.slice(0, id.indexOf('-')));
}

function sequenceOf([id]: Row): number {
  return Number(id.slice(id.indexOf('-') + 1));
}
