/**
 * Connections to Postgres: bounded in number and time; each is checked and set up in the same way when it is made.
 * Promises: this Postgres keeps what it acknowledges, and the connection has the least rights.
 */
import pg from 'pg';
import { readDatabaseUrl } from './database-url.ts';
import { WrongPostgresSettings } from './errors.ts';

/** Roles of the ledger (D14), made by the migration. */
export const LEDGER_ROLES = ['holdfast_writer', 'holdfast_reader', 'holdfast_api'] as const;
export type LedgerRole = (typeof LEDGER_ROLES)[number];

/** How to connect. */
export interface ConnectionOptions {
  /** As {@link readDatabaseUrl} reads it. Never logged. */
  readonly databaseUrl: string;
  /** The role each connection takes, where its user is a member; `none`: no role. */
  readonly role: LedgerRole | 'none';
  readonly statementTimeoutMs: number;
  /** What `pg_stat_activity` shows. */
  readonly applicationName: string;
  /** Told once where connections keep the rights of their own user, and why. */
  readonly say?: ((line: string) => void) | undefined;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** On top of the server's own time-out, so that the client gives up only where the server no longer answers at all. */
const SILENCE_MARGIN_MS = 5_000;

/**
 * Options of node-postgres that a client and a pool have in common. Nothing that is a setting of the session: a pooler refuses
 * such a start-up parameter; {@link prepareSession} sets it. @throws {WrongDatabaseUrl}
 */
export function clientConfig(options: ConnectionOptions): pg.ClientConfig {
  return {
    connectionString: readDatabaseUrl(options.databaseUrl).connectionString,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
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
  let hasSaid = false;
  const say = (line: string) => {
    if (!hasSaid) options.say?.(line);
    hasSaid = true;
  };
  const pool = new pg.Pool({
    ...clientConfig(options),
    max: poolMax,
    onConnect: (client) => prepareSession(client, { ...options, say }),
  });
  // A broken connection fails the query that runs on it; without a listener the event would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

const NEEDED_SETTINGS: Record<string, readonly [values: readonly string[], remedy: string]> = {
  fsync: [['on'], 'set it to on (without it a power cut takes what was committed)'],
  synchronous_commit: [
    ['on', 'remote_apply'],
    'set it to on or remote_apply (any other value commits before it is on disk everywhere it should be)',
  ],
  full_page_writes: [['on'], 'set it to on (without it a power cut leaves torn pages)'],
  server_encoding: [
    ['UTF8'],
    "ids may be in any script: make the database anew, CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
  ],
};

interface Session {
  readonly values: string[];
  readonly backend: number;
  readonly user: string;
  readonly may_become: boolean;
  readonly schema: string | null;
  readonly datestyle: string;
}

// From 16 on a member may take a role only where its membership says so.
const SESSION = `
SELECT array(SELECT current_setting(name) FROM unnest($1::text[]) AS name) AS values,
  pg_backend_pid() AS backend, session_user::text AS user, current_schema()::text AS schema,
  current_setting('DateStyle') AS datestyle,
  EXISTS (SELECT FROM pg_roles WHERE rolname = $2 AND pg_has_role(session_user, oid,
    CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END)) AS may_become`;

/**
 * Checks the settings that the ledger depends on, fixes those of the session, and takes the least rights it may.
 *
 * Where a pooler stands between, the next statement may run in another session: nothing is set that would stay there for a
 * stranger. The API and readers need nothing but the right schema; whoever writes the ledger needs a session of its own.
 * @throws {WrongPostgresSettings}
 */
export async function prepareSession(client: pg.ClientBase, options: ConnectionOptions): Promise<void> {
  const { role, statementTimeoutMs, say } = options;
  const { schema, hasSessionPooler } = readDatabaseUrl(options.databaseUrl);
  const names = Object.keys(NEEDED_SETTINGS);
  const { rows } = await client.query<Session>(SESSION, [names, role]);
  const found = rows[0];
  if (!found) throw new Error('Postgres did not answer with its settings');
  const isPooled = !hasSessionPooler && backendOf(client) !== found.backend;
  const problems = [...wrongSettings(found.values), ...(isPooled ? wrongForPooled(found, role, schema) : [])];
  if (problems.length > 0) throw new WrongPostgresSettings(problems);
  if (isPooled) {
    say?.(
      `through a pooler, connections keep the rights of their own user "${found.user}": make it a member of ${role} alone, ` +
        'or connect directly',
    );
    return;
  }
  await client.query(
    `SET search_path = "${schema}", pg_temp; SET timezone = 'UTC'; SET datestyle = 'ISO';
     SET statement_timeout = ${statementTimeoutMs}; SET idle_in_transaction_session_timeout = ${statementTimeoutMs}`,
  );
  if (found.may_become) await client.query(`SET ROLE ${role}`);
  else if (role !== 'none') {
    say?.(
      `connections keep the rights of their own user "${found.user}", which may be more than they need: ` +
        `GRANT ${role} TO "${found.user}"`,
    );
  }
}

function wrongSettings(values: readonly string[]): string[] {
  return Object.entries(NEEDED_SETTINGS).flatMap(([name, [good, remedy]], i) => {
    const value = values[i] ?? '';
    return good.includes(value) ? [] : [`${name} is ${value}: ${remedy}`];
  });
}

function wrongForPooled(found: Session, role: ConnectionOptions['role'], schema: string): string[] {
  if (role === 'none' || role === 'holdfast_writer') {
    return [
      'a pooler stands between, and what writes the ledger needs a session of its own (its lease is a lock of the session): ' +
        'connect it to Postgres directly, or add pooler=session to DATABASE_URL where the pooler keeps one session for each connection',
    ];
  }
  const problems: string[] = [];
  if (found.schema !== schema) {
    problems.push(
      `through a pooler the schema is ${found.schema ?? 'none'} and not ${schema}: ` +
        `ALTER ROLE "${found.user}" SET search_path = ${schema}, then RECONNECT the pooler`,
    );
  }
  if (!found.datestyle.startsWith('ISO')) {
    problems.push(
      `through a pooler DateStyle is ${found.datestyle}: ALTER ROLE "${found.user}" SET datestyle = 'ISO'`,
    );
  }
  return problems;
}

/** The session that the server named when it took the connection; a pooler invents a number. */
function backendOf(client: pg.ClientBase): number | null | undefined {
  return (client as pg.ClientBase & { readonly processID?: number | null }).processID;
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

/** Reads "2025-11-11 00:00:00.123+00"; behind a pooler the time zone is the server's, as "+08" or "+05:30". */
function readInstant(text: string): number {
  const [, day, time, hours = '', minutes = '00'] = text.match(INSTANT) ?? [];
  const ms = Date.parse(`${day}T${time}${hours}:${minutes}`);
  if (Number.isNaN(ms)) throw new Error(`${text} is not a time of this session`);
  return ms;
}
const INSTANT = /^(\d+-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)(?::(\d\d))?$/;
