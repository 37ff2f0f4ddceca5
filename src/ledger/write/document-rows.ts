/**
 * Documents as rows, in bulk: one statement a kind, none for a kind the chunk has nothing of.
 * Promises: a transfer changes only while it is in transit; a document that takes the place of an older one of its name
 * (its hot record had ended) does so as a whole. Refuses to know: whether they are right; they were judged.
 */
import type pg from 'pg';
import { linesText } from '../../domain/language.ts';
import { ConcurrentModification } from '../errors.ts';
import { numberArray, secondsArray, textArray } from './bulk-text.ts';
import { type Documents, RESOLVED_BY_REACQUIRING, type TransferDocument } from './documents.ts';

const UNNESTED_TRANSFERS = `unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::int[],
  $9::transfer_status[], $10::text[], $11::text[], $12::text[], $13::float8[], $14::float8[]) AS u(transfer_id, sku,
  from_warehouse, to_warehouse, quantity, received, rejected, returned, status, operations, reason, actor, dispatched_at,
  closed_at)`;
const INSERT_TRANSFERS = `INSERT INTO transfers (transfer_id, sku, from_warehouse, to_warehouse, quantity, received,
    rejected, returned, status, operations, reason, actor, dispatched_at, closed_at)
  SELECT transfer_id, sku, from_warehouse, to_warehouse, quantity, received, rejected, returned, status, operations, reason,
    actor, to_timestamp(dispatched_at), to_timestamp(closed_at) FROM ${UNNESTED_TRANSFERS}`;
const UPDATE_TRANSFERS = `UPDATE transfers AS t SET received = u.received, rejected = u.rejected, returned = u.returned,
    status = u.status, operations = u.operations, closed_at = to_timestamp(u.closed_at)
  FROM ${UNNESTED_TRANSFERS} WHERE t.transfer_id = u.transfer_id AND t.status = 'IN_TRANSIT'`;

const INSERT_PROPOSALS = `INSERT INTO transfer_proposals (order_id, sku, from_warehouse, to_warehouse, quantity, actor, at)
  SELECT order_id, sku, from_warehouse, to_warehouse, quantity, actor, to_timestamp(at)
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::float8[])
    AS u(order_id, sku, from_warehouse, to_warehouse, quantity, actor, at)`;

const UPSERT_STOCKTAKES = `INSERT INTO stocktake_lines (stocktake_id, sku, warehouse, status, until_at, total_before, counted,
    reason, started_by, started_at, ended_by, ended_at)
  SELECT stocktake_id, sku, warehouse, status, to_timestamp(until_at), total_before, counted, reason, started_by,
    to_timestamp(started_at), ended_by, to_timestamp(ended_at)
  FROM unnest($1::text[], $2::text[], $3::text[], $4::stocktake_status[], $5::float8[], $6::int[], $7::int[], $8::text[],
      $9::text[], $10::float8[], $11::text[], $12::float8[])
    AS u(stocktake_id, sku, warehouse, status, until_at, total_before, counted, reason, started_by, started_at, ended_by,
      ended_at)
  ON CONFLICT (stocktake_id, sku, warehouse) DO UPDATE SET status = excluded.status, until_at = excluded.until_at,
    total_before = excluded.total_before, counted = excluded.counted, reason = excluded.reason,
    started_by = excluded.started_by, started_at = excluded.started_at, ended_by = excluded.ended_by,
    ended_at = excluded.ended_at`;
const END_STOCKTAKES = `UPDATE stocktake_lines AS s SET status = u.status, counted = u.counted, reason = u.reason,
    ended_by = u.ended_by, ended_at = to_timestamp(u.ended_at)
  FROM unnest($1::text[], $2::text[], $3::text[], $4::stocktake_status[], $5::int[], $6::text[], $7::text[], $8::float8[])
    AS u(stocktake_id, sku, warehouse, status, counted, reason, ended_by, ended_at)
  WHERE s.stocktake_id = u.stocktake_id AND s.sku = u.sku AND s.warehouse = u.warehouse AND s.status = 'COUNTING'`;

