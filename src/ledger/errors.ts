/**
 * What can go wrong with the ledger, a class for each reaction of the worker.
 * Anything else that a call of this room throws is an outage: it passes, and the call may be repeated.
 */
import pg from 'pg';
import type { LedgerCursor } from './cursor.ts';

/** With these settings Postgres loses what it acknowledged, or cannot serve this program. Each problem names its remedy. */
export class WrongPostgresSettings extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `Postgres is not set up for the ledger:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.name = 'WrongPostgresSettings';
    this.problems = problems;
  }
}

/** The tables are older than this program. */
export class SchemaOutdated extends Error {
  constructor(found: string | undefined, needed: string, schema: string) {
    super(
      `the ledger's tables in schema ${schema} are at ${found ?? 'no version'}, this program needs ${needed}: ` +
        'run the migration with the same DATABASE_URL',
    );
    this.name = 'SchemaOutdated';
  }
}

/**
 * `duplicate`: the ledger has these entries already (a replay, or another worker was faster). `gap`: the ledger is
 * not yet where the chunk begins. `stale-epoch`: the partition was opened under another epoch since. `future-epoch`: the
 * ledger does not know this epoch yet. `other-history`: it has another entry where the chunk begins.
 * `unknown-partition`: it knows no epoch at all.
 */
export type CursorTrouble =
  | 'duplicate'
  | 'gap'
  | 'stale-epoch'
  | 'future-epoch'
  | 'other-history'
  | 'unknown-partition';

/** The conditional move of the cursor found another cursor (D7). Nothing was written. */
export class CursorMoved extends Error {
  readonly trouble: CursorTrouble;
  readonly found: LedgerCursor | undefined;
  constructor(
    trouble: CursorTrouble,
    expected: { epoch: number; sequence: number },
    found: LedgerCursor | undefined,
  ) {
    const at = found ? `${found.epoch}-${found.sequence}` : 'nowhere';
    super(
      `${trouble}: the chunk begins after ${expected.epoch}-${expected.sequence}, the ledger is at ${at}`,
    );
    this.name = 'CursorMoved';
    this.trouble = trouble;
    this.found = found;
  }
}

/** The optimistic lock: a row was not at the version, or in the state, that the worker started from. Nothing was written. */
export class ConcurrentModification extends Error {
  constructor(what: string, expected: number, found: number) {
    super(`${what}: ${found} of ${expected} rows were as expected`);
    this.name = 'ConcurrentModification';
  }
}

/** SQL refused what the aggregate had allowed: a constraint or the range of a type. Repeating cannot help. */
export class RefusedBySql extends Error {
  readonly code: string;
  readonly constraint: string | undefined;
  readonly detail: string | undefined;
  constructor(cause: pg.DatabaseError) {
    super(`refused by SQL: ${cause.message}`, { cause });
    this.name = 'RefusedBySql';
    this.code = cause.code ?? '';
    this.constraint = cause.constraint;
    this.detail = cause.detail;
  }
}

/** Makes a {@link RefusedBySql} of a "data exception" (class 22) or an "integrity constraint violation" (23). */
export function readSqlError(error: unknown): unknown {
  const isRefusal = error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? '');
  return isRefusal ? new RefusedBySql(error) : error;
}
