/** The queries of the validator, answered from maps. */
import type { Reservation } from '../../src/domain/reservation.ts';
import type { LedgerItem } from '../../src/ledger/read/worker-queries.ts';
import type { TransferDocument } from '../../src/ledger/write/documents.ts';
import type { BookedMovement } from '../../src/worker/carry/state-cache.ts';

/** A ledger of maps that notes what it was asked for. */
export class MapLedger {
  readonly items = new Map<string, LedgerItem>();
  readonly reservations = new Map<string, Reservation>();
  readonly movements = new Map<string, BookedMovement>();
  readonly transfers = new Map<string, TransferDocument>();
  readonly asked: string[][] = [];

  async loadItems(names: readonly { sku: string; warehouse: string }[]): Promise<LedgerItem[]> {
    const wanted = names.map(({ sku, warehouse }) => `${sku}@${warehouse}`);
    if (wanted.length > 0) this.asked.push(wanted);
    return wanted.flatMap((name) => this.items.get(name) ?? []);
  }
  async loadReservations(orderIds: readonly string[]): Promise<Reservation[]> {
    if (orderIds.length > 0) this.asked.push([...orderIds]);
    return orderIds.flatMap((orderId) => this.reservations.get(orderId) ?? []);
  }
  async loadTransfers(transferIds: readonly string[]): Promise<TransferDocument[]> {
    this.asked.push([...transferIds]);
    return transferIds.flatMap((transferId) => this.transfers.get(transferId) ?? []);
  }
  async movementRecords(ids: readonly string[]): Promise<BookedMovement[]> {
    return ids.flatMap((id) => this.movements.get(id) ?? []);
  }
}
