/**
 * What all parts of an audit share: the stores, the findings, and the wait until the ledger has what Redis has decided.
 * Promises: findings are bounded; where the ledger does not catch up the audit ends as incomplete instead of guessing.
 */
import { decodeId } from '../../domain/id.ts';
import type { InventoryItem } from '../../domain/inventory-item.ts';
import { NOTHING } from '../../hotpath/codec/words.ts';
import type { RedisConnection } from '../../hotpath/hot-inventory.ts';
import type { PartitionKeys } from '../../hotpath/keys.ts';
import { notReadySentence } from '../../hotpath/not-ready.ts';
import { type Control, isVerified, readControl, readIncarnation } from '../../hotpath/partition.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { poll } from '../../timing/retry.ts';
import { readTrust, type Trust } from '../recovery/trust.ts';

export interface AuditParts {
  readonly redis: RedisConnection;
  readonly keys: PartitionKeys;
  readonly ledger: Ledger;
}

export interface AuditOptions {
  /** How long to wait for the ledger to reach what Redis decided. */
  readonly catchUpMs: number;
  /** Compares every open hold, transfer and sale as well, from both sides. */
  readonly withHolds: boolean;
  /** Also adds up all entries, and those of every order of a sale: exact, and as slow as the ledger is long. */
  readonly withEntries: boolean;
  /** Also compares the orders confirmed in this time, as long as Redis keeps them; undefined: none. */
  readonly confirmedMs?: number | undefined;
  /** Reports what a person has acknowledged too, and the orders of each fork. */
  readonly history?: { readonly withReviewed: boolean; readonly withOrders: boolean } | undefined;
  readonly onProgress?: (compared: { items: number; holds: number }) => void;
  readonly signal?: AbortSignal;
}

export const FINDING_KINDS = [
  'figures',
  'missing-in-hot-path',
  'missing-in-ledger',
  'hold',
  'order',
  'transfer',
  'sale',
  'ledger-sum',
  'quarantined',
  'fork',
  'lost-acknowledgement',
  'lost-range',
  'other-history',
] as const;

/** One difference between hot path and ledger. */
export interface AuditFinding {
  readonly kind: (typeof FINDING_KINDS)[number];
  readonly sku: string;
  /** Empty where it concerns no warehouse. */
  readonly warehouse: string;
  readonly orderId?: string | undefined;
  /** The version both were compared at; 0 where there is none. */
  readonly version: number;
  readonly hotPath?: AuditFigures | undefined;
  readonly ledger?: AuditFigures | undefined;
  readonly detail: string;
}
export type AuditFigures = Pick<InventoryItem, 'total' | 'available' | 'reserved' | 'sold'>;

/** The most findings that an audit keeps; all are counted. */
export const FINDINGS_MAX = 1_000;
/** Keys or rows of one round trip. */
export const AUDIT_PAGE = 500;
/** How often a record that looks different is read again: one that keeps changing is in use, not wrong. */
export const LOOKS_MAX = 5;
const POLL_MS = 20;

/** Ends an audit with what it has found; the message says why. */
export class Incomplete extends Error {}

/** The state of one audit, handed to each of its parts. */
export class Auditor {
  readonly parts: AuditParts;
  readonly options: AuditOptions;
  readonly findings: AuditFinding[] = [];
  findingsTotal = 0;
  items = 0;
  holds = 0;
  documents = 0;
  /** Confirmed ones. */
  orders = 0;
  /** The epoch in which this audit compares. */
  epoch = 0;
  nonce = '';

  constructor(parts: AuditParts, options: AuditOptions) {
    this.parts = parts;
    this.options = options;
  }

  /** Counts a finding, and keeps it up to {@link FINDINGS_MAX}. */
  addFinding(finding: AuditFinding): void {
    this.findingsTotal++;
    if (this.findings.length < FINDINGS_MAX) this.findings.push(finding);
  }

  /** Reports how far the audit is. @throws {Incomplete} where it is to stop */
  reportOrAbort(): void {
    this.options.onProgress?.({ items: this.items, holds: this.holds });
    if (this.options.signal?.aborted) throw new Incomplete('stopped');
  }

