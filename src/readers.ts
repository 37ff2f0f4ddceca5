/**
 * What HTTP asks of the ledger: composition, because neither room knows the other.
 * Promises: Postgres is asked when a question comes and not before, so that selling starts and goes on without it.
 */
import type { LedgerReaders } from './http/readers.ts';
import { type Ledger, openLedger } from './ledger/ledger.ts';

export function openLedgerReaders(
  databaseUrl: string,
  partition: number,
): { readonly readers: LedgerReaders; close(): Promise<void> } {
  let opened: Promise<Ledger> | undefined;
  const ledger = (): Promise<Ledger> => {
    opened ??= openLedger({ databaseUrl, role: 'holdfast_reader', applicationName: 'holdfast-api' });
    // A Postgres that was away at the first question is asked anew at the next.
    opened.catch(() => {
      opened = undefined;
    });
    return opened;
  };
  return {
    readers: {
      entries: async (query) => (await ledger()).read.entries(query),
      reconciliation: async () => (await ledger()).lastAudit(partition),
      workerStatus: async () => (await ledger()).workerState(partition),
    },
    close: async () => {
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}
