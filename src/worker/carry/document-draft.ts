/**
 * The documents of a chunk while it is being judged: what its events say of transfers, count sheets, sales and late
 * payments, each as it stands in the end. Promises: only what was judged to be right is told to it.
 */
import type { EventLine, PaymentCameShort, StockEvent, StockLine } from '../../domain/language.ts';
import type {
  Documents,
  ProposalWrite,
  SaleDocument,
  SaleEnd,
  ShortfallEnd,
  StocktakeDocument,
  StocktakeEnd,
} from '../../ledger/write/documents.ts';
import type { TransferState } from './state-cache.ts';

export class DocumentDraft {
  readonly #transfers = new Set<TransferState>();
  readonly #proposals: ProposalWrite[] = [];
  readonly #stocktakes = new Map<string, StocktakeDocument>();
  readonly #endedStocktakes = new Map<string, StocktakeEnd>();
  readonly #sales = new Map<string, SaleDocument>();
  readonly #closedSales = new Map<string, SaleEnd>();
  readonly #shortfalls = new Map<string, { readonly event: PaymentCameShort; readonly lines: StockLine[] }>();
  readonly #resolvedShortfalls = new Map<string, ShortfallEnd>();

  /** A transfer that this chunk changed, and which knows what the ledger had before. */
  addTransfer(state: TransferState): void {
    this.#transfers.add(state);
  }

  /** What an event without lines brings. */
  add(event: StockEvent): void {
    if (event.type === 'SaleScheduled') {
      const { saleId, sku, opensAtMs, closesAtMs, quantity, limitPerCustomer, actor, atMs } = event;
      const agreed = { saleId, sku, opensAtMs, closesAtMs, quantity, limitPerCustomer };
      const made = { scheduledBy: actor, scheduledAtMs: atMs, closedBy: undefined, closedAtMs: undefined };
      this.#sales.set(saleId, { ...agreed, ...made });
      this.#closedSales.delete(saleId);
    } else if (event.type === 'SaleClosed') {
      const end = { closedBy: event.actor, closedAtMs: event.atMs };
      const sale = this.#sales.get(event.saleId);
      if (sale) this.#sales.set(event.saleId, { ...sale, ...end });
      else this.#closedSales.set(event.saleId, { saleId: event.saleId, ...end });
    }
  }

  /** What one line of an event brings. */
  addLine(event: StockEvent, line: EventLine): void {
    switch (event.type) {
      case 'InventoryDeducted':
        if (event.proposeTransferTo !== undefined && event.proposeTransferTo !== line.warehouse) {
          const { orderId, proposeTransferTo: to, actor, atMs } = event;
          const { sku, warehouse: from, quantity } = line;
          this.#proposals.push({ orderId, sku, from, to, quantity, actor, atMs });
        }
        return;
      case 'PaymentCameShort': {
        const { sku, warehouse, quantity } = line;
        const before = this.#shortfalls.get(event.orderId);
        const lines = before?.event === event ? before.lines : [];
        lines.push({ sku, warehouse, quantity });
        this.#shortfalls.set(event.orderId, { event, lines });
        return;
      }
      case 'InventoryReacquired': {
        const { orderId, actor, atMs } = event;
        this.#resolvedShortfalls.set(orderId, { orderId, actor, atMs });
        return;
      }
      case 'StocktakeStarted': {
        const { stocktakeId, untilMs, actor, atMs } = event;
        const { sku, warehouse, quantity } = line;
        const begun = {
          status: 'COUNTING',
          untilMs,
          before: quantity,
          startedBy: actor,
          startedAtMs: atMs,
        } as const;
        const open = { counted: undefined, reason: '', endedBy: undefined, endedAtMs: undefined };
        const name = stocktakeName(stocktakeId, line);
        this.#stocktakes.set(name, { stocktakeId, sku, warehouse, ...begun, ...open });
        this.#endedStocktakes.delete(name);
        return;
      }
      case 'StocktakeCompleted':
        this.#endStocktake(event.stocktakeId, line, {
          status: 'COUNTED',
          counted: line.quantity,
          reason: event.reason,
          endedBy: event.actor,
          endedAtMs: event.atMs,
        });
        return;
      case 'StocktakeCancelled':
      case 'StocktakeLapsed':
        this.#endStocktake(event.stocktakeId, line, {
          status: event.type === 'StocktakeLapsed' ? 'LAPSED' : 'CANCELLED',
          counted: undefined,
          reason: '',
          endedBy: event.actor,
          endedAtMs: event.atMs,
        });
        return;
    }
  }

  #endStocktake(
    stocktakeId: string,
    line: EventLine,
    end: Omit<StocktakeEnd, 'stocktakeId' | 'sku' | 'warehouse'>,
  ): void {
    const name = stocktakeName(stocktakeId, line);
    const begun = this.#stocktakes.get(name);
    if (begun) this.#stocktakes.set(name, { ...begun, ...end });
    else {
      const { sku, warehouse } = line;
      this.#endedStocktakes.set(name, { stocktakeId, sku, warehouse, ...end });
    }
  }

  finish(): Documents {
    const transfers = [...this.#transfers].filter((state) => state.transfer !== state.stored);
    const documentsOf = (states: readonly TransferState[]) =>
      states.flatMap(({ transfer }) => transfer ?? []);
    return {
      newTransfers: documentsOf(transfers.filter(({ stored }) => !stored)),
      changedTransfers: documentsOf(transfers.filter(({ stored }) => stored)),
      proposals: this.#proposals,
      stocktakes: [...this.#stocktakes.values()],
      endedStocktakes: [...this.#endedStocktakes.values()],
      sales: [...this.#sales.values()],
      closedSales: [...this.#closedSales.values()],
      shortfalls: [...this.#shortfalls.values()].map(({ event: { orderId, actor, atMs }, lines }) => {
        return { orderId, lines, actor, atMs };
      }),
      resolvedShortfalls: [...this.#resolvedShortfalls.values()],
    };
  }
}

function stocktakeName(stocktakeId: string, { sku, warehouse }: EventLine): string {
  return `${stocktakeId} ${sku}@${warehouse}`;
}

/** Whether an event leaves more behind than entries, items and reservations. */
export function hasDocument(event: StockEvent): boolean {
  switch (event.type) {
    case 'InventoryReserved':
    case 'InventoryReleased':
      return false;
    case 'InventoryDeducted':
      return event.proposeTransferTo !== undefined;
    case 'InventoryReacquired':
    case 'PaymentCameShort':
    case 'StocktakeStarted':
    case 'StocktakeCompleted':
    case 'StocktakeCancelled':
    case 'StocktakeLapsed':
    case 'TransferDispatched':
    case 'TransferReceived':
    case 'TransferCancelled':
    case 'SaleScheduled':
    case 'SaleClosed':
      return true;
    default:
      return false;
  }
}
