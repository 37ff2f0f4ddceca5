/**
 * The ledger: the permanent record, in Postgres. All access of the other rooms goes through this class.
 * Promises: it opens only on a Postgres that keeps what it commits; a chunk is written once, as a whole or not at all.
 * Refuses to know: Redis, and whether a chunk is right; the worker checked it.
 */
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Warehouse } from '../domain/geography.ts';
import { lineStart } from '../domain/language.ts';
import type { Reservation } from '../domain/reservation.ts';
import { explainConnecting } from './connecting.ts';
import { type ConnectionOptions, type LedgerRole, openPool } from './connection.ts';
import {
  type AnsweredPlace,
  cursorMovedAtMs,
  type LedgerCursor,
  placeCursor,
  readCursor,
  waitForSequence,
} from './cursor.ts';
import {
  beginEpoch,
  type EpochRecord,
  type HistoryPlace,
  type NewEpoch,
  openEpoch,
  readEpochs,
} from './epochs.ts';
import { ConcurrentModification, CursorMoved, readSqlError } from './errors.ts';
import { type Fork, type ForkEntry, forkEntries, listForks, type NewFork, recordFork } from './forks.ts';
import {
  type HistoryQuery,
  type HistoryReview,
  type HistoryState,
  historyState,
  type Reviewing,
  reviewHistory,
} from './history.ts';
import { isLeaseHeld, tryLease, type WorkerLease } from './lease.ts';
import { type KnownLink, knownLinks, pruneLinks } from './links.ts';
import { type LostAcknowledgement, type LostRecord, listLost, reportLost } from './lost-acknowledgements.ts';
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
import type { PageQuery } from './read/pages.ts';
import {
  countQuarantine,
  findingsOf,
  holdsOf,
  type ItemFinding,
  itemsInQuarantine,
  type OpenRepeat,
  openRepeats,
  type Parked,
  parkedOf,
  type QuarantineCount,
  resolveFinding,
} from './read/parked.ts';
import { type DoneMovement, doneMovement, Past } from './read/past.ts';
import { LedgerQueries } from './read/queries.ts';
import { Sales } from './read/sales.ts';
import { type SelfDifference, selfCheck } from './read/self-check.ts';
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
import { WebhookDeliveries } from './webhooks/deliveries.ts';
import { WebhookQueue } from './webhooks/queue.ts';
import { Webhooks } from './webhooks/webhooks.ts';
import { type CommitHook, commitChunk, type PreparedChunk } from './write/commit.ts';
import type { TransferDocument } from './write/documents.ts';
import { quarantineItem, type RepairFound, type RepairWrite, repairItem } from './write/repair.ts';
import { type ImportWrite, writeImport } from './write/repair-import.ts';

/** How to open a ledger. */
export interface LedgerOptions {
  /** `postgres://user:password@host:port/database?schema=name`, or a socket. Never logged. */
  readonly databaseUrl: string;
  /** The role each connection takes, where its user is a member; default `holdfast_writer`. */
  readonly role?: LedgerRole | 'none' | undefined;
  /** Connections at once, default 4; a lease has one of its own. */
  readonly poolMax?: number | undefined;
  /** Default 30,000. */
  readonly statementTimeoutMs?: number | undefined;
  /** What `pg_stat_activity` shows; default `holdfast`. */
  readonly applicationName?: string | undefined;
  /** Told once where connections keep the rights of their own user, and why. */
  readonly say?: ((line: string) => void) | undefined;
  /** For tests, which stop a commit between two statements. */
  readonly commitHook?: CommitHook | undefined;
}

const POOL_MAX_DEFAULT = 4;
const STATEMENT_TIMEOUT_MS_DEFAULT = 30_000;

/**
 * Connects; checks the settings that durability depends on, and the version of the tables.
 * @throws {WrongPostgresSettings} | {SchemaOutdated} | {WrongDatabaseUrl} or an outage
 * @example
 * const ledger = await openLedger({ databaseUrl: 'postgres://localhost/holdfast', role: 'holdfast_reader' });
 * const { entries } = await ledger.read.entries({ sku: 'TEA', warehouse: 'TPE', limit: 20 });
 * await ledger.close();
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const connection: ConnectionOptions = {
    databaseUrl: options.databaseUrl,
    role: options.role ?? 'holdfast_writer',
    statementTimeoutMs: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS_DEFAULT,
    applicationName: options.applicationName ?? 'holdfast',
    say: options.say,
  };
  const pool = openPool(connection, options.poolMax ?? POOL_MAX_DEFAULT);
  try {
    await checkSchema(pool, connection.role);
  } catch (error) {
    await pool.end();
    throw explainConnecting(error);
  }
  return new Ledger(pool, connection, options.commitHook ?? (() => {}));
}

/** Whether Postgres or this room said no; then the connection is as good as before. */
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

