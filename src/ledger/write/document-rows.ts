/**
 * Documents (see documents.ts) as rows: one statement a kind, none for a kind the chunk has nothing of.
 * Promises: a transfer changes only while it is in transit; a document that takes the place of an older one of the same
 * id (whose record in Redis had ended) replaces it as a whole. Refuses to know: whether they are right; the worker checked.
 */
import type pg from 'pg';
import { encodeLines } from '../../domain/language.ts';
import { type Columns, insertInto, instant, number, text, update, upsertInto } from './bulk-statement.ts';
import {
  type Documents,
  type ProposalWrite,
  RESOLVED_BY_REACQUIRING,
  type SaleDocument,
  type SaleEnd,
  type ShortfallEnd,
  type ShortfallWrite,
  type StocktakeDocument,
  type StocktakeEnd,
  type TransferDocument,
} from './documents.ts';

const TRANSFER: Columns<TransferDocument> = {
  transfer_id: text((transfer) => transfer.transferId),
  sku: text((transfer) => transfer.sku),
  from_warehouse: text((transfer) => transfer.from),
  to_warehouse: text((transfer) => transfer.to),
  quantity: number((transfer) => transfer.quantity),
  received: number((transfer) => transfer.received),
  rejected: number((transfer) => transfer.rejected),
  returned: number((transfer) => transfer.returned),
  status: text((transfer) => transfer.status, 'transfer_status'),
  operations: text(({ operations }) => (operations.length > 0 ? operations.join(';') : undefined)),
  reason: text((transfer) => transfer.reason || undefined),
  actor: text((transfer) => transfer.actor),
  dispatched_at: instant((transfer) => transfer.dispatchedAtMs),
  closed_at: instant((transfer) => transfer.closedAtMs),
};
const INSERT_TRANSFERS = insertInto('transfers', TRANSFER);
const UPDATE_TRANSFERS = update('transfers', TRANSFER, {
  name: 'update-transfers',
  key: ['transfer_id'],
  where: `t.status = 'IN_TRANSIT'`,
});
const REUSE_TRANSFERS = update('transfers', TRANSFER, {
  name: 'reuse-transfers',
  key: ['transfer_id'],
  where: `t.status <> 'IN_TRANSIT'`,
});

const PROPOSAL: Columns<ProposalWrite> = {
  order_id: text((proposal) => proposal.orderId),
  sku: text((proposal) => proposal.sku),
  from_warehouse: text((proposal) => proposal.from),
  to_warehouse: text((proposal) => proposal.to),
  quantity: number((proposal) => proposal.quantity),
  actor: text((proposal) => proposal.actor),
  at: instant((proposal) => proposal.atMs),
};
const INSERT_PROPOSALS = insertInto('transfer_proposals', PROPOSAL);

const STOCKTAKE_KEY = ['stocktake_id', 'sku', 'warehouse'];
const STOCKTAKE_END: Columns<StocktakeDocument | StocktakeEnd> = {
  stocktake_id: text((line) => line.stocktakeId),
  sku: text((line) => line.sku),
  warehouse: text((line) => line.warehouse),
  status: text((line) => line.status, 'stocktake_status'),
  counted: number((line) => line.counted),
  reason: text((line) => line.reason || undefined),
  ended_by: text((line) => line.endedBy),
  ended_at: instant((line) => line.endedAtMs),
};
const STOCKTAKE: Columns<StocktakeDocument> = {
  ...STOCKTAKE_END,
  until_at: instant((line) => line.untilMs),
  total_before: number((line) => line.before),
  started_by: text((line) => line.startedBy),
  started_at: instant((line) => line.startedAtMs),
};
const UPSERT_STOCKTAKES = upsertInto('stocktake_lines', STOCKTAKE, `(${STOCKTAKE_KEY})`);
const END_STOCKTAKES = update('stocktake_lines', STOCKTAKE_END, {
  name: 'end-stocktakes',
  key: STOCKTAKE_KEY,
  where: `t.status = 'COUNTING'`,
});

const SALE_END: Columns<SaleDocument | SaleEnd> = {
  sale_id: text((sale) => sale.saleId),
  closed_by: text((sale) => sale.closedBy),
  closed_at: instant((sale) => sale.closedAtMs),
};
const SALE: Columns<SaleDocument> = {
  ...SALE_END,
  sku: text((sale) => sale.sku),
  opens_at: instant((sale) => sale.opensAtMs),
  closes_at: instant((sale) => sale.closesAtMs),
  quantity: number((sale) => sale.quantity),
  limit_per_customer: number((sale) => sale.limitPerCustomer),
  scheduled_by: text((sale) => sale.scheduledBy),
  scheduled_at: instant((sale) => sale.scheduledAtMs),
};
const UPSERT_SALES = upsertInto('sales', SALE, '(sale_id)');
const CLOSE_SALES = update('sales', SALE_END, {
  name: 'close-sales',
  key: ['sale_id'],
  where: 't.closed_at IS NULL',
});

const SHORTFALL: Columns<ShortfallWrite> = {
  order_id: text((shortfall) => shortfall.orderId),
  lines: text((shortfall) => encodeLines(shortfall.lines)),
  actor: text((shortfall) => shortfall.actor),
  at: instant((shortfall) => shortfall.atMs),
};
const UPSERT_SHORTFALLS = upsertInto('shortfalls', SHORTFALL, '(order_id) WHERE resolved_at IS NULL');
const SHORTFALL_END: Columns<ShortfallEnd> = {
  order_id: text((end) => end.orderId),
  resolution: text(() => RESOLVED_BY_REACQUIRING),
  resolved_by: text((end) => end.actor),
  resolved_at: instant((end) => end.atMs),
};
const RESOLVE_SHORTFALLS = update('shortfalls', SHORTFALL_END, {
  name: 'resolve-shortfalls',
  key: ['order_id'],
  where: 't.resolved_at IS NULL',
});

/**
 * Writes the documents of a chunk.
 * @throws {ConcurrentModification} where a transfer was not in transit; a unique violation where one thought new is known
 */
export async function writeDocuments(client: pg.ClientBase, documents: Documents): Promise<void> {
  await INSERT_TRANSFERS.run(client, INSERT_TRANSFERS.valuesOf(documents.newTransfers));
  await UPDATE_TRANSFERS.runForAll(client, UPDATE_TRANSFERS.valuesOf(documents.changedTransfers));
  await REUSE_TRANSFERS.runForAll(client, REUSE_TRANSFERS.valuesOf(documents.reusedTransfers));
  await INSERT_PROPOSALS.run(client, INSERT_PROPOSALS.valuesOf(documents.proposals));
  await UPSERT_STOCKTAKES.run(client, UPSERT_STOCKTAKES.valuesOf(documents.stocktakes));
  await END_STOCKTAKES.run(client, END_STOCKTAKES.valuesOf(documents.endedStocktakes));
  await UPSERT_SALES.run(client, UPSERT_SALES.valuesOf(documents.sales));
  await CLOSE_SALES.run(client, CLOSE_SALES.valuesOf(documents.closedSales));
  await UPSERT_SHORTFALLS.run(client, UPSERT_SHORTFALLS.valuesOf(documents.shortfalls));
  await RESOLVE_SHORTFALLS.run(client, RESOLVE_SHORTFALLS.valuesOf(documents.resolvedShortfalls));
}
