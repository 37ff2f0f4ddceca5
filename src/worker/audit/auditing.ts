/**
 * The continuous audit (D14): compares hot path and ledger at intervals and keeps each result in the ledger.
 * Promises: one comparison at a time, with pauses, so that it never becomes the load; what is lost is logged once.
 */
import type { Logger } from 'pino';
import { pause } from '../../timing/retry.ts';
import type { HistoryReport } from './audit-history.ts';
import { type Audit, type AuditParts, audit } from './reconciliation.ts';

export interface AuditingOptions extends AuditParts {
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Only the active worker audits. */
  readonly isActive: () => boolean;
  readonly onAudit?: (result: Audit) => void;
  readonly pauseMs?: number;
  /** One audit of so many compares open holds, transfers and sales as well, which reads all of them. */
  readonly holdsEvery?: number;
}

const PAUSE_MS = 10_000;
const FIRST_PAUSE_MS = 1_000;
const HOLDS_EVERY = 6;
const CATCH_UP_MS = 10_000;

export interface Auditing {
  /** Ends the audit in progress. */
  stop(): Promise<void>;
}

/** Audits until it is stopped; an outage is logged, and the next audit tries again. */
export function startAuditing(options: AuditingOptions): Auditing {
  const { ledger, keys, log, isActive, onAudit, pauseMs = PAUSE_MS, holdsEvery = HOLDS_EVERY } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const lost = new LossLog(log);
  const done = run();
  return {
    stop: async () => {
      stopping.abort();
      await done;
    },
  };

  async function run(): Promise<void> {
    await pause(Math.min(FIRST_PAUSE_MS, pauseMs), signal);
    for (let n = 0; !signal.aborted; n++) {
      try {
        if (isActive()) await auditOnce(n % holdsEvery === 0);
      } catch (error) {
        log.warn({ err: error }, 'the audit failed and is tried again');
      }
      await pause(pauseMs, signal);
    }
  }

  async function auditOnce(withHolds: boolean): Promise<void> {
    const result = await audit(options, { catchUpMs: CATCH_UP_MS, withHolds, withEntries: false, signal });
    if (signal.aborted) return;
    await ledger.recordAudit(keys.partition, result);
    onAudit?.(result);
    lost.report(keys.partition, result.history);
    if (result.verdict === 'drift') {
      const [first] = result.findings;
      log.error({ findings: result.findingsTotal, first }, 'hot path and ledger have drifted apart');
    } else if (result.verdict === 'incomplete')
      log.warn({ reason: result.reason }, 'the audit could not be finished');
  }
}

/** The most ids in one line of the log. */
const IDS_LOGGED_MAX = 20;

/**
 * Logs each loss once, at level error. The fields are stable, for whoever watches the log: `event`, `partition`, and those of
 * the event.
 */
class LossLog {
  readonly #log: AuditingOptions['log'];
  #forkId = 0;
  #lostId = 0;
  #epochId = 0;

  constructor(log: AuditingOptions['log']) {
    this.#log = log;
  }

  /** Logs what is new since the last report. */
  report(partition: number, { forks, lostAcknowledgements, lostRanges }: HistoryReport): void {
    for (const fork of forks.filter(({ id }) => id > this.#forkId).reverse()) {
      const { id: forkId, kind, atSequence, redisSequence, ledgerSequence, entriesTotal } = fork;
      const event = 'history-forked';
      this.#log.error(
        { event, partition, forkId, kind, atSequence, redisSequence, ledgerSequence, entriesTotal },
        `Redis had a history beside the ledger's: ${fork.detail}. See npm run reconcile`,
      );
    }
    const newlyLost = lostAcknowledgements.filter(({ id }) => id > this.#lostId);
    if (newlyLost.length > 0) {
      const ids = newlyLost.slice(0, IDS_LOGGED_MAX).map(({ kind, subjectId }) => `${kind} ${subjectId}`);
      this.#log.error(
        { event: 'acknowledgements-lost', partition, count: newlyLost.length, ids },
        'the ledger does not have what was acknowledged. See npm run reconcile',
      );
    }
    for (const { id, epoch, lost } of lostRanges.filter((one) => one.id > this.#epochId).reverse()) {
      this.#log.error(
        {
          event: 'sequences-lost',
          partition,
          epochId: id,
          epoch: epoch.number,
          from: lost?.from,
          to: lost?.to,
        },
        'sequences that were seen are gone. See npm run reconcile',
      );
    }
    this.#forkId = Math.max(this.#forkId, forks[0]?.id ?? 0);
    this.#lostId = Math.max(this.#lostId, lostAcknowledgements[0]?.id ?? 0);
    this.#epochId = Math.max(this.#epochId, lostRanges[0]?.id ?? 0);
  }
}