/** An open ledger. Made by {@link openLedger}. Every method may fail with an outage, which passes. */
export class Ledger {
  /** Entries, items, holds and drift. */
  readonly read: LedgerQueries;
  readonly transfers: Transfers;
  readonly stocktakes: Stocktakes;
  readonly sales: Sales;
  readonly shortfalls: Shortfalls;
  /** What a rebuild reads, in pages. */
  readonly past: Past;
  readonly alerts: Alerts;
  readonly webhooks: Webhooks;
  readonly webhookDeliveries: WebhookDeliveries;
  /** For the worker that sends. */
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

  /** How far the ledger has followed a partition; undefined where it knows no epoch of it. */
  cursor(partition: number): Promise<LedgerCursor | undefined> {
    return readCursor(this.#pool, partition);
  }

  /**
   * Writes the epoch that is to be opened next (D10); the cursor stays where it is.
   * @returns the id of its row, for {@link Ledger.openEpoch}; undefined where another process was faster
   */
  beginEpoch(partition: number, epoch: NewEpoch): Promise<number | undefined> {
    return beginEpoch(this.#pool, partition, epoch);
  }

  /** Completes the row of an epoch: Redis was opened under it, and stood at this place. */
  openEpoch(id: number, place: HistoryPlace): Promise<void> {
    return openEpoch(this.#pool, id, place);
  }

  /** Epochs of a partition, newest first. */
  epochs(partition: number, limit: number): Promise<EpochRecord[]> {
    return readEpochs(this.#pool, partition, limit);
  }

  /** Puts the cursor where the ledger was brought by other means than entries of the stream. @throws where it would go back */
  placeCursor(
    partition: number,
    place: Pick<LedgerCursor, 'sequence' | 'link' | 'eventsTotal'>,
  ): Promise<void> {
    return placeCursor(this.#pool, partition, place);
  }

  /** The links that the ledger still has of entries from this sequence on, oldest first. */
  knownLinks(partition: number, fromSequence: number): Promise<KnownLink[]> {
    return knownLinks(this.#pool, partition, fromSequence);
  }

  /** Forgets the links of chunks that end below this sequence. */
  pruneLinks(partition: number, belowSequence: number): Promise<void> {
    return pruneLinks(this.#pool, partition, belowSequence);
  }

  /** Writes down another history, as a whole. @returns its id; the same for a history that is written down already */
  recordFork(fork: NewFork): Promise<number> {
    return this.#withClient((client) => recordFork(client, fork));
  }

  /** Forks of a partition, newest first. */
  forks(
    partition: number,
    query: HistoryQuery,
  ): Promise<{ readonly forks: readonly Fork[]; readonly next: number | null }> {
    return listForks(this.#pool, partition, query);
  }

  /** Entries of a fork, oldest first. */
  forkEntries(
    forkId: number,
    query: PageQuery,
  ): Promise<{ readonly entries: readonly ForkEntry[]; readonly next: number | null }> {
    return forkEntries(this.#pool, forkId, query);
  }

  /** Reports what was acknowledged and is gone. Repeating it changes nothing. */
  reportLost(rows: readonly LostAcknowledgement[]): Promise<void> {
    return reportLost(this.#pool, rows);
  }

  /** Acknowledgements that the ledger does not have, newest report first. */
  lostAcknowledgements(
    partition: number,
    query: HistoryQuery,
  ): Promise<{ readonly lost: readonly LostRecord[]; readonly next: number | null }> {
    return listLost(this.#pool, partition, query);
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
   * @throws {CursorMoved} | {ConcurrentModification} | {RefusedBySql}: nothing was written. After any other error, an
   * outage, it may have been written: the cursor shows whether it was.
   */
  commit(chunk: PreparedChunk): Promise<void> {
    return this.#withClient((client) => commitChunk(client, chunk, this.#commitHook));
  }

  /** Runs a transaction on a connection of its own, and rolls back where it fails. */
  async #withClient<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      const isWhole = isAnswer(error) && (await rollBack(client));
      client.release(!isWhole);
      throw readSqlError(error);
    }
  }

  /** How much is in quarantine, each counted up to 10,000. */
  quarantineCount(): Promise<QuarantineCount> {
    return countQuarantine(this.#pool);
  }

  /** Items in quarantine, the oldest first. */
  itemsInQuarantine(limit: number): Promise<LedgerItem[]> {
    return itemsInQuarantine(this.#pool, limit);
  }

  /** Why an item has stopped, and the events that wait for it. */
  async quarantineOf(
    name: ItemName,
    findingsMax: number,
  ): Promise<{ findings: ItemFinding[]; parked: Parked[] }> {
    const [findings, parked] = await Promise.all([
      findingsOf(this.#pool, name, findingsMax),
      parkedOf(this.#pool, name),
    ]);
    return { findings, parked };
  }

  /** All orders that hold some of an item. */
  holdsOf(name: ItemName): Promise<Reservation[]> {
    return holdsOf(this.#pool, lineStart(name));
  }

  /** Repeats that are booked and not taken back yet, the oldest first. */
  openRepeats(limit: number): Promise<OpenRepeat[]> {
    return openRepeats(this.#pool, limit);
  }

  /** Marks a finding as settled. */
  resolveFinding(id: number): Promise<void> {
    return resolveFinding(this.#pool, id);
  }

  /** Puts an item in quarantine by a person's word; false where the ledger does not know it. */
  quarantine(name: ItemName, reason: string): Promise<boolean> {
    return quarantineItem(this.#pool, name, reason);
  }

  /**
   * Repairs an item in one transaction: `decide` sees what the ledger has of it, which nobody changes meanwhile, and says what
   * to write, if anything. @returns its answer; undefined where the ledger does not know the item
   * @throws an outage, {@link RefusedBySql}, or what `decide` throws: nothing was written
   */
  async repairItem<A>(
    partition: number,
    name: ItemName,
    decide: (found: RepairFound) => Promise<{ readonly answer: A; readonly write?: RepairWrite | undefined }>,
  ): Promise<A | undefined> {
    const client = await this.#pool.connect();
    try {
      const answer = await repairItem(client, partition, name, decide);
      client.release();
      return answer;
    } catch (error) {
      client.release(!(await rollBack(client)));
      throw readSqlError(error);
    }
  }

  /**
   * Writes what was read from Redis, and places the cursor behind it. @param before the cursor when Redis was read
   * @throws where it moved since, or an outage: nothing was written
   */
  async import(partition: number, before: LedgerCursor, write: ImportWrite): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await writeImport(client, partition, before, write);
      client.release();
    } catch (error) {
      client.release(!(await rollBack(client)));
      throw readSqlError(error);
    }
  }

  /** Takes the lease of a partition for this process; undefined where another process has it. */
  tryBecomeWorker(partition: number): Promise<WorkerLease | undefined> {
    return tryLease(this.#connection, partition);
  }

  /** Whether some worker holds the partition's lease, and when one last committed; undefined before the first epoch. */
  async workerState(partition: number): Promise<{ isRunning: boolean; committedAtMs: number | undefined }> {
    const [isRunning, committedAtMs] = await Promise.all([
      isLeaseHeld(this.#pool, partition),
      cursorMovedAtMs(this.#pool, partition),
    ]);
    return { isRunning, committedAtMs };
  }

  /**
   * Waits until the ledger has everything the partition decided up to this place.
   * @returns false where it has not in this time, or never will: a later epoch began below the place
   */
  waitForSequence(partition: number, place: AnsweredPlace, timeoutMs: number): Promise<boolean> {
    return waitForSequence(this.#pool, partition, place, timeoutMs);
  }

  /** The movements that are booked among those named, in no order. */
  movementRecords(movementIds: readonly string[]): Promise<MovementRecord[]> {
    return movementRecords(this.#pool, movementIds);
  }

  /** A movement with its first answer; undefined where none is booked under this id. */
  doneMovement(movementId: string): Promise<DoneMovement | undefined> {
    return doneMovement(this.#pool, movementId);
  }

  /** Movements whose ids lie between these two in the order of bytes, both included. */
  movementRecordsBetween(first: string, last: string): Promise<MovementRecord[]> {
    return movementRecordsBetween(this.#pool, first, last);
  }

  /** A whole table in pages, as of one instant. */
  extract(extract: Extract, pageRowsMax = 2_000): AsyncGenerator<ExtractPage> {
    return streamExtract(this.#pool, extract, pageRowsMax);
  }

  /** What is lost or has gone its own way, as numbers. */
  historyState(partition: number): Promise<HistoryState> {
    return historyState(this.#pool, partition);
  }

  /** Marks what a person was shown as seen: it stays listed, and no longer counts as drift. */
  reviewHistory(partition: number, review: HistoryReview): Promise<Reviewing> {
    return reviewHistory(this.#pool, partition, review);
  }

  /** Compares the ledger with itself. @param withEntries adds up every entry, which takes as long as the ledger is */
  selfCheck(withEntries: boolean): Promise<SelfDifference[]> {
    return selfCheck(this.#pool, withEntries);
  }

  /** Explains the figures of an item, now or at a moment: their parts, checked against the whole. */
  explain(query: ExplainQuery): Promise<ExplainAnswer> {
    return explain(this.#pool, query);
  }

  /** An item as it was at a moment, and the last entry until then. */
  asOf(name: ItemName, moment: Moment): Promise<AsOf> {
    return asOf(this.#pool, name, moment);
  }

  /** Keeps the outcome of a comparison with the hot path. */
  recordAudit(partition: number, audit: AuditRecord): Promise<void> {
    return recordAudit(this.#pool, partition, audit);
  }

  /** The last comparison; undefined before the first. */
  lastAudit(partition: number): Promise<AuditRecord | undefined> {
    return lastAudit(this.#pool, partition);
  }

  /** Writes a warehouse, new or known. */
  putWarehouse(warehouse: Warehouse): Promise<'created' | 'updated'> {
    return putWarehouse(this.#db, warehouse);
  }

  /** All warehouses, by id. */
  warehouses(): Promise<Warehouse[]> {
    return listWarehouses(this.#db);
  }

  /** Waits for the statements that are running, then closes all connections but those of leases. */
  async close(): Promise<void> {
    await this.#pool.end();
  }
}