  /**
   * Resolves when the ledger has everything that Redis has decided up to now, with where that is.
   * @throws {Incomplete} where that takes too long, or nobody has verified this Redis
   */
  async catchUp(): Promise<Control> {
    const { keys, ledger } = this.parts;
    let control = await this.#verifiedControl();
    const { catchUpMs: timeoutMs, signal } = this.options;
    let behind = '';
    const reached = await poll(
      async () => {
        const cursor = await ledger.cursor(keys.partition);
        if (cursor?.nonce !== control.epoch.nonce) {
          // A worker has begun an epoch since; soon both stores have it.
          behind = 'at another epoch';
          control = await this.#verifiedControl();
        } else if (cursor.sequence >= control.sequence) return true;
        else behind = `${control.sequence - cursor.sequence} batches behind`;
        return undefined;
      },
      { everyMs: POLL_MS, timeoutMs, signal },
    );
    if (reached) {
      if (this.nonce !== '' && this.nonce !== control.epoch.nonce)
        throw new Incomplete('the partition was opened anew meanwhile');
      this.epoch = control.epoch.number;
      this.nonce = control.epoch.nonce;
      return control;
    }
    if (signal?.aborted) throw new Incomplete('stopped');
    throw new Incomplete(`the ledger is ${behind} and does not catch up: is the worker running?`);
  }

  /** @throws {Incomplete} with the remedy, where the partition is closed or its history was not compared */
  async #verifiedControl(): Promise<Control> {
    const { redis, keys } = this.parts;
    const control = await readControl(redis, keys);
    if (!control) throw new Incomplete(notReadySentence('forgotten'));
    if (control.state === 'fenced' || control.state === 'clock')
      throw new Incomplete(notReadySentence(control.state));
    const incarnation = await readIncarnation(redis);
    if (!incarnation.isPrimary) throw new Incomplete(notReadySentence('read-only'));
    if (!isVerified(control, incarnation)) throw new Incomplete(notReadySentence('unverified'));
    // It sells, but by the word of a person: whether the ledger agrees is what nobody knows.
    if (control.state === 'trusted') throw new Incomplete(trustText(await readTrust(redis, keys)));
    return control;
  }

  /** The ledger must have the same link as Redis at the same entry: equal numbers say nothing. @throws {Incomplete} */
  async compareLinks(): Promise<void> {
    const { ledger, keys } = this.parts;
    const { sequence, link } = await this.catchUp();
    const cursor = await ledger.cursor(keys.partition);
    const known =
      cursor?.sequence === sequence
        ? cursor.link
        : (await ledger.knownLinks(keys.partition, sequence)).find((one) => one.sequence === sequence)?.link;
    // Neither an entry of the release before nor one whose link the ledger no longer keeps can be compared.
    if (link === NOTHING || known === undefined || known === link) return;
    const detail =
      `at sequence ${sequence} Redis has the link ${link}, the ledger ${known}: these are two histories. ` +
      'A running worker writes down what only Redis has, and fills it from the ledger: npm run work';
    this.addFinding({ kind: 'other-history', sku: '', warehouse: '', version: 0, detail });
  }

  /** Pages of the ids in every key of the hot path that begins so. A key that names no id is a finding. */
  async *scan(start: string): AsyncGenerator<string[]> {
    let cursor = '0';
    do {
      const [next, found] = await this.parts.redis.scan(cursor, 'MATCH', `${start}*`, 'COUNT', AUDIT_PAGE);
      cursor = next;
      const ids: string[] = [];
      for (const key of found) {
        const id = decodeId(key.slice(start.length));
        if (id !== undefined) ids.push(id);
        else this.#addForeignKey(key);
      }
      if (ids.length > 0) yield ids;
      this.reportOrAbort();
    } while (cursor !== '0');
  }

  #addForeignKey(key: string): void {
    const detail = `the key ${JSON.stringify(key)} was not written by this program`;
    this.addFinding({ kind: 'missing-in-ledger', sku: '', warehouse: '', version: 0, detail });
  }
}

function trustText(trust: Trust | undefined): string {
  const who = trust
    ? `${trust.actor} opened the partition without the ledger at ${new Date(trust.atMs).toISOString()} (${trust.reason})`
    : 'a person opened the partition without the ledger';
  return `${who}, and nobody has compared the two since. A running worker does; start one: npm run work`;
}

/** What reading answers; undefined where it throws. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
