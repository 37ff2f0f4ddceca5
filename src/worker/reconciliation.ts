/**
 * Hot path and ledger compared at the same version (D14): under load the ledger is behind, never different, so what is
 * found here is real. Promises: no false alarm from traffic; where the ledger does not catch up the audit says that it is
 * incomplete instead of guessing. It reads only; what it finds, people and the rebuild put right.
 */
import type { Reservation } from '../domain/reservation.ts';
import type { RedisConnection } from '../hotpath/hot-inventory.ts';
import type { PartitionKeys } from '../hotpath/keys.ts';
import { readControl } from '../hotpath/partition.ts';
import { type HotItem, readItem, readReservation } from '../hotpath/texts.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Figures } from '../ledger/queries.ts';

export interface AuditParts {
  readonly redis: RedisConnection;
  readonly keys: PartitionKeys;
  readonly ledger: Ledger;
}

export interface AuditOptions {
  /** How long to wait for the ledger to reach what Redis decided. */
  readonly catchUpMs: number;
  /** Also every open hold on both sides. */
  readonly withHolds: boolean;
  /** Also the sum of every entry: exact, and as slow as the ledger is long. */
  readonly withEntries: boolean;
  readonly onProgress?: (compared: { items: number; holds: number }) => void;
  readonly signal?: AbortSignal;
}

export const FINDING_KINDS = [
  'figures',
  'missing-in-hot-path',
  'missing-in-ledger',
  'hold',
  'ledger-sum',
  'quarantined',
] as const;

export interface AuditFinding {
  readonly kind: (typeof FINDING_KINDS)[number];
  readonly sku: string;
  readonly warehouse: string;
  readonly orderId?: string | undefined;
  /** The version both were compared at; 0 where there is none. */
  readonly version: number;
  readonly hotPath?: AuditFigures | undefined;
  readonly ledger?: AuditFigures | undefined;
  readonly detail: string;
}
export type AuditFigures = Pick<HotItem, 'total' | 'available' | 'reserved' | 'sold'>;

export interface Audit {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly epoch: number;
  readonly itemsCompared: number;
  readonly holdsCompared: number;
  /** At most {@link FINDINGS_MAX}; `findingsTotal` counts all. */
  readonly findings: readonly AuditFinding[];
  readonly findingsTotal: number;
  /** `incomplete`: the ledger did not catch up, or the partition is not open; nothing wrong was found so far. */
  readonly verdict: 'agree' | 'drift' | 'incomplete';
  readonly reason?: string | undefined;
}

export const FINDINGS_MAX = 1_000;
const PAGE = 500;
const POLL_MS = 20;
/** A hold that keeps changing while it is looked at is alive, not adrift. */
const LOOKS_MAX = 5;

/** Thrown and caught in this file: the audit ends here, with what it has. */
class Incomplete extends Error {}

/** Compares all items, and the holds where asked to. */
export async function audit(parts: AuditParts, options: AuditOptions): Promise<Audit> {
  const run = new AuditRun(parts, options);
  return run.run();
}

class AuditRun {
  readonly #parts: AuditParts;
  readonly #options: AuditOptions;
  readonly #findings: AuditFinding[] = [];
  #findingsTotal = 0;
  #items = 0;
  #holds = 0;
  #epoch = 0;

