/**
 * Looks at the ledger: can Postgres be reached, is it set up to keep what it acknowledges, are the tables there, does a worker
 * carry, what did the last comparison find. Promises: it only reads.
 */

import { openPool } from '../ledger/connection.ts';
import { SchemaOutdated, WrongPostgresSettings } from '../ledger/errors.ts';
import { openLedger } from '../ledger/ledger.ts';
import { type ClockReading, type Finding, fail, ok, readClock, warn } from './finding.ts';

/** What was seen of the ledger. */
export interface LedgerExamined {
  readonly findings: readonly Finding[];
  /** Undefined where Postgres does not answer. */
  readonly clock?: ClockReading;
}

const STATEMENT_MS_MAX = 10_000;
/** The active worker compares every 10 s; a comparison of a large ledger takes longer. */
const AUDIT_AGE_MS_MAX = 120_000;

/** Looks at Postgres and at what the ledger knows. Never throws: what goes wrong is a finding. */
export async function examineLedger(databaseUrl: string, partition: number): Promise<LedgerExamined> {
  const findings: Finding[] = [];
  const how = {
    databaseUrl,
    role: 'holdfast_reader',
    statementTimeoutMs: STATEMENT_MS_MAX,
    applicationName: 'holdfast-doctor',
  } as const;
  let pool: ReturnType<typeof openPool> | undefined;
  let clock: ClockReading;
  try {
    pool = openPool({ ...how, say: (line) => findings.push(warn('postgres rights', line)) }, 1);
    const { rows } = await pool.query<{ version: string; standby: boolean }>(
      `SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS standby`,
    );
    findings.unshift(
      ok('postgres', `Postgres ${rows[0]?.version} answers, with the settings that the ledger needs`),
    );
    if (rows[0]?.standby)
      findings.push(fail('postgres role', 'this server is a standby', 'let DATABASE_URL name the primary'));
    const connected = pool;
    clock = await readClock(async () => {
      const answer = await connected.query<{ ms: number }>(
        `SELECT extract(epoch FROM clock_timestamp())::double precision * 1000 AS ms`,
      );
      return answer.rows[0]?.ms ?? Number.NaN;
    });
  } catch (error) {
    return { findings: [...problemsOf(error), ...findings] };
  } finally {
    await pool?.end();
  }
  return { findings: [...findings, ...(await knowledge(how, partition))], clock };
}

function problemsOf(error: unknown): Finding[] {
  if (error instanceof WrongPostgresSettings)
    return error.problems.map((problem) => fail('postgres settings', problem));
  return [fail('postgres', `does not answer: ${messageOf(error)}`, 'start it, or correct DATABASE_URL')];
}

async function knowledge(how: Parameters<typeof openLedger>[0], partition: number): Promise<Finding[]> {
  try {
    const ledger = await openLedger({ ...how, poolMax: 2 });
    try {
      const { isRunning, committedAtMs } = await ledger.workerState(partition);
      const last =
        committedAtMs === undefined ? 'nothing was carried yet' : `carried last ${ageOf(committedAtMs)} ago`;
      const audit = await ledger.lastAudit(partition);
      return [
        ok('tables', 'of this release or a newer one'),
        isRunning
          ? ok('worker', `one is active; ${last}`)
          : fail('worker', `none is active; ${last}`, 'start one: npm run work'),
        auditFinding(audit, isRunning),
      ];
    } finally {
      await ledger.close();
    }
  } catch (error) {
    if (error instanceof SchemaOutdated) return [fail('tables', error.message, 'npm run migrate')];
    return problemsOf(error);
  }
}

type Audit = Awaited<ReturnType<Awaited<ReturnType<typeof openLedger>>['lastAudit']>>;

function auditFinding(audit: Audit, isRunning: boolean): Finding {
  if (!audit) return warn('comparison', 'hot path and ledger were not compared yet', 'npm run reconcile');
  const says = `${ageOf(audit.finishedAtMs)} ago: ${audit.verdict}, ${audit.findingsTotal} findings in ${audit.itemsCompared} items`;
  if (audit.verdict === 'drift')
    return fail('comparison', says, 'npm run reconcile shows them; docs/operations.md, "Drift was found"');
  if (audit.verdict === 'incomplete')
    return warn('comparison', `${says} (${audit.reason ?? 'no reason given'})`, 'npm run reconcile');
  const isLate = isRunning && Date.now() - audit.finishedAtMs > AUDIT_AGE_MS_MAX;
  return isLate
    ? warn('comparison', says, "comparisons do not end: look at the worker's log")
    : ok('comparison', says);
}

function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.round((Date.now() - ms) / 1_000));
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || String(error) : String(error);
}
