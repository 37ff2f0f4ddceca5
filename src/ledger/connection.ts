/**
 * Connections to Postgres: bounded in number and time; each is checked and set up in the same way when it is made.
 * Promises: this Postgres keeps what it acknowledges, and the connection has the least rights.
 */
import pg from 'pg';
import { WrongPostgresSettings } from './errors.ts';

/** Roles of the ledger (D14), made by the migration. */
export const LEDGER_ROLES = ['holdfast_writer', 'holdfast_reader', 'holdfast_api'] as const;
export type LedgerRole = (typeof LEDGER_ROLES)[number];

/** How to connect. */
export interface ConnectionOptions {
  /** `postgres://user:password@host:port/database`. Never logged. */
  readonly databaseUrl: string;
  /** The role each connection takes, where its user is a member; `none`: no role. */
  readonly role: LedgerRole | 'none';
  readonly statementTimeoutMs: number;
  /** What `pg_stat_activity` shows. */
  readonly applicationName: string;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** On top of the server's own time-out, so that the client gives up only where the server no longer answers at all. */
const SILENCE_MARGIN_MS = 5_000;

/** Options of node-postgres that a client and a pool have in common. */
export function clientConfig(options: ConnectionOptions): pg.ClientConfig {
  return {
    connectionString: options.databaseUrl,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: options.statementTimeoutMs,
    idle_in_transaction_session_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + SILENCE_MARGIN_MS,
    keepAlive: true,
    types: { getTypeParser },
  };
}

/**
 * A pool of at most `poolMax` connections, each made when it is needed.
 * Every call that needs a new one throws {@link WrongPostgresSettings} where Postgres could lose what it wrote.
 */
export function openPool(options: ConnectionOptions, poolMax: number): pg.Pool {
  const pool = new pg.Pool({
    ...clientConfig(options),
    max: poolMax,
    onConnect: (client) => prepareSession(client, options.role),
  });
  // A broken connection fails the query that runs on it; without a listener the event would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

const NEEDED_SETTINGS: Record<string, readonly [values: readonly string[], why: string]> = {
  fsync: [['on'], 'without it a power cut takes what was committed'],
  synchronous_commit: [
    ['on', 'remote_apply'],
    'any other value commits before it is on disk everywhere it should be',
  ],
  full_page_writes: [['on'], 'without it a power cut leaves torn pages'],
  server_encoding: [['UTF8'], 'ids may be in any script; a database gets its encoding when it is created'],
};

/**
 * Checks the settings that the ledger depends on, fixes those of the session, and takes the least rights it may.
 * @throws {WrongPostgresSettings}
 */
export async function prepareSession(client: pg.ClientBase, role: ConnectionOptions['role']): Promise<void> {
  const names = Object.keys(NEEDED_SETTINGS);
  const { rows } = await client.query<{ values: string[]; may_become: boolean }>(
    `SELECT array(SELECT current_setting(name) FROM unnest($1::text[]) AS name) AS values,
       EXISTS (SELECT FROM pg_roles WHERE rolname = $2 AND pg_has_role(session_user, oid, 'MEMBER')) AS may_become`,
    [names, role],
  );
  const found = rows[0];
  if (!found) throw new Error('Postgres did not answer with its settings');
  const problems: string[] = [];
  names.forEach((name, i) => {
    const [values, why] = NEEDED_SETTINGS[name] ?? [[], ''];
    const value = found.values[i] ?? '';
    if (!values.includes(value))
      problems.push(`${name} is ${value}: set it to ${values.join(' or ')} (${why})`);
  });
  if (problems.length > 0) throw new WrongPostgresSettings(problems);
  await client.query(`SET search_path = public, pg_temp; SET timezone = 'UTC'; SET datestyle = 'ISO'`);
  if (found.may_become) await client.query(`SET ROLE ${role}`);
}

const INT8 = 20;
const TIMESTAMPTZ = 1184;

/** Reads big integers as numbers, where they are exact, and times as milliseconds since 1970, as the domain has them. */
const getTypeParser: pg.CustomTypesConfig['getTypeParser'] = ((oid: number, format?: 'text') => {
  if (oid === INT8) return readInt8;
  if (oid === TIMESTAMPTZ) return readInstant;
  return pg.types.getTypeParser(oid, format);
}) as typeof pg.types.getTypeParser;

function readInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`${text} is too large to be read exactly`);
  return value;
}

/** Reads "2025-11-11 00:00:00.123+00"; the time zone of every session is UTC. */
function readInstant(text: string): number {
  const ms = Date.parse(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`);
  if (!text.endsWith('+00') || Number.isNaN(ms)) throw new Error(`${text} is not a time of this session`);
  return ms;
}
