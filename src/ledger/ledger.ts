/**
 * The ledger: what Holdfast remembers for good. The only door of this room to Postgres.
 * Promises: it opens only on a Postgres that keeps what it commits; a chunk is written whole or not at all, once.
 * Refuses to know: Redis, and whether what it is given is right; the worker judged it.
 */
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Warehouse } from '../domain/geography.ts';
import type { Reservation } from '../domain/reservation.ts';
import { type ConnectionOptions, type LedgerRole, openPool } from './connection.ts';
import { beginEpoch, cursorMovedAtMs, type LedgerCursor, readCursor, waitForSequence } from './cursor.ts';
import { ConcurrentModification, CursorMoved, readSqlError } from './errors.ts';
import { isLeaseHeld, tryLease, type WorkerLease } from './lease.ts';
import { checkSchema } from './migrate.ts';
import { Alerts } from './read/alerts.ts';
import type { AsOf, Moment } from './read/as-of.ts';
import { type AuditRecord, lastAudit, recordAudit } from './read/audits.ts';
import { asOf, type ExplainAnswer, type ExplainQuery, explain } from './read/explain.ts';
import { type Extract, type ExtractPage, streamExtract } from './read/extracts.ts';
import {
  knownMovements,
  type MovementRecord,
  movementRecords,
  movementRecordsBetween,
} from './read/movements.ts';
import { Past } from './read/past.ts';
import { LedgerQueries } from './read/queries.ts';
import { Sales } from './read/sales.ts';
import { Shortfalls } from './read/shortfalls.ts';
import { Stocktakes } from './read/stocktakes.ts';
import { Transfers } from './read/transfers.ts';
import { listWarehouses, putWarehouse } from './read/warehouses.ts';
import {
  type ItemName,
  type LedgerItem,
  loadItems,
  loadReservations,
  loadTransfers,
} from './read/worker-queries.ts';
import type { LedgerSchema } from './schema.ts';
import { type SelfDifference, selfCheck } from './self-check.ts';
import { WebhookDeliveries } from './webhooks/deliveries.ts';
import { WebhookQueue } from './webhooks/queue.ts';
import { Webhooks } from './webhooks/webhooks.ts';
import { type CommitHook, commitChunk, type PreparedChunk } from './write/commit.ts';
import type { TransferDocument } from './write/documents.ts';

export interface LedgerOptions {
  /** `postgres://user:password@host:port/database`. Never logged. */
  readonly databaseUrl: string;
  /** What each connection becomes where the user may; default `holdfast_writer`. */
  readonly role?: LedgerRole | 'none' | undefined;
  readonly poolMax?: number | undefined;
  readonly statementTimeoutMs?: number | undefined;
  readonly applicationName?: string | undefined;
  /** For tests, which stop a commit between two statements. */
  readonly commitHook?: CommitHook | undefined;
}

const POOL_MAX_DEFAULT = 4;
const STATEMENT_TIMEOUT_MS_DEFAULT = 30_000;

