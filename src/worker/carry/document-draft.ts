/**
 * The documents of a chunk: what its events say of transfers, count sheets, sales and late payments, each in its last
 * state. Promises: what begins and ends within the chunk is written once.
 */
import {
  EVENTS,
  type EventLine,
  encodeId,
  itemName,
  type StockEvent,
  type StockLine,
} from '../../domain/language.ts';
import type { ItemName } from '../../ledger/read/worker-queries.ts';
import type {
  Documents,
  ProposalWrite,
  SaleDocument,
  SaleEnd,
  ShortfallEnd,
  ShortfallWrite,
  StocktakeDocument,
  StocktakeEnd,
} from '../../ledger/write/documents.ts';
import type { TransferState } from './state-cache.ts';

/** The documents of one chunk. */
export class DocumentDraft {
  readonly #proposals: ProposalWrite[] = [];
  readonly #stocktakes = new Map<string, StocktakeDocument>();
  readonly #endedStocktakes = new Map<string, StocktakeEnd>();
  readonly #sales = new Map<string, SaleDocument>();
  readonly #closedSales = new Map<string, SaleEnd>();
  readonly #shortfalls = new Map<string, ShortfallWrite>();
  readonly #resolvedShortfalls = new Map<string, ShortfallEnd>();

  /** Adds what an event leaves. @param lines those of its lines whose items are not in quarantine */
  add(event: StockEvent, lines: readonly EventLine[]): void {
    const { actor, atMs } = event;
    switch (event.type) {
      case 'SaleScheduled': {
        const { saleId, sku, opensAtMs, closesAtMs, quantity, limitPerCustomer } = event;
        const terms = { saleId, sku, opensAtMs, closesAtMs, quantity, limitPerCustomer };
        const made = { scheduledBy: actor, scheduledAtMs: atMs, closedBy: undefined, closedAtMs: undefined };
        this.#sales.set(saleId, { ...terms, ...made });
        this.#closedSales.delete(saleId);
        return;
      }
      case 'SaleClosed': {
        const { saleId } = event;
        const end = { closedBy: actor, closedAtMs: atMs };
        const sale = this.#sales.get(saleId);
        if (sale) this.#sales.set(saleId, { ...sale, ...end });
        else this.#closedSales.set(saleId, { saleId, ...end });
        return;
      }
      case 'InventoryDeducted': {
        const { orderId, proposeTransferTo: to } = event;
        if (to === undefined) return;
        for (const { sku, warehouse: from, quantity } of lines) {
          if (from !== to) this.#proposals.push({ orderId, sku, from, to, quantity, actor, atMs });
        }
        return;
      }
      case 'PaymentCameShort': {
        const { orderId } = event;
        if (lines.length > 0) this.#shortfalls.set(orderId, { orderId, lines: plain(lines), actor, atMs });
        return;
      }
      case 'InventoryReacquired': {
        const { orderId } = event;
        if (lines.length > 0) this.#resolvedShortfalls.set(orderId, { orderId, actor, atMs });
        return;
      }
      case 'StocktakeStarted': {
        const { stocktakeId, untilMs } = event;
        const begun = { status: 'COUNTING', untilMs, startedBy: actor, startedAtMs: atMs } as const;
        const open = { counted: undefined, reason: '', endedBy: undefined, endedAtMs: undefined };
        for (const { sku, warehouse, quantity: before } of lines) {
          const name = stocktakeName(stocktakeId, { sku, warehouse });
          this.#stocktakes.set(name, { stocktakeId, sku, warehouse, before, ...begun, ...open });
          this.#endedStocktakes.delete(name);
        }
        return;
      }
      case 'StocktakeCompleted': {
        const { stocktakeId, reason } = event;
        const end = { status: 'COUNTED', reason, endedBy: actor, endedAtMs: atMs } as const;
        for (const line of lines) this.#endStocktake(stocktakeId, line, { ...end, counted: line.quantity });
        return;
      }
      case 'StocktakeCancelled':
      case 'StocktakeLapsed': {
        const status = event.type === 'StocktakeLapsed' ? 'LAPSED' : 'CANCELLED';
        const end = { status, counted: undefined, reason: '', endedBy: actor, endedAtMs: atMs } as const;
        for (const line of lines) this.#endStocktake(event.stocktakeId, line, end);
        return;
      }
    }
  }

  #endStocktake(
    stocktakeId: string,
    { sku, warehouse }: EventLine,
    end: Omit<StocktakeEnd, 'stocktakeId' | 'sku' | 'warehouse'>,
  ): void {
    const name = stocktakeName(stocktakeId, { sku, warehouse });
    const begun = this.#stocktakes.get(name);
    if (begun) this.#stocktakes.set(name, { ...begun, ...end });
    else this.#endedStocktakes.set(name, { stocktakeId, sku, warehouse, ...end });
  }

  /** @param transfers those the chunk changed */
  finish(transfers: readonly TransferState[]): Documents {
    const inLast = (states: readonly TransferState[]) => states.flatMap(({ transfer }) => transfer ?? []);
    return {
      newTransfers: inLast(transfers.filter(({ stored }) => !stored)),
      changedTransfers: inLast(transfers.filter(({ stored }) => stored?.status === 'IN_TRANSIT')),
      reusedTransfers: inLast(transfers.filter(({ stored }) => stored && stored.status !== 'IN_TRANSIT')),
      proposals: this.#proposals,
      stocktakes: [...this.#stocktakes.values()],
      endedStocktakes: [...this.#endedStocktakes.values()],
      sales: [...this.#sales.values()],
      closedSales: [...this.#closedSales.values()],
      shortfalls: [...this.#shortfalls.values()],
      resolvedShortfalls: [...this.#resolvedShortfalls.values()],
    };
  }
}

function stocktakeName(stocktakeId: string, of: ItemName): string {
  return `${encodeId(stocktakeId)} ${itemName(of)}`;
}

function plain(lines: readonly EventLine[]): StockLine[] {
  return lines.map(({ sku, warehouse, quantity }) => ({ sku, warehouse, quantity }));
}

/** Whether an event leaves more in the ledger than entries, items and reservations. */
export function leavesDocument(event: StockEvent): boolean {
  switch (EVENTS[event.type].record) {
    case 'stocktake':
    case 'transfer':
    case 'sale':
      return true;
    case 'reservation':
      if (event.type === 'InventoryDeducted') return event.proposeTransferTo !== undefined;
      return event.type === 'InventoryReacquired' || event.type === 'PaymentCameShort';
    default:
      return false;
  }
}
