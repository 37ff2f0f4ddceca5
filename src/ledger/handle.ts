/**
 * The ledger as an API process holds it. Promises: Postgres is contacted when the first question comes and not before,
 * so that selling starts, and goes on, without it.
 */
import { type Ledger, type LedgerOptions, openLedger } from './ledger.ts';

/** What the API asks of the ledger and writes to it: what the role `holdfast_api` may do. */
export type LedgerApi = Pick<
  Ledger,
  | 'read'
  | 'explain'
  | 'asOf'
  | 'doneMovement'
  | 'lastAudit'
  | 'workerState'
  | 'waitForSequence'
  | 'cursor'
  | 'knownLinks'
  | 'epochs'
  | 'historyState'
  | 'forks'
  | 'forkEntries'
  | 'lostAcknowledgements'
  | 'reportLost'
  | 'warehouses'
  | 'putWarehouse'
  | 'stocktakes'
  | 'transfers'
  | 'sales'
  | 'shortfalls'
  | 'alerts'
  | 'webhooks'
  | 'webhookDeliveries'
>;

/** A ledger that opens itself. */
export interface LedgerHandle {
  /** The open ledger, the same at every call; after a failure the next call tries again. @throws as {@link openLedger} */
  open(): Promise<LedgerApi>;
  /** Closes what was opened. */
  close(): Promise<void>;
}

/**
 * A handle on the ledger of a database, with the rights of the API.
 * @example
 * const handle = ledgerHandle({ databaseUrl: 'postgres://localhost/holdfast' });
 * const { transfers } = await (await handle.open()).transfers.page({ limit: 20 });
 */
export function ledgerHandle(options: LedgerOptions): LedgerHandle {
  let opened: Promise<Ledger> | undefined;
  return {
    open: () => {
      opened ??= openLedger({ role: 'holdfast_api', applicationName: 'holdfast-api', ...options }).catch(
        (error: unknown) => {
          opened = undefined;
          throw error;
        },
      );
      return opened;
    },
    close: async () => {
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}