const UPSERT_SALES = `INSERT INTO sales (sale_id, sku, opens_at, closes_at, quantity, limit_per_customer, scheduled_by,
    scheduled_at, closed_by, closed_at)
  SELECT sale_id, sku, to_timestamp(opens_at), to_timestamp(closes_at), quantity, limit_per_customer, scheduled_by,
    to_timestamp(scheduled_at), closed_by, to_timestamp(closed_at)
  FROM unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::int[], $6::int[], $7::text[], $8::float8[],
      $9::text[], $10::float8[])
    AS u(sale_id, sku, opens_at, closes_at, quantity, limit_per_customer, scheduled_by, scheduled_at, closed_by, closed_at)
  ON CONFLICT (sale_id) DO UPDATE SET sku = excluded.sku, opens_at = excluded.opens_at, closes_at = excluded.closes_at,
    quantity = excluded.quantity, limit_per_customer = excluded.limit_per_customer, scheduled_by = excluded.scheduled_by,
    scheduled_at = excluded.scheduled_at, closed_by = excluded.closed_by, closed_at = excluded.closed_at`;
const CLOSE_SALES = `UPDATE sales AS s SET closed_by = u.closed_by, closed_at = to_timestamp(u.closed_at)
  FROM unnest($1::text[], $2::text[], $3::float8[]) AS u(sale_id, closed_by, closed_at)
  WHERE s.sale_id = u.sale_id AND s.closed_at IS NULL`;

const UPSERT_SHORTFALLS = `INSERT INTO shortfalls (order_id, lines, actor, at)
  SELECT order_id, lines, actor, to_timestamp(at)
  FROM unnest($1::text[], $2::text[], $3::text[], $4::float8[]) AS u(order_id, lines, actor, at)
  ON CONFLICT (order_id) WHERE resolved_at IS NULL
    DO UPDATE SET lines = excluded.lines, actor = excluded.actor, at = excluded.at`;
const RESOLVE_SHORTFALLS = `UPDATE shortfalls AS s
  SET resolved_at = to_timestamp(u.at), resolved_by = u.actor, resolution = '${RESOLVED_BY_REACQUIRING}'
  FROM unnest($1::text[], $2::text[], $3::float8[]) AS u(order_id, actor, at)
  WHERE s.order_id = u.order_id AND s.resolved_at IS NULL`;

/** @throws {ConcurrentModification}; a unique violation where a transfer thought new is known */
export async function writeDocuments(client: pg.ClientBase, documents: Documents): Promise<void> {
  await writeTransfers(client, documents);
  await write(client, INSERT_PROPOSALS, documents.proposals, (all) => [
    textArray(all.map((proposal) => proposal.orderId)),
    textArray(all.map((proposal) => proposal.sku)),
    textArray(all.map((proposal) => proposal.from)),
    textArray(all.map((proposal) => proposal.to)),
    numberArray(all.map((proposal) => proposal.quantity)),
    textArray(all.map((proposal) => proposal.actor)),
    secondsArray(all.map((proposal) => proposal.atMs)),
  ]);
  await writeStocktakes(client, documents);
  await writeSales(client, documents);
  await write(client, UPSERT_SHORTFALLS, documents.shortfalls, (all) => [
    textArray(all.map((shortfall) => shortfall.orderId)),
    textArray(all.map((shortfall) => linesText(shortfall.lines))),
    textArray(all.map((shortfall) => shortfall.actor)),
    secondsArray(all.map((shortfall) => shortfall.atMs)),
  ]);
  await write(client, RESOLVE_SHORTFALLS, documents.resolvedShortfalls, (all) => [
    textArray(all.map((end) => end.orderId)),
    textArray(all.map((end) => end.actor)),
    secondsArray(all.map((end) => end.atMs)),
  ]);
}

