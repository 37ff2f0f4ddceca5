/**
 * Which worker has a partition: a Postgres advisory lock, held by a connection of its own for as long as that lives.
 * Promises: at most one holder as far as Postgres can see; a holder that is stopped, or hung, loses the lock in about 10 s,
 * because the server ends a session from which it hears nothing. It is for liveness, not for safety: a worker that was paused
 * may believe for a moment that it still holds a lock it has lost; the cursor stops what it writes then (D7).
 */
import pg from 'pg';
import { explainConnecting } from './connecting.ts';
import { type ConnectionOptions, clientConfig, prepareSession } from './connection.ts';

/** The right to work on a partition. */
export interface WorkerLease {
  readonly partition: number;
  /** False as soon as this side knows, or has to assume, that the connection, and with it the lock, is gone. */
  readonly isHeld: boolean;
  /** Runs at most once, when the lock is lost without having been released. */
  onLost(listener: () => void): void;
  /** Asks Postgres who holds the lock; false, and the lease is lost, where it is not this side, or no answer comes in time. */
  verify(): Promise<boolean>;
  /** Gives the partition back. */
  release(): Promise<void>;
}

/** Names our locks among those of other programs in the database: "HOLD". */
const LOCK_CLASS = 0x484f4c44;

/** The server ends the lease's session, and frees the lock, where it hears nothing for this time. */
const SILENCE_MS_MAX = 10_000;
/** A holder speaks this often: it may stand still for four of these, as in a long collection of garbage. */
const HEARTBEAT_MS = 2_000;

// A process that is stopped keeps its connection, and its kernel answers keep-alives: the server has to miss the heartbeat.
// A machine that dies closes no connection: with keep-alives the server notices within about 11 s.
const LEASE_SESSION = `SET idle_session_timeout = ${SILENCE_MS_MAX};
  SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3`;

// Two shops may share a database, each in a schema of its own. The locks of `public` are those of the release before.
const LOCK = `CASE current_schema() WHEN 'public' THEN ${LOCK_CLASS}
  ELSE hashtext('holdfast.' || current_schema()) & 2147483647 END`;
const LOCK_HELD = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = (${LOCK})::oid AND objid = $1 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/**
 * Takes the lease of a partition; undefined where another worker has it.
 * @throws {WrongPostgresSettings} where the lock would not be this connection's own, or an outage
 */
export async function tryLease(
  options: ConnectionOptions,
  partition: number,
): Promise<WorkerLease | undefined> {
  const client = new pg.Client(clientConfig(options));
  const lease = new ConnectionLease(client, partition);
  try {
    await client.connect();
    await prepareSession(client, options);
    await client.query(LEASE_SESSION);
    const { rows } = await client.query<{ taken: boolean }>(
      `SELECT pg_try_advisory_lock(${LOCK}, $1) AS taken`,
      [partition],
    );
    if (rows[0]?.taken) {
      lease.keepAlive();
      return lease;
    }
  } catch (error) {
    await lease.release();
    throw explainConnecting(error);
  }
  await lease.release();
  return undefined;
}

/** Whether some process holds the lease of a partition now, as far as Postgres can see. */
export async function isLeaseHeld(client: Pick<pg.ClientBase, 'query'>, partition: number): Promise<boolean> {
  const { rows } = await client.query(LOCK_HELD, [partition]);
  return rows.length > 0;
}

class ConnectionLease implements WorkerLease {
  readonly partition: number;
  readonly #client: pg.Client;
  #isLost = false;
  #isReleased = false;
  #onLost: () => void = () => {};
  /** When the newest heartbeat that was answered was sent. */
  #heardAtMs = performance.now();
  #heartbeat: NodeJS.Timeout | undefined;
  #isAsking = false;

  constructor(client: pg.Client, partition: number) {
    this.#client = client;
    this.partition = partition;
    client.on('error', () => this.#lose());
    client.on('end', () => this.#lose());
  }

  get isHeld(): boolean {
    // A thawed process reads its clock before it reads from its sockets that the server ended them.
    return !this.#isLost && !this.#isReleased && performance.now() - this.#heardAtMs < SILENCE_MS_MAX;
  }

  /** Sends heartbeats from now on. */
  keepAlive(): void {
    this.#heardAtMs = performance.now();
    this.#heartbeat = setInterval(() => {
      if (!this.#isAsking) void this.verify();
      else if (!this.isHeld) this.#lose();
    }, HEARTBEAT_MS).unref();
  }

  onLost(listener: () => void): void {
    this.#onLost = listener;
  }

  async verify(): Promise<boolean> {
    const sentAtMs = performance.now();
    this.#isAsking = true;
    try {
      const { rows } = await this.#client.query(`${LOCK_HELD} AND pid = pg_backend_pid()`, [this.partition]);
      if (rows.length > 0) this.#heardAtMs = Math.max(this.#heardAtMs, sentAtMs);
      else this.#lose();
    } catch {
      this.#lose();
    }
    this.#isAsking = false;
    return this.isHeld;
  }

  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    clearInterval(this.#heartbeat);
    await this.#client.end().catch(() => {});
  }

  #lose(): void {
    if (this.#isLost || this.#isReleased) return;
    this.#isLost = true;
    this.#onLost();
    void this.release();
  }
}