/**
 * Connects, checks the settings durability rests on and the version of the tables.
 * @throws {WrongPostgresSettings} | {SchemaOutdated} or an outage
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const connection: ConnectionOptions = {
    databaseUrl: options.databaseUrl,
    role: options.role ?? 'holdfast_writer',
    statementTimeoutMs: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS_DEFAULT,
    applicationName: options.applicationName ?? 'holdfast',
  };
  const pool = openPool(connection, options.poolMax ?? POOL_MAX_DEFAULT);
  try {
    await checkSchema(pool);
  } catch (error) {
    await pool.end();
    throw error;
  }
  return new Ledger(pool, connection, options.commitHook ?? (() => {}));
}

function isAnswer(error: unknown): boolean {
  return (
    error instanceof pg.DatabaseError ||
    error instanceof CursorMoved ||
    error instanceof ConcurrentModification
  );
}

function rollBack(client: pg.ClientBase): Promise<boolean> {
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
}

export class Ledger {
  /** Questions; all that HTTP needs. */
  readonly read: LedgerQueries;
  readonly transfers: Transfers;
  readonly stocktakes: Stocktakes;
  readonly sales: Sales;
  readonly shortfalls: Shortfalls;
  /** What a rebuild reads. */
  readonly past: Past;
  readonly alerts: Alerts;
  readonly webhooks: Webhooks;
  readonly webhookDeliveries: WebhookDeliveries;
  readonly webhookQueue: WebhookQueue;
  readonly #pool: pg.Pool;
  readonly #db: Kysely<LedgerSchema>;
  readonly #connection: ConnectionOptions;
  readonly #commitHook: CommitHook;

  constructor(pool: pg.Pool, connection: ConnectionOptions, commitHook: CommitHook) {
    this.#pool = pool;
    this.#connection = connection;
    this.#commitHook = commitHook;
    this.#db = new Kysely<LedgerSchema>({ dialect: new PostgresDialect({ pool }) });
    this.read = new LedgerQueries(this.#db);
    this.transfers = new Transfers(this.#db);
    this.stocktakes = new Stocktakes(this.#db);
    this.sales = new Sales(this.#db);
    this.shortfalls = new Shortfalls(this.#db);
    this.past = new Past(this.#pool);
    this.alerts = new Alerts(this.#db);
    this.webhooks = new Webhooks(this.#db);
    this.webhookDeliveries = new WebhookDeliveries(this.#db);
    this.webhookQueue = new WebhookQueue(this.#db);
  }

  /** Undefined where the ledger knows no epoch of this partition. */
  cursor(partition: number): Promise<LedgerCursor | undefined> {
    return readCursor(this.#pool, partition);
  }

  /**
   * A partition starts over under a newer epoch, at sequence 0 (D10).
   * @returns false where the ledger knows this epoch or a newer one: somebody else was faster
   */
  beginEpoch(partition: number, epoch: number): Promise<boolean> {
    return beginEpoch(this.#pool, partition, epoch);
  }

  /** The items that exist among those named, in no order. */
  loadItems(names: readonly ItemName[]): Promise<LedgerItem[]> {
    return loadItems(this.#pool, names);
  }

  /** The reservations that exist among those named, in no order. */
  loadReservations(orderIds: readonly string[]): Promise<Reservation[]> {
    return loadReservations(this.#pool, orderIds);
  }

  /** The transfers that exist among those named, in no order. */
  loadTransfers(transferIds: readonly string[]): Promise<TransferDocument[]> {
    return loadTransfers(this.#pool, transferIds);
  }

  /** Which of these movements are booked already (BR-006). */
  knownMovements(movementIds: readonly string[]): Promise<string[]> {
    return knownMovements(this.#pool, movementIds);
  }

  /**
   * Writes a chunk in one transaction. Prepare it with {@link prepareChunk}, while the one before is being written.
   * @throws {CursorMoved} | {ConcurrentModification} | {RefusedBySql}: nothing was written. Anything else is an outage
   * after which it may have been written: the cursor tells.
   */
  async commit(chunk: PreparedChunk): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await commitChunk(client, chunk, this.#commitHook);
      client.release();
    } catch (error) {
      // What the server or this room said leaves the connection whole; after anything else it is not to be trusted.
      const isWhole = isAnswer(error) && (await rollBack(client));
      client.release(!isWhole);
      throw readSqlError(error);
    }
  }

  /** Takes the partition for this process, or answers undefined where another has it. */
  tryBecomeWorker(partition: number): Promise<WorkerLease | undefined> {
    return tryLease(this.#connection, partition);
  }

  /** Whether some process works on the partition, and when one last committed; undefined before the first epoch. */
  async workerState(partition: number): Promise<{ isRunning: boolean; committedAtMs: number | undefined }> {
    const [isRunning, committedAtMs] = await Promise.all([
      isLeaseHeld(this.#pool, partition),
      cursorMovedAtMs(this.#pool, partition),
    ]);
    return { isRunning, committedAtMs };
  }

  /**
   * Waits until the ledger has everything the partition decided up to this sequence of the epoch.
   * @returns false where it has not in this time
   */
  waitForSequence(partition: number, epoch: number, sequence: number, timeoutMs: number): Promise<boolean> {
    return waitForSequence(this.#pool, partition, { epoch, sequence }, timeoutMs);
  }

  /** Those of these movements that are booked, in no order. */
  movementRecords(movementIds: readonly string[]): Promise<MovementRecord[]> {
    return movementRecords(this.#pool, movementIds);
  }

  /** Those whose ids stand between these two, both included. */
  movementRecordsBetween(first: string, last: string): Promise<MovementRecord[]> {
    return movementRecordsBetween(this.#pool, first, last);
  }

  /** A whole table, in pages, as of one instant. */
  extract(extract: Extract, pageRowsMax = 2_000): AsyncGenerator<ExtractPage> {
    return streamExtract(this.#pool, extract, pageRowsMax);
  }

  /** The ledger compared with itself; `withEntries` adds up every entry. */
  selfCheck(withEntries: boolean): Promise<SelfDifference[]> {
    return selfCheck(this.#pool, withEntries);
  }

  /** Why an item stands at its figures, or stood at them: its parts, checked against the whole. */
  explain(query: ExplainQuery): Promise<ExplainAnswer> {
    return explain(this.#pool, query);
  }

  /** An item as it stood at a moment, and the entry that brought it there. */
  asOf(name: ItemName, moment: Moment): Promise<AsOf> {
    return asOf(this.#pool, name, moment);
  }

  /** Keeps what a comparison with the hot path came to, for those who ask later. */
  recordAudit(partition: number, audit: AuditRecord): Promise<void> {
    return recordAudit(this.#pool, partition, audit);
  }

  /** The last comparison; undefined before the first. */
  lastAudit(partition: number): Promise<AuditRecord | undefined> {
    return lastAudit(this.#pool, partition);
  }

  putWarehouse(warehouse: Warehouse): Promise<'created' | 'updated'> {
    return putWarehouse(this.#db, warehouse);
  }

  warehouses(): Promise<Warehouse[]> {
    return listWarehouses(this.#db);
  }

  /** Waits for what is under way, then closes all connections but those of leases. */
  async close(): Promise<void> {
    await this.#pool.end();
  }
}