async function writeTransfers(client: pg.ClientBase, documents: Documents): Promise<void> {
  await write(client, INSERT_TRANSFERS, documents.newTransfers, transferColumns);
  const { changedTransfers } = documents;
  const rows = await write(client, UPDATE_TRANSFERS, changedTransfers, transferColumns);
  if (rows !== changedTransfers.length) {
    throw new ConcurrentModification('update-transfers', changedTransfers.length, rows);
  }
}

function transferColumns(all: readonly TransferDocument[]): string[] {
  return [
    textArray(all.map((transfer) => transfer.transferId)),
    textArray(all.map((transfer) => transfer.sku)),
    textArray(all.map((transfer) => transfer.from)),
    textArray(all.map((transfer) => transfer.to)),
    numberArray(all.map((transfer) => transfer.quantity)),
    numberArray(all.map((transfer) => transfer.received)),
    numberArray(all.map((transfer) => transfer.rejected)),
    numberArray(all.map((transfer) => transfer.returned)),
    textArray(all.map((transfer) => transfer.status)),
    textArray(all.map(({ operations }) => (operations.length > 0 ? operations.join(';') : undefined))),
    textArray(all.map((transfer) => transfer.reason || undefined)),
    textArray(all.map((transfer) => transfer.actor)),
    secondsArray(all.map((transfer) => transfer.dispatchedAtMs)),
    secondsArray(all.map((transfer) => transfer.closedAtMs)),
  ];
}

async function writeStocktakes(client: pg.ClientBase, documents: Documents): Promise<void> {
  await write(client, UPSERT_STOCKTAKES, documents.stocktakes, (all) => [
    textArray(all.map((line) => line.stocktakeId)),
    textArray(all.map((line) => line.sku)),
    textArray(all.map((line) => line.warehouse)),
    textArray(all.map((line) => line.status)),
    secondsArray(all.map((line) => line.untilMs)),
    numberArray(all.map((line) => line.before)),
    numberArray(all.map((line) => line.counted)),
    textArray(all.map((line) => line.reason || undefined)),
    textArray(all.map((line) => line.startedBy)),
    secondsArray(all.map((line) => line.startedAtMs)),
    textArray(all.map((line) => line.endedBy)),
    secondsArray(all.map((line) => line.endedAtMs)),
  ]);
  await write(client, END_STOCKTAKES, documents.endedStocktakes, (all) => [
    textArray(all.map((line) => line.stocktakeId)),
    textArray(all.map((line) => line.sku)),
    textArray(all.map((line) => line.warehouse)),
    textArray(all.map((line) => line.status)),
    numberArray(all.map((line) => line.counted)),
    textArray(all.map((line) => line.reason || undefined)),
    textArray(all.map((line) => line.endedBy)),
    secondsArray(all.map((line) => line.endedAtMs)),
  ]);
}

async function writeSales(client: pg.ClientBase, documents: Documents): Promise<void> {
  await write(client, UPSERT_SALES, documents.sales, (all) => [
    textArray(all.map((sale) => sale.saleId)),
    textArray(all.map((sale) => sale.sku)),
    secondsArray(all.map((sale) => sale.opensAtMs)),
    secondsArray(all.map((sale) => sale.closesAtMs)),
    numberArray(all.map((sale) => sale.quantity)),
    numberArray(all.map((sale) => sale.limitPerCustomer)),
    textArray(all.map((sale) => sale.scheduledBy)),
    secondsArray(all.map((sale) => sale.scheduledAtMs)),
    textArray(all.map((sale) => sale.closedBy)),
    secondsArray(all.map((sale) => sale.closedAtMs)),
  ]);
  await write(client, CLOSE_SALES, documents.closedSales, (all) => [
    textArray(all.map((end) => end.saleId)),
    textArray(all.map((end) => end.closedBy)),
    secondsArray(all.map((end) => end.closedAtMs)),
  ]);
}

/** Answers how many rows it wrote. */
async function write<D>(
  client: pg.ClientBase,
  text: string,
  all: readonly D[],
  columns: (all: readonly D[]) => string[],
): Promise<number> {
  if (all.length === 0) return 0;
  return (await client.query(text, columns(all))).rowCount ?? 0;
}
