/**
 * What can be wrong between us and the ledger, told apart because each asks for another answer of the worker.
 * Anything else that a call of this room throws is an outage: it passes, and the call may be repeated.
 */
import pg from 'pg';
import type { LedgerCursor } from './cursor.ts';

/** A wrong setting would let Postgres acknowledge what it can lose. Each problem names its remedy. */
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

export class SchemaOutdated extends Error {
  constructor(found: string | undefined, needed: string) {
    super(
      `the ledger's tables are at ${found ?? 'no version'}, this program needs ${needed}: run the migration`,
    );
    this.name = 'SchemaOutdated';
  }
}

/**
 * `duplicate`: the ledger has these entries already (a replay, or another worker was faster). `gap`: the ledger is
 * behind the chunk. `stale-epoch`: the partition was rebuilt under a newer epoch. `future-epoch`: the ledger does not
 * know this epoch yet. `unknown-partition`: it knows no epoch at all.
 */
export type CursorTrouble = 'duplicate' | 'gap' | 'stale-epoch' | 'future-epoch' | 'unknown-partition';

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
      `${trouble}: the chunk begins behind ${expected.epoch}-${expected.sequence}, the ledger stands at ${at}`,
    );
    this.name = 'CursorMoved';
    this.trouble = trouble;
    this.found = found;
  }
}

/** The seed's optimistic lock: a row was not at the version (or in the state) it was judged at. Nothing was written. */
export class ConcurrentModification extends Error {
  constructor(what: string, expected: number, found: number) {
    super(`${what}: ${found} rows of ${expected} stood as they were judged`);
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

/** Gives the classes "data exception" (22) and "integrity constraint violation" (23) their own error. */
export function readSqlError(error: unknown): unknown {
  const isRefusal = error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? '');
  return isRefusal ? new RefusedBySql(error) : error;
}
