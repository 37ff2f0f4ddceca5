/**
 * Whether the ledger answers, for the log of a process that goes on without it. Promises: one line when it goes away and one
 * when it is back, however long that takes; nobody waits for it.
 */
import type { Logger } from 'pino';
import type { LedgerHandle } from '../ledger/handle.ts';
import { pause } from '../timing/retry.ts';

const LOOK_MS = 5_000;

/**
 * Looks at the ledger now and then, until the returned function is called.
 * @param partition whose worker state is asked, which is a cheap question
 */
export function watchLedger(
  ledger: LedgerHandle,
  partition: number,
  log: Pick<Logger, 'info' | 'warn'>,
): () => void {
  const ending = new AbortController();
  let wasAway = false;
  const look = async () => {
    try {
      await (await ledger.open()).workerState(partition);
      if (wasAway) log.info('the ledger answers again');
      wasAway = false;
    } catch (err) {
      if (ending.signal.aborted) return;
      if (!wasAway) {
        log.warn(
          { err },
          'the ledger does not answer: orders go on, what reads the ledger gets 503; looking again every 5 s',
        );
      }
      wasAway = true;
    }
  };
  void (async () => {
    while (!ending.signal.aborted) {
      await look();
      await pause(LOOK_MS, ending.signal);
    }
  })();
  return () => ending.abort();
}
