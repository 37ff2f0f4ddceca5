/**
 * What HTTP asks of the ledger: composition, because neither room knows the other.
 * Promises: Postgres is asked when a question comes and not before, so that selling starts and goes on without it.
 */
import type { AlertRecords } from './http/alert-records.ts';
import type { LedgerQueries } from './http/readers.ts';
import { ledgerHandle } from './ledger/handle.ts';

export function openLedgerReaders(
  databaseUrl: string,
  partition: number,
): { readonly readers: LedgerQueries; readonly alerts: AlertRecords; close(): Promise<void> } {
  const handle = ledgerHandle({ databaseUrl });
  const ledger = () => handle.open();
  return {
    readers: {
      entries: async (query) => (await ledger()).read.entries(query),
      explain: async (query) => (await ledger()).explain(query),
      asOf: async (item, moment) => (await ledger()).asOf(item, moment),
      reconciliation: async () => (await ledger()).lastAudit(partition),
      workerStatus: async () => (await ledger()).workerState(partition),
      warehouses: async () => (await ledger()).warehouses(),
      putWarehouse: async (warehouse) => (await ledger()).putWarehouse(warehouse),
      skusOf: async (warehouse, limit) => (await ledger()).read.skusOf(warehouse, limit),
      waitForSequence: async (epoch, sequence, timeoutMs) =>
        (await ledger()).waitForSequence(partition, epoch, sequence, timeoutMs),
      newestHolds: async (sku, warehouse, limit) => (await ledger()).read.newestHolds(sku, warehouse, limit),
      stocktakes: async (query) => (await ledger()).stocktakes.sheets(query),
      stocktake: async (stocktakeId) => (await ledger()).stocktakes.allLines(stocktakeId),
      transfer: async (transferId) => (await ledger()).transfers.one(transferId),
      transfers: async (query) => (await ledger()).transfers.page(query),
      proposals: async (query) => (await ledger()).transfers.proposals(query),
      proposal: async (id) => (await ledger()).transfers.proposal(id),
      decideProposal: async (id, state, actor) => (await ledger()).transfers.decide({ id, state, actor }),
      sales: async (query) => (await ledger()).sales.page(query),
      shortfalls: async (query) => (await ledger()).shortfalls.page(query),
      resolveShortfall: async (orderId, resolution, actor) =>
        (await ledger()).shortfalls.resolve({ orderId, resolution, actor }),
    },
    alerts: {
      alerts: async (query) => (await ledger()).alerts.page(query),
      acknowledge: async (given) => (await ledger()).alerts.acknowledge(given),
      webhooks: async () => (await ledger()).webhooks.list(),
      putWebhook: async (put) => (await ledger()).webhooks.put(put),
      disableWebhook: async (webhookId, actor) => (await ledger()).webhooks.disable(webhookId, actor),
      deliveries: async (webhookId, { after, limit }) =>
        (await ledger()).webhookDeliveries.page(webhookId, after, limit),
      retryDelivery: async (webhookId, id) => (await ledger()).webhookDeliveries.retry(webhookId, id),
    },
    close: () => handle.close(),
  };
}
