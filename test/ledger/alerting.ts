/** Alerts in the ledger, written as the worker writes them, without the sales that would cause them. */
import { newItem } from '../../src/domain/inventory-item.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { LedgerRow } from '../../src/ledger/write/chunk.ts';
import { AT_MS, commit, row } from './chunks.ts';

export interface FiredAlert {
  readonly sku: string;
  readonly warehouse?: string;
  readonly available?: number;
  readonly safetyStock?: number;
}

/** Commits each call as one chunk; versions of an item follow each other. */
export function alertBell(ledger: Ledger): (...alerts: FiredAlert[]) => Promise<void> {
  const versions = new Map<string, number>();
  let sequence = 0;
  return async (...alerts) => {
    const rows = alerts.map(({ sku, warehouse = 'TPE', available = 2, safetyStock = 5 }): LedgerRow => {
      const name = `${sku}@${warehouse}`;
      const version = (versions.get(name) ?? 0) + 1;
      versions.set(name, version);
      const lines = [{ sku, warehouse, quantity: available, version }];
      const type = 'LowStockAlertTriggered';
      const before = { ...newItem(sku, warehouse), total: available, available, safetyStock };
      return row({ type, lines, safetyStock, atMs: AT_MS + version, actor: 'tester' }, before);
    });
    await commit(ledger, sequence, { rows });
    sequence++;
  };
}