  constructor(parts: AuditParts, options: AuditOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async run(): Promise<Audit> {
    const startedAtMs = Date.now();
    let reason: string | undefined;
    try {
      await this.#compareItems();
      await this.#findUnknownItems();
      if (this.#options.withHolds) await this.#compareHolds();
      await this.#checkLedgerItself();
    } catch (error) {
      if (!(error instanceof Incomplete)) throw error;
      reason = error.message;
    }
    const verdict = this.#findingsTotal > 0 ? 'drift' : reason === undefined ? 'agree' : 'incomplete';
    return {
      startedAtMs,
      finishedAtMs: Date.now(),
      epoch: this.#epoch,
      itemsCompared: this.#items,
      holdsCompared: this.#holds,
      findings: this.#findings,
      findingsTotal: this.#findingsTotal,
      verdict,
      reason,
    };
  }

  #find(finding: AuditFinding): void {
    this.#findingsTotal++;
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push(finding);
  }

  #tell(): void {
    this.#options.onProgress?.({ items: this.#items, holds: this.#holds });
    if (this.#options.signal?.aborted) throw new Incomplete('stopped');
  }

  /** Resolves when the ledger has everything Redis has decided up to now. */
  async #catchUp(): Promise<void> {
    const { redis, keys, ledger } = this.#parts;
    const control = await readControl(redis, keys);
    if (control?.state !== 'open') {
      throw new Incomplete(
        `the partition is ${control ? 'fenced' : 'unknown to Redis'}: it waits for its rebuild`,
      );
    }
    if (this.#epoch !== 0 && this.#epoch !== control.epoch)
      throw new Incomplete('the partition was rebuilt meanwhile');
    this.#epoch = control.epoch;
    const deadline = performance.now() + this.#options.catchUpMs;
    for (;;) {
      const cursor = await ledger.cursor(keys.partition);
      if (cursor?.epoch === control.epoch && cursor.sequence >= control.sequence) return;
      if (performance.now() > deadline) {
        const behind =
          cursor?.epoch === control.epoch
            ? `${control.sequence - cursor.sequence} batches behind`
            : 'at another epoch';
        throw new Incomplete(`the ledger is ${behind} and does not catch up: is the worker running?`);
      }
      if (this.#options.signal?.aborted) throw new Incomplete('stopped');
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #readHot(skus: readonly string[]): Promise<Map<string, HotItem | string>> {
    const { redis, keys } = this.#parts;
    const pipeline = redis.pipeline();
    for (const sku of skus) pipeline.hgetall(keys.sku(sku));
    const found = new Map<string, HotItem | string>();
    for (const [i, [error, fields]] of ((await pipeline.exec()) ?? []).entries()) {
      if (error) throw error;
      const sku = skus[i] as string;
      for (const [warehouse, text] of Object.entries(fields as Record<string, string>)) {
        found.set(`${sku}@${warehouse}`, readable(() => readItem(sku, warehouse, text)) ?? text);
      }
    }
    return found;
  }

  async #compareItems(): Promise<void> {
    const { ledger } = this.#parts;
    let after: { sku: string; warehouse: string } | undefined;
    for (;;) {
      const page = await ledger.read.items(after, PAGE);
      if (page.length === 0) return;
      const hot = await this.#readHot([...new Set(page.map((row) => row.item.sku))]);
      await this.#catchUp();
      for (const { item, quarantine } of page) {
        const { sku, warehouse } = item;
        this.#items++;
        const found = hot.get(`${sku}@${warehouse}`);
        if (quarantine) {
          this.#find({
            kind: 'quarantined',
            sku,
            warehouse,
            version: item.version,
            ledger: item,
            detail: quarantine.reason,
          });
        } else if (found === undefined) {
          const detail = 'the ledger has this item, the hot path has not';
          this.#find({
            kind: 'missing-in-hot-path',
            sku,
            warehouse,
            version: item.version,
            ledger: item,
            detail,
          });
        } else if (typeof found === 'string') {
          const detail = `the hot path's text cannot be read: ${JSON.stringify(found)}`;
          this.#find({ kind: 'figures', sku, warehouse, version: 0, ledger: item, detail });
        } else {
          await this.#compareItem(found, item);
        }
      }
      after = page.at(-1)?.item;
      this.#tell();
    }
  }

  /** The ledger has caught up with what was read from Redis, so it knows that version. */
  async #compareItem(hot: HotItem, item: HotItem): Promise<void> {
    const { sku, warehouse, version } = hot;
    const ledger: Figures | HotItem | undefined =
      version === item.version ? item : await this.#parts.ledger.read.itemAtVersion(sku, warehouse, version);
    const base = { sku, warehouse, version, hotPath: hot, ledger };
    if (!ledger) {
      this.#find({
        kind: 'figures',
        ...base,
        detail: `the ledger has no version ${version}, it is at ${item.version}`,
      });
      return;
    }
    const off = (['total', 'available', 'reserved', 'sold'] as const).filter(
      (figure) => hot[figure] !== ledger[figure],
    );
    if (version === item.version && hot.safetyStock !== item.safetyStock) {
      this.#find({
        kind: 'figures',
        ...base,
        detail: `safety stock ${hot.safetyStock} against ${item.safetyStock}`,
      });
    }
    if (off.length > 0) {
      const detail = off.map((figure) => `${figure} ${hot[figure]} against ${ledger[figure]}`).join(', ');
      this.#find({
        kind: 'figures',
        ...base,
        detail: `at version ${version} hot path and ledger differ: ${detail}`,
      });
    }
  }

  /** Items that only the hot path knows. */
  async #findUnknownItems(): Promise<void> {
    const { redis, keys, ledger } = this.#parts;
    const start = keys.sku('');
    let cursor = '0';
    do {
      const [next, found] = await redis.scan(cursor, 'MATCH', `${start}*`, 'COUNT', PAGE);
      cursor = next;
      if (found.length === 0) continue;
      const hot = await this.#readHot(found.map((key) => key.slice(start.length)));
      await this.#catchUp();
      const names = [...hot.keys()].map((name) => {
        const at = name.indexOf('@');
        return { sku: name.slice(0, at), warehouse: name.slice(at + 1) };
      });
      const known = new Set(
        (await ledger.loadItems(names)).map(({ item }) => `${item.sku}@${item.warehouse}`),
      );
      for (const { sku, warehouse } of names) {
        const item = hot.get(`${sku}@${warehouse}`);
        if (known.has(`${sku}@${warehouse}`) || item === undefined) continue;
        const detail = 'the hot path has this item, the ledger has not';
        const figures = typeof item === 'string' ? {} : { hotPath: item };
        this.#find({ kind: 'missing-in-ledger', sku, warehouse, version: 0, ...figures, detail });
      }
      this.#tell();
    } while (cursor !== '0');
  }

  /** Open holds, from both sides: those the ledger has, then those Redis has. */
  async #compareHolds(): Promise<void> {
    const { redis, keys, ledger } = this.#parts;
    for await (const page of ledger.openReservations(PAGE)) {
      const texts = await redis.mget(...page.map((reservation) => keys.reservation(reservation.orderId)));
      for (const [i, reservation] of page.entries()) {
        this.#holds++;
        if (!isSame(reservation, texts[i] ?? null)) await this.#lookAtHold(reservation.orderId);
      }
      this.#tell();
    }
    const start = keys.reservation('');
    let cursor = '0';
    do {
      const [next, found] = await redis.scan(cursor, 'MATCH', `${start}*`, 'COUNT', PAGE);
      cursor = next;
      if (found.length === 0) continue;
      const texts = await redis.mget(...found);
      const open = found.flatMap((key, i) =>
        texts[i]?.startsWith('ACTIVE ') ? [key.slice(start.length)] : [],
      );
      const known = new Set((await ledger.loadReservations(open)).map((reservation) => reservation.orderId));
      for (const orderId of open) if (!known.has(orderId)) await this.#lookAtHold(orderId);
      this.#tell();
    } while (cursor !== '0');
  }

  /**
   * A hold that looked different. It is adrift only if Redis's text stood still while the ledger passed the point at
   * which it was read, and the ledger still tells something else.
   */
  async #lookAtHold(orderId: string): Promise<void> {
    const { redis, keys, ledger } = this.#parts;
    for (let look = 0; look < LOOKS_MAX; look++) {
      const before = await redis.get(keys.reservation(orderId));
      await this.#catchUp();
      const [reservation] = await ledger.loadReservations([orderId]);
      const after = await redis.get(keys.reservation(orderId));
      if (before !== after) continue;
      // A settled reservation leaves Redis when its tombstone ends; only an open one must be there.
      if (
        reservation
          ? isSame(reservation, after) || (after === null && reservation.status !== 'ACTIVE')
          : after === null
      )
        return;
      const line = reservation?.lines[0];
      this.#find({
        kind: 'hold',
        sku: line?.sku ?? '',
        warehouse: line?.warehouse ?? '',
        orderId,
        version: 0,
        detail: `order ${orderId}: ${after ?? 'nothing'} in the hot path, ${reservation ? `${reservation.status}` : 'nothing'} in the ledger`,
      });
      return;
    }
  }

  async #checkLedgerItself(): Promise<void> {
    for (const { sku, warehouse, version, detail } of await this.#parts.ledger.selfCheck(
      this.#options.withEntries,
    )) {
      this.#find({ kind: 'ledger-sum', sku, warehouse, version, detail });
    }
  }
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Whether Redis's text tells what the ledger tells: status, lines and deadline. */
function isSame(reservation: Reservation, text: string | null): boolean {
  if (text === null) return false;
  const hot = readable(() => readReservation(reservation.orderId, text));
  return (
    hot !== undefined &&
    hot.status === reservation.status &&
    hot.expiresAtMs === reservation.expiresAtMs &&
    hot.lines.length === reservation.lines.length &&
    hot.lines.every((line, i) => {
      const other = reservation.lines[i];
      return (
        line.sku === other?.sku && line.warehouse === other.warehouse && line.quantity === other.quantity
      );
    })
  );
}
