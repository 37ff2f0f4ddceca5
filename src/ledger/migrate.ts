/**
 * Brings a database to the tables this program needs, and gives its roles their rights.
 * Promises: repeating it changes nothing; many at once, on one database or on several of a cluster, do it once.
 */
import { Kysely, type Migration, Migrator, PostgresDialect } from 'kysely';
import pg from 'pg';
import { explainConnecting } from './connecting.ts';
import { openPool } from './connection.ts';
import { readDatabaseUrl } from './database-url.ts';
import { SchemaOutdated, WrongPostgresSettings } from './errors.ts';
import * as ledger0001 from './migrations/0001-ledger.ts';
import * as eventWords0002 from './migrations/0002-event-words.ts';
import * as warehouseSide0002 from './migrations/0002-warehouse-side.ts';
import * as alerts0003 from './migrations/0003-alerts.ts';
import * as orderLines0004 from './migrations/0004-order-lines.ts';
import * as history0005 from './migrations/0005-history.ts';
import * as realignedWord0006 from './migrations/0006-realigned-word.ts';
import * as repair0006 from './migrations/0006-repair.ts';
import { grantRights, type RightsOutcome } from './rights.ts';

/**
 * In the order of their names. A database keeps the names of those it has run, so a name never changes: that is why two
 * are numbered 0002, and two 0006. They are two because a word that one adds to a type can be used only after its transaction.
 */
const MIGRATIONS: Record<string, Migration> = {
  '0001-ledger': ledger0001,
  '0002-event-words': eventWords0002,
  '0002-warehouse-side': warehouseSide0002,
  '0003-alerts': alerts0003,
  '0004-order-lines': orderLines0004,
  '0005-history': history0005,
  '0006-realigned-word': realignedWord0006,
  '0006-repair': repair0006,
};
const NEWEST = Object.keys(MIGRATIONS).sort().at(-1) ?? '';

/** What {@link migrate} did. */
export interface MigrateOutcome {
  /** Names of the migrations this call ran; none where the tables were up to date. */
  readonly applied: readonly string[];
  /** `not-permitted`: this user may not make roles, so every connection keeps its own user's rights. */
  readonly rights: RightsOutcome;
}

/** A migration may rewrite a large table. */
const MIGRATE_TIMEOUT_MS = 10 * 60_000;

/**
 * Runs the migrations that a database has not run yet, then grants the rights of the roles.
 * @param database a URL, or a pool that stays open
 * @throws where Postgres cannot be reached, or a statement failed: then nothing of its migration remains
 */
export async function migrate(database: string | pg.Pool): Promise<MigrateOutcome> {
  const pool = typeof database === 'string' ? migrationPool(database) : database;
  // Kysely is not destroyed: it would end a pool that is not ours.
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    const migrator = new Migrator({
      db,
      provider: { getMigrations: async () => MIGRATIONS },
      // It looks for its tables in every schema unless it is told one, and makes that where it is missing.
      migrationTableSchema:
        typeof database === 'string' ? readDatabaseUrl(database).schema : await schemaOf(pool),
    });
    const applied: string[] = [];
    // One by one, each in a transaction of its own: what one adds to a type, the next may use.
    for (;;) {
      const { error, results = [] } = await migrator.migrateUp();
      if (error) throw error;
      if (results.length === 0) break;
      applied.push(...results.map((result) => result.migrationName));
    }
    return { applied, rights: await grantRights(pool) };
  } catch (error) {
    throw withRemedy(error);
  } finally {
    if (typeof database === 'string') await pool.end();
  }
}

function migrationPool(databaseUrl: string): pg.Pool {
  return openPool(
    {
      databaseUrl,
      role: 'none',
      statementTimeoutMs: MIGRATE_TIMEOUT_MS,
      applicationName: 'holdfast-migrate',
    },
    2,
  );
}

async function schemaOf(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ schema: string | null }>('SELECT current_schema()::text AS schema');
  return rows[0]?.schema ?? 'public';
}

const NOT_PERMITTED = '42501';

function withRemedy(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError) || error.code !== NOT_PERMITTED) return explainConnecting(error);
  return new WrongPostgresSettings([
    `${error.message}: run the migration as the owner of the tables, who may make tables in their schema ` +
      '(GRANT CREATE ON SCHEMA ... TO ...), or name a schema of its own in DATABASE_URL: ?schema=name',
  ]);
}

/**
 * Newer tables than this program's are fine: in a rolling release the migration comes first.
 * @param role what the connections are for
 * @throws {SchemaOutdated} | {WrongPostgresSettings} where the user may not read the tables
 */
export async function checkSchema(pool: pg.Pool, role: string): Promise<void> {
  let newest: string | undefined;
  try {
    const { rows } = await pool.query<{ name: string }>(
      'SELECT name FROM kysely_migration ORDER BY name DESC LIMIT 1',
    );
    newest = rows[0]?.name;
  } catch (error) {
    const code = error instanceof pg.DatabaseError ? error.code : undefined;
    if (code === NOT_PERMITTED) {
      throw new WrongPostgresSettings([
        `the user of DATABASE_URL may not read the tables: GRANT ${role === 'none' ? 'holdfast_reader' : role} TO that user`,
      ]);
    }
    if (code !== '42P01') throw error;
  }
  if (newest === undefined || newest < NEWEST) throw new SchemaOutdated(newest, NEWEST, await schemaOf(pool));
}
