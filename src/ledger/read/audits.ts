/**
 * Outcomes of comparisons of hot path and ledger, kept for any process to read.
 * Promises: a bounded number of rows. Refuses to know: how the comparison was made.
 */
import type pg from 'pg';
import { members, type RowOf } from './members.ts';

/** The outcome of one comparison. */
export interface AuditRecord {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly itemsCompared: number;
  readonly holdsCompared: number;
  readonly verdict: 'agree' | 'drift' | 'incomplete';
  readonly reason?: string | undefined;
  readonly findingsTotal: number;
  /** JSON values; the first of them where there are many. */
  readonly findings: readonly unknown[];
}

const AUDITS_KEPT = 100;
const FINDINGS_KEPT = 100;

/** Keeps an outcome, and forgets the oldest ones. */
export async function recordAudit(pool: pg.Pool, partition: number, audit: AuditRecord): Promise<void> {
  await pool.query(
    `WITH made AS (
       INSERT INTO audits (partition, started_at, finished_at, items_compared, holds_compared, verdict, reason, findings_total, findings)
       VALUES ($1, to_timestamp($2), to_timestamp($3), $4, $5, $6, $7, $8, $9) RETURNING id)
     DELETE FROM audits WHERE partition = $1 AND id <= (SELECT id FROM made) - ${AUDITS_KEPT}`,
    [
      partition,
      audit.startedAtMs / 1_000,
      audit.finishedAtMs / 1_000,
      audit.itemsCompared,
      audit.holdsCompared,
      audit.verdict,
      audit.reason ?? null,
      audit.findingsTotal,
      JSON.stringify(audit.findings.slice(0, FINDINGS_KEPT)),
    ],
  );
}

/** The last comparison of a partition; undefined before the first. */
export async function lastAudit(pool: pg.Pool, partition: number): Promise<AuditRecord | undefined> {
  const { rows } = await pool.query<RowOf<AuditRecord> & { id: number; partition: number }>(
    'SELECT * FROM audits WHERE partition = $1 ORDER BY id DESC LIMIT 1',
    [partition],
  );
  if (!rows[0]) return undefined;
  const { id, partition: _, ...audit } = members(rows[0]);
  return audit;
}
