/**
 * Which worker has a partition: a Postgres advisory lock, held by a connection of its own for as long as that lives.
 * Promises: at most one holder as far as Postgres can see. It is for liveness, not for safety: a worker that was paused
 * may believe that it still holds a lock it has lost; the cursor stops what it writes then (D7).
 */
import pg from 'pg';
import { type ConnectionOptions, clientConfig, prepareSession } from './connection.ts';

/** The right to work on a partition. */
export interface WorkerLease {
  readonly partition: number;
  /** False as soon as this side knows that the connection, and with it the lock, is gone. */
  readonly isHeld: boolean;
  /** Runs at most once, when the lock is lost without having been released. */
  onLost(listener: () => void): void;
  /** Checks that the connection works; false, and the lease is lost, where Postgres does not answer in time. */
  verify(): Promise<boolean>;
  /** Gives the partition back. */
  release(): Promise<void>;
}

/** Names our locks among those of other programs in the database: "HOLD". */
const LOCK_CLASS = 0x484f4c44;

// A machine that dies closes no connection: with these the server notices within about 11 s and frees the lock.
const KEEPALIVES =
  'SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3';

/** Takes the lease of a partition; undefined where another worker has it. @throws an outage */
export async function tryLease(
  options: ConnectionOptions,
  partition: number,
): Promise<WorkerLease | undefined> {
  const client = new pg.Client(clientConfig(options));
  const lease = new ConnectionLease(client, partition);
  try {
    await client.connect();
    await prepareSession(client, options.role);
    await client.query(KEEPALIVES);
    const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS taken', [
      LOCK_CLASS,
      partition,
    ]);
    if (rows[0]?.taken) return lease;
  } catch (error) {
    await lease.release();
    throw error;
  }
  await lease.release();
  return undefined;
}

/** Whether some process holds the lease of a partition now, as far as Postgres can see. */
export async function isLeaseHeld(client: Pick<pg.ClientBase, 'query'>, partition: number): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND objid = $2 AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [LOCK_CLASS, partition],
  );
  return rows.length > 0;
}

class ConnectionLease implements WorkerLease {
  readonly partition: number;
  readonly #client: pg.Client;
  #isHeld = true;
  #isReleased = false;
  #onLost: () => void = () => {};

  constructor(client: pg.Client, partition: number) {
    this.#client = client;
    this.partition = partition;
    client.on('error', () => this.#lose());
    client.on('end', () => this.#lose());
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  onLost(listener: () => void): void {
    this.#onLost = listener;
  }

  async verify(): Promise<boolean> {
    try {
      await this.#client.query('SELECT 1');
    } catch {
      this.#lose();
      await this.release();
    }
    return this.#isHeld;
  }

  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#isHeld = false;
    await this.#client.end().catch(() => {});
  }

  #lose(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#onLost();
  }
}
