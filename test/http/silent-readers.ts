/**
 * Readers of a ledger that is away, for tests that answer a question or two of them by hand.
 */
import type { LedgerQueries } from '../../src/http/readers.ts';

async function away(): Promise<never> {
  throw new Error('nobody answers this question');
}

export const silentReaders: LedgerQueries = {
  entries: away,
  reconciliation: away,
  workerStatus: away,
  explain: away,
  asOf: away,
  warehouses: away,
  putWarehouse: away,
  skusOf: away,
  waitForSequence: away,
  newestHolds: away,
  stocktake: away,
  stocktakes: away,
  transfer: away,
  transfers: away,
  proposal: away,
  proposals: away,
  decideProposal: away,
  sales: away,
  shortfalls: away,
  resolveShortfall: away,
};
